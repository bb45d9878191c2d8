"""A shard that is two servers, a primary and a standby that follows it: what runs where, and how the standby takes over."""

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
import requests
from psycopg.conninfo import make_conninfo

from adql.translate import translate
from schema.description import Description, read_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.engine import database
from tap.engine.engine import Access
from tap.engine.private import ADMIN, PrivateCluster, program
from tap.sharding.execution.shard_pool import ShardPool
from tap.sharding.loading.load import load_sharded
from tap.sharding.placements import read_placements
from tap.sharding.planning import plan_query
from tap.sharding.setup import init_shards, shard_states
from tap.sharding.shards import ShardError, known_shards, read_shards_file
from tests.conftest import ROOT, SAMPLE, alone, serving

pytestmark = pytest.mark.long

FILE = """
[shards.twin0]
database = "host={both} port=5432,5432 dbname=armillary user=armillary_owner target_session_attrs=read-write"
reader = "host={both} port=5432,5432 dbname=armillary user=armillary_reader target_session_attrs=prefer-standby"
admin = "host={both} port=5432,5432 dbname=armillary user={admin}"

[shards.twin1]
database = "host={one} dbname=twin1 user=armillary_owner"
admin = "host={one} dbname=twin1 user={admin}"
"""
LIST = b"n,ra,dec\n1,10.6847,41.269\n2,83.8187,-5.3897\n3,184.74,47.3037\n4,202.4696,47.1952\n5,250.4226,36.4602\n"
CONE = "SELECT name, vmag FROM twin.{ngc} WHERE DISTANCE(ra, dec, 187.7, 12.4) < 3"
COUNT = "SELECT COUNT(*) AS n, MIN(ra) AS a FROM twin.{ngc}"
PAIRS = "SELECT u.n, s.name FROM tap_upload.list AS u JOIN twin.{ngc} AS s ON DISTANCE(u.ra, u.dec, s.ra, s.dec) < 0.5"
MATCH = "SELECT COUNT(*) AS n, MIN(s.name) AS s FROM tap_upload.list AS u JOIN twin.{ngc} AS s ON DISTANCE(u.ra, u.dec, s.ra, s.dec) < 0.5"
TRAVELS = "SELECT COUNT(*) AS n, MIN(s.name) AS s FROM twin.few AS a JOIN twin.{ngc} AS s ON DISTANCE(a.ra, a.dec, s.ra, s.dec) < 0.2"
LEFT_TO_FDW = "SELECT ivo_histogram(vmag, 0, 20, 10) AS h FROM twin.{ngc}"
QUERIES = (CONE, COUNT, MATCH, PAIRS, TRAVELS, LEFT_TO_FDW)
SOON = 20.0

Rows = list[list[object]]


@dataclass(frozen=True)
class Twins:
    config: Config
    primary: PrivateCluster
    standby: PrivateCluster
    right: dict[str, Rows]
    url: str


def description() -> Description:
    return read_description(ROOT / "deploy" / "sample" / "ngc.toml")


def sharded() -> Description:
    about = description()
    return replace(about, table=replace(about.table, sharded=True))


def few(folder: Path) -> Path:
    """A table so small that it travels to the shards."""
    path = folder / "few.parquet"
    pq.write_table(pq.read_table(SAMPLE / "ngc.parquet").slice(0, 50), path)
    return path


@contextmanager
def cluster(name: str, like: PrivateCluster | None = None) -> Iterator[PrivateCluster]:
    """A private one, or one that follows another."""
    # Not pytest's folder: PostgreSQL's own user must be able to go through it.
    folder = Path(tempfile.mkdtemp(prefix=f"armillary-{name}-"))
    folder.chmod(0o755)
    found = PrivateCluster(folder, "32MB", durable=False)
    try:
        if like:
            found._make_folder(folder)
            copy = [program("pg_basebackup"), "-D", str(found.data), "-h", str(like.sockets), "-U", ADMIN]
            found._run([*copy, "-R", "-X", "stream", "-c", "fast"])
        found.start()
        yield found
    finally:
        found.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def asked(url: str, query: str) -> requests.Response:
    form = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "json"}
    if "tap_upload" not in query:
        return requests.post(f"{url}/sync", data=form, timeout=60)
    file = {"list": ("list.csv", LIST, "text/csv")}
    return requests.post(f"{url}/sync", data=form | {"UPLOAD": "list,param:list"}, files=file, timeout=60)


