"""A second opinion: queryparser translates the same ADQL, and PostgreSQL gives the same rows for both.

It evaluates text of the query with Python's `eval`, so it sees nothing but the texts below. Left out is what it is known
to get wrong (ROUND and MOD of doubles, the standard's BOX, geometries as values) or not to know (most of ADQL 2.1).
"""

import psycopg
import pytest
from queryparser.adql import ADQLQueryTranslator

from adql.translate import translate
from schema.model import Catalogue

CONE = "1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 56.75, 24.12, 1))"
QUERIES = (
    f"SELECT tyc_id, ra, dec, vmag FROM demo.stars WHERE {CONE}",
    f"SELECT COUNT(*) AS n, AVG(vmag) AS mean, MIN(vmag) AS least, MAX(vmag) AS most FROM demo.stars WHERE {CONE}",
    "SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), POLYGON('ICRS', 56, 24, 57, 24, 57, 25))",
    "SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 0, 0, 0.7))",
    "SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 123, 89.9, 2))",
    "SELECT a.tyc_id, b.name FROM demo.stars AS a JOIN demo.ngc AS b ON 1 = CONTAINS(POINT('ICRS', a.ra, a.dec), CIRCLE('ICRS', b.ra, b.dec, 0.01))",
    "SELECT obj_type, COUNT(*) AS n FROM demo.ngc GROUP BY obj_type HAVING COUNT(*) > 50",
    "SELECT name, vmag FROM demo.ngc WHERE vmag BETWEEN 3 AND 6 AND NOT obj_type = 'Dup'",
    "SELECT name FROM demo.ngc WHERE name LIKE 'NGC22_2' OR messier IS NOT NULL AND vmag < 6",
    "SELECT DISTINCT obj_type FROM demo.ngc WHERE const IN ('Ori', 'Tau') ORDER BY obj_type",
    "SELECT hip FROM demo.stars WHERE hip IN (SELECT hip FROM demo.stars WHERE bv > 2.5) AND vmag < 8",
    "SELECT SQRT(pmra * pmra + pmdec * pmdec) AS pm FROM demo.stars WHERE SQRT(pmra * pmra + pmdec * pmdec) > 2000",
    "SELECT LOG10(major_axis) AS l, ABS(dec) AS d, FLOOR(ra) AS f, POWER(radius, 2) AS p FROM demo.ngc WHERE major_axis > 60",
    "SELECT SIN(RADIANS(dec)) AS s, COS(RADIANS(dec)) AS c, ATAN2(pmra, pmdec) AS t FROM demo.ngc WHERE pmra > 50",
    "SELECT COUNT(DISTINCT const) AS n, SUM(minor_axis) AS s FROM demo.ngc",
    "SELECT a.name, b.name AS other FROM demo.ngc AS a LEFT JOIN demo.ngc AS b ON a.messier = b.messier AND a.name <> b.name WHERE a.messier IS NOT NULL",
    "SELECT name FROM demo.ngc AS n WHERE EXISTS (SELECT tyc_id FROM demo.stars AS s WHERE s.vmag < 1 AND ABS(s.dec - n.dec) < 0.1)",
    "SELECT q.const, q.n FROM (SELECT const, COUNT(*) AS n FROM demo.ngc GROUP BY const) AS q WHERE q.n > 400",
    "SELECT TOP 7 name, dec FROM demo.ngc WHERE dec > 80 ORDER BY dec DESC",
)  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_both_translations_give_the_same_rows(reader: psycopg.Connection, catalogue: Catalogue, query: str) -> None:
    theirs = reader.execute(ADQLQueryTranslator(query).to_postgresql().encode()).fetchall()
    ours = reader.execute(translate(query, catalogue).sql.encode()).fetchall()
    assert len(ours) > 0
    for left, right in zip(sorted(ours, key=repr), sorted(theirs, key=repr), strict=True):
        assert left == pytest.approx(right)
