-- The centre of mass of a polygon's surface: its direction is the sum, over the sides, of the normal of the side's plane
-- times the length of the side. Of the two parts of the sky that a polygon divides, it is that where its vertices are.
CREATE FUNCTION armillary.centroid(polygon spoly) RETURNS spoint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    v double precision[] := armillary.vertices(polygon);
    x double precision[];
    y double precision[];
    z double precision[];
    normal double precision[];
    sine double precision;
    total double precision[] := '{0, 0, 0}';
    j integer;
BEGIN
    FOR i IN 1..array_length(v, 1) BY 2 LOOP
        x := x || cosd(v[i]) * cosd(v[i + 1]);
        y := y || sind(v[i]) * cosd(v[i + 1]);
        z := z || sind(v[i + 1]);
    END LOOP;
    FOR i IN 1..array_length(x, 1) LOOP
        j := i % array_length(x, 1) + 1;
        normal := ARRAY[y[i] * z[j] - z[i] * y[j], z[i] * x[j] - x[i] * z[j], x[i] * y[j] - y[i] * x[j]];
        sine := sqrt(normal[1] ^ 2 + normal[2] ^ 2 + normal[3] ^ 2);
        CONTINUE WHEN sine = 0;
        FOR k IN 1..3 LOOP
            total[k] := total[k] + normal[k] * atan2(sine, x[i] * x[j] + y[i] * y[j] + z[i] * z[j]) / sine;
        END LOOP;
    END LOOP;
    IF (SELECT sum(total[1] * vx + total[2] * vy + total[3] * vz) FROM unnest(x, y, z) AS vertices (vx, vy, vz)) < 0 THEN
        total := ARRAY[-total[1], -total[2], -total[3]];
    END IF;
    RETURN spoint(atan2(total[2], total[1]), atan2(total[3], sqrt(total[1] ^ 2 + total[2] ^ 2)));
END $$;
