"""The columns of a table's position are found, told and indexed, and hold positions on the sky and nothing else."""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from astropy.table import Table as AstropyTable
from psycopg import sql

from adql.translate import translate
from schema.description import Description, DescriptionError, parse_description
from schema.load import open_file
from schema.load.reader import LoadError
from schema.publish import Loaded, load_table, publish_table, unpublish_table
from schema.tap_schema import read_catalogue

MAIN = ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")
ROW = 110_000
"""Of 120,000, counted from 0: beyond the first batch of every format."""
Values = list[Any]


@pytest.fixture
def sky(owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    yield owner
    for (name,) in owner.execute("SELECT table_name FROM armillary.tables WHERE table_name LIKE 'sky.%'").fetchall():
        unpublish_table(owner, name)
    owner.execute("DROP SCHEMA IF EXISTS sky CASCADE")


Metadata = dict[str, dict[str, str]]


def parquet(path: Path, columns: dict[str, Values], said: Metadata | None = None) -> Path:
    arrays = {name: pa.array(values) for name, values in columns.items()}
    fields = [pa.field(name, each.type, metadata=(said or {}).get(name)) for name, each in arrays.items()]
    pq.write_table(pa.Table.from_arrays(list(arrays.values()), schema=pa.schema(fields)), path)
    return path


def load(
    connection: psycopg.Connection,
    folder: Path,
    columns: dict[str, Values],
    said: Metadata | None = None,
    /,
    **toml: Any,
) -> Loaded:
    path = parquet(folder / "t.parquet", columns, said)
    return load_table(connection, open_file(path), "sky.t", parse_description(toml))


def units(names: tuple[str, ...], unit: str | None) -> Metadata:
    return {name: {"unit": unit} for name in names} if unit else {}


def taken(connection: psycopg.Connection) -> tuple[object, ...] | None:
    """The position that cones and cross-matches use."""
    return connection.execute("SELECT ra, dec FROM armillary.tables WHERE table_name = 'sky.t'").fetchone()


def indexes(connection: psycopg.Connection) -> list[str]:
    """Those on positions."""
    found = connection.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'sky'").fetchall()
    return [each for (each,) in found if "spoint(radians(" in each]


def ask(connection: psycopg.Connection, what: str, where: str = "") -> list[tuple[object, ...]]:
    """Of sky.t, under whatever name it is stored."""
    (table,) = (t for t in read_catalogue(connection).tables if t.table_name == "sky.t")
    stored = sql.Identifier(*table.stored_parts).as_string()
    return connection.execute(f"SELECT {what} FROM {stored} {where}".encode()).fetchall()


def told_of(done: Loaded, *names: str) -> bool:
    """Whether one note names all of these."""
    return any(all(re.search(rf"(?<!\w){name}(?!\w)", note) for name in names) for note in done.notes)


def says_that_none_was_found(done: Loaded) -> bool:
    notes = " ".join(done.notes)
    return "whole table" in notes and "ra = " in notes and "dec = " in notes


# ---- which columns they are

PAIRS = [
    ("ra", "dec"), ("RA", "DEC"), ("Ra", "Dec"), ("RA_ICRS", "DE_ICRS"), ("ra_icrs", "de_icrs"),
    ("RAJ2000", "DEJ2000"), ("raj2000", "dej2000"), ("_RAJ2000", "_DEJ2000"), ("_raj2000", "_dej2000"),
    ("ra_deg", "dec_deg"), ("RA_DEG", "DEC_DEG"), ("RAdeg", "DEdeg"), ("radeg", "dedeg"),
    ("ALPHA_J2000", "DELTA_J2000"), ("alpha_j2000", "delta_j2000"),
]  # fmt: skip


def test_a_position_that_was_found_has_its_ucds(sky: psycopg.Connection, tmp_path: Path) -> None:
    done = load(sky, tmp_path, {"id": [1], "ra_deg": [10.0], "dec_deg": [-5.0]}, {})
    assert [column.ucd for column in done.table.columns] == [None, "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"]


@pytest.mark.parametrize("unit", ["rad", "h", "arcsec"])
def test_a_position_that_is_not_in_degrees_cannot_be_named(sky: psycopg.Connection, tmp_path: Path, unit: str) -> None:
    pair = ("ra", "dec")
    with pytest.raises(DescriptionError, match=f"is in {unit}; a position needs degrees"):
        load(sky, tmp_path, {"ra": [1.0], "dec": [0.5]}, units(pair, unit), table={"ra": "ra", "dec": "dec"})


@pytest.mark.parametrize("unit", ["deg", None])
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_position_is_known_by_its_names(
    sky: psycopg.Connection, tmp_path: Path, pair: tuple[str, str], unit: str | None
) -> None:
    done = load(sky, tmp_path, {"id": [1, 2], pair[0]: [10.0, 350.5], pair[1]: [-5.0, None]}, units(pair, unit))
    assert taken(sky) == pair
    assert told_of(done, *pair)
    assert not says_that_none_was_found(done)
    assert len(indexes(sky)) == 1
    assert all(name in indexes(sky)[0] for name in pair)
    assert [c.indexed for c in done.table.columns] == [False, True, True]


@pytest.mark.parametrize("values", [[10, 350], [np.float32(10.5), np.float32(350.25)]], ids=["whole", "single"])
def test_numbers_of_every_type_are_positions(sky: psycopg.Connection, tmp_path: Path, values: Values) -> None:
    load(sky, tmp_path, {"ra": values, "dec": [1, -90]})
    assert taken(sky) == ("ra", "dec")
    assert len(indexes(sky)) == 1


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"ra": ["10:00:00"], "dec": ["-05:00:00"]}, {}),
        ({"ra": ["10:00:00"], "dec": [-5.0]}, {}),
        ({"ra": ["10:00:00"], "dec": ["-05:00:00"]}, {"ra": {"ucd": MAIN[0]}, "dec": {"ucd": MAIN[1]}}),
        ({"ra": [10.0], "dec": [-5.0]}, {"ra": {"unit": "h"}, "dec": {"unit": "deg"}}),
        ({"ra": [10.0], "dec": [-5.0]}, {"ra": {"unit": "hourangle"}, "dec": {"unit": "deg"}}),
        ({"ra": [1.0], "dec": [-1.0]}, units(("ra", "dec"), "rad")),
        ({"ra": [10.0], "dec": [-1.0]}, {"ra": {"unit": "deg"}, "dec": {"unit": "rad"}}),
        ({"RAJ2000": [1.0], "DEJ2000": [-1.0]}, units(("RAJ2000", "DEJ2000"), "mas")),
        ({"ra": [10.0], "DEJ2000": [-5.0]}, {}),
        ({"ra": [10.0], "mag": [5.0]}, {}),
        ({"pmra": [10.0], "pmdec": [-5.0]}, {}),
        ({"ra_error": [10.0], "dec_error": [-5.0]}, units(("ra_error", "dec_error"), "deg")),
        ({"mag": [1.0]}, {}),
    ],
)
def test_what_may_be_no_position_is_not_taken_and_it_is_told_what_to_do(
    sky: psycopg.Connection, tmp_path: Path, columns: dict[str, Values], said: Metadata
) -> None:
    done = load(sky, tmp_path, columns, said)
    assert taken(sky) == (None, None)
    assert indexes(sky) == []
    assert says_that_none_was_found(done)


