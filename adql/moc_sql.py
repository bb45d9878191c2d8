"""SQL of what is in a MOC, or touches one; an index on positions serves that a point is in one that is known.

A point is looked up among runs of cells, as pgSphere 1.2.0 does not find all points of a MOC of many cells
(schema/sql/0019_moc.sql). A region is compared by the cells that it touches, of the order of the MOC: as the MOC is made of
whole cells of that order, this is what the geometry itself would say.
"""

from adql.literal_mocs import cells_touched, highest_order, literal_moc, literal_region
from adql.moc_cones import Cone, cones_round
from adql.nodes import Value
from schema import types
from schema.moc import DEEPEST, Moc

_MOST_ON_EDGE = 5000
"""Cells along the edge of a region that is compared with a MOC; smaller ones than these are not asked for."""


def moc_sql(moc: Moc) -> str:
    return f"smoc '{moc}'"


def inside_moc_sql(inner: Value, outer: Value, sql: tuple[str, str]) -> str:
    """Return SQL of a point, a region or a MOC being in a MOC."""
    if inner.type is types.POINT:
        moc = literal_moc(outer)
        return (
            f"({sql[1]} @> armillary.moc_of_point({DEEPEST}, {sql[0]}))" if moc is None else _point_in_moc(sql[0], moc)
        )
    if inner.type is types.MOC:
        return _moc_in_moc(inner, outer, sql)
    return f"({_cells_beside(inner, outer, sql)} <@ {sql[1]})"


def _moc_in_moc(inner: Value, outer: Value, sql: tuple[str, str]) -> str:
    """Return the operator, for an index on MOCs, where the first one is not empty or the second no column.

    That index finds no MOC in which an empty one is, though all have none of its cells less.
    """
    known = literal_moc(inner)
    if literal_moc(outer) is not None or (known is not None and known.runs):
        return f"({sql[0]} <@ {sql[1]})"
    return f"smoc_subset_smoc({sql[0]}, {sql[1]})"


def overlaps_moc_sql(left: Value, right: Value, sql: tuple[str, str]) -> str:
    """Return SQL of a MOC and a region, or another MOC, having a cell in common."""
    if right.type is not types.MOC:
        left, right, sql = right, left, (sql[1], sql[0])
    cells = sql[0] if left.type is types.MOC else _cells_beside(left, right, sql)
    return f"({cells} && {sql[1]})"


def _point_in_moc(point: str, moc: Moc) -> str:
    runs = ",".join(f"[{first},{beyond})" for first, beyond in moc.runs)
    exact = f"'{{{runs}}}'::int8multirange @> armillary.healpix_nest({DEEPEST}, {point})"
    cones = cones_round(moc)
    if cones is None:
        return f"({exact})"
    near = " OR ".join(f"{point} <@ {_circle_sql(cone)}" for cone in cones)
    return f"(({near}) AND {exact})"


def _circle_sql(cone: Cone) -> str:
    lon, lat, radius = cone
    return f"scircle '<({lon!r}d,{lat!r}d),{radius!r}d>'"


def _cells_beside(region: Value, moc: Value, sql: tuple[str, str]) -> str:
    """Return the cells that a region touches, of the order of the MOC that it is compared with, or finer ones.

    Of a MOC of whole cells these say the same. One value for all rows is what an index on MOCs serves.
    """
    known = literal_region(region)
    if known is None:
        return f"armillary.moc_beside({sql[1]}, {sql[0]})"
    cells = cells_touched(known, highest_order(known, _MOST_ON_EDGE))
    other = literal_moc(moc)
    return moc_sql(cells.degraded(other.order) if other else cells)
