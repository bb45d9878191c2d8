"""MOCs that a file has as texts (xtype moc, or by a description): checked, and written as MOC 2.0 has them."""

from collections.abc import Iterator

import pyarrow as pa

from schema import types
from schema.load.reader import FileColumn, LoadError, Reader
from schema.moc import MocError, parse_moc


def moc_columns(columns: tuple[FileColumn, ...], wanted_types: dict[str, str]) -> tuple[int, ...]:
    """Return the places of the columns whose texts are MOCs."""
    return tuple(
        place
        for place, column in enumerate(columns)
        if column.type.is_text and _is_moc(column, wanted_types.get(column.name)) and not column.problem
    )


def _is_moc(column: FileColumn, wanted_type: str | None) -> bool:
    return column.xtype == types.MOC.xtype if wanted_type is None else wanted_type.upper() == types.MOC.adql


class MocsReader:
    """A reader some of whose columns of texts hold MOCs; an empty text is none."""

    def __init__(self, reader: Reader, places: tuple[int, ...]) -> None:
        self._reader = reader
        self._places = places
        self.columns = reader.columns

    def batches(self) -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in self._reader.batches():
            columns = [
                self._read(column, place, rows) if place in self._places else column
                for place, column in enumerate(batch.columns)
            ]
            yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
            rows += batch.num_rows

    def _read(self, texts: pa.Array, place: int, rows: int) -> pa.Array:
        name = self.columns[place].name
        mocs = (_written(text, f"{name}, row {row}") for row, text in enumerate(texts.to_pylist(), rows + 1))
        return pa.array(mocs, pa.string())

    def fraction(self) -> float | None:
        return self._reader.fraction()


def _written(text: str | None, where: str) -> str | None:
    if not text or not text.strip():
        return None
    try:
        return str(parse_moc(text))
    except MocError as error:
        raise LoadError(f"column {where}: {text[:60]!r} is no MOC: {error}") from error
