-- All columns, in their order, by their stored names
SELECT * FROM t.stars

SELECT t1."id" AS c1, t1."name" AS c2, t1."ra" AS c3, t1."dec" AS c4, t1."pmra" AS c5, t1."pmdec" AS c6, t1."parallax" AS c7, t1."vmag" AS c8, t1."number" AS c9, t1."short" AS c10, t1."variable" AS c11, t1."observed" AS c12, t1."note" AS c13, t1."RAJ2000" AS c14, t1."size" AS c15, t1."Mixed Case" AS c16 FROM "t"."stars" AS t1

-- A reserved word and mixed case as names
SELECT "size", "Mixed Case", raj2000 FROM stars

SELECT t1."size" AS c1, t1."Mixed Case" AS c2, t1."RAJ2000" AS c3 FROM "t"."stars" AS t1

-- TOP, DISTINCT and OFFSET
SELECT DISTINCT TOP 5 name FROM stars ORDER BY name OFFSET 10

SELECT DISTINCT t1."name" AS c1 FROM "t"."stars" AS t1 ORDER BY 1 LIMIT 5 OFFSET 10

-- ORDER BY an alias, a position, an expression; NULLs last both ways
SELECT ra AS x, dec FROM stars ORDER BY x DESC, 2, pmra * 2 DESC

SELECT t1."ra" AS c1, t1."dec" AS c2 FROM "t"."stars" AS t1 ORDER BY 1 DESC NULLS LAST, 2, (t1."pmra" * 2) DESC NULLS LAST

-- Columns and more
SELECT *, pmra * 2 AS double_motion FROM stars

SELECT t1."id" AS c1, t1."name" AS c2, t1."ra" AS c3, t1."dec" AS c4, t1."pmra" AS c5, t1."pmdec" AS c6, t1."parallax" AS c7, t1."vmag" AS c8, t1."number" AS c9, t1."short" AS c10, t1."variable" AS c11, t1."observed" AS c12, t1."note" AS c13, t1."RAJ2000" AS c14, t1."size" AS c15, t1."Mixed Case" AS c16, (t1."pmra" * 2)::double precision AS c17 FROM "t"."stars" AS t1

-- All columns of one table
SELECT f.*, s.name FROM fields AS f, stars AS s

SELECT t1."id" AS c1, t1."ra" AS c2, t1."dec" AS c3, t1."radius" AS c4, t1."centre" AS c5, t1."footprint" AS c6, t1."cone" AS c7, t1."fluxes" AS c8, t2."name" AS c9 FROM "t"."fields" AS t1, "t"."stars" AS t2

-- The cross join of two tables, with a condition
SELECT s.name FROM stars s, fields f WHERE s.id = f.id

SELECT t1."name" AS c1 FROM "t"."stars" AS t1, "t"."fields" AS t2 WHERE (t1."id" = t2."id")

-- INNER, LEFT, RIGHT and FULL joins
SELECT s.name FROM stars s JOIN fields f ON s.id = f.id LEFT JOIN stars b ON b.id = f.id RIGHT OUTER JOIN fields g ON g.id = b.id FULL JOIN stars c ON c.id = g.id

SELECT t1."name" AS c1 FROM (((("t"."stars" AS t1 INNER JOIN "t"."fields" AS t2 ON (t1."id" = t2."id")) LEFT JOIN "t"."stars" AS t3 ON (t3."id" = t2."id")) RIGHT JOIN "t"."fields" AS t4 ON (t4."id" = t3."id")) FULL JOIN "t"."stars" AS t5 ON (t5."id" = t4."id"))

-- USING shows the joined column once
SELECT * FROM stars JOIN fields USING (id)

SELECT t1."id" AS c1, t1."name" AS c2, t1."ra" AS c3, t1."dec" AS c4, t1."pmra" AS c5, t1."pmdec" AS c6, t1."parallax" AS c7, t1."vmag" AS c8, t1."number" AS c9, t1."short" AS c10, t1."variable" AS c11, t1."observed" AS c12, t1."note" AS c13, t1."RAJ2000" AS c14, t1."size" AS c15, t1."Mixed Case" AS c16, t2."ra" AS c17, t2."dec" AS c18, t2."radius" AS c19, t2."centre" AS c20, t2."footprint" AS c21, t2."cone" AS c22, t2."fluxes" AS c23 FROM ("t"."stars" AS t1 INNER JOIN "t"."fields" AS t2 ON (t1."id" = t2."id"))

-- NATURAL JOIN joins on the published columns in common
SELECT id, radius FROM stars NATURAL JOIN fields

