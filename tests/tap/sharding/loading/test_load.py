"""A load of a sharded table that is interrupted goes on; one that fails leaves nothing; what is replaced is gone everywhere."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from schema.description import Description, parse_description
from schema.load import open_file
from schema.load.reader import LoadError, Reader
from schema.publish import load_table, publish_table, unpublish_table
from schema.tap_schema import read_catalogue
from tap.cli import main
from tap.config import ENVIRONMENT, Config
from tap.engine import database
from tap.sharding.loading import copy_to_shards
from tap.sharding.loading.checksum import PartitionContent
from tap.sharding.loading.load import LoadInterrupted, SourceFile, load_sharded
from tap.sharding.placements import read_placements
from tap.sharding.rebalancing import drain
from tap.sharding.rebalancing.move import move_range
from tap.sharding.rebalancing.orphans import drop_orphans, drop_replaced, orphans
from tap.sharding.rebalancing.verify import check_ranges
from tap.sharding.shards import Shard
from tests.conftest import ROOT, SAMPLE
from tests.tap.sharding.databases import ngc, shard, sharded_service, stars, tables_on

SHARDS = ["loading0", "loading1"]
NGC = SAMPLE / "ngc.parquet"
LOADER = """
import os, signal, sys
from pathlib import Path
import psycopg
from tap.sharding.loading import copy_to_shards
from tap.sharding.rebalancing import drain
from tap.sharding.loading.load import LoadInterrupted, SourceFile, load_sharded
from tests.tap.sharding.databases import stars

copy_to_shards.CHUNK = 50_000
def killed(rows, fraction):
    if rows > 450_000:
        os.kill(os.getpid(), signal.SIGKILL)
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    load_sharded(connection, SourceFile(Path(sys.argv[2])), "big.stars", stars(), killed)
"""
Listed = list[tuple[str, int, bool, int]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No queries run in these tests that had to be waited for."""
    monkeypatch.setattr(drain, "SETTLE", 0.0)


@pytest.fixture(scope="module")
def service(config: Config) -> Iterator[Config]:
    with sharded_service(config, "loading", SHARDS) as service:
        yield service


@pytest.fixture
def owner(service: Config) -> Iterator[psycopg.Connection]:
    with database.owner_connection(service) as connection:
        yield connection


def listed(config: Config) -> Listed:
    """The parts on all shards: name, rows of the file behind each, whether it is ready, and which file it is on disk."""
    found: Listed = []
    for name in SHARDS:
        with psycopg.connect(shard(config, name).database) as there:
            found += there.execute(
                "SELECT partition, taken, ready, to_regclass(schema_name || '.' || partition)::oid::bigint"
                " FROM armillary.parts ORDER BY 1"
            ).fetchall()
    return found


def count(config: Config, table: str) -> int:
    with psycopg.connect(database.reader_conninfo(config)) as reader:
        (rows,) = reader.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() or (0,)
    return int(rows)


def nothing_is_left(config: Config, owner: psycopg.Connection) -> bool:
    empty = not any(tables_on(config, name) for name in SHARDS) and not listed(config)
    return empty and owner.execute("SELECT FROM armillary.loads").fetchone() is None


def clear(owner: psycopg.Connection, *names: str) -> None:
    for name in names:
        unpublish_table(owner, name)
        owner.execute(f"DROP TABLE IF EXISTS {name}".encode())
    drop_orphans(owner)


@pytest.mark.long
def test_a_load_that_is_killed_goes_on_where_it_was(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", LOADER, database.owner_conninfo(service), str(SAMPLE / "stars.parquet")]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL
    before = listed(service)
    assert len(before) == 8
    assert {(350_000 <= taken <= 600_000, ready) for _, taken, ready, _ in before} == {(True, False)}
    assert [t.table_name for t in read_catalogue(owner).tables if t.schema_name == "big"] == []
    assert orphans(owner) == []

    passes: list[int] = []
    monkeypatch.setattr(copy_to_shards.PartitionWriter, "write", counting(copy_to_shards.PartitionWriter.write, passes))
    load_sharded(owner, SourceFile(SAMPLE / "stars.parquet"), "big.stars", stars())
    # The same tables, and only the rows that were not there.
    after = listed(service)
    assert [(name, file) for name, _, _, file in after] == [(name, file) for name, _, _, file in before]
    assert {(taken, ready) for _, taken, ready, _ in after} == {(981_852, True)}
    assert 0.3 < sum(passes) / sum(whole_size(shard(service, name), "big.stars") for name in SHARDS) < 0.75
    assert count(service, "big.stars") == 981_852
    assert check_ranges(owner) == []
    clear(owner, "big.stars")
    assert nothing_is_left(service, owner)


def counting(
    write: Callable[[copy_to_shards.PartitionWriter, bytes], None], passes: list[int]
) -> Callable[[copy_to_shards.PartitionWriter, bytes], None]:
    def counted(self: copy_to_shards.PartitionWriter, rows: bytes) -> None:
        passes.append(len(rows))
        write(self, rows)

    return counted


def whole_size(on: Shard, table: str) -> int:
    """Bytes of all rows there as COPY has them."""
    command = f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)".encode()
    with psycopg.connect(on.database) as there, there.cursor() as cursor, cursor.copy(command) as rows:
        return sum(len(block) for block in rows)


