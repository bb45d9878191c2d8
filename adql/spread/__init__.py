"""Queries on sharded tables → what each shard is asked, and what is made of the answers."""

from adql.spread.spread import Gather, Spread, spread
from adql.spread.travels import Travels

__all__ = ["Gather", "Spread", "Travels", "spread"]