SELECT t1."id" AS c1, t2."radius" AS c2 FROM ("t"."stars" AS t1 INNER JOIN "t"."fields" AS t2 ON ((t1."id" = t2."id") AND (t1."ra" = t2."ra") AND (t1."dec" = t2."dec")))

-- The joined column of a FULL JOIN is of either side
SELECT id FROM stars FULL JOIN fields USING (id)

SELECT COALESCE((t1."id")::bigint, (t2."id")::bigint)::bigint AS c1 FROM ("t"."stars" AS t1 FULL JOIN "t"."fields" AS t2 ON (t1."id" = t2."id"))

-- Nested joins
SELECT s.name FROM stars s JOIN (fields f JOIN stars b ON f.id = b.id) ON s.id = f.id

SELECT t1."name" AS c1 FROM ("t"."stars" AS t1 INNER JOIN ("t"."fields" AS t2 INNER JOIN "t"."stars" AS t3 ON (t2."id" = t3."id")) ON (t1."id" = t2."id"))

-- A derived table
SELECT q.n FROM (SELECT name AS n, vmag FROM stars) AS q WHERE q.vmag < 5

SELECT t1."c1" AS c1 FROM (SELECT t2."name" AS c1, t2."vmag" AS c2 FROM "t"."stars" AS t2) AS t1 WHERE (t1."c2" < 5)

-- Columns of equal names in a derived table
SELECT COUNT(*) FROM (SELECT s.id, f.id FROM stars s, fields f) AS q

SELECT count(*)::bigint AS c1 FROM (SELECT t2."id" AS c1, t3."id" AS c2 FROM "t"."stars" AS t2, "t"."fields" AS t3) AS t1

-- GROUP BY an expression, HAVING an aggregate
SELECT FLOOR(vmag) AS m, COUNT(*) AS n FROM stars GROUP BY FLOOR(vmag) HAVING COUNT(*) > 5 ORDER BY n DESC

SELECT floor(t1."vmag"::double precision)::double precision AS c1, count(*)::bigint AS c2 FROM "t"."stars" AS t1 GROUP BY floor(t1."vmag"::double precision) HAVING (count(*) > 5) ORDER BY 2 DESC NULLS LAST

-- GROUP BY an alias and a position
SELECT name AS label, short, AVG(vmag) FROM stars GROUP BY label, 2

SELECT t1."name" AS c1, t1."short" AS c2, avg(t1."vmag"::double precision)::double precision AS c3 FROM "t"."stars" AS t1 GROUP BY t1."name", t1."short"

-- Aggregates keep to the types that are told
SELECT COUNT(*), COUNT(DISTINCT name), SUM(number), SUM(short), SUM(id), SUM(vmag), AVG(number), AVG(vmag), MIN(name), MAX(observed), SUM(variable), MAX(variable) FROM stars

SELECT count(*)::bigint AS c1, count(DISTINCT t1."name")::bigint AS c2, sum(t1."number")::bigint AS c3, sum(t1."short")::bigint AS c4, sum(t1."id")::bigint AS c5, sum(t1."vmag"::double precision)::double precision AS c6, avg(t1."number")::double precision AS c7, avg(t1."vmag"::double precision)::double precision AS c8, min(t1."name")::text AS c9, max(t1."observed")::timestamp without time zone AS c10, sum(t1."variable"::integer)::bigint AS c11, max(t1."variable"::integer)::integer AS c12 FROM "t"."stars" AS t1

-- EXISTS, correlated
SELECT name FROM stars s WHERE EXISTS (SELECT 1 FROM fields f WHERE f.id = s.id)

SELECT t1."name" AS c1 FROM "t"."stars" AS t1 WHERE EXISTS (SELECT 1::integer AS c1 FROM "t"."fields" AS t2 WHERE (t2."id" = t1."id"))

-- IN a query, NOT IN a list
SELECT name FROM stars WHERE id IN (SELECT id FROM fields) AND number NOT IN (1, 2, 3)

SELECT t1."name" AS c1 FROM "t"."stars" AS t1 WHERE ((t1."id" IN (SELECT t2."id" AS c1 FROM "t"."fields" AS t2)) AND (t1."number" NOT IN (1, 2, 3)))

-- UNION, EXCEPT and INTERSECT with their precedence
SELECT id FROM stars UNION SELECT id FROM fields INTERSECT SELECT number FROM stars EXCEPT SELECT short FROM stars

(SELECT t1."id" AS c1 FROM "t"."stars" AS t1) UNION ((SELECT t2."id" AS c1 FROM "t"."fields" AS t2) INTERSECT (SELECT t3."number"::bigint AS c1 FROM "t"."stars" AS t3)) EXCEPT (SELECT t4."short"::bigint AS c1 FROM "t"."stars" AS t4)

