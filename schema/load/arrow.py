"""Arrow's own files and streams (Feather 2 among them); units and the rest from the columns' metadata."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from schema.load.parquet import described
from schema.load.reader import LoadError, Reader

_FILE, _STREAM = b"ARROW1", b"\xff\xff\xff\xff"


class ArrowReader:
    def __init__(self, path: Path) -> None:
        self._source = pa.OSFile(str(path))
        self._size = max(1, self._source.size())
        head = self._source.read(len(_FILE))
        self._source.seek(0)
        self._is_file = head == _FILE
        self._reader = pa.ipc.open_file(self._source) if self._is_file else pa.ipc.open_stream(self._source)
        self.columns = tuple(described(field) for field in self._reader.schema)

    def batches(self) -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(self._batches(), 1):
            try:
                batch.validate(full=True)
            except pa.ArrowException as error:
                raise LoadError(f"batch {number} is broken: {error}") from error
            yield batch

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if self._is_file:
            return (self._reader.get_batch(index) for index in range(self._reader.num_record_batches))
        return iter(self._reader)

    def fraction(self) -> float | None:
        return float(min(1.0, self._source.tell() / self._size))


class ArrowFormat:
    name = "Arrow"

    def reads(self, path: Path, head: bytes) -> bool:
        return head.startswith((_FILE, _STREAM))

    def open(self, path: Path, wanted_types: dict[str, str]) -> Reader:
        return ArrowReader(path)


ARROW = ArrowFormat()
