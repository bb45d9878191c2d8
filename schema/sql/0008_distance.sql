-- Distances on the sky in degrees, right to 1e-15 rad at any separation. pgSphere's operator <-> takes everything
-- below 1e-9 rad (0.2 mas) for zero, and so do its conditions: an index finds the rows, these decide (docs/adr/0013).

-- Of two positions in degrees: sine and cosine of half the distance, each from its own sum, so that neither small
-- distances nor nearly opposite points lose digits; cosd is 0 at the poles, where cos is not. Squares of less than
-- 1e-200 would end the query as underflow.
CREATE FUNCTION armillary.distance(
    ra1 double precision, dec1 double precision, ra2 double precision, dec2 double precision
) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN degrees(2 * atan2(
    sqrt(CASE WHEN abs(dec2 - dec1) > 1e-100 THEN power(sin(radians(dec2 - dec1) / 2), 2) ELSE 0 END
         + abs(cosd(dec1) * cosd(dec2))
           * CASE WHEN abs(ra2 - ra1) > 1e-100 THEN power(sin(radians(ra2 - ra1) / 2), 2) ELSE 0 END),
    sqrt(CASE WHEN abs(dec1 + dec2) > 1e-100 THEN power(sin(radians(dec1 + dec2) / 2), 2) ELSE 0 END
         + abs(cosd(dec1) * cosd(dec2)) * power(cos(radians(ra2 - ra1) / 2), 2))
));

CREATE FUNCTION armillary.distance(p spoint, q spoint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN armillary.distance(degrees(long(p)), degrees(lat(p)), degrees(long(q)), degrees(lat(q)));

-- Whether a point lies in a circle, boundary included: 1e-15 rad (6e-14 degrees) is what positions are good for.
CREATE FUNCTION armillary.in_circle(p spoint, c scircle) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN armillary.distance(p, center(c)) <= degrees(radius(c)) + 6e-14;
