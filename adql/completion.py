"""What may stand at a place of a query that is being written: tables, columns, functions, words of the language.

The query need not be one yet, so the tables in reach are found by FROM, JOIN and the commas between, not by parsing.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from adql.calls import AGGREGATES
from adql.errors import AdqlError
from adql.functions import FUNCTIONS
from adql.functions.function import Function
from adql.nodes import Output
from adql.parse import parse
from adql.resolve import resolve
from adql.tokens import DELIMITED, NUMBER, STRING, UNFINISHED, WORD, Token, tokens_of_unfinished
from schema.model import Catalogue, Column, Table, quoted_if_needed
from schema.words import RESERVED

_KEYWORDS = tuple(
    """SELECT DISTINCT TOP FROM WHERE GROUP BY HAVING ORDER ASC DESC OFFSET JOIN LEFT RIGHT FULL INNER OUTER CROSS NATURAL
    ON USING AS AND OR NOT IN LIKE ILIKE BETWEEN IS NULL EXISTS UNION INTERSECT EXCEPT ALL WITH CASE WHEN THEN ELSE END
    CAST OVER PARTITION""".split()
)
_BEFORE_TABLES = frozenset({"FROM", "JOIN"})
_CLAUSES = _BEFORE_TABLES | frozenset("WITH SELECT WHERE GROUP HAVING ORDER OFFSET UNION INTERSECT EXCEPT".split())
_NAMES = frozenset({WORD, DELIMITED})
_COMMENT = re.compile(r"--[^\n]*(?:\n|(?P<open>\Z))|/\*.*?(?:\*/|(?P<unclosed>\Z))", re.DOTALL)
_MOST = 200
_LONGEST = 20_000
"""Characters of a text that somebody writes; longer ones were pasted."""
_MOST_QUERIES = 20
"""Queries in FROM and WITH whose columns are looked up; each costs a translation."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that may be written; `kind` is table, schema, column, function or keyword, `detail` one line about it."""

    label: str
    kind: str
    detail: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """Options for the text from `start` on; `complete`: there are no more of them."""

    start: int
    options: tuple[Option, ...] = ()
    complete: bool = True


def complete(text: str, offset: int, catalogue: Catalogue) -> Completion:
    """Return what may stand at an offset of a text, the likeliest first."""
    tokens = tokens_of_unfinished(text, offset) if len(text) <= _LONGEST else []
    before = [token for token in tokens if token.start < offset]
    if _is_inside_value(before, offset) or _is_in_comment(text[before[-1].end if before else 0 : offset]):
        return Completion(offset)
    prefix = before.pop() if before and before[-1].kind in _NAMES and before[-1].end >= offset else None
    start = prefix.start if prefix else offset
    written = text[start:offset].replace('"', "").lower()
    place = _Reading(text, catalogue).place(tokens, start)
    options = [option for option in _options(place, _qualifier(before), catalogue) if written in _bare(option)]
    options.sort(key=lambda option: not _bare(option).startswith(written))
    return Completion(start, tuple(options[:_MOST]), len(options) <= _MOST)


def _is_inside_value(before: Sequence[Token], offset: int) -> bool:
    """Return whether the last token is a number, or a string that goes on."""
    if not before:
        return False
    last = before[-1]
    return (
        last.kind == UNFINISHED
        or (last.kind == NUMBER and offset <= last.end)
        or (last.kind == STRING and offset < last.end)
    )


def _is_in_comment(gap: str) -> bool:
    """Return whether the text between a token and a place ends in a comment."""
    *_, last = None, *_COMMENT.finditer(gap)
    return last is not None and last.lastgroup is not None


def _bare(option: Option) -> str:
    return option.label.replace('"', "").lower()


def _qualifier(before: Sequence[Token]) -> tuple[str, ...]:
    """Return the names before the dots that end here: `demo.stars.` is ("demo", "stars")."""
    names: list[str] = []
    index = len(before) - 1
    while index > 0 and before[index].value == "." and before[index - 1].kind in _NAMES:
        names.insert(0, _name(before[index - 1]))
        index -= 2
    return tuple(names)


def _name(token: Token) -> str:
    return token.value[1:-1].replace('""', '"') if token.kind == DELIMITED else token.value


