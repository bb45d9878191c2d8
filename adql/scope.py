"""What names mean in a place of a query: the tables in reach and their columns (ADQL 2.1 §2.1.7, §2.2).

Regular identifiers match whatever the case, delimited ones exactly.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from adql.called_elsewhere import NO_PRESENT_MOMENT
from adql.errors import AdqlError, AmbiguousName, Suggestion, UnknownColumn, UnknownTable, nearest
from adql.info import Info
from adql.nodes import ColumnReference, Field, Identifier, Output, Value
from schema import types
from schema.model import Column, Table, quoted_if_needed, string_literal


@dataclass(frozen=True, slots=True)
class Visible:
    """A column in reach: its name and the value it stands for."""

    name: str
    delimited: bool
    value: Value
    folded: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded", self.name.lower())

    def matches(self, identifier: Identifier) -> bool:
        if identifier.delimited:
            return self.name == identifier.name
        return self.folded == identifier.name.lower()


def matching(columns: Iterable[Visible], name: Identifier) -> list[Value]:
    """Return the values of the columns that a name can mean. A table may have hundreds, so each is compared once and briefly."""
    folded = name.name.lower()
    return [c.value for c in columns if c.folded == folded and (not name.delimited or c.name == name.name)]


@dataclass(frozen=True, slots=True)
class Source:
    """A table in FROM: the names it answers to (alias, or schema and table), and its columns."""

    names: tuple[Identifier, ...]
    columns: tuple[Visible, ...]

    def answers_to(self, qualifier: tuple[Identifier, ...]) -> bool:
        """Return whether a qualifier means this table: `t` and `s.t` mean s.t."""
        names = self.names[-len(qualifier) :] if len(qualifier) <= len(self.names) else ()
        return bool(names) and all(
            q.matches(n.name, exactly=n.delimited and q.delimited) for q, n in zip(qualifier, names, strict=True)
        )

    @property
    def name(self) -> str:
        return ".".join(part.name for part in self.names)


def table_columns(table: Table, alias: str) -> tuple[Visible, ...]:
    """Return the columns of a published table under its alias in the SQL. The table keeps them: the next query has the same."""
    columns: tuple[Visible, ...] | None = table.derived.get(alias)
    if columns is None:
        columns = tuple(
            Visible(c.name, c.is_delimited, _field(c, alias, _source(table, c, alias))) for c in table.columns
        )
        table.derived[alias] = columns
    return columns


def _source(table: Table, column: Column, alias: str) -> tuple[str, str, str] | None:
    return (table.table_name, column.name, alias) if table.leads_somewhere else None


def _field(column: Column, alias: str, source: tuple[str, str, str] | None) -> Field:
    info = Info(
        column.type,
        column.unit,
        column.ucd,
        column.utype,
        column.description,
        column.arraysize,
        column.xtype,
        bounds=column.bounds,
        coordinates=column.coordinates,
        source=source,
    )
    return Field(alias, column.stored, column.name, info=info)


def output_columns(outputs: tuple[Output, ...], alias: str) -> tuple[Visible, ...]:
    """Return the columns of a query in FROM; one that is nothing but NULL is text there, as in PostgreSQL."""
    typed = [_seen_through(o.info, alias) for o in outputs]
    return tuple(
        Visible(o.name, o.delimited, Field(alias, o.sql_name, o.name, info=info))
        for o, info in zip(outputs, typed, strict=True)
    )


def _seen_through(info: Info, alias: str) -> Info:
    """Return what is known of a column of a query in FROM; its rows are others than those of the same query under another alias."""
    source = (*info.source[:2], f"{alias}.{info.source[2]}") if info.source else None
    return replace(info, type=info.type or types.TEXT, coordinates=None, source=source)


@dataclass(frozen=True)
class Scope:
    """The tables of a query (or of one join), and around them those of the queries it stands in.

    `visible` are the columns that a name without a table can mean: with USING and NATURAL joins,
    the joined columns stand there once. `aliases` are the names of the SELECT list where they count,
    `later` where they do not.
    """

    sources: tuple[Source, ...] = ()
    visible: tuple[Visible, ...] = ()
    parent: "Scope | None" = None
    aliases: tuple[Visible, ...] = ()
    out_of_reach: tuple[Source, ...] = field(default=())
    later: tuple[Visible, ...] = ()

    def column(self, reference: ColumnReference) -> Value:
        """Return what a name means. Raises: UnknownName, or AdqlError for a name that may mean two columns."""
        *qualifier, name = reference.parts
        scope: Scope | None = self
        while scope is not None:
            matches = list(scope.candidates(tuple(qualifier), name))
            if len(matches) == 1:
                return matches[0]
            if matches:
                raise self._ambiguous(reference)
            scope = scope.parent
        raise self._unknown(reference)

    def candidates(self, qualifier: tuple[Identifier, ...], name: Identifier) -> Iterator[Value]:
        if qualifier:
            for source in self.named(qualifier):
                yield from matching(source.columns, name)
            return
        yield from matching(self.visible, name) or matching(self.aliases, name)

    def named(self, qualifier: tuple[Identifier, ...]) -> list[Source]:
        return [s for s in self.sources if s.answers_to(qualifier)]

    def source(self, qualifier: tuple[Identifier, ...]) -> Source:
        """Return the table that `t.*` means. Raises: UnknownName, or AdqlError for a name that may mean two tables."""
        matches = self.named(qualifier)
        if len(matches) == 1:
            return matches[0]
        shown = ".".join(q.name for q in qualifier)
        span = qualifier[0].span.to(qualifier[-1].span)
        if matches:
            raise AmbiguousName(f"{shown} may mean two tables of this query", span, "Give them aliases.")
        raise UnknownTable(f"No table of this query is called {shown}", span, self._table_hint(shown))

    # ---- errors

    def _everything(self) -> Iterator["Scope"]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def _ambiguous(self, reference: ColumnReference) -> AdqlError:
        name = reference.parts[-1]
        owners = [s.name for s in self.sources if any(c.matches(name) for c in s.columns)]
        written = [c.name for s in self.sources for c in s.columns if c.matches(name)]
        if len(set(written)) > 1 and len(set(owners)) == 1:
            quoted = " or ".join(f'"{spelling}"' for spelling in written)
            return AmbiguousName(f"Columns differ from {name.name} in case only", reference.span, f"Write {quoted}.")
        hint = "Say which: " + " or ".join(f"{owner.rsplit('.', 1)[-1]}.{name.name}" for owner in owners) + "."
        return AmbiguousName(f"The column {name.name} is in several tables", reference.span, hint if owners else None)

    def _unknown(self, reference: ColumnReference) -> AdqlError:
        *qualifier, name = reference.parts
        if qualifier:
            return self._unknown_in_table(reference, tuple(qualifier), name)
        if any(c.matches(name) for s in self.out_of_reach for c in s.columns):
            return self._not_in_reach(reference)
        columns = [column for scope in self._everything() for column in scope.visible]
        hint = self._later(name) or _nearest_column(name, columns) or _maybe_string(name) or _all_columns(columns)
        error = UnknownColumn(f"There is no column {name.name}", reference.span, hint)
        error.name = None if name.delimited else name.name
        return error

    def _later(self, name: Identifier) -> str | None:
        if any(c.matches(name) for scope in self._everything() for c in scope.later):
            return f"{name.name} is named in the SELECT list, which comes after WHERE: write its expression here."
        return _NO_COLUMNS.get(name.name.upper())

    def _unknown_in_table(
        self, reference: ColumnReference, qualifier: tuple[Identifier, ...], name: Identifier
    ) -> AdqlError:
        for scope in self._everything():
            for source in scope.named(qualifier):
                hint = _nearest_column(name, source.columns) or _all_columns(source.columns)
                return UnknownColumn(f"{source.name} has no column {name.name}", reference.span, hint)
        if any(s.answers_to(qualifier) for s in self.out_of_reach):
            return self._not_in_reach(reference)
        shown = ".".join(q.name for q in qualifier)
        return UnknownTable(f"No table of this query is called {shown}", reference.span, self._table_hint(shown))

    def _not_in_reach(self, reference: ColumnReference) -> AdqlError:
        shown = ".".join(part.name for part in reference.parts)
        return UnknownColumn(
            f"{shown} cannot be used in this ON: it belongs to a table outside of the JOIN",
            reference.span,
            "JOIN binds tighter than the comma: put that table into the JOIN, or the condition into WHERE.",
        )

    def _table_hint(self, name: str) -> str | None:
        names = [s.name for scope in self._everything() for s in scope.sources]
        shown = nearest(name, names) or (f"Tables of this query: {', '.join(names)}." if names else None)
        aliased = [s for scope in self._everything() for s in scope.sources if len(s.names) == 1]
        if aliased and not nearest(name, names):
            return f"{shown} A table that has an alias is called by it only."
        return shown


_FEW = 12
_NO_COLUMNS = {
    "PERCENT": "TOP takes a number of rows, not a share of them.",
    "ROWNUM": "Write SELECT TOP n for the first n rows.",
    "NAN": "Numbers that are not there are NULL: write x IS NULL.",
    "SYSDATE": NO_PRESENT_MOMENT,
}
"""Words of other languages that look like columns."""


def _nearest_column(name: Identifier, columns: Iterable[Visible]) -> str | None:
    """Return a hint with the names most like this one, as a query has to write them."""
    written = {c.name: quoted_if_needed(c.name) for c in columns}
    return nearest(name.name, list(written), written=written.__getitem__)


def _all_columns(columns: Iterable[Visible]) -> str | None:
    names = list(dict.fromkeys(quoted_if_needed(c.name) for c in columns))
    return f"There are {', '.join(names)}." if 0 < len(names) <= _FEW else None


def _maybe_string(name: Identifier) -> str | None:
    if not name.delimited:
        return None
    string = string_literal(name.name)
    hint = f"Double quotes are for names; a string stands in single quotes: {string}."
    return Suggestion.of(hint, name.name, (string,))
