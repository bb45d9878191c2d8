"""Rows of TABLEDATA → Arrow: cells of text, parsed column by column (VOTable 1.4 §5.1)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schema import types
from schema.load.reader import ARROW_OF, LoadError
from schema.load.votable_binary import moments
from schema.load.votable_field import Field

_TRUTH = {"t": True, "1": True, "true": True, "f": False, "0": False, "false": False, "?": None}


class Cells:
    """Rows of text → batches. A cell that cannot be read is named by its row and column."""

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self._fields = fields
        self.rows = 0

    def batch(self, rows: list[list[str]]) -> pa.RecordBatch:
        """Raises: LoadError."""
        count = len(self._fields)
        for number, row in enumerate(rows, self.rows + 1):
            if len(row) > count:
                raise LoadError(f"row {number}: {len(row)} cells for {count} columns")
            if len(row) < count:
                row.extend([""] * (count - len(row)))
        arrays = [
            self._column(field, list(texts)) for field, texts in zip(self._fields, zip(*rows, strict=True), strict=True)
        ]
        self.rows += len(rows)
        return pa.RecordBatch.from_arrays(arrays, names=[f.name for f in self._fields])

    def _column(self, field: Field, texts: list[str]) -> pa.Array:
        """All cells at once; where that fails one after the other, which takes more forms and finds the wrong one."""
        try:
            return _quickly(field, texts)
        except (pa.ArrowException, NotImplementedError):
            values = [self._cell(field, text, row) for row, text in enumerate(texts, self.rows + 1)]
        try:
            return pa.array(values, ARROW_OF[field.type])
        except (pa.ArrowException, OverflowError) as error:
            raise LoadError(f"column {field.name}, from row {self.rows + 1} on: {error}") from error

    def _cell(self, field: Field, text: str, row: int) -> Any:
        try:
            return _parsed(field, text.strip())
        except (ValueError, KeyError) as error:
            raise LoadError(f"row {row}, column {field.name}: {text[:40]!r} is no {field.datatype}") from error


def _quickly(field: Field, texts: list[str]) -> pa.Array:
    """Raises: ArrowInvalid, NotImplementedError."""
    column = pa.array(texts, pa.string())
    if field.type.is_text:
        return _without(column, "")
    if field.type.is_array or field.type in {types.BOOLEAN, types.BYTES}:
        raise NotImplementedError
    column = _without(pc.utf8_trim_whitespace(column), "")
    if field.null is not None:
        column = _without(column, field.null)
    return moments(column) if field.type is types.TIMESTAMP else column.cast(ARROW_OF[field.type])


def _without(column: pa.Array, missing: str) -> pa.Array:
    equal = pc.equal(column, missing)
    return pc.if_else(equal, pa.scalar(None, pa.string()), column) if pc.any(equal).as_py() else column


def _parsed(field: Field, text: str) -> Any:
    if not text or text == field.null:
        return None
    if field.type is types.TIMESTAMP:
        return datetime.fromisoformat(text.removesuffix("Z"))
    if field.type is types.BOOLEAN:
        return _TRUTH[text.lower()]
    if field.type is types.BYTES:
        return bytes(int(each, 0) for each in text.split())
    number: Callable[[str], Any] = float if field.datatype in {"float", "double"} else _whole
    return [number(each) for each in text.split()] if field.type.is_array else number(text)


def _whole(text: str) -> int:
    return int(text, 16) if text.lower().startswith("0x") else int(text)
