-- Functions that translated queries call. All are immutable and see only what they are given.

-- A polygon from longitudes and latitudes in degrees, by turns; NULL if one is NULL or out of range, or if
-- they make no polygon: one bad row must not end a query.
-- Not by pgSphere's aggregate spoly: with a NULL first point it brings the whole server down.
CREATE FUNCTION armillary.polygon(vertices double precision[]) RETURNS spoly
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    FOR i IN 2..array_length(vertices, 1) BY 2 LOOP
        IF vertices[i - 1] IS NULL OR vertices[i] IS NULL OR NOT vertices[i] BETWEEN -90 AND 90 THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RETURN (SELECT '{' || string_agg(format('(%sd,%sd)', vertices[i], vertices[i + 1]), ',' ORDER BY i) || '}'
            FROM generate_series(1, array_length(vertices, 1), 2) AS i)::spoly;
EXCEPTION WHEN internal_error OR data_exception OR syntax_error THEN
    RETURN NULL;
END $$;

-- ADQL's BOX (ADQL 2.1 §4.2.9): the gnomonic rectangle round a centre; width and height in degrees.
CREATE FUNCTION armillary.box(centre spoint, width double precision, height double precision) RETURNS spoly
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    a double precision := long(centre);
    d double precision := lat(centre);
    p double precision := tan(radians(width / 2));
    q double precision := tan(radians(height / 2));
    x double precision;
    y double precision;
    z double precision;
    corners double precision[] := '{}';
    signs integer[] := ARRAY[-1, -1, 1, -1, 1, 1, -1, 1];
BEGIN
    IF NOT (width > 0 AND width < 180 AND height > 0 AND height < 180) THEN
        RETURN NULL;
    END IF;
    FOR i IN 1..7 BY 2 LOOP
        x := cos(d) * cos(a) - signs[i] * p * sin(a) - signs[i + 1] * q * sin(d) * cos(a);
        y := cos(d) * sin(a) + signs[i] * p * cos(a) - signs[i + 1] * q * sin(d) * sin(a);
        z := sin(d) + signs[i + 1] * q * cos(d);
        corners := corners || degrees(atan2(y, x)) || degrees(atan2(z, sqrt(x * x + y * y)));
    END LOOP;
    RETURN armillary.polygon(corners);
END $$;

-- The vertices of a polygon in degrees, by turns; pgSphere 1.2 shows them as text only.
CREATE FUNCTION armillary.vertices(polygon spoly) RETURNS double precision[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_agg(degrees(number[1]::double precision) ORDER BY place)
    FROM regexp_matches(polygon::text, '[-+0-9.eE]+', 'g') WITH ORDINALITY AS numbers (number, place)
$$;

-- The area of a polygon in square degrees, as the sum of signed triangles from its first vertex; the sides'
-- differences keep the digits that pgSphere's sum of angles loses in small ones.
CREATE FUNCTION armillary.area(polygon spoly) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    v double precision[] := armillary.vertices(polygon);
    x double precision[];
    y double precision[];
    z double precision[];
    total double precision := 0;
    triple double precision;
    dots double precision;
BEGIN
    FOR i IN 1..array_length(v, 1) BY 2 LOOP
        x := x || cosd(v[i]) * cosd(v[i + 1]);
        y := y || sind(v[i]) * cosd(v[i + 1]);
        z := z || sind(v[i + 1]);
    END LOOP;
    FOR i IN 2..array_length(x, 1) - 1 LOOP
        triple := x[1] * ((y[i] - y[1]) * (z[i + 1] - z[1]) - (z[i] - z[1]) * (y[i + 1] - y[1]))
                + y[1] * ((z[i] - z[1]) * (x[i + 1] - x[1]) - (x[i] - x[1]) * (z[i + 1] - z[1]))
                + z[1] * ((x[i] - x[1]) * (y[i + 1] - y[1]) - (y[i] - y[1]) * (x[i + 1] - x[1]));
        dots := 1 + x[1] * x[i] + y[1] * y[i] + z[1] * z[i]
                  + x[i] * x[i + 1] + y[i] * y[i + 1] + z[i] * z[i + 1]
                  + x[i + 1] * x[1] + y[i + 1] * y[1] + z[i + 1] * z[1];
        total := total + 2 * atan2(triple, dots);
    END LOOP;
    RETURN degrees(degrees(least(abs(total), 4 * pi() - abs(total))));
END $$;

-- The bytes of arrays as VOTable's BINARY has them; a NULL among their numbers is NaN or the least number.
CREATE FUNCTION armillary.doubles(numbers double precision[]) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(float8send(coalesce(n, 'NaN'::double precision)), '' ORDER BY place), '')
    FROM unnest(numbers) WITH ORDINALITY AS each (n, place)
