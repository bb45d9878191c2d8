-- The MOC of the cell of an order, 0 to 29, that a position is in. pgSphere makes it faster where it knows the cell
-- (0025_healpix.sql).
CREATE FUNCTION armillary.moc_of_point("order" integer, p spoint) RETURNS smoc
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN abs(lat(p)) > 0.7297276562269663
                     AND (abs(sin(2 * long(p))) < 4e-9 OR abs(lat(p)) > 1.5707963)
                THEN ("order"::text || '/' || armillary.healpix_nest("order", p)::text)::smoc
                ELSE smoc("order", p) END
$$;
