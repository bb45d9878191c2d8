"""Extensions of ADQL on tables that lie on shards: the rows of one server, or a refusal that gives its reason; never other rows."""

import io
import re
import urllib.error
from collections import Counter
from typing import Any

import numpy as np
import pytest
from astropy.io.votable import parse_single_table

from tests.tap.sharding.execution.test_answers import rows_of

pytestmark = pytest.mark.long

COMMENTS = [
    "SELECT /* how many */ COUNT(*) AS n FROM {s}.stars /* of all */ WHERE vmag < /* bright */ 5",
    "SELECT tyc_id/* a */FROM/* b */{s}./* c */stars WHERE vmag < 3 -- /* d",
]
QUERIES_AS_VALUES = [
    "SELECT tyc_id FROM {s}.stars WHERE vmag = (SELECT MIN(vmag) FROM {s}.stars)",
    "SELECT tyc_id FROM {s}.stars WHERE vmag < (SELECT MIN(vmag) FROM {s}.stars) + 3",
    "SELECT COUNT(*) AS n FROM {s}.stars WHERE vmag > (SELECT AVG(vmag) FROM {s}.stars)",
    "SELECT COUNT(*) AS n FROM {s}.stars WHERE DISTANCE(ra, dec, 45, 0) < (SELECT COUNT(*) FROM {s}.stars WHERE vmag < 1)",
    "SELECT TOP 1 name, (SELECT COUNT(*) FROM {s}.stars) AS n FROM demo.ngc ORDER BY name",
    "SELECT TOP 3 tyc_id, (SELECT MAX(vmag) FROM {s}.stars) - vmag AS d FROM {s}.stars ORDER BY vmag, tyc_id, ra",
    "SELECT tyc_id, (SELECT COUNT(*) FROM demo.ngc AS n WHERE n.vmag < s.vmag) AS c FROM {s}.stars AS s WHERE s.vmag < 3.5",
    "SELECT n.name, (SELECT COUNT(*) FROM {s}.stars AS s WHERE DISTANCE(s.ra, s.dec, n.ra, n.dec) < 0.2) AS c FROM demo.ngc AS n WHERE n.name LIKE 'IC010%'",
    "SELECT n.name, (SELECT MIN(s.vmag) FROM {s}.stars AS s WHERE DISTANCE(s.ra, s.dec, n.ra, n.dec) < 0.3) AS v FROM demo.ngc AS n WHERE n.name LIKE 'IC005%'",
    "SELECT s.source_id, (SELECT p.teff FROM {s}.params AS p WHERE p.source_id = s.source_id) AS t FROM {s}.source AS s WHERE s.vmag < 5",
    "SELECT s.source_id FROM {s}.source AS s WHERE s.vmag < 5 AND (SELECT p.teff FROM {s}.params AS p WHERE p.source_id = s.source_id) > 5500",
    "SELECT s.source_id FROM {s}.source AS s WHERE s.vmag < 2.5 AND 4000 < (SELECT AVG(p.teff) FROM {s}.params AS p WHERE p.source_id <= s.source_id)",
    "SELECT epoch, COUNT(*) AS n FROM {s}.stars GROUP BY epoch HAVING COUNT(*) > (SELECT COUNT(*) FROM {s}.source)",
    "SELECT source_id FROM {s}.params WHERE teff = (SELECT MAX(teff) FROM {s}.params)",
    "SELECT source_id FROM {s}.source WHERE source_id = (SELECT MIN(source_id) FROM {s}.params WHERE teff > 7500)",
    "SELECT tyc_id FROM {s}.stars WHERE tyc_id = (SELECT TOP 1 tyc_id FROM {s}.stars ORDER BY vmag, tyc_id, ra)",
    "SELECT COUNT(*) AS n FROM {s}.stars WHERE vmag < (SELECT vmag FROM {s}.stars WHERE tyc_id = 'none')",
    "SELECT AVG(vmag - (SELECT AVG(vmag) FROM {s}.source)) AS a FROM {s}.source WHERE vmag < 9",
    "SELECT MAX(q.d) AS m FROM (SELECT vmag - (SELECT MIN(vmag) FROM {s}.stars) AS d FROM {s}.stars WHERE vmag < 7) AS q",
    "SELECT tyc_id FROM {s}.stars WHERE vmag < 2 UNION SELECT tyc_id FROM {s}.stars WHERE vmag = (SELECT MAX(vmag) FROM {s}.stars)",
]
GREATEST_AND_LEAST = [
    "SELECT tyc_id, GREATEST(vmag, bv, hip) AS g, LEAST(vmag, bv, hip) AS l FROM {s}.stars WHERE vmag < 5",
    "SELECT GREATEST(epoch, 1999.5) AS e, COUNT(*) AS n FROM {s}.stars GROUP BY GREATEST(epoch, 1999.5)",
    "SELECT MAX(GREATEST(pmra, pmdec)) AS m, LEAST(MIN(pmra), MIN(pmdec)) AS l FROM {s}.stars",
    "SELECT COUNT(*) AS n FROM {s}.stars WHERE LEAST(hip, 1000) < 999 AND GREATEST(ra, dec) > 200",
    "SELECT TOP 20 tyc_id FROM {s}.stars WHERE vmag < 6 ORDER BY GREATEST(ABS(pmra), ABS(pmdec)) DESC, tyc_id, ra",
]
STATISTICS = [
    "SELECT STDDEV(vmag) AS a, STDDEV_SAMP(vmag) AS b, STDDEV_POP(vmag) AS c, VARIANCE(vmag) AS d, VAR_SAMP(vmag) AS e, VAR_POP(vmag) AS f FROM {s}.stars",
    "SELECT STDDEV(hip) AS a, VAR_POP(epoch) AS b, STDDEV(parallax) AS c FROM {s}.stars",
    "SELECT MEDIAN(vmag) AS a, PERCENTILE(vmag, 0.9) AS b, PERCENTILE(bv, 0.001) AS c, PERCENTILE(hip, 1) AS d FROM {s}.stars",
    "SELECT MEDIAN(teff) AS a, PERCENTILE(teff, 0.333) AS b, COUNT(*) AS n FROM {s}.params",
    "SELECT CORR(vmag, parallax) AS c, CORR(pmra, pmdec) AS d, CORR(bv, hip) AS e FROM {s}.stars",
    "SELECT FLOOR(vmag) AS v, MEDIAN(bv) AS m, STDDEV(bv) AS s, CORR(bv, parallax) AS c, COUNT(bv) AS n FROM {s}.stars GROUP BY FLOOR(vmag)",
    "SELECT ivo_healpix_index(0, ra, dec) AS cell, MEDIAN(vmag) AS m, PERCENTILE(vmag, 0.1) AS p, STDDEV(vmag) AS d FROM {s}.stars GROUP BY ivo_healpix_index(0, ra, dec)",
    "SELECT FLOOR(vmag) AS v FROM {s}.stars GROUP BY FLOOR(vmag) HAVING STDDEV(bv) > 0.5 AND MEDIAN(bv) > 0.6",
    "SELECT FLOOR(vmag) AS v, VARIANCE(bv) AS d FROM {s}.stars GROUP BY FLOOR(vmag) ORDER BY MEDIAN(bv) DESC, v",
    "SELECT STDDEV(vmag) AS a, MEDIAN(vmag) AS b, CORR(vmag, bv) AS c FROM {s}.stars WHERE vmag < -10",
    "SELECT STDDEV(vmag) AS a, MEDIAN(vmag) AS b, VAR_POP(vmag) AS c FROM {s}.stars WHERE vmag < -1.4",
    "SELECT STDDEV(p.teff) AS d, MEDIAN(p.teff) AS m, CORR(s.vmag, p.teff) AS c FROM {s}.source AS s JOIN {s}.params AS p ON p.source_id = s.source_id",
    "SELECT MEDIAN(q.n) AS m FROM (SELECT ivo_healpix_index(3, ra, dec) AS c, COUNT(*) AS n FROM {s}.stars GROUP BY ivo_healpix_index(3, ra, dec)) AS q",
    "SELECT STDDEV(vmag) / AVG(vmag) AS r, SUM(vmag) AS s, MAX(vmag) - MEDIAN(vmag) AS d FROM {s}.stars WHERE DISTANCE(ra, dec, 45, 0) < 20",
    "SELECT COUNT(*) AS n FROM {s}.stars WHERE vmag < (SELECT PERCENTILE(vmag, 0.001) FROM {s}.stars)",
    "SELECT STDDEV(ra + 100000) AS a, VAR_POP(ra + 100000) AS b FROM {s}.stars WHERE DISTANCE(ra, dec, 200, 40) < 1",
]
WINDOWS = [
    "SELECT tyc_id, ROW_NUMBER() OVER (ORDER BY vmag, tyc_id, ra) AS n FROM {s}.stars WHERE vmag < 5",
    "SELECT tyc_id, RANK() OVER (ORDER BY vmag) AS r, DENSE_RANK() OVER (ORDER BY vmag) AS d FROM {s}.stars WHERE vmag < 5",
    "SELECT tyc_id, ROW_NUMBER() OVER (PARTITION BY FLOOR(vmag) ORDER BY ra, dec, tyc_id) AS n FROM {s}.stars WHERE vmag < 6",
    "SELECT tyc_id, COUNT(*) OVER () AS n, AVG(vmag) OVER () AS a, MIN(vmag) OVER (PARTITION BY ivo_healpix_index(1, ra, dec)) AS m FROM {s}.stars WHERE vmag < 5",
    "SELECT tyc_id, SUM(hip) OVER (ORDER BY vmag, tyc_id, ra) AS s, LAG(vmag) OVER (ORDER BY ra, dec, tyc_id) AS l, LEAD(tyc_id, 2) OVER (ORDER BY ra, dec, tyc_id) AS x FROM {s}.stars WHERE vmag < 4",
    "SELECT q.tyc_id FROM (SELECT tyc_id, ROW_NUMBER() OVER (PARTITION BY ivo_healpix_index(1, ra, dec) ORDER BY vmag, tyc_id, ra) AS n FROM {s}.stars WHERE vmag < 7) AS q WHERE q.n = 1",
    "SELECT TOP 10 tyc_id, RANK() OVER (ORDER BY vmag DESC) AS r FROM {s}.stars WHERE vmag < 6 ORDER BY r, tyc_id, ra",
    "SELECT TOP 10 tyc_id, COUNT(*) OVER () AS n FROM {s}.stars WHERE vmag < 6 ORDER BY vmag, tyc_id, ra",
    "SELECT FLOOR(vmag) AS v, COUNT(*) AS n, RANK() OVER (ORDER BY COUNT(*) DESC) AS r FROM {s}.stars GROUP BY FLOOR(vmag)",
    "SELECT s.source_id, RANK() OVER (PARTITION BY FLOOR(s.vmag) ORDER BY p.teff) AS r FROM {s}.source AS s JOIN {s}.params AS p ON p.source_id = s.source_id WHERE s.vmag < 8",
    "SELECT source_id, COUNT(*) OVER (PARTITION BY source_id) AS n, ROW_NUMBER() OVER (PARTITION BY source_id ORDER BY vmag) AS r FROM {s}.source WHERE vmag < 7",
    "SELECT n.name, s.tyc_id, ROW_NUMBER() OVER (PARTITION BY n.name ORDER BY DISTANCE(n.ra, n.dec, s.ra, s.dec), s.tyc_id) AS r FROM demo.ngc AS n JOIN {s}.stars AS s ON DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.1 WHERE n.name LIKE 'IC01%'",
    "SELECT MAX(q.d) AS m FROM (SELECT vmag - LAG(vmag) OVER (ORDER BY vmag) AS d FROM {s}.stars WHERE vmag < 7) AS q",
    "SELECT COUNT(*) AS n FROM (SELECT RANK() OVER (ORDER BY vmag) AS r FROM {s}.stars) AS q WHERE q.r < 1000",
    "SELECT DISTINCT MAX(vmag) OVER (PARTITION BY epoch) AS m FROM {s}.stars WHERE vmag < 6",
    "SELECT tyc_id FROM {s}.stars WHERE vmag < 5 ORDER BY ROW_NUMBER() OVER (ORDER BY ra DESC, dec, tyc_id)",
    "SELECT tyc_id, ROW_NUMBER() OVER (ORDER BY vmag, tyc_id, ra) AS n FROM {s}.stars WHERE vmag < 3 UNION SELECT tyc_id, ROW_NUMBER() OVER (ORDER BY ra, tyc_id) AS n FROM {s}.stars WHERE vmag < 2",
    "WITH q AS (SELECT tyc_id, vmag, AVG(vmag) OVER (PARTITION BY ivo_healpix_index(2, ra, dec)) AS a FROM {s}.stars WHERE vmag < 7) SELECT COUNT(*) AS n FROM q WHERE vmag < a - 0.001",
]
TIMES = [
    "SELECT COUNT(*) AS n, MAX(CAST('2020-05-04T16:07' AS TIMESTAMP)) AS t FROM {s}.stars WHERE vmag < 4",
]
ARRAYS = [
    "SELECT source_id, flux, flux[2] AS f2, flux[2:3] AS part, ARRAY_LENGTH(flux) AS n, flux * 2 + teff / teff AS f FROM {s}.params WHERE teff > 7600",
    "SELECT source_id FROM {s}.params WHERE flux[1] > 9.5 AND arr_max(flux) = flux[1] AND arr_dot(flux, flux) > 100",
    "SELECT COUNT(*) AS n, SUM(arr_sum(flux)) AS s, MAX(flux[1]) AS m, SUM(ARRAY_LENGTH(flux)) AS l FROM {s}.params",
    "SELECT SUM(flux) AS s, MIN(flux) AS a, MAX(flux) AS b FROM {s}.params",
    "SELECT AVG(flux) AS s FROM {s}.params WHERE teff > 7000",
    "SELECT ARRAY_LENGTH(flux) AS n, COUNT(*) AS c, SUM(flux) AS s FROM {s}.params GROUP BY ARRAY_LENGTH(flux)",
    "SELECT TOP 20 source_id, arr_map(x * x, flux) AS f FROM {s}.params WHERE flux[1] IS NOT NULL ORDER BY flux[1] DESC, source_id",
    "SELECT ARRAY_AGG(source_id ORDER BY teff) AS ids FROM {s}.params WHERE teff > 7500",
    "SELECT ivo_healpix_index(0, s.ra, s.dec) AS c, ARRAY_AGG(p.flux[1] ORDER BY p.source_id) AS f FROM {s}.source AS s JOIN {s}.params AS p ON s.source_id = p.source_id WHERE s.vmag < 5 GROUP BY ivo_healpix_index(0, s.ra, s.dec)",
    "SELECT p.source_id, u.f, u.i FROM {s}.params AS p, UNNEST(p.flux) WITH ORDINALITY AS u (f, i) WHERE p.teff > 7500",
    "SELECT p.source_id, u.f FROM {s}.params AS p LEFT JOIN UNNEST(p.flux) AS u (f) ON u.f > 8 WHERE p.teff > 7500",
    "SELECT u.i, COUNT(*) AS n, MAX(u.f) AS m FROM {s}.params AS p, UNNEST(p.flux) WITH ORDINALITY AS u (f, i) GROUP BY u.i",
    "SELECT s.source_id, u.f FROM {s}.source AS s JOIN {s}.params AS p ON s.source_id = p.source_id, UNNEST(p.flux) AS u (f) WHERE s.vmag < 4",
    "SELECT source_id FROM {s}.params AS p WHERE teff > 7000 AND EXISTS (SELECT f FROM UNNEST(p.flux) AS u (f) WHERE f > 9)",
    "SELECT source_id, (SELECT MAX(f) FROM UNNEST(p.flux) AS u (f) WHERE f < 0) AS m FROM {s}.params AS p WHERE teff > 7500",
    "SELECT COUNT(*) AS n FROM {s}.params AS p WHERE 3 < (SELECT COUNT(f) FROM UNNEST(p.flux) AS u (f))",
    "SELECT n.name, s.source_id, p.flux[1] AS f FROM demo.ngc AS n LEFT JOIN {s}.source AS s ON DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.05 LEFT JOIN {s}.params AS p ON p.source_id = s.source_id WHERE n.name LIKE 'IC00%'",
    "SELECT DISTINCT flux[1] AS f FROM {s}.params WHERE EXISTS (SELECT v FROM UNNEST(array(9, 9.5)) AS u (v) WHERE v = flux[1])",
    "SELECT q.f, COUNT(*) AS n FROM (SELECT u.f FROM {s}.params AS p, UNNEST(p.flux) AS u (f)) AS q GROUP BY q.f HAVING q.f > 9",
    "WITH best AS (SELECT source_id, arr_argmax(flux) AS i, flux FROM {s}.params WHERE arr_count(flux) = 5) SELECT i, SUM(flux[i]) AS s FROM best GROUP BY i",
]
# A query takes 600,000 characters, which is 80,000 whole numbers of stars or 35,000 texts.
_random = np.random.default_rng(31)
_HIPS = ",".join(map(str, _random.choice(np.arange(1, 200_000), 80_000, replace=False).tolist()))
_TYCS = ", ".join(f"'{a}-{b}-1'" for a, b in zip(_random.integers(1, 9537, 35_000), _random.integers(1, 2500, 35_000), strict=True))  # fmt: skip
_IDS = ", ".join(map(str, range(2_690_000_000_000_000_000, 2_690_000_000_000_000_000 + 28_000)))
LISTS = [
    f"SELECT COUNT(*) AS n, SUM(hip) AS s FROM {{s}}.stars WHERE hip IN ({_HIPS})",
    f"SELECT COUNT(*) AS n, SUM(hip) AS s FROM {{s}}.stars WHERE hip NOT IN ({_HIPS})",
    f"SELECT tyc_id, ra FROM {{s}}.stars WHERE tyc_id IN ({_TYCS}) AND vmag < 8",
    f"SELECT COUNT(*) AS n, MIN(vmag) AS v FROM {{s}}.source WHERE source_id NOT IN ({_IDS}) AND (vmag < 9 OR source_id IN (1, 2, 3))",
]
ALL = [*COMMENTS, *QUERIES_AS_VALUES, *GREATEST_AND_LEAST, *STATISTICS, *WINDOWS, *TIMES, *ARRAYS, *LISTS]


