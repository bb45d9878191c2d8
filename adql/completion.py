"""What may stand at a place of a query that is being written: tables, columns, functions, words of the language.

The query need not be one yet, so the tables in reach are found by FROM, JOIN and the commas between, not by parsing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from adql.functions import FUNCTIONS
from adql.functions.function import Function
from adql.tokens import DELIMITED, NUMBER, STRING, WORD, Token, tokens_of_unfinished
from schema.model import Catalogue, Column, Table
from schema.words import RESERVED

_KEYWORDS = tuple(
    """SELECT DISTINCT TOP FROM WHERE GROUP BY HAVING ORDER ASC DESC OFFSET JOIN LEFT RIGHT FULL INNER OUTER CROSS NATURAL
    ON USING AS AND OR NOT IN LIKE ILIKE BETWEEN IS NULL EXISTS UNION INTERSECT EXCEPT ALL WITH CASE WHEN THEN ELSE END
    CAST OVER PARTITION""".split()
)
_ENDS_TABLES = frozenset("WHERE GROUP HAVING ORDER UNION INTERSECT EXCEPT SELECT ON USING OFFSET".split())
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
    tokens = tokens_of_unfinished(text) if len(text) <= _LONGEST else []
    if any(_is_inside_value(token, offset) for token in tokens):
        return Completion(offset)
    before = [token for token in tokens if token.start < offset]
    prefix = before.pop() if before and before[-1].kind in {WORD, DELIMITED} and before[-1].end >= offset else None
    start = prefix.start if prefix else offset
    written = text[start:offset].strip('"').lower()
    qualifier = _qualifier(before)
    options = [option for option in _options(tokens, before, qualifier, catalogue) if _fits(option, written)]
    options.sort(key=lambda option: not _bare(option).startswith(written))
    return Completion(start, tuple(options[:_MOST]), len(options) <= _MOST)


def _is_inside_value(token: Token, offset: int) -> bool:
    if token.kind == NUMBER:
        return token.start < offset <= token.end
    return token.kind == STRING and token.start < offset and (offset < token.end or not token.value.endswith("'"))


def _fits(option: Option, written: str) -> bool:
    return written in _bare(option)


def _bare(option: Option) -> str:
    return option.label.strip('"').lower()


def _qualifier(before: Sequence[Token]) -> tuple[str, ...]:
    """Return the names before the dots that end here: `demo.stars.` is ("demo", "stars")."""
    names: list[str] = []
    index = len(before) - 1
    while index > 0 and before[index].value == "." and before[index - 1].kind in {WORD, DELIMITED}:
        names.insert(0, _name(before[index - 1]))
        index -= 2
    return tuple(names)


def _name(token: Token) -> str:
    return token.value[1:-1].replace('""', '"') if token.kind == DELIMITED else token.value


def _options(
    tokens: Sequence[Token], before: Sequence[Token], qualifier: tuple[str, ...], catalogue: Catalogue
) -> Iterator[Option]:
    in_reach = dict(_tables_in_reach(tokens, catalogue))
    if qualifier:
        table = in_reach.get(qualifier[-1].lower()) or next(iter(catalogue.find(qualifier)), None)
        if table:
            yield from map(_of_column, table.columns)
        yield from _tables_of_schema(qualifier[-1], catalogue)
        return
    if _wants_table(before):
        yield from _schemas_and_tables(catalogue)
        return
    for alias, table in in_reach.items():
        yield Option(alias, "table", table.table_name)
    yield from dict.fromkeys(_of_column(column) for table in in_reach.values() for column in table.columns)
    yield from map(_of_function, FUNCTIONS)
    yield from (Option(word, "keyword") for word in _KEYWORDS)


def _wants_table(before: Sequence[Token]) -> bool:
    """Return whether a table's name comes next: after FROM and JOIN, and after a comma between tables."""
    depth = 0
    for index in range(len(before) - 1, -1, -1):
        value = before[index].value.upper()
        depth += {")": 1, "(": -1}.get(value, 0)
        if depth < 0:
            return False
        if depth == 0 and value in {"FROM", "JOIN"}:
            return index == len(before) - 1 or before[-1].value == ","
        if depth == 0 and value in _ENDS_TABLES:
            return False
    return False


def _tables_in_reach(tokens: Sequence[Token], catalogue: Catalogue) -> Iterator[tuple[str, Table]]:
    """Yield the tables that a query names, each by its alias, or by its own name if it has none."""
    index = 0
    while index < len(tokens):
        if not _wants_table(tokens[:index]) or tokens[index].kind not in {WORD, DELIMITED}:
            index += 1
            continue
        names = [_name(tokens[index])]
        index += 1
        while index + 1 < len(tokens) and tokens[index].value == "." and tokens[index + 1].kind in {WORD, DELIMITED}:
            names.append(_name(tokens[index + 1]))
            index += 2
        matches = catalogue.find(tuple(names))
        if len(matches) == 1:
            yield (_alias(tokens, index) or names[-1]).lower(), matches[0]


def _alias(tokens: Sequence[Token], index: int) -> str | None:
    if index < len(tokens) and tokens[index].value.upper() == "AS":
        index += 1
    if index >= len(tokens) or tokens[index].kind not in {WORD, DELIMITED}:
        return None
    is_word = tokens[index].kind == WORD and tokens[index].value.upper() in RESERVED
    return None if is_word else _name(tokens[index])


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
