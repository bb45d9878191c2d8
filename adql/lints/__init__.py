"""Remarks on queries that are legal and seldom meant so. A new one is a new file here and a line in CHECKS."""

from dataclasses import replace

from adql.constants import walk
from adql.errors import place_of
from adql.lints.compared_with_null import compared_with_null
from adql.lints.index_beyond_array import index_beyond_array
from adql.lints.join_without_condition import join_without_condition
from adql.lints.lint import Check, Lint
from adql.lints.out_of_range import out_of_range
from adql.lints.patterns import asterisk_in_pattern, pattern_without_like
from adql.lints.reversed_range import reversed_range
from adql.lints.swapped_coordinates import swapped_coordinates
from adql.lints.top_without_order import top_without_order
from adql.lints.whole_number_division import whole_number_division
from adql.nodes import Query

CHECKS: tuple[Check, ...] = (
    whole_number_division,
    compared_with_null,
    out_of_range,
    reversed_range,
    asterisk_in_pattern,
    pattern_without_like,
    index_beyond_array,
    swapped_coordinates,
    join_without_condition,
    top_without_order,
)


def lints(query: Query, text: str) -> tuple[Lint, ...]:
    """Return the lints of a resolved query, each once, with their places in its text."""
    nodes = tuple(walk(query))
    unique = dict.fromkeys(replace(lint, code=code_of(check)) for check in CHECKS for lint in check(nodes, text))
    return tuple(_placed(lint, text) for lint in unique)


def code_of(check: Check) -> str:
    """Return what programs know the remarks of a check by."""
    return check.__name__.replace("_", "-")


def _placed(lint: Lint, text: str) -> Lint:
    line, column = place_of(text, lint.span)
    return replace(lint, line=line, column=column)


__all__ = ["CHECKS", "Lint", "code_of", "lints"]
