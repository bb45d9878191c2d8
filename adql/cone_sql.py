"""SQL of a condition that two points are near each other: index first, exact distance beside it (docs/adr/0013)."""

from adql.constants import number_of, sources_of
from adql.functions.constructors import MAX_RADIUS
from adql.nodes import Near
from adql.separation import BOUNDARY


def cone_sql(node: Near, sides: tuple[str, str], radius: str, distance: str) -> str:
    """Return the operator that the index serves, in each direction where one can, and the exact distance beside it.

    The operator alone would accept 0.2 mas more.
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
    """Return the test for a radius that may be over 90 degrees in some rows, where pgSphere has no circles.

    Such a row searches the other half of the sky too; for all others that search is for NULL.
    """
    circle = f"scircle({centre}, radians(CASE WHEN {radius} >= 0 THEN least({radius}, {MAX_RADIUS:g}) END))"
    antipode = f"spoint(long({centre}) + pi(), -lat({centre}))"
    beyond = f"CASE WHEN {radius} > {MAX_RADIUS:g} THEN scircle({antipode}, pi() / 2) END"
    return f"({point} <@ {circle} OR {point} <@ {beyond})"


def _directions(node: Near, left: str, right: str) -> list[tuple[str, str]]:
    """Return pairs of point to look up and centre of the cone: the radius must not depend on the point's table."""
    left_tables, right_tables, radius_tables = (sources_of(value) for value in (node.left, node.right, node.radius))
    directions = []
    if left_tables and not left_tables & radius_tables:
        directions.append((left, right))
    if right_tables and right_tables != left_tables and not right_tables & radius_tables:
        directions.append((right, left))
    return directions or [(left, right)]
