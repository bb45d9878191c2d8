"""Answers by brute force: geometry on the sphere with numpy, and small tables put into the service.

Nothing here is taken from the house but the loader. Angles are in degrees; NaN stands for NULL.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from schema.description import ColumnDescription, Description, TableDescription
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.config import Config
from tap.engine import database

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]
_PI = 4 * np.arctan(np.longdouble(1))
Vertices = Sequence[tuple[float, float]]


# ---- tables


def put(
    config: Config,
    folder: Path,
    name: str,
    columns: Mapping[str, Any],
    *,
    units: Mapping[str, str] | None = None,
    ucds: Mapping[str, str] | None = None,
    position: tuple[str, str] | None = None,
) -> None:
    """Loads `answers.<name>` from a Parquet file, as an operator would."""
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table({key: pa.array(values, from_pandas=True) for key, values in columns.items()}), path)
    ra, dec = position or (None, None)
    units, ucds = units or {}, ucds or {}
    described = {key: ColumnDescription(unit=units.get(key), ucd=ucds.get(key)) for key in columns}
    description = Description(TableDescription(ra=ra, dec=dec), columns=described)
    with database.owner_connection(config) as connection:
        load_table(connection, open_file(path), f"answers.{name}", description)


def take_away(config: Config, *names: str) -> None:
    """Drops what `put` loaded, so that other tests see the sample only."""
    with database.owner_connection(config) as connection:
        for name in names:
            unpublish_table(connection, f"answers.{name}", drop=True)


# ---- vectors


def vectors(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Floats:
    """Unit vectors, along a last axis of three."""
    a, d = np.radians(np.asarray(lon, float)), np.radians(np.asarray(lat, float))
    found: Floats = np.stack(np.broadcast_arrays(np.cos(a) * np.cos(d), np.sin(a) * np.cos(d), np.sin(d)), axis=-1)
    return found


def directions(v: Floats) -> tuple[Floats, Floats]:
    """Longitude (0 to 360) and latitude of vectors."""
    lon = np.degrees(np.arctan2(v[..., 1], v[..., 0])) % 360
    return lon, np.degrees(np.arctan2(v[..., 2], np.hypot(v[..., 0], v[..., 1])))


def columns(vertices: Vertices) -> tuple[Floats, Floats]:
    """All longitudes, all latitudes."""
    pairs = np.asarray(vertices, float)
    return pairs[:, 0], pairs[:, 1]


def between_vectors(a: Floats, b: Floats) -> Floats:
    found: Floats = np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(axis=-1)))
    return found


def separation(lon1: npt.ArrayLike, lat1: npt.ArrayLike, lon2: npt.ArrayLike, lat2: npt.ArrayLike) -> Floats:
    return between_vectors(vectors(lon1, lat1), vectors(lon2, lat2))


def scattered(count: int, seed: int) -> tuple[Floats, Floats]:
    """Points evenly over the whole sphere."""
    random = np.random.default_rng(seed)
    return random.uniform(0, 360, count), np.degrees(np.arcsin(random.uniform(-1, 1, count)))


# ---- what is inside


def in_circle(lon: Floats, lat: Floats, circle: tuple[float, float, float]) -> Truths:
    return np.asarray(separation(lon, lat, circle[0], circle[1]) <= circle[2])


def in_box(lon: Floats, lat: Floats, box: tuple[float, float, float, float]) -> Truths:
    """In the plane that touches the sphere at the centre, the box is a rectangle round it (ADQL 2.1 §4.2.9)."""
    a, d = np.radians(box[0]), np.radians(box[1])
    east = np.array([-np.sin(a), np.cos(a), 0])
    north = np.array([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)])
    v = vectors(lon, lat)
    depth = v @ vectors(box[0], box[1])
    x, y = (v @ east) / depth, (v @ north) / depth
    half_width, half_height = np.tan(np.radians(box[2] / 2)), np.tan(np.radians(box[3] / 2))
    return np.asarray((depth > 0) & (np.abs(x) <= half_width) & (np.abs(y) <= half_height))


def box_vertices(box: tuple[float, float, float, float]) -> list[tuple[float, float]]:
    a, d = np.radians(box[0]), np.radians(box[1])
    east = np.array([-np.sin(a), np.cos(a), 0])
    north = np.array([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)])
    x, y = np.tan(np.radians(box[2] / 2)), np.tan(np.radians(box[3] / 2))
    centre = vectors(box[0], box[1])
    corners = [centre + p * x * east + q * y * north for p, q in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return [(float(lon), float(lat)) for lon, lat in map(directions, corners)]


def in_polygon(lon: Floats, lat: Floats, vertices: Vertices) -> Truths:
    """By the turns that the outline makes round the point; for polygons within 90 degrees of their middle."""
    corners = vectors(*np.transpose(vertices))
    v = vectors(lon, lat)
    turned = np.zeros(v.shape[:-1])
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        from_a, from_b = np.cross(v, a), np.cross(v, b)
        sine = (np.cross(from_a, from_b) * v).sum(axis=-1)
        turned += np.arctan2(sine, (from_a * from_b).sum(axis=-1))
    return np.asarray((np.abs(turned) > np.pi) & (v @ corners.sum(axis=0) > 0))


def to_sides(lon: npt.ArrayLike, lat: npt.ArrayLike, vertices: Vertices) -> Floats:
    """How far points are from the outline of a polygon."""
    corners = vectors(*np.transpose(vertices))
    v = vectors(lon, lat)
    nearest = np.full(v.shape[:-1], 360.0)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        normal = np.cross(a, b) / np.linalg.norm(np.cross(a, b))
        foot = v - (v @ normal)[..., None] * normal
        beside = ((np.cross(a, foot) @ normal) >= 0) & ((np.cross(foot, b) @ normal) >= 0)
        to_line = np.degrees(np.arcsin(np.clip(np.abs(v @ normal), 0, 1)))
        to_ends = np.minimum(between_vectors(v, a), between_vectors(v, b))
        nearest = np.minimum(nearest, np.where(beside, to_line, to_ends))
    return nearest


# ---- what overlaps


def circles_meet(a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
    return bool(separation(a[0], a[1], b[0], b[1]) <= a[2] + b[2])


def circle_meets_polygon(circle: tuple[float, float, float], vertices: Vertices) -> bool:
    lon, lat = np.array(circle[0]), np.array(circle[1])
    return bool(in_polygon(lon, lat, vertices)) or bool(to_sides(lon, lat, vertices) <= circle[2])


def polygons_meet(a: Vertices, b: Vertices) -> bool:
    """Points along all sides, and of the insides: is one of them in the other?"""
    return bool(in_polygon(*_outline(a), b).any() or in_polygon(*_outline(b), a).any())


def polygon_inside(a: Vertices, b: Vertices) -> bool:
    """Whether all of `a`'s outline is in `b`, which must have no holes."""
    return bool(in_polygon(*_outline(a), b).all())


