-- Numbers: whole ones stay whole, the others are doubles
SELECT 1, 12345678901, 1.5, 5. / 3600, 1E3, .5, 123456789012345678901 FROM stars

SELECT 1::integer AS c1, 12345678901::bigint AS c2, 1.5::double precision AS c3, (5.::double precision / 3600)::double precision AS c4, 1E3::double precision AS c5, .5::double precision AS c6, 123456789012345678901::double precision AS c7 FROM "t"."stars" AS t1

-- Every operation in its own parentheses
SELECT ra - (dec - pmra), ra - dec - pmra, 5 - -1, -ra * 2, ra + dec * pmra / 2 FROM stars

SELECT (t1."ra" - (t1."dec" - t1."pmra"))::double precision AS c1, (t1."ra" - t1."dec" - t1."pmra")::double precision AS c2, (5 - (-(1)))::integer AS c3, ((-(t1."ra")) * 2)::double precision AS c4, (t1."ra" + (t1."dec" * t1."pmra" / 2))::double precision AS c5 FROM "t"."stars" AS t1

-- Literals take the type of what they are compared with
SELECT id FROM stars WHERE id = 4295806720.0 AND id BETWEEN 1E12 AND 2E12 AND number IN (1.0, 2, -3.0) AND vmag = 0.1

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE ((t1."id" = 4295806720) AND (t1."id" BETWEEN 1000000000000 AND 2000000000000) AND (t1."number" IN (1, 2, (-(3)))) AND (t1."vmag" = 0.1::double precision))

-- Functions of the language
SELECT ABS(ra), CEILING(ra), FLOOR(ra), DEGREES(ra), RADIANS(ra), EXP(ra), LOG(ra), LOG10(ra), SQRT(number), PI(), POWER(ra, 2), RAND(), RAND(5) FROM stars

SELECT abs(t1."ra")::double precision AS c1, ceiling(t1."ra")::double precision AS c2, floor(t1."ra")::double precision AS c3, degrees(t1."ra")::double precision AS c4, radians(t1."ra")::double precision AS c5, exp(t1."ra")::double precision AS c6, ln(t1."ra")::double precision AS c7, log(t1."ra")::double precision AS c8, sqrt(t1."number"::double precision)::double precision AS c9, pi()::double precision AS c10, power(t1."ra", 2::double precision)::double precision AS c11, random()::double precision AS c12, random()::double precision AS c13 FROM "t"."stars" AS t1

-- ROUND, TRUNCATE and MOD are ours
SELECT ROUND(ra), ROUND(ra, 2), ROUND(ra, -1), TRUNCATE(ra), TRUNCATE(ra, 2), MOD(number, 3), MOD(ra, 3), MOD(number, 2.5) FROM stars

SELECT round((t1."ra")::text::numeric)::double precision AS c1, round((t1."ra")::text::numeric, (2::double precision)::integer)::double precision AS c2, round((t1."ra")::text::numeric, ((-(1))::double precision)::integer)::double precision AS c3, trunc(t1."ra")::double precision AS c4, trunc((t1."ra")::text::numeric, (2::double precision)::integer)::double precision AS c5, mod(t1."number", 3)::integer AS c6, (t1."ra" - 3 * trunc(t1."ra" / 3))::double precision AS c7, (t1."number" - 2.5::double precision * trunc(t1."number" / 2.5::double precision))::double precision AS c8 FROM "t"."stars" AS t1

-- Trigonometry
SELECT COS(ra), SIN(ra), TAN(ra), COT(ra), ACOS(ra), ASIN(ra), ATAN(ra), ATAN2(ra, dec) FROM stars

SELECT cos(t1."ra")::double precision AS c1, sin(t1."ra")::double precision AS c2, tan(t1."ra")::double precision AS c3, cot(t1."ra")::double precision AS c4, acos(t1."ra")::double precision AS c5, asin(t1."ra")::double precision AS c6, atan(t1."ra")::double precision AS c7, atan2(t1."ra", t1."dec")::double precision AS c8 FROM "t"."stars" AS t1

-- Strings
SELECT name || ' ' || note, name || number, 'it''s', LOWER(name), UPPER(note) FROM stars WHERE name LIKE 'a\_%' AND note NOT ILIKE '%x' OR name LIKE '50%'

SELECT ((t1."name")::text || (' '::text || (t1."note")::text))::text AS c1, ((t1."name")::text || (t1."number")::text)::text AS c2, 'it''s'::text AS c3, lower(t1."name")::text AS c4, upper(t1."note")::text AS c5 FROM "t"."stars" AS t1 WHERE (((t1."name" LIKE E'a\\_%'::text ESCAPE '') AND (t1."note" NOT ILIKE '%x'::text ESCAPE '')) OR (t1."name" LIKE '50%'::text ESCAPE ''))

-- A backslash in a string
SELECT name FROM stars WHERE name = 'a\b'

SELECT t1."name" AS c1 FROM "t"."stars" AS t1 WHERE (t1."name" = E'a\\b'::text)

-- Times
SELECT observed, CAST(observed AS VARCHAR), CAST('2016-01-01T00:00:00Z' AS TIMESTAMP) FROM stars WHERE observed > '2015-01-01T12:00:00' AND observed BETWEEN '2015-01-01' AND '2016-01-01'

