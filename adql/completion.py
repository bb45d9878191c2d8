"""What may stand at a place of a query that is being written: tables, columns, functions, words of the language.

The query need not be one yet, so the tables in reach are found by FROM, JOIN and the commas between, not by parsing.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from adql.calls import AGGREGATES
from adql.functions import FUNCTIONS
from adql.functions.function import Function
from adql.tokens import DELIMITED, NUMBER, STRING, UNFINISHED, WORD, Token, tokens_of_unfinished
from schema.model import Catalogue, Column, Table
from schema.words import RESERVED

_KEYWORDS = tuple(
    """SELECT DISTINCT TOP FROM WHERE GROUP BY HAVING ORDER ASC DESC OFFSET JOIN LEFT RIGHT FULL INNER OUTER CROSS NATURAL
    ON USING AS AND OR NOT IN LIKE ILIKE BETWEEN IS NULL EXISTS UNION INTERSECT EXCEPT ALL WITH CASE WHEN THEN ELSE END
    CAST OVER PARTITION""".split()
)
_BEFORE_TABLES = frozenset({"FROM", "JOIN"})
_CLAUSES = _BEFORE_TABLES | frozenset("WITH SELECT WHERE GROUP HAVING ORDER OFFSET UNION INTERSECT EXCEPT".split())
_NAMES = frozenset({WORD, DELIMITED})
_COMMENT = re.compile(r"--[^\n]*\n|/\*.*?\*/", re.DOTALL)
_MOST = 200
_LONGEST = 20_000
"""Characters of a text that somebody writes; longer ones were pasted."""


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
    place = _Reading(catalogue).place(tokens, start)
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
    rest = _COMMENT.sub(" ", gap)
    return "--" in rest or "/*" in rest


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
class _Place:
    """Where one writes: whether a table comes next, and the tables in reach by their names; None for a query's own."""

    wants_table: bool
    tables: dict[str, Table | None]


@dataclass(slots=True)
class _Level:
    """What is known between two parentheses: the clause that is being written, and whether a table comes next in it."""

    clause: str = ""
    wants_table: bool = False
    is_query: bool = False


class _Reading:
    """Reads the tokens of a query once, for its tables."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._levels = [_Level()]
        self._tables: dict[str, Table | None] = {}
        self._queries: set[str] = set()

    def place(self, tokens: Sequence[Token], start: int) -> _Place:
        """Return what is known of the place at `start` once all of the query is read."""
        wants_table: bool | None = None
        index = 0
        while index < len(tokens):
            if wants_table is None and tokens[index].start >= start:
                wants_table = self._levels[-1].wants_table
            index = self._read(tokens, index)
        return _Place(self._levels[-1].wants_table if wants_table is None else wants_table, self._tables)

    def _read(self, tokens: Sequence[Token], index: int) -> int:
        """Read one token, or a table with its alias; return the index of the next."""
        token, level = tokens[index], self._levels[-1]
        word = token.value.upper() if token.kind == WORD else token.value
        if word == "(":
            self._levels.append(_Level("FROM" if level.wants_table else "", level.wants_table))
            level.wants_table = False
        elif word == ")" and len(self._levels) > 1:
            return self._close(tokens, index)
        elif word in _CLAUSES:
            level.clause, level.wants_table = word, word in _BEFORE_TABLES
            level.is_query = level.is_query or word == "SELECT"
        elif word == ",":
            level.wants_table = level.clause in _BEFORE_TABLES
        elif level.clause == "WITH" and token.kind in _NAMES and _follows(tokens, index, "AS"):
            self._queries.add(_name(token).lower())
        elif level.wants_table and token.kind in _NAMES and word not in RESERVED:
            level.wants_table = False
            return self._table(tokens, index)
        return index + 1

    def _close(self, tokens: Sequence[Token], index: int) -> int:
        closed = self._levels.pop()
        alias = _alias(tokens, index + 1)
        if closed.is_query and self._levels[-1].clause in _BEFORE_TABLES and alias:
            self._tables[alias.lower()] = None
        return index + 1

    def _table(self, tokens: Sequence[Token], index: int) -> int:
        names = [_name(tokens[index])]
        index += 1
        while index + 1 < len(tokens) and tokens[index].value == "." and tokens[index + 1].kind in _NAMES:
            names.append(_name(tokens[index + 1]))
            index += 2
        alias = (_alias(tokens, index) or names[-1]).lower()
        is_query = len(names) == 1 and names[0].lower() in self._queries
        matches = [] if is_query else self._catalogue.find(tuple(names))
        self._tables[alias] = matches[0] if len(matches) == 1 else None
        return index


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
        yield from _schemas_and_tables(catalogue)
        return
    tables = {name: table for name, table in place.tables.items() if table}
    yield from (Option(name, "table", table.table_name) for name, table in tables.items())
    yield from dict.fromkeys(_of_column(column) for table in tables.values() for column in table.columns)
    yield from map(_of_function, FUNCTIONS)
    yield from (Option(word, "function", "of all rows, or of each group") for word in sorted(AGGREGATES))
    yield from (Option(word, "keyword") for word in _KEYWORDS)


def _behind(qualifier: tuple[str, ...], place: _Place, catalogue: Catalogue) -> Iterator[Option]:
    """Yield what stands behind a name and a dot: columns of a table, tables of a schema."""
    name = qualifier[-1].lower()
    table = place.tables[name] if name in place.tables else next(iter(catalogue.find(qualifier)), None)
    if table:
        yield from map(_of_column, table.columns)
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


def _of_column(column: Column) -> Option:
    detail = " ".join(filter(None, (column.type.adql, column.unit, "indexed" if column.indexed else "")))
    about = " · ".join(filter(None, (column.description, column.ucd)))
    return Option(column.column_name, "column", detail, about)


def _of_function(function: Function) -> Option:
    return Option(function.name, "function", function.signature.partition("(")[2].join(("(", "")), function.description)
