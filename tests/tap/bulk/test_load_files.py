"""Many files make one table; a load that was interrupted goes on, with nothing doubled and nothing lost."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.engine import database
from tests.conftest import ROOT
from tests.tap.bulk.conftest import NGC, NGC_DESCRIPTION, Armillary
from tests.tap.sharding.databases import sharded_service

KILLED = """
import os, signal, sys
from tap.bulk.load import load_sources
from tap.bulk.sources import find_sources
from schema.description import Description
import psycopg

def killed(rows, fraction):
    if rows > int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    load_sources(connection, find_sources(sys.argv[3:]), "bulk.stars", Description(), killed)
"""


def write(name: str, first: int, rows: int = 1000, **columns: pa.Array) -> None:
    """A file with the identifiers from `first` on, and positions."""
    ids = np.arange(first, first + rows)
    plain = {"id": ids, "ra": ids % 360 + 0.5, "dec": ids % 90 - 44.5, "note": [f"n{i % 7}" for i in ids]}
    Path(name).parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(plain | columns), name)


def ids(connection: psycopg.Connection) -> list[int]:
    table = next(table for table in read_catalogue(connection).tables if table.table_name == "bulk.stars")
    name = psycopg.sql.Identifier(*table.stored_parts)
    return [i for (i,) in connection.execute(psycopg.sql.SQL("SELECT id FROM {} ORDER BY id").format(name))]


def test_files_by_name_wildcard_folder_and_url_make_one_table(shed: psycopg.Connection, armillary: Armillary) -> None:
    for number in range(3):
        write(f"data/part{number}.parquet", 1000 * number)
    write("one.parquet", 3000, note=pa.array(["longest of all é"] * 1000))
    uri = Path("one.parquet").absolute().as_uri()
    assert "4,000 rows" in armillary("load", "data/*.parquet", uri, "--table", "bulk.stars")
    assert ids(shed) == list(range(4000))
    (table,) = [table for table in read_catalogue(shed).tables if table.table_name == "bulk.stars"]
    note = next(column for column in table.columns if column.column_name == "note")
    assert (table.nrows, note.datatype, note.arraysize) == (4000, "unicodeChar", "16*")
    assert [c.column_name for c in table.columns if c.indexed] == ["ra", "dec"]
    said = armillary("load", "data", "--table", "bulk.stars")
    assert "replaced" in said
    assert ids(shed) == list(range(3000))
    assert shed.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'bulk'").fetchone() == (1,)
    assert shed.execute("SELECT FROM armillary.staged_loads").fetchall() == []


def test_what_names_no_file_or_the_same_twice_is_told(shed: psycopg.Connection, armillary: Armillary) -> None:
    write("data/a.parquet", 0)
    for names, words in [
        (["nothing.parquet"], "nothing.parquet: there is no such file"),
        (["data/*.fits"], "data/*.fits: no file is called so"),
        (["data/a.parquet", "data/*"], "data/a.parquet is named twice"),
        (["ftp://x/a.parquet"], "ftp://x/a.parquet: files can be at"),
    ]:
        assert words in armillary("load", *names, "--table", "bulk.stars", fails=True)


def test_files_of_a_web_server_are_told_by_their_urls(shed: psycopg.Connection, armillary: Armillary) -> None:
    Path("data").mkdir()
    Path("data/cut.parquet").write_bytes(b"PAR1 and nothing more")
    handler = partial(SimpleHTTPRequestHandler, directory=str(Path("data").absolute()))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        said = armillary("load", f"{url}/cut.parquet", "--table", "bulk.stars", fails=True)
        assert f"{url}/cut.parquet" in said
        assert tempfile.gettempdir() not in said
        said = armillary("load", f"{url}/p*.parquet", "--table", "bulk.stars", fails=True)
        assert "wildcards name none there" in said
        server.shutdown()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dec": None}, "b.parquet: the column dec, which the files before it have, is missing"),
        ({"mag": pa.array([1.0] * 1000)}, "b.parquet: it has a column mag, which the files before it have not"),
        (
            {"note": pa.array([1] * 1000)},
            "b.parquet: column note: it holds BIGINT where the files before it hold VARCHAR",
        ),
    ],
)
def test_a_file_with_other_columns_is_named_and_the_load_goes_on_when_it_is_mended(
    shed: psycopg.Connection, armillary: Armillary, wrong: dict[str, pa.Array | None], words: str
) -> None:
    write("a.parquet", 0)
    write("b.parquet", 1000)
    table = pq.read_table("b.parquet")
    for name, values in wrong.items():
        table = table.drop_columns([name]) if name in table.column_names else table
        table = table.append_column(name, values) if values is not None else table
    pq.write_table(table, "b.parquet")
    said = armillary("load", "a.parquet", "b.parquet", "--table", "bulk.stars", fails=True)
    assert words in said
    assert not [t for t in read_catalogue(shed).tables if t.schema_name == "bulk"]
    write("b.parquet", 1000)
    armillary("load", "a.parquet", "b.parquet", "--table", "bulk.stars")
    assert ids(shed) == list(range(2000))


def test_a_killed_load_goes_on_without_rows_of_changed_and_dropped_files(
    shed: psycopg.Connection, config: Config, armillary: Armillary
) -> None:
    names = [f"part{number}.parquet" for number in range(5)]
    for number, name in enumerate(names):
        write(name, 10_000 * number, 10_000)
    command = [sys.executable, "-c", KILLED, database.owner_conninfo(config), "32000", *names]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert "bulk.stars: a load of it has not ended, 30,000 rows of 3 files are there" in armillary("check")
    transactions = "SELECT file, transaction::text FROM armillary.staged_files"
    before = dict(shed.execute(transactions).fetchall())
    write(names[1], 70_000, 500)
    said = armillary("load", *names[1:], "--table", "bulk.stars")
    assert f"{names[1]} has changed since its rows were loaded; they were replaced" in said
    assert f"{names[0]}, whose rows were loaded, is no longer among the files" in said
    assert ids(shed) == [*range(20_000, 50_000), *range(70_000, 70_500)]
    # The third was not sent again.
    row = shed.execute("SELECT DISTINCT xmin::text FROM bulk.stars WHERE id = 20000").fetchone()
    assert row == (before[names[2]],)


def test_restart_and_unpublish_with_drop_throw_an_interrupted_load_away(
    shed: psycopg.Connection, armillary: Armillary
) -> None:
    write("a.parquet", 0)
    write("b.parquet", 1000, note=pa.array([1] * 1000))
    armillary("load", "a.parquet", "b.parquet", "--table", "bulk.stars", fails=True)
    write("a.parquet", 0, note=pa.array([1] * 1000))
    said = armillary("load", "a.parquet", "b.parquet", "--table", "bulk.stars", fails=True)
    assert "an interrupted load of it has other columns, or other types of them; --restart begins anew" in said
    armillary("load", "a.parquet", "b.parquet", "--table", "bulk.stars", "--restart")
    assert ids(shed) == list(range(2000))
    write("b.parquet", 1000)
    armillary("load", "a.parquet", "b.parquet", "--table", "bulk.more", fails=True)
    armillary("unpublish", "bulk.more", "--drop")
    assert shed.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'bulk'").fetchone() == (1,)


def test_a_repeated_key_and_a_wrong_position_are_told_with_what_repairs_them(
    shed: psycopg.Connection, armillary: Armillary
) -> None:
    Path("d.toml").write_text('[table]\nprimary_key = ["id"]\n')
    write("a.parquet", 0)
    write("b.parquet", 500)
    arguments = ("load", "a.parquet", "b.parquet", "--table", "bulk.stars", "--description", "d.toml")
    assert "the primary key repeats: Key (id)=(" in armillary(*arguments, fails=True)
    write("b.parquet", 1000, dec=pa.array([99.0] + [1.0] * 999))
    assert "b.parquet: row 1, column dec: 99 is not between -90 and 90 degrees" in armillary(*arguments, fails=True)
    Path("d.toml").write_text('[table]\nprimary_key = ["id"]\ninvalid_positions = "null"\n')
    assert "1 rows had one that is not on the sky" in armillary(*arguments)
    assert ids(shed) == list(range(2000))


def test_many_files_go_to_shards_too(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pq.read_table(NGC)
    half = len(table) // 2
    for number in range(2):
        pq.write_table(table.slice(number * half, half if number == 0 else None), tmp_path / f"{number}.parquet")
    description = tmp_path / "ngc.toml"
    description.write_text(NGC_DESCRIPTION.read_text().replace("[table]", "[table]\nsharded = true", 1))
    with sharded_service(config, "bulkload", ["bulkload0", "bulkload1"]) as service:
        for name, value in service.as_environment().items():
            monkeypatch.setenv(name, value)
        from tests.command import armillary

        armillary("load", f"{tmp_path}/*.parquet", "--table", "far.ngc", "--description", str(description))
        with database.owner_connection(service) as owner:
            row = owner.execute("SELECT count(*), count(DISTINCT name) FROM far.ngc").fetchone()
    assert row == (len(table), len(set(table["name"].to_pylist())))
