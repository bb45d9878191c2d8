"""ADQL 2.1 on a running service: what it declares of the language, and what the standard's own examples give. tests/adql has the rest."""

import pytest

from tests.contract.client import get, records, sync, table

ONE = "FROM tap_schema.schemas WHERE schema_name = 'tap_schema'"
FEATURES = {
    "AREA": f"SELECT AREA(CIRCLE(1, 2, 3)) AS x {ONE}",
    "BOX": f"SELECT BOX(25.4, -20.0, 10.0, 10.0) AS x {ONE}",
    "CENTROID": f"SELECT CENTROID(POINT(1, 2)) AS x {ONE}",
    "CIRCLE": f"SELECT CIRCLE(25.4, -20.0, 10.0) AS x {ONE}",
    "CONTAINS": f"SELECT CONTAINS(POINT(25.0, -19.5), CIRCLE(25.4, -20.0, 10.0)) AS x {ONE}",
    "COORD1": f"SELECT COORD1(POINT(25.0, -19.5)) AS x {ONE}",
    "COORD2": f"SELECT COORD2(POINT(25.0, -19.5)) AS x {ONE}",
    "COORDSYS": f"SELECT COORDSYS(POINT(25.0, -19.5)) AS x {ONE}",
    "DISTANCE": f"SELECT DISTANCE(25.0, -19.5, 25.4, -20.0) AS x {ONE}",
    "INTERSECTS": f"SELECT INTERSECTS(CIRCLE(1, 2, 3), CIRCLE(1, 2, 1)) AS x {ONE}",
    "POINT": f"SELECT POINT(25.0, -19.5) AS x {ONE}",
    "POLYGON": f"SELECT POLYGON(10.0, -10.5, 20.0, 20.5, 30.0, 30.5) AS x {ONE}",
    "REGION": f"SELECT REGION('Circle ICRS 10 20 1') AS x {ONE}",
    "LOWER": f"SELECT LOWER('Francis') AS x {ONE}",
    "UPPER": f"SELECT UPPER('Francis') AS x {ONE}",
    "ILIKE": f"SELECT schema_name AS x {ONE} AND 'Francis' ILIKE 'francis'",
    "WITH": "WITH q AS (SELECT TOP 1 schema_name AS x FROM tap_schema.schemas) SELECT x FROM q",
    "UNION": f"SELECT 1 AS x {ONE} UNION SELECT 1 {ONE}",
    "EXCEPT": f"SELECT 1 AS x {ONE} EXCEPT SELECT 2 {ONE}",
    "INTERSECT": f"SELECT 1 AS x {ONE} INTERSECT SELECT 1 {ONE}",
    "CAST": f"SELECT CAST('3.14159265358979323846' AS DOUBLE PRECISION) AS x {ONE}",
    "COALESCE": f"SELECT COALESCE(NULL, 'a') AS x {ONE}",
    "IN_UNIT": "SELECT TOP 1 IN_UNIT(ra, 'rad') AS x FROM demo.ngc",
    "OFFSET": "SELECT TOP 1 table_name AS x FROM tap_schema.tables ORDER BY x OFFSET 1",
}
"""A query for each optional feature of the standard, with one row of one column."""


def test_every_optional_feature_of_the_standard_is_declared(service: str) -> None:
    """§4.1; what a service declares beside them are its own functions."""
    features = get(f"{service}/capabilities").xml().xpath("//languageFeatures[not(contains(@type, 'features-udf'))]")
    assert {form for feature in features for form in feature.xpath("feature/form/text()")} == set(FEATURES)


@pytest.mark.parametrize("name", FEATURES)
def test_every_declared_feature_answers(service: str, name: str) -> None:
    """§1.2: an optional feature that is provided must be that of the standard."""
    (row,) = records(service, FEATURES[name])
    assert row["x"]


@pytest.mark.parametrize(
    "expression",
    [
        "IN_UNIT(ra, '')",
        "IN_UNIT(ra, 'foo')",
        "IN_UNIT(ra, 'kg')",
        "IN_UNIT(42, 'kg')",
        "IN_UNIT(40+2, 'deg')",
        "IN_UNIT(SQRT(42), 'deg')",
        "IN_UNIT(name, 'deg')",
    ],
)
def test_a_conversion_that_the_standard_calls_an_error_is_one(service: str, expression: str) -> None:
    """§4.9.1: its own examples, and what is no number."""
    assert sync(service, f"SELECT {expression} FROM demo.ngc").status == 400


