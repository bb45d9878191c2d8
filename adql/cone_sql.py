"""SQL of a condition that two points are near each other: index first, exact distance beside it (docs/adr/0013)."""

from adql.constants import number_of, sources_of
from adql.functions.constructors import MAX_RADIUS
from adql.nodes import Near
from adql.separation import BOUNDARY


def cone_sql(node: Near, sides: tuple[str, str], radius: str, distance: str) -> str:
    """The operator that the index serves, in each direction in which one could, and the exact distance beside it:

    the operator takes 0.2 mas more.
    """
    left, right = sides
    constant = number_of(node.radius)
    exact = f"{distance} {node.operator} {radius}"
    if node.operator == "within":
        exact = f"{distance} <= {radius} + {BOUNDARY!r}"
    if constant is not None and not 0 <= constant <= MAX_RADIUS:
        return f"({exact})"
    directions = _directions(node, left, right)
    if constant is None:
        tests = [_in_circle_of_column(point, centre, radius) for point, centre in directions]
    else:
        tests = [f"{point} <@ scircle({centre}, radians({radius}))" for point, centre in directions]
    return "(" + " AND ".join([*tests, exact]) + ")"


def _in_circle_of_column(point: str, centre: str, radius: str) -> str:
    """A radius that a row may have over 90 degrees, where pgSphere has no circles.

    Such a row looks through the other half of the sky too; for all others that look-up is one of NULL.
    """
    circle = f"scircle({centre}, radians(CASE WHEN {radius} >= 0 THEN least({radius}, {MAX_RADIUS:g}) END))"
    antipode = f"spoint(long({centre}) + pi(), -lat({centre}))"
    beyond = f"CASE WHEN {radius} > {MAX_RADIUS:g} THEN scircle({antipode}, pi() / 2) END"
    return f"({point} <@ {circle} OR {point} <@ {beyond})"


def _directions(node: Near, left: str, right: str) -> list[tuple[str, str]]:
    """Which point may be looked up round which: one whose table the radius does not depend on."""
    of_left, of_right, of_radius = (sources_of(each) for each in (node.left, node.right, node.radius))
    found = []
    if of_left and not of_left & of_radius:
        found.append((left, right))
    if of_right and of_right != of_left and not of_right & of_radius:
        found.append((right, left))
    return found or [(left, right)]
