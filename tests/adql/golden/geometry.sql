-- 1 = CONTAINS of a point in a circle
SELECT id FROM stars WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 10, 20, 0.5))

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(0.5::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 0.5::double precision + 6e-14)

-- CONTAINS = 1, the other way round
SELECT id FROM stars WHERE CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 0.5)) = 1

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(0.5::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 0.5::double precision + 6e-14)

-- 0 = CONTAINS
SELECT id FROM stars WHERE 0 = CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 0.5))

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE (NOT (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(0.5::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 0.5::double precision + 6e-14))

-- CONTAINS <> 0, != 1, > 0, < 1
SELECT id FROM stars WHERE CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 1)) <> 0 AND CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 2)) != 1 AND CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 3)) > 0 AND 1 > CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 4))

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE ((spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(1::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 1::double precision + 6e-14) AND (NOT (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(2::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 2::double precision + 6e-14)) AND (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(3::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 3::double precision + 6e-14) AND (NOT (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(4::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 4::double precision + 6e-14)))

-- CONTAINS as a value
SELECT CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 0.5)) AS inside FROM stars

SELECT (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(0.5::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 0.5::double precision + 6e-14)::integer AS c1 FROM "t"."stars" AS t1

-- CONTAINS in a polygon of constants
SELECT id FROM stars WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(10, 10, 12, 10, 12, 12))

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE (spoint(radians(t1."ra"), radians(t1."dec")) <@ spoly '{(10.0d,10.0d),(12.0d,10.0d),(12.0d,12.0d)}')

-- CONTAINS in a box, which is the standard's
SELECT id FROM stars WHERE 1 = CONTAINS(POINT(ra, dec), BOX('ICRS', 10, 20, 1, 2))

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE (spoint(radians(t1."ra"), radians(t1."dec")) <@ spoly '{(9.471271786473437d,18.999249028934965d),(10.528728213526561d,18.999249028934962d),(10.535488928329714d,20.99916280131439d),(9.464511071670287d,20.99916280131439d)}')

-- A polygon and a box of columns
SELECT POLYGON(ra, dec, ra + 1, dec, ra + 1, dec + 1), BOX(ra, dec, 1, 1), BOX(POINT(ra, dec), radius, radius) FROM fields

SELECT armillary.polygon(ARRAY[t1."ra", t1."dec", (t1."ra" + 1), t1."dec", (t1."ra" + 1), (t1."dec" + 1)]::double precision[]) AS c1, armillary.box(spoint(radians(t1."ra"), radians(t1."dec")), 1::double precision, 1::double precision) AS c2, armillary.box(spoint(radians(t1."ra"), radians(t1."dec")), t1."radius", t1."radius") AS c3 FROM "t"."fields" AS t1

-- A polygon of points
SELECT POLYGON(POINT(1, 2), centre, POINT(3, 4)) FROM fields

SELECT armillary.polygon(ARRAY[degrees(long(spoint(radians(1::double precision), radians(2::double precision)))), degrees(lat(spoint(radians(1::double precision), radians(2::double precision)))), degrees(long(t1."centre")), degrees(lat(t1."centre")), degrees(long(spoint(radians(3::double precision), radians(4::double precision)))), degrees(lat(spoint(radians(3::double precision), radians(4::double precision))))]::double precision[]) AS c1 FROM "t"."fields" AS t1

-- A region as text
SELECT id FROM stars WHERE 1 = CONTAINS(POINT(ra, dec), REGION('Circle ICRS 10 -20 0.5'))

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians((-(20))::double precision)), radians(0.5::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, (-(20))::double precision) <= 0.5::double precision + 6e-14)

-- A point column in a polygon column
SELECT a.id FROM fields a, fields b WHERE 1 = CONTAINS(a.centre, b.footprint)

SELECT t1."id" AS c1 FROM "t"."fields" AS t1, "t"."fields" AS t2 WHERE (t1."centre" <@ t2."footprint")

-- INTERSECTS of a point is CONTAINS
SELECT id FROM stars WHERE 1 = INTERSECTS(CIRCLE(10, 20, 0.5), POINT(ra, dec))

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(0.5::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 0.5::double precision + 6e-14)

-- INTERSECTS of regions
SELECT id FROM fields WHERE 1 = INTERSECTS(footprint, CIRCLE(10, 20, 0.5)) AND 0 = INTERSECTS(cone, footprint)

SELECT t1."id" AS c1 FROM "t"."fields" AS t1 WHERE ((t1."footprint" && scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(0.5::double precision))) AND (NOT ((t1."cone" && t1."footprint")::integer = 1)))

