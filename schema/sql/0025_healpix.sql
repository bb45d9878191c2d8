-- pgSphere 1.2 gives cells that are dozens of degrees away to positions in the polar caps that are within 1e-9 radians of a
-- longitude of 0, 90, 180 or 270 degrees, or of a pole. There the cell is computed from its definition (Górski et al. 2005).

CREATE FUNCTION armillary.polar_cell(cell_order integer, p spoint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    nside bigint := 1::bigint << cell_order;
    quarters double precision := long(p) / (pi() / 2);
    quarter integer := least(floor(quarters), 3);
    -- From the pole: sqrt(3 (1 - sin(lat))) without the loss of digits there.
    depth double precision := sqrt(6) * sin((pi() / 2 - abs(lat(p))) / 2) * nside;
    east bigint := least(nside - 1, floor((quarters - quarter) * depth));
    west bigint := greatest(0, least(nside - 1, floor((1 - (quarters - quarter)) * depth)));
    x bigint := CASE WHEN lat(p) >= 0 THEN nside - 1 - west ELSE east END;
    y bigint := CASE WHEN lat(p) >= 0 THEN nside - 1 - east ELSE west END;
    cell bigint := quarter + CASE WHEN lat(p) >= 0 THEN 0 ELSE 8 END;
BEGIN
    FOR bit IN REVERSE cell_order - 1..0 LOOP
        cell := 4 * cell + 2 * ((y >> bit) & 1) + ((x >> bit) & 1);
    END LOOP;
    RETURN cell;
END $$;

-- The HEALPix cell of an order, 0 to 29, that a position is in; NESTED.
CREATE FUNCTION armillary.healpix_nest(cell_order integer, p spoint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN abs(lat(p)) > 0.7297276562269663
                     AND (abs(sin(2 * long(p))) < 4e-9 OR abs(lat(p)) > 1.5707963)
                THEN armillary.polar_cell(cell_order, p)
                ELSE healpix_nest(cell_order, p) END
$$;
