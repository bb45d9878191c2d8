"""Rewrites of resolved queries, one pass a file, applied in this order."""

from adql.constants import walk
from adql.nodes import Call, Condition, Query
from adql.rewrite.contains_as_condition import contains_as_condition
from adql.rewrite.coordinates_of_points import coordinates_of_points
from adql.rewrite.distance_as_cone import distance_as_cone
from adql.rewrite.each import rewrite_conditions
from adql.rewrite.fence_of_cones import fence_of_cones
from adql.rewrite.overlap_under_not import overlap_under_not
from adql.rewrite.scaled_distance import scaled_distance
from adql.rewrite.wide_enough_for_motion import wide_enough_for_motion


def _distances_as_cones(condition: Condition) -> Condition:
    return scaled_distance(distance_as_cone(condition))


CONDITIONS = (
    (contains_as_condition, frozenset({"CONTAINS", "INTERSECTS"})),
    (_distances_as_cones, frozenset({"DISTANCE"})),
    (wide_enough_for_motion, frozenset({"IVO_EPOCH_PROP_POS"})),
    (overlap_under_not, frozenset({"INTERSECTS"})),
)
"""The rewrites of conditions, and the functions of which a query must call one for each to change anything."""


def rewrite(query: Query) -> Query:
    """Return the query in a form that PostgreSQL runs well; it means the same."""
    called = {node.name.upper() for node in walk(query) if isinstance(node, Call)}
    if not called:
        return query
    query = coordinates_of_points(query)
    for condition, functions in CONDITIONS:
        if called & functions:
            query = rewrite_conditions(query, condition)
    return fence_of_cones(query)