-- DISTANCE < of two points, of four numbers, with the radius first
SELECT id FROM stars WHERE DISTANCE(POINT(ra, dec), POINT(10, 20)) < 0.5 AND DISTANCE(ra, dec, 10, 20) <= 0.5 AND 5. / 3600 > DISTANCE(POINT(10, 20), POINT(ra, dec))

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE ((spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(0.5::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) < 0.5::double precision) AND (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(0.5::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 0.5::double precision) AND (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians((5.::double precision / 3600))) AND armillary.distance(10::double precision, 20::double precision, t1."ra", t1."dec") < (5.::double precision / 3600)))

-- DISTANCE BETWEEN
SELECT id FROM stars WHERE DISTANCE(POINT(ra, dec), POINT(10, 20)) BETWEEN 0 AND 0.5 OR DISTANCE(POINT(ra, dec), POINT(10, 20)) BETWEEN 1 AND 2

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE ((spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(0.5::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 0.5::double precision) OR ((spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(2::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 2::double precision) AND (armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) >= 1)))

-- DISTANCE > keeps its plain form
SELECT id FROM stars WHERE DISTANCE(POINT(ra, dec), POINT(10, 20)) > 0.5

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE (armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) > 0.5::double precision)

-- A radius over 90 degrees
SELECT id FROM stars WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 120))

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE (armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 120::double precision + 6e-14)

-- A cross-match with a constant radius can begin with either table
SELECT s.id FROM stars s JOIN fields f ON 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(f.ra, f.dec, 1. / 3600))

SELECT t1."id" AS c1 FROM ("t"."stars" AS t1 INNER JOIN "t"."fields" AS t2 ON (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(t2."ra"), radians(t2."dec")), radians((1.::double precision / 3600))) AND spoint(radians(t2."ra"), radians(t2."dec")) <@ scircle(spoint(radians(t1."ra"), radians(t1."dec")), radians((1.::double precision / 3600))) AND armillary.distance(t1."ra", t1."dec", t2."ra", t2."dec") <= (1.::double precision / 3600) + 6e-14))

-- A cross-match by DISTANCE
SELECT s.id FROM stars s JOIN fields f ON DISTANCE(POINT(s.ra, s.dec), POINT(f.ra, f.dec)) < 1. / 3600

SELECT t1."id" AS c1 FROM ("t"."stars" AS t1 INNER JOIN "t"."fields" AS t2 ON (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(t2."ra"), radians(t2."dec")), radians((1.::double precision / 3600))) AND spoint(radians(t2."ra"), radians(t2."dec")) <@ scircle(spoint(radians(t1."ra"), radians(t1."dec")), radians((1.::double precision / 3600))) AND armillary.distance(t1."ra", t1."dec", t2."ra", t2."dec") < (1.::double precision / 3600)))

-- A radius from a column decides which table is looked up
SELECT s.id FROM stars s JOIN fields f ON 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(f.ra, f.dec, f.radius))

SELECT t1."id" AS c1 FROM ("t"."stars" AS t1 INNER JOIN "t"."fields" AS t2 ON ((spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(t2."ra"), radians(t2."dec")), radians(CASE WHEN t2."radius" >= 0 THEN least(t2."radius", 90) END)) OR spoint(radians(t1."ra"), radians(t1."dec")) <@ CASE WHEN t2."radius" > 90 THEN scircle(spoint(long(spoint(radians(t2."ra"), radians(t2."dec"))) + pi(), -lat(spoint(radians(t2."ra"), radians(t2."dec")))), pi() / 2) END) AND armillary.distance(t1."ra", t1."dec", t2."ra", t2."dec") <= t2."radius" + 6e-14))

-- The circle round the other table, radius from the first
SELECT s.id FROM stars s JOIN fields f ON 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(f.ra, f.dec, s.parallax / 3600))

SELECT t1."id" AS c1 FROM ("t"."stars" AS t1 INNER JOIN "t"."fields" AS t2 ON ((spoint(radians(t2."ra"), radians(t2."dec")) <@ scircle(spoint(radians(t1."ra"), radians(t1."dec")), radians(CASE WHEN (t1."parallax" / 3600) >= 0 THEN least((t1."parallax" / 3600), 90) END)) OR spoint(radians(t2."ra"), radians(t2."dec")) <@ CASE WHEN (t1."parallax" / 3600) > 90 THEN scircle(spoint(long(spoint(radians(t1."ra"), radians(t1."dec"))) + pi(), -lat(spoint(radians(t1."ra"), radians(t1."dec")))), pi() / 2) END) AND armillary.distance(t1."ra", t1."dec", t2."ra", t2."dec") <= (t1."parallax" / 3600) + 6e-14))

-- A LEFT JOIN by position
SELECT f.id, s.id FROM fields f LEFT JOIN stars s ON DISTANCE(POINT(s.ra, s.dec), POINT(f.ra, f.dec)) < 0.001