$$;
CREATE FUNCTION armillary.floats(numbers real[]) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(float4send(coalesce(n, 'NaN'::real)), '' ORDER BY place), '')
    FROM unnest(numbers) WITH ORDINALITY AS each (n, place)
$$;
CREATE FUNCTION armillary.shorts(numbers smallint[]) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(int2send(coalesce(n, (-32768)::smallint)), '' ORDER BY place), '')
    FROM unnest(numbers) WITH ORDINALITY AS each (n, place)
$$;
CREATE FUNCTION armillary.ints(numbers integer[]) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(int4send(coalesce(n, (-2147483648)::integer)), '' ORDER BY place), '')
    FROM unnest(numbers) WITH ORDINALITY AS each (n, place)
$$;
CREATE FUNCTION armillary.longs(numbers bigint[]) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(int8send(coalesce(n, (-9223372036854775808)::bigint)), '' ORDER BY place), '')
    FROM unnest(numbers) WITH ORDINALITY AS each (n, place)
$$;

-- Where a star is at another epoch: straight motion in space (the Hipparcos catalogue's rigorous
-- treatment, ESA SP-1200 vol. 1 §1.5.5). 4.740470446 km/s are one astronomical unit a year.
CREATE FUNCTION armillary.epoch_prop_pos(
    lon double precision, lat double precision, parallax double precision,
    pmra double precision, pmdec double precision, radial_velocity double precision,
    ref_epoch double precision, out_epoch double precision
) RETURNS spoint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    mas CONSTANT double precision := radians(1 / 3600000.0::double precision);
    a double precision := radians(lon);
    d double precision := radians(lat);
    t double precision := out_epoch - ref_epoch;
    mu_a double precision := coalesce(pmra, 0) * mas * t;
    mu_d double precision := coalesce(pmdec, 0) * mas * t;
    -- Only a positive parallax says how far the star comes nearer.
    zeta double precision := 1 + coalesce(radial_velocity, 0) / 4.740470446::double precision
                               * greatest(coalesce(parallax, 0), 0) * mas * t;
    x double precision;
    y double precision;
    z double precision;
BEGIN
    IF lon IS NULL OR lat IS NULL OR ref_epoch IS NULL OR out_epoch IS NULL THEN
        RETURN NULL;
    END IF;
    x := cos(d) * cos(a) * zeta - sin(a) * mu_a - sin(d) * cos(a) * mu_d;
    y := cos(d) * sin(a) * zeta + cos(a) * mu_a - sin(d) * sin(a) * mu_d;
    z := sin(d) * zeta + cos(d) * mu_d;
    RETURN spoint(atan2(y, x), atan2(z, sqrt(x * x + y * y)));
END $$;

-- '3:34:45.4', '033445.4' or '3h34m45.4s' as a number of the first unit; NULL for anything else.
CREATE FUNCTION armillary.sexagesimal(value text, first text) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN part[3]::integer < 60 AND part[4]::double precision < 60 THEN
               (CASE part[1] WHEN '-' THEN -1 ELSE 1 END)
               * (part[2]::integer + part[3]::integer / 60.0::double precision
                  + part[4]::double precision / 3600)
           END
    FROM (SELECT coalesce(
        regexp_match(value, '^\s*([-+]?)(\d{1,3}):(\d{1,2}):(\d{1,2}(?:\.\d*)?)\s*$'),
        regexp_match(value, '^\s*([-+]?)(\d{1,3})' || first || '(\d{1,2})m(\d{1,2}(?:\.\d*)?)s\s*$', 'i'),
        regexp_match(value, '^\s*([-+]?)(\d{2})(\d{2})(\d{2}(?:\.\d*)?)\s*$')
    ) AS part) AS read
    WHERE part IS NOT NULL
$$;
CREATE FUNCTION armillary.hms_to_degrees(hms text) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT 15 * armillary.sexagesimal(hms, 'h') $$;
CREATE FUNCTION armillary.dms_to_degrees(dms text) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT armillary.sexagesimal(dms, 'd') $$;

-- Counts of values in equal bins; what is NULL or too small comes first, what is too large last.
CREATE FUNCTION armillary.histogram_step(
    counts integer[], val double precision, low double precision, high double precision, bins integer
) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    bin integer;
BEGIN
    IF counts IS NULL THEN
        counts := array_fill(0, ARRAY[least(greatest(bins, 1), 100000) + 2]);
    END IF;
    bin := coalesce(width_bucket(val, low, high, bins), 0) + 1;
    counts[bin] := counts[bin] + 1;
    RETURN counts;
END $$;
CREATE AGGREGATE armillary.histogram(double precision, double precision, double precision, integer) (
    SFUNC = armillary.histogram_step, STYPE = integer[]
);

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA armillary FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA armillary TO armillary_reader;