@dataclass(frozen=True, slots=True)
class _Source:
    """What rows come from: a table or a query, and its columns as options."""

    name: str = ""
    columns: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one writes: whether a table comes next, what is in reach by its name, and the queries that WITH has named."""

    wants_table: bool
    sources: dict[str, _Source]
    queries: dict[str, _Source]


@dataclass(slots=True)
class _Level:
    """What is known between two parentheses: the clause that is being written, and whether a table comes next in it.

    `start` is where its text begins; `named` the name that WITH gives the query that comes next; `unnests`: arrays stand in it.
    """

    clause: str = ""
    wants_table: bool = False
    is_query: bool = False
    start: int = 0
    named: str = ""
    unnests: bool = False


class _Reading:
    """Reads the tokens of a query once, for its tables."""

    def __init__(self, text: str, catalogue: Catalogue) -> None:
        self._text = text
        self._catalogue = catalogue
        self._levels = [_Level()]
        self._sources: dict[str, _Source] = {}
        self._queries: dict[str, _Source] = {}
        self._with = ""
        self._left = _MOST_QUERIES

    def place(self, tokens: Sequence[Token], start: int) -> _Place:
        """Return what is known of the place at `start` once all of the query is read."""
        wants_table: bool | None = None
        index = 0
        while index < len(tokens):
            if wants_table is None and tokens[index].start >= start:
                wants_table = self._levels[-1].wants_table
            index = self._read(tokens, index)
        wants = self._levels[-1].wants_table if wants_table is None else wants_table
        return _Place(wants, self._sources, self._queries)

    def _read(self, tokens: Sequence[Token], index: int) -> int:
        """Read one token, or a table with its alias; return the index of the next."""
        token, level = tokens[index], self._levels[-1]
        word = token.value.upper() if token.kind == WORD else token.value
        if word == "(":
            clause = "FROM" if level.wants_table else ""
            self._levels.append(_Level(clause, level.wants_table, start=token.end))
            level.wants_table = False
        elif word == ")" and len(self._levels) > 1:
            return self._close(tokens, index)
        elif word == "UNNEST" and level.wants_table and _follows(tokens, index, "("):
            level.wants_table = False
            self._levels.append(_Level(start=index + 2, unnests=True))
            return index + 2
        elif word in _CLAUSES:
            level.clause, level.wants_table = word, word in _BEFORE_TABLES
            level.is_query = level.is_query or word == "SELECT"
        elif word == ",":
            level.wants_table = level.clause in _BEFORE_TABLES
        elif level.clause == "WITH" and token.kind in _NAMES and _follows(tokens, index, "AS"):
            level.named = _name(token)
            self._queries[level.named.lower()] = _Source(level.named)
        elif level.wants_table and token.kind in _NAMES and word not in RESERVED:
            level.wants_table = False
            return self._table(tokens, index)
        return index + 1

    def _close(self, tokens: Sequence[Token], index: int) -> int:
        closed, token = self._levels.pop(), tokens[index]
        if closed.unnests:
            return self._elements(tokens, closed.start, index)
        level, alias = self._levels[-1], _alias(tokens, index + 1)
        if closed.is_query and level.clause in _BEFORE_TABLES and alias:
            self._sources[alias.lower()] = _Source("a query", self._columns(closed.start, token.start))
        elif closed.is_query and level.clause == "WITH" and level.named:
            query = _Source(level.named, self._columns(closed.start, token.start))
            self._queries[level.named.lower()] = query
            named = f"{quoted_if_needed(level.named)} AS ({self._text[closed.start : token.start]})"
            self._with = f"{self._with}, {named}" if self._with else f"WITH {named}"
            level.named = ""
        return index + 1

    def _elements(self, tokens: Sequence[Token], start: int, closing: int) -> int:
        """Read what follows the arrays of UNNEST, tokens from `start` to `closing`; without names its columns are called like these."""
        index = closing + 1
        ordinality = ["ordinality"] if _follows(tokens, index, "ORDINALITY") else []
        index += 2 * len(ordinality)
        alias = _alias(tokens, index)
        index += 0 if alias is None else 2 if tokens[index].value.upper() == "AS" else 1
        names = _names_before_commas(tokens[start:closing])
        if alias and index < len(tokens) and tokens[index].value == "(":
            end = next((i for i in range(index, len(tokens)) if tokens[i].value == ")"), len(tokens) - 1)
            names, ordinality = [_name(token) for token in tokens[index:end] if token.kind in _NAMES], []
            index = end + 1
        columns = [Option(quoted_if_needed(name), "column", "of the elements") for name in (*names, *ordinality)]
        self._sources[(alias or "").lower()] = _Source("elements", tuple(columns))
        return index

    def _columns(self, start: int, end: int) -> tuple[Option, ...]:
        """Return the columns of a query that stands here; none where it is not right yet."""
        self._left -= 1
        if self._left < 0:
            return ()
        try:
            query, _ = resolve(parse(f"{self._with} {self._text[start:end]}"), self._catalogue)
        except (AdqlError, RecursionError):
            return ()
        return tuple(map(_of_output, query.outputs))

    def _table(self, tokens: Sequence[Token], index: int) -> int:
        names = [_name(tokens[index])]
        index += 1
        while index + 1 < len(tokens) and tokens[index].value == "." and tokens[index + 1].kind in _NAMES:
            names.append(_name(tokens[index + 1]))
            index += 2
        alias = (_alias(tokens, index) or names[-1]).lower()
        query = self._queries.get(names[0].lower()) if len(names) == 1 else None
        matches = [] if query else self._catalogue.find(tuple(names))
        self._sources[alias] = query or (_of_source(matches[0]) if len(matches) == 1 else _Source())
        return index


def _names_before_commas(tokens: Sequence[Token]) -> list[str]:
    ends = [index for index, token in enumerate(tokens) if token.value == ","]
    last = [tokens[end - 1] for end in (*ends, len(tokens)) if end]
    return [_name(token) for token in last if token.kind in _NAMES]


def _follows(tokens: Sequence[Token], index: int, word: str) -> bool:
    return index + 1 < len(tokens) and tokens[index + 1].value.upper() == word


def _alias(tokens: Sequence[Token], index: int) -> str | None:
    if index < len(tokens) and tokens[index].value.upper() == "AS":
        index += 1
    if index >= len(tokens) or tokens[index].kind not in _NAMES:
        return None
    is_word = tokens[index].kind == WORD and tokens[index].value.upper() in RESERVED
    return None if is_word else _name(tokens[index])


def _options(place: _Place, qualifier: tuple[str, ...], catalogue: Catalogue) -> Iterator[Option]:
    if qualifier:
        yield from _behind(qualifier, place, catalogue)
        return
    if place.wants_table:
        yield from (Option(quoted_if_needed(query.name), "table", "of WITH") for query in place.queries.values())
        yield Option("UNNEST", "keyword", "the elements of arrays as rows")
        yield from _schemas_and_tables(catalogue)
        return
    sources = {name: source for name, source in place.sources.items() if source.columns}
    yield from (Option(name, "table", source.name) for name, source in sources.items())
    yield from dict.fromkeys(column for source in sources.values() for column in source.columns)
    yield from map(_of_function, FUNCTIONS)
    yield from (Option(word, "function", "of all rows, or of each group") for word in sorted(AGGREGATES))
    yield from (Option(word, "keyword") for word in _KEYWORDS)


def _behind(qualifier: tuple[str, ...], place: _Place, catalogue: Catalogue) -> Iterator[Option]:
    """Yield what stands behind a name and a dot: columns of a table, tables of a schema."""
    name = qualifier[-1].lower()
    table = None if name in place.sources else next(iter(catalogue.find(qualifier)), None)
    source = _of_source(table) if table else place.sources.get(name, _Source())
    yield from source.columns
    if len(qualifier) == 1:
        yield from _tables_of_schema(qualifier[0], catalogue)


def _schemas_and_tables(catalogue: Catalogue) -> Iterator[Option]:
    for schema in catalogue.schemas:
        yield Option(schema.schema_name, "schema", "", schema.description or "")
    yield from map(_of_table, catalogue.tables)


def _tables_of_schema(name: str, catalogue: Catalogue) -> Iterable[Option]:
    for schema in catalogue.schemas:
        if schema.schema_name.lower() == name.lower():
            yield from (_of_table(table, table.table_name.partition(".")[2]) for table in schema.tables)


def _of_table(table: Table, label: str = "") -> Option:
    rows = f"{table.nrows:,} rows" if table.nrows else ""
    return Option(label or table.table_name, "table", rows, table.description or "")


def _of_source(table: Table) -> _Source:
    return _Source(table.table_name, tuple(map(_of_column, table.columns)))


def _of_output(output: Output) -> Option:
    info = output.info
    traits = (info.type.adql if info.type else "", info.unit)
    return _column(quoted_if_needed(output.name), traits, (info.description, info.ucd))


def _of_column(column: Column) -> Option:
    traits = (column.type.adql, column.unit, "indexed" if column.indexed else "")
    return _column(column.column_name, traits, (column.description, column.ucd))


def _column(label: str, traits: Iterable[str | None], about: Iterable[str | None]) -> Option:
    return Option(label, "column", " ".join(filter(None, traits)), " · ".join(filter(None, about)))


def _of_function(function: Function) -> Option:
    return Option(function.name, "function", function.signature.partition("(")[2].join(("(", "")), function.description)