def stops_after(rows: int, error: BaseException) -> Callable[[int, float | None], None]:
    def progress(read: int, fraction: float | None) -> None:
        if read > rows:
            raise error

    return progress


@pytest.mark.long
def test_a_shard_that_goes_away_in_the_middle_interrupts_and_another_file_begins_anew(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_to_shards, "CHUNK", 20_000)
    file = SourceFile(SAMPLE / "stars.parquet")

    def cut(read: int, fraction: float | None) -> None:
        if read > 200_000:
            with psycopg.connect(shard(service, SHARDS[1]).admin or "", autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'loading1'"
                    " AND usename = 'armillary_owner'"
                )

    with pytest.raises(LoadInterrupted, match="the same command"):
        load_sharded(owner, file, "big.cut", stars(), cut)
    before = listed(service)
    assert all(taken for _, taken, _, _ in before)
    other = replace(stars(), table=replace(stars().table, indexes=()))
    with pytest.raises(KeyboardInterrupt):
        load_sharded(owner, file, "big.cut", other, stops_after(100_000, KeyboardInterrupt()))
    assert not {file for *_, file in listed(service)} & {file for *_, file in before}
    load_sharded(owner, SourceFile(NGC), "big.cut", ngc())
    assert count(service, "big.cut") == 14_033
    assert len(listed(service)) == 8
    clear(owner, "big.cut")
    assert nothing_is_left(service, owner)


