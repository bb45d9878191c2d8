"""What is chosen in a form becomes a query that means it: its rows are those that numpy finds in the files of the sample."""

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adql.nodes import Comparison, Select, String
from adql.parse import parse
from adql.tokens import DELIMITED, WORD, tokenize
from adql.translate import translate
from schema.model import Catalogue, Column, Schema, Table, quoted_if_needed
from tap.pages.builder import (
    FINDS,
    OPERATORS,
    Choice,
    Cut,
    Region,
    match_of,
    number,
    query_of,
    region_of,
    side_of_list,
    side_of_table,
)
from tap.pages.schema_pages import position_of
from tests.adql import brute_force
from tests.adql.brute_force import Floats, Truths
from tests.conftest import SAMPLE, Run
from uws.parameters import ParameterError

CALLED = {"magnitude": "vmag", "ra_degrees": "ra", "dec_degrees": "dec", "parallax_mas": "parallax"}
ON_DATABASE = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
CENTRES = st.tuples(st.floats(-720, 720, allow_subnormal=False), st.floats(-90, 90, allow_subnormal=False))
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
    "<>": operator.ne,
}


@cache
def sample(name: str) -> dict[str, Any]:
    """The columns of a file of the sample: numbers with NaN for NULL, and lists of texts."""
    table = pq.read_table(SAMPLE / f"{name}.parquet")
    return {
        CALLED.get(column, column): (
            table[column].to_pylist() if table.schema.field(column).type == "string" else floats(table[column])
        )
        for column in table.column_names
    }


def floats(column: Any) -> Floats:
    return np.asarray(column.cast("double").to_numpy(), float)


def truths(values: Any, cut: Cut) -> Truths:
    """Which values a cut keeps; NULL is kept by IS NULL only."""
    if isinstance(values, list):
        return np.array([_of_text(value, cut) for value in values])
    missing = np.isnan(values)
    if cut.operator.startswith("IS"):
        return np.asarray(missing if cut.operator == "IS NULL" else ~missing)
    return np.asarray(COMPARE[cut.operator](values, float(cut.value)) & ~missing)


def _of_text(value: str | None, cut: Cut) -> bool:
    if cut.operator.startswith("IS"):
        return (value is None) == (cut.operator == "IS NULL")
    if value is None:
        return False
    if cut.operator == "LIKE":
        parts = re.split("([%_])", cut.value)
        pattern = "".join({"%": ".*", "_": "."}.get(part, re.escape(part)) for part in parts)
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    return bool(COMPARE[cut.operator](value, cut.value))


@pytest.fixture
def ngc(catalogue: Catalogue) -> Table:
    return next(table for table in catalogue.tables if table.table_name == "demo.ngc")


@pytest.fixture
def stars(catalogue: Catalogue) -> Table:
    return next(table for table in catalogue.tables if table.table_name == "demo.stars")


def names_of(run: Run, choice: Choice) -> list[str]:
    return sorted(row[0] for row in run(query_of(choice, position_of(choice.table))))


def names_where(kept: Truths) -> list[str]:
    return sorted(name for name, keep in zip(sample("ngc")["name"], kept, strict=True) if keep)


# ---- a part of the sky


@pytest.mark.parametrize(
    ("shape", "text", "inside"),
    [
        ("cone", "10.68 41.27 3", brute_force.in_circle),
        ("cone", "0, -89, 12.5", brute_force.in_circle),
        ("cone", "359.9\t+0.5\n 4", brute_force.in_circle),
        ("cone", "180 0 120", brute_force.in_circle),
        ("box", "187 12 10 8", brute_force.in_box),
        ("box", "0.5, -30, 20, 2e1", brute_force.in_box),
        ("polygon", "180 0 195 0 195 15 180 15", brute_force.in_polygon),
        ("polygon", "350 -10, 10 -10, 0 20", brute_force.in_polygon),
    ],
)
def test_the_rows_of_a_part_of_the_sky_are_those_inside(
    run: Run, ngc: Table, shape: str, text: str, inside: Callable[..., Truths]
) -> None:
    numbers = [float(word) for word in re.split(r"[\s,]+", text)]
    where = list(zip(numbers[::2], numbers[1::2], strict=True)) if shape == "polygon" else tuple(numbers)
    columns = sample("ngc")
    kept = ~np.isnan(columns["ra"])
    kept[kept] = inside(columns["ra"][kept], columns["dec"][kept], where)
    assert kept.any()
    assert names_of(run, Choice(ngc, ("name",), region_of(shape, text))) == names_where(kept)


