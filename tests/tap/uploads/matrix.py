"""The matrix of types and formats: what is sent in, what each format can hold of it, and writers that are not our own."""

import io
import struct
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.table import MaskedColumn, Table

Values = list[Any]

# ---- what is sent in: an ordinary value, NULL, the greatest, the least, zero or nothing, and a NULL among the elements

NUMBERS = {"short": (15, "i2"), "int": (31, "i4"), "long": (63, "i8"), "float": (32, "f4"), "double": (64, "f8")}
FORMS = {"boolean": "L", "unsignedByte": "B", "short": "I", "int": "J", "long": "K", "float": "E", "double": "D"}
GEOMETRIES: dict[str, Values] = {
    "point": [[10.0, 20.0], None, [359.5, -89.0], [180.0, 45.0], [0.0, 0.0], [1.0, 2.0]],
    "circle": [[10.0, 20.0, 1.0], None, [359.5, -89.0, 90.0], [180.0, 45.0, 1e-3], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]],
    "polygon": [
        [9.0, 19.0, 11.0, 19.0, 10.0, 21.0],
        None,
        [1.0, 1.0, 2.0, 1.0, 2.0, 2.0, 1.0, 2.0],
        [350.0, -80.0, 10.0, -80.0, 0.0, -70.0],
        [0.0, 0.0, 1.0, 0.0, 0.0, 1.0],
        [5.0, 5.0, 6.0, 5.0, 5.0, 6.0],
    ],
}
TIMES = [
    datetime(2020, 1, 2, 3, 4, 5, 678901),
    None,
    datetime(9999, 12, 31, 23, 59, 59, 999999),
    datetime(1, 1, 1),
    datetime(2000, 1, 1),
    datetime(1969, 12, 31, 12),
]


