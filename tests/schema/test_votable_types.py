"""VOTables of every version, serialization and datatype are read as they were written; what is broken is refused."""

import base64
import io
import itertools
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io.votable.tree import Field, Resource, TableElement, VOTableFile

from schema.load import open_file
from schema.load.reader import FileColumn

# As in the service, where a library's warning is no error.
pytestmark = pytest.mark.filterwarnings("ignore")

FORMS = ["TABLEDATA", "BINARY", "BINARY2"]
VERSIONS = {"1.1": "v1.1", "1.2": "v1.2", "1.3": "v1.3", "1.4": "v1.3", "1.5": "v1.3"}
"""Of VOTable, each with the end of its namespace: it is the same from 1.3 on."""
PACKED = {"unsignedByte": "B", "short": "h", "int": "i", "long": "q", "float": "f", "double": "d"}
Row = tuple[Any, ...]


# ---- VOTables written by hand, by the letter of VOTable 1.5 §5 and §6


@dataclass(frozen=True)
class Written:
    """A column as it is written; `null` is the number that stands for None where a serialization has nothing else."""

    datatype: str
    arraysize: str | None
    values: list[Any]
    null: str | None = None

    def __str__(self) -> str:
        return f"{self.datatype} {self.arraysize or ''}".strip()

    @property
    def width(self) -> int:
        """Elements of a value, 0 where they vary."""
        return 0 if "*" in (size := self.arraysize or "1") else math.prod(map(int, size.split("x")))


def field(datatype: str, arraysize: str | None = None, name: str = "a", null: str | None = None, more: str = "") -> str:
    size = "" if arraysize is None else f' arraysize="{arraysize}"'
    values = "" if null is None else f'<VALUES null="{null}"/>'
    return f'<FIELD name="{name}" datatype="{datatype}"{size} {more}>{values}</FIELD>'


def document(fields: str, data: str, version: str = "1.4") -> bytes:
    return f"""<?xml version="1.0"?>
<VOTABLE version="{version}" xmlns="http://www.ivoa.net/xml/VOTable/{VERSIONS[version]}">
<RESOURCE><TABLE>{fields}<DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>""".encode()


