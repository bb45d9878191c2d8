"""Geometry on the sphere for constants: what pgSphere lacks or gets wrong. Angles in degrees unless said otherwise."""

import math
from itertools import pairwise

Vector = tuple[float, float, float]
Vertices = list[tuple[float, float]]


def vector(lon: float, lat: float) -> Vector:
    """Return the unit vector of a direction."""
    a, d = math.radians(lon), math.radians(lat)
    return math.cos(a) * math.cos(d), math.sin(a) * math.cos(d), math.sin(d)


def direction(v: Vector) -> tuple[float, float]:
    """Return longitude (0 to 360) and latitude of a vector of any length."""
    lon = math.degrees(math.atan2(v[1], v[0])) % 360.0
    return lon, math.degrees(math.atan2(v[2], math.hypot(v[0], v[1])))


def cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _sum(a: Vector, b: Vector) -> Vector:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def norm(a: Vector) -> float:
    return math.sqrt(dot(a, a))


def angle(a: Vector, b: Vector) -> float:
    """Return the angle between two vectors in radians; exact for small and for large angles."""
    return math.atan2(norm(cross(a, b)), dot(a, b))


def box_corners(lon: float, lat: float, width: float, height: float) -> Vertices:
    """Return the corners of a BOX: the gnomonic rectangle whose arms end at width/2 and height/2 (ADQL 2.1 §4.2.9)."""
    x, y = math.tan(math.radians(width / 2)), math.tan(math.radians(height / 2))
    centre = vector(lon, lat)
    a, d = math.radians(lon), math.radians(lat)
    east = (-math.sin(a), math.cos(a), 0.0)
    north = (-math.sin(d) * math.cos(a), -math.sin(d) * math.sin(a), math.cos(d))
    corners = ((-x, -y), (x, -y), (x, y), (-x, y))
    return [
        direction(
            (
                centre[0] + p * east[0] + q * north[0],
                centre[1] + p * east[1] + q * north[1],
                centre[2] + p * east[2] + q * north[2],
            )
        )
        for p, q in corners
    ]


def polygon_problem(vertices: Vertices) -> str | None:
    """Return why these vertices make no polygon, or None where they do."""
    points = [vector(*v) for v in without_closing(vertices)]
    if len({tuple(round(x, 14) for x in p) for p in points}) < 3:
        return "A POLYGON needs at least three different vertices"
    if any(angle(a, b) > math.pi - 1e-9 for a, b in zip(points, points[1:] + points[:1], strict=True)):
        return "Two vertices of the POLYGON are opposite to each other on the sky"
    if _crosses_itself(points):
        return "Two sides of the POLYGON cross each other"
    return None


def without_closing(vertices: Vertices) -> Vertices:
    """Return the vertices without a last one that repeats the first."""
    return vertices[:-1] if len(vertices) > 3 and vertices[0] == vertices[-1] else vertices


def _crosses_itself(points: list[Vector]) -> bool:
    count = len(points)
    if count > 200:
        return False
    sides = [(points[i], points[(i + 1) % count]) for i in range(count)]
    return any(
        _cross_each_other(sides[i], sides[j]) for i in range(count) for j in range(i + 2, count) if (j + 1) % count != i
    )


def _cross_each_other(first: tuple[Vector, Vector], second: tuple[Vector, Vector]) -> bool:
    (a, b), (c, d) = first, second
    ab, cd = cross(a, b), cross(c, d)
    straddle = dot(ab, c) * dot(ab, d) < 0 and dot(cd, a) * dot(cd, b) < 0
    meeting = cross(ab, cd)
    return straddle and dot(meeting, _sum(a, b)) * dot(meeting, _sum(c, d)) > 0


def polygon_area(vertices: Vertices) -> float:
    """Return the area in square degrees, from the vertices' triangles: no digits cancel as in sums of angles."""
    points = [vector(*v) for v in without_closing(vertices)]
    total = sum(_triangle(points[0], b, c) for b, c in pairwise(points[1:]))
    area = abs(total)
    return math.degrees(math.degrees(min(area, 4 * math.pi - area)))


def _triangle(a: Vector, b: Vector, c: Vector) -> float:
    """Return the signed solid angle of a triangle, in steradians."""
    # The sides' differences keep the digits that a triple product of near vectors would lose.
    ab = (b[0] - a[0], b[1] - a[1], b[2] - a[2])
    ac = (c[0] - a[0], c[1] - a[1], c[2] - a[2])
    return 2 * math.atan2(dot(a, cross(ab, ac)), 1 + dot(a, b) + dot(b, c) + dot(c, a))


def polygon_centre(vertices: Vertices) -> tuple[float, float]:
    """Return the direction of the centre of mass of the polygon's surface."""
    points = [vector(*v) for v in without_closing(vertices)]
    total = [0.0, 0.0, 0.0]
    for a, b in zip(points, points[1:] + points[:1], strict=True):
        normal = cross(a, b)
        length = norm(normal)
        if length:
            share = angle(a, b) / length
            total = [t + n * share for t, n in zip(total, normal, strict=True)]
    mean = (total[0], total[1], total[2])
    middle = (sum(p[0] for p in points), sum(p[1] for p in points), sum(p[2] for p in points))
    return direction(mean if dot(mean, middle) >= 0 else (-mean[0], -mean[1], -mean[2]))


def circle_round_range(lon1: float, lon2: float, lat1: float, lat2: float) -> tuple[float, float, float] | None:
    """Return a circle (centre and radius) that contains what lies between two longitudes and two latitudes.

    None for what needs more than a hemisphere, and may do so for what nearly does.
    """
    if lon2 - lon1 > 180:
        polar = 90 - lat1 if lat1 >= 0 else 90 + lat2
        return (0.0, 90.0 if lat1 >= 0 else -90.0, polar) if lat1 >= 0 or lat2 <= 0 else None
    centre = (lon1 + lon2) / 2, (lat1 + lat2) / 2
    # Within 90 degrees of longitude, no point between two latitudes is farther away than the nearer ends of its meridian.
    corners = [(lon, lat) for lon in (lon1, lon2) for lat in (lat1, lat2)] + [(centre[0], lat1), (centre[0], lat2)]
    return *centre, max(math.degrees(angle(vector(*centre), vector(*corner))) for corner in corners)
