"""VOTables of every version, serialization and datatype are read as they were written; what is broken is refused."""

import base64
import io
import itertools
import math
import struct
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io.votable.tree import Field, Resource, TableElement, VOTableFile

from schema.load import open_file
from schema.load.reader import FileColumn, LoadError

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
    assert column_of(tmp_path, document(field("char", str(width)), stream(form, char))) == ["ab", "abcd", None]


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
