-- Tables that were loaded here, published or not: under which name their rows are stored, and all that is known of
-- them, so that they can be published again as they were.
CREATE TABLE armillary.loaded (
    table_name text PRIMARY KEY,
    storage    text NOT NULL,
    content    jsonb NOT NULL
);

-- An array of numbers as JSON, in the lists that its shape says (the last of `shape` varies fastest).
CREATE FUNCTION armillary.nested(numbers anyarray, shape integer[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    parts text[];
    width integer;
BEGIN
    SELECT array_agg(coalesce(n::text, 'null') ORDER BY i) INTO parts FROM unnest(numbers) WITH ORDINALITY AS u (n, i);
    FOR k IN REVERSE array_length(shape, 1)..1 LOOP
        width := shape[k];
        SELECT array_agg('[' || array_to_string(parts[i * width + 1 : (i + 1) * width], ',') || ']' ORDER BY i)
        INTO parts FROM generate_series(0, array_length(parts, 1) / width - 1) AS i;
    END LOOP;
    RETURN parts[1];
END $$;

-- The bytes of an array that all rows have in one size; a row of another size is an error, not a broken result.
CREATE FUNCTION armillary.sized(content bytea, size integer) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF octet_length(content) <> size THEN
        RAISE EXCEPTION USING ERRCODE = '2202E', MESSAGE = 'an array has not the size that its column says';
    END IF;
    RETURN content;
END $$;

-- As before, and no more bins than an array that is copied for each row can bear.
CREATE OR REPLACE FUNCTION armillary.histogram_step(
    counts integer[], val double precision, low double precision, high double precision, bins integer
) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    bin integer := coalesce(width_bucket(val, low, high, bins), 0) + 1;
BEGIN
    IF bins > 100000 THEN
        RAISE EXCEPTION USING ERRCODE = '2201G', MESSAGE = 'too many bins';
    END IF;
    IF counts IS NULL THEN
        counts := array_fill(0, ARRAY[greatest(bins, 1) + 2]);
    END IF;
    counts[bin] := counts[bin] + 1;
    RETURN counts;
END $$;