def tabledata(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<TD>{cell}</TD>" for cell in row) for row in rows)
    return f"<TABLEDATA>{''.join(f'<TR>{each}</TR>' for each in cells)}</TABLEDATA>"


def cells(*texts: str) -> str:
    """TABLEDATA of one column."""
    return tabledata(*((text,) for text in texts))


def stream(form: str, content: bytes) -> str:
    return f"<{form}><STREAM encoding='base64'>{base64.encodebytes(content).decode()}</STREAM></{form}>"


def as_text(column: Written, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return ("T" if value else "F") if column.datatype == "boolean" else str(int(value))
    if isinstance(value, list | bytes):
        return " ".join((column.null or "NaN") if each is None else repr(each) for each in value)
    return value.replace("&", "&amp;").replace("<", "&lt;") if isinstance(value, str) else repr(value)


def as_bytes(column: Written, value: Any) -> bytes:
    if column.datatype == "boolean":
        return {True: b"T", False: b"F", None: b"?"}[value]
    if column.datatype == "bit":
        return b"\x80" if value else b"\0"
    if column.datatype in {"char", "unicodeChar"}:
        unit = 1 if column.datatype == "char" else 2
        text = (value or "").encode("utf-8" if unit == 1 else "utf-16-be")
        return text.ljust(column.width * unit, b"\0") if column.width else struct.pack(">i", len(text) // unit) + text
    missing = int(column.null) if column.null else math.nan
    elements = [missing if v is None else v for v in (value if isinstance(value, list | bytes) else [value])]
    length = b"" if column.width else struct.pack(">i", len(elements))
    return length + struct.pack(f">{len(elements)}{PACKED[column.datatype]}", *elements)


def written(columns: list[Written], form: str, version: str = "1.4") -> bytes:
    """A VOTable of these columns."""
    fields = "".join(field(c.datatype, c.arraysize, f"c{i}", c.null) for i, c in enumerate(columns))
    rows = list(zip(*(c.values for c in columns), strict=True))
    if form == "TABLEDATA":
        texts = (tuple(as_text(c, v) for c, v in zip(columns, row, strict=True)) for row in rows)
        return document(fields, tabledata(*texts), version)
    content = b""
    for row in rows:
        if form == "BINARY2":
            bits = "".join("1" if value is None else "0" for value in row)
            size = (len(columns) + 7) // 8
            content += int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")
        content += b"".join(as_bytes(c, v) for c, v in zip(columns, row, strict=True))
    return document(fields, stream(form, content), version)


# ---- reading


def read(path: Path) -> list[Row]:
    """Rows of a file; NaN as None, which PostgreSQL gets for both."""
    return [tuple(map(plain, row.values())) for batch in open_file(path).batches() for row in batch.to_pylist()]


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def read_document(folder: Path, content: bytes) -> list[Row]:
    path = folder / "a.vot"
    path.write_bytes(content)
    return read(path)


def column_of(folder: Path, content: bytes) -> list[Any]:
    """The values of a document with one column."""
    return [value for (value,) in read_document(folder, content)]


def columns_of(folder: Path, fields: str) -> tuple[FileColumn, ...]:
    path = folder / "a.vot"
    path.write_bytes(document(fields, "<TABLEDATA/>"))
    return open_file(path).columns


# ---- every datatype


INF = math.inf
COLUMNS = [
    Written("boolean", None, [True, False, None]),
    Written("boolean", "1", [True, False, None]),
    Written("bit", None, [True, False, True]),
    Written("unsignedByte", None, [0, 255, None], "99"),
    Written("short", None, [-32768, 32767, None], "99"),
    Written("short", "1", [-1, 0, None], "-32768"),
    Written("int", None, [-(2**31), 2**31 - 1, None], "99"),
    Written("long", None, [-(2**63), 2**63 - 1, None], "99"),
    Written("long", None, [2**53 + 1, 0, None], str(2**63 - 1)),
    Written("float", None, [1.5, -INF, None]),
    Written("float", None, [3.4028234663852886e38, 1.401298464324817e-45, -0.0]),
    Written("double", None, [0.1, INF, None]),
    Written("double", None, [1.7976931348623157e308, 5e-324, -0.0]),
    Written("char", None, ["x", "<", None]),
    Written("char", "*", [" two  words ", "a\tb\nc & <d>", None]),
    Written("char", "*", ["Ω ☉ é 🌟", "", None]),
    Written("char", "8", ["eight888", "x", None]),
    Written("char", "8*", ["eight888", "x", None]),
    Written("char", "9", ["Ωmega", "☉☉☉", None]),
    Written("unicodeChar", None, ["Ω", "x", None]),
    Written("unicodeChar", "*", ["Ω ☉ é", " x ", None]),
    Written("unicodeChar", "5", ["Ωmega", "é", None]),
    Written("unsignedByte", "*", [b"\0\x01\xff", b"\x0a", b"x"]),
    Written("unsignedByte", "2", [b"\0\x01", b"\xff\0", b"xy"]),
    Written("unsignedByte", "2x2", [b"\0\x01\x02\x03", b"\xff\0\xff\0", b"xyxy"]),
    Written("short", "*", [[1, -32768], [32767], [0, 0, 0]]),
    Written("int", "3", [[1, 2, 3], [-(2**31), 2**31 - 1, 0], [0, 0, 0]]),
    Written("int", "3*", [[1, 2, 3], [4], [5, 6]]),
    Written("long", "2x3", [[1, 2, 3, 4, 5, 2**63 - 1], [0] * 6, [-(2**63)] * 6]),
    Written("float", "2x2x*", [[1.5, -INF, INF, None], [0.25] * 8, [-0.0] * 4]),
    Written("double", "2x*", [[0.1, 0.2], [5e-324, 1e308, None, -0.0], [1.0] * 20]),
]


def expected(column: Written) -> list[Any]:
    """An empty text is none, as in TABLEDATA, which cannot tell them apart."""
    return [None if value == "" else value for value in column.values]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_every_datatype_is_read_as_it_was_written(tmp_path: Path, column: Written, form: str) -> None:
    # As text, for which -0.0 is not 0.0, nor True 1.
    assert repr(column_of(tmp_path, written([column], form))) == repr(expected(column))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("version", VERSIONS)
def test_all_datatypes_stand_beside_each_other_in_every_version(tmp_path: Path, version: str, form: str) -> None:
    rows = read_document(tmp_path, written(COLUMNS, form, version))
    assert repr(rows) == repr(list(zip(*map(expected, COLUMNS), strict=True)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_empty_table_has_columns_and_no_rows(tmp_path: Path, version: str, form: str) -> None:
    path = tmp_path / "a.vot"
    path.write_bytes(written([Written(c.datatype, c.arraysize, []) for c in COLUMNS], form, version))
    assert (len(open_file(path).columns), read(path)) == (len(COLUMNS), [])


@pytest.mark.parametrize("form", FORMS)
def test_rows_across_many_pieces_of_the_file_arrive_whole(tmp_path: Path, form: str) -> None:
    count = 30_000
    numbers = Written("int", None, [None if i % 7 == 0 else i for i in range(count)], "-1")
    texts = Written("char", "*", ["é<&" + "x" * (i % 83) for i in range(count)])
    arrays = Written("short", "*", [list(range(1 + i % 5)) for i in range(count)])
    rows = read_document(tmp_path, written([numbers, texts, arrays], form))
    assert rows == list(zip(numbers.values, texts.values, arrays.values, strict=True))


@pytest.mark.parametrize("form", ["BINARY", "BINARY2"])
def test_an_empty_array_is_no_missing_one(tmp_path: Path, form: str) -> None:
    values = [[], [1, 2], []]
    assert column_of(tmp_path, written([Written("int", "*", values)], form)) == values


# ---- written by astropy


def by_astropy(version: str, form: str) -> tuple[bytes, list[Row]]:
    """A VOTable, and what is in it; nulls in the last row."""
    kinds: list[tuple[str, str | None, Any]] = [
        ("boolean", None, True),
        ("bit", None, True),
        ("unsignedByte", None, 255),
        ("short", None, -5),
        ("int", None, 2**31 - 1),
        ("long", None, -(2**63)),
        ("float", None, 1.5),
        ("double", None, 0.1),
        ("char", "*", "a <b>"),
        ("char", "8", "fixed"),
        ("unicodeChar", "*", "Ωé"),
        ("short", "3", [1, 2, 3]),
        ("double", "2x3", [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        ("int", "*", np.ma.array([7, 8, 9], dtype="i4", mask=[False] * 3)),
        ("unsignedByte", "*", np.ma.array([0, 255], dtype="u1", mask=[False] * 2)),
    ]
    file = VOTableFile(version=version)
    file.resources.append(resource := Resource())
    resource.tables.append(table := TableElement(file))
    table.fields.extend(Field(file, name=f"c{i}", datatype=k[0], arraysize=k[1]) for i, k in enumerate(kinds))
    for index in range(2, 6):
        table.fields[index].values.null = 99
    table.create_arrays(2)
    table.array[0] = table.array[1] = tuple(value for _, _, value in kinds)
    scalars = range(2, 8)
    for index in scalars:
        table.array.mask[1][index] = True
    out = io.BytesIO()
    file.to_xml(out, tabledata_format=form.lower())
    whole = (True, True, 255, -5, 2**31 - 1, -(2**63), 1.5, 0.1, "a <b>", "fixed", "Ωé")
    arrays = ([1, 2, 3], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [7, 8, 9], b"\0\xff")
    return out.getvalue(), [
        whole + arrays,
        tuple(None if i in scalars else v for i, v in enumerate(whole)) + arrays,
    ]


ASTROPY = [(v, f) for v, f in itertools.product(VERSIONS, FORMS) if f != "BINARY2" or v >= "1.3"]
"""BINARY2 came with VOTable 1.3."""


@pytest.mark.parametrize(("version", "form"), ASTROPY)
def test_what_astropy_writes_is_read(tmp_path: Path, version: str, form: str) -> None:
    content, rows = by_astropy(version, form)
    assert read_document(tmp_path, content) == rows
