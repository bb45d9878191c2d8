"""Files of every format become the same published table; what is wrong with one is said, and leaves nothing behind."""

import datetime as dt
import decimal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, Table
from psycopg import sql

from schema.description import Description, DescriptionError, parse_description
from schema.load import open_file
from schema.load.reader import LoadError
from schema.publish import load_table, publish_table, unpublish_table
from schema.tap_schema import read_catalogue

ROWS = 3


def stars() -> Table:
    """Three stars with every simple type, units and descriptions, a missing value in most columns."""
    table = Table()
    table["id"] = MaskedColumn([2**62, -5, 0], dtype="int64", mask=[False, False, True], description="Identifier")
    table["n"] = MaskedColumn([2**31 - 1, 0, -7], dtype="int32", mask=[False, True, False])
    table["s"] = MaskedColumn([-32768, 5, 6], dtype="int16", mask=[False, False, False])
    table["ra"] = MaskedColumn([0.1, 359.999999999, 180.0], unit=u.deg, description="Right ascension")
    table["dec"] = MaskedColumn([-90.0, 0.0, 90.0], unit=u.deg)
    table["mag"] = MaskedColumn([1.5, np.nan, -1.25], dtype="float32", unit=u.mag)
    table["name"] = ["Sirius", "Altair", "Vega"]
    return table


def filled() -> Table:
    """The same for formats that know no missing whole number."""
    table = stars()
    for name in ("id", "n"):
        table[name] = table[name].filled(-99)
    table["mag"] = table["mag"].filled(np.nan)
    return table


EXPECTED = [
    (2**62, 2**31 - 1, -32768, 0.1, -90.0, 1.5, "Sirius"),
    (-5, None, 5, 359.999999999, 0.0, None, "Altair"),
    (None, -7, 6, 180.0, 90.0, -1.25, "Vega"),
]


def write_parquet(path: Path) -> None:
    table = stars()
    arrays, fields = [], []
    for name in table.colnames:
        column = table[name]
        mask = np.asarray(getattr(column, "mask", np.zeros(len(column), bool)))
        array = pa.array(np.ma.getdata(column), mask=mask)
        said = {"unit": str(column.unit) if column.unit else "", "description": column.description or ""}
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=said))
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), path)


def write_votable(form: str) -> Callable[[Path], None]:
    return lambda path: stars().write(path, format="votable", tabledata_format=form)


WRITERS: dict[str, Callable[[Path], None]] = {
    "stars.parquet": write_parquet,
    "stars.fits": lambda path: filled().write(path),
    "tabledata.vot": write_votable("tabledata"),
    "binary.vot": lambda path: filled().write(path, format="votable", tabledata_format="binary"),
    "binary2.vot": write_votable("binary2"),
    "stars.csv": lambda path: stars().write(path, format="ascii.csv"),
    "stars.tsv": lambda path: stars().write(path, format="ascii.csv", delimiter="\t"),
    "stars.ecsv": lambda path: stars().write(path, format="ascii.ecsv"),
}
SELF_DESCRIBING = [name for name in WRITERS if not name.endswith((".csv", ".tsv"))]