@pytest.mark.parametrize(
    ("expression", "unit"),
    [("ra + dec", "rad"), ("SQRT(POWER(pmra, 2) + POWER(pmdec, 2))", "rad/yr"), ("ra", "arcmin")],
)
def test_units_of_columns_are_converted_as_in_the_standard(service: str, expression: str, unit: str) -> None:
    """§4.9.1: its own examples, also those of an inference of units, but for numbers added to angles."""
    found = table(service, f"SELECT TOP 1 IN_UNIT({expression}, '{unit}') AS x FROM demo.ngc WHERE pmra IS NOT NULL")
    assert found.fields[0]["unit"] == unit
    assert found.rows[0] != [""]


@pytest.mark.parametrize("expression", ["LOG(0)", "LOG10(-1)", "ACOS(1.1)", "ASIN(-2)", "SQRT(-1)"])
def test_what_a_function_is_not_defined_for_is_an_error(service: str, expression: str) -> None:
    """§2.3, tables 1 and 2."""
    reply = sync(service, f"SELECT {expression} AS x FROM demo.ngc")
    assert (reply.status, reply.votable().statuses) == (400, [("ERROR", "alone")])


@pytest.mark.parametrize(
    ("name", "datatype", "arraysize"),
    [
        ("SMALLINT", "short", None),
        ("INTEGER", "int", None),
        ("BIGINT", "long", None),
        ("REAL", "float", None),
        ("DOUBLE PRECISION", "double", None),
        ("VARCHAR(4)", "char", "4*"),
    ],
)
def test_a_type_is_votables(service: str, name: str, datatype: str, arraysize: str | None) -> None:
    """§3.1.1, §3.3.1: the tables of types."""
    (field,) = table(service, f"SELECT CAST('1' AS {name}) AS x {ONE}").fields
    assert (field["datatype"], field.get("arraysize")) == (datatype, arraysize)


def test_columns_come_in_the_order_of_the_select_list(service: str) -> None:
    """§2.2: the same as in the list; of an asterisk, that of the table."""
    assert table(service, "SELECT TOP 1 dec, name, ra FROM demo.ngc").names == ["dec", "name", "ra"]
    declared = records(
        service, "SELECT column_name FROM tap_schema.columns WHERE table_name = 'demo.ngc' ORDER BY column_index"
    )
    assert table(service, "SELECT TOP 1 * FROM demo.ngc").names == [row["column_name"] for row in declared]


def test_rows_that_are_there_twice_stay_with_all_only(service: str) -> None:
    """§4.6.4: as often as SQL says, which counts them on both sides."""
    many = "SELECT 1 AS x FROM tap_schema.columns"
    count = len(records(service, many))
    assert count > 1
    for operator, plain, kept in (("UNION", 1, count + 1), ("EXCEPT", 0, count - 1), ("INTERSECT", 1, 1)):
        assert len(records(service, f"{many} {operator} SELECT 1 {ONE}")) == plain, operator
        assert len(records(service, f"{many} {operator} ALL SELECT 1 {ONE}")) == kept, operator


def test_set_operators_do_not_look_at_units(service: str) -> None:
    """§4.6.4: rows of equal numbers are equal whatever their units."""
    degrees, seconds = (
        f"SELECT IN_UNIT(ra * 0, '{unit}') AS x FROM demo.ngc WHERE ra IS NOT NULL" for unit in ("deg", "arcsec")
    )
    assert [table(service, query, MAXREC="1").fields[0]["unit"] for query in (degrees, seconds)] == ["deg", "arcsec"]
    assert len(records(service, f"{degrees} UNION {seconds}")) == 1


def test_an_offset_drops_rows_before_top_counts_them(service: str) -> None:
    """§4.10.1: ORDER BY, then OFFSET, then TOP; beyond the last row there is none."""
    names = [row["name"] for row in records(service, "SELECT TOP 5 name FROM demo.ngc ORDER BY name")]
    query = "SELECT TOP 2 name FROM demo.ngc ORDER BY name OFFSET 3"
    assert [row["name"] for row in records(service, query)] == names[3:]
    assert records(service, "SELECT name FROM demo.ngc ORDER BY name OFFSET 99999") == []
