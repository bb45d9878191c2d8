"""What is kept of tables is what numpy and mocpy make of their rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import Latitude, Longitude
from mocpy import MOC

from schema.analyze import analyze_table
from schema.coverage import coverage_of
from schema.description import Description, parse_description
from schema.load import open_file
from schema.load.reader import LoadError
from schema.model import Column
from schema.publish import load_table, publish_table, unpublish_table
from schema.statistics.cells import MOST_CELLS, CellCounts, order_for
from schema.statistics.columns import ColumnMeasure, ColumnStatistics
from schema.statistics.measure import TableMeasure, measure_together
from schema.statistics.store import cell_counts_of, column_statistics_of
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.engine import database

ROWS = 20_000
NUMBERS = ("id", "n", "x", "mag", "visits")


def rows_of_all_kinds() -> pa.Table:
    """Rows round a point at ra = 0 and at both poles, with every kind of column, NULLs and NaN."""
    random = np.random.default_rng(7)

    def holes(values: Any, share: float) -> pa.Array:
        return pa.array(values, mask=random.random(ROWS) < share)

    ra, dec = random.normal(0, 0.4, ROWS) % 360, np.clip(random.normal(0, 0.4, ROWS), -90, 90)
    ra[:8] = 0.0, 0.0, 360.0, 123.0, 90.0, 0.0, -90.0, 180.0
    dec[:8] = 90.0, -90.0, 0.0, 90.0, 60.0, 45.0, 85.0, -85.0
    x = random.normal(0, 10, ROWS)
    x[:50] = np.nan
    return pa.table(
        {
            "id": 2**62 + np.arange(ROWS),
            "ra": holes(ra, 0.01),
            "dec": dec,
            "n": holes(random.integers(-1000, 1000, ROWS).astype(np.int32), 0.2),
            "x": x,
            "mag": holes(random.exponential(3, ROWS).astype(np.float32), 0.5),
            "visits": random.integers(0, 5, ROWS).astype(np.int16),
            "kind": pa.array(random.choice(["STAR", "galaxy", "étoile"], ROWS, p=[0.7, 0.2, 0.1])),
            "good": random.random(ROWS) < 0.25,
            "seen": pa.array(np.datetime64("2020-01-01T00:00:00", "us") + random.integers(0, 10**13, ROWS)),
            "nothing": pa.nulls(ROWS, pa.float64()),
        }
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("statistics") / "rows.parquet"
    pq.write_table(rows_of_all_kinds(), path)
    return path


@pytest.fixture(scope="module")
def loaded(config: Config, file: Path) -> Iterator[psycopg.Connection]:
    """The owner's connection to a database in which the file is st.targets."""
    description = parse_description({"columns": {"seen": {"ucd": "time.epoch;obs"}}})
    with database.owner_connection(config) as owner:
        load_table(owner, open_file(file), "st.targets", description)
        yield owner
        for (name,) in owner.execute("SELECT table_name FROM tap_schema.tables WHERE schema_name = 'st'").fetchall():
            unpublish_table(owner, name)
        owner.execute("DROP SCHEMA st CASCADE")


