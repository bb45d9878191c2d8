"""Arrow's own files and streams (Feather 2 among them); units and the rest from the columns' metadata."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from schema.load.arrow_messages import unpacked_bytes
from schema.load.parquet import described
from schema.load.reader import LoadError, Reader

_FILE, _STREAM = b"ARROW1", b"\xff\xff\xff\xff"
_BEHIND_MARK = 8
_BYTES = 16 << 20
"""Of the rows that are given at once."""


class ArrowReader:
    """Reads streams, and files as the streams that they are behind their first bytes.

    What is not packed is never read whole but lies in the file. `most_at_once` are bytes that may be unpacked at once,
    None for any.
    """

    def __init__(self, path: Path, most_at_once: int | None) -> None:
        self._most = sys.maxsize if most_at_once is None else most_at_once
        self._source, self._messages = (self._opened(path) for _ in range(2))
        self._size = max(1, self._source.size())
        self._reader = pa.ipc.open_stream(self._source)
        self.columns = tuple(described(field) for field in self._reader.schema)

    @staticmethod
    def _opened(path: Path) -> pa.MemoryMappedFile:
        source = pa.memory_map(str(path))
        is_file = source.read(len(_FILE)) == _FILE
        if is_file:
            source.seek(max(0, source.size() - len(_FILE)))
            if source.read() != _FILE:
                raise LoadError("the file breaks off: it does not end as Arrow's files do")
        source.seek(_BEHIND_MARK if is_file else 0)
        return source

    def batches(self) -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(self._batches(), 1):
            try:
                batch.validate(full=True)
            except pa.ArrowException as error:
                raise LoadError(f"batch {number} is broken: {error}") from error
            rows = max(1, batch.num_rows * _BYTES // max(1, batch.nbytes))
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches, each after a look at what it takes, dictionaries before it included."""
        for message in pa.ipc.MessageReader.open_stream(self._messages):
            if (size := unpacked_bytes(message)) > self._most:
                raise LoadError(f"a batch has {size:,} bytes unpacked; {self._most:,} are taken: write smaller batches")
            if message.type == "record batch":
                yield self._reader.read_next_batch()

    def fraction(self) -> float | None:
        return float(min(1.0, self._source.tell() / self._size))


class ArrowFormat:
    name = "Arrow"

    def reads(self, path: Path, head: bytes) -> bool:
        return head.startswith((_FILE, _STREAM))

    def open(self, path: Path, wanted_types: dict[str, str], most_at_once: int | None) -> Reader:
        return ArrowReader(path, most_at_once)


ARROW = ArrowFormat()
