"""Under NOT, `a && b` of regions is compared as a number.

For polygons, pgSphere before 1.3 declares as the negator of `&&` an operator that is not its opposite,
and PostgreSQL replaces `NOT (a && b)` by it.
"""

from dataclasses import replace

from adql import nodes
from adql.info import Info
from adql.nodes import Condition
from adql.rewrite.each import rewrite_conditions
from schema import types


def overlap_under_not(condition: Condition) -> Condition:
    if not isinstance(condition, nodes.Not):
        return condition
    return replace(condition, operand=rewrite_conditions(condition.operand, _as_number))


def _as_number(condition: Condition) -> Condition:
    if not isinstance(condition, nodes.Overlap):
        return condition
    info = Info(types.INTEGER)
    call = nodes.Call("INTERSECTS", (condition.left, condition.right), span=condition.span, info=info)
    return nodes.Comparison("=", call, nodes.Number("1", info=info), span=condition.span)