def test_ucds_count_more_than_names(sky: psycopg.Connection, tmp_path: Path) -> None:
    said = {"x": {"ucd": MAIN[0], "unit": "deg"}, "y": {"ucd": MAIN[1], "unit": "deg"}}
    done = load(sky, tmp_path, {"ra": [1.0], "dec": [2.0], "x": [3.0], "y": [4.0]}, said)
    assert taken(sky) == ("x", "y")
    assert told_of(done, "x", "y")
    assert ["(x)" in each for each in indexes(sky)] == [True]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("RA_ICRS", "DE_ICRS", "RAJ2000", "DEJ2000"), {}),
        (("RA_ICRS", "DE_ICRS", "RAJ2000", "DEJ2000"), units(("RA_ICRS", "DE_ICRS", "RAJ2000", "DEJ2000"), "deg")),
        (("x1", "y1", "x2", "y2"), {f"{n}{i}": {"ucd": u} for i in "12" for n, u in zip("xy", MAIN, strict=True)}),
    ],
    ids=["names", "names_and_units", "ucds"],
)
def test_of_two_positions_none_is_taken_until_one_is_named(
    sky: psycopg.Connection, tmp_path: Path, columns: tuple[str, ...], said: Metadata
) -> None:
    values: dict[str, Values] = {name: [1.0] for name in columns}
    done = load(sky, tmp_path, values, said)
    assert taken(sky) == (None, None)
    assert indexes(sky) == []
    assert all(name in " ".join(done.notes) for name in columns)
    assert says_that_none_was_found(done)
    done = load(sky, tmp_path, values, said, table={"ra": columns[2], "dec": columns[3]})
    assert taken(sky) == columns[2:]
    assert not says_that_none_was_found(done)


