"""Names that stand in the wrong place: of tables with aliases, of columns before they are there, of reserved words."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from adql import nodes, tokens
from adql.constants import walk
from adql.errors import AdqlError, AmbiguousName, Span, UnknownColumn, UnknownFunction, UnknownTable, WrongJoin
from adql.functions import FUNCTIONS
from adql.hints import UNITS
from adql.mending.mistake import STRUCTURE, Mistake, Repair
from adql.parse import parse
from adql.signatures import SHAPES
from schema.model import quoted_if_needed
from schema.words import RESERVED

_VERBS = ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "TABLE", "VALUES")
_SHORT = 3
_DOTTED = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*")


def _tree(m: Mistake) -> tuple[nodes.Node, ...]:
    try:
        return tuple(walk(parse(m.text)))
    except AdqlError:
        return ()


def expression_of_name(m: Mistake) -> Iterator[Repair]:
    """Mend a name of the SELECT list where that comes later: write what it stands for."""
    name = m.error.name if isinstance(m.error, UnknownColumn) else None
    if name is None:
        return
    for node in _tree(m):
        if isinstance(node, nodes.SelectItem) and node.alias and node.alias.matches(name):
            item, place = node.value.span, m.error.span
            if not item.start <= place.start < node.span.end:
                yield Repair(place, _operand(m.text[item.start : item.end]))


def _operand(text: str) -> str:
    is_plain = re.fullmatch(r"[\w.\"]+|\w+\([^()]*\)", text)
    return text if is_plain else f"({text})"


def ambiguous_but_equal(m: Mistake) -> Iterator[Repair]:
    """Mend a column of two tables that are joined on it: either is right."""
    if isinstance(m.error, AmbiguousName):
        name = re.escape(m.token.value if m.token.kind == tokens.DELIMITED else m.text[m.token.start : m.token.end])
        match = re.search(rf"\b(\w+)\.{name}\s*=\s*\w+\.{name}\b(?!\w)", m.text, re.IGNORECASE)
        if match and not re.search(r"\b(LEFT|RIGHT|FULL)\b", m.text, re.IGNORECASE):
            yield m.before(m.index, f"{match[1]}.")


def table_by_its_alias(m: Mistake) -> Iterator[Repair]:
    """Mend the name of a table that has an alias, of a schema for its table, and an alias that nobody gave."""
    if not isinstance(m.error, UnknownTable) or not m.is_at(m.index + 1, "."):
        return
    qualifier = nodes.Identifier(m.text[m.token.start : m.token.end])
    if m.is_at(m.index + 3, "."):
        yield from _whole_name_by_its_alias(m)
        return
    tables = [node for node in _tree(m) if isinstance(node, nodes.TableName)]
    for table in tables:
        last = table.parts[-1].name
        if table.alias and qualifier.matches(last):
            yield m.replaced(m.index, m.index, quoted_if_needed(table.alias.name))
        elif len(tables) == 1 and not table.alias and len(table.parts) > 1 and qualifier.matches(table.parts[0].name):
            yield m.replaced(m.index, m.index, quoted_if_needed(last))
        elif len(tables) == 1 and not table.alias and (len(qualifier.name) <= _SHORT or qualifier.name in last):
            yield Repair(Span(table.span.end, table.span.end), f" AS {quoted_if_needed(qualifier.name)}")


def _whole_name_by_its_alias(m: Mistake) -> Iterator[Repair]:
    """Mend demo.stars.ra, where demo.stars has an alias."""
    written = [m.text[m.at(i).start : m.at(i).end] for i in (m.index, m.index + 2)]
    for table in _tree(m):
        if not isinstance(table, nodes.TableName) or not table.alias or len(table.parts) != len(written):
            continue
        if all(nodes.Identifier(name).matches(part.name) for name, part in zip(written, table.parts, strict=True)):
            yield m.replaced(m.index, m.index + 2, quoted_if_needed(table.alias.name))


def reserved_word(m: Mistake) -> Iterator[Repair]:
    is_word = m.token.kind == tokens.WORD and m.token.value in RESERVED and m.token.value not in STRUCTURE
    is_word = is_word and not m.is_at(m.index, *_VERBS) and not m.is_at(m.index + 1, "(", "DISTINCT", "*")
    is_word = is_word and m.following.kind != tokens.STRING
    if is_word and (m.expected.startswith("a ") or m.is_at(m.index + 1, "FROM", ",")):
        yield m.replaced(m.index, m.index, f'"{m.written(m.index, m.index)}"')


def in_brackets(m: Mistake) -> Iterator[Repair]:
    """Mend [size] of SQL Server."""
    if m.is_at(m.index, "[") and m.is_at(m.index + 2, "]") and m.following.kind == tokens.WORD:
        yield m.replaced(m.index, m.index + 2, quoted_if_needed(m.written(m.index + 1, m.index + 1)))


def query_without_name(m: Mistake) -> Iterator[Repair]:
    if m.expected == "a name for the query in FROM":
        used = {token.value.upper() for token in m.tokens}
        name = _undeclared_qualifier(m) or next(
            name for name in ("q", *(f"q{n}" for n in range(2, len(used) + 3))) if name.upper() not in used
        )
        yield m.behind(m.index - 1, f" AS {name}")


def _undeclared_qualifier(m: Mistake) -> str | None:
    """Return the only name before a dot that is neither a schema nor an alias, as it is written."""
    qualifiers = [i for i in range(len(m.tokens)) if m.is_name(i) and m.is_at(i + 1, ".") and not m.is_at(i - 1, ".")]
    schemas = {m.at(i).value.upper() for i in qualifiers if m.is_at(i - 1, "FROM", "JOIN", ",")}
    alone = {m.at(i).value.upper() for i in range(len(m.tokens)) if m.is_name(i) and not m.is_at(i + 1, ".")}
    names = {m.at(i).value.upper(): m.written(i, i) for i in qualifiers}
    free = [written for name, written in names.items() if name not in schemas | alone]
    return free[0] if len(free) == 1 else None


def join_by_comma(m: Mistake) -> Iterator[Repair]:
    """Mend `FROM a, b ON ...`."""
    if not m.is_at(m.index, "ON"):
        return
    for index in range(m.index - 1, 0, -1):
        if m.is_at(index, "FROM", "JOIN", ")", "("):
            return
        if m.is_at(index, ","):
            yield Repair(Span(m.at(index - 1).end, m.at(index).end), " JOIN")
            return


def join_condition_elsewhere(m: Mistake) -> Iterator[Repair]:
    """Mend JOIN ... WHERE and JOIN ... ON column."""
    if isinstance(m.error, WrongJoin):
        end = next((i for i, token in enumerate(m.tokens) if token.start >= m.error.span.end), len(m.tokens) - 1)
        kind = m.text[m.error.span.start :].split(maxsplit=1)[0].upper()
        if m.is_at(end, "WHERE") and kind in ("JOIN", "INNER") and not m.has_or:
            yield m.replaced(end, end, "ON")
    elif m.error.message.startswith("Expected a condition") and m.is_at(m.index - 1, "ON") and m.is_name(m.index):
        yield m.replaced(m.index - 1, m.index, f"USING ({m.written(m.index, m.index)})")


def all_with_all(m: Mistake) -> Iterator[Repair]:
    if m.is_at(m.index, "CROSS") and m.is_at(m.index + 1, "JOIN"):
        yield Repair(Span(m.previous.end, m.following.end), ",")


def name_of_table(m: Mistake) -> Iterator[Repair]:
    """Mend FROM 't.stars', FROM TABLE t.stars and FROM public.stars."""
    if not m.is_at(m.index - 1, "FROM", "JOIN"):
        return
    if m.token.kind == tokens.STRING and _DOTTED.fullmatch(m.token.value):
        yield m.replaced(m.index, m.index, m.token.value)
    elif m.is_at(m.index, "TABLE"):
        yield m.removed(m.index, m.index)
    elif m.is_at(m.index, "PUBLIC", "USER", "SCHEMA") and m.is_at(m.index + 1, "."):
        yield m.replaced(m.index, m.index + 2, m.written(m.index + 2, m.index + 2))


def letters_swapped(m: Mistake) -> Iterator[Repair]:
    """Mend SQTR(x), and DISTINC before a column, which reads like a column itself."""
    name = m.token.value.upper()
    if isinstance(m.error, UnknownFunction):
        known = [*SHAPES, *(function.name.upper() for function in FUNCTIONS)]
        yield from (m.replaced(m.index, m.index, other) for other in known if sorted(other) == sorted(name))
    elif m.is_at(m.index - 1, "SELECT") and get_close_matches(name, ["DISTINCT"], cutoff=0.8):
        yield m.replaced(m.index, m.index, "DISTINCT")


def digits_first(m: Mistake) -> Iterator[Repair]:
    """Mend 2parallax and TOP 5ra."""
    match = m.touching(_RUN)
    is_exponent = match and re.match(r"[eE]\d", match[2])
    if match and m.error.code == "number-runs-on" and match[2].lower() not in UNITS and not is_exponent:
        before_top = m.is_at(m.index - 1, "TOP", "OFFSET") or m.text[: match.start()].upper().rstrip().endswith("TOP")
        yield Repair(Span(*match.span()), f"{match[1]} {match[2]}" if before_top else f"{match[1]}*{match[2]}")


_RUN = re.compile(r"(\d+)([A-Za-z]\w*)")
