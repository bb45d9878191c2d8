"""A coordinator of Citus and its workers, each a PostgreSQL of its own, where Citus is installed."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN, PrivateCluster
from tap.sharding.engines.citus.setup import init_workers
from tap.sharding.shards import CITUS, Shard
from tests.conftest import free_port

WORKERS = 4


def citus_node(folder: Path) -> PrivateCluster:
    """A private cluster that has Citus loaded."""
    settings = {
        "shared_preload_libraries": "citus",
        "citus.node_conninfo": "sslmode=disable",
        "citus.local_hostname": str(PrivateCluster(folder).sockets),
        "max_connections": "400",
        "wal_level": "logical",
        "max_prepared_transactions": "400",
    }
    return PrivateCluster(folder, "128MB", durable=False, settings=settings)


def require_citus(config: Config) -> None:
    """Skip where PostgreSQL does not know the extension."""
    with psycopg.connect(database.cluster_of(config.database).conninfo(ADMIN)) as connection:
        if connection.execute("SELECT FROM pg_available_extensions WHERE name = 'citus'").fetchone() is None:
            pytest.skip("Citus is not installed here: CREATE EXTENSION citus is not available")


def worker(node: PrivateCluster, name: str) -> Shard:
    users = ("armillary_owner", "armillary_reader", ADMIN)
    return Shard(name, *(node.conninfo(user) for user in users), engine=CITUS)


@contextmanager
def citus_cluster(workers: int = WORKERS) -> Iterator[tuple[Config, dict[str, PrivateCluster]]]:
    """Yield the configuration of a service on a coordinator, and its workers by name: far0, far1, …"""
    folder = Path(tempfile.mkdtemp(prefix="armillary-citus-"))
    folder.chmod(0o755)
    nodes = {name: citus_node(folder / name) for name in ("here", *_names(workers))}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for node in nodes.values():
            node.start()
            stack.callback(node.stop, "immediate")
        here = nodes.pop("here")
        port = free_port()
        config = Config().changed(
            base_url=f"http://localhost:{port}/tap", port=port, data_dir=str(here.folder), sync_limit=20.0
        )
        database.prepare(config, lambda _: None)
        init_workers(config, tuple(worker(node, name) for name, node in nodes.items()), lambda _: None)
        yield config, nodes


def _names(workers: int) -> list[str]:
    return [f"far{number}" for number in range(workers)]
