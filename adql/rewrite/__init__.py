"""Rewrites of resolved queries, one pass a file, applied in this order."""

from adql.nodes import Query
from adql.rewrite.contains_as_condition import contains_as_condition
from adql.rewrite.coordinates_of_points import coordinates_of_points
from adql.rewrite.distance_as_cone import distance_as_cone
from adql.rewrite.each import rewrite_conditions
from adql.rewrite.fence_of_cones import fence_of_cones
from adql.rewrite.overlap_under_not import overlap_under_not
from adql.rewrite.scaled_distance import scaled_distance
from adql.rewrite.wide_enough_for_motion import wide_enough_for_motion

CONDITIONS = (
    contains_as_condition,
    distance_as_cone,
    scaled_distance,
    wide_enough_for_motion,
    overlap_under_not,
)


def rewrite(query: Query) -> Query:
    """Return the query in a form that PostgreSQL runs well; it means the same."""
    query = coordinates_of_points(query)
    for condition in CONDITIONS:
        query = rewrite_conditions(query, condition)
    return fence_of_cones(query)
