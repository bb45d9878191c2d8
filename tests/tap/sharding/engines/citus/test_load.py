"""Tables that Citus distributes: loaded, verified, replaced, dropped."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schema.description import Description, TableDescription
from schema.load import open_file
from schema.load.reader import LoadError
from schema.publish import publish_table, unpublish_table
from tap.config import ENVIRONMENT, Config
from tap.engine import database
from tap.engine.private import PrivateCluster
from tap.sharding.engines.choice import engine_of
from tap.sharding.engines.citus.load import division_for
from tap.sharding.loading.load import SourceFile
from tap.sharding.loading.load_journal import LoadInUse
from tests.conftest import ROOT, SAMPLE
from tests.tap.sharding.databases import ngc

NGC = SAMPLE / "ngc.parquet"
KILLED = """
import os, sys
from pathlib import Path
from tap.config_sources import load_config
from tap.engine import database
from tap.sharding.engines.choice import engine_of
from tap.sharding.loading.load import SourceFile
from tests.tap.sharding.databases import ngc

def killed(rows, fraction):
    os._exit(9)

with database.owner_connection(load_config()) as connection:
    engine_of(connection).load(SourceFile(Path(sys.argv[1])), "killed.ngc", ngc(), killed)
"""


def sharded_ngc() -> Description:
    return replace(ngc(), table=replace(ngc().table, sharded=True))


def load(owner: psycopg.Connection, name: str, path: Path = NGC, description: Description | None = None) -> int:
    done = engine_of(owner).load(SourceFile(path), name, description or sharded_ngc(), lambda rows, fraction: None)
    return int(done.table.nrows or 0)


def tables_on(node: PrivateCluster, schema_name: str) -> set[str]:
    """Tables of a schema on a worker, shards by their table's name."""
    with psycopg.connect(node.conninfo("armillary_owner")) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r'", (schema_name,)
        )
        return {re.sub(r"_\d{6,}$", "", str(name)) for (name,) in rows}


def count(here: Config, table: str) -> int:
    with psycopg.connect(database.reader_conninfo(here)) as reader:
        (rows,) = reader.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
        return int(rows)


def test_all_rows_are_on_the_workers_and_read_as_one_table(
    here: Config, owner: psycopg.Connection, nodes: dict[str, PrivateCluster]
) -> None:
    assert load(owner, "loaded.ngc") == 14_033
    assert count(here, "loaded.ngc") == 14_033
    for node in nodes.values():
        assert "ngc" in tables_on(node, "loaded")
    assert engine_of(owner).problems() == []
    states = {state.name: state for state in engine_of(owner).states()}
    assert [state.problem for state in states.values()] == [None, None]
    assert sum({t: n for t, n, _ in state.tables}["loaded.ngc"] for state in states.values()) == 32


def test_values_are_those_of_the_file(here: Config, owner: psycopg.Connection) -> None:
    load(owner, "values.ngc")
    wanted = pq.read_table(NGC)
    with psycopg.connect(database.reader_conninfo(here)) as reader:
        rows = reader.execute('SELECT name, ra, "dec", vmag, messier FROM "values".ngc ORDER BY name').fetchall()
    file = sorted(zip(*(wanted[name].to_pylist() for name in ("name", "ra", "dec", "vmag", "messier")), strict=True))
    assert rows == file


def test_a_load_that_fails_leaves_nothing(
    owner: psycopg.Connection, nodes: dict[str, PrivateCluster], tmp_path: Path
) -> None:
    path = tmp_path / "twice.parquet"
    pq.write_table(pa.table({"id": [1, 2], "ra": [10.0, 400.0], "dec": [0.0, 99.0]}), path)
    with pytest.raises(LoadError):
        load(owner, "failed.places", path, Description(TableDescription(sharded=True, ra="ra", dec="dec")))
    assert owner.execute("SELECT FROM armillary.loads").fetchone() is None
    for node in nodes.values():
        assert tables_on(node, "failed") == set()
    assert engine_of(owner).unused() == []


def test_a_load_that_was_killed_is_told_and_begins_anew(here: Config, owner: psycopg.Connection) -> None:
    environment = os.environ | {f"{ENVIRONMENT}DATA_DIR": here.database.data_dir}
    done = subprocess.run([sys.executable, "-c", KILLED, str(NGC)], cwd=ROOT, env=environment, check=False)
    assert done.returncode == 9
    (note,) = engine_of(owner).unused()
    assert "killed.ngc: a load has not ended" in note
    assert load(owner, "killed.ngc") == 14_033
    assert engine_of(owner).unused() == []


def test_a_killed_load_can_be_given_up(
    here: Config, owner: psycopg.Connection, nodes: dict[str, PrivateCluster]
) -> None:
    unpublish_table(owner, "killed.ngc", drop=True)
    environment = os.environ | {f"{ENVIRONMENT}DATA_DIR": here.database.data_dir}
    subprocess.run([sys.executable, "-c", KILLED, str(NGC)], cwd=ROOT, env=environment, check=False)
    assert engine_of(owner).drop_unused(unfinished=False) == []
    (dropped,) = engine_of(owner).drop_unused(unfinished=True)
    assert "ngc" in dropped
    for node in nodes.values():
        assert tables_on(node, "killed") == set()


def test_two_loads_of_one_table_exclude_each_other(here: Config, owner: psycopg.Connection) -> None:
    told: list[str] = []

    def meanwhile(rows: int, fraction: float | None) -> None:
        if not told:
            with database.owner_connection(here) as other, pytest.raises(LoadInUse) as error:
                load(other, "twice.ngc")
            told.append(str(error.value))

    engine_of(owner).load(SourceFile(NGC), "twice.ngc", sharded_ngc(), meanwhile)
    assert "being loaded" in told[0]
    assert count(here, "twice.ngc") == 14_033