def test_a_cone_of_a_million_stars_has_those_inside(run: Run, stars: Table) -> None:
    columns = sample("stars")
    kept = brute_force.in_circle(columns["ra"], columns["dec"], (56.75, 24.12, 2))
    found = run(query_of(Choice(stars, ("ra", "dec"), region_of("cone", "56.75 24.12 2")), position_of(stars)))
    assert sorted(found) == sorted(zip(columns["ra"][kept], columns["dec"][kept], strict=True))


@given(
    centre=CENTRES,
    size=st.floats(0.01, 60),
    other=st.floats(0.01, 60),
)
@ON_DATABASE
def test_any_cone_and_any_box_can_be_asked_for(
    run: Run, ngc: Table, centre: tuple[float, float], size: float, other: float
) -> None:
    columns = sample("ngc")
    there = ~np.isnan(columns["ra"])
    positions = columns["ra"][there], columns["dec"][there]
    kept = there.copy()
    kept[there] = brute_force.in_circle(*positions, (*centre, size))
    assert names_of(run, Choice(ngc, ("name",), Region("cone", (*centre, size)))) == names_where(kept)
    kept[there] = brute_force.in_box(*positions, (*centre, size, other))
    box = Region("box", (*centre, size, other))
    assert names_of(run, Choice(ngc, ("name",), box)) == names_where(kept)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ("cone", "1 2"),
        ("cone", "1 2 3 4"),
        ("box", "1 2 3"),
        ("polygon", "1 2 3 4"),
        ("polygon", "1 2 3 4 5 6 7"),
        ("circle", "1 2 3"),
        ("cone", "1 2 x"),
        ("cone", "1 2 3d"),
        ("cone", "1 2 nan"),
        ("cone", "1 2 inf"),
        ("cone", "1 2 1e999"),
        ("cone", "1e400 2 1"),
        ("cone", "1 2 \u0663"),
        ("cone", "1 2 1_0"),
        ("cone", "1 2 1)"),
    ],
)
def test_what_is_no_part_of_the_sky_is_refused(shape: str, text: str) -> None:
    with pytest.raises(ParameterError):
        region_of(shape, text)


@pytest.mark.parametrize("text", ["", "  ", "\t\n", ", ,"])
def test_no_numbers_are_the_whole_sky(text: str) -> None:
    assert region_of("cone", text) is None


# ---- cuts, columns, order


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("vmag", "9.5"),
        ("vmag", "+1e1"),
        ("pmra", "-.5"),
        ("radial_velocity", "1000"),
        ("radial_velocity", "-200.5"),
        ("position_angle", "90."),
        ("redshift", "0.01"),
        ("obj_type", "G"),
        ("const", "Vir"),
        ("common_names", "Barnard's Galaxy"),
        ("messier", ""),
    ],
)
@pytest.mark.parametrize("sign", [sign for sign in OPERATORS if sign != "LIKE"])
def test_a_cut_keeps_what_numpy_keeps(run: Run, ngc: Table, column: str, sign: str, value: str) -> None:
    cut = Cut(column, sign, value)
    assert names_of(run, Choice(ngc, ("name",), cuts=(cut,))) == names_where(truths(sample("ngc")[column], cut))


@pytest.mark.parametrize(
    "value", ["%Galaxy%", "Barnard's%", "_ndromed_ Galaxy", "%", "", "%.%", "%\\%", "100%", "%''%"]
)
def test_like_keeps_what_the_pattern_is_of(run: Run, ngc: Table, value: str) -> None:
    cut = Cut("common_names", "LIKE", value)
    kept = truths(sample("ngc")["common_names"], cut)
    assert names_of(run, Choice(ngc, ("name",), cuts=(cut,))) == names_where(kept)


def numbers_like(values: Floats) -> st.SearchStrategy[str]:
    """Numbers that the column has, so that equality and its limits matter, and others."""
    return st.one_of(
        st.sampled_from([repr(float(value)) for value in values[~np.isnan(values)][:50]]),
        st.floats(-1e6, 1e6).map(repr),
        st.integers(-100, 100).map(str),
    )


@st.composite
def cuts(draw: st.DrawFn) -> Cut:
    column = draw(st.sampled_from(["vmag", "bmag", "major_axis", "redshift", "radial_velocity", "obj_type", "hubble"]))
    values = sample("ngc")[column]
    sign = draw(st.sampled_from([sign for sign in OPERATORS if sign != "LIKE"]))
    value = (
        st.sampled_from([value or "" for value in values[:200]]) if isinstance(values, list) else numbers_like(values)
    )
    return Cut(column, sign, draw(value))


