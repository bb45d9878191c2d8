"""Shards for tests: databases of the cluster that the tests have anyway."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from adql.translate import translate
from schema.description import Description, read_description
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tap.sharding.placements import read_placements
from tap.sharding.planning import plan_query
from tap.sharding.setup import init_shards
from tap.sharding.shards import Shard
from tests.conftest import ROOT

USERS = ("armillary_owner", "armillary_reader", ADMIN)


def shard(config: Config, name: str) -> Shard:
    sockets = database.cluster_of(config.database).sockets
    return Shard(name, *(f"host={sockets} dbname={name} user={user}" for user in USERS))


@contextmanager
def sharded_service(config: Config, name: str, shards: list[str]) -> Iterator[Config]:
    """A service with a database of its own, which knows shards that are databases of their own."""
    cluster = database.cluster_of(config.database)
    with psycopg.connect(cluster.conninfo(ADMIN), autocommit=True) as admin:
        for each in (name, *shards):
            admin.execute(f"CREATE DATABASE {each}".encode())
    coordinator = {
        "database": f"host={cluster.sockets} dbname={name} user={ADMIN}",
        "owner_database": f"host={cluster.sockets} dbname={name} user=armillary_owner",
        "admin_database": f"host={cluster.sockets} dbname={name} user={ADMIN}",
    }
    own = config.changed(**coordinator)
    database.prepare(own, lambda _: None)
    init_shards(own, tuple(shard(config, each) for each in shards), lambda _: None)
    yield own


def stars() -> Description:
    return read_description(ROOT / "deploy" / "sample" / "stars.toml")


def ngc() -> Description:
    return read_description(ROOT / "deploy" / "sample" / "ngc.toml")


def tables_on(config: Config, name: str) -> set[str]:
    """Tables of a shard outside of the house's own schemas."""
    with psycopg.connect(shard(config, name).database) as there:
        found = there.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace WHERE relkind IN ('r', 'p')"
            " AND nspname NOT IN ('armillary', 'tap_schema', 'public', 'information_schema') AND nspname !~ '^pg_'"
        ).fetchall()
    return {str(each) for (each,) in found}


def coordinator_sql(connection: psycopg.Connection, query: str) -> str:
    """The SQL by which the coordinator answers a query itself."""
    translation = translate(query, read_catalogue(connection))
    return plan_query(translation, read_placements(connection)).translation.sql
