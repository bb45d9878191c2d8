"""Translated queries → what each shard is asked and what is made of the answers: pure functions, no connection."""

from tap.sharding.planning.broadcast import UPLOADED, Broadcast
from tap.sharding.planning.planner import DistributedPlan, QueryPlan, ShardQuery, plan_query

__all__ = ["UPLOADED", "Broadcast", "DistributedPlan", "QueryPlan", "ShardQuery", "plan_query"]
