"""What a translation remarks of a query that is right but hardly meant: whole-number division, TOP without order, impossible bounds, swapped coordinates."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from adql.errors import AdqlError
from adql.translate import translate
from schema.model import Catalogue, Column, Schema
from tests.adql.tables import CATALOGUE, STARS


def lints(query: str, catalogue: Catalogue) -> tuple[Any, ...]:
    found = translate(query, catalogue).lints  # type: ignore[attr-defined]
    assert isinstance(found, tuple)
    return found


def written(query: str, lint: Any) -> str:
    """What the lint speaks of."""
    return query[lint.span.start : lint.span.end]


def always(found: Sequence[Any]) -> list[Any]:
    """Those that are told whatever the answer is."""
    return [lint for lint in found if not lint.when_cut and not lint.when_costly]


# ---- whole-number division


@pytest.mark.parametrize(("query", "division", "repair"), [
    ("SELECT name FROM demo.ngc WHERE DISTANCE(ra, dec, 10, 20) < 5/60", "5/60", "5/60."), ("SELECT name FROM demo.ngc WHERE DISTANCE(ra, dec, 10, 20) < 1/3600", "1/3600", "1/3600."),
    ("SELECT name, 1 / 3 AS x FROM demo.ngc", "1 / 3", "1 / 3."), ("SELECT name FROM demo.ngc WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 30/60))", "30/60", "30/60."), ("SELECT vmag * (7/2) AS x FROM demo.ngc", "7/2", "7/2."),
    ("SELECT POWER(10, 2/5) AS x FROM demo.ngc", "2/5", "2/5."), ("SELECT name FROM demo.ngc GROUP BY name HAVING COUNT(*) > 5/2", "5/2", "5/2."), ("SELECT name FROM demo.ngc ORDER BY vmag * (1/2)", "1/2", "1/2."),
    ("SELECT q.x FROM (SELECT 5/60 AS x FROM demo.ngc) AS q", "5/60", "5/60."),
])  # fmt: skip
def test_a_division_of_whole_numbers_that_drops_a_rest_is_remarked(
    catalogue: Catalogue, query: str, division: str, repair: str
) -> None:
    (lint,) = always(lints(query, catalogue))
    assert division in lint.message
    assert "whole number" in lint.message
    assert (written(query, lint), lint.repair) == (division, repair)
    mended = query[: lint.span.start] + lint.repair + query[lint.span.end :]
    assert always(lints(mended, catalogue)) == []


@pytest.mark.parametrize("expression", ["6/3", "5./60", "5/60.", "vmag/60", "position_angle/60", "1/vmag", "0/5", "3600/60", "5.0/60", "1e0/3", "CAST(5 AS REAL)/60", "5*60", "-6/3"])  # fmt: skip
def test_other_divisions_are_not(catalogue: Catalogue, expression: str) -> None:
    assert always(lints(f"SELECT {expression} AS x FROM demo.ngc", catalogue)) == []


def test_a_share_of_rows_is_remarked(catalogue: Catalogue) -> None:
    (lint,) = always(lints("SELECT COUNT(vmag) / COUNT(*) AS x FROM demo.ngc", catalogue))
    assert lint.repair == "1.0*COUNT(vmag) / COUNT(*)"


def test_a_division_in_parentheses_is_told_by_its_numbers(catalogue: Catalogue) -> None:
    (lint,) = always(lints("SELECT name FROM demo.ngc WHERE DISTANCE(ra, dec, 10, 20) < (30)/(3600)", catalogue))
    assert lint.message.startswith("30/3600 is 0")


@pytest.mark.parametrize(("condition", "repair"), [("const = NULL", "const IS NULL"), ("const <> NULL", "const IS NOT NULL"), ("ra + 1 = NULL", "ra + 1 IS NULL")])  # fmt: skip
def test_a_comparison_with_null_is_remarked(catalogue: Catalogue, condition: str, repair: str) -> None:
    query = f"SELECT name FROM demo.ngc WHERE {condition}"
    (lint,) = always(lints(query, catalogue))
    assert (written(query, lint), lint.repair) == (condition, repair)


def test_every_division_is_remarked_at_its_place(catalogue: Catalogue) -> None:
    query = "SELECT 1/2 AS a,\n  3/4 AS b\nFROM demo.ngc WHERE dec < 9\n  AND dec < 100 * (5/6)"
    found = always(lints(query, catalogue))
    assert [(written(query, lint), lint.line, lint.column) for lint in found] == [("1/2", 1, 8), ("3/4", 2, 3), ("5/6", 4, 20)]  # fmt: skip


# ---- ranges and patterns


@pytest.mark.parametrize(("condition", "place", "repair"), [
    ("vmag BETWEEN 9 AND 3", "9 AND 3", "3 AND 9"), ("dec BETWEEN -10 AND -30.5", "-10 AND -30.5", "-30.5 AND -10"),
    ("name LIKE 'NGC*'", "'NGC*'", "'NGC%'"), ("name ILIKE '*22*'", "'*22*'", "'%22%'"), ("name = 'NGC%'", "name = 'NGC%'", "name LIKE 'NGC%'"), ("name <> '%22'", "name <> '%22'", "name NOT LIKE '%22'"),
])  # fmt: skip
def test_a_range_or_pattern_that_no_row_meets_is_remarked(
    catalogue: Catalogue, condition: str, place: str, repair: str
) -> None:
    query = f"SELECT name FROM demo.ngc WHERE {condition}"
    (lint,) = always(lints(query, catalogue))
    assert (written(query, lint), lint.repair) == (place, repair)
    mended = query[: lint.span.start] + lint.repair + query[lint.span.end :]
    assert always(lints(mended, catalogue)) == []


@pytest.mark.parametrize("condition", ["vmag BETWEEN 3 AND 9", "vmag BETWEEN 5 AND 5", "vmag NOT BETWEEN 9 AND 3", "vmag BETWEEN radius AND 3", "name LIKE 'NGC%'", "name LIKE '%*%'", "name = 'NGC*'", "name = '%'", "name = 'a%b'", "name < 'NGC%'"])  # fmt: skip
def test_other_ranges_and_patterns_are_not(catalogue: Catalogue, condition: str) -> None:
    assert always(lints(f"SELECT name FROM demo.ngc WHERE {condition}", catalogue)) == []


def test_a_remark_has_the_name_of_its_check_as_its_code(catalogue: Catalogue) -> None:
    codes = [lint.code for lint in lints("SELECT TOP 5 1/2 AS x FROM demo.ngc WHERE name = NULL", catalogue)]
    assert sorted(codes) == ["compared-with-null", "top-without-order", "whole-number-division"]


# ---- TOP without ORDER BY


@pytest.mark.parametrize("query", ["SELECT TOP 5 name FROM demo.ngc", "SELECT TOP 5 * FROM demo.ngc WHERE vmag < 9", "SELECT DISTINCT TOP 5 const FROM demo.ngc", "SELECT TOP 5 const, COUNT(*) FROM demo.ngc GROUP BY const"])  # fmt: skip
def test_a_top_without_an_order_is_remarked_where_rows_are_cut(catalogue: Catalogue, query: str) -> None:
    (lint,) = lints(query, catalogue)
    assert (lint.when_cut, lint.when_costly) == (True, False)
    assert "TOP" in lint.message
    assert "ORDER BY" in lint.message
    assert "TOP 5" in written(query, lint)


@pytest.mark.parametrize("query", ["SELECT TOP 5 name FROM demo.ngc ORDER BY vmag", "SELECT name FROM demo.ngc", "SELECT name FROM demo.ngc ORDER BY vmag OFFSET 3"])  # fmt: skip
def test_a_top_with_an_order_is_not(catalogue: Catalogue, query: str) -> None:
    assert lints(query, catalogue) == ()


# ---- joins that are costly


@pytest.mark.parametrize("query", [
    "SELECT a.name FROM demo.ngc AS a, demo.stars AS b", "SELECT a.name FROM demo.ngc AS a JOIN demo.stars AS b ON a.vmag < b.vmag", "SELECT a.name FROM demo.ngc AS a, demo.stars AS b WHERE a.vmag < 9 AND b.vmag < 9",
    "SELECT a.name FROM demo.ngc AS a LEFT JOIN demo.stars AS b ON a.vmag > b.vmag + 1", "SELECT a.name FROM demo.ngc AS a JOIN demo.ngc AS b ON a.name = b.name, demo.stars AS c",
])  # fmt: skip
def test_a_join_of_all_with_all_is_remarked_where_it_costs(catalogue: Catalogue, query: str) -> None:
    (lint,) = [each for each in lints(query, catalogue) if each.when_costly]
    assert not lint.when_cut
    assert lint.message
    assert written(query, lint)


@pytest.mark.parametrize("query", [
    "SELECT a.name FROM demo.ngc AS a JOIN demo.stars AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.01", "SELECT a.name FROM demo.ngc AS a, demo.stars AS b WHERE 1 = CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.ra, b.dec, 0.01))",
    "SELECT a.name FROM demo.ngc AS a JOIN demo.ngc AS b ON a.const = b.const AND a.vmag < b.vmag", "SELECT a.name FROM demo.ngc AS a JOIN demo.ngc AS b USING (name)", "SELECT name FROM demo.ngc AS a NATURAL JOIN demo.ngc AS b",
    "SELECT a.name FROM demo.ngc AS a, demo.ngc AS b WHERE a.name = b.name", "SELECT a.name FROM demo.ngc AS a JOIN demo.stars AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) * 3600 < 5", "SELECT a.name FROM demo.ngc AS a, demo.ngc AS b, demo.stars AS c WHERE a.name = b.name AND DISTANCE(b.ra, b.dec, c.ra, c.dec) < 0.01",
    "SELECT a.name FROM demo.ngc AS a LEFT JOIN demo.stars AS b ON 1 = CONTAINS(POINT(b.ra, b.dec), CIRCLE(a.ra, a.dec, a.radius))", "SELECT name FROM demo.ngc AS a WHERE EXISTS (SELECT tyc_id FROM demo.stars AS b WHERE DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1)",
    "SELECT a.name FROM demo.ngc AS a JOIN demo.ngc AS b ON UPPER(a.name) = UPPER(b.name)",
])  # fmt: skip
def test_a_join_by_equality_or_position_is_not(catalogue: Catalogue, query: str) -> None:
    assert lints(query, catalogue) == ()


# ---- what no row can be


@pytest.mark.parametrize(("condition", "literal"), [
    ("ra > 360", "360"), ("ra > 400", "400"), ("ra = 361", "361"), ("ra < -1", "1"), ("400 < ra", "400"), ("ra >= 360.5", "360.5"), ("dec = 95", "95"), ("dec > 90", "90"), ("dec < -90.5", "90.5"), ("dec <= -100", "100"), ("dec = -95", "95"),
    ("dec BETWEEN 91 AND 100", "1"), ("ra BETWEEN 370 AND 380", "3"), ("ra BETWEEN -20 AND -10", "0"), ("dec IN (95, 10)", "95"), ("ra IN (10, 400)", "400"), ("parallax > 1000", "1000"), ("parallax = 5000.5", "5000.5"), ("parallax < -60", "60"),
    ("pmra > 10000", "10000"), ("pmdec BETWEEN 20000 AND 30000", "0000"), ("epoch = 2015", "2015"), ("vmag < 9 AND dec > 92", "92"), ("vmag < 9 OR dec > 92", "92"),
])  # fmt: skip
def test_a_comparison_with_what_no_row_has_is_remarked(catalogue: Catalogue, condition: str, literal: str) -> None:
    query = f"SELECT tyc_id FROM demo.stars WHERE {condition}"
    found = lints(query, catalogue)
    column = re.findall(r"[a-z]+(?= [<>=BI])", condition)[-1] if condition[0].isalpha() else "ra"
    assert found
    for lint in found:
        assert (lint.when_cut, lint.when_costly) == (False, False)
        assert literal in written(query, lint)
        assert column in written(query, lint) + lint.message


@pytest.mark.parametrize("condition", [
    "ra > 359", "ra < 360", "ra >= 0", "ra <= 360", "ra > 0", "ra BETWEEN 0 AND 360", "dec > 89.9", "dec BETWEEN -90 AND 90", "dec >= -90", "dec < -89", "ra IN (1, 359)", "parallax > 700", "parallax > 0", "parallax BETWEEN 10 AND 700",
    "parallax < 742.12", "parallax IS NULL", "pmra > 5000", "vmag > 100", "vmag = -30", "hip > 200000", "ra + 200 > 360", "ra > 2 * 90", "ra > dec + 400", "epoch = 2000", "ra = pmra",
])  # fmt: skip
def test_a_comparison_that_some_row_may_meet_is_not(catalogue: Catalogue, condition: str) -> None:
    assert lints(f"SELECT tyc_id FROM demo.stars WHERE {condition}", catalogue) == ()


def test_bounds_go_with_a_column_through_aliases_and_joins(catalogue: Catalogue) -> None:
    for query in (
        "SELECT s.tyc_id FROM demo.stars AS s WHERE s.dec > 95",
        "SELECT s.tyc_id FROM demo.stars AS s JOIN demo.ngc AS n ON DISTANCE(s.ra, s.dec, n.ra, n.dec) < 0.1 AND n.dec > 95",
        "SELECT q.d FROM (SELECT dec AS d FROM demo.stars) AS q WHERE q.d > 95",
        "SELECT name FROM demo.ngc AS n WHERE EXISTS (SELECT s.tyc_id FROM demo.stars AS s WHERE s.dec > 95 AND s.hip = n.vmag)",
    ):
        assert [written(query, lint).endswith("95") for lint in lints(query, catalogue)] == [True], query


def test_a_column_whose_values_nobody_knows_is_not_remarked() -> None:
    """RAJ2000 and the columns of t.fields have no UCD, and none of these tables has bounds."""
    for condition in ("RAJ2000 > 400", "parallax > 1e6", "number = 1000000", "pmra < -1e7"):
        assert lints(f"SELECT id FROM t.stars WHERE {condition}", CATALOGUE) == ()
    assert lints("SELECT id FROM t.fields WHERE dec > 100", CATALOGUE) == ()
    assert len(lints("SELECT id FROM t.stars WHERE dec > 100", CATALOGUE)) == 1


# ---- coordinates


@pytest.mark.parametrize(("expression", "place"), [
    ("POINT(dec, ra)", "dec, ra"), ("CIRCLE(dec, ra, 1)", "dec, ra"), ("BOX(dec, ra, 1, 1)", "dec, ra"), ("POINT(s.dec, s.ra)", "s.dec, s.ra"), ("CIRCLE(POINT(dec, ra), 1)", "dec, ra"), ("POINT('ICRS', dec, ra)", "dec, ra"),
])  # fmt: skip
def test_a_latitude_before_a_longitude_is_remarked(catalogue: Catalogue, expression: str, place: str) -> None:
    query = f"SELECT {expression} AS p FROM demo.stars AS s WHERE vmag < 3"
    (lint,) = always(lints(query, catalogue))
    assert place in written(query, lint)
    if lint.repair is not None:
        mended = query[: lint.span.start] + lint.repair + query[lint.span.end :]
        assert always(lints(mended, catalogue)) == []


@pytest.mark.parametrize("condition", ["DISTANCE(dec, ra, 10, 20) < 1", "DISTANCE(POINT(dec, ra), POINT(10, 20)) < 1", "1 = CONTAINS(POINT(dec, ra), CIRCLE(10, 20, 1))"])  # fmt: skip
def test_swapped_columns_are_remarked_in_conditions_too(catalogue: Catalogue, condition: str) -> None:
    query = f"SELECT tyc_id FROM demo.stars WHERE {condition}"
    (lint,) = lints(query, catalogue)
    assert "dec, ra" in written(query, lint)
    assert not lint.when_cut


@pytest.mark.parametrize("expression", ["POINT(-60, 120)", "CIRCLE(-60, 120, 1)", "BOX(10, 95, 1, 1)", "POINT(10, -90.5)", "CIRCLE(POINT(10, 120), 1)"])  # fmt: skip
def test_a_latitude_beyond_the_pole_is_an_error_and_no_lint(catalogue: Catalogue, expression: str) -> None:
    with pytest.raises(AdqlError, match="latitude") as caught:
        translate(f"SELECT {expression} AS p FROM demo.stars", catalogue)
    assert "swapped" in (caught.value.hint or "")


HOURS = replace(STARS, table_name="t.hours", columns=(Column("ra", "double", unit="h", ucd="pos.eq.ra;meta.main"), Column("rah", "double", unit="hourangle", ucd="pos.eq.ra"), *STARS.columns[3:]))  # fmt: skip
WITH_HOURS = Catalogue((Schema("t", (STARS, HOURS)),))


@pytest.mark.parametrize("expression", ["POINT(ra, dec)", "POINT(rah, dec)", "CIRCLE(h.ra, h.dec, 1)", "BOX(ra, dec, 1, 1)", "CIRCLE(POINT(ra, dec), 1)", "DISTANCE(ra, dec, 10, 20)"])  # fmt: skip
def test_a_longitude_in_hours_is_remarked(expression: str) -> None:
    query = f"SELECT {expression} AS p FROM t.hours AS h WHERE vmag < 3"
    (lint,) = lints(query, WITH_HOURS)
    assert "hour" in lint.message
    assert "ra" in written(query, lint)


@pytest.mark.parametrize("expression", ["POINT(ra * 15, dec)", "POINT(15 * ra, dec)", "ra", "MIN(ra)", "ra * 15"])
def test_hours_that_are_turned_into_degrees_are_not(expression: str) -> None:
    assert lints(f"SELECT {expression} AS p FROM t.hours", WITH_HOURS) == ()


# ---- nothing to remark

GOOD = [
    "SELECT * FROM demo.ngc", "SELECT COUNT(*) AS n FROM demo.stars", "SELECT TOP 10 name, vmag FROM demo.ngc WHERE vmag IS NOT NULL ORDER BY vmag", "SELECT name FROM demo.ngc WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(56.75, 24.12, 0.5))",
    "SELECT name FROM demo.ngc WHERE DISTANCE(ra, dec, 56.75, 24.12) < 30. / 60", "SELECT tyc_id FROM demo.stars WHERE DISTANCE(POINT(ra, dec), POINT(0, -90)) < 1", "SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), BOX('ICRS', 10, 20, 1, 1))",
    "SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(10, 10, 20, 12, 18, 25))", "SELECT n.name, s.tyc_id FROM demo.ngc AS n JOIN demo.stars AS s ON DISTANCE(n.ra, n.dec, s.ra, s.dec) < 1/3600.",
    "SELECT n.name, COUNT(*) AS c FROM demo.ngc AS n JOIN demo.stars AS s ON 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(n.ra, n.dec, n.radius)) GROUP BY n.name", "SELECT const, COUNT(*) AS n FROM demo.ngc GROUP BY const HAVING COUNT(*) > 10 ORDER BY n DESC",
    "SELECT DISTINCT obj_type FROM demo.ngc", "SELECT SQRT(pmra*pmra + pmdec*pmdec) AS pm FROM demo.stars WHERE vmag < 3", "SELECT 1000. / parallax AS d FROM demo.stars WHERE parallax > 10", "SELECT vmag + 5 * LOG10(parallax / 100) AS m FROM demo.stars WHERE parallax > 0",
    "SELECT ra / 15 AS hours FROM demo.stars WHERE vmag < 3", "SELECT FLOOR(vmag) AS v, COUNT(*) AS n FROM demo.stars GROUP BY FLOOR(vmag)", "SELECT name FROM demo.ngc WHERE name LIKE 'NGC%' AND obj_type IN ('PN', 'GCl')", "SELECT name FROM demo.ngc WHERE const = 'Ori' AND vmag BETWEEN 5 AND 9",
    "SELECT a.name, b.name FROM demo.ngc AS a JOIN demo.ngc AS b ON a.const = b.const AND a.name < b.name", "WITH q AS (SELECT name, ra, dec FROM demo.ngc WHERE vmag < 9) SELECT s.tyc_id FROM q JOIN demo.stars AS s ON DISTANCE(q.ra, q.dec, s.ra, s.dec) < 0.01",
    "SELECT name FROM demo.ngc UNION SELECT tyc_id FROM demo.stars WHERE vmag < 2", "SELECT name FROM demo.ngc AS n WHERE NOT EXISTS (SELECT s.tyc_id FROM demo.stars AS s WHERE DISTANCE(s.ra, s.dec, n.ra, n.dec) < 0.1)", "SELECT tyc_id FROM demo.stars WHERE ra BETWEEN 0 AND 10 AND dec BETWEEN -5 AND 5",
    "SELECT tyc_id FROM demo.stars WHERE ra > 350 OR ra < 10", "SELECT ivo_healpix_index(5, ra, dec) AS cell, COUNT(*) AS n FROM demo.stars GROUP BY ivo_healpix_index(5, ra, dec)", "SELECT CASE WHEN dec > 0 THEN 'north' ELSE 'south' END AS side, COUNT(*) AS n FROM demo.stars GROUP BY 1",
    "SELECT IN_UNIT(parallax, 'arcsec') AS p FROM demo.stars WHERE hip = 32349", "SELECT table_name FROM tap_schema.tables WHERE table_name LIKE 'demo%'", "SELECT c.column_name FROM tap_schema.tables AS t JOIN tap_schema.columns AS c ON t.table_name = c.table_name",
    "SELECT tyc_id FROM demo.stars WHERE hip IN (SELECT MAX(hip) FROM demo.stars)", "SELECT POINT(180, -90) AS p, CIRCLE(360, 0, 1) AS c, POINT(0, 90) AS q FROM demo.ngc WHERE name = 'NGC0001'", "SELECT 6/3 AS x, 60/60 AS y, vmag/3 AS z FROM demo.ngc WHERE major_axis/60 > 1",
]  # fmt: skip


@pytest.mark.parametrize("query", GOOD)
def test_an_ordinary_query_is_not_remarked_on(catalogue: Catalogue, query: str) -> None:
    assert lints(query, catalogue) == ()


@pytest.mark.parametrize(
    "query", ["SELECT TOP 3 5/60 AS x, POINT(dec, ra) AS p FROM demo.stars WHERE dec > 95", GOOD[0]]
)
def test_a_lint_changes_nothing_of_the_query(reader: psycopg.Connection, catalogue: Catalogue, query: str) -> None:
    translation = translate(query, catalogue)
    assert reader.execute(translation.sql.encode()).description
    assert len(lints(query, catalogue)) == (4 if "TOP" in query else 0)
    for lint in lints(query, catalogue):
        assert 0 <= lint.span.start < lint.span.end <= len(query)
        assert (lint.line, lint.column) == (1, lint.span.start + 1)
        assert lint.message
        assert lint.message[-1] not in " \n"


# ---- indexes beyond an array


@pytest.mark.parametrize(("index", "repair", "message"), [
    ("flux[0]", "flux[1]", "the first element"), ("e.flux[-1]", "e.flux[1]", "the first element"), ("bands[5]", None, "bands[4]"), ("image[3]", None, "image[2]"), ("image[2][4]", None, "image[2][3]"),
    ("flux[2 - 2]", "flux[1]", "the first element"),
])  # fmt: skip
def test_an_index_beyond_an_array_is_remarked(index: str, repair: str | None, message: str) -> None:
    query = f"SELECT {index} AS x FROM t.epochs AS e"
    (lint,) = lints(query, CATALOGUE)
    assert (written(query, lint), lint.repair) == (index, repair)
    assert message in lint.message


@pytest.mark.parametrize("index", ["flux[1]", "flux[99]", "bands[4]", "image[2][3]", "flux[id]", "bands[0:9]", "bands[id]"])  # fmt: skip
def test_other_indexes_are_not(index: str) -> None:
    assert lints(f"SELECT {index} AS x FROM t.epochs", CATALOGUE) == ()


def test_elements_are_tied_to_their_row() -> None:
    assert lints("SELECT u.v FROM t.epochs AS e, UNNEST(e.flux) AS u (v)", CATALOGUE) == ()
    (lint,) = lints("SELECT s.id FROM t.epochs AS e, UNNEST(e.flux) AS u (v), t.stars AS s", CATALOGUE)
    assert lint.when_costly
    assert lints("SELECT s.id FROM t.epochs AS e, UNNEST(e.counts) AS u (v), t.stars AS s WHERE s.id = u.v", CATALOGUE) == ()  # fmt: skip