@pytest.fixture
def there(owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    yield owner
    for (name,) in owner.execute("SELECT table_name FROM armillary.tables WHERE table_name LIKE 'l.%'").fetchall():
        unpublish_table(owner, name)
    owner.execute("DROP SCHEMA IF EXISTS l CASCADE")


def rows_of(connection: psycopg.Connection, table: str = "l.stars") -> list[tuple[object, ...]]:
    return connection.execute(f"SELECT * FROM {table}".encode()).fetchall()


def published(connection: psycopg.Connection) -> set[str]:
    return {table.table_name for table in read_catalogue(connection).tables if table.schema_name == "l"}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_rows(there: psycopg.Connection, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    done = load_table(there, open_file(path), "l.stars", Description())
    missing = -99 if name in {"stars.fits", "binary.vot"} else None
    expected = [tuple(missing if v is None and i < 2 else v for i, v in enumerate(row)) for row in EXPECTED]
    assert rows_of(there) == expected
    assert done.table.nrows == ROWS


@pytest.mark.parametrize("name", SELF_DESCRIBING)
def test_types_units_and_descriptions_come_from_the_file(there: psycopg.Connection, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    columns = {c.column_name: c for c in load_table(there, open_file(path), "l.stars", Description()).table.columns}
    assert {n: c.datatype for n, c in columns.items()} == {
        "id": "long", "n": "int", "s": "short", "ra": "double", "dec": "double", "mag": "float", "name": "char",
    }  # fmt: skip
    assert (columns["ra"].unit, columns["mag"].unit) == ("deg", "mag")
    if not name.endswith("fits"):
        assert columns["id"].description == "Identifier"


def test_the_description_names_describes_and_indexes(there: psycopg.Connection, tmp_path: Path) -> None:
    write_parquet(tmp_path / "stars.parquet")
    description = parse_description({
        "schema": {"description": "Test"},
        "table": {"title": "Stars", "ra": "lon", "dec": "dec", "indexes": [["mag"], ["name", "n"]], "licence": "CC0"},
        "columns": {
            "lon": {"from": "ra", "ucd": "pos.eq.ra;meta.main", "description": "Longitude"},
            "id": {"omit": True},
            "n": {"type": "BIGINT", "principal": False},
        },
    })  # fmt: skip
    load_table(there, open_file(tmp_path / "stars.parquet"), "l.stars", description)
    (table,) = (t for t in read_catalogue(there).tables if t.table_name == "l.stars")
    assert [c.column_name for c in table.columns] == ["n", "s", "lon", "dec", "mag", "name"]
    lon = table.columns[2]
    assert (lon.ucd, lon.unit, lon.description, lon.indexed) == ("pos.eq.ra;meta.main", "deg", "Longitude", True)
    assert (table.columns[0].datatype, table.columns[0].principal) == ("long", False)
    assert (table.nrows, table.origin.licence, table.description) == (ROWS, "CC0", "Stars")
    indexes = {row[0] for row in there.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'l'").fetchall()}
    assert any("spoint(radians(lon), radians(" in each for each in indexes)
    assert any(each.endswith("(name, n)") for each in indexes)


def test_bounds_are_measured_where_a_search_needs_them(there: psycopg.Connection, tmp_path: Path) -> None:
    values = {
        "pmra": [5.0, -7.5, None],
        "rv": [float("inf"), 1.0, 2.0],
        "plx": [None, None, None],
        "mag": [1.0, 2.0, 3.0],
    }
    table = pa.table({name: pa.array(column, pa.float64()) for name, column in values.items()})
    pq.write_table(table, tmp_path / "t.parquet")
    ucds = {"pmra": "pos.pm;pos.eq.ra", "rv": "spect.dopplerVeloc", "plx": "pos.parallax", "mag": "phot.mag"}
    description = {"columns": {name: {"ucd": ucd} for name, ucd in ucds.items()}}

    def bounds() -> dict[str, tuple[float, float] | None]:
        load_table(there, open_file(tmp_path / "t.parquet"), "l.t", parse_description(description))
        (found,) = (t for t in read_catalogue(there).tables if t.table_name == "l.t")
        return {c.column_name: c.bounds for c in found.columns}

    assert bounds() == {"pmra": (-7.5, 5.0), "rv": None, "plx": (0.0, 0.0), "mag": None}
    description["columns"]["pmra"]["bounds"] = [-8, 8]  # type: ignore[assignment]
    description["columns"]["rv"]["bounds"] = [-600, 600.5]  # type: ignore[assignment]
    assert bounds() == {"pmra": (-8.0, 8.0), "rv": (-600.0, 600.5), "plx": (0.0, 0.0), "mag": None}


@pytest.mark.parametrize("bounds", [[1], [2, 1], "1 2", [None, 1], [float("nan"), 1]])
def test_bounds_that_are_none_are_refused(bounds: object) -> None:
    with pytest.raises(DescriptionError, match="bounds are the least and the largest value"):
        parse_description({"columns": {"pmra": {"bounds": bounds}}})


def test_the_position_is_recognised_by_its_ucds(there: psycopg.Connection, tmp_path: Path) -> None:
    write_parquet(tmp_path / "stars.parquet")
    ucds = {"ra": {"ucd": "pos.eq.ra;meta.main"}, "dec": {"ucd": "pos.eq.dec;meta.main"}}
    load_table(there, open_file(tmp_path / "stars.parquet"), "l.stars", parse_description({"columns": ucds}))
    assert there.execute("SELECT ra, dec FROM armillary.tables WHERE table_name = 'l.stars'").fetchone() == (
        "ra",
        "dec",
    )


def test_text_is_char_if_all_of_it_is_ascii(there: psycopg.Connection, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": ["x", None], "b": ["x", "\u03b1 \U0001f31f"]}), tmp_path / "t.parquet")
    table = load_table(there, open_file(tmp_path / "t.parquet"), "l.t", Description()).table
    assert [c.datatype for c in table.columns] == ["char", "unicodeChar"]
    assert rows_of(there, "l.t") == [("x", "x"), (None, "\u03b1 \U0001f31f")]


def test_arrays_booleans_bytes_times_and_odd_types_are_loaded(there: psycopg.Connection, tmp_path: Path) -> None:
    moment = dt.datetime(2016, 1, 1, 12, 30, 15, 250000)
    table = pa.table({
        "a": pa.array([[1.0, None, 3.0], [], None], pa.list_(pa.float64())),
        "i": pa.array([[1, 2], None, [3]], pa.list_(pa.int32())),
        "b": pa.array([True, None, False]),
        "raw": pa.array([b"\x00\xff", None, b""]),
        "t": pa.array([moment, None, dt.datetime(1899, 12, 31)], pa.timestamp("ns")),
        "d": pa.array([dt.date(2000, 1, 2), None, None]),
        "u": pa.array([65535, None, 0], pa.uint16()),
        "x": pa.array([decimal.Decimal("1.5"), None, None]),
        "c": pa.array(["u", "v", None]).dictionary_encode(),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    load_table(there, open_file(tmp_path / "t.parquet"), "l.t", Description())
    assert rows_of(there, "l.t") == [
        ([1.0, None, 3.0], [1, 2], True, b"\x00\xff", moment, dt.datetime(2000, 1, 2), 65535, 1.5, "u"),
        ([], None, None, None, None, None, None, None, "v"),
        (None, [3], False, b"", dt.datetime(1899, 12, 31), None, 0, None, None),
    ]


def test_many_rows_with_nulls_and_texts_of_all_lengths_arrive_whole(there: psycopg.Connection, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    count = 120_000
    numbers = rng.normal(size=count)
    texts = [None if k % 11 == 0 else "x" * (k % 257) for k in range(count)]
    table = pa.table({"k": np.arange(count), "v": pa.array(numbers, mask=rng.random(count) < 0.1), "t": texts})
    pq.write_table(table, tmp_path / "big.parquet", row_group_size=33_333)
    seen: list[tuple[int, float | None]] = []
    load_table(there, open_file(tmp_path / "big.parquet"), "l.big", Description(), lambda r, f: seen.append((r, f)))
    assert there.execute("SELECT k, v, t FROM l.big ORDER BY k").fetchall() == list(
        zip(*(table[name].to_pylist() for name in ("k", "v", "t")), strict=True)
    )
    assert seen[-1] == (count, 1.0)
    assert [rows for rows, _ in seen] == sorted(rows for rows, _ in seen)


BROKEN = {
    "nothing.parquet": (b"", "is empty"),
    "short.parquet": (b"PAR1 but no more", "no Parquet that can be read"),
    "what.bin": (b"\x00\x01\x02\x03", "cannot be told"),
    "bad.csv": (b"a,b\n" + b"1,2\n" * 5 + b"1,2,3\n", "Row #7: Expected 2 columns, got 3"),
    "types.csv": (b"a\n" + b"1234567890\n" * 1_000_000 + b"x\n", "invalid value 'x'"),
    "bad.vot": (b"<VOTABLE><RESOURCE><TABLE><FIELD name='a' datatype='int'/><DATA><TABLEDATA><TR><TD>x</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>", "row 1, column a: 'x' is no int"),
    "cut.vot": (b"<VOTABLE><RESOURCE><TABLE><FIELD name='a' datatype='int'/><DATA><TABLEDATA><TR><TD>1</TD>", "not well-formed"),
    "doctype.vot": (b"<!DOCTYPE VOTABLE SYSTEM 'file:///etc/passwd'><VOTABLE/>", "DOCTYPE"),
    "far.vot": (b"<VOTABLE><RESOURCE><TABLE><FIELD name='a' datatype='int'/><DATA><BINARY><STREAM href='http://x/y'/></BINARY></DATA></TABLE></RESOURCE></VOTABLE>", "must stand in it"),
    "complex.vot": (b"<VOTABLE><RESOURCE><TABLE><FIELD name='a' datatype='floatComplex'/><DATA><TABLEDATA/></DATA></TABLE></RESOURCE></VOTABLE>", "floatComplex"),
    "empty.fits": (b"SIMPLE  =                    T" + b" " * 2850, "FITS"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_wrong_file_is_refused_clearly_and_leaves_nothing(
    there: psycopg.Connection, tmp_path: Path, name: str
) -> None:
    content, message = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LoadError, match=message):
        load_table(there, open_file(tmp_path / name), "l.bad", Description())
    assert not published(there)
    assert there.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'l'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"columns": {"x": {"from": "nowhere"}}}, "no column nowhere"),
        ({"table": {"ra": "a", "dec": "dec"}}, "no column a"),
        ({"table": {"indexes": [["a"]]}}, "no column a"),
        (
            {"columns": {n: {"omit": True} for n in ("id", "n", "s", "ra", "dec", "mag", "name")}},
            "no column of the file",
        ),
        ({"columns": {"id": {"type": "SMALLINT"}}}, "column id: .*not in range"),
        ({"columns": {"id": {"type": "TEXTILE"}}}, "no type TEXTILE"),
        ({"table": {"primary_key": ["id"]}}, "key column id has a NULL"),
        ({"table": {"primary_key": ["n"]}}, "primary key column n has a NULL"),
    ],
)
def test_a_description_that_does_not_fit_is_refused_and_leaves_nothing(
    there: psycopg.Connection, tmp_path: Path, description: dict[str, object], message: str
) -> None:
    write_parquet(tmp_path / "stars.parquet")
    with pytest.raises((LoadError, DescriptionError), match=message):
        load_table(there, open_file(tmp_path / "stars.parquet"), "l.stars", parse_description(description))
    assert not published(there)


def test_a_repeated_primary_key_is_named(there: psycopg.Connection, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2, 2]}), tmp_path / "t.parquet")
    with pytest.raises(LoadError, match=r"primary key repeats.*\(2\)"):
        load_table(
            there, open_file(tmp_path / "t.parquet"), "l.t", parse_description({"table": {"primary_key": ["id"]}})
        )


def test_a_text_with_nul_is_refused_by_column(there: psycopg.Connection, tmp_path: Path) -> None:
    pq.write_table(pa.table({"t": ["a\0b"]}), tmp_path / "t.parquet")
    with pytest.raises(LoadError, match="column t"):
        load_table(there, open_file(tmp_path / "t.parquet"), "l.t", Description())


def test_a_table_is_replaced_under_a_running_query(config: object, there: psycopg.Connection, tmp_path: Path) -> None:
    from tap.config import Config
    from tap.engine import database

    assert isinstance(config, Config)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"v": [1, 1, 1]}), path)
    load_table(there, open_file(path), "l.t", Description())
    with psycopg.connect(database.reader_conninfo(config)) as running, running.cursor("slow") as cursor:
        cursor.execute(sql.SQL("SELECT v FROM l.t"))
        assert cursor.fetchone() == (1,)
        pq.write_table(pa.table({"v": [2, 2, 2]}), path)
        there.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            load_table(there, open_file(path), "l.t", Description())
        (table,) = (t for t in read_catalogue(there).tables if t.table_name == "l.t")
        assert rows_of(there, ".".join(table.stored_parts)) == [(2,)] * 3
        assert cursor.fetchall() == [(1,), (1,)]
    there.execute("SET lock_timeout = 0")
    done = load_table(there, open_file(path), "l.t", Description())
    assert done.replaced


