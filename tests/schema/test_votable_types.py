"""VOTables of every version, serialization and datatype are read as they were written; what is broken is refused."""

import base64
import gzip
import io
import itertools
import math
import struct
import subprocess
import sys
import time
import tracemalloc
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable.tree import Field, Resource, TableElement, VOTableFile

from schema.load import open_file
from schema.load.copy_binary import encode
from schema.load.reader import FileColumn, LoadError
from tap.uploads.load import UploadLimits, _check

# As in the service, where a library's warning is no error.
pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).parents[2]
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


def row_as_bytes(columns: list[Written], row: Row, *, masked: bool) -> bytes:
    values = b"".join(map(as_bytes, columns, row))
    bits = "".join("01"[value is None] for value in row)
    return int(bits.ljust(-len(bits) // 8 * -8, "0"), 2).to_bytes(-(-len(bits) // 8)) + values if masked else values


def written(columns: list[Written], form: str, version: str = "1.4") -> bytes:
    """A VOTable of these columns."""
    fields = "".join(field(c.datatype, c.arraysize, f"c{i}", c.null) for i, c in enumerate(columns))
    rows = list(zip(*(c.values for c in columns), strict=True))
    if form == "TABLEDATA":
        texts = (tuple(as_text(c, v) for c, v in zip(columns, row, strict=True)) for row in rows)
        return document(fields, tabledata(*texts), version)
    content = b"".join(row_as_bytes(columns, row, masked=form == "BINARY2") for row in rows)
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


def expected(column: Written, form: str) -> list[Any]:
    """An empty text is none, but in BINARY2, which alone can tell them apart."""
    return [None if value == "" and form != "BINARY2" else value for value in column.values]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_every_datatype_is_read_as_it_was_written(tmp_path: Path, column: Written, form: str) -> None:
    # As text, for which -0.0 is not 0.0, nor True 1.
    assert repr(column_of(tmp_path, written([column], form))) == repr(expected(column, form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("version", VERSIONS)
def test_all_datatypes_stand_beside_each_other_in_every_version(tmp_path: Path, version: str, form: str) -> None:
    rows = read_document(tmp_path, written(COLUMNS, form, version))
    assert repr(rows) == repr(list(zip(*(expected(column, form) for column in COLUMNS), strict=True)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_empty_table_has_columns_and_no_rows(tmp_path: Path, version: str, form: str) -> None:
    path = tmp_path / "a.vot"
    path.write_bytes(written([Written(c.datatype, c.arraysize, []) for c in COLUMNS], form, version))
    assert (len(open_file(path).columns), read(path)) == (len(COLUMNS), [])


@pytest.mark.parametrize("form", ["BINARY2", *(pytest.param(form, marks=pytest.mark.long) for form in FORMS[:2])])
def test_rows_across_many_pieces_of_the_file_arrive_whole(tmp_path: Path, form: str) -> None:
    count = 25_000
    numbers = Written("int", None, [None if i % 7 == 0 else i for i in range(count)], "-1")
    texts = Written("char", "*", ["é<&" + "x" * (i % 83) for i in range(count)])
    arrays = Written("short", "*", [list(range(1 + i % 5)) for i in range(count)])
    rows = read_document(tmp_path, written([numbers, texts, arrays], form))
    assert rows == list(zip(numbers.values, texts.values, arrays.values, strict=True))


@pytest.mark.parametrize("form", ["BINARY", "BINARY2"])
def test_an_empty_array_is_no_missing_one(tmp_path: Path, form: str) -> None:
    values = [[], [1, 2], []]
    # BINARY has no other way to say that one is missing.
    expected = [None, [1, 2], None] if form == "BINARY" else values
    assert column_of(tmp_path, written([Written("int", "*", values)], form)) == expected


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


# ---- how numbers and texts may stand in TABLEDATA


@pytest.mark.parametrize("arraysize", [None, "*"])
@pytest.mark.parametrize("datatype", ["unsignedByte", "short", "int", "long"])
def test_whole_numbers_may_be_hexadecimal_signed_and_between_blanks(
    tmp_path: Path, datatype: str, arraysize: str | None
) -> None:
    numbers = {"0x1F": 31, "0xfF": 255, " 7 ": 7, "\n\t8\r\n": 8, "+5": 5, "-0": 0, "007": 7, "0": 0}
    values = column_of(tmp_path, document(field(datatype, arraysize), cells(*numbers, "", " ")))
    wanted: list[Any] = list(numbers.values())
    if arraysize:
        wanted = [bytes([n]) for n in wanted] if datatype == "unsignedByte" else [[n] for n in wanted]
    assert values == [*wanted, None, None]


@pytest.mark.parametrize("neighbour", ["7", "+7"])
@pytest.mark.parametrize(("datatype", "digits"), [("short", 4), ("int", 8), ("long", 16)])
def test_all_hexadecimal_digits_that_fit_are_a_twos_complement_whatever_stands_beside(
    tmp_path: Path, datatype: str, digits: int, neighbour: str
) -> None:
    assert column_of(tmp_path, document(field(datatype), cells("0x" + "F" * digits, neighbour))) == [-1, 7]


@pytest.mark.parametrize("arraysize", [None, "*"])
@pytest.mark.parametrize("datatype", ["float", "double"])
def test_floating_numbers_have_signs_exponents_and_special_values(
    tmp_path: Path, datatype: str, arraysize: str | None
) -> None:
    numbers = {"1.5": 1.5, " 2 ": 2.0, "+3": 3.0, "1e-5": 1e-5, "-1E+5": -1e5, ".5": 0.5, "5.": 5.0, "\n6\t": 6.0}
    numbers |= {"+Inf": INF, "-Inf": -INF, "Inf": INF, "-0": -0.0, "1e-999": 0.0}
    values = column_of(tmp_path, document(field(datatype, arraysize), cells(*numbers, "NaN", "")))
    rounded = [float(np.float32(n)) if datatype == "float" else n for n in numbers.values()]
    missing: list[Any] = [[None], None] if arraysize else [None, None]
    assert repr(values) == repr([*([n] if arraysize else n for n in rounded), *missing])


def test_blanks_of_any_kind_and_number_separate_the_numbers_of_an_array(tmp_path: Path) -> None:
    content = document(field("int", "2x*"), cells("1 2", " 3\t4\n5   6\r\n", "0x1F +2"))
    assert column_of(tmp_path, content) == [[1, 2], [3, 4, 5, 6], [31, 2]]


@pytest.mark.parametrize("datatype", ["boolean", "bit"])
def test_truth_has_many_spellings(tmp_path: Path, datatype: str) -> None:
    true, false = ["1"], ["0"]
    if datatype == "boolean":
        true, false = [*true, *"T t true tRUe TRUE".split()], [*false, *"F f false FalsE FALSE".split()]
    values = column_of(tmp_path, document(field(datatype), cells(*true, *false, "", " ", f" {true[-1]} ")))
    assert values == [True] * len(true) + [False] * len(false) + [None, None, True]


@pytest.mark.parametrize("form", ["BINARY", "BINARY2"])
def test_truth_has_many_spellings_in_bytes_too(tmp_path: Path, form: str) -> None:
    rows = (b"\0" if form == "BINARY2" else b"") + b"%c"
    content = document(field("boolean"), stream(form, b"".join(rows % each for each in b"Tt1Ff0? \0")))
    assert column_of(tmp_path, content) == [True] * 3 + [False] * 3 + [None] * 3


TEXTS = {
    "entities and character references": ("&lt;&gt;&amp;&quot;&apos;&#x41;&#65;&#x1F31F;&#13;", "<>&\"'AA\U0001f31f\r"),
    "CDATA": ("a<![CDATA[<b>&amp;]]>c", "a<b>&amp;c"),
    "comments": ("a<!-- <TD>no</TD> -->b", "ab"),
    "processing instructions": ("a<?pi <TD> ?>b", "ab"),
    "blanks at both ends": ("  a b\t", "  a b\t"),
    "lines": ("a\r\nb\nc", "a\nb\nc"),
    "a blank": (" ", " "),
    "a long text": ("x" * 3_000_000, "x" * 3_000_000),
    "many references": ("&#65;" * 400_000, "A" * 400_000),
}


@pytest.mark.parametrize("datatype", ["char", "unicodeChar"])
@pytest.mark.parametrize("name", TEXTS)
def test_text_is_what_xml_says(tmp_path: Path, name: str, datatype: str) -> None:
    text, wanted = TEXTS[name]
    assert column_of(tmp_path, document(field(datatype, "*"), cells(text, "y"))) == [wanted, "y"]


def test_numbers_too_may_stand_in_cdata_and_beside_comments(tmp_path: Path) -> None:
    content = document(field("int"), cells("<![CDATA[ 12 ]]>", "<!-- one -->3", "&#x34;", "<?pi?>5<!---->6"))
    assert column_of(tmp_path, content) == [12, 3, 4, 56]


@pytest.mark.parametrize("form", ["BINARY", "BINARY2"])
@pytest.mark.parametrize("width", [4, 6])
def test_a_text_in_bytes_ends_with_its_first_nul(tmp_path: Path, form: str, width: int) -> None:
    mask = b"\0" if form == "BINARY2" else b""
    char = b"".join(mask + each.ljust(width, b"\0") for each in (b"ab\0c", b"abcd", b"\0bcd"))
    assert column_of(tmp_path, document(field("char", str(width)), stream(form, char))) == [
        "ab",
        "abcd",
        "" if mask else None,
    ]


def test_a_pair_of_surrogates_is_one_character(tmp_path: Path) -> None:
    content = struct.pack(">i", 3) + "\U0001f31fx".encode("utf-16-be")
    assert column_of(tmp_path, document(field("unicodeChar", "*"), stream("BINARY", content))) == ["\U0001f31fx"]


# ---- nulls


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("null", ["31", "0x1F", "+31", " 31 ", "031"])
def test_null_is_written_as_any_number_may_be(tmp_path: Path, null: str, form: str) -> None:
    numbers = Written("int", None, [31, 5])
    content = written([numbers], form).replace(b"></FIELD>", f'><VALUES null="{null}"/></FIELD>'.encode())
    assert column_of(tmp_path, content) == [None, 5]


@pytest.mark.parametrize("cell", ["31", "0x1F", "+31", " 31 ", "031"])
def test_null_is_compared_as_a_number(tmp_path: Path, cell: str) -> None:
    assert column_of(tmp_path, document(field("int", null="31"), cells(cell, "5"))) == [None, 5]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("arraysize", ["3", "*"])
def test_null_marks_single_elements_of_an_array(tmp_path: Path, arraysize: str, form: str) -> None:
    column = Written("short", arraysize, [[1, None, 3], [None, None, None], [4, 5, 6]], "-9")
    assert column_of(tmp_path, written([column], form)) == column.values


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("datatype", ["float", "double"])
@pytest.mark.parametrize("null", ["-99.5", "-99.50", "NaN"])
def test_null_of_a_floating_number_is_respected(tmp_path: Path, null: str, datatype: str, form: str) -> None:
    content = written([Written(datatype, None, [-99.5, 1.5])], form)
    content = content.replace(b"></FIELD>", f'><VALUES null="{null}"/></FIELD>'.encode())
    assert column_of(tmp_path, content) == [-99.5 if null == "NaN" else None, 1.5]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("null", ["99999", "9" * 40, "-32769"])
def test_null_that_no_value_can_be_means_nothing(tmp_path: Path, null: str, form: str) -> None:
    content = written([Written("short", None, [-1, 7])], form)
    content = content.replace(b"></FIELD>", f'><VALUES null="{null}"/></FIELD>'.encode())
    assert column_of(tmp_path, content) == [-1, 7]


def test_null_of_other_elements_is_not_of_the_column(tmp_path: Path) -> None:
    values = '<PARAM name="p" datatype="int" value="1"><VALUES null="7"/></PARAM>'
    fields = f"{values}{field('int')}<GROUP>{values}<FIELDref ref='a'/></GROUP>"
    assert column_of(tmp_path, document(fields, cells("7", ""))) == [7, None]


def test_binary2_masks_every_datatype_whatever_its_bytes_say(tmp_path: Path) -> None:
    nothing = [Written(c.datatype, c.arraysize, [None] * 2, "5") for c in COLUMNS]
    rows = [tuple(c.values[0] for c in COLUMNS), (None,) * len(COLUMNS), tuple(c.values[0] for c in COLUMNS)]
    mask = row_as_bytes(nothing, rows[1], masked=True)[: (len(COLUMNS) + 7) // 8]
    whole = row_as_bytes(COLUMNS, rows[0], masked=True)
    masked = mask + row_as_bytes(COLUMNS, rows[0], masked=False)
    fields = "".join(field(c.datatype, c.arraysize, f"c{i}") for i, c in enumerate(COLUMNS))
    content = document(fields, stream("BINARY2", whole + masked + whole))
    assert repr(read_document(tmp_path, content)) == repr(rows)


# ---- columns


NAMES = ["select", "TABLE", "a b", "a.b", '"quoted"', "it's", "a,b;--", "<&>", "Ω☉🌟", "ctid", "c0", "%s{0}", "x" * 300]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_kept(tmp_path: Path, name: str) -> None:
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    assert [c.name for c in columns_of(tmp_path, field("int", name=escaped))] == [name]


def test_a_column_without_a_name_is_called_by_its_id(tmp_path: Path) -> None:
    assert columns_of(tmp_path, '<FIELD ID="col1" datatype="int"/>')[0].name == "col1"


def test_units_ucds_utypes_and_descriptions_are_the_columns(tmp_path: Path) -> None:
    said = 'unit="km/s" ucd="phys.veloc;stat.error" utype="a:b.c"'
    fields = f"""<DESCRIPTION>of the table</DESCRIPTION><PARAM name="p" datatype="int" value="1"><DESCRIPTION>of a
        parameter</DESCRIPTION></PARAM><GROUP><DESCRIPTION>of a group</DESCRIPTION></GROUP>
        <FIELD name="v" datatype="double" {said}><DESCRIPTION> of <![CDATA[<v>]]> &amp; no more
        </DESCRIPTION><VALUES><MIN value="0"/><OPTION value="1"/></VALUES><LINK href="http://x/"/></FIELD>
        <FIELD name="w" datatype="int"/>"""
    first, second = columns_of(tmp_path, fields)
    assert (first.unit, first.ucd, first.utype) == ("km/s", "phys.veloc;stat.error", "a:b.c")
    assert first.description == "of <v> & no more"
    assert (second.unit, second.ucd, second.utype, second.description) == (None,) * 4


TIMES = {
    "2020-01-02T03:04:05": (3, 4, 5, 0),
    "2020-01-02T03:04:05Z": (3, 4, 5, 0),
    "2020-01-02 03:04:05": (3, 4, 5, 0),
    " 2020-01-02T03:04:05 ": (3, 4, 5, 0),
    "2020-01-02": (0, 0, 0, 0),
    "2020-01-02T03:04:05.1": (3, 4, 5, 100_000),
    "2020-01-02T03:04:05.123Z": (3, 4, 5, 123_000),
    "2020-01-02T03:04:05.123456": (3, 4, 5, 123_456),
    "2020-01-02T03:04:05.123456789": (3, 4, 5, 123_456),
    "2020-01-02T03:04:05.1234567Z": (3, 4, 5, 123_456),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("datatype", ["char", "unicodeChar"])
@pytest.mark.parametrize("text", TIMES)
def test_timestamps_are_read_alike_in_all_serializations(tmp_path: Path, text: str, datatype: str, form: str) -> None:
    for xtype, arraysize in (("timestamp", "*"), ("adql:TIMESTAMP", "40*"), ("timestamp", "32")):
        content = written([Written(datatype, arraysize, [text, None])], form)
        content = content.replace(b"></FIELD>", f' xtype="{xtype}"></FIELD>'.encode())
        assert column_of(tmp_path, content) == [datetime(2020, 1, 2, *TIMES[text]), None]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("column", "xtype"),
    [
        (Written("double", None, [58000.5, 1.0]), "mjd"),
        (Written("double", "2", [[1.0, 2.0], [3.0, 4.0]]), "interval"),
        (Written("char", "*", ["12:00:00", "x"]), "hms"),
        (Written("char", "*", ["x", "2020-01-01"]), "timestamps"),
    ],
    ids=str,
)
def test_an_unknown_xtype_changes_nothing(tmp_path: Path, column: Written, xtype: str, form: str) -> None:
    content = written([column], form).replace(b"></FIELD>", f' xtype="{xtype}"></FIELD>'.encode())
    assert column_of(tmp_path, content) == column.values


# ---- the XML round the data


NAMESPACED = """<{p}VOTABLE xmlns{c}="http://www.ivoa.net/xml/VOTable/v1.3" xmlns:o="http://www.ivoa.net/xml/VOTable/v1.3"
 xmlns:m="http://elsewhere/"><{p}RESOURCE><{p}TABLE><{p}FIELD name="a" datatype="int"/><{p}DATA><{p}TABLEDATA>
<{q}TR><{q}TD>1</{q}TD></{q}TR></{p}TABLEDATA></{p}DATA></{p}TABLE></{p}RESOURCE></{p}VOTABLE>"""


@pytest.mark.parametrize(
    ("prefix", "rows"), [("", ""), ("v:", "v:"), ("vot-1.3:", "vot-1.3:"), ("", "o:"), ("v:", "o:")]
)
def test_a_prefix_changes_nothing(tmp_path: Path, prefix: str, rows: str) -> None:
    content = NAMESPACED.format(p=prefix, q=rows, c=prefix and f":{prefix[:-1]}")
    assert column_of(tmp_path, content.encode()) == [1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "us-ascii"])
def test_the_encoding_of_the_xml_changes_nothing(tmp_path: Path, encoding: str, form: str) -> None:
    text = "Ωé" if encoding.startswith("utf") else ("é" if encoding.startswith("iso") else "e")
    content = written([Written("char", "*", [text])], form).decode()
    declared = content.replace("?>", f' encoding="{encoding.removesuffix("-sig")}"?>', 1)
    assert column_of(tmp_path, declared.encode(encoding)) == [text]


def test_base64_may_stand_in_lines_with_comments_and_cdata(tmp_path: Path) -> None:
    data = "<BINARY><STREAM encoding='base64'>\n A AA<!-- B -->A\tA<![CDATA[A\r\nAB]]>\n\n</STREAM></BINARY>"
    assert column_of(tmp_path, document(field("short"), data)) == [0, 0, 1]


def test_only_the_first_table_counts(tmp_path: Path) -> None:
    first = written([Written("int", None, [1, 2])], "TABLEDATA")
    second = first[first.index(b"<TABLE>") : first.index(b"</RESOURCE>")].replace(b"TD>1<", b"TD>3<")
    assert column_of(tmp_path, first.replace(b"</RESOURCE>", second + b"</RESOURCE>")) == [1, 2]


def test_a_cell_in_base64_is_decoded_or_refused(tmp_path: Path) -> None:
    content = document(field("char", "*"), "<TABLEDATA><TR><TD encoding='base64'>QUJD</TD></TR></TABLEDATA>")
    with suppress(LoadError):
        assert column_of(tmp_path, content) == ["ABC"]


# ---- what is hostile or broken: a LoadError with a reason, in bounded time and memory


def take(path: Path) -> None:
    """The way of an upload, up to the database."""
    reader = open_file(path)
    _check(reader.columns, UploadLimits(rows=100_000_000))
    if problem := next((column.problem for column in reader.columns if column.problem), None):
        raise LoadError(problem)
    for batch in reader.batches():
        encode(batch, tuple(column.type for column in reader.columns))


def outcome(path: Path) -> str:
    """`read` or `refused`; anything else should have been a LoadError."""
    try:
        take(path)
    except LoadError as error:
        return "refused" if len(str(error).split()) > 2 else f"refused without a reason: {error}"
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {str(error)[:100]}"
    return "read"


def outcome_of(folder: Path, content: bytes, name: str = "a.vot") -> str:
    path = folder / name
    path.write_bytes(content)
    return outcome(path)


ONE = field("int")
ROW = cells("1")
LONG = "x".join(["999999999"] * 3)


def binary(fields: str, content: bytes) -> bytes:
    return document(fields, stream("BINARY", content))


BROKEN = {
    # the structure
    "no table": b"<VOTABLE><RESOURCE/></VOTABLE>",
    "no columns, and cells": document("", ROW),
    "no columns, and bytes": binary("", b"abc"),
    "no columns, and bytes with masks": document("", stream("BINARY2", b"abc")),
    "VALUES of a FIELD without a TABLE": b"<VOTABLE><FIELD name='a' datatype='int'><VALUES null='1'/></FIELD></VOTABLE>",
    "DESCRIPTION of a FIELD without a TABLE": b"<VOTABLE><FIELD name='a'><DESCRIPTION>x</DESCRIPTION></FIELD></VOTABLE>",
    "a table within a table": document(ONE, f"<TABLEDATA>{ROW}<TR><TD>2</TD></TR></TABLEDATA>"),
    "a table of two kinds of data": document(ONE, f"{ROW}</DATA><DATA>{stream('BINARY', bytes(4))}"),
    "markup in a cell": document(ONE, cells("1<b>2</b>3")),
    "too many cells": document(ONE, tabledata(("1", "2"))),
    "a column without a name": document('<FIELD datatype="int"/>', ROW),
    "two columns of one name": document(ONE + field("int", name="a"), tabledata(("1", "2"))),
    "noise": b"\0\1\2" * 1000,
    "nothing": b"",
    # what points or unpacks elsewhere
    "DOCTYPE": document(ONE, ROW).replace(b"<VOTABLE", b"<!DOCTYPE VOTABLE SYSTEM 'file:///etc/passwd'><VOTABLE", 1),
    "an entity": document(ONE, cells("&b;")).replace(b"<VOTABLE", b"<!DOCTYPE a [<!ENTITY b '1'>]><VOTABLE", 1),
    "an undefined entity": document(ONE, cells("&eacute;")),
    "STREAM over http": document(ONE, "<BINARY><STREAM href='http://127.0.0.1:9/'/></BINARY>"),
    "STREAM from a file": document(ONE, "<BINARY2><STREAM href='file:///etc/passwd'/></BINARY2>"),
    "STREAM beside it": document(ONE, "<BINARY2><STREAM href='passwd'>AAAA</STREAM></BINARY2>"),
    "STREAM from nowhere": document(ONE, "<BINARY2><STREAM href=''>AAAA</STREAM></BINARY2>"),
    "STREAM from a Parquet file": document(ONE, "<PARQUET type='x'><STREAM href='file:///etc/passwd'/></PARQUET>"),
    "FITS from a file": document(ONE, "<FITS><STREAM href='file:///etc/passwd'/></FITS>"),
    "FITS in it": document(ONE, "<FITS><STREAM encoding='base64'>AAAA</STREAM></FITS>"),
    "STREAM in gzip": document(ONE, stream("BINARY", gzip.compress(bytes(20_000_000))).replace("base64", "gzip")),
    "STREAM of some kind": document(ONE, stream("BINARY", bytes(4)).replace("base64", "dynamic")),
    "a file in gzip that breaks off": gzip.compress(document(ONE, ROW))[:-9],
    # the XML's encoding
    **{f"encoding {e}": document(ONE, ROW).replace(b"?>", f" encoding='{e}'?>".encode(), 1) for e in
       "nonsense utf-7 utf-32 shift_jis idna undefined rot13 base64 cp037".split()},
    "a cell that is not UTF-8": document(field("char", "*"), cells("~")).replace(b"~", b"\xff"),
    "a reference to NUL": document(field("char", "*"), cells("&#0;")),
    "a reference to a surrogate": document(field("char", "*"), cells("&#xD800;")),
    # types and sizes
    "no datatype": document("<FIELD name='a'/>", ROW),
    "an unknown datatype": document(field("int; DROP TABLE x"), ROW),
    "floatComplex": document(field("floatComplex"), cells("1 2")),
    "doubleComplex": document(field("doubleComplex", "*"), cells("1 2")),
    "bits in arrays": document(field("bit", "8"), cells("1 0 1 0 1 0 1 0")),
    "no truth in an array": document(field("boolean", "*"), cells("T x")),
    **{f"arraysize {size[:12]!r}": document(field("int", size), ROW) for size in
       ("", "-5", "x", "2x", "*x2", "2**", "1.5", "0x1F", "9" * 10, "\u0663", "1x" * 200_000, "9" * 200_000)},
    "a timestamp that is a number": binary(field("double", "*", more="xtype='timestamp'"), bytes(4)),
    "a timestamp that is numbers": binary(field("long", "2", more="xtype='timestamp'"), bytes(16)),
    "a timestamp that is a truth": binary(field("boolean", "*", more="xtype='timestamp'"), bytes(4)),
    "a timestamp of no datatype": binary(field("nonsense", "*", more="xtype='timestamp'"), bytes(4)),
    "a timestamp of no datatype in cells": document(field("nonsense", "*", more="xtype='timestamp'"), cells("2020-01-01")),
    # lengths
    "bytes for a column without width": binary(field("char", "0"), b"abc"),
    "a value larger than any machine": binary(field("int", LONG), b"abc"),
    "a text larger than any machine": binary(field("char", LONG), b"abc"),
    "a value larger than any machine, and a varying one": binary(field("int", LONG) + field("char", "*", "b"), bytes(9)),
    "a varying value, and one larger than any machine": binary(field("char", "*", "b") + field("int", LONG), bytes(9)),
    "many dimensions": binary(field("int", "x".join(["9" * 9] * 20_000)), b"abc"),
    "a negative length": binary(field("int", "*"), struct.pack(">ii", -1, 1)),
    "the most negative length": binary(field("char", "*"), struct.pack(">i", -(2**31))),
    "a length that leads back": binary(field("int", "*") + field("char", "*", "b"), struct.pack(">iii", -2, 1, 1)),
    "one element too few": binary(field("int", "*"), struct.pack(">ii", 2, 1)),
    "half an element": binary(field("int", "*"), struct.pack(">ih", 1, 1)),
    "the greatest length": binary(field("double", "*"), struct.pack(">id", 2**31 - 1, 1)),
    "base64 that ends within a byte": document(field("unsignedByte"), "<BINARY><STREAM>AAECAw</STREAM></BINARY>"),
    "base64 that ends within a group": document(field("unsignedByte"), "<BINARY><STREAM>AAECA</STREAM></BINARY>"),
    "base64 that goes on after its end": document(field("unsignedByte"), "<BINARY><STREAM>AA==AA==</STREAM></BINARY>"),
    "no base64": document(field("unsignedByte"), "<BINARY><STREAM>A*A=</STREAM></BINARY>"),
    # values
    **{f"{value!r} is no int": document(ONE, cells(value)) for value in
       ("x", "1.0", "1e3", "1 2", "0x", "0xG", "1_000", "\u0661\u0662", "2147483648", "-2147483649", "0x1FFFFFFFF", "9" * 5000)},
    **{f"{value!r} is no unsignedByte": document(field("unsignedByte"), cells(value)) for value in ("-1", "256", "0x100")},
    **{f"{value!r} is no double": document(field("double"), cells(value)) for value in
       ("x", "1,5", "1_000.5", "0x1F", "1.5.2", "1 2", "1d5", "\u0661.\u0662")},
    **{f"{value!r} is no element": document(field(datatype, "*"), cells(value)) for datatype, value in
       (("int", "1 x"), ("int", "1,2"), ("short", "1 99999"), ("unsignedByte", "1 256"), ("double", "1 1_0"))},
    **{f"{value!r} is no boolean": document(field("boolean"), cells(value)) for value in ("x", "yes", "2", "TF")},
    "a byte is no boolean": binary(field("boolean"), b"Tx"),
    **{f"{value!r} is no timestamp": document(field("char", "*", more="xtype='timestamp'"), cells(value)) for value in
       ("x", "2020", "2020-02-30", "2020-01-01T25:00:00", "10000-01-01", "12:00:00", "2020-W01-1", "20200102")},
    "bytes are no timestamp": binary(field("char", "4", more="xtype='timestamp'"), b"soon"),
    "bytes that are not UTF-8": binary(field("char", "*"), b"\0\0\0\2\xff\xfe"),
    "a character cut in two": binary(field("char", "1"), "é".encode()),
    "half a pair of surrogates": binary(field("unicodeChar", "*"), b"\0\0\0\1\xd8\x00"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_votable_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    begun = time.monotonic()
    assert outcome_of(tmp_path, BROKEN[name]) == "refused"
    assert time.monotonic() - begun < 2


SMALL = [
    Written("int", None, [1, None, 3], "-1"),
    Written("char", "*", ["one", "é", "three"]),
    Written("short", "*", [[1], [2, 3], [4]]),
]


def every(few: int, many: int) -> pytest.MarkDecorator:
    """Change every so many bytes, or look closer in the long form."""
    return pytest.mark.parametrize("step", [few, pytest.param(many, marks=pytest.mark.long)])


@every(7, 1)
@pytest.mark.parametrize("form", FORMS)
def test_a_votable_cut_anywhere_in_its_table_is_refused(tmp_path: Path, form: str, step: int) -> None:
    whole = written(SMALL, form)
    ends = range(0, whole.index(b"</TABLE>") + len("</TABLE"), step)
    assert {outcome_of(tmp_path, whole[:end]) for end in ends} == {"refused"}


@pytest.mark.parametrize("form", FORMS)
def test_a_votable_cut_after_its_table_is_refused_in_every_serialization(tmp_path: Path, form: str) -> None:
    whole = written(SMALL, form)
    ends = range(whole.index(b"</TABLE>") + len("</TABLE>"), len(whole))
    assert {outcome_of(tmp_path, whole[:end]) for end in ends} == {"refused"}


@pytest.mark.parametrize("form", ["BINARY", "BINARY2"])
def test_a_stream_cut_within_a_row_is_refused(tmp_path: Path, form: str) -> None:
    rows = [row_as_bytes(SMALL, row, masked=form == "BINARY2") for row in zip(*(c.values for c in SMALL), strict=True)]
    content = b"".join(rows)
    whole = {0, len(rows[0]), len(rows[0] + rows[1])}
    fields = "".join(field(c.datatype, c.arraysize, f"c{i}") for i, c in enumerate(SMALL))
    for end in range(len(content)):
        wanted = "read" if end in whole else "refused"
        assert outcome_of(tmp_path, document(fields, stream(form, content[:end]))) == wanted, end


@pytest.mark.parametrize("form", ["BINARY", "BINARY2"])
def test_base64_cut_anywhere_but_after_a_row_is_refused(tmp_path: Path, form: str) -> None:
    text = base64.b64encode(b"\0\7\7" * 4).decode()
    fields = field("short") if form == "BINARY2" else field("unsignedByte", "3")
    for end in range(len(text)):
        wanted = "refused" if end % 4 else "read"
        assert outcome_of(tmp_path, document(fields, f"<{form}><STREAM>{text[:end]}</STREAM></{form}>")) == wanted, end


@every(13, 3)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("byte", [b"\0", b"\xff", b"<", b"9"])
def test_a_votable_with_any_byte_changed_is_read_or_refused(tmp_path: Path, form: str, byte: bytes, step: int) -> None:
    whole = written(SMALL, form)
    begin = whole.index(b"<FIELD")
    changed = (whole[:at] + byte + whole[at + 1 :] for at in range(begin, len(whole), step))
    assert {outcome_of(tmp_path, each) for each in changed} <= {"read", "refused"}


@every(41, 11)
@pytest.mark.parametrize("form", ["BINARY", "BINARY2"])
@pytest.mark.parametrize("byte", [0, 0x7F, 0x80, 0xFF])
def test_a_stream_with_any_byte_changed_is_read_or_refused(tmp_path: Path, form: str, byte: int, step: int) -> None:
    rows = zip(*(c.values for c in COLUMNS), strict=True)
    content = bytearray(b"".join(row_as_bytes(COLUMNS, row, masked=form == "BINARY2") for row in rows))
    fields = "".join(field(c.datatype, c.arraysize, f"c{i}") for i, c in enumerate(COLUMNS))
    found = set()
    for at in range(0, len(content), step):
        changed = bytearray(content)
        changed[at] = byte
        found.add(outcome_of(tmp_path, document(fields, stream(form, bytes(changed)))))
    assert found <= {"read", "refused"}


# ---- bounded time and memory


DEEP = {
    "elements of no meaning": ("<x>", "</x>"),
    "fields": ("<FIELD>", "</FIELD>"),
    "values": ("<VALUES null=''>", "</VALUES>"),
    "resources": ("<RESOURCE>", "</RESOURCE>"),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_is_refused_at_once(tmp_path: Path, name: str) -> None:
    begin, end = (each * 12_000 for each in DEEP[name])
    content = document(ONE, ROW).replace(b"<RESOURCE>", f"{begin}{end}<RESOURCE>".encode(), 1)
    begun = time.monotonic()
    assert outcome_of(tmp_path, content) == "refused"
    assert time.monotonic() - begun < 0.5


def test_deep_nesting_within_a_cell_is_refused(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, document(ONE, cells("<b>" * 15_000 + "1" + "</b>" * 15_000))) == "refused"


def test_a_hundred_thousand_fields_are_refused_at_once(tmp_path: Path) -> None:
    content = document(fields_of(100_000, "int"), "<TABLEDATA><TR/></TABLEDATA>")
    begun = time.monotonic()
    assert outcome_of(tmp_path, content) == "refused"
    assert time.monotonic() - begun < 30


def fields_of(count: int, datatype: str, arraysize: str | None = None) -> str:
    return "".join(field(datatype, arraysize, f"c{i}") for i in range(count))


def most_memory(path: Path) -> int:
    """Bytes that Python ever holds while a file is read, or Arrow after a step of it."""
    tracemalloc.start()
    try:
        arrow = most_of_arrow(path)
        return tracemalloc.get_traced_memory()[1] + arrow
    finally:
        tracemalloc.stop()


def most_of_arrow(path: Path) -> int:
    before = most = pa.total_allocated_bytes()
    with suppress(LoadError, MemoryError):
        reader = open_file(path)
        for _ in itertools.chain([None], reader.batches()):
            most = max(most, pa.total_allocated_bytes())
    return int(most - before)


LARGE: dict[str, Callable[[], bytes]] = {
    "rows without cells": lambda: document(fields_of(60, "int"), f"<TABLEDATA>{'<TR/>' * 80_000}</TABLEDATA>"),
    "columns without width": lambda: binary(
        fields_of(100, "char", "0") + field("unsignedByte", name="z"), bytes(200_000)
    ),
    "a long text in bytes": lambda: binary(field("char", "*"), struct.pack(">i", 4_000_000) + b"x" * 4_000_000),
    "a long text in a cell": lambda: document(field("char", "*"), cells("x" * 4_000_000)),
    "a long attribute": lambda: document(field("int", name="x" * 4_000_000), ROW),
    "a long comment": lambda: document(ONE, f"<!--{'x' * 4_000_000}-->{ROW}"),
    "a length without its bytes": lambda: binary(field("char", "*"), struct.pack(">i", 2**31 - 1) + b"x" * 4_000_000),
    "many attributes": lambda: document(field("int", more=" ".join(f"a{i}=''" for i in range(50_000))), ROW),
    "many cells in a row": lambda: document(ONE, f"<TABLEDATA><TR>{'<TD/>' * 400_000}</TR></TABLEDATA>"),
    "nested elements": lambda: b"<VOTABLE>" + b"<x>" * 500_000,
}


@pytest.mark.parametrize("name", LARGE)
def test_memory_is_bounded_by_the_size_of_a_votable(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.vot"
    path.write_bytes(LARGE[name]())
    assert most_memory(path) < 12_000_000 + 8 * path.stat().st_size


# ---- other formats


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def texts_of(*values: bytes) -> pa.Array:
    """A column of texts, valid UTF-8 or not."""
    offsets = np.cumsum([0, *map(len, values)], dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
    )


PARQUET = parquet(
    pa.table({"i": [1, 2, None], "t": ["x", None, "y"], "d": pa.array(["u", "v", "u"]).dictionary_encode()}),
)
FOOTER = struct.unpack("<I", PARQUET[-8:-4])[0]
LYING = {
    **{f"a footer of {n} bytes": PARQUET[:-8] + struct.pack("<I", n) + b"PAR1" for n in
       (0, 8, FOOTER - 1, FOOTER + 1, len(PARQUET), 2**31 - 1, 2**32 - 1)},
    "a footer of zeros": PARQUET[: -8 - FOOTER] + bytes(FOOTER) + PARQUET[-8:],
    "a footer of ones": PARQUET[: -8 - FOOTER] + b"\xff" * FOOTER + PARQUET[-8:],
    "an encrypted footer": PARQUET[:-4] + b"PARE",
    "only the magic words": b"PAR1PAR1",
    "no columns": parquet(pa.table({})),
    "structs": parquet(pa.table({"a": [{"x": 1}]})),
    "times of day": parquet(pa.table({"a": pa.array([1], pa.time64("us"))})),
    "whole numbers beyond long": parquet(pa.table({"a": pa.array([2**63], pa.uint64())})),
    "times beyond all calendars": parquet(pa.table({"a": pa.array([2**53], pa.timestamp("s"))})),
    "NUL in a text": parquet(pa.table({"a": ["x\0y"]})),
    "a text that is not UTF-8": parquet(pa.table({"a": texts_of(b"x", b"\xff\xfe")})),
    "no name": parquet(pa.table({"": [1]})),
    "names that are equal": parquet(pa.table([pa.array([1]), pa.array([2])], ["a", "a"])),
    "control characters in a name": parquet(pa.table({"a\x01": [1]})),
    "NUL in a name": parquet(pa.table({"a\0b": [1]})),
}  # fmt: skip


@pytest.mark.parametrize("name", LYING)
def test_a_parquet_file_that_lies_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    assert outcome_of(tmp_path, LYING[name], "a.parquet") == "refused"


def test_a_parquet_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    assert {outcome_of(tmp_path, PARQUET[:end], "a.parquet") for end in range(len(PARQUET))} == {"refused"}


@pytest.mark.parametrize("byte", [0, 0x15, 0xFF])
def test_a_parquet_file_with_any_byte_changed_is_read_or_refused(tmp_path: Path, byte: int) -> None:
    changed = (PARQUET[:at] + bytes([byte]) + PARQUET[at + 1 :] for at in range(4, len(PARQUET), 3))
    assert {outcome_of(tmp_path, each, "a.parquet") for each in changed} <= {"read", "refused"}


@pytest.mark.long
def test_a_small_parquet_file_does_not_unpack_into_much_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet(pa.table({"t": ["x" * 5_000] * 50_000}), compression="zstd"))
    assert path.stat().st_size < 10_000
    assert most_of_arrow(path) < 64_000_000


DESCRIBED = {
    "noise": b"noise",
    "nothing": b"",
    "no table": b"<VOTABLE/>",
    "an unknown datatype": document(field("nonsense"), ROW),
    "a wrong value": document(ONE, cells("x")),
    "an entity": BROKEN["an entity"],
    "vast nrows": document(ONE, ROW).replace(b"<TABLE>", b"<TABLE nrows='1000000000000000'>"),
    "negative nrows": document(ONE, ROW).replace(b"<TABLE>", b"<TABLE nrows='-1'>"),
    "a vast arraysize": document(field("double", "2000000000"), ROW).replace(b"<TABLE>", b"<TABLE nrows='1'>"),
    "deep nesting": b"<VOTABLE>" + b"<RESOURCE>" * 5_000,
    "PARQUET of no kind": BROKEN["STREAM from a Parquet file"],
}


def described(votable: bytes) -> bytes:
    return parquet(pa.table({"a": [1]}).replace_schema_metadata({b"IVOA.VOTable-Parquet.content": votable}))


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_parquet_file_with_a_broken_votable_in_it_is_read_or_refused(tmp_path: Path, name: str) -> None:
    assert outcome_of(tmp_path, described(DESCRIBED[name]), "a.parquet") in {"read", "refused"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "file:///etc/passwd", "ftp://127.0.0.1:9/x"])
@pytest.mark.parametrize("form", ["BINARY", "BINARY2", "FITS", "PARQUET type='VOTable-remote-file'"])
def test_the_votable_in_a_parquet_file_opens_nothing_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, url: str
) -> None:
    asked = []

    def opened(self: object, request: Any, *_: object, **__: object) -> None:
        asked.append(getattr(request, "full_url", request))
        raise OSError("nothing is opened in a test")

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", opened)
    outcome_of(
        tmp_path, described(document(ONE, f"<{form}><STREAM href='{url}'/></{form.partition(' ')[0]}>")), "a.parquet"
    )
    assert not asked


def test_metadata_of_a_parquet_column_that_is_not_utf8_is_no_matter(tmp_path: Path) -> None:
    column = pa.field("a", pa.int64(), metadata={b"\xff": b"x", b"unit": b"\xff"})
    content = parquet(pa.table([pa.array([1])], pa.schema([column])))
    assert outcome_of(tmp_path, content, "a.parquet") in {"read", "refused"}


def fits_file(*columns: fits.Column) -> bytes:
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(out)
    return out.getvalue()


FITS = fits_file(
    fits.Column("i", "J", unit="m", array=np.arange(3)), fits.Column("t", "1A", array=np.array(["a", "b", "c"]))
)
VARYING = fits_file(fits.Column("v", "PJ()", array=np.array([np.array([1, 2]), np.array([3])], dtype=object)))
BLOCK = 2880
LIES: dict[str, tuple[object, ...]] = {
    "NAXIS1": (0, -1, 4, 6, 10**9, 10**18, "X", 3.5),
    "NAXIS2": (-1, -3, 10**6, 10**9, 10**18, 10**30, "'3'", "T"),
    "TFIELDS": (0, 1, 3, 999, -1, "'x'"),
    "TFORM1": ("'Z'", "'99999999999J'", "'0J'", "'PJ(3)'", "'1PJ'", "'-1J'", "'C'", "''", 5),
    "TTYPE1": ("'t'", "'a\x01'", "'a\0'"),
}
ODDITIES: dict[str, tuple[object, ...]] = {
    "NAXIS": (0, 1, 3, 999, -1),
    "PCOUNT": (-1, 10**18, "'x'"),
    "TTYPE1": (5, "'\xff'"),
    "TUNIT1": ("'\xff'", "'\x01'"),
}


def each_card(cards: dict[str, tuple[object, ...]]) -> list[tuple[str, object]]:
    return [(card, value) for card, values in cards.items() for value in values]


def with_card(name: str, value: object) -> bytes:
    at = FITS.index(f"{name:8}=".encode(), BLOCK)
    return FITS[:at] + f"{name:8}= {value!s:>20}".ljust(80).encode("latin-1") + FITS[at + 80 :]


@pytest.mark.parametrize(("card", "value"), each_card(ODDITIES))
def test_a_fits_file_with_an_odd_header_is_read_or_refused(tmp_path: Path, card: str, value: object) -> None:
    assert outcome_of(tmp_path, with_card(card, value), "a.fits") in {"read", "refused"}


@pytest.mark.parametrize(("card", "value"), each_card(LIES))
def test_a_fits_file_that_lies_is_refused_with_a_reason(tmp_path: Path, card: str, value: object) -> None:
    assert outcome_of(tmp_path, with_card(card, value), "a.fits") == "refused"


@pytest.mark.parametrize("unit", [5, 1.5, "T"])
def test_a_unit_in_a_fits_file_is_text_or_refused(tmp_path: Path, unit: object) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(with_card("TUNIT1", unit))
    with suppress(LoadError):
        assert isinstance(open_file(path).columns[0].unit, str | None)


ODD_FITS = {
    "complex numbers": fits_file(fits.Column("z", "C", array=np.array([1 + 2j]))),
    "bits": fits_file(fits.Column("b", "8X", array=np.ones((1, 8), bool))),
    "a column without TFORM": FITS.replace(b"TFORM1  ", b"XFORM1  "),
    "a table without NAXIS2": FITS.replace(b"NAXIS2  ", b"XAXIS2  "),
    "a header without end": FITS[:BLOCK] + b"COMMENT x".ljust(80) * 36 * 500,
    **{f"a descriptor {n} {at}": VARYING[: 2 * BLOCK] + struct.pack(">ii", n, at) + VARYING[2 * BLOCK + 8 :] for n, at in
       ((-1, 0), (2**31 - 1, 0), (2, 2**31 - 1), (2, -8), (10**8, 0))},
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_FITS)
def test_a_fits_file_that_cannot_be_taken_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    assert outcome_of(tmp_path, ODD_FITS[name], "a.fits") == "refused"


def test_a_fits_file_without_names_is_read_or_refused(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, FITS.replace(b"TTYPE1  ", b"XTYPE1  "), "a.fits") in {"read", "refused"}


def test_a_fits_file_cut_before_the_end_of_its_rows_is_refused(tmp_path: Path) -> None:
    end = 2 * BLOCK + 3 * 5
    cuts = [*range(1, end, 97), BLOCK, *range(2 * BLOCK - 3, end)]
    assert {outcome_of(tmp_path, FITS[:cut], "a.fits") for cut in cuts} == {"refused"}


@pytest.mark.parametrize("byte", [b"'", b"9", b"\0"])
def test_a_fits_file_with_any_byte_of_its_header_changed_is_read_or_refused(tmp_path: Path, byte: bytes) -> None:
    cards = range(BLOCK, FITS.index(b"END     ", BLOCK) + 3)
    said = [at for at in cards if FITS[at : at + 1] != b" "]
    changed = (FITS[:at] + byte + FITS[at + 1 :] for at in said[::2])
    assert {outcome_of(tmp_path, each, "a.fits") for each in changed} <= {"read", "refused"}


CSV = {
    "nothing but a line": b"\n",
    "a row too short": b"a,b\n1\n",
    "a row too long": b"a\n1,2\n",
    "an open quote": b'a,b\n"1,2\n3,4\n',
    "UTF-16": "a,b\n1,2\n".encode("utf-16"),
    "gzip that breaks off": gzip.compress(b"a\n1\n")[:-5],
    "no names": b",\n1,2\n",
    "names that are equal": b"a,a\n1,2\n",
    "a name that is not UTF-8": b"a\xff,b\n1,2\n",
    "NUL in a name": b"a\0b,c\n1,2\n",
    "control characters in a name": b"a\x01b,c\n1,2\n",
    "a name of two lines": b'"a\nb",c\n1,2\n',
    "NUL in a text": b"a,b\nx\0y,2\n",
}


@pytest.mark.parametrize("name", CSV)
def test_a_broken_csv_file_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    assert outcome_of(tmp_path, CSV[name], "a.csv") == "refused"


@pytest.mark.parametrize("name", ["a&#10;b", "a&#9;b", "a&#x85;b", "a&#x7F;b"])
def test_control_characters_in_the_names_of_a_votable_are_refused(tmp_path: Path, name: str) -> None:
    assert outcome_of(tmp_path, document(field("int", name=name), ROW)) == "refused"


TAKEN_ALONE = """
import sys
from pathlib import Path
from schema.load import open_file
from schema.load.reader import LoadError

def most():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

before = most()
try:
    print(sum(batch.num_rows for batch in open_file(Path(sys.argv[1])).batches()), "rows")
except LoadError:
    print("refused")
print(most() - before)
"""


@pytest.mark.parametrize("begin", [b"", b"a\n", b'a,b\n1,2\n3,"'])
def test_a_line_of_200_mb_is_refused_and_its_process_ends_well_and_small(tmp_path: Path, begin: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(begin)
    with path.open("r+b") as file:
        # NULs that take no space on the disk.
        file.truncate(200_000_000)
    command = [sys.executable, "-c", TAKEN_ALONE, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    said, kilobytes = done.stdout.split("\n")[:2]
    assert (said, done.returncode) == ("refused", 0), done.stderr
    assert int(kilobytes) < 150_000


ECSV = {
    "nothing": "",
    "a number": "5",
    "a list": "- 1",
    "no columns": "delimiter: ','",
    "columns that are a number": "datatype: 5",
    "columns that are a mapping": "datatype: {a: b}",
    "a column that is a number": "datatype: [5]",
    "a column without a name": "datatype: [{datatype: int64}]",
    "a datatype that is a list": "datatype: [{name: a, datatype: [int64]}]",
    "meta that is a list": "datatype: [{name: a, datatype: int64, meta: [1]}]",
    "meta that is a text": "datatype: [{name: a, datatype: int64, meta: x}]",
    "a long delimiter": "delimiter: ',,'\ndatatype: [{name: a, datatype: int64}]",
    "no delimiter": "delimiter: ''\ndatatype: [{name: a, datatype: int64}]",
    "a delimiter that is a number": "delimiter: 5\ndatatype: [{name: a, datatype: int64}]",
    "a delimiter beyond ASCII": "delimiter: é\ndatatype: [{name: a, datatype: int64}]",
    "YAML that is open": "datatype: [",
    "YAML within itself": "datatype: &a [*a]",
    "YAML that is deep": "datatype: " + "[" * 3000,
    "YAML that runs a program": "datatype: !!python/object/apply:os.system ['true']",
    "YAML that makes an object": "datatype: !astropy.units.Unit {unit: nonsense}",
}


def ecsv(header: str) -> bytes:
    return "".join(f"# {line}\n" for line in ["%ECSV 1.0", "---", *header.split("\n")]).encode() + b"a\n1\n"


@pytest.mark.parametrize("name", ECSV)
def test_a_broken_header_of_ecsv_is_read_or_refused(tmp_path: Path, name: str) -> None:
    assert outcome_of(tmp_path, ecsv(ECSV[name]), "a.ecsv") in {"read", "refused"}


def test_a_header_of_ecsv_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, ecsv("~").replace(b"~", b"\xff"), "a.ecsv") == "refused"


@pytest.mark.parametrize(
    "said", ["name: 5", "name: [a]", "name: a, unit: 5", "name: a, unit: [m]", "name: a, description: {b: 1}"]
)
def test_what_ecsv_says_of_a_column_is_text_or_refused(tmp_path: Path, said: str) -> None:
    path = tmp_path / "a.ecsv"
    path.write_bytes(ecsv(f"datatype: [{{{said}, datatype: int64}}]"))
    with suppress(LoadError):
        (column,) = open_file(path).columns
        assert {type(each) for each in (column.name, column.unit, column.description)} <= {str, type(None)}


def test_a_vast_header_of_ecsv_takes_no_time(tmp_path: Path) -> None:
    content = ecsv("datatype: [{name: a, datatype: int64}]\nmeta: [" + "\n x," * 80_000 + "\n ]")
    begun = time.monotonic()
    assert outcome_of(tmp_path, content, "a.ecsv") in {"read", "refused"}
    assert time.monotonic() - begun < 1
