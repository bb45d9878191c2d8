-- Elements and parts
SELECT flux[1], e.flux[2:5], flux[:3], flux[3:], bands[2:3], bands[id], flux[bands[1]], flux[4:5][1], flux[3000000000] FROM t.epochs AS e WHERE flux[1] > 2 ORDER BY flux[2]

SELECT nullif(t1."flux"[1], 'NaN')::real AS c1, t1."flux"[2:5]::real[] AS c2, t1."flux"[:3]::real[] AS c3, t1."flux"[3:]::real[] AS c4, t1."bands"[2:3]::smallint[] AS c5, t1."bands"[least(greatest(t1."id", 0), 2147483647)::integer]::smallint AS c6, nullif(t1."flux"[(t1."bands"[1])::integer], 'NaN')::real AS c7, nullif((t1."flux"[4:5])[1], 'NaN')::real AS c8, nullif(t1."flux"[2147483647], 'NaN')::real AS c9 FROM "t"."epochs" AS t1 WHERE (nullif(t1."flux"[1], 'NaN') > 2) ORDER BY nullif(t1."flux"[2], 'NaN')

-- Rows of a matrix
SELECT image[2], image[2][1], image[2][2:3], array_length(image), array_length(image[1]) FROM t.epochs

SELECT armillary.array_row(t1."image", 3, 2)::real[] AS c1, nullif((armillary.array_row(t1."image", 3, 2))[1], 'NaN')::real AS c2, (armillary.array_row(t1."image", 3, 2))[2:3]::real[] AS c3, (cardinality(t1."image") / 3)::integer AS c4, cardinality(armillary.array_row(t1."image", 3, 1))::integer AS c5 FROM "t"."epochs" AS t1

-- Arithmetic goes element by element
SELECT flux / 2 - flux * id, -bands, image + 1, counts + bands, (flux + flux)[2] FROM t.epochs

SELECT (SELECT ARRAY(SELECT ((unnest(v.a1) / 2) - (unnest(v.a1) * v.a2))::double precision) FROM (SELECT t1."flux" AS a1, t1."id" AS a2 OFFSET 0) AS v WHERE num_nulls(v.a1, v.a2) = 0)::double precision[] AS c1, (SELECT ARRAY(SELECT (-unnest(v.a1)::integer)::smallint) FROM (SELECT t1."bands" AS a1 OFFSET 0) AS v WHERE num_nulls(v.a1) = 0)::smallint[] AS c2, (SELECT ARRAY(SELECT (unnest(v.a1) + 1)::double precision) FROM (SELECT t1."image" AS a1 OFFSET 0) AS v WHERE num_nulls(v.a1) = 0)::double precision[] AS c3, (SELECT ARRAY(SELECT (unnest(v.a1) + unnest(v.a2)::integer)::integer) FROM (SELECT t1."counts" AS a1, t1."bands" AS a2 OFFSET 0) AS v WHERE num_nulls(v.a1, v.a2) = 0)::integer[] AS c4, nullif(((SELECT ARRAY(SELECT (unnest(v.a1) + unnest(v.a1))::real) FROM (SELECT t1."flux" AS a1 OFFSET 0) AS v WHERE num_nulls(v.a1) = 0))[2], 'NaN')::real AS c5 FROM "t"."epochs" AS t1

-- Functions of arrays
SELECT array_length(flux), arr_count(flux), arr_count(counts), arr_sum(flux), arr_sum(counts), arr_avg(bands), arr_min(flux), arr_max(flux), arr_median(flux), arr_stddev(flux), arr_argmin(flux), arr_argmax(counts), arr_dot(flux, counts) FROM t.epochs

