"""Rows on the disk in the order of their index, so that those of any tile can be had at once: runs, each sorted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from tap.bulk.tiles import Indexes

_RUN_BYTES = 64 << 20


@dataclass
class SortedRuns:
    """Takes batches whose first column is the index, never NULL; `rows` have come. The files in `folder` are the caller's to remove."""

    folder: Path
    schema: pa.Schema
    run_bytes: int = _RUN_BYTES
    rows: int = 0
    _runs: list[Path] = field(default_factory=list)
    _waiting: list[pa.RecordBatch] = field(default_factory=list)
    _bytes: int = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._bytes += batch.nbytes
        self.rows += batch.num_rows
        if self._bytes >= self.run_bytes:
            self.end_run()

    def end_run(self) -> None:
        """Write what waits."""
        if not self._waiting:
            return
        run = _sorted(self._waiting)
        path = self.folder / f"run{len(self._runs):06}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, self.schema) as writer:
            writer.write_batch(run)
        self._runs.append(path)
        self._waiting, self._bytes = [], 0

    def rows_below(self, bounds: Indexes) -> Indexes:
        """Return how many rows have an index below each bound, shape (bounds,)."""
        counts = np.zeros(len(bounds), np.int64)
        for run in self._opened():
            counts += np.searchsorted(_indexes(run), bounds)
        return counts

    def between(self, first: int, stop: int) -> pa.RecordBatch:
        """Return the rows from one index up to but without another, sorted."""
        parts = []
        for run in self._opened():
            start, end = np.searchsorted(_indexes(run), np.array([first, stop], np.int64))
            if end > start:
                # Copied, so that the run need not stay open.
                parts.append(run.take(pa.array(np.arange(start, end))))
        return _sorted(parts)

    def _opened(self) -> Iterator[pa.RecordBatch]:
        for path in self._runs:
            with pa.memory_map(str(path)) as file:
                yield pa.ipc.open_file(file).get_batch(0)


def _indexes(batch: pa.RecordBatch) -> Indexes:
    return np.asarray(batch.column(0).to_numpy(), np.int64)


def _sorted(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    whole = batches[0] if len(batches) == 1 else pa.concat_batches(batches)
    order = np.argsort(_indexes(whole), kind="stable")
    return whole.take(pa.array(order))
