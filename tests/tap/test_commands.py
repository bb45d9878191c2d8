"""`armillary load`, `publish` and `unpublish` as an operator types them, and the variables that the command knows."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from click.testing import CliRunner
from psycopg import sql

from schema.model import Table
from schema.tap_schema import count_change, read_catalogue, remove_table
from tap.cli import main
from tap.config import ENVIRONMENT, SETTINGS
from tap.config_sections import ConfigError
from tap.config_sources import load_config
from tests import command

ROOT = Path(__file__).parents[2]
WRONG = f"{ENVIRONMENT}MAXRECDEFAULT"


@pytest.fixture
def shed(
    environment: None, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[psycopg.Connection]:
    """The database of the commands, with a schema `shed`, and a folder of its own to type them in."""
    monkeypatch.chdir(tmp_path)
    yield owner
    for table in published(owner).values():
        remove_table(owner, table.table_name)
    count_change(owner)
    owner.execute("DROP SCHEMA IF EXISTS shed CASCADE")


def armillary(*arguments: str, fails: bool = False) -> str:
    """What the command says, on one line."""
    return " ".join(command.armillary(*arguments, fails=fails).split())


def published(connection: psycopg.Connection) -> dict[str, Table]:
    return {t.table_name: t for t in read_catalogue(connection).tables if t.schema_name == "shed"}


def columns(connection: psycopg.Connection, name: str) -> list[str]:
    return [c.column_name for c in published(connection)[name].columns]


def relations(connection: psycopg.Connection) -> list[str]:
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'shed'").fetchall()
    return [name for (name,) in found]


def stars() -> None:
    pq.write_table(pa.table({"ra": [1.0, 2.0], "dec": [3.0, 4.0], "mag": [5.0, 6.0]}), "stars.parquet")


# ---- names, and unpublish

NAMES = ["shed.stars", 'shed."my table"', 'shed."Mixed"', 'shed."v1.2 [b]"']


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("loads", [1, 2])
def test_a_name_is_written_the_same_in_all_commands(shed: psycopg.Connection, name: str, loads: int) -> None:
    stars()
    in_adql = name if " " in name else name.replace('"', "")
    for _ in range(loads):
        assert in_adql in armillary("load", "stars.parquet", "--table", name)
    assert (list(published(shed)), len(relations(shed))) == ([in_adql], 1)
    said = [
        armillary("publish", name),
        armillary("check"),
        armillary("unpublish", name),
        armillary("unpublish", name, fails=True),
        armillary("publish", name),
        armillary("unpublish", name, "--drop"),
        armillary("publish", name, fails=True),
    ]
    assert all(in_adql in each or name in each for each in said[:-1]), said
    assert "2 rows" in said[1]
    assert "no longer published" in said[2]
    assert "is not published" in said[3]
    assert "there is no table" in said[6]
    assert not re.search(r"(stars|table|Mixed|b\])_\d", " ".join(said))
    assert (published(shed), relations(shed)) == ({}, [])


def test_a_query_is_explained_by_the_name_with_quotes(shed: psycopg.Connection) -> None:
    stars()
    armillary("load", "stars.parquet", "--table", 'shed."my table"')
    assert "Seq Scan" in armillary("explain", 'SELECT mag FROM shed."my table"')


def test_unpublish_leaves_the_data_and_with_drop_it_does_not(shed: psycopg.Connection) -> None:
    stars()
    armillary("load", "stars.parquet", "--table", "shed.stars")
    armillary("unpublish", "shed.stars")
    (stored,) = relations(shed)
    rows = shed.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("shed", stored))).fetchone()
    assert rows == (2,)
    armillary("publish", "shed.stars")
    armillary("unpublish", "shed.stars", "--drop")
    assert relations(shed) == []


def test_unpublish_of_what_was_never_there_says_so(shed: psycopg.Connection) -> None:
    for options in ([], ["--drop"]):
        assert 'shed."no table" is not published' in armillary("unpublish", 'shed."no table"', *options, fails=True)


# ---- what is told


def test_load_and_publish_tell_what_was_taken_for_the_position(shed: psycopg.Connection) -> None:
    stars()
    for said in (armillary("load", "stars.parquet", "--table", "shed.stars"), armillary("publish", "shed.stars")):
        assert re.search(r"\bra\b.*\bdec\b", said)
        assert "whole table" not in said
    pq.write_table(pa.table({"x": [1.0], "y": [2.0]}), "plain.parquet")
    for said in (armillary("load", "plain.parquet", "--table", "shed.plain"), armillary("publish", "shed.plain")):
        assert "whole table" in said
        assert "ra = " in said
        assert "dec = " in said


def test_the_statement_for_the_index_can_be_copied_from_what_publish_says(shed: psycopg.Connection) -> None:
    shed.execute('CREATE SCHEMA shed; CREATE TABLE shed."my [b] table" (ra double precision, dec double precision)')
    found = re.search(
        r"CREATE INDEX .*?radians\(.*?\), radians\(.*?\)\)\)", armillary("publish", 'shed."my [b] table"')
    )
    assert found
    shed.execute(found[0].encode())
    assert "CREATE INDEX" not in armillary("publish", 'shed."my [b] table"')


def test_a_position_off_the_sky_is_told_in_one_line(shed: psycopg.Connection) -> None:
    pq.write_table(pa.table({"ra": [1.0, 2.0], "dec": [3.0, 95.0]}), "t.parquet")
    said = armillary("load", "t.parquet", "--table", "shed.t", fails=True)
    assert re.search(r"(?i:row) 2\b", said)
    assert all(each in said for each in ("dec", "95"))
    Path("t.toml").write_text('[table]\ninvalid_positions = "null"\n')
    said = armillary("load", "t.parquet", "--table", "shed.t", "--description", "t.toml")
    assert re.search(r"(?<!\w)1(?!\w)", said)


# ---- columns that cannot be read


def parquet_with_texts() -> str:
    table = pa.table({"n": [1, 2], "odd": pa.array([["a", "b"], None], pa.list_(pa.string())), "m": [3, 4]})
    pq.write_table(table, "t.parquet")
    return "t.parquet"


def parquet_with_struct() -> str:
    table = pa.table({"odd": pa.array([{"x": 1, "y": "a"}, None]), "n": [1, 2], "m": [3, 4]})
    pq.write_table(table, "t.parquet")
    return "t.parquet"


def parquet_with_nested_struct() -> str:
    table = pa.table({"n": [1, 2], "m": [3, 4], "odd": pa.array([[{"x": 1}], []])})
    pq.write_table(table, "t.parquet")
    return "t.parquet"


def fits_with_bits(count: int = 11) -> str:
    odd = fits.Column("odd", f"{count}X", array=np.ones((2, count), bool))
    numbers = [fits.Column(name, "J", array=np.array(values)) for name, values in (("n", [1, 2]), ("m", [3, 4]))]
    fits.BinTableHDU.from_columns([numbers[0], odd, numbers[1]]).writeto("t.fits")
    return "t.fits"


Write = Callable[[], str]
UNREADABLE: list[Write] = [parquet_with_texts, parquet_with_struct, parquet_with_nested_struct, fits_with_bits]


@pytest.mark.parametrize("write", UNREADABLE)
def test_a_column_that_cannot_be_read_is_refused_with_the_way_out(shed: psycopg.Connection, write: Write) -> None:
    said = armillary("load", write(), "--table", "shed.t", fails=True)
    assert "column odd" in said
    assert "omit = true" in said
    assert published(shed) == {}


@pytest.mark.parametrize("write", UNREADABLE)
def test_a_column_that_cannot_be_read_may_be_left_out(shed: psycopg.Connection, write: Write) -> None:
    Path("t.toml").write_text('[columns.odd]\nomit = true\n[columns.m]\nunit = "m"\n')
    file = write()
    for _ in range(2):
        armillary("load", file, "--table", "shed.t", "--description", "t.toml")
        assert sorted(columns(shed, "shed.t")) == ["m", "n"]
    table = published(shed)["shed.t"]
    command = sql.SQL("SELECT n, m FROM {} ORDER BY n").format(sql.Identifier(*table.stored_parts))
    assert shed.execute(command).fetchall() == [(1, 3), (2, 4)]
    armillary("publish", "shed.t", "--description", "t.toml")
    assert sorted(columns(shed, "shed.t")) == ["m", "n"]


@pytest.mark.parametrize("write", UNREADABLE)
def test_a_column_that_cannot_be_read_is_left_out_where_only_described_ones_are_wanted(
    shed: psycopg.Connection, write: Write
) -> None:
    Path("t.toml").write_text("[table]\nonly_described = true\n[columns.n]\n")
    armillary("load", write(), "--table", "shed.t", "--description", "t.toml")
    assert columns(shed, "shed.t") == ["n"]


@pytest.mark.parametrize("kind", ["json", "text[]", "bit(3)", "interval"])
def test_a_column_of_the_operators_that_cannot_be_read_may_be_left_out(shed: psycopg.Connection, kind: str) -> None:
    shed.execute(f'CREATE SCHEMA shed; CREATE TABLE shed."own table" (n integer, odd {kind})'.encode())
    said = armillary("publish", 'shed."own table"', fails=True)
    assert "column odd" in said
    assert "omit = true" in said
    Path("t.toml").write_text("[columns.odd]\nomit = true\n")
    armillary("publish", 'shed."own table"', "--description", "t.toml")
    assert columns(shed, 'shed."own table"') == ["n"]


# ---- variables


def test_a_variable_that_is_not_known_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(None, {WRONG: "5"})
    assert WRONG in str(refused.value)
    assert f"{ENVIRONMENT}MAXREC_DEFAULT" in str(refused.value)


def test_a_variable_that_resembles_nothing_is_refused_too() -> None:
    with pytest.raises(ConfigError, match=f"{ENVIRONMENT}QQQ"):
        load_config(None, {f"{ENVIRONMENT}QQQ": ""})


def test_the_command_names_the_variable_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WRONG, "5")
    said = armillary("config", fails=True)
    assert WRONG in said
    assert f"{ENVIRONMENT}MAXREC_DEFAULT" in said


KNOWN = "STARTED LOG_KEY DATA_DIR SAMPLE FUZZ FUZZ_SEED SEED SETUP_LOG VENV".split()


@pytest.mark.parametrize("name", KNOWN)
def test_variables_of_the_processes_the_setup_and_the_tests_are_known(name: str) -> None:
    assert load_config(None, {f"{ENVIRONMENT}{name}": "1"})


def test_the_variable_that_names_the_file_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("port = 9000")
    assert load_config(None, {f"{ENVIRONMENT}CONFIG": str(path)}).web.port == 9000


def test_every_variable_that_scripts_use_is_known() -> None:
    settings = {setting.name.upper() for setting in SETTINGS}
    files = [each for folder in ("deploy", "bench") for each in (ROOT / folder).rglob("*") if each.is_file()]
    used = {name for each in files for name in re.findall(r"ARMILLARY_([A-Z_]+)\b", each.read_text("utf-8", "ignore"))}
    unknown = used - settings - {f"{name}_FILE" for name in settings} - {"CONFIG"}
    assert unknown
    assert load_config(None, {f"{ENVIRONMENT}{name}": "1" for name in unknown})


def test_variables_of_others_are_none_of_ours() -> None:
    assert load_config(None, {"MAXRECDEFAULT": "5", "ARMILLA": "1", "XARMILLARY_X": "1"})


def test_check_names_a_published_table_that_somebody_dropped(shed: psycopg.Connection) -> None:
    pq.write_table(pa.table({"v": [1]}), "v.parquet")
    armillary("load", "v.parquet", "--table", "shed.v")
    assert "shed.v 1 rows" in armillary("check")
    shed.execute("DROP TABLE shed.v")
    assert "shed.v cannot be read: it was dropped" in armillary("check", fails=True)


def test_a_name_that_differs_from_another_in_case_only_is_told(shed: psycopg.Connection) -> None:
    pq.write_table(pa.table({"v": [1]}), "v.parquet")
    assert "in case only" not in armillary("load", "v.parquet", "--table", "shed.v")
    said = armillary("load", "v.parquet", "--table", 'shed."V"')
    assert "shed.v differs in case only, so queries must put both names into double quotes" in said


# ---- analyze


def test_analyze_looks_at_the_tables_that_are_named_or_at_all(shed: psycopg.Connection) -> None:
    """At those of the operator's own, also views; what fails is told, and the rest is done."""
    stars()
    armillary("load", "stars.parquet", "--table", "shed.stars")
    shed.execute("CREATE TABLE shed.own AS SELECT 1.0::float8 AS ra, 2.0::float8 AS dec FROM generate_series(1, 5)")
    shed.execute("CREATE VIEW shed.seen AS SELECT * FROM shed.own")
    for name in ("own", "seen"):
        armillary("publish", f"shed.{name}")
    assert "shed.own: 5 rows, on less than 0.1 % of the sky" in armillary("analyze", "shed.own")
    # Tables that other tests have left fail, and these are looked at all the same.
    said = " ".join(CliRunner().invoke(main, ["analyze"]).output.split())
    assert "shed.seen: 5 rows" in said
    assert "shed.stars: 2 rows, on less than 0.1 % of the sky" in said
    assert {name: table.nrows for name, table in published(shed).items()} == {
        "shed.own": 5,
        "shed.seen": 5,
        "shed.stars": 2,
    }
    shed.execute("DROP TABLE shed.own CASCADE")
    said = armillary("analyze", "shed.own", "shed.none", "shed.stars", fails=True)
    assert "shed.own is not in the database any more" in said
    assert "shed.none is not published" in said
    assert "shed.stars: 2 rows" in said


def test_a_table_that_is_published_again_says_that_nothing_is_known_of_its_rows(shed: psycopg.Connection) -> None:
    stars()
    armillary("load", "stars.parquet", "--table", "shed.stars")
    assert "armillary analyze" not in armillary("publish", "shed.stars")
    armillary("unpublish", "shed.stars")
    assert "armillary analyze shed.stars" in armillary("publish", "shed.stars")