def _outline(vertices: Vertices, steps: int = 500) -> tuple[Floats, Floats]:
    corners = vectors(*np.transpose(vertices))
    part = np.linspace(0, 1, steps)[:, None]
    sides = [a * (1 - part) + b * part for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    return directions(np.concatenate(sides))


def area(vertices: Vertices) -> float:
    """By Girard's theorem in long doubles: the sum of the angles less that of a flat polygon, in square degrees."""
    a, d = np.transpose(vertices).astype(np.longdouble) * _PI / 180
    corners = np.stack([np.cos(a) * np.cos(d), np.sin(a) * np.cos(d), np.sin(d)], axis=-1)
    total = np.longdouble(0)
    count = len(corners)
    for i in range(count):
        before, here, after = corners[i - 1], corners[i], corners[(i + 1) % count]
        from_before, to_after = np.cross(here, before), np.cross(here, after)
        sine = np.dot(np.cross(to_after, from_before), here)
        total += np.arctan2(sine, np.dot(from_before, to_after)) % (2 * _PI)
    inside = total - (count - 2) * _PI
    outside = (2 * count * _PI - total) - (count - 2) * _PI
    return float(min(inside, outside) * (180 / _PI) ** 2)


def chosen(ids: Iterable[int], truths: Truths) -> list[int]:
    """The ids whose truth is true, as a query that asks for them in their order gives them."""
    return sorted(int(each) for each, true in zip(ids, truths, strict=True) if true)
