"""Workers made ready, looked after and lost: what an operator types, what strangers cannot see, what a dead worker stops."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests
from click.testing import CliRunner

from bench.processes import children
from schema.load import open_file
from schema.publish import load_table
from tap.cli import main
from tap.config import ENVIRONMENT, Config
from tap.engine import database
from tap.engine.private import ADMIN, PrivateCluster
from tap.sharding.engines.choice import engine_of
from tap.sharding.engines.citus.setup import init_workers
from tap.sharding.loading.load import SourceFile
from tap.sharding.setup import migrate_shards
from tap.sharding.shards import ShardError
from tests.conftest import SAMPLE, alone, serving
from tests.tap.sharding.citus import worker
from tests.tap.sharding.databases import ngc
from tests.tap.sharding.engines.citus.test_load import NGC, sharded_ngc

COUNT = "SELECT COUNT(*) AS n FROM cluster.ngc"


@pytest.fixture(scope="module")
def loaded(cluster: tuple[Config, dict[str, PrivateCluster]]) -> Config:
    """With the table cluster.ngc."""
    with database.owner_connection(cluster[0]) as owner:
        engine_of(owner).load(SourceFile(NGC), "cluster.ngc", sharded_ngc(), lambda rows, fraction: None)
    return cluster[0]


@pytest.fixture(scope="module")
def url(loaded: Config) -> Iterator[str]:
    with serving(alone(loaded, processes=1, workers=1, sync_limit=6)) as url:
        yield url


def asked(url: str, query: str, **more: str) -> requests.Response:
    form = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv"} | more
    return requests.post(f"{url}/sync", data=form, timeout=60)


def command(config: Config, monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """Its output, when it ends well."""
    monkeypatch.setenv(f"{ENVIRONMENT}DATA_DIR", config.database.data_dir)
    done = CliRunner().invoke(main, ["shards", *words])
    assert done.exit_code == 0, done.output
    return done.output


# ---- what an operator types


def shards_file(folder: Path, nodes: dict[str, PrivateCluster], engine: str = "citus") -> Path:
    lines = [f'engine = "{engine}"']
    for name, node in nodes.items():
        lines += [
            f"[shards.{name}]",
            f"database = '{node.conninfo('armillary_owner')}'",
            f"admin = '{node.conninfo(ADMIN)}'",
        ]
    path = folder / "shards.toml"
    path.write_text("\n".join(lines))
    return path


def test_init_may_be_repeated_and_list_and_check_say_how_it_went(
    loaded: Config, nodes: dict[str, PrivateCluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = command(loaded, monkeypatch, "init", str(shards_file(tmp_path, nodes)))
    assert "shard far0 is ready" in output
    listed = command(loaded, monkeypatch, "list")
    assert listed.count("ready") == 2
    assert "cluster.ngc" in listed
    assert "shards" in listed
    assert "as they were loaded" in command(loaded, monkeypatch, "check")


def test_another_engine_is_not_put_beside_it(
    loaded: Config, nodes: dict[str, PrivateCluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{ENVIRONMENT}DATA_DIR", loaded.database.data_dir)
    done = CliRunner().invoke(main, ["shards", "init", str(shards_file(tmp_path, nodes, "postgres_fdw"))])
    assert done.exit_code == 1
    assert 'have engine = "citus"' in done.output


def test_a_worker_that_cannot_be_one_is_told_why(
    config: Config, loaded: Config, nodes: dict[str, PrivateCluster]
) -> None:
    plain = worker(database.cluster_of(config.database), "plain")
    with pytest.raises(ShardError, match="shared_preload_libraries must begin with citus"):
        init_workers(loaded, (plain,), lambda _: None)
    node = next(iter(nodes.values()))
    other = worker(node, "other")
    renamed = type(other)(other.name, other.database.replace("dbname=armillary", "dbname=gaia"), other.reader, None)
    with pytest.raises(ShardError, match="with Citus it must be armillary"):
        init_workers(loaded, (renamed,), lambda _: None)


def placements(owner: psycopg.Connection) -> dict[int, str]:
    """Which cell of order 4 lies on which worker."""
    return dict(owner.execute("SELECT * FROM armillary.cells_of_workers('cluster.ngc', 3072)").fetchall())


def test_the_shard_of_a_cell_moves_while_queries_run(
    loaded: Config, owner: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = placements(owner)[100]
    target = "far1" if source == "far0" else "far0"
    assert f"are on {target} now" in command(
        loaded, monkeypatch, "move", "cluster.ngc", "--range", "100", "--to", target
    )
    assert placements(owner)[100] == target
    assert asked(url, COUNT).text.split() == ["n", "14033"]
    assert f"is on {target}" in command(loaded, monkeypatch, "move", "cluster.ngc", "--range", "100", "--to", target)


def test_what_cannot_be_moved_is_told(loaded: Config, owner: psycopg.Connection) -> None:
    for table, cell, target, said in (
        ("cluster.none", "1", "far0", "not a sharded table"),
        ("cluster.ngc", "1", "far9", "there is no shard far9"),
        ("cluster.ngc", "north", "far0", "by a cell's number"),
    ):
        with pytest.raises(ShardError, match=said):
            engine_of(owner).move(table, (cell,), target, 1.0, lambda _: None)


def test_shards_are_balanced_by_citus(
    loaded: Config, owner: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [str(cell) for cell, name in placements(owner).items() if name == "far0" and cell >= 0]
    engine_of(owner).move("cluster.ngc", tuple(cells), "far1", 1.0, lambda _: None)
    assert set(placements(owner).values()) == {"far1"}
    planned = command(loaded, monkeypatch, "rebalance", "cluster.ngc", "--dry-run")
    assert "far1 to far0" in planned
    assert set(placements(owner).values()) == {"far1"}
    assert "about as much now" in command(loaded, monkeypatch, "rebalance")
    assert set(placements(owner).values()) == {"far0", "far1"}
    assert asked(url, COUNT).text.split() == ["n", "14033"]
    assert engine_of(owner).problems() == []


# ---- what strangers cannot see or do


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM pg_dist_node",
        "SELECT * FROM citus_shards",
        "SELECT * FROM citus_stat_activity",
        "SELECT * FROM run_command_on_workers('SELECT 1')",
        "SELECT * FROM run_command_on_shards('cluster.ngc', 'SELECT 1')",
        "SELECT citus_nodename_for_nodeid(1)",
        "SELECT * FROM citus_get_active_worker_nodes()",
        "SELECT citus_rebalance_start()",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM armillary.shards",
        "DELETE FROM cluster.ngc",
    ],
)
def test_the_reader_has_no_more_on_any_node_than_to_read(
    loaded: Config, nodes: dict[str, PrivateCluster], statement: str
) -> None:
    for node in (database.cluster_of(loaded.database), *nodes.values()):
        with psycopg.connect(node.conninfo("armillary_reader")) as reader, pytest.raises(psycopg.Error) as error:
            reader.execute(statement.encode())
        assert error.value.sqlstate in ("42501", "25006"), str(error.value)


def test_the_reader_gets_nothing_by_names_of_its_own_in_our_functions(loaded: Config) -> None:
    names = "CREATE TEMP VIEW pg_dist_node AS SELECT 0 AS groupid, 'primary'::text AS noderole, 'a'::text AS nodename, 1 AS nodeport"
    with psycopg.connect(database.reader_conninfo(loaded), autocommit=True) as reader:
        before = reader.execute("SELECT * FROM armillary.shards_of_workers('cluster.ngc')").fetchall()
        reader.execute("BEGIN READ WRITE")
        reader.execute(names)
        reader.execute(
            "CREATE TEMP VIEW pg_dist_shard AS SELECT 'cluster.ngc'::regclass AS logicalrelid, 1::bigint AS shardid"
        )
        reader.execute("CREATE TEMP VIEW pg_dist_placement AS SELECT 1::bigint AS shardid, 0 AS groupid")
        assert reader.execute("SELECT * FROM armillary.shards_of_workers('cluster.ngc')").fetchall() == before
        cells = reader.execute(
            "SELECT DISTINCT shard_name FROM armillary.cells_of_workers('cluster.ngc', 3072)"
        ).fetchall()
    assert sorted(cells) == [("far0",), ("far1",)]


def test_shards_on_a_node_that_was_not_made_known_are_read_all_the_same(url: str, owner: psycopg.Connection) -> None:
    (node,) = owner.execute("SELECT node FROM armillary.shards WHERE shard_name = 'far1'").fetchone() or ("",)
    owner.execute("UPDATE armillary.shards SET node = 'elsewhere:1' WHERE shard_name = 'far1'")
    try:
        answer = asked(url, "SELECT name FROM cluster.ngc", MAXREC="1000000")
    finally:
        owner.execute("UPDATE armillary.shards SET node = %s WHERE shard_name = 'far1'", (node,))
    assert len(answer.text.splitlines()) == 14_034


def test_the_limits_of_a_transaction_hold_on_workers_too(loaded: Config) -> None:
    with psycopg.connect(database.reader_conninfo(loaded), autocommit=True) as reader:
        reader.execute("BEGIN READ ONLY; SET LOCAL statement_timeout = 300")
        begun = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            reader.execute(
                "SELECT count(*) FROM cluster.ngc AS a JOIN cluster.ngc AS b ON a.hpx4 = b.hpx4, generate_series(1, 100000) WHERE sqrt(a.ra * b.ra) > generate_series"
            )
        assert time.monotonic() - begun < 5


# ---- a worker that is away, or hangs


@contextmanager
def hanging(node: PrivateCluster) -> Iterator[None]:
    """All of its processes are stopped: connections stay open, and nobody answers."""
    postmaster = int((node.data / "postmaster.pid").read_text().splitlines()[0])
    stopped = [postmaster, *children(postmaster)]
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)


def cone_on(owner: psycopg.Connection, name: str) -> str:
    """A query that needs this worker only: all objects of one cell that it has."""
    cell = next(cell for cell, holder in placements(owner).items() if holder == name and cell >= 0)
    row = owner.execute('SELECT ra, "dec" FROM cluster.ngc WHERE hpx4 = %s', (cell,)).fetchone()
    while row is None:
        cell = next(c for c, holder in placements(owner).items() if holder == name and c > cell)
        row = owner.execute('SELECT ra, "dec" FROM cluster.ngc WHERE hpx4 = %s', (cell,)).fetchone()
    return f"SELECT name FROM cluster.ngc WHERE DISTANCE(ra, dec, {row[0]}, {row[1]}) < 0.0001"


def test_a_worker_that_hangs_costs_a_query_no_more_than_its_time(
    url: str, owner: psycopg.Connection, nodes: dict[str, PrivateCluster]
) -> None:
    elsewhere, there = cone_on(owner, "far0"), cone_on(owner, "far1")
    assert asked(url, COUNT).status_code == 200
    with hanging(nodes["far1"]):
        begun = time.monotonic()
        answer = asked(url, there)
        assert answer.status_code in (503, 504)
        assert time.monotonic() - begun < 6 + 6
        for _ in range(3):
            begun = time.monotonic()
            assert asked(url, elsewhere).status_code == 200
            assert time.monotonic() - begun < 3
    for _ in range(60):
        if asked(url, COUNT).status_code == 200:
            break
        time.sleep(0.5)
    assert asked(url, there).status_code == 200


def test_tables_that_are_not_distributed_are_loaded_while_a_worker_is_away(
    loaded: Config, owner: psycopg.Connection, nodes: dict[str, PrivateCluster]
) -> None:
    load_table(owner, open_file(SAMPLE / "ngc.parquet"), "cluster.local", ngc())
    node = nodes["far1"]
    node.stop("immediate")
    try:
        load_table(owner, open_file(SAMPLE / "ngc.parquet"), "cluster.local", ngc())
        database.prepare(loaded, lambda _: None)
        told: list[str] = []
        migrate_shards(loaded, told.append)
        assert any("far1" in line for line in told)
        states = {state.name: state.problem for state in engine_of(owner).states()}
        assert "cannot be reached" in str(states["far1"])
        assert states["far0"] is None
    finally:
        node.start()