def positions(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    known = table.filter(pc.and_(pc.is_valid(table["ra"]), pc.is_valid(table["dec"])))
    return known["ra"].to_numpy(), known["dec"].to_numpy()


def test_exact_numbers_are_those_of_the_rows(loaded: psycopg.Connection, file: Path) -> None:
    found, rows = column_statistics_of(loaded, "st.targets"), pq.read_table(file)
    assert found.keys() == set(rows.column_names)
    for name in rows.column_names:
        assert found[name].nulls == rows[name].null_count + (50 if name == "x" else 0), name
    for name in NUMBERS:
        values = rows[name].drop_null().to_numpy()
        values = values[np.isfinite(values)]
        assert (found[name].min_value, found[name].max_value) == pytest.approx((values.min(), values.max())), name
    assert (found["id"].least, found["id"].largest) == (str(2**62), str(2**62 + ROWS - 1))
    assert (found["kind"].least, found["kind"].largest) == ("STAR", "étoile")
    seen = rows["seen"].to_numpy().astype("datetime64[us]")
    assert [np.datetime64(text) for text in (found["seen"].least, found["seen"].largest)] == [seen.min(), seen.max()]
    assert found["nothing"] == ColumnStatistics("nothing", ROWS, 0)


def test_estimates_are_near_the_rows(loaded: psycopg.Connection, file: Path) -> None:
    """Quantiles by their rank, to two hundredths; distinct values to a tenth; shares to two hundredths."""
    found, rows = column_statistics_of(loaded, "st.targets"), pq.read_table(file)
    for name in ("ra", "dec", *NUMBERS):
        values = rows[name].drop_null().to_numpy()
        values = np.sort(values[np.isfinite(values)])
        for quantile, share in (("percentile03", 0.03), ("median", 0.5), ("percentile97", 0.97)):
            value = np.float32(getattr(found[name], quantile)) if name == "mag" else getattr(found[name], quantile)
            ranks = [np.searchsorted(values, value, side) / len(values) for side in ("left", "right")]
            assert ranks[0] - 0.02 <= share <= ranks[1] + 0.02, (name, quantile)
        assert found[name].distinct_values == pytest.approx(len(np.unique(values)), rel=0.1), name
    assert (found["kind"].distinct_values, found["good"].distinct_values) == (3, 2)
    for name, shares in (
        ("kind", {"STAR": 0.7, "galaxy": 0.2, "étoile": 0.1}),
        ("good", {"false": 0.75, "true": 0.25}),
    ):
        assert dict(found[name].frequent_values) == pytest.approx(shares, abs=0.02), name
    assert found["id"].frequent_values == ()


def test_the_moc_is_that_of_the_positions(loaded: psycopg.Connection, file: Path) -> None:
    """mocpy, at the same order; round ra = 0, at 360 and at both poles."""
    ra, dec = positions(pq.read_table(file))
    coverage = coverage_of(loaded, "st.targets")
    assert coverage is not None
    expected = MOC.from_lonlat(Longitude(ra * u.deg), Latitude(dec * u.deg), max_norder=coverage.moc_order)
    assert MOC.from_string(coverage.moc) == expected
    assert coverage.sky_fraction == pytest.approx(expected.sky_fraction)
    assert coverage.temporal == pytest.approx((58849, 58849 + 10**13 / 86_400e6), abs=0.1)


def test_cells_count_the_rows(loaded: psycopg.Connection, file: Path) -> None:
    ra, dec = positions(pq.read_table(file))
    counts = cell_counts_of(loaded, "st.targets")
    assert counts is not None
    assert counts.counts.sum() == len(ra)
    for order in (counts.order, 3, 0):
        coarse = counts.coarser(order)
        moc = MOC.from_lonlat(Longitude(ra * u.deg), Latitude(dec * u.deg), max_norder=order)
        assert MOC.from_healpix_cells(coarse.cells, np.full(len(coarse.cells), order, np.uint8), order) == moc
        assert coarse.counts.sum() == len(ra)


def stored(owner: psycopg.Connection, name: str) -> str:
    tables = {table.table_name: table for table in read_catalogue(owner, f"demo.{name}").tables}
    return tables[f"demo.{name}"].stored_parts[1]


def test_a_survey_of_the_whole_sky_has_a_moc_of_bounded_size(sample: Config, owner: psycopg.Connection) -> None:
    for name in ("stars", "ngc"):
        rows = owner.execute(f"SELECT ra, dec FROM demo.{stored(owner, name)} WHERE ra + dec IS NOT NULL".encode())
        ra, dec = np.array(rows.fetchall()).T
        coverage, counts = coverage_of(owner, f"demo.{name}"), cell_counts_of(owner, f"demo.{name}")
        assert coverage is not None
        assert counts is not None
        expected = MOC.from_lonlat(Longitude(ra * u.deg), Latitude(dec * u.deg), max_norder=coverage.moc_order)
        assert MOC.from_string(coverage.moc) == expected
        assert len(coverage.moc or "") < 20_000
        assert len(counts.cells) <= MOST_CELLS


def test_a_load_in_its_place_renews_them(loaded: psycopg.Connection, tmp_path: Path) -> None:
    for table in (
        pa.table({"ra": [0.0, 50.0], "dec": [0.0, 9.0]}),
        pa.table({"ra": [10.0, 11.0], "dec": [0.0, 0.0], "v": [1, 3]}),
    ):
        pq.write_table(table, tmp_path / "two.parquet")
        load_table(loaded, open_file(tmp_path / "two.parquet"), "st.again", Description())
    assert column_statistics_of(loaded, "st.again").keys() == {"ra", "dec", "v"}
    coverage = coverage_of(loaded, "st.again")
    assert coverage is not None
    ra, dec = Longitude([10, 11] * u.deg), Latitude([0, 0] * u.deg)
    assert MOC.from_string(coverage.moc) == MOC.from_lonlat(ra, dec, max_norder=coverage.moc_order)
    assert coverage.temporal is None


def test_a_table_of_the_operators_gets_them_when_it_is_analysed(loaded: psycopg.Connection) -> None:
    """Also a view, and types that are published as others; limits of observations are coverage in time and energy."""
    loaded.execute(
        "CREATE TABLE st.obs AS SELECT i::numeric AS s_ra, -i::numeric AS s_dec, 59000.0::float8 + i AS t_min, 59000.5::float8 + i AS t_max,"
        " 4e-7::float8 AS em_min, 7e-7::float8 AS em_max, '2020-01-01 02:00+02'::timestamptz AS made, 'x'::varchar(3) AS name,"
        " ARRAY[1.0, 'NaN']::float8[] AS spectrum FROM generate_series(1, 90) AS i"
    )
    loaded.execute("CREATE VIEW st.few AS SELECT * FROM st.obs WHERE s_ra < 4")
    ucds = {"s_ra": "pos.eq.ra;meta.main", "s_dec": "pos.eq.dec;meta.main", "t_min": "time.start;obs.exposure"} | {
        "t_max": "time.end;obs.exposure",
        "em_min": "em.wl;stat.min",
        "em_max": "em.wl;stat.max",
    }
    units = {"s_ra": "deg", "s_dec": "deg", "t_min": "d", "t_max": "d", "em_min": "m", "em_max": "m"}
    columns = {name: {"ucd": ucd, "unit": units[name]} for name, ucd in ucds.items()}
    for name, rows in (("st.obs", 90), ("st.few", 3)):
        publish_table(loaded, name, parse_description({"columns": columns}))
        assert coverage_of(loaded, name) is None
        assert analyze_table(loaded, name).nrows == rows
        coverage, found = coverage_of(loaded, name), column_statistics_of(loaded, name)
        assert coverage is not None
        ra, dec = np.arange(1.0, rows + 1), -np.arange(1.0, rows + 1)
        expected = MOC.from_lonlat(Longitude(ra * u.deg), Latitude(dec * u.deg), max_norder=coverage.moc_order)
        assert MOC.from_string(coverage.moc) == expected
        assert coverage.temporal == (59001.0, 59000.5 + rows)
        joules = (np.array([7e-7, 4e-7]) * u.m).to_value(u.J, u.spectral())
        assert coverage.spectral == pytest.approx(tuple(joules))
        assert (found["made"].least, found["name"].largest) == ("2020-01-01T00:00:00", "x")
        assert (found["spectrum"].nulls, found["spectrum"].least) == (0, None)
    assert {t.table_name: t.nrows for t in read_catalogue(loaded).tables}["st.obs"] == 90


def test_what_is_published_no_more_is_known_no_more(loaded: psycopg.Connection) -> None:
    loaded.execute("CREATE TABLE st.two AS SELECT 1.0::float8 AS ra, 2.0::float8 AS dec, 3 AS secret")
    publish_table(loaded, "st.two", Description())
    analyze_table(loaded, "st.two")
    publish_table(loaded, "st.two", parse_description({"columns": {"secret": {"omit": True}}}))
    assert column_statistics_of(loaded, "st.two").keys() == {"ra", "dec"}
    unpublish_table(loaded, "st.two")
    assert column_statistics_of(loaded, "st.two") == {}
    with pytest.raises(LoadError, match="not published"):
        analyze_table(loaded, "st.two")


def test_another_position_is_another_coverage(loaded: psycopg.Connection) -> None:
    loaded.execute(
        "CREATE TABLE st.twice AS SELECT 1.0::float8 AS ra, 2.0::float8 AS dec, 3.0::float8 AS l, 4.0::float8 AS b"
    )
    publish_table(loaded, "st.twice", Description())
    analyze_table(loaded, "st.twice")
    publish_table(loaded, "st.twice", parse_description({"table": {"ra": "l", "dec": "b"}}))
    assert coverage_of(loaded, "st.twice") is None


def test_a_table_that_changes_while_it_is_looked_at_keeps_what_was_known(
    loaded: psycopg.Connection, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"v": [1, 2]}), tmp_path / "v.parquet")
    load_table(loaded, open_file(tmp_path / "v.parquet"), "st.changing", Description())

    def measure(measurable: object) -> TableMeasure:
        load_table(loaded, open_file(tmp_path / "v.parquet"), "st.changing", Description())
        return TableMeasure(2, ())

    with pytest.raises(LoadError, match="changed while"):
        analyze_table(loaded, "st.changing", measure)
    assert list(column_statistics_of(loaded, "st.changing")) == ["v"]
    with pytest.raises(LoadError, match="have 3 rows and should have 2"):
        analyze_table(loaded, "st.changing", lambda _: TableMeasure(3, ()))