def test_a_load_that_fails_leaves_nothing_behind_though_a_part_was_committed(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(copy_to_shards, "CHUNK", 20_000)
    with pytest.raises(LoadError, match="somewhere"):
        load_sharded(
            owner,
            SourceFile(SAMPLE / "stars.parquet"),
            "bad.stars",
            stars(),
            stops_after(200_000, LoadError("somewhere")),
        )
    assert nothing_is_left(service, owner)
    table = pa.table({"id": [1, 2, 1], "ra": [10.0, 20.0, 10.0], "dec": [1.0, 2.0, 1.0]})
    pq.write_table(table, tmp_path / "twice.parquet")
    once = parse_description({"table": {"ra": "ra", "dec": "dec", "primary_key": ["id"]}})
    with pytest.raises(LoadError, match="primary key"):
        load_sharded(owner, SourceFile(tmp_path / "twice.parquet"), "bad.twice", once)
    assert nothing_is_left(service, owner)
    assert owner.execute("SELECT to_regnamespace('bad')").fetchone() == (None,)


def test_rows_that_arrive_other_than_they_were_sent_are_noticed(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = copy_to_shards.PartitionWriter.finish

    def spoilt(self: copy_to_shards.PartitionWriter, sent: PartitionContent) -> None:
        if self.range.first <= 20_000 < self.range.stop:
            self.connection.execute(f"UPDATE bad.{self.range.partition} SET dec = dec + 1e-13 WHERE dec > 0".encode())
            self.connection.commit()
        written(self, sent)

    monkeypatch.setattr(copy_to_shards.PartitionWriter, "finish", spoilt)
    with pytest.raises(LoadError, match="checksum"):
        load_sharded(owner, SourceFile(NGC), "bad.ngc", ngc())
    assert nothing_is_left(service, owner)


def test_check_compares_checksums_of_what_lies_on_the_shards(service: Config, owner: psycopg.Connection) -> None:
    load_sharded(owner, SourceFile(NGC), "checked.ngc", ngc())
    assert check_ranges(owner) == []
    with psycopg.connect(shard(service, SHARDS[1]).database) as there:
        there.execute("UPDATE checked.ngc SET name = name || '!' WHERE name = (SELECT min(name) FROM checked.ngc)")
        there.commit()
        (problem,) = check_ranges(owner)
    assert "other than" in problem
    assert "checked.ngc" in problem
    clear(owner, "checked.ngc")


@pytest.mark.long
def test_a_table_loaded_unsharded_over_a_sharded_one_leaves_no_parts(
    service: Config, owner: psycopg.Connection
) -> None:
    load_sharded(owner, SourceFile(NGC), "again.ngc", ngc())
    load_table(owner, open_file(NGC), "again.ngc", ngc())
    assert len(orphans(owner)) == 8
    drop_replaced(owner, "again.ngc")
    assert nothing_is_left(service, owner)
    assert count(service, "again.ngc_2") == 14_033
    load_sharded(owner, SourceFile(NGC), "again.ngc", ngc())
    assert count(service, "again.ngc") == 14_033
    clear(owner, "again.ngc")


@pytest.mark.long
def test_a_table_that_was_unpublished_can_be_loaded_again_and_leaves_no_orphans(
    service: Config, owner: psycopg.Connection
) -> None:
    for _ in range(2):
        load_sharded(owner, SourceFile(NGC), "again.ngc", ngc())
    unpublish_table(owner, "again.ngc")
    # Its data stay, as those of other tables.
    assert orphans(owner) == []
    assert tables_on(service, SHARDS[0])
    load_sharded(owner, SourceFile(NGC), "again.ngc", ngc())
    assert {len(tables_on(service, name)) for name in SHARDS} == {5}
    assert owner.execute("SELECT count(*) FROM pg_foreign_table").fetchone() == (8,)
    assert check_ranges(owner) == []
    clear(owner, "again.ngc")
    assert nothing_is_left(service, owner)


def test_a_table_that_was_unpublished_can_be_published_again(service: Config, owner: psycopg.Connection) -> None:
    load_sharded(owner, SourceFile(NGC), "again.ngc", ngc())
    (before,) = (t for t in read_catalogue(owner).tables if t.table_name == "again.ngc")
    placements = read_placements(owner)
    for _ in range(2):
        unpublish_table(owner, "again.ngc")
        publish_table(owner, "again.ngc", Description())
    (after,) = (t for t in read_catalogue(owner).tables if t.table_name == "again.ngc")
    assert (replace(after, data_version=before.data_version, origin=before.origin), read_placements(owner)) == (
        before,
        placements,
    )
    assert count(service, "again.ngc") == 14_033
    assert check_ranges(owner) == []
    # A load replaces it as if nothing had been.
    table = load_sharded(owner, SourceFile(NGC), "again.ngc", ngc()).table
    assert count(service, ".".join(table.stored_parts)) == 14_033
    unpublish_table(owner, "again.ngc", drop=True)
    drop_orphans(owner, {"again.ngc"})
    assert nothing_is_left(service, owner)


def layouts_of(owner: psycopg.Connection) -> dict[str, str]:
    return {".".join(parts): placement.partitioning.layout for parts, placement in read_placements(owner).items()}


@pytest.mark.long
def test_a_table_whose_layout_moved_while_it_was_unpublished_is_no_longer_divided_alike(
    service: Config, owner: psycopg.Connection
) -> None:
    load_sharded(owner, SourceFile(NGC), "again.one", ngc())
    load_sharded(
        owner, SourceFile(NGC), "again.two", replace(ngc(), table=replace(ngc().table, sharded_with="again.one"))
    )
    unpublish_table(owner, "again.two")
    publish_table(owner, "again.two", Description())
    layouts = layouts_of(owner)
    assert layouts["again.one"] == layouts["again.two"]
    unpublish_table(owner, "again.two")
    (first,) = owner.execute(
        "SELECT min(first) FROM armillary.ranges WHERE shard_name = %s", (SHARDS[0],)
    ).fetchone() or (0,)
    move_range(owner, layouts["again.one"], first, SHARDS[1], lambda _: None)
    publish_table(owner, "again.two", Description())
    layouts = layouts_of(owner)
    assert layouts["again.one"] != layouts["again.two"]
    assert [count(service, name) for name in ("again.one", "again.two")] == [14_033, 14_033]
    assert check_ranges(owner) == []
    clear(owner, "again.one", "again.two")
    assert nothing_is_left(service, owner)


def test_a_part_that_is_somebody_elses_is_not_dropped(service: Config, owner: psycopg.Connection) -> None:
    with psycopg.connect(shard(service, SHARDS[0]).database, autocommit=True) as there:
        there.execute("CREATE SCHEMA mine; CREATE TABLE mine.ngc_p1 AS SELECT 5 AS x")
        with pytest.raises(psycopg.errors.DuplicateTable):
            load_sharded(owner, SourceFile(NGC), "mine.ngc", ngc())
        assert there.execute("SELECT x FROM mine.ngc_p1").fetchone() == (5,)
        there.execute("DROP SCHEMA mine CASCADE")
    assert nothing_is_left(service, owner)


def test_rows_of_a_batch_of_which_a_part_has_some_are_sent_once(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    random = np.random.default_rng(3)
    columns = {"ra": random.uniform(0, 360, 30_000), "dec": random.uniform(-90, 90, 30_000), "n": np.arange(30_000)}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=1000)
    described = parse_description({"table": {"ra": "ra", "dec": "dec"}})
    monkeypatch.setattr(copy_to_shards, "CHUNK", 2_000)

    def in_batches_of(size: int) -> None:
        original = pq.ParquetFile.iter_batches
        monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda self, *_, **options: original(self, size, **options))

    source = SourceFile(tmp_path / "a.parquet")
    in_batches_of(1_000)
    with pytest.raises(KeyboardInterrupt):
        load_sharded(owner, source, "parts.a", described, stops_after(17_000, KeyboardInterrupt()))
    in_batches_of(7_000)
    load_sharded(owner, source, "parts.a", described)
    with psycopg.connect(database.reader_conninfo(service)) as reader:
        found = reader.execute("SELECT count(*), count(DISTINCT n), sum(n)::bigint FROM parts.a").fetchone()
    assert found == (30_000, 30_000, 29_999 * 15_000)
    clear(owner, "parts.a")


def test_two_loads_of_one_table_do_not_mix(service: Config, owner: psycopg.Connection) -> None:
    said: list[str] = []

    def meanwhile(read: int, fraction: float | None) -> None:
        with database.owner_connection(service) as other, pytest.raises(LoadError) as error:
            load_sharded(other, opened, "twice.ngc", ngc())
        said.append(str(error.value))

    def opened() -> Reader:
        return open_file(NGC)

    load_sharded(owner, opened, "twice.ngc", ngc(), meanwhile)
    assert "being loaded" in said[0]
    assert count(service, "twice.ngc") == 14_033
    clear(owner, "twice.ngc")


def test_the_command_goes_on_with_a_load_and_cleans_up_after_it(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("data_dir", "database", "owner_database", "admin_database"):
        monkeypatch.setenv(f"{ENVIRONMENT}{name.upper()}", str(getattr(service.database, name)))
    plain = ROOT / "deploy" / "sample" / "ngc.toml"
    sharded = tmp_path / "ngc.toml"
    sharded.write_text(plain.read_text("utf-8").replace("[table]\n", "[table]\nsharded = true\n"), "utf-8")

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
        return str(done.output)

    load = ["load", str(NGC), "--table", "said.ngc", "--description"]
    with monkeypatch.context() as patch:
        patch.setattr(
            copy_to_shards.PartitionWriter, "finish", lambda *_: (_ for _ in ()).throw(psycopg.OperationalError("gone"))
        )
        broken = CliRunner().invoke(main, [*load, str(sharded)])
        assert (broken.exit_code, "the same command goes on" in broken.output) == (1, True), broken.output
    assert "said.ngc: a load has not ended" in run("shards", "check")
    before = {file for *_, file in listed(service)}
    run(*load, str(sharded))
    assert {file for *_, file in listed(service)} == before
    run(*load, str(plain))
    assert nothing_is_left(service, owner)
    run(*load, str(sharded))
    with database.owner_connection(service) as other:
        other.execute("DELETE FROM tap_schema.tables WHERE table_name = 'said.ngc'")
        other.execute("DELETE FROM armillary.tables WHERE table_name = 'said.ngc'; DROP SCHEMA said CASCADE")
    assert run("shards", "check").count("no table uses it") == 8
    assert "8 parts dropped" in run("shards", "drop-orphans")
    with monkeypatch.context() as patch:
        patch.setattr(
            copy_to_shards.PartitionWriter, "finish", lambda *_: (_ for _ in ()).throw(psycopg.OperationalError("gone"))
        )
        CliRunner().invoke(main, [*load, str(sharded)])
    assert "0 parts dropped" in run("shards", "drop-orphans")
    assert "8 parts dropped" in run("shards", "drop-orphans", "--unfinished")
    assert nothing_is_left(service, owner)