def test_the_other_pair_is_taken_where_one_has_another_unit(sky: psycopg.Connection, tmp_path: Path) -> None:
    columns = {"RAJ2000": [1.0], "DEJ2000": [2.0], "ra": [0.1], "dec": [0.2]}
    done = load(sky, tmp_path, columns, units(("RAJ2000", "DEJ2000"), "deg") | units(("ra", "dec"), "rad"))
    assert taken(sky) == ("RAJ2000", "DEJ2000")
    assert told_of(done, "RAJ2000", "DEJ2000")


# ---- named in a description


def ucds(connection: psycopg.Connection, name: str = "sky.t") -> dict[str, str | None]:
    (table,) = (t for t in read_catalogue(connection).tables if t.table_name == name)
    return {column.name: column.ucd for column in table.columns}


NAMED = {"ra": "lon", "dec": "lat"}


@pytest.mark.parametrize("said", [{}, {"lon": {"ucd": "pos.eq.ra"}, "lat": {"ucd": "pos.eq.dec"}}])
def test_a_named_position_gets_its_ucds(sky: psycopg.Connection, tmp_path: Path, said: Metadata) -> None:
    done = load(sky, tmp_path, {"lon": [1.0], "lat": [2.0], "mag": [3.0]}, said, table=NAMED)
    assert ucds(sky) == {"lon": MAIN[0], "lat": MAIN[1], "mag": None}
    assert [c.ucd for c in done.table.columns] == [*MAIN, None]
    assert told_of(done, "lon", "lat")


def test_a_named_position_of_a_published_table_gets_its_ucds(sky: psycopg.Connection) -> None:
    sky.execute("CREATE SCHEMA sky; CREATE TABLE sky.own AS SELECT 1.5::double precision AS lon, 2::real AS lat")
    done = publish_table(sky, "sky.own", parse_description({"table": NAMED}))
    assert ucds(sky, "sky.own") == {"lon": MAIN[0], "lat": MAIN[1]}
    assert told_of(done, "lon", "lat")


def test_a_named_position_keeps_the_ucds_that_the_description_gives(sky: psycopg.Connection, tmp_path: Path) -> None:
    given = {"lon": {"ucd": "pos.galactic.lon"}}
    load(sky, tmp_path, {"lon": [1.0], "lat": [2.0]}, table=NAMED, columns=given)
    assert ucds(sky) == {"lon": "pos.galactic.lon", "lat": MAIN[1]}
    assert taken(sky) == ("lon", "lat")