def rounded(row: list[str]) -> tuple[str, ...]:
    """Sums of doubles depend on their order."""
    return tuple(f"{float(c):.9g}" if re.fullmatch(r"-?\d*\.\d+(e-?\d+)?|-?\d+e-?\d+", c, re.IGNORECASE) else c for c in row)  # fmt: skip


def refusal(error: urllib.error.HTTPError) -> str:
    """The reason in the document of an error, which must be the query's and not the service's."""
    assert error.code == 400, error
    return error.read().decode().partition('name="QUERY_STATUS" value="ERROR">')[2].partition("</INFO>")[0].strip()


def answer(service: str, query: str) -> list[tuple[str, ...]] | str:
    """The rows, or why there are none."""
    try:
        return [rounded(row) for row in rows_of(service, query)]
    except urllib.error.HTTPError as error:
        return refusal(error)


@pytest.mark.parametrize("query", ALL, ids=[query[:150] for query in ALL])
def test_an_extension_gives_the_rows_of_one_server_or_says_why_not(service: str, query: str) -> None:
    one, other = (answer(service, query.format(s=schema)) for schema in ("near", "far"))
    assert not isinstance(one, str), one
    if isinstance(other, str):
        assert re.search(r"shard|server|part", other), other
        return
    if "ORDER BY" in re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "", query):
        assert other == one
    assert Counter(other) == Counter(one)
    assert one


