"""Which worker has which cells, as Citus has placed them."""

from dataclasses import dataclass
from itertools import groupby

from psycopg import sql

from tap.engine.engine import Session
from tap.sharding.moc import moc_of
from tap.sharding.model import CellRange

UNKNOWN = "?"
"""The worker of shards on a node that was not made known by armillary shards init."""
_READ = "SELECT cell, shard_name FROM armillary.cells_of_workers(%s, %s) ORDER BY cell"


@dataclass(frozen=True, slots=True)
class CellsOfWorkers:
    """Runs of cells of `order`, each on one worker."""

    order: int
    runs: tuple[CellRange, ...]

    @property
    def workers(self) -> frozenset[str]:
        return frozenset(run.shard for run in self.runs)

    def sky(self, workers: tuple[str, ...]) -> str:
        """Return as a MOC what these have."""
        return moc_of(tuple(run for run in self.runs if run.shard in workers), self.order)

    def condition_without(self, workers: tuple[str, ...]) -> str:
        """Return SQL of an array of the cells that the others have: Citus asks only workers that have some of them."""
        kept = (cell for run in self.runs if run.shard not in workers for cell in range(run.first, run.stop))
        return f"'{{{','.join(map(str, kept))}}}'::integer[]"


def cells_of_workers(session: Session, parts: tuple[str, ...], order: int) -> CellsOfWorkers:
    """Raises: psycopg.Error."""
    name = sql.Identifier(*parts).as_string()
    records = session.records(_READ, (name, 12 * 4**order))
    # Of one that is not known here nobody can say whether it is there.
    records = [(cell, worker or UNKNOWN) for cell, worker in records]
    runs = [list(run) for _, run in groupby(records, key=lambda record: record[1])]
    return CellsOfWorkers(order, tuple(CellRange(run[0][0], run[-1][0] + 1, run[0][1], "") for run in runs))