def test_every_change_moves_the_version_so_that_services_notice(there: psycopg.Connection, tmp_path: Path) -> None:
    before = read_catalogue(there).version
    pq.write_table(pa.table({"v": [1]}), tmp_path / "t.parquet")
    load_table(there, open_file(tmp_path / "t.parquet"), "l.t", Description())
    loaded = read_catalogue(there).version
    unpublish_table(there, "l.t")
    assert before < loaded < read_catalogue(there).version
    assert not published(there)


def test_a_table_of_the_operator_is_published_with_its_indexes_and_comments(there: psycopg.Connection) -> None:
    there.execute("SET search_path = pg_catalog, public")
    there.execute(
        'CREATE SCHEMA l; CREATE TABLE l.mine (id integer PRIMARY KEY, price numeric, day date, p spoint, "Odd Name" text);'
        "COMMENT ON COLUMN l.mine.price IS 'What it costs'; CREATE VIEW l.seen AS SELECT id FROM l.mine"
    )
    columns = {c.column_name: c for c in publish_table(there, "l.mine", Description()).table.columns}
    assert {n: (c.datatype, c.xtype) for n, c in columns.items()} == {
        "id": ("int", None), "price": ("double", None), '"day"': ("char", "timestamp"), "p": ("double", "point"), '"Odd Name"': ("unicodeChar", None),
    }  # fmt: skip
    assert (columns["id"].indexed, columns["price"].description) == (True, "What it costs")
    assert publish_table(there, "l.seen", Description()).table.table_type == "view"
    with pytest.raises(LoadError, match=r"no table l\.other"):
        publish_table(there, "l.other", Description())


