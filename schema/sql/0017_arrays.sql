-- Functions of arrays. A matrix is stored flat, its rows one after the other.

-- The i-th row of a matrix of rows of that width; NULL where there is none.
CREATE FUNCTION armillary.array_row(matrix anyarray, width integer, i integer) RETURNS anyarray
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN i BETWEEN 1 AND cardinality(matrix) / width THEN matrix[(i - 1) * width + 1 : i * width] END
$$;

-- SUM, AVG, MIN and MAX of arrays, element by element. An element that is NULL does not count, as in aggregates of numbers;
-- nor does NaN, which is what NULL is in most files. The further elements of longer arrays are those of fewer rows.

CREATE FUNCTION armillary.array_sum_step(total double precision[], numbers double precision[]) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF numbers IS NULL THEN
        RETURN total;
    END IF;
    RETURN ARRAY(SELECT coalesce(t + nullif(n, 'NaN'), t, nullif(n, 'NaN')) FROM unnest(total, numbers) AS u (t, n));
END $$;
CREATE FUNCTION armillary.array_sum_step(total bigint[], numbers bigint[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF numbers IS NULL THEN
        RETURN total;
    END IF;
    RETURN ARRAY(SELECT coalesce(t + n, t, n) FROM unnest(total, numbers) AS u (t, n));
END $$;
CREATE FUNCTION armillary.array_min_step(smallest double precision[], numbers double precision[]) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF numbers IS NULL THEN
        RETURN smallest;
    END IF;
    RETURN ARRAY(SELECT least(s, nullif(n, 'NaN')) FROM unnest(smallest, numbers) AS u (s, n));
END $$;
CREATE FUNCTION armillary.array_min_step(smallest bigint[], numbers bigint[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF numbers IS NULL THEN
        RETURN smallest;
    END IF;
    RETURN ARRAY(SELECT least(s, n) FROM unnest(smallest, numbers) AS u (s, n));
END $$;
CREATE FUNCTION armillary.array_max_step(largest double precision[], numbers double precision[]) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF numbers IS NULL THEN
        RETURN largest;
    END IF;
    RETURN ARRAY(SELECT greatest(l, nullif(n, 'NaN')) FROM unnest(largest, numbers) AS u (l, n));
END $$;
CREATE FUNCTION armillary.array_max_step(largest bigint[], numbers bigint[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF numbers IS NULL THEN
        RETURN largest;
    END IF;
    RETURN ARRAY(SELECT greatest(l, n) FROM unnest(largest, numbers) AS u (l, n));
END $$;

CREATE TYPE armillary.array_totals AS (totals double precision[], counts bigint[]);
CREATE FUNCTION armillary.array_avg_step(state armillary.array_totals, numbers double precision[])
RETURNS armillary.array_totals
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF numbers IS NULL THEN
        RETURN state;
    END IF;
    RETURN (
        armillary.array_sum_step(state.totals, numbers),
        ARRAY(SELECT coalesce(c, 0) + (nullif(n, 'NaN') IS NOT NULL)::integer FROM unnest(state.counts, numbers) AS u (c, n))
    )::armillary.array_totals;
END $$;
CREATE FUNCTION armillary.array_avg_end(state armillary.array_totals) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY(SELECT t / nullif(c, 0) FROM unnest(state.totals, state.counts) AS u (t, c));
END $$;

CREATE AGGREGATE armillary.array_sum(double precision[]) (SFUNC = armillary.array_sum_step, STYPE = double precision[]);
CREATE AGGREGATE armillary.array_sum(bigint[]) (SFUNC = armillary.array_sum_step, STYPE = bigint[]);
CREATE AGGREGATE armillary.array_min(double precision[]) (SFUNC = armillary.array_min_step, STYPE = double precision[]);
CREATE AGGREGATE armillary.array_min(bigint[]) (SFUNC = armillary.array_min_step, STYPE = bigint[]);
CREATE AGGREGATE armillary.array_max(double precision[]) (SFUNC = armillary.array_max_step, STYPE = double precision[]);
CREATE AGGREGATE armillary.array_max(bigint[]) (SFUNC = armillary.array_max_step, STYPE = bigint[]);
CREATE AGGREGATE armillary.array_avg(double precision[]) (
    SFUNC = armillary.array_avg_step, STYPE = armillary.array_totals, FINALFUNC = armillary.array_avg_end
);