SELECT t1."id" AS c1, t2."id" AS c2 FROM ("t"."fields" AS t1 LEFT JOIN "t"."stars" AS t2 ON (spoint(radians(t2."ra"), radians(t2."dec")) <@ scircle(spoint(radians(t1."ra"), radians(t1."dec")), radians(0.001::double precision)) AND spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(t2."ra"), radians(t2."dec")), radians(0.001::double precision)) AND armillary.distance(t2."ra", t2."dec", t1."ra", t1."dec") < 0.001::double precision))

-- Nearest first: the cone is fenced
SELECT TOP 5 id, DISTANCE(POINT(ra, dec), POINT(10, 20)) AS d FROM stars WHERE DISTANCE(POINT(ra, dec), POINT(10, 20)) < 1 ORDER BY d

SELECT c1, c2 FROM (SELECT t1."id" AS c1, armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision)::double precision AS c2 FROM "t"."stars" AS t1 WHERE (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(1::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) < 1::double precision) OFFSET 0) q ORDER BY c2 LIMIT 5

-- Brightest in a cone: the cone is fenced
SELECT TOP 5 id FROM stars WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 1)) ORDER BY vmag DESC, id

SELECT c1 FROM (SELECT t1."id" AS c1, t1."vmag" AS k0 FROM "t"."stars" AS t1 WHERE (spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(1::double precision)) AND armillary.distance(t1."ra", t1."dec", 10::double precision, 20::double precision) <= 1::double precision + 6e-14) OFFSET 0) q ORDER BY k0 DESC NULLS LAST, c1 LIMIT 5

-- A cone through a derived table
SELECT q.id FROM (SELECT id, ra, dec FROM stars) AS q WHERE DISTANCE(POINT(q.ra, q.dec), POINT(10, 20)) < 1

SELECT t1."c1" AS c1 FROM (SELECT t2."id" AS c1, t2."ra" AS c2, t2."dec" AS c3 FROM "t"."stars" AS t2) AS t1 WHERE (spoint(radians(t1."c2"), radians(t1."c3")) <@ scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(1::double precision)) AND armillary.distance(t1."c2", t1."c3", 10::double precision, 20::double precision) < 1::double precision)

-- Parts and sizes of geometries
SELECT COORD1(centre), COORD2(centre), COORDSYS(centre), AREA(cone), AREA(footprint), AREA(centre), AREA(POLYGON(10, 10, 10.001, 10, 10.001, 10.001)), CENTROID(cone), CENTROID(POLYGON(10, 10, 12, 10, 12, 12)), CENTROID(centre) FROM fields

SELECT degrees(long(t1."centre"))::double precision AS c1, degrees(lat(t1."centre"))::double precision AS c2, (CASE WHEN t1."centre" IS NOT NULL THEN 'ICRS' END)::text AS c3, (41252.96124941928::double precision * power(sin(radius(t1."cone") / 2), 2))::double precision AS c4, armillary.area(t1."footprint")::double precision AS c5, (CASE WHEN t1."centre" IS NOT NULL THEN 0::double precision END)::double precision AS c6, 4.924038765314114e-07::double precision AS c7, center(t1."cone") AS c8, spoint(radians(11.331831662653592::double precision), radians(10.668077033259545::double precision)) AS c9, t1."centre" AS c10 FROM "t"."fields" AS t1

-- CAST of a text to a geometry
SELECT CAST('10 20' AS POINT), CAST('10 20 1' AS CIRCLE), CAST('1 2 3 4 5 6' AS POLYGON) FROM fields

SELECT spoint(radians(10::double precision), radians(20::double precision)) AS c1, scircle(spoint(radians(10::double precision), radians(20::double precision)), radians(1::double precision)) AS c2, spoly '{(1.0d,2.0d),(3.0d,4.0d),(5.0d,6.0d)}' AS c3 FROM "t"."fields" AS t1

-- UDFs of positions
SELECT ivo_healpix_index(6, ra, dec), ivo_healpix_index(6, POINT(ra, dec)), ivo_healpix_center(6, 4), ivo_epoch_prop_pos(ra, dec, parallax, pmra, pmdec, NULL, 2000, 2016.5), ivo_geom_transform('ICRS', 'ICRS', POINT(ra, dec)) FROM stars

SELECT armillary.healpix_nest((6)::integer, spoint(radians(t1."ra"), radians(t1."dec")))::bigint AS c1, armillary.healpix_nest((6)::integer, spoint(radians(t1."ra"), radians(t1."dec")))::bigint AS c2, center_of_healpix_nest((6)::integer, 4) AS c3, armillary.epoch_prop_pos(t1."ra", t1."dec", t1."parallax", t1."pmra", t1."pmdec", (NULL::double precision)::double precision, 2000::double precision, 2016.5::double precision) AS c4, (spoint(radians(t1."ra"), radians(t1."dec")) + strans(0.0, 0.0, 0.0)) AS c5 FROM "t"."stars" AS t1

