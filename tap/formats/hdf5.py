"""HDF5: one compound dataset, `table`, and beside it the description of its columns that astropy reads.

HDF5 knows no NULL: a column `x` that has some is followed by `x.mask`. Booleans in arrays are numbers of a byte, the least of
which is NULL. As texts need a width, rows wait
in a file until all are there; so a result is whole or there is none.
"""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schema import types
from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block
from tap.formats.arrow_columns import ArrowColumns, longest_text, text_offsets
from tap.formats.ecsv import column_in_yaml, item_in_yaml, one_or_all
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.layout import move
from tap.formats.metadata import FieldMetadata, fields, infos_by_name
from uws.parameters import ParameterError

AVAILABLE = find_spec("h5py") is not None
_LONGEST = 1024
"""Bytes of the longest text that every row gets the room for."""
_PIECE = 256 * 1024
_MASKED = (
    "{{__class__: astropy.table.column.MaskedColumn, data: !astropy.table.SerializedColumn {{name: {0}}},"
    " mask: !astropy.table.SerializedColumn {{name: {1}}}}}"
)


class Hdf5Writer(Writer):
    def __init__(self, header: Header) -> None:
        self._header = header
        self._fields = fields(header.outputs)
        self._columns = ArrowColumns(self._fields, {}, times_as_text=True)
        self._widths = [1] * len(self._fields)
        self._has_null = [False] * len(self._fields)
        self._count = 0
        self._spool = header.room.file()
        self._stream = pa.ipc.new_stream(self._spool, self._columns.schema)

    def rows(self, block: Block) -> bytes:
        self._header.room.check()
        batch = self._columns.batch(block)
        self._count += batch.num_rows
        for index, column in enumerate(batch.columns):
            self._has_null[index] |= column.null_count > 0
            if pa.types.is_string(column.type):
                self._widths[index] = max(self._widths[index], longest_text(column))
        self._stream.write_batch(batch)
        return b""

    def footer(self, end: Ending) -> Iterator[bytes]:
        self._stream.close()
        self._spool.seek(0)
        with self._header.room.file() as file:
            self._write(file, overflow=end.overflow)
            file.seek(0)
            while piece := file.read(_PIECE):
                yield piece

    def close(self) -> None:
        self._spool.close()

    def _write(self, file: IO[bytes], *, overflow: bool) -> None:
        import h5py

        kind = self._kind()
        with h5py.File(file, "w") as hdf5:
            try:
                table = hdf5.create_dataset("table", (self._count,), kind)
            except ValueError:
                raise ParameterError("HDF5 cannot hold a table of so many columns; Parquet and VOTable can") from None
            start = 0
            for batch in pa.ipc.open_stream(self._spool):
                table[start : start + batch.num_rows] = self._compound(batch, kind)
                start += batch.num_rows
            lines = [line.encode() for line in self._description(overflow=overflow)]
            hdf5.create_dataset("table.__table_column_meta__", data=lines)

    def _kind(self) -> np.dtype[Any]:
        import h5py

        kinds: list[Any] = []
        for field, (name, column, width, mask) in zip(self._fields, self._named(), strict=True):
            shape = field.shape if field.type.is_array else ()
            if pa.types.is_list(column.type):
                kinds.append((name, h5py.vlen_dtype(_element_kind(column.type))))
            elif pa.types.is_fixed_size_list(column.type):
                shape = shape or (column.type.list_size,)
                kinds.append((name, _element_kind(column.type), shape))
            elif pa.types.is_binary(column.type):
                kinds.append((name, h5py.vlen_dtype(np.uint8)))
            elif pa.types.is_string(column.type):
                kinds.append((name, h5py.string_dtype() if width > _LONGEST else h5py.string_dtype(length=width)))
            else:
                kinds.append((name, column.type.to_pandas_dtype()))
            if mask:
                kinds.append((mask, "?", shape))
        return np.dtype(kinds)

    def _named(self) -> Iterator[tuple[str, pa.Field, int, str | None]]:
        """Yield each column with the name of its mask, where it needs one."""
        for column, width, has_null in zip(self._columns.schema, self._widths, self._has_null, strict=True):
            mask = f"{column.name}.mask"
            while mask in self._columns.schema.names:
                mask += "_"
            yield column.name, column, width, mask if has_null else None

    def _compound(self, batch: pa.RecordBatch, kind: np.dtype[Any]) -> npt.NDArray[Any]:
        rows = np.zeros(batch.num_rows, kind)
        for (name, _, width, mask), values in zip(self._named(), batch.columns, strict=True):
            rows[name] = (
                _values(values, width).reshape(rows[name].shape) if _is_fixed(values) else _values(values, width)
            )
            if mask:
                null = values.is_null().to_numpy(zero_copy_only=False)
                # One value for each element, as astropy wants it.
                rows[mask] = null.reshape(-1, *[1] * (rows[mask].ndim - 1))
        return rows

    def _description(self, *, overflow: bool) -> Iterator[str]:
        """Yield the lines of the description, as astropy writes it (astropy.io.misc.hdf5)."""
        yield "datatype:"
        for field, (_, _, _, mask) in zip(self._fields, self._named(), strict=True):
            yield item_in_yaml(_column_in_yaml(field))
            if mask:
                yield item_in_yaml({"name": mask, "datatype": "bool"})
        yield "meta: !!omap"
        yield item_in_yaml({"QUERY_STATUS": "OVERFLOW" if overflow else "OK"})
        for name, values in infos_by_name(self._header).items():
            yield item_in_yaml({name: one_or_all(values)})
        masked = [(json.dumps(name), json.dumps(mask)) for name, _, _, mask in self._named() if mask]
        if masked:
            yield "- __serialized_columns__:"
            for name, mask in masked:
                yield f"    {name}: !astropy.table.SerializedColumn {_MASKED.format(name, mask)}"