@given(wanted=st.lists(cuts(), max_size=4), around=st.none() | CENTRES)
@ON_DATABASE
def test_all_cuts_hold_together(run: Run, ngc: Table, wanted: list[Cut], around: tuple[float, float] | None) -> None:
    columns = sample("ngc")
    region = Region("cone", (*around, 40.0)) if around else None
    kept = np.ones(len(columns["name"]), bool)
    if around:
        kept = ~np.isnan(columns["ra"])
        kept[kept] = brute_force.in_circle(columns["ra"][kept], columns["dec"][kept], (*around, 40.0))
    for cut in wanted:
        kept &= truths(columns[cut.column], cut)
    assert names_of(run, Choice(ngc, ("name",), region, tuple(wanted))) == names_where(kept)


@pytest.mark.parametrize("direction", ["", " DESC"])
def test_the_first_rows_of_an_order_are_numpys_first(run: Run, stars: Table, direction: str) -> None:
    choice = Choice(stars, ("parallax", "ra"), order=f"parallax{direction}", top=50)
    found = [row[0] for row in run(query_of(choice, None))]
    values = np.sort(sample("stars")["parallax"])
    values = values[~np.isnan(values)]
    assert found == list(values[:50] if not direction else values[::-1][:50])


def test_without_columns_there_are_all_and_without_top_all_rows(run: Run, ngc: Table, catalogue: Catalogue) -> None:
    query = query_of(Choice(ngc), None)
    assert [output.name for output in translate(query, catalogue).outputs] == [column.name for column in ngc.columns]
    assert len(run(query)) == len(sample("ngc")["name"])


def test_columns_come_in_the_order_that_they_were_chosen_in(ngc: Table, catalogue: Catalogue) -> None:
    query = query_of(Choice(ngc, ("vmag", "name", "ra")), None)
    assert [output.name for output in translate(query, catalogue).outputs] == ["vmag", "name", "ra"]


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("name", ["demo.stars", "demo.ngc"])
def test_a_cut_on_any_column_of_the_sample_is_a_query_or_refused(catalogue: Catalogue, name: str, sign: str) -> None:
    (table,) = (table for table in catalogue.tables if table.table_name == name)
    for column in table.columns:
        try:
            query = query_of(Choice(table, cuts=(Cut(column.column_name, sign, "1"),)), position_of(table))
        except ParameterError:
            continue
        translate(query, catalogue)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "9007199254740993"),
        ('"size"', "-1"),
        ('"a""b"', "1.5e-3"),
        ('"Mixed Case"', "x"),
        ("seen", "2016-01-01T00:00:00"),
        ("variable", "1"),
    ],
)
@pytest.mark.parametrize("sign", ["=", "<>", "IS NULL"])
def test_columns_of_other_types_and_names_are_cut_too(column: str, sign: str, value: str) -> None:
    query = query_of(Choice(ODD, (column,), region_of("cone", "1 2 3"), (Cut(column, sign, value),)), position_of(ODD))
    translate(query, Catalogue((Schema("odd", (ODD,)),)))


ODD = Table(
    "odd",
    'odd."all kinds"',
    (
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
        Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
        Column("id", "long"),
        Column('"size"', "int"),
        Column('"Mixed Case"', "char", "*"),
        Column('"a""b"', "float"),
        Column("seen", "char", "*", "timestamp"),
        Column("variable", "boolean"),
    ),
)


# ---- hostile texts

HOSTILE = [
    "'",
    "''",
    "' OR 1 = 1 --",
    "x' UNION SELECT * FROM tap_schema.tables --",
    "'; DROP TABLE demo.ngc; --",
    "/* ",
    "*/",
    "\\",
    "\\'",
    '"',
    "\n--\n",
    "é☉𝄞",
    "%_",
]
ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


def where_of(query: str) -> Comparison:
    body = parse(query).body
    assert isinstance(body, Select)
    assert isinstance(body.where, Comparison)
    return body.where


@given(value=st.sampled_from(HOSTILE) | ANY_TEXT)
def test_no_value_is_more_than_a_value(value: str) -> None:
    for sign in ("=", "<", "<>"):
        query, harmless = (
            query_of(Choice(ODD, cuts=(Cut('"Mixed Case"', sign, text),)), None) for text in (value, "harmless")
        )
        assert where_of(query).right == String(value)
        body = parse(query).body
        assert isinstance(body, Select)
        mended = replace(body, where=replace(where_of(query), right=String("harmless")))
        assert mended == parse(harmless).body


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_finds_what_has_it(run: Run, ngc: Table, value: str) -> None:
    assert names_of(run, Choice(ngc, ("name",), cuts=(Cut("name", "=", value),))) == []


