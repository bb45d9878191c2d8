-- What each table of observations gives to ivoa.obscore (ObsCore 1.1), which is a view of all of them.
CREATE TABLE armillary.obscore (
    table_name text PRIMARY KEY,     -- as it is published; while it is not, the view is without it
    source     text NOT NULL,        -- the table in the database, quoted
    mapping    jsonb NOT NULL,       -- as the description says it: column of ObsCore → text
    columns    jsonb NOT NULL,       -- column of ObsCore → SQL of it
    indexed    text[] NOT NULL       -- columns of ObsCore whose conditions an index of the table serves
);

-- Whether the role of this session may read a published table. The view runs as its owner, so each part of it asks this;
-- often, so that the plan is kept.
CREATE FUNCTION armillary.is_readable(name text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM armillary.audiences AS a
        WHERE a.table_name = is_readable.name AND (a.rule IS NULL OR EXISTS (
            SELECT FROM armillary.readers AS r
            WHERE r.name = a.rule AND r.role IN (SELECT armillary.grantee_roles()))));
END $$;

-- What a circle of that diameter covers, as a polygon that contains it: its sides touch the circle, and its corners lie
-- outside by 2 % of the radius. pgSphere compares each side of a polygon with each other, so more of them would be dear.
-- NULL where there is no circle, or one of more than 160 degrees. In degrees.
CREATE FUNCTION armillary.circle_outline(ra double precision, "dec" double precision, diameter double precision)
RETURNS spoly LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    -- Of a circle of no size, one of 0.1 arcsec: a polygon has an area.
    distance double precision := atan(tan(radians(greatest(diameter / 2, 0.1 / 3600))) / cosd(180.0 / 16));
    north double precision;
    east double precision;
    x double precision; -- towards the meridian of the centre
    z double precision; -- towards the pole
    corners double precision[] := '{}';
BEGIN
    IF NOT (diameter BETWEEN 0 AND 160 AND "dec" BETWEEN -90 AND 90 AND abs(ra) < 1e6) THEN
        RETURN NULL;
    END IF;
    FOR i IN 0..15 LOOP
        north := sin(distance) * cosd(i * 360.0 / 16);
        east := sin(distance) * sind(i * 360.0 / 16);
        x := cos(distance) * cosd("dec") - north * sind("dec");
        z := cos(distance) * sind("dec") + north * cosd("dec");
        corners := corners || ARRAY[ra + atan2d(east, x), atan2d(z, sqrt(x * x + east * east))];
    END LOOP;
    RETURN armillary.polygon(corners);
END $$;

-- What lies between two longitudes, going east from the first to the second, and two latitudes, in degrees; NULL if there is
-- no such range. Of no width it is 0.7 mas wide: to pgSphere, two equal longitudes are a whole circle.
CREATE FUNCTION armillary.range(
    lon1 double precision, lon2 double precision, lat1 double precision, lat2 double precision) RETURNS sbox
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN lat1 BETWEEN -90 AND lat2 AND lat2 <= 90 AND lon2 - lon1 BETWEEN 0 AND 360 AND abs(lon1) <= 360 THEN
        sbox(spoint(radians(lon1), radians(lat1)),
             spoint(radians(CASE WHEN lon2 - lon1 < 2e-7 THEN lon1 + 2e-7 ELSE lon2 END), radians(lat2))) END
$$;
CREATE FUNCTION armillary.limits(range sbox) RETURNS double precision[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ARRAY[degrees(long(sw(range))), degrees(long(ne(range))), degrees(lat(sw(range))), degrees(lat(ne(range)))]
$$;

-- A text as a part of a URL: whatever is not a letter, a digit or one of /:._~- becomes its bytes in hexadecimal digits.
CREATE FUNCTION armillary.url_part(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN value ~ '^[A-Za-z0-9/:._~-]*$' THEN value ELSE (
        SELECT string_agg(
            CASE WHEN letter ~ '[A-Za-z0-9/:._~-]' THEN letter
                 ELSE upper(regexp_replace(encode(convert_to(letter, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) END, '' ORDER BY place)
        FROM regexp_split_to_table(value, '') WITH ORDINALITY AS letters (letter, place)) END
$$;

REVOKE EXECUTE ON FUNCTION armillary.is_readable, armillary.circle_outline, armillary.range, armillary.limits,
    armillary.url_part FROM PUBLIC;
GRANT EXECUTE ON FUNCTION armillary.is_readable, armillary.circle_outline, armillary.range, armillary.limits,
    armillary.url_part TO armillary_reader;