def test_strange_rows_break_nothing(loaded: psycopg.Connection) -> None:
    """No rows at all, positions off the sky, infinities, times without end, wide tables, long texts and strange names."""
    loaded.execute(
        "CREATE TABLE st.\"odd \"\"one\" AS SELECT i::float8 * 1000 AS ra, 'NaN'::float8 AS dec, 'infinity'::float8 AS x,"
        " 'infinity'::timestamp AS t, repeat('é', 500) AS \"long {} %s\", '0044-03-15 BC'::timestamp AS ides FROM generate_series(1, 3) AS i"
    )
    loaded.execute(f"CREATE TABLE st.wide AS SELECT {', '.join(f'{i} AS c{i}' for i in range(1200))}".encode())
    loaded.execute("CREATE TABLE st.empty (ra float8, dec float8, name text)")
    names = ('st."odd ""one"', "st.wide", "st.empty")
    for name in names:
        publish_table(loaded, name, Description())
        analyze_table(loaded, name)
    odd, wide, empty = (column_statistics_of(loaded, name) for name in names)
    assert odd["x"].max_value == np.inf
    assert (odd["t"].nulls, odd["t"].least) == (0, None)
    assert odd['"long {} %s"'].least == "é" * 100
    assert coverage_of(loaded, names[0]) is None
    assert wide["c1199"].least == "1199"
    assert empty["name"] == ColumnStatistics("name", 0, 0)


