"""Rows of TABLEDATA → Arrow: cells of text, parsed column by column (VOTable 1.4 §5.1)."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schema import types
from schema.load.reader import ARROW_OF, LoadError
from schema.load.votable_field import VotableField, number

_TRUTH = {"t": True, "1": True, "true": True, "f": False, "0": False, "false": False, "?": None}
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6}\d*)?)?)?Z?", re.ASCII)
_CELLS = 100_000


class Cells:
    """Rows of text → batches. A cell that cannot be read is named by its row and column."""

    def __init__(self, fields: tuple[VotableField, ...]) -> None:
        self._fields = fields
        self.rows = 0

    def batch(self, columns: list[pa.Array]) -> pa.RecordBatch:
        """Return a batch of texts, given column by column. Raises: LoadError."""
        arrays = [self._column(field, texts) for field, texts in zip(self._fields, columns, strict=True)]
        self.rows += len(columns[0]) if columns else 0
        return pa.RecordBatch.from_arrays(arrays, names=[f.name for f in self._fields])

    def batches(self, rows: list[list[str]]) -> Iterator[pa.RecordBatch]:
        """Yield batches of rows, each a list of texts. Raises: LoadError."""
        step = max(1, _CELLS // max(1, len(self._fields)))
        for start in range(0, len(rows), step):
            yield self._batch(rows[start : start + step])

    def _batch(self, rows: list[list[str]]) -> pa.RecordBatch:
        count = len(self._fields)
        for row_number, row in enumerate(rows, self.rows + 1):
            if len(row) > count:
                raise LoadError(f"row {row_number}: {len(row)} cells for {count} columns")
        padded = [row if len(row) == count else row + [""] * (count - len(row)) for row in rows]
        return self.batch([pa.array(texts, pa.string()) for texts in zip(*padded, strict=True)])

    def _column(self, field: VotableField, texts: pa.Array) -> pa.Array:
        """Parse all cells at once.

        Where that fails, one after the other, which takes more forms and finds the wrong one.
        """
        if field.column.problem:
            return texts
        try:
            return _quickly(field, texts)
        except (pa.ArrowException, NotImplementedError):
            values = [self._cell(field, text, row) for row, text in enumerate(texts.to_pylist(), self.rows + 1)]
        try:
            return pa.array(values, ARROW_OF[field.type])
        except (pa.ArrowException, OverflowError) as error:
            raise LoadError(f"column {field.name}, from row {self.rows + 1} on: {error}") from error

    def _cell(self, field: VotableField, text: str, row: int) -> Any:
        try:
            return _parsed(field, text.strip())
        except (ValueError, KeyError) as error:
            kind = "timestamp" if field.type is types.TIMESTAMP else field.datatype
            raise LoadError(f"row {row}, column {field.name}: {text[:40]!r} is no {kind}") from error
        except LoadError as error:
            raise LoadError(f"row {row}, {error}") from error


def _quickly(field: VotableField, column: pa.Array) -> pa.Array:
    """Parse all cells of a column at once. Raises: ArrowInvalid, NotImplementedError."""
    if field.type.is_text:
        return _without(column, "")
    if field.type.is_array or field.type in {types.BOOLEAN, types.BYTES, types.TIMESTAMP}:
        raise NotImplementedError
    numbers = _without(pc.utf8_trim_whitespace(column), "").cast(ARROW_OF[field.type])
    if (
        field.datatype == "unsignedByte"
        and not pc.all(pc.and_(pc.greater_equal(numbers, 0), pc.less(numbers, 256))).as_py()
    ):
        raise NotImplementedError
    return numbers if field.null is None else _without(numbers, field.null)


def _without(column: pa.Array, missing: str | float) -> pa.Array:
    equal = pc.equal(column, missing)
    return pc.if_else(equal, pa.scalar(None, column.type), column) if pc.any(equal).as_py() else column


def _parsed(field: VotableField, text: str) -> Any:
    """Return the value of a cell. Raises: ValueError, KeyError."""
    if not text:
        return None
    if field.type is types.TIMESTAMP:
        return _moment(text)
    if field.type is types.BOOLEAN:
        return _TRUTH[text.lower()]
    if field.type is types.BYTES:
        return bytes(int(_number(field, word) or 0) for word in text.split())
    if field.type.is_array:
        return _elements(field, text.split())
    return _number(field, text)


def _elements(field: VotableField, texts: list[str]) -> list[float | None]:
    if field.count is not None and len(texts) != field.count:
        raise LoadError(
            f"column {field.name}: {len(texts)} values where arraysize {field.arraysize} needs {field.count}"
        )
    if field.type is types.BOOLEANS:
        return [_TRUTH[text.lower()] for text in texts]
    return [_number(field, text) for text in texts]


def _number(field: VotableField, text: str) -> float | None:
    value = number(text, field.datatype)
    if field.datatype == "unsignedByte" and not 0 <= value < 256:
        raise ValueError(text)
    return None if value == field.null else value


def _moment(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    seconds, dot, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(seconds + dot + fraction[:6].ljust(6, "0") if dot else seconds)
