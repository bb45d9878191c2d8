"""Rows on shards, each shard's in a file of pg_dump beside the backup of their coordinator.

Partitions never change once they are loaded, so dumps that are made one after the other belong together as long as no
load or move ends meanwhile.
"""

import tempfile
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from schema.model import split_name, stored_name
from tap.engine.database import Say
from tap.engine.private import run_program
from tap.sharding.shards import CITUS, Shard, ShardError, connected_as, known_shards

_RANGES = "SELECT table_name, partition FROM armillary.ranges WHERE shard_name = %s ORDER BY 1, 2"
_LIST = "COPY armillary.parts TO STDOUT"
_LIST_AGAIN = "COPY armillary.parts FROM STDIN"
_AGAIN = "FILE, then armillary restore --shards-only FOLDER"
Ranges = dict[str, set[tuple[str, str]]]
"""Of each shard the schema and the name of its partitions."""


def ranges_of_shards(connection: psycopg.Connection) -> Ranges:
    """Return what lies where; `connection` is the owner's on the coordinator."""
    return {shard.name: _partitions(connection, shard) for shard in known_shards(connection) if shard.engine != CITUS}


def dump_shards(connection: psycopg.Connection, folder: Path, before: Ranges, say: Say) -> None:
    """Dump what each shard holds into files of `folder`, which is made.

    `before` is what lay where when the coordinator's backup began. Raises: ShardError, ProgramFailed.
    """
    for shard in known_shards(connection):
        if shard.engine == CITUS:
            say(f"Rows on {shard.name} are not copied: back up the nodes of Citus together, by its own documentation")
        elif partitions := before.get(shard.name):
            say(f"the rows on {shard.name}")
            folder.mkdir(exist_ok=True, mode=0o700)
            _dump(shard, sorted({schema for schema, _ in partitions}), folder)
    if ranges_of_shards(connection) != before:
        raise ShardError("Tables on shards were loaded or moved while the backup was made: make it again")


def restore_shards(connection: psycopg.Connection, folder: Path, say: Say) -> list[str]:
    """Put dumps back where shards have lost all, and return which; what is there is left as it is.

    Raises: ShardError where a shard has some of its partitions, or cannot be used; ProgramFailed.
    """
    restored = []
    for shard in known_shards(connection):
        dump = folder / f"{shard.name}.dump"
        partitions = _partitions(connection, shard)
        if not (partitions and dump.exists()):
            continue
        with connected_as(shard, shard.database) as on_shard:
            if _has_lost_all(shard, partitions, on_shard):
                say(f"the rows on {shard.name}")
                _restore(shard, dump, on_shard)
                restored.append(shard.name)
    return restored


def _has_lost_all(shard: Shard, partitions: set[tuple[str, str]], on_shard: psycopg.Connection) -> bool:
    """Raises: ShardError where it has lost some, or has not been made ready."""
    missing = sum(not _exists(on_shard, name) for name in partitions)
    if missing and not _exists(on_shard, ("armillary", "parts")):
        raise ShardError(f"shard {shard.name} is not ready: armillary shards init {_AGAIN}")
    if 0 < missing < len(partitions):
        raise ShardError(
            f"shard {shard.name} lacks {missing} of its {len(partitions)} partitions: give it an empty database,"
            f" make that ready by armillary shards init {_AGAIN}"
        )
    return missing > 0


def _partitions(connection: psycopg.Connection, shard: Shard) -> set[tuple[str, str]]:
    rows = connection.execute(_RANGES, (shard.name,)).fetchall()
    return {(stored_name(split_name(table_name)[0]), partition) for table_name, partition in rows}


def _exists(on_shard: psycopg.Connection, name: tuple[str, str]) -> bool:
    row = on_shard.execute("SELECT to_regclass(%s)", (sql.Identifier(*name).as_string(on_shard),)).fetchone()
    return row is not None and row[0] is not None


def _dump(shard: Shard, schema_names: list[str], folder: Path) -> None:
    patterns = [f'--schema="{name.replace(chr(34), chr(34) * 2)}"' for name in schema_names]
    _run("pg_dump", shard, "--format=custom", f"--file={folder / shard.name}.dump", *patterns)
    with connected_as(shard, shard.database) as on_shard, on_shard.cursor().copy(_LIST) as rows:
        (folder / f"{shard.name}.partitions").write_bytes(b"".join(rows))


def _restore(shard: Shard, dump: Path, on_shard: psycopg.Connection) -> None:
    with on_shard.transaction():
        with on_shard.cursor().copy(_LIST_AGAIN) as rows:
            rows.write(dump.with_suffix(".partitions").read_bytes())
        _run("pg_restore", shard, "--exit-on-error", "--single-transaction", str(dump))


def _run(name: str, shard: Shard, *arguments: str) -> None:
    """Run a program on a shard's database; how to reach it stands in a file, since it may hold a password."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as services:
        options = conninfo_to_dict(shard.database)
        services.write("\n".join(["[shard]", *(f"{key}={value}" for key, value in options.items()), ""]))
        services.flush()
        run_program(name, *arguments, "--dbname=service=shard", environment={"PGSERVICEFILE": services.name})
