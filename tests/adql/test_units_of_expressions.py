"""What unit an expression has, where it has one: compared with astropy's units, not as text."""

import pytest
from astropy import units

from adql.translate import translate
from schema.model import Catalogue
from tests.adql.tables import CATALOGUE

PM, PM2, NONE = "mas/yr", "mas**2.yr**-2", None
UNITS = [
    # roots and powers
    ("SQRT(pmra*pmra + pmdec*pmdec)", PM), ("SQRT(POWER(pmra, 2) + POWER(pmdec, 2))", PM), ("SQRT(ra)", "deg**(1/2)"), ("SQRT(ra*ra)", "deg"), ("SQRT(pmra/pmdec)", NONE),
    ("SQRT(number)", NONE), ("SQRT(4)", NONE), ("POWER(pmra, 2)", PM2), ("POWER(pmra, 2.0)", PM2), ("POWER(parallax, 1)", "mas"), ("POWER(ra, 0.5)", "deg**(1/2)"), ("POWER(ra*ra, 0.5)", "deg"),
    ("POWER(parallax, -1)", "mas**-1"), ("POWER(parallax, -2)", "mas**-2"), ("POWER(parallax, 1 + 1)", "mas**2"), ("POWER(POWER(ra, 2), 2)", "deg**4"), ("POWER(2, ra)", NONE), ("POWER(10, number)", NONE),
    ("POWER(ra, number)", NONE), ("POWER(ra, 0)", NONE), ("POWER(number, 2)", NONE), ("POWER(pmra/pmdec, 3)", NONE), ("POWER(10, 0.2*vmag)", NONE),
    # what leaves the quantity as it is
    ("ABS(pmra)", PM), ("-parallax", "mas"), ("+parallax", "mas"), ("(parallax)", "mas"), ("ROUND(parallax)", "mas"), ("ROUND(parallax, 2)", "mas"), ("TRUNCATE(parallax)", "mas"),
    ("TRUNCATE(parallax, 1)", "mas"), ("FLOOR(parallax)", "mas"), ("CEILING(parallax)", "mas"), ("MOD(ra, 15)", "deg"), ("MOD(ra, dec)", "deg"), ("CAST(parallax AS REAL)", "mas"), ("CAST(parallax AS INTEGER)", "mas"),
    # sums and differences
    ("ra + dec", "deg"), ("ra - dec", "deg"), ("ra + parallax", NONE), ("ra - vmag", NONE), ("ra + pmra", NONE), ("pmra + pmdec - pmra", PM), ("vmag - vmag", "mag"), ("ra + dec + parallax", NONE),
    # products and ratios
    ("ra * dec", "deg**2"), ("ra / dec", NONE), ("pmra / parallax", "yr**-1"), ("pmra * pmra", PM2), ("2 * parallax", "mas"), ("parallax * 2", "mas"), ("parallax / 1000", NONE), ("3600 * ra", NONE), ("ra / 15", NONE), ("parallax / (60 * 60)", NONE), ("parallax * 0.001", NONE), ("parallax / 2", "mas"), ("parallax * 9.9", "mas"), ("1 / parallax", "mas**-1"),
    ("1000. / parallax", NONE), ("parallax * number", "mas"), ("4.74 * pmra / parallax", "yr**-1"), ("(ra + dec) / 2", "deg"), ("(ra + dec) * (ra - dec)", "deg**2"), ("ra * ra / dec", "deg"),
    # choices
    ("COALESCE(pmra, pmdec)", PM), ("COALESCE(ra, parallax)", NONE), ("COALESCE(ra, parallax, dec)", NONE), ("COALESCE(parallax, 0)", "mas"), ("COALESCE(parallax, -1.5)", "mas"), ("COALESCE(0, parallax)", "mas"),
    ("COALESCE(NULL, parallax)", "mas"), ("COALESCE(parallax, NULL, 0)", "mas"), ("COALESCE(parallax, number)", NONE), ("COALESCE(ra, dec, 0)", "deg"), ("NULLIF(parallax, 0)", "mas"), ("NULLIF(ra, dec)", "deg"),
    ("CASE WHEN ra > 1 THEN ra ELSE dec END", "deg"), ("CASE WHEN ra > 1 THEN ra ELSE parallax END", NONE), ("CASE WHEN ra > 1 THEN ra END", "deg"), ("CASE WHEN ra > 1 THEN NULL ELSE ra END", "deg"),
    ("CASE WHEN ra > 1 THEN ra ELSE 0 END", "deg"), ("CASE WHEN ra > 1 THEN 0 ELSE ra END", "deg"), ("CASE number WHEN 1 THEN pmra WHEN 2 THEN pmdec ELSE pmra END", PM), ("CASE number WHEN 1 THEN pmra WHEN 2 THEN ra ELSE pmra END", NONE),
    ("CASE WHEN ra > 1 THEN 1 ELSE 0 END", NONE), ("CASE WHEN ra > 1 THEN ra ELSE number END", NONE),
    # aggregates
    ("MIN(parallax)", "mas"), ("MAX(pmra)", PM), ("AVG(vmag)", "mag"), ("SUM(parallax)", "mas"), ("AVG(pmra * pmra)", PM2), ("SQRT(AVG(pmra * pmra))", PM), ("COUNT(parallax)", NONE), ("MAX(ra) - MIN(dec)", "deg"),
    ("STDDEV(parallax)", "mas"), ("STDDEV_SAMP(pmra)", PM), ("STDDEV_POP(pmra)", PM), ("VARIANCE(parallax)", "mas**2"), ("VAR_SAMP(parallax)", "mas**2"), ("VAR_POP(pmra)", PM2), ("SQRT(VARIANCE(pmra))", PM),
    ("MEDIAN(parallax)", "mas"), ("PERCENTILE(parallax, 0.9)", "mas"), ("CORR(pmra, pmdec)", NONE), ("AVG(number)", NONE), ("VARIANCE(number)", NONE), ("STDDEV(pmra) / AVG(pmra)", NONE),
    # the largest, and one row after the other
    ("GREATEST(ra, dec)", "deg"), ("LEAST(ra, dec, 0)", "deg"), ("GREATEST(ra, parallax)", NONE), ("LAG(ra) OVER (ORDER BY id)", "deg"), ("SUM(parallax) OVER (PARTITION BY number)", "mas"), ("ra - LEAD(ra) OVER (ORDER BY id)", "deg"),
    ("ROW_NUMBER() OVER (ORDER BY ra)", NONE), ("RANK() OVER (ORDER BY ra)", NONE), ("AVG(pmra) OVER (PARTITION BY number)", PM), ("COUNT(*) OVER (PARTITION BY ra)", NONE),
    # functions with a unit of their own
    ("DISTANCE(ra, dec, 1, 2)", "deg"), ("DISTANCE(ra, dec, 1, 2) * 3600", NONE), ("RADIANS(ra)", "rad"), ("ATAN2(pmra, pmdec)", "rad"), ("DEGREES(ATAN2(pmra, pmdec))", "deg"), ("SIN(RADIANS(dec))", NONE), ("LOG10(parallax)", NONE), ("EXP(ra)", NONE),
    ("IN_UNIT(parallax, 'arcsec')", "arcsec"), ("IN_UNIT(SQRT(pmra*pmra + pmdec*pmdec), 'arcsec/yr')", "arcsec/yr"), ("IN_UNIT(POWER(ra, 2), 'arcmin**2')", "arcmin**2"), ("IN_UNIT(STDDEV(parallax), 'uas')", "uarcsec"),
    # a query that is a value
    ("(SELECT MAX(parallax) FROM t.stars)", "mas"), ("ra - (SELECT AVG(b.dec) FROM t.stars AS b)", "deg"), ("(SELECT COUNT(*) FROM t.stars)", NONE),
]  # fmt: skip