-- UNION ALL of different types, sorted by an expression
SELECT short AS x FROM stars UNION ALL SELECT vmag FROM stars ORDER BY x * -1

SELECT * FROM ((SELECT t1."short"::real AS c1 FROM "t"."stars" AS t1) UNION ALL (SELECT t2."vmag" AS c1 FROM "t"."stars" AS t2)) q ORDER BY ("c1" * (-(1)))

-- Operands with their own TOP and ORDER BY
(SELECT TOP 1 id FROM stars ORDER BY vmag) UNION (SELECT TOP 1 id FROM fields ORDER BY radius) ORDER BY 1 OFFSET 1

(SELECT t1."id" AS c1 FROM "t"."stars" AS t1 ORDER BY t1."vmag" LIMIT 1) UNION (SELECT t2."id" AS c1 FROM "t"."fields" AS t2 ORDER BY t2."radius" LIMIT 1) ORDER BY 1 OFFSET 1

-- NULL in a set operation takes the other's type
SELECT NULL AS x FROM stars UNION SELECT ra FROM stars

(SELECT NULL::double precision AS c1 FROM "t"."stars" AS t1) UNION (SELECT t2."ra" AS c1 FROM "t"."stars" AS t2)

-- WITH, used twice
WITH bright AS (SELECT id, ra, dec FROM stars WHERE vmag < 5) SELECT a.id FROM bright a JOIN bright b ON a.id < b.id WHERE DISTANCE(POINT(a.ra, a.dec), POINT(b.ra, b.dec)) < 0.1

WITH w1 AS NOT MATERIALIZED (SELECT t1."id" AS c1, t1."ra" AS c2, t1."dec" AS c3 FROM "t"."stars" AS t1 WHERE (t1."vmag" < 5)) SELECT t2."c1" AS c1 FROM ("w1" AS t2 INNER JOIN "w1" AS t3 ON (t2."c1" < t3."c1")) WHERE (spoint(radians(t2."c2"), radians(t2."c3")) <@ scircle(spoint(radians(t3."c2"), radians(t3."c3")), radians(0.1::double precision)) AND spoint(radians(t3."c2"), radians(t3."c3")) <@ scircle(spoint(radians(t2."c2"), radians(t2."c3")), radians(0.1::double precision)) AND armillary.distance(t2."c2", t2."c3", t3."c2", t3."c3") < 0.1::double precision)

-- WITH that reads another WITH
WITH a AS (SELECT id FROM stars), b AS (SELECT id FROM a) SELECT id FROM b

WITH w1 AS NOT MATERIALIZED (SELECT t1."id" AS c1 FROM "t"."stars" AS t1), w2 AS NOT MATERIALIZED (SELECT t2."c1" AS c1 FROM "w1" AS t2) SELECT t3."c1" AS c1 FROM "w2" AS t3

-- WITH that would blow up is left to PostgreSQL
WITH a AS (SELECT x.id FROM stars x, stars y, stars z, stars w), b AS (SELECT x.id FROM a x, a y, a z, a w), c AS (SELECT x.id FROM b x, b y, b z, b w, b v) SELECT id FROM c

WITH w1 AS (SELECT t1."id" AS c1 FROM "t"."stars" AS t1, "t"."stars" AS t2, "t"."stars" AS t3, "t"."stars" AS t4), w2 AS (SELECT t5."c1" AS c1 FROM "w1" AS t5, "w1" AS t6, "w1" AS t7, "w1" AS t8), w3 AS (SELECT t9."c1" AS c1 FROM "w2" AS t9, "w2" AS t10, "w2" AS t11, "w2" AS t12, "w2" AS t13) SELECT t14."c1" AS c1 FROM "w3" AS t14

-- A random number is drawn once a row
WITH r AS (SELECT RAND() AS x FROM stars) SELECT x FROM r

WITH w1 AS (SELECT random()::double precision AS c1 FROM "t"."stars" AS t1) SELECT t2."c1" AS c1 FROM "w1" AS t2

-- TOP of a query in parentheses comes before the order round it
(SELECT TOP 5 id, vmag FROM stars) ORDER BY vmag

SELECT t1."c1" AS c1, t1."c2" AS c2 FROM (SELECT t2."id" AS c1, t2."vmag" AS c2 FROM "t"."stars" AS t2 LIMIT 5) AS t1 ORDER BY 2

-- TAP clients' usual count
SELECT COUNT(*) AS nrow FROM stars;

SELECT count(*)::bigint AS c1 FROM "t"."stars" AS t1
