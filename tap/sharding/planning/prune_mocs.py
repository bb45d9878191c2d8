"""A search in a MOC, in a table on shards → also in the cells that the MOC touches."""

import numpy as np
import numpy.typing as npt
from cdshealpix.nested import neighbours

from adql import nodes
from adql.literal_mocs import literal_moc
from adql.nodes import And, Condition
from schema.moc import DEEPEST, Moc
from tap.sharding.planning.cell_sets import Partitionings, cell_condition
from tap.sharding.planning.prune_cones import runs_of_cells, table_of

_WIDEST = 0.5
"""Of the sky."""
_NARROWEST = 35.0
"""Degrees, divided by 2^order: what is closer than that to a cell lies in one of its neighbours, if not in itself."""


def prune_moc(partitionings: Partitionings, condition: Condition) -> Condition:
    if not isinstance(condition, nodes.Inside):
        return condition
    table, moc = table_of(condition.point, partitionings), literal_moc(condition.region)
    if table is None or moc is None or moc.fraction > _WIDEST:
        return condition
    alias, partitioning = table
    if partitioning.margin > _NARROWEST / 2**partitioning.order:
        return condition
    cells = runs_of_cells(_with_neighbours(moc, partitioning.order))
    added = cell_condition(alias, partitioning, cells)
    return And((condition, added), span=condition.span, info=condition.info) if added else condition


def _with_neighbours(moc: Moc, order: int) -> npt.NDArray[np.uint64]:
    """Return the cells of an order that a MOC touches, and their neighbours, as a row on an edge may lie in either; sorted.

    An empty MOC is taken for a cell, since there must be some.
    """
    shift = 2 * (DEEPEST - order)
    runs = [np.arange(first >> shift, beyond >> shift) for first, beyond in moc.degraded(order).runs]
    cells = np.concatenate(runs) if runs else np.zeros(1, np.int64)
    around = np.unique(neighbours(cells.astype(np.uint64), order))
    return around[around >= 0].astype(np.uint64)