def _column_in_yaml(field: FieldMetadata) -> dict[str, Any]:
    about = column_in_yaml(field)
    return about | {"subtype": about["subtype"].replace("bool", "int8")} if field.type is types.BOOLEANS else about


def _element_kind(list_: pa.DataType) -> Any:
    return np.int8 if pa.types.is_boolean(list_.value_type) else list_.value_type.to_pandas_dtype()


def _elements(list_: pa.Array) -> Any:
    """Return the elements of lists as numbers."""
    elements = list_.values
    if pa.types.is_boolean(elements.type):
        elements = elements.cast(pa.int8()).fill_null(-128)
    elif elements.null_count:
        elements = elements.fill_null(np.iinfo(elements.type.to_pandas_dtype()).min)
    return elements.to_numpy(zero_copy_only=False)


def _is_fixed(column: pa.Array) -> bool:
    return bool(pa.types.is_fixed_size_list(column.type))


def _values(column: pa.Array, width: int) -> Any:
    """Return values as numpy assigns them to a field; where NULL is, any at all."""
    if pa.types.is_string(column.type):
        return column.fill_null("").to_pylist() if width > _LONGEST else _texts(column, width)
    if _is_fixed(column):
        return _elements(column).reshape(len(column), -1)
    if pa.types.is_list(column.type) or pa.types.is_binary(column.type):
        return _pieces(column)
    filler = np.nan if pa.types.is_floating(column.type) else pa.scalar(0).cast(column.type)
    return column.fill_null(filler).to_numpy(zero_copy_only=False)


def _texts(column: pa.Array, width: int) -> npt.NDArray[Any]:
    offsets = text_offsets(column).astype(np.int64)
    out = np.zeros(len(column) * width, np.uint8)
    source = np.frombuffer(column.buffers()[2] or b"", np.uint8)
    move(out, np.arange(len(column)) * width, source, offsets[:-1], np.diff(offsets))
    return out.view(f"S{width}")


def _pieces(column: pa.Array) -> npt.NDArray[Any]:
    """Return an array of arrays, empty where NULL is; all of one type, since h5py takes that of the first for that of all."""
    out = np.empty(len(column), object)
    nothing = np.empty(0, np.uint8 if pa.types.is_binary(column.type) else _element_kind(column.type))
    for row, value in enumerate(column):
        if pa.types.is_binary(column.type):
            out[row] = np.frombuffer(value.as_py() or b"", np.uint8)
        else:
            out[row] = _elements(value) if value.is_valid else nothing
    return out


HDF5 = Format(
    name="HDF5",
    media_types=("application/x-hdf5",),
    aliases=("hdf5", "h5"),
    extension="h5",
    encoding=RowEncoding.BINARY,
    writer=Hdf5Writer,
)