def test_orders_follow_rows_and_size() -> None:
    assert order_for(10**9, (0, 360), (-90, 90)) == 6
    assert order_for(10, (0, 1), (0, 1)) == 6
    assert order_for(10**6, (10, 11), (0, 1)) == 10
    assert order_for(10**6, (10, 70), (0, 10)) == 9
    assert order_for(10**3, (10, 11), (0, 1)) == 9


def test_parts_together_are_the_whole() -> None:
    """As shards measure them: at orders of their own, with values of their own."""
    column = Column("v", "int")
    cells = [CellCounts(7, np.arange(4), np.full(4, 2)), CellCounts(6, np.array([0, 9]), np.array([1, 5]))]
    one = ColumnMeasure(column, 100, 10, 1, 9, -1.0, {}, tuple(float(i) for i in range(1, 10)))
    other = ColumnMeasure(column, 300, 0, -5, 7, 2.0, {"-5": 0.5, "7": 0.5})
    whole = measure_together([TableMeasure(100, ((one,),), cells[0]), TableMeasure(300, ((other,),), cells[1])])
    assert whole.rows == 400
    assert whole.cells is not None
    assert (whole.cells.order, whole.cells.cells.tolist(), whole.cells.counts.tolist()) == (6, [0, 9], [9, 5])
    told = whole.statistics[0]
    assert (told.nulls, told.least, told.largest) == (10, "-5", "9")
    values = np.concatenate([np.linspace(1, 9, 90), np.full(150, -5), np.full(150, 7)])
    assert told.median == pytest.approx(np.median(values), abs=1)
    assert told.frequent_values == (("-5", 0.375), ("7", 0.375))
