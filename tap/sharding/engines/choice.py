"""Which engine the shards of a coordinator have: one, for all of them."""

import psycopg

from tap.sharding.engines.citus.engine import Citus
from tap.sharding.engines.engine import ShardingEngine
from tap.sharding.engines.postgres_fdw import PostgresFdw
from tap.sharding.shards import CITUS, POSTGRES_FDW, ShardError, known_shards

_ENGINES: dict[str, type[PostgresFdw] | type[Citus]] = {POSTGRES_FDW: PostgresFdw, CITUS: Citus}


def engine_of(connection: psycopg.Connection) -> ShardingEngine:
    """Return the engine of the shards that are known; `connection` is the owner's."""
    return _ENGINES[_name(connection) or POSTGRES_FDW](connection)


def engine_named(name: str, connection: psycopg.Connection) -> ShardingEngine:
    """Return the engine of that name. Raises: ShardError where there are shards of another."""
    known = _name(connection)
    if known not in (None, name):
        raise ShardError(f'the shards that are known have engine = "{known}"; those of "{name}" cannot be beside them')
    return _ENGINES[name](connection)


def _name(connection: psycopg.Connection) -> str | None:
    return next((shard.engine for shard in known_shards(connection)), None)