def rows(answer: requests.Response) -> Rows:
    assert answer.status_code == 200, answer.text
    return sorted(answer.json()["data"], key=str)


def of_sharded(twins: Twins, query: str) -> requests.Response:
    return asked(twins.url, query.format(ngc="ngc"))


def becomes_right(twins: Twins, query: str) -> None:
    """Soon; until then it is told which shard is away, or the rows of the others that had begun to come break off."""
    begun = time.monotonic()
    while time.monotonic() - begun < SOON:
        with suppress(requests.exceptions.ChunkedEncodingError):
            answer = of_sharded(twins, query)
            if answer.status_code != 503:
                assert rows(answer) == twins.right[query], query
                return
            assert "the shard twin0 is away" in answer.text
        time.sleep(0.2)
    raise AssertionError(f"never right: {query}")


def readers_on(at: PrivateCluster) -> int:
    """Sessions of queries that were there."""
    with psycopg.connect(at.conninfo(ADMIN)) as connection:
        found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'armillary_reader'")
        return int((found.fetchone() or (0,))[0])


def load(config: Config, name: str) -> None:
    with database.owner_connection(config) as connection:
        load_sharded(connection, lambda: open_file(SAMPLE / "ngc.parquet"), f"twin.{name}", sharded())


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[PrivateCluster, PrivateCluster]]:
    with cluster("primary") as primary, cluster("standby", like=primary) as standby:
        waited_for(primary, "*")
        yield primary, standby


@pytest.fixture(scope="module")
def twins(
    config: Config, pair: tuple[PrivateCluster, PrivateCluster], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Twins]:
    """twin.ngc on the shards, twin.near and twin.few here."""
    one = database.cluster_of(config.database)
    with psycopg.connect(one.conninfo(ADMIN), autocommit=True) as admin:
        admin.execute("CREATE DATABASE twin1")
    path = tmp_path_factory.mktemp("twins") / "shards.toml"
    # The standby comes first: who writes must look for the other.
    path.write_text(FILE.format(both=f"{pair[1].sockets},{pair[0].sockets}", one=one.sockets, admin=ADMIN))
    for _ in range(2):
        init_shards(config, read_shards_file(path).shards, lambda _: None)
    load(config, "ngc")
    with database.owner_connection(config) as connection:
        load_table(connection, open_file(SAMPLE / "ngc.parquet"), "twin.near", description())
        load_table(connection, open_file(few(path.parent)), "twin.few", description())
    with serving(alone(config, processes=1, workers=1)) as url:
        right = {query: rows(asked(url, query.format(ngc="near"))) for query in QUERIES}
        assert all(right.values())
        yield Twins(config, *pair, right, url)
    with database.owner_connection(config) as connection:
        for name in ("ngc", "near", "few", "after"):
            unpublish_table(connection, f"twin.{name}")
        connection.execute("DROP SCHEMA twin CASCADE")
        connection.execute("DELETE FROM armillary.ranges WHERE table_name LIKE 'twin.%'")
        connection.execute("DELETE FROM armillary.shards WHERE shard_name LIKE 'twin%'")