SELECT cardinality(t1."flux")::integer AS c1, (SELECT (SELECT count(nullif(n, 'NaN'))::integer FROM (SELECT unnest(v.a) AS n) AS u) FROM (SELECT t1."flux" AS a OFFSET 0) AS v WHERE v.a IS NOT NULL)::integer AS c2, (SELECT (SELECT count(n)::integer FROM (SELECT unnest(v.a) AS n) AS u) FROM (SELECT t1."counts" AS a OFFSET 0) AS v WHERE v.a IS NOT NULL)::integer AS c3, (SELECT sum((nullif(n, 'NaN'))::double precision)::double precision FROM (SELECT unnest(t1."flux") AS n) AS u)::double precision AS c4, (SELECT sum((n)::bigint)::bigint FROM (SELECT unnest(t1."counts") AS n) AS u)::bigint AS c5, (SELECT avg(n)::double precision FROM (SELECT unnest(t1."bands") AS n) AS u)::double precision AS c6, (SELECT min(nullif(n, 'NaN')) FROM (SELECT unnest(t1."flux") AS n) AS u)::real AS c7, (SELECT max(nullif(n, 'NaN')) FROM (SELECT unnest(t1."flux") AS n) AS u)::real AS c8, (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY nullif(n, 'NaN')) FROM (SELECT unnest(t1."flux") AS n) AS u)::double precision AS c9, (SELECT stddev_samp(nullif(n, 'NaN'))::double precision FROM (SELECT unnest(t1."flux") AS n) AS u)::double precision AS c10, (SELECT i::integer FROM unnest(t1."flux") WITH ORDINALITY AS u (n, i) WHERE nullif(n, 'NaN') IS NOT NULL ORDER BY n , i LIMIT 1)::integer AS c11, (SELECT i::integer FROM unnest(t1."counts") WITH ORDINALITY AS u (n, i) WHERE n IS NOT NULL ORDER BY n DESC, i LIMIT 1)::integer AS c12, (SELECT CASE WHEN bool_and(p IS NOT NULL) THEN sum(p) END FROM (SELECT unnest(t1."flux")::double precision * unnest(t1."counts") AS p) AS u)::double precision AS c13 FROM "t"."epochs" AS t1

-- Arrays made of others
SELECT arr_map(LOG10(x) + id, flux), arr_map(CASE WHEN x > 2 THEN 1 ELSE 0 END, arr_map(x * x, flux)), array(1, 2, NULL), array(id, 2.5) FROM t.epochs

SELECT (SELECT ARRAY(SELECT ((log(e."x"::double precision) + t1."id"))::double precision FROM (SELECT unnest(array_replace(v.a, 'NaN', NULL)) AS x) AS e) FROM (SELECT t1."flux" AS a OFFSET 0) AS v WHERE v.a IS NOT NULL)::double precision[] AS c1, (SELECT ARRAY(SELECT ((CASE WHEN (e."x" > 2) THEN (1)::integer ELSE (0)::integer END))::integer FROM (SELECT unnest(array_replace(v.a, 'NaN', NULL)) AS x) AS e) FROM (SELECT (SELECT ARRAY(SELECT ((e."x" * e."x"))::real FROM (SELECT unnest(array_replace(v.a, 'NaN', NULL)) AS x) AS e) FROM (SELECT t1."flux" AS a OFFSET 0) AS v WHERE v.a IS NOT NULL) AS a OFFSET 0) AS v WHERE v.a IS NOT NULL)::integer[] AS c2, ARRAY[1, 2, NULL]::integer[] AS c3, ARRAY[t1."id", 2.5::double precision]::double precision[] AS c4 FROM "t"."epochs" AS t1

-- Arrays of rows
SELECT number, ARRAY_AGG(vmag ORDER BY observed DESC, id), ARRAY_AGG(id)[1], ivo_string_agg(name, ', ' ORDER BY id) FROM t.stars GROUP BY number

SELECT t1."number" AS c1, array_agg(t1."vmag" ORDER BY t1."observed" DESC NULLS LAST, t1."id")::real[] AS c2, (array_agg(t1."id"))[1]::bigint AS c3, string_agg(t1."name", ', '::text ORDER BY t1."id")::text AS c4 FROM "t"."stars" AS t1 GROUP BY t1."number"

-- Aggregates of arrays
SELECT SUM(flux), AVG(counts), MIN(bands), MAX(image), COUNT(flux), SUM(flux) OVER (ORDER BY id) FROM t.epochs GROUP BY flux, id