def test_a_position_that_was_named_stays_one_when_something_else_is_described(
    sky: psycopg.Connection, tmp_path: Path
) -> None:
    load(sky, tmp_path, {"lon": [1.0], "lat": [2.0], "mag": [3.0]}, table=NAMED)
    done = publish_table(sky, "sky.t", parse_description({"columns": {"mag": {"unit": "mag"}}}))
    assert taken(sky) == ("lon", "lat")
    assert ucds(sky) == {"lon": MAIN[0], "lat": MAIN[1], "mag": None}
    assert told_of(done, "lon", "lat")
    assert not any("CREATE INDEX" in note for note in done.notes)


# ---- indexes of the operator's own tables


def test_a_published_table_without_the_index_gets_the_statement_that_makes_it(
    sky: psycopg.Connection, reader: psycopg.Connection
) -> None:
    sky.execute('CREATE SCHEMA sky; CREATE TABLE sky."My T" ("_RAJ2000" double precision, "_DEJ2000" real)')
    sky.execute('INSERT INTO sky."My T" VALUES (1.5, 2.5)')
    done = publish_table(sky, 'sky."My T"', Description())
    assert told_of(done, "_RAJ2000", "_DEJ2000")
    (statement,) = [
        found[0]
        for note in done.notes
        if (found := re.search(r"CREATE INDEX .*?radians\(.*?\), radians\(.*?\)\)\)", note))
    ]
    sky.execute(statement.encode())
    assert len(indexes(sky)) == 1
    query = 'SELECT * FROM sky."My T" WHERE 1 = CONTAINS(POINT("_RAJ2000", "_DEJ2000"), CIRCLE(1, 2, 1))'
    sky.execute("SET enable_seqscan = off")
    plan = sky.execute(b"EXPLAIN " + translate(query, read_catalogue(reader)).sql.encode()).fetchall()
    sky.execute("SET enable_seqscan = on")
    assert any("Index" in line for (line,) in plan), plan
    done = publish_table(sky, 'sky."My T"', Description())
    assert not any("CREATE INDEX" in note for note in done.notes)
    assert told_of(done, "_RAJ2000", "_DEJ2000")


def test_a_published_table_without_a_position_says_so(sky: psycopg.Connection) -> None:
    sky.execute("CREATE SCHEMA sky; CREATE TABLE sky.own AS SELECT 1.5 AS mag")
    done = publish_table(sky, "sky.own", Description())
    assert says_that_none_was_found(done)
    assert not any("CREATE INDEX" in note for note in done.notes)


def test_a_table_that_is_published_again_after_its_load_still_has_its_index(
    sky: psycopg.Connection, tmp_path: Path
) -> None:
    for _ in range(2):
        load(sky, tmp_path, {"RA": [1.0], "DEC": [2.0]}, units(("RA", "DEC"), "deg"))
    for _ in range(2):
        done = publish_table(sky, "sky.t", Description())
        assert len(indexes(sky)) == 1
        assert taken(sky) == ("RA", "DEC")
        assert told_of(done, "RA", "DEC")
        assert not any("CREATE INDEX" in note for note in done.notes)
        assert [c.indexed for c in done.table.columns] == [True, True]
        unpublish_table(sky, "sky.t")


# ---- positions that are none

Write = Callable[[Path, dict[str, Values]], Path]


def write_fits(path: Path, columns: dict[str, Values]) -> Path:
    AstropyTable(columns).write(path, format="fits")
    return path


def write_csv(path: Path, columns: dict[str, Values]) -> Path:
    pacsv.write_csv(pa.table(columns), path)
    return path


FORMATS: dict[str, Write] = {"t.parquet": parquet, "t.fits": write_fits, "t.csv": write_csv}
WRONG = [
    ("dec", 95.0), ("dec", -91.0), ("dec", 90.001), ("dec", math.inf), ("dec", -math.inf),
    ("ra", 400.0), ("ra", -1000.0), ("ra", 360.001), ("ra", -360.5), ("ra", math.inf), ("ra", -math.inf),
]  # fmt: skip