def unit_of(query: str, catalogue: Catalogue = CATALOGUE) -> units.UnitBase | None:
    """The unit of the first column. A pure number has none."""
    unit = translate(query, catalogue).outputs[0].info.unit
    return parsed(unit) if unit else None


def parsed(unit: str) -> units.UnitBase:
    found = units.Unit(unit, format="vounit")
    assert found != units.dimensionless_unscaled
    return found


@pytest.mark.parametrize(("expression", "unit"), UNITS)
def test_an_expression_has_the_unit_of_its_quantity(expression: str, unit: str | None) -> None:
    assert unit_of(f"SELECT {expression} AS x FROM t.stars") == (unit and parsed(unit))


WRAPPED = [
    "SELECT q.x FROM (SELECT {} AS x FROM t.stars) AS q", "WITH q AS (SELECT {} AS x FROM t.stars) SELECT x FROM q", "SELECT {} AS x FROM t.stars UNION ALL SELECT {} FROM t.stars",
    "SELECT {} AS x FROM t.stars EXCEPT SELECT {} FROM t.stars", "SELECT q.x * 1 FROM (SELECT {} AS x FROM t.stars) AS q", "SELECT MAX(q.x) FROM (SELECT {} AS x FROM t.stars) AS q",
]  # fmt: skip
SOME = [("SQRT(pmra*pmra + pmdec*pmdec)", PM), ("POWER(parallax, 2)", "mas**2"), ("ra + parallax", NONE), ("COALESCE(parallax, 0)", "mas"), ("STDDEV(pmra)", PM), ("VARIANCE(parallax)", "mas**2"), ("pmra / parallax", "yr**-1")]  # fmt: skip


@pytest.mark.parametrize("query", WRAPPED)
@pytest.mark.parametrize(("expression", "unit"), SOME)
def test_a_column_of_a_query_keeps_its_unit(query: str, expression: str, unit: str | None) -> None:
    assert unit_of(query.replace("{}", expression)) == (unit and parsed(unit))


SETS = [
    ("SELECT ra FROM t.stars UNION SELECT dec FROM t.stars", "deg"), ("SELECT parallax FROM t.stars UNION ALL SELECT 0 FROM t.stars", "mas"), ("SELECT pmra FROM t.stars INTERSECT SELECT pmdec FROM t.stars", PM),
    ("SELECT ra FROM t.stars UNION SELECT parallax FROM t.stars", NONE), ("SELECT MAX(q.x) * 2 FROM (SELECT vmag AS x FROM t.stars UNION ALL SELECT ra FROM t.stars) AS q", NONE), ("SELECT ra FROM t.stars EXCEPT SELECT NULL FROM t.stars", "deg"), ("SELECT NULL AS x FROM t.stars UNION SELECT ra FROM t.stars", "deg"),
    ("SELECT q.x + dec FROM t.stars, (SELECT ra AS x FROM t.stars) AS q", "deg"), ("SELECT SQRT(q.x) FROM (SELECT POWER(pmra, 2) AS x FROM t.stars) AS q", PM), ("SELECT a.ra * b.radius FROM t.stars AS a, t.fields AS b", "deg**2"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "unit"), SETS)
def test_units_go_through_set_operations_and_joins(query: str, unit: str | None) -> None:
    assert unit_of(query) == (unit and parsed(unit))
