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
-- no such range. Not pgSphere's sbox: searches for it by its indexes miss rows, and at the poles it has no longitudes.
CREATE FUNCTION armillary.range(
    lon1 double precision, lon2 double precision, lat1 double precision, lat2 double precision) RETURNS double precision[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN lat1 BETWEEN -90 AND lat2 AND lat2 <= 90 AND lon2 - lon1 BETWEEN 0 AND 360 + 1e-9 AND abs(lon1) <= 360 THEN
        ARRAY[lon1, lon2, lat1, lat2] END
$$;
-- Whether a point is in a range; 0.4 microarcseconds beyond its limits are none.
CREATE FUNCTION armillary.in_range(point spoint, range double precision[]) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT degrees(lat(point)) BETWEEN range[3] - 1e-10 AND range[4] + 1e-10
       AND (abs(degrees(lat(point))) > 90 - 1e-10 OR degrees(long(point)) - range[1]
            - 360 * floor((degrees(long(point)) - range[1] + 1e-10) / 360) <= range[2] - range[1] + 1e-10)
$$;
-- A range that does not reach the poles and has some width, for comparisons without an index.
CREATE FUNCTION armillary.box_of_range(range double precision[]) RETURNS sbox
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN range[3] < 90 - 2e-7 AND range[4] > -90 + 2e-7 THEN
        sbox(spoint(radians(range[1]), radians(greatest(range[3], -90 + 2e-7))),
             spoint(radians(greatest(range[2], range[1] + 2e-7)), radians(least(range[4], 90 - 2e-7)))) END
$$;
CREATE FUNCTION armillary.overlaps_range(region spoly, range double precision[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN (range[4] > 90 - 2e-7 AND spoint(0, pi() / 2) <@ region)
        OR (range[3] < -90 + 2e-7 AND spoint(0, -pi() / 2) <@ region)
        OR coalesce(region && armillary.box_of_range(range), false);
END $$;
-- The distance in degrees of a point outside of the longitudes of a range from the range: from the nearer of its two meridians.
CREATE FUNCTION armillary.distance_to_range(lon double precision, lat double precision, range double precision[])
RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT min(armillary.distance(lon, lat, meridian, latitude))
    FROM unnest(range[1:2]) AS meridian,
        LATERAL (SELECT atan2d(sind(lat), cosd(lat) * cosd(lon - meridian)) AS foot) AS f,
        LATERAL unnest(range[3:4] || CASE WHEN foot BETWEEN range[3] AND range[4] THEN foot END) AS latitude
$$;
-- Of circles pgSphere does not find all.
CREATE FUNCTION armillary.overlaps_range(region scircle, range double precision[]) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT armillary.in_range(center(region), ARRAY[range[1], range[2], greatest(range[3] - degrees(radius(region)), -90),
                                                    least(range[4] + degrees(radius(region)), 90)])
           AND abs(degrees(lat(center(region)))) < 90 - 1e-10
        OR armillary.distance_to_range(degrees(long(center(region))), degrees(lat(center(region))), range)
           <= degrees(radius(region)) + 1e-10
$$;
CREATE FUNCTION armillary.overlaps_range(one double precision[], other double precision[]) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT one[3] <= other[4] AND other[3] <= one[4] AND (
        least(one[4], other[4]) = 90 OR greatest(one[3], other[3]) = -90
        OR other[1] - one[1] - 360 * floor((other[1] - one[1]) / 360) <= one[2] - one[1]
        OR one[1] - other[1] - 360 * floor((one[1] - other[1]) / 360) <= other[2] - other[1])
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

REVOKE EXECUTE ON FUNCTION armillary.is_readable, armillary.circle_outline, armillary.range, armillary.in_range,
    armillary.box_of_range, armillary.overlaps_range(spoly, double precision[]),
    armillary.overlaps_range(scircle, double precision[]), armillary.distance_to_range,
    armillary.overlaps_range(double precision[], double precision[]), armillary.url_part FROM PUBLIC;
GRANT EXECUTE ON FUNCTION armillary.is_readable, armillary.circle_outline, armillary.range, armillary.in_range,
    armillary.box_of_range, armillary.overlaps_range(spoly, double precision[]),
    armillary.overlaps_range(scircle, double precision[]), armillary.distance_to_range,
    armillary.overlaps_range(double precision[], double precision[]), armillary.url_part TO armillary_reader;