SELECT armillary.array_sum((t1."flux")::double precision[])::double precision[] AS c1, armillary.array_avg((t1."counts")::double precision[])::double precision[] AS c2, armillary.array_min((t1."bands")::bigint[])::smallint[] AS c3, armillary.array_max((t1."image")::double precision[])::real[] AS c4, count(t1."flux")::bigint AS c5, (armillary.array_sum((t1."flux")::double precision[]) OVER (ORDER BY t1."id"))::double precision[] AS c6 FROM "t"."epochs" AS t1 GROUP BY t1."flux", t1."id"

-- Arrays are equal or not
SELECT id FROM t.epochs WHERE flux = jd AND counts <> array(1, 2) AND NULLIF(flux, flux) IS NULL

SELECT t1."id" AS c1 FROM "t"."epochs" AS t1 WHERE ((((t1."flux")::double precision[]) = t1."jd") AND (t1."counts" <> ARRAY[1, 2]::integer[]) AND (NULLIF(t1."flux", t1."flux") IS NULL))

-- Elements as rows
SELECT e.id, u.jd, u.flux, u.ordinality FROM t.epochs AS e, UNNEST(e.jd, e.flux) WITH ORDINALITY AS u WHERE u.flux > 1

SELECT t1."id" AS c1, t2."c1" AS c2, t2."c2" AS c3, t2."c3" AS c4 FROM "t"."epochs" AS t1, unnest(array_replace(t1."jd", 'NaN', NULL), array_replace(t1."flux", 'NaN', NULL)) WITH ORDINALITY AS t2 (c1, c2, c3) WHERE (t2."c2" > 1)

-- Elements as rows, beside joins
SELECT e.id, v, i FROM t.epochs AS e LEFT JOIN UNNEST(flux[2:] * 2) WITH ORDINALITY AS u (v, i) ON v > 3 JOIN t.stars AS s ON s.id = e.id

SELECT t1."id" AS c1, t2."c1" AS c2, t2."c2" AS c3 FROM (("t"."epochs" AS t1 LEFT JOIN unnest(array_replace((SELECT ARRAY(SELECT (unnest(v.a1) * 2)::double precision) FROM (SELECT t1."flux"[2:] AS a1 OFFSET 0) AS v WHERE num_nulls(v.a1) = 0), 'NaN', NULL)) WITH ORDINALITY AS t2 (c1, c2) ON (t2."c1" > 3)) INNER JOIN "t"."stars" AS t3 ON (t3."id" = t1."id"))

-- Elements in a query inside
SELECT id, (SELECT MAX(f) FROM UNNEST(e.flux, e.jd) AS u (f, t) WHERE t > 5) AS late FROM t.epochs AS e WHERE EXISTS (SELECT f FROM UNNEST(e.flux) AS w (f) WHERE f > 3)

SELECT t1."id" AS c1, (SELECT max(t2."c1")::real AS c1 FROM unnest(array_replace(t1."flux", 'NaN', NULL), array_replace(t1."jd", 'NaN', NULL)) AS t2 (c1, c2) WHERE (t2."c2" > 5))::real AS c2 FROM "t"."epochs" AS t1 WHERE EXISTS (SELECT t3."c1" AS c1 FROM unnest(array_replace(t1."flux", 'NaN', NULL)) AS t3 (c1) WHERE (t3."c1" > 3))

-- Groups by what is made of an array
SELECT ARRAY_LENGTH(flux), arr_max(flux), COUNT(*) FROM t.epochs GROUP BY ARRAY_LENGTH(flux), arr_max(flux) HAVING arr_max(flux) > 2 ORDER BY arr_max(flux)

SELECT cardinality(t1."flux")::integer AS c1, (SELECT max(nullif(n, 'NaN')) FROM (SELECT unnest(t1."flux") AS n) AS u)::real AS c2, count(*)::bigint AS c3 FROM "t"."epochs" AS t1 GROUP BY cardinality(t1."flux"), (SELECT max(nullif(n, 'NaN')) FROM (SELECT unnest(t1."flux") AS n) AS u) HAVING ((SELECT max(nullif(n, 'NaN')) FROM (SELECT unnest(t1."flux") AS n) AS u) > 2) ORDER BY 2

