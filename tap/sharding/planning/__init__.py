"""Translated queries → what each shard is asked and what is made of the answers: pure functions, no connection."""

from tap.sharding.planning.broadcast import UPLOADED, Broadcast
from tap.sharding.planning.citus import CitusPlan, CitusStatement, PlacedTable
from tap.sharding.planning.planner import plan_query
from tap.sharding.planning.plans import DistributedPlan, QueryPlan, ShardQuery

__all__ = [
    "UPLOADED",
    "Broadcast",
    "CitusPlan",
    "CitusStatement",
    "DistributedPlan",
    "PlacedTable",
    "QueryPlan",
    "ShardQuery",
    "plan_query",
]
