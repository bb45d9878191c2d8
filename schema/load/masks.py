"""Masked columns as astropy writes them: the values in one column and, in another of booleans, which of them are missing."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schema.load.reader import FileColumn, Reader

_MASKED = "MaskedColumn"


def masks_of(meta: object) -> dict[str, str]:
    """Return the name of each masked column's mask, by the `__serialized_columns__` of astropy's metadata."""
    serialized = meta.get("__serialized_columns__") if isinstance(meta, Mapping) else None
    if not isinstance(serialized, Mapping):
        return {}
    pairs = (_pair(column) for column in serialized.values() if isinstance(column, Mapping))
    return {values: mask for values, mask in pairs if values and mask}


def _pair(column: Mapping[str, Any]) -> tuple[str, str]:
    if not _text(column.get("__class__")).endswith(_MASKED):
        return "", ""
    values, mask = column.get("data"), column.get("mask")
    names = [_text(reference.get("name")) if isinstance(reference, Mapping) else "" for reference in (values, mask)]
    return names[0], names[1]


def _text(value: object) -> str:
    """Return a text as it is, nothing for what is none: structures may hold each other many times over."""
    return value if isinstance(value, str) else ""


class MaskedReader:
    """A reader without its masks, whose masked values are NULL."""

    def __init__(self, reader: Reader, masks: dict[str, str]) -> None:
        self._reader = reader
        places = {column.name: place for place, column in enumerate(reader.columns)}
        self._masks = {
            places[values]: places[mask] for values, mask in masks.items() if values in places and mask in places
        }
        hidden = set(self._masks.values())
        self._places = tuple(place for place in range(len(reader.columns)) if place not in hidden)
        self.columns: tuple[FileColumn, ...] = tuple(reader.columns[place] for place in self._places)

    def batches(self) -> Iterator[pa.RecordBatch]:
        for batch in self._reader.batches():
            columns = [self._unmasked(batch, place) for place in self._places]
            yield pa.RecordBatch.from_arrays(columns, names=[column.name for column in self.columns])

    def _unmasked(self, batch: pa.RecordBatch, place: int) -> pa.Array:
        values = batch.column(place)
        if place not in self._masks:
            return values
        return pc.if_else(batch.column(self._masks[place]), pa.scalar(None, values.type), values)

    def fraction(self) -> float | None:
        return self._reader.fraction()


def unmasked(reader: Reader, masks: dict[str, str]) -> Reader:
    return MaskedReader(reader, masks) if masks else reader