@dataclass(frozen=True, slots=True)
class Kind:
    """A column under VOTable's words; `values` are plain Python, arrays flat lists in the order in which files have them."""

    name: str
    datatype: str
    arraysize: str | None
    xtype: str | None
    values: Values = field(repr=False)

    @property
    def is_text(self) -> bool:
        return self.datatype in {"char", "unicodeChar"} and self.xtype is None

    @property
    def is_time(self) -> bool:
        return self.xtype == "timestamp"

    @property
    def is_blob(self) -> bool:
        return (self.datatype, self.arraysize) == ("unsignedByte", "*")

    @property
    def is_geometry(self) -> bool:
        return self.xtype in GEOMETRIES

    @property
    def is_array(self) -> bool:
        return self.arraysize is not None and self.datatype in {*NUMBERS, "boolean"}

    @property
    def varies(self) -> bool:
        return self.arraysize == "*"

    @property
    def is_floating(self) -> bool:
        return self.datatype in {"float", "double"}

    @property
    def dtype(self) -> Any:
        return np.dtype({"boolean": "?", "unsignedByte": "u1"}.get(self.datatype) or NUMBERS[self.datatype][1])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a value of fixed shape, as numpy has it: the last runs fastest, in VOTable the first."""
        return () if self.arraysize in {None, "*"} else tuple(map(int, reversed(str(self.arraysize).split("x"))))

    @property
    def null(self) -> int:
        """A number that stands for NULL in files that need one."""
        return 99 if self.datatype == "unsignedByte" else -9999


def _extremes(datatype: str) -> tuple[float, float]:
    bits, dtype = NUMBERS[datatype]
    if dtype.startswith("i"):
        return 2**bits - 1, -(2**bits)
    return float(np.finfo(dtype).max), float(np.finfo(dtype).smallest_subnormal)


def _kinds() -> list[Kind]:
    scalars = [
        Kind("flag", "boolean", None, None, [True, None, False, True, False, True]),
        Kind("ubyte", "unsignedByte", None, None, [7, None, 255, 1, 0, 8]),
        Kind("ascii", "char", "*", None, ["a,b", None, 'say "x" <&>', "NULL", "", "\\N"]),
        Kind("wide", "unicodeChar", "*", None, ["Ωé", None, "𝄞🚀", "日本", "", "é"]),
        Kind("time", "char", "*", "timestamp", TIMES),
        Kind("blob", "unsignedByte", "*", None, [b"\0\1\xff", None, b"\xff", b"a", b"", bytes(range(24))]),
    ]
    numbers = []
    for name in NUMBERS:
        most, least = _extremes(name)
        numbers += [
            Kind(name, name, None, None, [7, None, most, least, 0, -1]),
            Kind(f"{name}s", name, "*", None, [[1, 2, 3], None, [most, 0, -most], [5], [], [1, None, 3]]),
            Kind(f"{name}s3", name, "3", None, [[1, 2, 3], None, [most, 0, -most], [4, 5, 6], [0] * 3, [1, None, 3]]),
            Kind(
                f"{name}s2x3",
                name,
                "3x2",
                None,
                [
                    [1, 2, 3, 4, 5, 6],
                    None,
                    [most, 1, 2, -most, 3, 4],
                    [6, 5, 4, 3, 2, 1],
                    [0] * 6,
                    [1, 2, None, 4, 5, 6],
                ],
            ),
        ]
    t, f = True, False
    flags = [
        Kind("flags", "boolean", "*", None, [[t, f, t], None, [f, t, f], [t], [], [t, None, f]]),
        Kind("flags3", "boolean", "3", None, [[t, f, t], None, [f, t, f], [t, t, f], [f] * 3, [t, None, f]]),
        Kind("flags2x3", "boolean", "3x2", None, [[t, f, t, t, f, f], None, [f] * 6, [t] * 6, [f, t] * 3, [t, f, None, t, t, f]]),
    ]  # fmt: skip
    sizes = {"point": "2", "circle": "3", "polygon": "*"}
    return [
        *scalars,
        *numbers,
        *flags,
        *(Kind(f"a_{n}", "double", sizes[n], n, values) for n, values in GEOMETRIES.items()),
    ]


KINDS = _kinds()
ROWS = len(TIMES)
IDS = list(range(ROWS))

# ---- the table of what formats cannot hold (docs/formats.md): everything else must come through

TEXTUAL = {"csv", "tsv"}


def _always(_: Kind) -> bool:
    return True


def _never(_: Kind) -> bool:
    return False


def _never_null(_: Kind, __: Any) -> bool:
    return False


def _is_void(kind: Kind, value: Any) -> bool:
    """Whether it is an array of fixed shape, all of whose elements are NULL."""
    elements = np.ravel(value).tolist() if kind.shape and isinstance(value, list) else [0]
    return all(each is None or each != each for each in elements)  # noqa: PLR0124


LEFT_OUT: dict[str, Callable[[Kind], bool]] = {
    # Delimited text has no types: what is not a scalar is a text to it.
    "csv": lambda kind: kind.is_array or kind.is_blob,
    "tsv": lambda kind: kind.is_array or kind.is_blob,
    # ECSV has no bytes.
    "ecsv": lambda kind: kind.is_blob,
}
"""What an input format has no form for."""
EMPTY_IS_NULL_IN: dict[str, Callable[[Kind], bool]] = {
    "votable/td": _always,
    "votable/b": _always,
    "fits": _always,
    # astropy writes "" for both.
    "ecsv": lambda kind: kind.is_text,
}
"""Input formats in which nothing and NULL are the same; then it is NULL."""
NULL_BY_ELEMENTS_IN = {"votable/b", "fits", "ecsv"}
"""Input formats that know no NULL of an array of fixed shape but that of all its elements; astropy writes ECSV so."""
FLAT_IN = {"parquet", "arrow file", "arrow stream"}
"""Input formats whose arrays have a length, and no more of a shape."""
SAYS_NULL = ["NULL", "null", "NaN", "nan", "--"]
"""Texts without quotes that are NULL in CSV and TSV of others (schema/load/csv.py); as our own results have no quotes, they
do not survive being sent in again. In ECSV only the empty cell is NULL."""

EMPTY_IS_NULL_OUT: dict[str, Callable[[Kind], bool]] = {
    "votable/td": _always,
    "votable/b": _always,
    "fits": _always,
    "html": _always,
    "text": _always,
    "ecsv": lambda kind: kind.is_text or kind.is_blob,
}
NULL_BY_ELEMENTS_OUT = {"votable/td", "votable/b", "fits"}
"""Output formats that write a NULL of fixed shape as an array of NULL elements; the others have a mask, or null."""
LEAST_IS_NULL = {"votable/td", "votable/b", "fits"}
"""Output formats in which the least integer stands for NULL."""
ELEMENTS_CAN_BE_NULL = {"json", "ecsv"}
"""In the other output formats a NULL among elements is a NaN."""
WHOLE_ELEMENTS_CAN_BE_NULL = {*ELEMENTS_CAN_BE_NULL, "parquet", "arrow", "csv", "tsv", "html", "text"}
"""In the other output formats a NULL among whole numbers is the least one."""
FLAT_OUT = {"csv", "tsv", "html", "text", "parquet", "arrow"}
"""Output formats whose arrays are rows of elements; in the others those of more dimensions are within each other."""
READ_AS_NULL: dict[str, Callable[[Kind, Any], bool]] = {
    # BINARY2 tells both from NULL by its mask, and astropy does not hand it on.
    "votable/b2": lambda kind, value: value == "" if kind.is_text else _is_void(kind, value),
    # null within brackets and the empty cell, too.
    "ecsv": _is_void,
}
"""What a format can say, and the reader of its results makes NULL."""
TOO_LONG: dict[str, Callable[[Kind], bool]] = {"text": lambda kind: kind.is_geometry or bool(kind.shape)}
"""What pushes the columns behind it, so that only people can read it."""


def held(input_: str) -> list[Kind]:
    left_out = LEFT_OUT.get(input_, _never)
    return [kind for kind in KINDS if not left_out(kind)]


def shown(input_: str, output: str) -> list[Kind]:
    too_long = TOO_LONG.get(output, _never)
    return [kind for kind in held(input_) if not too_long(kind)]


def shape_of(input_: str, kind: Kind) -> tuple[int, ...]:
    """The shape that a column of fixed shape has in the database."""
    return (int(np.prod(kind.shape)),) if input_ in FLAT_IN and kind.shape else kind.shape


def nested(input_: str, output: str, kind: Kind) -> tuple[int, ...] | None:
    """The shape in which a reader must find each value of a column; None where it may be any."""
    return shape_of(input_, kind) if kind.shape and output not in FLAT_OUT else None


def stored(input_: str, kind: Kind) -> Values:
    """What the database must have of a column that came in such a file."""
    empty_is_null = EMPTY_IS_NULL_IN.get(input_, _never)(kind)
    values: Values = [None if empty_is_null and value in ("", b"", []) else value for value in kind.values]
    return _by_elements(kind, values, None) if input_ in NULL_BY_ELEMENTS_IN else values


def _by_elements(kind: Kind, values: Values, nothing: Any) -> Values:
    """With an array of such elements for each NULL of fixed shape; geometries of them are NULL themselves."""
    void = None if kind.is_geometry or not kind.shape else [nothing] * int(np.prod(kind.shape))
    return [void if value is None else value for value in values]


def declared(input_: str, kind: Kind) -> tuple[str, str | None, str | None]:
    """datatype, arraysize and xtype of the column in the database. Texts have their longest length, in units of UTF-16."""
    if kind.is_text:
        longest = max(len(text.encode("utf-16-le")) // 2 for text in stored(input_, kind) if text is not None)
        return kind.datatype, f"{longest}*", None
    datatype = {"ubyte": "short"}.get(kind.name, kind.datatype)
    if input_ in TEXTUAL and datatype in NUMBERS:
        datatype = "double" if kind.is_floating else "long"
    return datatype, "x".join(map(str, reversed(shape_of(input_, kind)))) or kind.arraysize, kind.xtype


def written(input_: str, output: str, kind: Kind) -> Values:
    """What a result must say of it."""
    datatype = {"ubyte": "short"}.get(kind.name, kind.datatype)
    bits = 63 if input_ in TEXTUAL else NUMBERS.get(datatype, (0, ""))[0]
    empty_is_null = EMPTY_IS_NULL_OUT.get(output, _never)(kind)
    nothing = float("nan") if kind.is_floating else -(2**bits)
    can_be_null = ELEMENTS_CAN_BE_NULL if kind.is_floating else WHOLE_ELEMENTS_CAN_BE_NULL
    # Of BINARY2 astropy hands on what VALUES declares, where all arrays are of one shape.
    is_masked = output == "votable/b2" and bool(kind.shape) and not kind.is_floating
    nothing = None if kind.datatype == "boolean" or output in can_be_null or is_masked else nothing

    def one(value: Any) -> Any:
        if isinstance(value, list):
            value = [nothing if each is None else each for each in value]
        if empty_is_null and value in ("", b"", []):
            return None
        is_least = output in LEAST_IS_NULL and not kind.is_floating and type(value) is int and value == -(2**bits)
        return None if is_least else value

    values = [one(value) for value in stored(input_, kind)]
    return _by_elements(kind, values, nothing) if output in NULL_BY_ELEMENTS_OUT else values


def sent(input_: str, output: str, kind: Kind) -> Values:
    """What a reader of the result must find of it."""
    is_null, values = READ_AS_NULL.get(output, _never_null), written(input_, output, kind)
    if output == "ecsv" and kind.name == "flags":
        # astropy reads null as False in arrays of varying length.
        values = [value and [bool(each) for each in value] for value in values]
    return [None if is_null(kind, value) else value for value in values]


# ---- VOTable, by hand: every byte is meant


def _field(kind: Kind, *, declared: bool) -> str:
    arraysize = f' arraysize="{kind.arraysize}"' if kind.arraysize else ""
    xtype = f' xtype="{kind.xtype}"' if kind.xtype else ""
    is_whole = kind.datatype in FORMS and kind.datatype != "boolean" and not kind.is_floating and not kind.is_blob
    null = f'<VALUES null="{kind.null}"/>' if is_whole and (declared or kind.is_array) else ""
    return f'<FIELD name="{kind.name}" datatype="{kind.datatype}"{arraysize}{xtype}>{null}</FIELD>'


def votable_document(fields: str, data: str) -> bytes:
    space = "http://www.ivoa.net/xml/VOTable/v1.3"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.4" xmlns="{space}"><RESOURCE><TABLE>'
        f"{fields}<DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>\n"
    ).encode()


LETTERS = {True: b"T", False: b"F", None: b"?"}


def _cell(kind: Kind, value: Any) -> str:
    if value is None:
        return "NaN NaN NaN"[: 4 * len(GEOMETRIES[str(kind.xtype)][0]) - 1] if kind.xtype in {"point", "circle"} else ""
    if kind.is_time:
        return str(value.isoformat(timespec="microseconds"))
    if kind.datatype == "boolean":
        return " ".join(LETTERS[each].decode() for each in (value if isinstance(value, list) else [value]))
    if isinstance(value, bytes):
        return " ".join(map(str, value))
    if isinstance(value, list):
        missing = "NaN" if kind.is_floating else str(kind.null)
        return " ".join(missing if each is None else repr(each) for each in value)
    return escape(str(value))


def _binary(kind: Kind, value: Any) -> bytes:
    if kind.datatype == "boolean":
        letters = b"".join(LETTERS[each] for each in _flat(kind, value))
        return struct.pack(">i", len(letters)) + letters if kind.varies else letters
    if kind.is_time or kind.is_text:
        text = "" if value is None else _text_of(kind, value)
        data = text.encode("utf-16-be" if kind.datatype == "unicodeChar" else "ascii")
        return struct.pack(">i", len(data) // (2 if kind.datatype == "unicodeChar" else 1)) + data
    if kind.is_blob:
        return struct.pack(">i", len(value or b"")) + (value or b"")
    content = bytes(_numbers(kind, value).tobytes())
    return struct.pack(">i", len(content) // kind.dtype.itemsize) + content if kind.varies else content


def _text_of(kind: Kind, value: Any) -> str:
    return str(value.isoformat(timespec="microseconds")) if kind.is_time else str(value)


def _numbers(kind: Kind, value: Any) -> Any:
    """Big-endian, with NaN or the declared number where NULL is; all of a fixed shape is there."""
    missing = np.nan if kind.is_floating else kind.null
    flat = _flat(kind, value)
    return np.array([missing if each is None else each for each in flat], kind.dtype.newbyteorder(">"))


def _flat(kind: Kind, value: Any) -> list[Any]:
    count = 0 if kind.varies else int(np.prod(kind.shape))
    return [None] * count if value is None else value if isinstance(value, list) else [value]


def votable_tabledata(kinds: Sequence[Kind]) -> bytes:
    rows = "".join(
        f"<TR><TD>{row}</TD>{''.join(f'<TD>{_cell(kind, kind.values[row])}</TD>' for kind in kinds)}</TR>"
        for row in IDS
    )
    fields = "".join(_field(kind, declared=False) for kind in kinds)
    return votable_document(f'<FIELD name="id" datatype="int"/>{fields}', f"<TABLEDATA>{rows}</TABLEDATA>")


def _votable_stream(kinds: Sequence[Kind], element: str) -> bytes:
    masked, stream = element == "BINARY2", b""
    for row in IDS:
        if masked:
            bits = [False, *(kind.values[row] is None for kind in kinds)]
            stream += np.packbits(bits).tobytes()
        stream += struct.pack(">i", row) + b"".join(_binary(kind, kind.values[row]) for kind in kinds)
    fields = "".join(_field(kind, declared=not masked) for kind in kinds)
    data = f'<{element}><STREAM encoding="base64">{b64encode(stream).decode()}</STREAM></{element}>'
    return votable_document(f'<FIELD name="id" datatype="int"/>{fields}', data)


def votable_binary(kinds: Sequence[Kind]) -> bytes:
    return _votable_stream(kinds, "BINARY")


def votable_binary2(kinds: Sequence[Kind]) -> bytes:
    return _votable_stream(kinds, "BINARY2")


# ---- FITS, by hand, as astropy cannot write its NULLs


@dataclass(frozen=True, slots=True)
class FitsColumn:
    """`rows` as they lie in the table, big-endian; or `pieces`, of which the heap has so many elements each."""

    name: str
    form: str
    rows: Any = None
    cards: dict[str, Any] = field(default_factory=dict)
    pieces: Sequence[tuple[int, bytes]] = ()


def fits_file(columns: Sequence[FitsColumn]) -> bytes:
    heap, arrays = b"", []
    for column in columns:
        array = column.rows
        if array is None:
            descriptors = []
            for count, data in column.pieces:
                descriptors.append((count, len(heap)))
                heap += data
            array = np.array(descriptors, ">i4" if "P" in column.form else ">i8").reshape(-1, 2)
        arrays.append(array)
    table = np.empty(len(arrays[0]), [(f"c{i}", each.dtype, each.shape[1:]) for i, each in enumerate(arrays)])
    for index, array in enumerate(arrays):
        table[f"c{index}"] = array
    cards: list[tuple[str, Any]] = [("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2)]
    cards += [("NAXIS1", table.dtype.itemsize), ("NAXIS2", len(table)), ("PCOUNT", len(heap)), ("GCOUNT", 1)]
    cards.append(("TFIELDS", len(columns)))
    for number, column in enumerate(columns, 1):
        said = {"TTYPE": column.name, "TFORM": column.form} | column.cards
        cards += [(f"{keyword}{number}", value) for keyword, value in said.items()]
    data = table.tobytes() + heap
    head = fits.PrimaryHDU().header.tostring() + fits.Header(cards).tostring()
    return bytes(head.encode("ascii") + data + bytes(-len(data) % 2880))


def _fits_column(kind: Kind) -> FitsColumn:
    cards: dict[str, Any] = {"TXTYP": kind.xtype} if kind.xtype else {}
    if kind.is_text or kind.is_time:
        texts = ["" if value is None else _text_of(kind, value) for value in kind.values]
        rows = np.array([text.encode() for text in texts])
        return FitsColumn(kind.name, f"{rows.dtype.itemsize}A", rows, cards)
    if kind.datatype == "boolean":
        return _fits_flags(kind)
    letter = FORMS[kind.datatype]
    if kind.is_blob:
        return FitsColumn(kind.name, "QB(24)", pieces=[(len(v or b""), v or b"") for v in kind.values])
    if not kind.is_floating:
        cards["TNULL"] = kind.null
    arrays = [_numbers(kind, value) for value in kind.values]
    if kind.varies:
        form = f"{'P' if kind.datatype != 'long' else 'Q'}{letter}({max(map(len, arrays))})"
        return FitsColumn(kind.name, form, None, cards, [(len(each), each.tobytes()) for each in arrays])
    if len(kind.shape) > 1:
        cards["TDIM"] = f"({','.join(map(str, reversed(kind.shape)))})"
    rows = np.concatenate(arrays).astype(arrays[0].dtype).reshape(ROWS, -1)
    return FitsColumn(kind.name, f"{rows.shape[1]}{letter}", rows, cards)


def _fits_flags(kind: Kind) -> FitsColumn:
    letters = [b"".join({**LETTERS, None: b"\0"}[each] for each in _flat(kind, value)) for value in kind.values]
    if kind.varies:
        return FitsColumn(kind.name, "PL(3)", pieces=[(len(each), each) for each in letters])
    width = len(letters[0])
    cards = {"TDIM": f"({','.join(map(str, reversed(kind.shape)))})"} if len(kind.shape) > 1 else {}
    return FitsColumn(kind.name, f"{width}L", np.frombuffer(b"".join(letters), f"V{width}"), cards)


def fits_table(kinds: Sequence[Kind]) -> bytes:
    return fits_file([FitsColumn("id", "J", np.array(IDS, ">i4")), *map(_fits_column, kinds)])


# ---- Arrow and Parquet, by pyarrow


def _arrow_type(kind: Kind) -> pa.DataType:
    if kind.is_text:
        return pa.string()
    if kind.is_time:
        return pa.timestamp("us")
    if kind.is_blob:
        return pa.binary()
    scalar = pa.from_numpy_dtype(kind.dtype)
    if kind.arraysize is None:
        return scalar
    return pa.list_(scalar) if kind.varies else pa.list_(scalar, int(np.prod(kind.shape)))


def arrow_table(kinds: Sequence[Kind]) -> pa.Table:
    fields = [
        pa.field(kind.name, _arrow_type(kind), metadata={"xtype": kind.xtype} if kind.xtype else None) for kind in kinds
    ]
    columns = [pa.array(kind.values, _arrow_type(kind)) for kind in kinds]
    return pa.table([pa.array(IDS, pa.int32()), *columns], pa.schema([pa.field("id", pa.int32()), *fields]))


def arrow_bytes(table: pa.Table, make: Any = pa.ipc.new_file) -> bytes:
    out = io.BytesIO()
    with make(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def parquet_bytes(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


# ---- delimited text


def _delimited(kinds: Sequence[Kind], delimiter: str) -> bytes:
    """As PostgreSQL, pandas and R write it: texts in quotes, NULL nothing at all."""

    def cell(kind: Kind, value: Any) -> str:
        if value is None:
            return ""
        if kind.is_text:
            return '"' + str(value).replace('"', '""') + '"'
        return str(value).lower() if kind.datatype == "boolean" else _text_of(kind, value)

    lines = [["id", *(kind.name for kind in kinds)]]
    lines += [[str(row), *(cell(kind, kind.values[row]) for kind in kinds)] for row in IDS]
    return "".join(delimiter.join(line) + "\n" for line in lines).encode()


def _ecsv_column(kind: Kind) -> MaskedColumn:
    hidden = [value is None for value in kind.values]
    meta = {"xtype": kind.xtype} if kind.xtype else {}
    if kind.is_text or kind.is_time:
        texts = ["" if value is None else _text_of(kind, value) for value in kind.values]
        return MaskedColumn(np.array(texts), mask=hidden, meta=meta)
    if kind.is_array and kind.varies:
        data = np.empty(ROWS, object)
        for row, value in enumerate(kind.values):
            missing = [each is None for each in value or ()]
            plain = np.array([0 if each is None else each for each in value or ()], kind.dtype)
            data[row] = np.ma.array(plain, mask=missing) if any(missing) else plain
        return MaskedColumn(data, mask=hidden, meta=meta)
    count = int(np.prod(kind.shape))
    flat = [[None] * count if v is None else v if isinstance(v, list) else [v] for v in kind.values]
    mask = np.array([[each is None for each in value] for value in flat]).reshape(ROWS, *kind.shape)
    numbers = np.array([[each or 0 for each in value] for value in flat], kind.dtype).reshape(ROWS, *kind.shape)
    return MaskedColumn(numbers, mask=mask, meta=meta)


def ecsv_table(kinds: Sequence[Kind]) -> bytes:
    table = Table({"id": np.array(IDS, "i4")} | {kind.name: _ecsv_column(kind) for kind in kinds})
    out = io.StringIO()
    table.write(out, format="ascii.ecsv", delimiter=",")
    return out.getvalue().encode()


INPUTS: dict[str, tuple[str, Callable[[Sequence[Kind]], bytes]]] = {
    "votable/td": ("x.vot", votable_tabledata),
    "votable/b": ("x.vot", votable_binary),
    "votable/b2": ("x.vot", votable_binary2),
    "fits": ("x.fits", fits_table),
    "parquet": ("x.parquet", lambda kinds: parquet_bytes(arrow_table(kinds))),
    "arrow file": ("x.arrow", lambda kinds: arrow_bytes(arrow_table(kinds))),
    "arrow stream": ("x.arrows", lambda kinds: arrow_bytes(arrow_table(kinds), pa.ipc.new_stream)),
    "csv": ("x.csv", lambda kinds: _delimited(kinds, ",")),
    "tsv": ("x.tsv", lambda kinds: _delimited(kinds, "\t")),
    "ecsv": ("x.ecsv", ecsv_table),
}
"""Each with the name of a file of that kind."""


# ---- what came, as plain Python


def handed_on(output: str, kind: Kind, found: Any) -> Any:
    """A cell of any reader as `sent` has it; what is no value of its kind at all stays what it is."""
    try:
        value = _plain(kind, found)
    except (ValueError, KeyError, TypeError):
        return found
    empty = value in ("", b"", []) and EMPTY_IS_NULL_OUT.get(output, _never)(kind)
    return None if empty or READ_AS_NULL.get(output, _never_null)(kind, value) else value


def _plain(kind: Kind, found: Any) -> Any:
    """Raises: ValueError, KeyError, TypeError."""
    if found is None or (kind.is_floating and np.ndim(found) == 0 and found != found):  # noqa: PLR0124
        return None
    if isinstance(found, bytes) and not kind.is_blob:
        found = found.decode()
    if kind.is_text:
        return str(found)
    if kind.is_time:
        return found if isinstance(found, datetime) else datetime.fromisoformat(str(found)) if found else None
    if kind.datatype == "boolean":
        if kind.arraysize is None:
            return _truth(found)
        return [_truth(each) for each in (found.split() if isinstance(found, str) else np.ravel(found).tolist())]
    if kind.is_blob:
        return bytes.fromhex(found) if isinstance(found, str) else bytes(found)
    number = float if kind.is_floating else int
    if kind.arraysize is None:
        return None if found == "" else number(found)
    parts = found.split() if isinstance(found, str) else np.ravel(found).tolist()
    values = [None if each is None or (each == "NaN" and number is int) else number(each) for each in parts]
    return None if kind.is_geometry and all(each is None or np.isnan(each) for each in values) else values


def _truth(found: Any) -> bool | None:
    """HDF5 has a number of a byte for it, the least one for NULL."""
    if isinstance(found, str):
        return {"true": True, "false": False, "": None, "?": None}[found.lower()]
    return None if found is None or found == -128 else bool(found)


def same(kind: Kind, found: Any, wanted: Any) -> bool:
    """To the last bit, but for geometries, which go through radians."""
    if found is None or wanted is None or not (kind.is_floating or kind.is_array):
        return found is wanted if found is None or wanted is None else bool(found == wanted)
    if not kind.is_floating:
        return bool(found == wanted)
    try:
        left, right = (np.array(side, kind.dtype, ndmin=1) for side in (found, wanted))
    except (ValueError, TypeError):
        return False
    if kind.is_geometry:
        return left.shape == right.shape and np.allclose(left, right, atol=1e-9, rtol=0)
    return np.array_equal(left, right, equal_nan=True)