@pytest.mark.parametrize("query", [
    "SELECT tyc_id FROM {s}.stars WHERE vmag = (SELECT vmag FROM {s}.stars WHERE vmag < 3)", "SELECT name, (SELECT tyc_id FROM {s}.stars WHERE vmag < 3) AS x FROM demo.ngc",
    "SELECT s.source_id, (SELECT p.teff FROM {s}.params AS p WHERE p.source_id <> s.source_id) AS t FROM {s}.source AS s WHERE s.vmag < 5",
])  # fmt: skip
def test_more_than_one_row_for_one_value_is_refused_wherever_they_lie(service: str, query: str) -> None:
    for schema in ("near", "far"):
        found = answer(service, query.format(s=schema))
        assert isinstance(found, str)
        assert "row" in found, found


@pytest.mark.parametrize("query", [
    "SELECT tyc_id FROM {s}.stars WHERE vmag = (SELECT vmag, bv FROM {s}.stars)", "SELECT tyc_id FROM {s}.stars WHERE ROW_NUMBER() OVER (ORDER BY vmag) < 5", "SELECT PERCENTILE(vmag, 2) AS p FROM {s}.stars",
    "SELECT tyc_id FROM {s}.stars /* open", "SELECT GREATEST(vmag, tyc_id) AS g FROM {s}.stars",
])  # fmt: skip
def test_what_is_wrong_is_refused_alike(service: str, query: str) -> None:
    one, other = (answer(service, query.format(s=schema)) for schema in ("near", "far"))
    assert isinstance(one, str)
    assert isinstance(other, str)
    assert one.partition(" (line")[0] == other.partition(" (line")[0] != ""


def test_units_of_extensions_are_the_same_on_shards(service: str) -> None:
    query = "SELECT STDDEV(vmag) AS a, VARIANCE(pmra) AS b, MEDIAN(parallax) AS c, GREATEST(MAX(ra), MAX(dec)) AS d, CORR(ra, dec) AS e FROM {s}.stars WHERE vmag < 4"
    one, other = (fields(service, query.format(s=schema)) for schema in ("near", "far"))
    assert one == other
    assert [bool(unit) for _, _, unit in one] == [True, True, True, True, False]


def fields(service: str, query: str) -> list[tuple[Any, ...]]:
    import urllib.parse
    import urllib.request

    form = urllib.parse.urlencode({"LANG": "ADQL", "QUERY": query}).encode()
    with urllib.request.urlopen(f"{service}/sync", form, timeout=60) as response:
        table = parse_single_table(io.BytesIO(response.read()))
    return [(field.name, field.datatype, str(field.unit or "")) for field in table.fields]