def waited_for(at: PrivateCluster, names: str) -> None:
    """Which standbys each commit waits for."""
    with psycopg.connect(at.conninfo(ADMIN), autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def lagging(standby: PrivateCluster) -> Iterator[None]:
    with psycopg.connect(standby.conninfo(ADMIN), autocommit=True) as connection:
        connection.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            connection.execute("SELECT pg_wal_replay_resume()")


@contextmanager
def silent(gone: PrivateCluster) -> Iterator[None]:
    """As a machine that is off: who connects hears nothing."""
    path = gone.sockets / ".s.PGSQL.5432"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield
    path.unlink()


def test_what_only_reads_runs_on_the_standby_and_temporary_tables_on_the_primary(twins: Twins) -> None:
    for query in (CONE, COUNT, LEFT_TO_FDW):
        becomes_right(twins, query)
    assert readers_on(twins.standby) >= 2, "one of ours, one of postgres_fdw"
    assert readers_on(twins.primary) == 0
    for query in (MATCH, TRAVELS):
        becomes_right(twins, query)
    assert readers_on(twins.primary) > 0


def test_a_load_waits_until_the_standby_has_the_table(twins: Twins) -> None:
    with ThreadPoolExecutor(1) as threads:
        with lagging(twins.standby):
            loading = threads.submit(load, twins.config, "after")
            time.sleep(2)
            assert not loading.done()
            assert rows(of_sharded(twins, COUNT)) == twins.right[COUNT]
        loading.result()
    assert rows(asked(twins.url, COUNT.format(ngc="after"))) == twins.right[COUNT]


def test_a_table_that_has_not_arrived_on_the_standby_is_told(twins: Twins) -> None:
    """As after a careless change of the settings."""
    waited_for(twins.primary, "")
    with lagging(twins.standby):
        load(twins.config, "after")
        for query in (COUNT, LEFT_TO_FDW):
            answer = asked(twins.url, query.format(ngc="after"))
            assert answer.status_code == 503
            assert "has not arrived on all servers" in answer.text
    waited_for(twins.primary, "*")


def test_readers_on_standbys_that_nobody_waits_for_are_refused(twins: Twins) -> None:
    waited_for(twins.primary, "")
    with database.owner_connection(twins.config) as connection:
        known = {shard.name: shard for shard in known_shards(connection)}
    with pytest.raises(ShardError, match="synchronous_standby_names must name them all"):
        init_shards(twins.config, (known["twin0"],), lambda _: None)
    waited_for(twins.primary, "*")


@contextmanager
def asked_all_the_time(twins: Twins) -> Iterator[list[str]]:
    """Notes what is neither right, nor a 503, nor broken off, as a result that had begun must be."""
    over, wrong = threading.Event(), list[str]()

    def ask() -> None:
        while not over.is_set():
            for query in QUERIES:
                with suppress(requests.exceptions.ChunkedEncodingError):
                    answer = of_sharded(twins, query)
                    if answer.status_code != 503 and rows(answer) != twins.right[query]:
                        wrong.append(f"{query}: {answer.text[:500]}")

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(ask)
        try:
            yield wrong
        finally:
            over.set()
        running.result()


def test_the_standby_takes_over(twins: Twins) -> None:
    with asked_all_the_time(twins) as wrong:
        twins.primary.stop("immediate")
        goes_on_without_the_primary(twins)
        twins.standby._pg_ctl("promote", "-w")
        for query in QUERIES:
            becomes_right(twins, query)
    assert wrong == []
    with database.owner_connection(twins.config) as connection:
        states = {each.name: each.problem for each in shard_states(connection)}
    assert (states["twin0"], states["twin1"]) == (None, None)
    load(twins.config, "after")
    assert rows(asked(twins.url, COUNT.format(ngc="after"))) == twins.right[COUNT]
    with silent(twins.primary):
        sees_it_at_once(twins)


def goes_on_without_the_primary(twins: Twins) -> None:
    for query in (CONE, COUNT, LEFT_TO_FDW):
        becomes_right(twins, query)
    for query in (MATCH, TRAVELS):
        answer = of_sharded(twins, query)
        assert answer.status_code == 503
        assert "the shard twin0 is away" in answer.text
    assert rows(of_sharded(twins, COUNT)) == twins.right[COUNT], "what reads goes on meanwhile"


def sees_it_at_once(twins: Twins) -> None:
    """Even who has no session yet finds the one that answers."""
    with database.owner_connection(twins.config) as connection:
        (reader,) = (shard.reader for shard in known_shards(connection) if shard.name == "twin0")
    # The one that is silent comes first, and with prefer-standby is tried twice.
    reader = make_conninfo(reader, host=f"{twins.primary.sockets},{twins.standby.sockets}")
    shards = ShardPool(lambda: {"twin0": reader}, 2)
    try:
        assert shards.away(["twin0"]) == ()
        assert shards.away(["twin0"], Access.READ_WRITE) == ()
    finally:
        shards.close()
    with psycopg.connect(database.reader_conninfo(twins.config), autocommit=True) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        translation = translate(LEFT_TO_FDW.format(ngc="ngc"), read_catalogue(connection))
        plan = plan_query(translation, read_placements(connection))
        assert plan.distributed is None
        assert [list(row) for row in connection.execute(plan.translation.sql.encode())] == twins.right[LEFT_TO_FDW]
