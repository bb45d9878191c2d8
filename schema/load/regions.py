"""Geometries that a file has as texts, as TAP 1.0 did (xtype adql:REGION and adql:POINT, STC-S) → arrays of degrees."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import pyarrow as pa

from schema import types
from schema.load.reader import STC_XTYPES, FileColumn, LoadError, Reader
from schema.words import STC_FRAMES

_SHAPES = {"POSITION": "point", "POINT": "point", "CIRCLE": "circle", "POLYGON": "polygon", "BOX": "polygon"}
_COUNTS = {"POSITION": 2, "POINT": 2, "CIRCLE": 3, "BOX": 4}
_ARRAY = pa.list_(pa.float64())


def has_regions(columns: tuple[FileColumn, ...]) -> bool:
    return any(column.xtype in STC_XTYPES for column in columns)


class RegionsReader:
    """A reader whose columns of regions are arrays, under DALI's xtypes; all regions of a column are of one kind."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._batches = reader.batches()
        self._first = list(self._until_all_are_known())
        self.columns = tuple(self._column(column, place) for place, column in enumerate(reader.columns))

    def _until_all_are_known(self) -> Iterator[pa.RecordBatch]:
        """Yield the first batches, up to the one in which the last column of regions has its first one."""
        self._kinds: dict[int, str] = {}
        places = [place for place, column in enumerate(self._reader.columns) if column.xtype in STC_XTYPES]
        for batch in self._batches:
            for place in places:
                text = next((text for text in batch.column(place).to_pylist() if text and text.strip()), None)
                if text is not None:
                    self._kinds.setdefault(place, _shape(text, self._reader.columns[place].name)[0])
            yield batch
            if len(self._kinds) == len(places):
                return

    def _column(self, column: FileColumn, place: int) -> FileColumn:
        if place not in self._kinds:
            return replace(column, xtype=None)
        kind = self._kinds[place]
        size = {"point": "2", "circle": "3"}.get(kind)
        return replace(column, type=types.DOUBLES, xtype=kind, arraysize=size)

    def batches(self) -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in chain(self._first, self._batches):
            columns = [
                self._parsed(column, place, rows) if place in self._kinds else column
                for place, column in enumerate(batch.columns)
            ]
            yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
            rows += batch.num_rows

    def _parsed(self, texts: pa.Array, place: int, rows: int) -> pa.Array:
        name, kind = self._reader.columns[place].name, self._kinds[place]
        values: list[list[float] | None] = []
        for row, text in enumerate(texts.to_pylist(), rows + 1):
            if not text or not text.strip():
                values.append(None)
                continue
            shape, numbers = _shape(text, f"{name}, row {row}")
            if shape != kind:
                raise LoadError(f"column {name}, row {row}: a {shape} among regions that are {kind}s")
            values.append(numbers)
        return pa.array(values, _ARRAY)

    def fraction(self) -> float | None:
        return self._reader.fraction()


def _shape(text: str, where: str) -> tuple[str, list[float]]:
    """Return the kind of a region and its numbers in degrees. Raises: LoadError."""
    words = text.replace("(", " ").replace(")", " ").replace(",", " ").upper().split()
    word, arguments = (words[0], words[1:]) if words else ("", [])
    try:
        numbers = [float(argument) for argument in arguments if argument not in STC_FRAMES]
    except ValueError:
        numbers = []
    is_right = len(numbers) == _COUNTS[word] if word in _COUNTS else len(numbers) >= 6 and len(numbers) % 2 == 0
    if word not in _SHAPES or not is_right or not all(map(math.isfinite, numbers)):
        raise LoadError(
            f"column {where}: {text[:60]!r} is no region; CIRCLE ICRS ra dec radius, POLYGON, BOX and POSITION are known"
        )
    return _SHAPES[word], _corners(*numbers) if word == "BOX" else numbers


def _corners(ra: float, dec: float, width: float, height: float) -> list[float]:
    """Return the corners of the gnomonic rectangle round a centre, as ADQL 2.1 §4.2.9 has BOX."""
    a, d = math.radians(ra), math.radians(dec)
    p, q = math.tan(math.radians(width / 2)), math.tan(math.radians(height / 2))
    corners = []
    for x, y in ((-p, -q), (p, -q), (p, q), (-p, q)):
        cartesian = (
            math.cos(d) * math.cos(a) - x * math.sin(a) - y * math.sin(d) * math.cos(a),
            math.cos(d) * math.sin(a) + x * math.cos(a) - y * math.sin(d) * math.sin(a),
            math.sin(d) + y * math.cos(d),
        )
        corners += [
            math.degrees(math.atan2(cartesian[1], cartesian[0])) % 360,
            math.degrees(math.atan2(cartesian[2], math.hypot(cartesian[0], cartesian[1]))),
        ]
    return corners