-- DISTINCT geometries are compared by their numbers
SELECT DISTINCT TOP 5 centre, cone, footprint, id FROM fields ORDER BY id

SELECT spoint(c1[1], c1[2]) AS c1, scircle(spoint(c2[1], c2[2]), c2[3]) AS c2, armillary.polygon(c3) AS c3, c4 FROM (SELECT DISTINCT ARRAY[long(t1."centre"), lat(t1."centre")] AS c1, ARRAY[long(center(t1."cone")), lat(center(t1."cone")), radius(t1."cone")] AS c2, armillary.vertices(t1."footprint") AS c3, t1."id" AS c4 FROM "t"."fields" AS t1 ORDER BY 4 LIMIT 5) AS q

-- UNION of geometries
SELECT centre FROM fields UNION SELECT POINT(ra, dec) FROM stars EXCEPT SELECT NULL FROM stars

SELECT spoint(c1[1], c1[2]) AS c1 FROM ((SELECT ARRAY[long(t1."centre"), lat(t1."centre")] AS c1 FROM "t"."fields" AS t1) UNION (SELECT ARRAY[long(spoint(radians(t2."ra"), radians(t2."dec"))), lat(spoint(radians(t2."ra"), radians(t2."dec")))] AS c1 FROM "t"."stars" AS t2) EXCEPT (SELECT NULL::double precision[] AS c1 FROM "t"."stars" AS t3)) AS q

-- UNION ALL of geometries compares nothing
SELECT centre FROM fields UNION ALL SELECT POINT(ra, dec) FROM stars

(SELECT t1."centre" AS c1 FROM "t"."fields" AS t1) UNION ALL (SELECT spoint(radians(t2."ra"), radians(t2."dec")) AS c1 FROM "t"."stars" AS t2)

-- DISTANCE in arcseconds, in another unit, over a number
SELECT s.id FROM stars s JOIN fields f ON DISTANCE(s.ra, s.dec, f.ra, f.dec) * 3600 < 2 AND IN_UNIT(DISTANCE(s.ra, s.dec, f.ra, f.dec), 'arcmin') <= 0.5 AND 1 > DISTANCE(s.ra, s.dec, f.ra, f.dec) / f.radius

SELECT t1."id" AS c1 FROM ("t"."stars" AS t1 INNER JOIN "t"."fields" AS t2 ON (((spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(t2."ra"), radians(t2."dec")), radians(0.0005555555555561111::double precision)) AND spoint(radians(t2."ra"), radians(t2."dec")) <@ scircle(spoint(radians(t1."ra"), radians(t1."dec")), radians(0.0005555555555561111::double precision)) AND armillary.distance(t1."ra", t1."dec", t2."ra", t2."dec") <= 0.0005555555555561111::double precision + 6e-14) AND ((armillary.distance(t1."ra", t1."dec", t2."ra", t2."dec") * 3600) < 2)) AND ((spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(t2."ra"), radians(t2."dec")), radians(0.008333333333341667::double precision)) AND spoint(radians(t2."ra"), radians(t2."dec")) <@ scircle(spoint(radians(t1."ra"), radians(t1."dec")), radians(0.008333333333341667::double precision)) AND armillary.distance(t1."ra", t1."dec", t2."ra", t2."dec") <= 0.008333333333341667::double precision + 6e-14) AND ((armillary.distance(t1."ra", t1."dec", t2."ra", t2."dec") * 60.0::double precision) <= 0.5::double precision)) AND (1 > (armillary.distance(t1."ra", t1."dec", t2."ra", t2."dec") / t2."radius"))))

-- INTERSECTS of two circles
SELECT s.id FROM stars s JOIN fields f ON 1 = INTERSECTS(CIRCLE(s.ra, s.dec, 0.001), CIRCLE(f.ra, f.dec, 0.002)) AND 1 = INTERSECTS(CIRCLE(s.ra, s.dec, 0.001), CIRCLE(f.ra, f.dec, f.radius))

SELECT t1."id" AS c1 FROM ("t"."stars" AS t1 INNER JOIN "t"."fields" AS t2 ON ((spoint(radians(t1."ra"), radians(t1."dec")) <@ scircle(spoint(radians(t2."ra"), radians(t2."dec")), radians(0.003::double precision)) AND spoint(radians(t2."ra"), radians(t2."dec")) <@ scircle(spoint(radians(t1."ra"), radians(t1."dec")), radians(0.003::double precision)) AND armillary.distance(t1."ra", t1."dec", t2."ra", t2."dec") <= 0.003::double precision + 6e-14) AND (scircle(spoint(radians(t1."ra"), radians(t1."dec")), radians(0.001::double precision)) && scircle(spoint(radians(t2."ra"), radians(t2."dec")), radians(CASE WHEN t2."radius" BETWEEN 0 AND 90 THEN t2."radius" END)))))