@pytest.mark.parametrize(
    "value", ["1 OR 1 = 1", "1; --", "1) OR (1 = 1", "vmag", "'1'", "", "1e", "0x10", "1 2", "--1", "\u0661"]
)
def test_a_number_is_nothing_else(ngc: Table, value: str) -> None:
    with pytest.raises(ParameterError):
        query_of(Choice(ngc, cuts=(Cut("vmag", "<", value),)), None)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_taken_as_it_is(value: float) -> None:
    assert float(number(f" {value!r} ")) == value


@given(names=st.lists(st.sampled_from(HOSTILE) | ANY_TEXT.filter(bool), min_size=1, max_size=4, unique_by=str.lower))
def test_whatever_a_column_is_called_it_is_a_column(names: list[str]) -> None:
    columns = tuple(Column(quoted_if_needed(name), "double") for name in names)
    table = Table("s", "s.t", columns)
    written = tuple(column.column_name for column in columns)
    cuts = tuple(Cut(name, "<", "1") for name in written)
    query = query_of(Choice(table, written, cuts=cuts, top=5), None)
    translation = translate(query, Catalogue((Schema("s", (table,)),)))
    assert [output.name for output in translation.outputs] == names
    assert translation.top == 5


@pytest.mark.parametrize("name", ["mixed case", '"quoted"', "size", "two words DESC", "DESC", "a.b", ","])
@pytest.mark.parametrize("direction", ["", " DESC"])
def test_rows_can_be_ordered_by_a_column_of_any_name(name: str, direction: str) -> None:
    """The form gives the column as a query writes it."""
    column = Column(quoted_if_needed(name), "double")
    table = Table("s", "s.t", (column,))
    body = parse(query_of(Choice(table, order=column.column_name + direction), None)).body
    (term,) = body.order_by
    assert term == parse(f"SELECT * FROM s.t ORDER BY {column.column_name}{direction}").body.order_by[0]


@pytest.mark.parametrize("name", ["", "nothing", "*", "name, ra", "name FROM demo.stars --", "1", "NAME "])
def test_what_is_no_column_is_refused_wherever_it_comes(ngc: Table, name: str) -> None:
    choices = [Choice(ngc, (name,)), Choice(ngc, cuts=(Cut(name, "=", "1"),))]
    choices += [Choice(ngc, order=name)] if name else []
    for choice in choices:
        with pytest.raises(ParameterError):
            query_of(choice, None)


@pytest.mark.parametrize("sign", ["", "==", "OR", "= 1 OR vmag =", "like"])
def test_what_is_no_comparison_is_refused(ngc: Table, sign: str) -> None:
    with pytest.raises(ParameterError):
        query_of(Choice(ngc, cuts=(Cut("vmag", sign, "1"),)), None)


def test_a_table_without_a_position_has_no_parts_of_the_sky() -> None:
    table = Table("s", "s.t", (Column("n", "int"),))
    with pytest.raises(ParameterError, match="position"):
        query_of(Choice(table, region=region_of("cone", "1 2 3")), position_of(table))
    with pytest.raises(ParameterError, match="position"):
        side_of_table(table, position_of(table))


# ---- two tables

RADIUS = 20.0
"""Arcseconds."""
Pairs = list[tuple[str, float]]


@cache
def pairs() -> Pairs:
    """All pairs of an object and a star within the radius, in arcseconds; the stars are sorted by latitude first."""
    ngc, stars = sample("ngc"), sample("stars")
    order = np.argsort(stars["dec"])
    ras, decs = stars["ra"][order], stars["dec"][order]
    found: Pairs = []
    for name, ra, dec in zip(ngc["name"], ngc["ra"], ngc["dec"], strict=True):
        if math.isnan(ra):
            continue
        near = slice(*np.searchsorted(decs, [dec - RADIUS / 3600, dec + RADIUS / 3600]))
        apart = brute_force.separation(ra, dec, ras[near], decs[near]) * 3600
        found += [(name, float(each)) for each in apart[apart < RADIUS]]
    return found


def nearest(count: int) -> Pairs:
    by_name: dict[str, list[float]] = {}
    for name, apart in pairs():
        by_name.setdefault(name, []).append(apart)
    return [(name, apart) for name, all_apart in by_name.items() for apart in sorted(all_apart)[:count]]


