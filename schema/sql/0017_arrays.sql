-- Functions of arrays. A matrix is stored flat, its rows one after the other.

-- The i-th row of a matrix of rows of that width; NULL where there is none.
CREATE FUNCTION armillary.array_row(matrix anyarray, width integer, i integer) RETURNS anyarray
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN i BETWEEN 1 AND cardinality(matrix) / width THEN matrix[(i - 1) * width + 1 : i * width] END
$$;

-- SUM, AVG, MIN and MAX of arrays, element by element. An element that is NULL does not count, as in aggregates of numbers;
-- nor does NaN, which is what NULL is in most files. The further elements of longer arrays are those of fewer rows.
-- Sets side by side in a list of columns go on together, which is faster than in FROM.
CREATE FUNCTION armillary.array_sum_step(total double precision[], numbers double precision[]) RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN numbers IS NULL THEN total ELSE
        ARRAY(SELECT coalesce(s + n, s, n) FROM (SELECT unnest(total) AS s, unnest(array_replace(numbers, 'NaN', NULL)) AS n) AS u)
    END
$$;
CREATE FUNCTION armillary.array_sum_step(total bigint[], numbers bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN numbers IS NULL THEN total ELSE
        ARRAY(SELECT coalesce(s + n, s, n) FROM (SELECT unnest(total) AS s, unnest(numbers) AS n) AS u)
    END
$$;
CREATE FUNCTION armillary.array_min_step(smallest double precision[], numbers double precision[]) RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN numbers IS NULL THEN smallest ELSE
        ARRAY(SELECT least(s, n) FROM (SELECT unnest(smallest) AS s, unnest(array_replace(numbers, 'NaN', NULL)) AS n) AS u)
    END
$$;
CREATE FUNCTION armillary.array_min_step(smallest bigint[], numbers bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN numbers IS NULL THEN smallest ELSE
        ARRAY(SELECT least(s, n) FROM (SELECT unnest(smallest) AS s, unnest(numbers) AS n) AS u)
    END
$$;
CREATE FUNCTION armillary.array_max_step(largest double precision[], numbers double precision[]) RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN numbers IS NULL THEN largest ELSE
        ARRAY(SELECT greatest(s, n) FROM (SELECT unnest(largest) AS s, unnest(array_replace(numbers, 'NaN', NULL)) AS n) AS u)
    END
$$;
CREATE FUNCTION armillary.array_max_step(largest bigint[], numbers bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN numbers IS NULL THEN largest ELSE
        ARRAY(SELECT greatest(s, n) FROM (SELECT unnest(largest) AS s, unnest(numbers) AS n) AS u)
    END
$$;

-- The sums, and of how many rows: `whole` have all of the first `width` elements, `counts` are for each element those of the others.
CREATE TYPE armillary.array_totals AS (totals double precision[], counts bigint[], width integer, whole bigint);
CREATE FUNCTION armillary.array_avg_step(state armillary.array_totals, numbers double precision[])
RETURNS armillary.array_totals
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF numbers IS NULL THEN
        RETURN state;
    END IF;
    IF cardinality(numbers) = coalesce(state.width, cardinality(numbers))
        AND array_position(numbers, NULL) IS NULL AND array_position(numbers, 'NaN') IS NULL
    THEN
        state.width := cardinality(numbers);
        state.whole := coalesce(state.whole, 0) + 1;
    ELSE
        numbers := array_replace(numbers, 'NaN', NULL);
        state.counts := ARRAY(
            SELECT coalesce(c, 0) + (n IS NOT NULL)::integer
            FROM (SELECT unnest(state.counts) AS c, unnest(numbers) AS n) AS u
        );
    END IF;
    state.totals := ARRAY(
        SELECT coalesce(t + n, t, n) FROM (SELECT unnest(state.totals) AS t, unnest(numbers) AS n) AS u
    );
    RETURN state;
END $$;
CREATE FUNCTION armillary.array_avg_end(state armillary.array_totals) RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN (state).totals IS NOT NULL THEN ARRAY(
        SELECT t / nullif(coalesce(c, 0) + CASE WHEN i <= (state).width THEN (state).whole ELSE 0 END, 0)
        FROM unnest((state).totals, (state).counts) WITH ORDINALITY AS u (t, c, i)
    ) END
$$;

CREATE AGGREGATE armillary.array_sum(double precision[]) (SFUNC = armillary.array_sum_step, STYPE = double precision[]);
CREATE AGGREGATE armillary.array_sum(bigint[]) (SFUNC = armillary.array_sum_step, STYPE = bigint[]);
CREATE AGGREGATE armillary.array_min(double precision[]) (SFUNC = armillary.array_min_step, STYPE = double precision[]);
CREATE AGGREGATE armillary.array_min(bigint[]) (SFUNC = armillary.array_min_step, STYPE = bigint[]);
CREATE AGGREGATE armillary.array_max(double precision[]) (SFUNC = armillary.array_max_step, STYPE = double precision[]);
CREATE AGGREGATE armillary.array_max(bigint[]) (SFUNC = armillary.array_max_step, STYPE = bigint[]);
CREATE AGGREGATE armillary.array_avg(double precision[]) (
    SFUNC = armillary.array_avg_step, STYPE = armillary.array_totals, FINALFUNC = armillary.array_avg_end
);
