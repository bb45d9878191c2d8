"""Shard pruning: conditions on the cells of tables on shards, beside those of the query that imply them."""

from functools import partial

from adql.constants import walk
from adql.nodes import Query, Relation
from adql.rewrite.each import rewrite_searches
from tap.sharding.model import Placements
from tap.sharding.planning.cell_sets import Partitionings
from tap.sharding.planning.prune_cones import prune_cone
from tap.sharding.planning.prune_ids import prune_ids
from tap.sharding.planning.prune_mocs import prune_moc
from tap.sharding.planning.prune_neighbours import prune_neighbours


def partitionings_of(query: Query, placements: Placements) -> Partitionings:
    relations = [node for node in walk(query) if isinstance(node, Relation) and node.parts in placements]
    return {relation.sql_alias: placements[relation.parts].partitioning for relation in relations}


def pruned(query: Query, placements: Placements) -> Query:
    """Return the query with conditions on cells added; it gives the same rows."""
    partitionings = partitionings_of(query, placements)
    for prune in (prune_cone, prune_moc, prune_ids):
        query = rewrite_searches(query, partial(prune, partitionings))
    return prune_neighbours(query, partitionings)