def test_what_cannot_be_published_is_named(there: psycopg.Connection) -> None:
    there.execute("CREATE SCHEMA l; CREATE TABLE l.odd (a integer, j json)")
    with pytest.raises(LoadError, match="column j: values of type json"):
        publish_table(there, "l.odd", Description())
    assert len(publish_table(there, "l.odd", parse_description({"columns": {"j": {"omit": True}}})).table.columns) == 1


def test_a_column_left_out_stays_left_out_until_the_description_takes_it(there: psycopg.Connection) -> None:
    there.execute("SET search_path = pg_catalog, public")
    there.execute("CREATE SCHEMA l; CREATE TABLE l.odd (a integer, j json, b integer)")
    first = parse_description({"columns": {"j": {"omit": True}, "b": {"omit": True}}})
    assert [c.name for c in publish_table(there, "l.odd", first).table.columns] == ["a"]
    there.execute("ALTER TABLE l.odd ADD c integer")
    again = publish_table(there, "l.odd", parse_description({"columns": {"a": {"unit": "deg"}}}))
    assert [c.name for c in again.table.columns] == ["a", "c"]
    taken = publish_table(there, "l.odd", parse_description({"columns": {"b": {"omit": False}}}))
    assert [c.name for c in taken.table.columns] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({"target": "l.nowhere", "columns": {"a": "id"}}, "no published table l.nowhere; publish it first"),
        ({"target": "l.t", "columns": {"a": "idd"}}, "l.t has no column idd; it has id"),
        ({"target": "l.t", "columns": {"aa": "id"}}, "l.u has no column aa; it has a"),
    ],
)
def test_a_key_to_what_is_not_published_is_refused(
    there: psycopg.Connection, tmp_path: Path, key: dict[str, object], message: str
) -> None:
    pq.write_table(pa.table({"id": [1]}), tmp_path / "t.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "u.parquet")
    load_table(there, open_file(tmp_path / "t.parquet"), "l.t", Description())
    with pytest.raises(DescriptionError, match=message):
        load_table(there, open_file(tmp_path / "u.parquet"), "l.u", parse_description({"keys": [key]}))
    load_table(there, open_file(tmp_path / "u.parquet"), "l.u", Description())
    with pytest.raises(DescriptionError, match=message):
        publish_table(there, "l.u", parse_description({"keys": [key]}))


def test_a_key_whose_target_is_gone_does_not_keep_a_table_from_being_published(
    there: psycopg.Connection, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"id": [1]}), tmp_path / "t.parquet")
    load_table(there, open_file(tmp_path / "t.parquet"), "l.t", Description())
    key = parse_description({"keys": [{"target": "l.t", "columns": {"id": "id"}}]})
    load_table(there, open_file(tmp_path / "t.parquet"), "l.u", key)
    assert [k.target_table for k in read_catalogue(there).keys if k.from_table == "l.u"] == ["l.t"]
    unpublish_table(there, "l.u")
    unpublish_table(there, "l.t")
    publish_table(there, "l.u", Description())
    assert not [k for k in read_catalogue(there).keys if k.from_table == "l.u"]


def test_wrong_units_and_ucds_are_warned_of_with_a_suggestion(there: psycopg.Connection, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1.0], "b": [1.0]}), tmp_path / "t.parquet")
    about = {"columns": {"a": {"unit": "degs", "ucd": "pos.eqq.ra"}, "b": {"unit": "mas/yr", "ucd": "pos.pm"}}}
    warnings = load_table(there, open_file(tmp_path / "t.parquet"), "l.t", parse_description(about)).warnings
    assert len(warnings) == 2
    assert all("column a" in each for each in warnings)
    assert "did you mean pos.eq.ra?" in warnings[1]