def matched(reader: psycopg.Connection, catalogue: Catalogue, find: str, count: int = 3) -> list[tuple[Any, ...]]:
    left, right = (
        side_of_table(table, position_of(table))
        for name in ("demo.ngc", "demo.stars")
        for table in catalogue.tables
        if table.table_name == name
    )
    translation = translate(match_of(left, right, str(RADIUS), find, count), catalogue)
    names = [output.name for output in translation.outputs]
    rows = reader.execute(translation.sql.encode()).fetchall()
    return [(row[names.index("name")], row[names.index("separation")]) for row in rows]


def assert_same(found: Sequence[tuple[Any, ...]], expected: Pairs) -> None:
    assert len(expected) > 100
    assert [name for name, _ in sorted(found)] == [name for name, _ in sorted(expected)]
    assert np.allclose([apart for _, apart in sorted(found)], [apart for _, apart in sorted(expected)], atol=1e-6)


def test_all_pairs_are_those_within_the_radius(reader: psycopg.Connection, catalogue: Catalogue) -> None:
    assert_same(matched(reader, catalogue, "all"), pairs())


def test_the_best_is_the_nearest_of_each_row(reader: psycopg.Connection, catalogue: Catalogue) -> None:
    assert_same(matched(reader, catalogue, "best"), nearest(1))


@pytest.mark.parametrize("count", [2, *(pytest.param(count, marks=pytest.mark.long) for count in (1, 3))])
def test_so_many_nearest_are_no_more_of_each_row(reader: psycopg.Connection, catalogue: Catalogue, count: int) -> None:
    assert_same(matched(reader, catalogue, "nearest", count), nearest(count))


def test_each_row_comes_also_if_it_has_none(reader: psycopg.Connection, catalogue: Catalogue) -> None:
    found = matched(reader, catalogue, "each")
    assert_same([(name, apart) for name, apart in found if apart is not None], nearest(1))
    alone = set(sample("ngc")["name"]) - {name for name, _ in pairs()}
    assert sorted(name for name, apart in found if apart is None) == sorted(alone)


@pytest.mark.parametrize(
    ("radius", "find"), [("0", "all"), ("-1", "all"), ("", "all"), ("1; --", "all"), ("1", "most")]
)
def test_a_match_that_means_nothing_is_refused(ngc: Table, radius: str, find: str) -> None:
    side = side_of_table(ngc, position_of(ngc))
    with pytest.raises(ParameterError):
        match_of(side, side, radius, find)


@pytest.mark.parametrize("find", FINDS)
@pytest.mark.parametrize(
    ("longitude", "latitude"),
    [("ra", "dec"), (" RAJ2000 ", "DEJ2000"), ("right ascension", "declination"), ("size", "order"), ('"RA"', '"DE"')],
)
def test_a_list_is_matched_by_its_columns_as_they_are_called(
    catalogue: Catalogue, ngc: Table, find: str, longitude: str, latitude: str
) -> None:
    columns = tuple(
        Column(quoted_if_needed(name.strip().strip('"')), "double", unit="deg") for name in (longitude, latitude)
    )
    uploaded = Schema("TAP_UPLOAD", (Table("TAP_UPLOAD", "TAP_UPLOAD.list", columns),))
    query = match_of(side_of_list(longitude, latitude), side_of_table(ngc, position_of(ngc)), "2", find)
    outputs = [output.name for output in translate(query, catalogue.joined_by(uploaded)).outputs]
    assert outputs[:2] == [longitude.strip().strip('"'), latitude.strip().strip('"')]
    assert outputs[-1] == "separation"


INJECTED = ['"a", 0, 0, 0) < 1 OR DISTANCE(a."b', '"', '"a" -- ', '"a"b"', "a, b", "a) --", "a'b", '"a" "b"']


@given(name=st.sampled_from(INJECTED) | ANY_TEXT.filter(str.strip))
def test_whatever_a_column_of_a_list_is_called_the_query_stays_what_it_is(name: str) -> None:
    """A name, in quotes or not, is one name: nothing that follows it."""
    try:
        query = match_of(side_of_list(name, "dec"), side_of_list("ra", "dec"), "2", "all")
    except ParameterError:
        return
    harmless = match_of(side_of_list("harmless", "dec"), side_of_list("ra", "dec"), "2", "all")
    for token, usual in zip(tokenize(query), tokenize(harmless), strict=True):
        if usual.value == "HARMLESS":
            assert token.kind in {WORD, DELIMITED}
        else:
            assert (token.kind, token.value) == (usual.kind, usual.value)


@pytest.mark.parametrize(("longitude", "latitude"), [("", "dec"), ("ra", " ")])
def test_a_list_needs_both_columns(longitude: str, latitude: str) -> None:
    with pytest.raises(ParameterError):
        side_of_list(longitude, latitude)