def refusal(row: int, column: str, value: float) -> str:
    """The message names row, column and value; in any order, the row with or without a comma for thousands."""
    number = rf"(?<![\w.-]){re.escape(f'{value:g}')}(?![\d])"
    parts = (rf"(?i:\brow) #?({row}|{row:,})\b", rf"(?<!\w){column}(?!\w)", number)
    return "".join(f"(?=.*{each})" for each in parts)


def test_the_pattern_of_these_tests_finds_what_a_message_may_say() -> None:
    for said in ("row 3, column dec: 95.0 is no declination", "column dec, row 3: 95 is beyond the pole"):
        assert re.match(refusal(3, "dec", 95.0), said)
    assert re.match(refusal(70_001, "ra", -math.inf), "row 70,001, column ra: -inf")
    for said in ("row 33, column dec: 95.0", "row 3, column decl: 95.0", "row 3, column dec: 195.0"):
        assert not re.match(refusal(3, "dec", 95.0), said)


def several(column: str, value: float, count: int = 5, row: int = 2) -> dict[str, Values]:
    """Proper positions; one coordinate of one row is another."""
    columns: dict[str, Values] = {"id": list(range(count)), "ra": [10.5] * count, "dec": [20.5] * count}
    columns[column][row] = value
    return columns


@pytest.mark.parametrize(("column", "value"), WRONG)
@pytest.mark.parametrize("name", FORMATS)
def test_a_position_off_the_sky_is_refused_by_row_column_and_value(
    sky: psycopg.Connection, tmp_path: Path, name: str, column: str, value: float
) -> None:
    path = FORMATS[name](tmp_path / name, several(column, value))
    with pytest.raises(LoadError, match=refusal(3, column, value)):
        load_table(sky, open_file(path), "sky.t", Description())
    assert sky.execute("SELECT to_regnamespace('sky')").fetchone() == (None,)


@pytest.mark.parametrize("kind", [pa.int16(), pa.int32(), pa.int64(), pa.float32()])
@pytest.mark.parametrize(("column", "value"), [("dec", 95), ("ra", -400)])
def test_positions_of_every_numeric_type_are_looked_at(
    sky: psycopg.Connection, tmp_path: Path, kind: pa.DataType, column: str, value: int
) -> None:
    columns = {name: pa.array([1, 2, 3], kind) for name in ("ra", "dec")}
    columns[column] = pa.array([1, value, None], kind)
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    with pytest.raises(LoadError, match=refusal(2, column, value)):
        load_table(sky, open_file(tmp_path / "t.parquet"), "sky.t", Description())


@pytest.mark.parametrize("how", ["ucds", "named"])
def test_positions_are_looked_at_however_they_were_found(sky: psycopg.Connection, tmp_path: Path, how: str) -> None:
    columns = {name: {"ucd": ucd} for name, ucd in zip(NAMED.values(), MAIN, strict=True)}
    toml: dict[str, Any] = {"table": NAMED} if how == "named" else {"columns": columns}
    with pytest.raises(LoadError, match=refusal(2, "lat", 95.0)):
        load(sky, tmp_path, {"lon": [1.0, 2.0], "lat": [2.0, 95.0]}, **toml)


def test_the_first_row_that_is_wrong_is_named(sky: psycopg.Connection, tmp_path: Path) -> None:
    columns = several("dec", 95.0, row=3)
    columns["ra"][1] = 400.0
    with pytest.raises(LoadError, match=refusal(2, "ra", 400.0)):
        load(sky, tmp_path, columns)


@pytest.mark.parametrize(("column", "value"), [("dec", 95.0), ("ra", -1000.0)])
@pytest.mark.parametrize("name", FORMATS)
def test_rows_are_counted_beyond_the_first_batch(
    sky: psycopg.Connection, tmp_path: Path, name: str, column: str, value: float
) -> None:
    columns = several(column, value, 120_000, ROW) | {"text": ["as long as it takes"] * 120_000}
    path = FORMATS[name](tmp_path / name, columns)
    reader = open_file(path)
    assert next(iter(reader.batches())).num_rows < ROW
    with pytest.raises(LoadError, match=refusal(ROW + 1, column, value)):
        load_table(sky, open_file(path), "sky.t", Description())