def test_a_table_that_is_loaded_again_takes_the_place_of_the_old_one(
    here: Config, owner: psycopg.Connection, nodes: dict[str, PrivateCluster]
) -> None:
    for _ in range(2):
        load(owner, "again.ngc")
    assert count(here, "again.ngc_2") == 14_033
    for node in nodes.values():
        assert tables_on(node, "again") == {"ngc_2"}


def test_tables_of_one_layout_lie_together(owner: psycopg.Connection, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    ids = pa.array(random.integers(0, 12 * 4**12, 1000) << 35)
    for name in ("source", "params"):
        pq.write_table(pa.table({"source_id": ids, "v": random.random(1000)}), tmp_path / f"{name}.parquet")
    by_id = TableDescription(sharded=True, healpix_id="source_id")
    load(owner, "layout.source", tmp_path / "source.parquet", Description(by_id))
    load(owner, "layout.params", tmp_path / "params.parquet", Description(replace(by_id, sharded_with="layout.source")))
    places = owner.execute(
        "SELECT count(DISTINCT colocation_id), count(DISTINCT table_name) FROM citus_shards WHERE table_name::text LIKE 'layout.%'"
    ).fetchone()
    assert places == (1, 2)
    with pytest.raises(LoadError, match="no such table"):
        load(owner, "layout.more", tmp_path / "params.parquet", Description(replace(by_id, sharded_with="layout.none")))


def test_a_layout_keeps_its_cells_however_many_workers_there_are(
    owner: psycopg.Connection, here: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = pa.array(np.random.default_rng(2).integers(0, 12 * 4**12, 1000) << 35)
    pq.write_table(pa.table({"source_id": ids}), tmp_path / "ids.parquet")
    by_id = TableDescription(sharded=True, healpix_id="source_id")
    load(owner, "kept.source", tmp_path / "ids.parquet", Description(by_id))
    monkeypatch.setattr("tap.sharding.engines.citus.load.division_for", lambda workers: (6, 512))
    load(owner, "kept.params", tmp_path / "ids.parquet", Description(replace(by_id, sharded_with="kept.source")))
    load(owner, "kept.source", tmp_path / "ids.parquet", Description(by_id))
    kinds = owner.execute(
        "SELECT count(DISTINCT colocation_id), count(DISTINCT table_name) FROM citus_shards WHERE table_name::text LIKE 'kept.%'"
    ).fetchone()
    orders = owner.execute(
        "SELECT DISTINCT pixel_order FROM armillary.tables WHERE table_name LIKE 'kept.%'"
    ).fetchall()
    assert (kinds, orders) == ((1, 2), [(4,)])


def test_a_table_is_not_published_by_another_position_than_it_is_divided_by(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    places = pa.table({"ra": [10.0, 20.0], "dec": [1.0, 2.0], "ra2": [200.0, 210.0], "dec2": [1.0, 2.0]})
    pq.write_table(places, tmp_path / "places.parquet")
    about = TableDescription(sharded=True, ra="ra", dec="dec")
    load(owner, "two.places", tmp_path / "places.parquet", Description(about))
    with pytest.raises(LoadError, match="divided among servers by ra and dec"):
        publish_table(owner, "two.places", Description(replace(about, ra="ra2", dec="dec2")))
    publish_table(owner, "two.places", Description(about))


def test_what_was_unpublished_comes_back_and_what_is_dropped_is_gone(
    here: Config, owner: psycopg.Connection, nodes: dict[str, PrivateCluster]
) -> None:
    load(owner, "gone.ngc")
    unpublish_table(owner, "gone.ngc")
    assert engine_of(owner).unused() == []
    publish_table(owner, "gone.ngc", Description())
    assert count(here, "gone.ngc") == 14_033
    assert engine_of(owner).problems() == []
    unpublish_table(owner, "gone.ngc", drop=True)
    for node in nodes.values():
        assert tables_on(node, "gone") == set()


def test_a_row_that_is_lost_and_one_that_is_changed_are_found(owner: psycopg.Connection) -> None:
    load(owner, "checked.ngc")
    owner.execute("UPDATE checked.ngc SET ra = ra + 1e-9 WHERE name = 'NGC0001'")
    assert engine_of(owner).problems() == ["checked.ngc: values are other than they were loaded"]
    owner.execute("DELETE FROM checked.ngc WHERE name = 'NGC0001'")
    assert engine_of(owner).problems() == ["checked.ngc: 14,032 rows where 14,033 were loaded"]
    unpublish_table(owner, "checked.ngc", drop=True)


def test_a_table_has_shards_for_all_workers_and_cells_enough_for_each() -> None:
    assert division_for(1) == (4, 32)
    assert division_for(5) == (4, 64)
    assert division_for(40) == (6, 512)
    for workers in range(1, 3000, 7):
        order, shards = division_for(workers)
        assert 12 * 4**order // shards >= 12


def test_files_of_every_kind_are_read_alike(owner: psycopg.Connection, here: Config, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("id,ra,dec,name\n1,10,10,a\n2,,,b\n3,350,-80,\n")
    done = engine_of(owner).load(
        lambda: open_file(path), "kinds.few", Description(TableDescription(sharded=True)), lambda rows, fraction: None
    )
    assert done.table.nrows == 3
    assert count(here, "kinds.few") == 3
