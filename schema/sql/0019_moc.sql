-- MOCs: parts of the sky made of HEALPix cells, pgSphere's type smoc. Of what pgSphere 1.2.0 does with them, these are
-- not used: `spoint <@ smoc`, which misses points of MOCs of thousands of cells, `=`, which compares orders too, and
-- cells of regions of orders above 26, some of which are not found.

-- The cells of a MOC as runs of cells of order 29.
CREATE FUNCTION armillary.moc_runs(moc smoc) RETURNS int8multirange
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(range_agg(int8range(cell[1]::bigint << shift, (coalesce(cell[2], cell[1])::bigint + 1) << shift)), '{}')
    FROM regexp_matches(moc::text, '(\d+)/((?: ?\d+(?:-\d+)?(?![-\d/]))*)', 'g') AS part,
         LATERAL (SELECT 2 * (29 - part[1]::integer)) AS s (shift),
         LATERAL regexp_matches(part[2], '(\d+)(?:-(\d+))?', 'g') AS cell
$$;

-- A MOC from runs of cells of order 29, whose smallest cells are of this order.
CREATE FUNCTION armillary.moc_of_runs("order" integer, runs int8multirange) RETURNS smoc
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ("order" || '/' || coalesce(string_agg(
        first || CASE WHEN last > first THEN '-' || last ELSE '' END, ' ' ORDER BY first), ''))::smoc
    FROM unnest(runs) AS run,
         LATERAL (SELECT lower(run) >> 2 * (29 - "order"), (upper(run) - 1) >> 2 * (29 - "order")) AS cells (first, last)
$$;

CREATE FUNCTION armillary.moc_difference(a smoc, b smoc) RETURNS smoc
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT armillary.moc_of_runs(greatest(max_order(a), max_order(b)), armillary.moc_runs(a) - armillary.moc_runs(b))
$$;

-- The rest of the sky, which has 12 * 4^29 cells.
CREATE FUNCTION armillary.moc_complement(moc smoc) RETURNS smoc
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT armillary.moc_of_runs(max_order(moc), '{[0,3458764513820540928)}'::int8multirange - armillary.moc_runs(moc))
$$;

-- A MOC of cells of one order, each given once; neighbouring numbers are put together first.
CREATE FUNCTION armillary.moc_of_cells("order" integer, cells bigint[]) RETURNS smoc
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ("order" || '/' || coalesce(string_agg(
        first || CASE WHEN last > first THEN '-' || last ELSE '' END, ' ' ORDER BY first), ''))::smoc
    FROM (SELECT min(cell), max(cell)
          FROM (SELECT cell, cell - row_number() OVER (ORDER BY cell) FROM unnest(cells) AS cell) AS numbered (cell, run)
          GROUP BY run) AS runs (first, last)
$$;

-- The highest order, up to 24, at which a line of this length in radians goes through about so many cells. Cells of order 0
-- are about 1.023 rad wide.
CREATE FUNCTION armillary.order_of_cells(cells integer, length double precision) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN length > 1e-9 THEN greatest(0, least(24, floor(log(2.0, (cells * 1.023 / length)::numeric))))::integer
            ELSE 24 END;

-- The order at which to look which cells of an order a region touches whose edge has this length.
CREATE FUNCTION armillary.finer_order("order" integer, cells integer, length double precision) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN greatest("order", least(greatest("order" + 4, armillary.order_of_cells(200, length)),
                               armillary.order_of_cells(cells, length)));

-- The cells that a polygon touches where pgSphere refuses it as concave: the tree of cells is followed down as far as
-- circles round cells touch it. No corner of a cell is farther from its centre than 1.07 rad / 2^order.
CREATE FUNCTION armillary.moc_of_concave("order" integer, finest integer, region spoly) RETURNS smoc
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    WITH RECURSIVE tree (depth, cell, is_whole) AS (
        SELECT 0, base, false FROM generate_series(0::bigint, 11) AS base
        UNION ALL
        SELECT depth + 1, child, circle <@ region
        FROM tree, generate_series(4 * cell, 4 * cell + 3) AS child,
             LATERAL (SELECT scircle(center_of_healpix_nest(depth + 1, child), 1.07 / 2 ^ (depth + 1))) AS c (circle)
        WHERE depth < finest AND NOT is_whole AND circle && region
    )
    SELECT smoc_degrade("order", armillary.moc_of_runs(finest, range_agg(
        int8range(cell << 2 * (29 - depth), (cell + 1) << 2 * (29 - depth)))))
    FROM tree WHERE is_whole OR depth = finest
$$;

-- The cells of an order, up to 24, that a region touches. pgSphere takes more: those that come near it; so it is asked for
-- smaller cells, as small as they need be for 200 along its edge, but not for more than some thousands.
CREATE FUNCTION armillary.moc_of_region("order" integer, region scircle) RETURNS smoc
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT smoc_degrade("order", smoc(armillary.finer_order("order", 20000, circum(region)), region))
$$;
CREATE FUNCTION armillary.moc_of_region("order" integer, region spoly) RETURNS smoc
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN smoc_degrade("order", smoc(armillary.finer_order("order", 20000, circum(region)), region));
EXCEPTION WHEN internal_error THEN
    RETURN armillary.moc_of_concave("order", armillary.finer_order("order", 2000, circum(region)), region);
END $$;

-- The cells that a region touches, of the order of a MOC that it is compared with, but not many thousands.
CREATE FUNCTION armillary.moc_beside(moc smoc, region scircle) RETURNS smoc
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT armillary.moc_of_region(least(max_order(moc), armillary.order_of_cells(5000, circum(region))), region)
$$;
CREATE FUNCTION armillary.moc_beside(moc smoc, region spoly) RETURNS smoc
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT armillary.moc_of_region(least(max_order(moc), armillary.order_of_cells(5000, circum(region))), region)
$$;