-- Arrays where types must be one
SELECT COALESCE(flux, jd), CASE WHEN id > 2 THEN counts ELSE bands END FROM t.epochs UNION SELECT jd, counts FROM t.epochs

(SELECT COALESCE((t1."flux")::double precision[], (t1."jd")::double precision[])::double precision[] AS c1, (CASE WHEN (t1."id" > 2) THEN (t1."counts")::integer[] ELSE (t1."bands")::integer[] END)::integer[] AS c2 FROM "t"."epochs" AS t1) UNION (SELECT t2."jd" AS c1, t2."counts" AS c2 FROM "t"."epochs" AS t2)

-- Elements of tables further left
SELECT v, w FROM t.epochs AS e, t.stars AS s JOIN UNNEST(e.flux) AS u (v) ON s.vmag = v LEFT JOIN (t.fields AS f JOIN UNNEST(e.jd, f.fluxes) AS x (w, y) ON y > f.ra) ON w < f.id

SELECT t3."c1" AS c1, t5."c1" AS c2 FROM "t"."epochs" AS t1, (("t"."stars" AS t2 INNER JOIN unnest(array_replace(t1."flux", 'NaN', NULL)) AS t3 (c1) ON (t2."vmag" = t3."c1")) LEFT JOIN ("t"."fields" AS t4 INNER JOIN unnest(array_replace(t1."jd", 'NaN', NULL), array_replace(t4."fluxes", 'NaN', NULL)) AS t5 (c1, c2) ON (t5."c2" > t4."ra")) ON (t5."c1" < t4."id"))

-- Elements where positions are searched
SELECT e.id FROM t.epochs AS e JOIN t.stars AS s ON DISTANCE(e.jd[1], e.jd[2], s.ra, s.dec) < e.flux[1] WHERE 1 = CONTAINS(POINT(jd[1], jd[2]), CIRCLE(10, 20, 1))

SELECT t1."id" AS c1 FROM ("t"."epochs" AS t1 INNER JOIN "t"."stars" AS t2 ON ((spoint(radians(t2."ra"), radians(t2."dec")) <@ scircle(spoint(radians(nullif(t1."jd"[1], 'NaN')), radians(nullif(t1."jd"[2], 'NaN'))), radians(CASE WHEN (nullif(t1."flux"[1], 'NaN'))::double precision >= 0 THEN least((nullif(t1."flux"[1], 'NaN'))::double precision, 90) END)) OR spoint(radians(t2."ra"), radians(t2."dec")) <@ CASE WHEN (nullif(t1."flux"[1], 'NaN'))::double precision > 90 THEN scircle(spoint(long(spoint(radians(nullif(t1."jd"[1], 'NaN')), radians(nullif(t1."jd"[2], 'NaN')))) + pi(), -lat(spoint(radians(nullif(t1."jd"[1], 'NaN')), radians(nullif(t1."jd"[2], 'NaN'))))), pi() / 2) END) AND armillary.distance(nullif(t1."jd"[1], 'NaN'), nullif(t1."jd"[2], 'NaN'), t2."ra", t2."dec") < (nullif(t1."flux"[1], 'NaN'))::double precision)) WHERE (spoint(radians(nullif(t1."jd"[1], 'NaN')), radians(nullif(t1."jd"[2], 'NaN'))) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(1::double precision)) AND armillary.distance(nullif(t1."jd"[1], 'NaN'), nullif(t1."jd"[2], 'NaN'), 10::double precision, 20::double precision) <= 1::double precision + 6e-14)

-- Arrays in set operations, windows and distinct rows
SELECT DISTINCT flux[1:2] AS f, LAG(flux) OVER (ORDER BY id) FROM t.epochs UNION SELECT jd, flux FROM t.epochs ORDER BY f

(SELECT DISTINCT t1."flux"[1:2]::double precision[] AS c1, (lag(t1."flux") OVER (ORDER BY t1."id"))::real[] AS c2 FROM "t"."epochs" AS t1) UNION (SELECT t2."jd" AS c1, t2."flux" AS c2 FROM "t"."epochs" AS t2) ORDER BY "c1"