SELECT t1."observed" AS c1, (to_char(t1."observed", 'YYYY-MM-DD"T"HH24:MI:SS.MS'))::text AS c2, (('2016-01-01T00:00:00'::timestamp)::timestamp without time zone)::timestamp without time zone AS c3 FROM "t"."stars" AS t1 WHERE ((t1."observed" > '2015-01-01T12:00:00'::timestamp) AND (t1."observed" BETWEEN '2015-01-01'::timestamp AND '2016-01-01'::timestamp))

-- Booleans
SELECT id FROM stars WHERE variable = 1 OR variable <> 0 OR variable = 'false' OR 1 = variable

SELECT t1."id" AS c1 FROM "t"."stars" AS t1 WHERE ((t1."variable" = true) OR (t1."variable" <> false) OR (t1."variable" = false) OR (true = t1."variable"))

-- CAST
SELECT CAST(ra AS INTEGER), CAST(2.5 AS SMALLINT), CAST(name AS DOUBLE PRECISION), CAST(ra AS CHAR), CAST(name AS CHAR(3)), CAST(number AS VARCHAR(5)), CAST('7' AS BIGINT), CAST(number AS REAL) FROM stars

SELECT ((t1."ra")::integer)::integer AS c1, ((2.5::double precision)::smallint)::smallint AS c2, ((t1."name")::double precision)::double precision AS c3, ((t1."ra")::text)::text AS c4, ((t1."name")::text::varchar(3)::text)::text AS c5, ((t1."number")::text::varchar(5)::text)::text AS c6, (('7'::text)::bigint)::bigint AS c7, ((t1."number")::real)::real AS c8 FROM "t"."stars" AS t1

-- COALESCE, NULLIF and CASE
SELECT COALESCE(vmag, parallax, 0), NULLIF(number, 0), CASE WHEN ra > 180 THEN 'east' ELSE 'west' END, CASE number WHEN 1 THEN 1.5 WHEN 2 THEN NULL END FROM stars

SELECT COALESCE((t1."vmag")::double precision, (t1."parallax")::double precision, (0)::double precision)::double precision AS c1, NULLIF(t1."number", 0)::integer AS c2, (CASE WHEN (t1."ra" > 180) THEN ('east'::text)::text ELSE ('west'::text)::text END)::text AS c3, (CASE t1."number" WHEN 1 THEN (1.5::double precision)::double precision WHEN 2 THEN (NULL)::double precision END)::double precision AS c4 FROM "t"."stars" AS t1

-- IN_UNIT
SELECT IN_UNIT(pmra, 'deg/yr'), IN_UNIT(pmra / parallax, 'yr**-1'), IN_UNIT(ra, 'arcsec') FROM stars

SELECT (t1."pmra" * 2.777777777777778e-07::double precision)::double precision AS c1, ((t1."pmra" / t1."parallax") * 1.0::double precision)::double precision AS c2, (t1."ra" * 3600.0::double precision)::double precision AS c3 FROM "t"."stars" AS t1

-- NULL
SELECT NULL, 2 * NULL, name FROM stars WHERE name IS NOT NULL AND ra IS NULL

SELECT NULL::text AS c1, (2 * NULL::double precision)::double precision AS c2, t1."name" AS c3 FROM "t"."stars" AS t1 WHERE ((t1."name" IS NOT NULL) AND (t1."ra" IS NULL))

-- UDFs of texts, times and statistics
SELECT ivo_nocasematch(name, 'a%'), ivo_hasword(note, 'star'), ivo_hashlist_has(name, 'x'), ivo_to_jd(observed), ivo_to_mjd('2000-01-02T12:00:00'), ivo_interval_overlaps(1, 2, ra, dec), ivo_normal_random(0, 1), ivo_hms_to_degrees(name), ivo_dms_to_degrees(name) FROM stars

SELECT (t1."name" ILIKE 'a%'::text ESCAPE '')::integer AS c1, (to_tsvector('pg_catalog.simple', t1."note") @@ plainto_tsquery('pg_catalog.simple', 'star'::text))::integer AS c2, (lower('x'::text) = ANY (string_to_array(lower(t1."name"), '#')) AND position('#' IN 'x'::text) = 0)::integer AS c3, (extract(epoch FROM (t1."observed")::timestamp)::double precision / 86400 + 2440587.5::double precision)::double precision AS c4, (extract(epoch FROM ('2000-01-02T12:00:00'::timestamp)::timestamp)::double precision / 86400 + 40587.0::double precision)::double precision AS c5, (1::double precision <= 2::double precision AND t1."ra" <= t1."dec" AND 1::double precision <= t1."dec" AND t1."ra" <= 2::double precision)::integer AS c6, (0::double precision + 1::double precision * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))::double precision AS c7, armillary.hms_to_degrees(t1."name")::double precision AS c8, armillary.dms_to_degrees(t1."name")::double precision AS c9 FROM "t"."stars" AS t1

-- UDFs that aggregate
SELECT ivo_string_agg(name, ', '), ivo_histogram(vmag, 0, 10, 5) FROM stars

SELECT string_agg(t1."name", ', '::text)::text AS c1, armillary.histogram(t1."vmag"::double precision, 0::double precision, 10::double precision, (5)::integer)::integer[] AS c2 FROM "t"."stars" AS t1