def test_the_edges_of_the_sky_and_what_is_missing_are_loaded(sky: psycopg.Connection, tmp_path: Path) -> None:
    ra = [-360.0, 360.0, 0.0, 180.0, None, 7.0, math.nan]
    dec = [-90.0, 90.0, 0.0, None, 5.0, math.nan, None]
    done = load(sky, tmp_path, {"ra": ra, "dec": dec})
    expected = [(-360.0, -90.0), (360.0, 90.0), (0.0, 0.0), (180.0, None), (None, 5.0), (7.0, None), (None, None)]
    assert ask(sky, "ra, dec") == expected
    assert (done.table.nrows, len(indexes(sky))) == (7, 1)


def test_only_the_columns_of_the_position_are_looked_at(sky: psycopg.Connection, tmp_path: Path) -> None:
    columns = {"ra": [10.0], "dec": [95.0], "lon": [1.0], "lat": [2.0]}
    load(sky, tmp_path, columns, table=NAMED)
    load(sky, tmp_path, columns, units(("ra", "dec"), "mas"))
    assert ask(sky, "*") == [(10.0, 95.0, 1.0, 2.0)]


def test_a_refused_load_leaves_the_table_of_before(sky: psycopg.Connection, tmp_path: Path) -> None:
    load(sky, tmp_path, {"ra": [1.0], "dec": [2.0]})
    with pytest.raises(LoadError, match=refusal(1, "dec", 95.0)):
        load(sky, tmp_path, {"ra": [1.0], "dec": [95.0]})
    assert ask(sky, "*") == [(1.0, 2.0)]


# ---- and that shall be NULL

AS_NULL = {"table": {"invalid_positions": "null"}}


def test_both_coordinates_become_null_where_that_is_asked_for(sky: psycopg.Connection, tmp_path: Path) -> None:
    wrong = [
        (10.0, 95.0),
        (400.0, 5.0),
        (math.inf, 1.0),
        (2.0, -math.inf),
        (500.0, 100.0),
        (None, -91.0),
        (-361.0, None),
    ]
    right = [(1.0, 2.0), (None, 3.0), (4.0, None), (360.0, 90.0)]
    rows = [*wrong, *right]
    columns: dict[str, Values] = {"id": list(range(len(rows))), "ra": [r for r, _ in rows], "dec": [d for _, d in rows]}
    done = load(sky, tmp_path, columns, **AS_NULL)
    expected = [*((i, None, None) for i in range(7)), *((i, *pair) for i, pair in enumerate(right, 7))]
    assert ask(sky, "id, ra, dec", "ORDER BY id") == expected
    assert any(re.search(r"(?<!\w)7(?!\w)", note) for note in done.notes), done.notes
    assert done.table.nrows == 11


@pytest.mark.parametrize("name", FORMATS)
def test_those_of_all_batches_are_counted(sky: psycopg.Connection, tmp_path: Path, name: str) -> None:
    columns = several("dec", 95.0, 120_000, ROW) | {"text": ["as long as it takes"] * 120_000}
    for row in range(0, 120_000, 1_000):
        columns["ra"][row] = 400.0
    path = FORMATS[name](tmp_path / name, columns)
    done = load_table(sky, open_file(path), "sky.t", parse_description(AS_NULL))
    assert ask(sky, "count(*)", "WHERE ra IS NULL AND dec IS NULL") == [(120,)]
    assert ask(sky, "count(*)", "WHERE ra = 10.5 AND dec = 20.5") == [(119_880,)]
    assert any(re.search(r"(?<!\w)120(?![\w,])", note) for note in done.notes), done.notes


def test_what_shall_be_done_with_them_must_be_known() -> None:
    with pytest.raises(DescriptionError, match="invalid_positions"):
        parse_description({"table": {"invalid_positions": "nil"}})
