"""Servers that hold parts of tables: as a TOML file names them, and as the coordinator knows them.

[shards.north]
database = "host=north.example.org dbname=gaia user=armillary_owner"    # who loads
reader = "host=north.example.org dbname=gaia user=armillary_reader"     # who runs queries; without it the same with this user
admin = "host=north.example.org dbname=gaia user=postgres"              # a superuser, who makes the shard ready; without it it must be

Each may name several hosts, a primary and its standbys (tap.sharding.hosts). Above them may stand engine = "citus".
"""

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tap.sharding.hosts import as_reader, finds_no_reader, patient, writing

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}\Z")
_KEYS = {"database", "reader", "admin"}
POSTGRES_FDW, CITUS = "postgres_fdw", "citus"
"""The engines that shards can have."""


class ShardError(Exception):
    """The shards are not as they must be; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A server. `database` is the owner's conninfo; that of a superuser is used once and not kept.

    `node` is host:port as Citus knows it.
    """

    name: str
    database: str
    reader: str
    admin: str | None = None
    engine: str = POSTGRES_FDW
    node: str | None = None


@dataclass(frozen=True, slots=True)
class ShardsFile:
    """The shards of a file, all of one engine.

    `coordinator` is the service's server as workers of Citus reach it, host:port.
    """

    engine: str
    shards: tuple[Shard, ...]
    coordinator: str | None = None


def read_shards_file(path: Path) -> ShardsFile:
    """Read a file that names shards. Raises: ShardError, OSError."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ShardError(f"{path} is no TOML: {error}") from error
    engine, coordinator = document.pop("engine", POSTGRES_FDW), document.pop("coordinator", None)
    if engine not in (POSTGRES_FDW, CITUS):
        raise ShardError(f'{path}: engine is "{POSTGRES_FDW}" or "{CITUS}", not {engine!r}')
    if coordinator is not None and (engine != CITUS or not isinstance(coordinator, str)):
        raise ShardError(f'{path}: coordinator is for engine = "{CITUS}", and a text: "host:port"')
    shards = document.get("shards", {})
    if not shards or set(document) != {"shards"}:
        raise ShardError(f"{path}: it must have one table [shards.NAME] for each shard, and nothing else")
    parsed = (_shard(f"{path}, [shards.{name}]", name, values) for name, values in shards.items())
    return ShardsFile(engine, tuple(replace(shard, engine=engine) for shard in parsed), coordinator)


def _shard(where: str, name: str, values: dict[str, Any]) -> Shard:
    if not _NAME.match(name):
        raise ShardError(f"{where}: names are lower case letters, digits and _")
    unknown = set(values) - _KEYS
    if unknown or "database" not in values:
        raise ShardError(
            f"{where}: it needs database, and takes reader and admin; not {', '.join(sorted(unknown)) or 'less'}"
        )
    try:
        for conninfo in values.values():
            conninfo_to_dict(conninfo)
    except psycopg.Error as error:
        raise ShardError(f"{where}: {str(error).strip()}") from error
    if finds_no_reader(values.get("reader", "")):
        raise ShardError(
            f"{where}: sessions of the reader only read, so target_session_attrs=read-write finds none;"
            " primary, prefer-standby and any do"
        )
    owner, admin = patient(writing(values["database"])), values.get("admin")
    reader = patient(values.get("reader") or as_reader(owner))
    return Shard(name, owner, reader, patient(writing(admin)) if admin else None)


def known_shards(connection: psycopg.Connection) -> tuple[Shard, ...]:
    """Return the shards of the coordinator, by name; `connection` is the owner's."""
    rows = connection.execute(
        "SELECT shard_name, conninfo, reader, engine, node FROM armillary.shards ORDER BY shard_name"
    ).fetchall()
    return tuple(
        Shard(name, owner, reader or as_reader(owner), None, engine, node) for name, owner, reader, engine, node in rows
    )


def remember(connection: psycopg.Connection, shard: Shard) -> None:
    connection.execute(
        "INSERT INTO armillary.shards (shard_name, conninfo, reader, engine, node) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (shard_name) DO UPDATE"
        " SET conninfo = excluded.conninfo, reader = excluded.reader, node = excluded.node",
        (shard.name, shard.database, shard.reader, shard.engine, shard.node),
    )


def connected_as(shard: Shard, conninfo: str) -> psycopg.Connection:
    """Connect to a shard. Raises: ShardError."""
    try:
        return psycopg.connect(conninfo, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise ShardError(f"shard {shard.name} cannot be reached: {str(error).strip()}") from error
