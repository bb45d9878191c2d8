"""What each format of files has beyond the matrix: its own NULLs, its own types, and our own results sent in again."""

import io
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import MaskedColumn, Table
from astropy.utils.exceptions import AstropyWarning

from schema.description import parse_description
from schema.load.reader import LoadError
from schema.publish import unpublish_table
from tap.config import Config
from tap.engine import database
from tests.contract.client import post
from tests.tap.formats.readers import kept, open_fits
from tests.tap.uploads.matrix import (
    KINDS,
    SAYS_NULL,
    FitsColumn,
    Kind,
    arrow_bytes,
    declared,
    fits_file,
    handed_on,
    held,
    parquet_bytes,
    same,
    votable_binary2,
    votable_document,
    written,
)
from tests.tap.uploads.test_matrix import load, read
from tests.tap.uploads.test_uploads import send, votable

pytestmark = pytest.mark.filterwarnings(f"ignore::{AstropyWarning.__module__}.AstropyWarning")


@dataclass(frozen=True, slots=True)
class Case:
    """A file of a column x: what its values must be in JSON, and its type as VOTable calls it; None where it must be refused.

    `char *` are texts, declared with the length of the longest.
    """

    name: str
    file_name: str
    content: bytes
    values: list[Any] | None
    type: str = ""

    @property
    def declared(self) -> str:
        """The type with the length of the longest text, 1 at least."""
        if self.type != "char *":
            return self.type
        return f"char {max(len(each) if each else 1 for each in self.values or ())}*"


# ---- FITS


def of_fits(name: str, form: str, rows: Any, values: list[Any] | None, type_: str = "", **cards: Any) -> Case:
    return Case(f"fits {name}", "x.fits", fits_file([FitsColumn("x", form, rows, cards)]), values, type_)


def of_heap(
    name: str, form: str, arrays: list[list[Any]], values: list[Any] | None, type_: str = "", **cards: Any
) -> Case:
    dtype = {"A": "S1", "L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "E": ">f4"}[form[1]]
    pieces = [(len(each), np.array(each, dtype).tobytes()) for each in arrays]
    return Case(f"fits {name}", "x.fits", fits_file([FitsColumn("x", form, None, cards, pieces)]), values, type_)


def raw(dtype: str, *values: Any) -> Any:
    return np.array(values, dtype)


T0, T1 = "2020-01-02T03:04:05.000000", "1999-12-31T23:59:59.000000"
LONG_TEXT = "x" * 2000
FITS_CASES = [
    of_fits("logical", "L", raw("S1", b"T", b"\0", b"F"), [True, None, False], "boolean"),
    of_fits("byte with TNULL", "B", raw("u1", 0, 255, 254), [0, None, 254], "short", TNULL=255),
    of_fits("signed byte", "B", raw("u1", 0, 7, 255), [-128, None, 127], "short", TNULL=7, TZERO=-128),
    of_fits("unsigned short", "I", raw(">i2", -32768, 0, 32767), [0, 32768, 65535], "int", TZERO=32768),
    of_fits(
        "unsigned short with TNULL",
        "I",
        raw(">i2", -32768, 0, 32767),
        [None, 32768, 65535],
        "int",
        TNULL=-32768,
        TZERO=32768,
    ),
    of_fits(
        "unsigned int with TNULL",
        "J",
        raw(">i4", 5, 0, 2**31 - 1),
        [None, 2**31, 2**32 - 1],
        "long",
        TNULL=5,
        TZERO=2**31,
    ),
    of_fits(
        "unsigned long with TNULL",
        "K",
        raw(">i8", -(2**63) + 1, 9, -1),
        [1, None, 2**63 - 1],
        "long",
        TNULL=9,
        TZERO=2**63,
    ),
    of_fits("unsigned long beyond bigint", "K", raw(">i8", 0), None, TZERO=2**63),
    of_fits(
        "scaled with TNULL", "I", raw(">i2", 100, -1, 0), [60.0, None, 10.0], "double", TNULL=-1, TSCAL=0.5, TZERO=10.0
    ),
    of_fits("float", "E", raw(">f4", 1.5, np.nan, np.inf), [1.5, None, "Infinity"], "float"),
    of_fits("scaled float", "E", raw(">f4", 1.5, np.nan), [3.0, None], "", TSCAL=2.0),
    of_fits("fixed floats", "2E", raw(">f4", [np.nan, 1.5], [np.nan] * 2), [["NaN", 1.5], ["NaN"] * 2], "float 2"),
    of_fits("fixed array with TNULL", "3I", raw(">i2", [1, 9, 3], [9, 9, 9]), [[1, None, 3], [None] * 3], TNULL=9),
    of_fits(
        "fixed unsigned array with TNULL",
        "2I",
        raw(">i2", [-32768, 0], [9, 32767]),
        [[0, 32768], [None, 65535]],
        "",
        TNULL=9,
        TZERO=32768,
    ),
    of_fits("fixed bytes", "3B", raw("u1", [0, 1, 255], [0, 0, 0]), ["0001ff", "000000"], "unsignedByte *"),
    of_fits("text", "4A", raw("S4", b"ab", b"", b" x  ", b"a\0zz"), ["ab", None, " x", "a"], "char *"),
    of_fits(
        "texts side by side",
        "6A",
        raw("S6", b"abcdef", b"a", b""),
        ["abcdef", "a     ", None],
        "char 2x3",
        TDIM="(2,3)",
    ),
    of_fits("logical array", "3L", raw("S1", [b"T", b"\0", b"F"]), [[True, None, False]], "boolean 3"),
    of_fits("complex", "C", raw(">c8", 1j), None),
    of_heap("ints, first row empty", "PJ(2)", [[], [1, 2]], [None, [1, 2]], "int *"),
    of_heap("shorts with TNULL", "QI(3)", [[1, 9, 3], [9]], [[1, None, 3], [None]], "short *", TNULL=9),
    of_heap(
        "unsigned shorts with TNULL",
        "PI(3)",
        [[-32768, 9], [32767]],
        [[0, None], [65535]],
        "int *",
        TNULL=9,
        TZERO=32768,
    ),
    of_heap("floats", "PE(2)", [[1.5, np.inf], [0.25]], [[1.5, "Infinity"], [0.25]], "float *"),
    of_heap("bytes", "PB(2)", [[0, 255], [7]], ["00ff", "07"], "unsignedByte *"),
    of_heap("logicals", "PL(2)", [[b"T", b"\0"], [b"F"], []], [[True, None], [False], None], "boolean *"),
    of_heap("texts", "PA(2000)", [list("abc"), [], list(LONG_TEXT)], ["abc", None, LONG_TEXT], "char *"),
    of_heap("scaled shorts", "PI(2)", [[1, 2]], [[0.5, 1.0]], "double *", TSCAL=0.5),
    of_fits("one bit", "1X", raw("u1", 128, 0), [True, False], "boolean"),
    of_fits("text of no width", "0A", np.zeros((2, 0), "u1"), [None, None], "char *"),
    of_heap("no rows", "PJ(0)", [], [], "int *"),
]

# ---- Arrow and Parquet


def of_arrow(name: str, array: pa.Array, values: list[Any] | None, type_: str = "") -> list[Case]:
    table = pa.table({"x": array})
    # pyarrow writes no Parquet of a dictionary that has a NULL itself.
    writes = not (pa.types.is_dictionary(array.type) and array.dictionary.null_count)
    return [
        *([Case(f"parquet {name}", "x.parquet", parquet_bytes(table), values, type_)] if writes else []),
        Case(f"arrow {name}", "x.arrow", arrow_bytes(table), values, type_),
        Case(f"arrow stream {name}", "x.arrows", arrow_bytes(table, pa.ipc.new_stream), values, type_),
    ]


NOON = datetime(2020, 7, 1, 12, tzinfo=UTC)
ARROW_CASES = [
    *(
        case
        for unit in ("s", "ms", "us", "ns")
        for case in of_arrow(
            f"timestamp in {unit}",
            pa.array([datetime(2020, 1, 2, 3, 4, 5), None, datetime(1999, 12, 31, 23, 59, 59)], pa.timestamp(unit)),
            [T0, None, T1],
            "char * timestamp",
        )
    ),
    *of_arrow(
        "nanoseconds", pa.array([1577934245_123456789, None], pa.timestamp("ns")), ["2020-01-02T03:04:05.123457", None]
    ),
    *of_arrow(
        "zone", pa.array([NOON, None], pa.timestamp("us", "Europe/Berlin")), ["2020-07-01T12:00:00.000000", None]
    ),
    *of_arrow("UTC", pa.array([NOON, None], pa.timestamp("ns", "UTC")), ["2020-07-01T12:00:00.000000", None]),
    *of_arrow("date32", pa.array([date(2020, 1, 2), None], pa.date32()), ["2020-01-02T00:00:00.000000", None]),
    *of_arrow("date64", pa.array([date(2020, 1, 2), None], pa.date64()), ["2020-01-02T00:00:00.000000", None]),
    *of_arrow("dictionary", pa.array(["a", None, "", "a"]).dictionary_encode(), ["a", None, "", "a"], "char *"),
    *of_arrow(
        "NULL in a dictionary",
        pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int8()), pa.array(["é", None])),
        ["é", None, None],
    ),
    *of_arrow("dictionary of ints", pa.array([7, None, 7], pa.int32()).dictionary_encode(), [7, None, 7], "int"),
    *of_arrow("decimal", pa.array([Decimal("1234567.89"), None], pa.decimal128(10, 2)), [1234567.89, None], "double"),
    *of_arrow("whole decimal", pa.array([Decimal(2**53 + 1), None], pa.decimal128(18, 0)), [2**53 + 1, None], "long"),
    *of_arrow("large_string", pa.array(["a", None, ""], pa.large_string()), ["a", None, ""], "char *"),
    *of_arrow("large_binary", pa.array([b"\0", None, b""], pa.large_binary()), ["00", None, ""], "unsignedByte *"),
    *of_arrow("fixed_size_binary", pa.array([b"\0\1", None], pa.binary(2)), ["0001", None], "unsignedByte *"),
    *of_arrow("large_list", pa.array([[1, None], None, []], pa.large_list(pa.int32())), [[1, None], None, []], "int *"),
    *of_arrow("list of uint16", pa.array([[65535], None], pa.list_(pa.uint16())), [[65535], None], "int *"),
    *of_arrow("null", pa.nulls(2), [None, None], "char *"),
    *of_arrow("int8", pa.array([-128, None, 127], pa.int8()), [-128, None, 127], "short"),
    *of_arrow("uint32", pa.array([2**32 - 1, None], pa.uint32()), [2**32 - 1, None], "long"),
    *of_arrow("uint64", pa.array([2**63 - 1, None, 0], pa.uint64()), [2**63 - 1, None, 0], "long"),
    *of_arrow("uint64 beyond bigint", pa.array([2**63], pa.uint64()), None),
    *of_arrow("float16", pa.array(np.array([1.5, np.inf], np.float16)), [1.5, "Infinity"], "float"),
    *of_arrow("string_view", pa.array(["a", None, ""], pa.string_view()), ["a", None, ""], "char *"),
    *of_arrow("binary_view", pa.array([b"\0", None, b""], pa.binary_view()), ["00", None, ""], "unsignedByte *"),
    *of_arrow("list_view", pa.array([[1, None], None], pa.list_view(pa.int32())), [[1, None], None], "int *"),
    *of_arrow(
        "list of booleans", pa.array([[True, None], None], pa.list_(pa.bool_())), [[True, None], None], "boolean *"
    ),
    *of_arrow("list of texts", pa.array([["a"]], pa.list_(pa.string())), None),
]

# ---- delimited text


def of_text(name: str, suffix: str, cells: list[str], values: list[Any] | None, type_: str = "") -> Case:
    content = "".join(f"{row},{cell}\n" for row, cell in enumerate(cells))
    return Case(f"{suffix} {name}", f"x.{suffix}", f"id,x\n{content}".encode(), values, type_)


def of_ecsv(name: str, datatype: str, cells: list[str], values: list[Any] | None, type_: str = "") -> Case:
    head = "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n# - {name: id, datatype: int32}\n"
    content = "".join(f"{row},{cell}\n" for row, cell in enumerate(cells))
    text = f"{head}# - {{name: x, {datatype}}}\n# schema: astropy-2.0\nid,x\n{content}"
    return Case(f"ecsv {name}", "x.ecsv", text.encode(), values, type_)


def of_astropy(name: str, column: Any, values: list[Any] | None, type_: str = "") -> Case:
    """As astropy writes ECSV if nobody asks for anything else: with blanks between the cells."""
    out = io.StringIO()
    Table({"x": column}).write(out, format="ascii.ecsv")
    return Case(f"ecsv of astropy {name}", "x.ecsv", out.getvalue().encode(), values, type_)


WORDS = [*SAYS_NULL, "x"]
TEXT_CASES = [
    of_text("words in quotes", "csv", [f'"{each}"' for each in WORDS], WORDS),
    of_text("nothing and NULL", "csv", ["a", '""', ""], ["a", "", None]),
    of_text("NaN among numbers", "csv", ["1.5", "NaN", "", "-inf"], [1.5, None, None, "-Infinity"], "double"),
    of_text("hours", "csv", ["05:35:17", "", "12:30:45"], ["05:35:17", None, "12:30:45"]),
    of_text("nanoseconds", "csv", ["2020-01-02T03:04:05.123456789", ""], ["2020-01-02T03:04:05.123457", None]),
    of_text("zone", "csv", ["2020-01-02T03:04:05Z", ""], [T0, None]),
    of_text("a column of nothing", "csv", ["", ""], [None, None]),
    of_ecsv("words", "datatype: string", WORDS, WORDS),
    of_ecsv("words in quotes", "datatype: string", [f'"{each}"' for each in WORDS], WORDS),
    of_ecsv("bool", "datatype: bool", ["True", "", "False"], [True, None, False], "boolean"),
    of_ecsv("int8", "datatype: int8", ["-128", "", "127"], [-128, None, 127], "short"),
    of_ecsv("uint8", "datatype: uint8", ["255", "", "0"], [255, None, 0], "short"),
    of_ecsv("uint16", "datatype: uint16", ["65535", "", "0"], [65535, None, 0], "int"),
    of_ecsv("uint64", "datatype: uint64", [str(2**63 - 1), "", "0"], [2**63 - 1, None, 0], "long"),
    of_ecsv("uint64 beyond bigint", "datatype: uint64", [str(2**64 - 1)], None),
    of_ecsv("float32", "datatype: float32", ["1.5", "nan", "", "inf"], [1.5, None, None, "Infinity"], "float"),
    of_ecsv("text of digits", "datatype: string", ["007", "", "1e5"], ["007", None, "1e5"], "char *"),
    of_ecsv("JSON", "datatype: string, subtype: json", ['"{""a"": 1}"', ""], ['{"a": 1}', None], "char *"),
    of_ecsv(
        "NULL in an array",
        "datatype: string, subtype: 'int16[3]'",
        ['"[1,null,3]"', "", '"[null,null,null]"'],
        [[1, None, 3], None, [None] * 3],
        "short 3",
    ),
    of_astropy("ints", MaskedColumn(np.array([1, 0, 3], "i4"), mask=[0, 1, 0]), [1, None, 3], "int"),
    of_astropy("texts", MaskedColumn(["a b", "", 'c"d'], mask=[0, 1, 0]), ["a b", None, 'c"d'], "char *"),
    of_astropy(
        "2-D",
        MaskedColumn(np.arange(4, dtype="f4").reshape(2, 2), mask=[[0, 1], [0, 0]]),
        [[0, None], [2, 3]],
        "float 2",
    ),
    of_astropy("3-D", np.arange(12, dtype="i2").reshape(2, 3, 2), np.arange(12).reshape(2, 3, 2).tolist(), "short 2x3"),
]

# ---- VOTable


def of_cells(name: str, field: str, cells: list[str], values: list[Any] | None, type_: str = "") -> Case:
    rows = "".join(f"<TR><TD>{cell}</TD></TR>" for cell in cells)
    content = votable_document(f'<FIELD name="x" {field}', f"<TABLEDATA>{rows}</TABLEDATA>")
    return Case(f"votable {name}", "x.vot", content, values, type_)


def of_stream(name: str, field: str, element: str, stream: bytes, values: list[Any] | None) -> Case:
    data = f'<{element}><STREAM encoding="base64">{b64encode(stream).decode()}</STREAM></{element}>'
    return Case(f"votable {name}", "x.vot", votable_document(f'<FIELD name="x" {field}', data), values)


VOTABLE_CASES = [
    of_cells("text of fixed width", 'datatype="char" arraysize="4"/>', ["ab", "", "abcd"], ["ab", None, "abcd"]),
    of_cells("one character", 'datatype="char"/>', ["a", ""], ["a", None]),
    of_cells("unknown booleans", 'datatype="boolean"/>', ["T", "?", "", "0"], [True, None, None, False], "boolean"),
    of_cells("hexadecimal", 'datatype="short"/>', ["0x7f", "0xffff", ""], [127, -1, None], "short"),
    of_cells(
        "the null of a float", 'datatype="double"><VALUES null="-1"/></FIELD>', ["-1", "NaN", "1"], [None, None, 1]
    ),
    of_cells(
        "last size open", 'datatype="int" arraysize="2x*"/>', ["1 2 3 4", "", "5 6"], [[1, 2, 3, 4], None, [5, 6]]
    ),
    of_cells("fixed bytes", 'datatype="unsignedByte" arraysize="2"/>', ["0 255", ""], ["00ff", None], "unsignedByte *"),
    of_cells(
        "texts side by side",
        'datatype="char" arraysize="4x3"/>',
        ["aaaab   cccc", "", "é"],
        ["aaaab   cccc", None, "é"],
        "char 4x3",
    ),
    of_cells(
        "booleans in an array",
        'datatype="boolean" arraysize="2"/>',
        ["T ?", "", "0 true"],
        [[True, None], None, [False, True]],
        "boolean 2",
    ),
    of_cells("no booleans in an array", 'datatype="boolean" arraysize="2"/>', ["T x"], None),
    of_cells("too many booleans in an array", 'datatype="boolean" arraysize="2"/>', ["T T T"], None),
    of_cells("complex", 'datatype="doubleComplex"/>', ["1 2"], None),
    of_cells(
        "time with a zone",
        'datatype="char" arraysize="*" xtype="timestamp"/>',
        ["2020-01-02T03:04:05Z", ""],
        [T0, None],
        "char * timestamp",
    ),
    of_stream("padded text", 'datatype="char" arraysize="4"/>', "BINARY", b"ab\0\0\0\0\0\0", ["ab", None]),
    of_stream("masked text", 'datatype="char" arraysize="4"/>', "BINARY2", b"\0ab\0\0\x80abcd", ["ab", None]),
    of_stream("unknown boolean", 'datatype="boolean"/>', "BINARY", b"T? \0F", [True, None, None, None, False]),
    of_stream("masked boolean", 'datatype="boolean"/>', "BINARY2", b"\0T\x80T\0?", [True, None, None]),
    of_stream(
        "masked and declared",
        'datatype="short"><VALUES null="7"/></FIELD>',
        "BINARY2",
        b"\0\0\x01\x80\0\x02\0\0\x07",
        [1, None, None],
    ),
    *(
        Case(
            f"votable of astropy, {form}",
            "x.vot",
            votable(Table({"x": MaskedColumn(np.array([1, 0, -3], "i4"), mask=[0, 1, 0])}), form),
            [1, None, -3],
            "int",
        )
        for form in ("tabledata", "binary2")
    ),
]

CASES = [*FITS_CASES, *ARROW_CASES, *TEXT_CASES, *VOTABLE_CASES]
every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def values_and_type(body: bytes) -> tuple[list[Any], str]:
    """Of the column x, by Python's own reader of JSON."""
    found = json.loads(body)
    place = [column["name"] for column in found["metadata"]].index("x")
    column = found["metadata"][place]
    said = (column.get(key) for key in ("datatype", "arraysize", "xtype"))
    return [row[place] for row in found["data"]], " ".join(each for each in said if each)


def check(case: Case, body: bytes) -> None:
    values, type_ = values_and_type(body)
    assert values == case.values
    assert not case.type or type_.replace("unicodeChar", "char") == case.declared


@pytest.fixture(scope="module")
def published(sample: Config) -> Iterator[str]:
    """The name of a table that each case may replace."""
    name = "files.types"
    yield name
    with database.owner_connection(sample) as connection:
        unpublish_table(connection, name)
        connection.execute("DROP SCHEMA IF EXISTS files CASCADE")


@every_case
def test_an_upload_has_the_values_of_the_file(service: str, case: Case) -> None:
    reply = send(
        f"{service}/sync",
        "SELECT * FROM TAP_UPLOAD.mine",
        case.content,
        file_name=case.file_name,
        RESPONSEFORMAT="json",
    )
    if case.values is None:
        assert reply.status == 400
        assert "x" in reply.votable().message
    else:
        assert reply.status == 200, reply.text
        check(case, reply.body)


@every_case
def test_a_loaded_table_has_the_values_of_the_file(
    service: str, sample: Config, published: str, case: Case, tmp_path: Path
) -> None:
    if case.values is None:
        with pytest.raises(LoadError, match="x"):
            load(sample, kept(tmp_path, case.file_name, case.content), published)
        return
    load(sample, kept(tmp_path, case.file_name, case.content), published)
    form = {"LANG": "ADQL", "QUERY": f"SELECT * FROM {published}", "RESPONSEFORMAT": "json"}
    reply = post(f"{service}/sync", form)
    assert reply.status == 200, reply.text
    check(case, reply.body)


def unheard(name: str, file_name: str, content: bytes) -> Any:
    return pytest.param((file_name, content), id=name)


def unheard_in_fits(name: str, form: str, row: Any) -> Any:
    return unheard(
        f"fits {name}", "x.fits", fits_file([FitsColumn("id", "J", raw(">i4", 1)), FitsColumn("x", form, row)])
    )


def unheard_in_votable(name: str, field: str, cell: str, binary: bytes) -> list[Any]:
    """In all serializations: the values have to be passed over."""
    fields = f'<FIELD name="x" {field}/><FIELD name="id" datatype="int"/>'
    data = {"TABLEDATA": f"<TABLEDATA><TR><TD>{cell}</TD><TD>1</TD></TR></TABLEDATA>"}
    for element, mask in (("BINARY", b""), ("BINARY2", b"\0")):
        stream = b64encode(mask + binary + b"\0\0\0\1").decode()
        data[element] = f'<{element}><STREAM encoding="base64">{stream}</STREAM></{element}>'
    return [unheard(f"{name}, {each}", "x.vot", votable_document(fields, data[each])) for each in data]


def unheard_in_arrow(name: str, value: Any, type_: pa.DataType) -> list[Any]:
    table = pa.table({"id": pa.array([1], pa.int32()), "x": pa.array([value], type_)})
    return [
        unheard(f"parquet {name}", "x.parquet", parquet_bytes(table)),
        unheard(f"arrow {name}", "x.arrow", arrow_bytes(table)),
    ]


def unheard_in_ecsv(name: str, datatype: str, cell: str) -> Any:
    case = of_ecsv(name, datatype, [cell], None)
    return unheard(case.name, case.file_name, case.content.replace(b"\n0,", b"\n1,"))


UNHEARD = [
    unheard_in_fits("complex", "C", raw(">c8", 1j)),
    unheard_in_fits("long complex", "2M", raw(">c16", [1j, 2j])),
    unheard_in_fits("bits", "12X", raw("S2", b"\xff\xf0")),
    unheard_in_fits("bits in the heap", "PX(0)", raw(">i4", [0, 0])),
    *unheard_in_votable("complex", 'datatype="doubleComplex"', "1 2", bytes(16)),
    *unheard_in_votable("complex numbers", 'datatype="floatComplex" arraysize="*"', "1 2", b"\0\0\0\1" + bytes(8)),
    *unheard_in_votable("bits", 'datatype="bit" arraysize="12"', "1 0 1 0 1 0 1 0 1 0 1 0", b"\xaa\xa0"),
    *unheard_in_arrow("list of texts", ["a"], pa.list_(pa.string())),
    *unheard_in_arrow("struct", {"a": 1}, pa.struct({"a": pa.int32()})),
    unheard_in_ecsv("complex", "datatype: complex128", "(1+2j)"),
]
"""Files of the columns id and x, whose type has no place in the database."""
every_unheard = pytest.mark.parametrize("file", UNHEARD)
File = tuple[str, bytes]


@every_unheard
def test_an_upload_goes_without_a_column_that_cannot_be_read(service: str, file: File) -> None:
    """It says so."""
    query, (file_name, content) = "SELECT * FROM TAP_UPLOAD.mine", file
    reply = send(f"{service}/sync", query, content, file_name=file_name, RESPONSEFORMAT="votable/td")
    assert reply.status == 200, reply.text
    found = reply.votable()
    assert ([each["name"] for each in found.fields], [each.text for each in found.all("//v:TD")]) == (["id"], ["1"])
    warnings = [each.get("value") for each in found.all("//v:INFO[@name='warning']")]
    assert [each.startswith("The upload mine without column x: ") for each in warnings] == [True]


@every_unheard
def test_a_column_that_cannot_be_published_can_be_left_out(
    service: str, sample: Config, published: str, tmp_path: Path, file: File
) -> None:
    """The refusal says how."""
    path = kept(tmp_path, *file)
    with pytest.raises(LoadError, match=r"column x: .*omit = true"):
        load(sample, path, published)
    load(sample, path, published, parse_description({"columns": {"x": {"omit": True}}}))
    reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": f"SELECT * FROM {published}", "RESPONSEFORMAT": "csv"})
    assert reply.lines == ["id", "1"]


# ---- our own results, sent in again

AGAIN = {
    "votable/td": "x.vot",
    "votable/b": "x.vot",
    "votable/b2": "x.vot",
    "fits": "x.fits",
    "parquet": "x.parquet",
    "arrow": "x.arrows",
    "ecsv": "x.ecsv",
}
"""Formats that say the types of their columns; with the name of a file. ECSV has no bytes: they come back as the text of their digits."""
Send = Callable[[str, str], bytes]


def again(service: str, output: str) -> Send:
    """A result in this format as an upload; what a query of it gives in another format."""

    def ask(content: bytes, file_name: str, query: str, format_: str) -> bytes:
        reply = send(f"{service}/sync", query, content, file_name=file_name, RESPONSEFORMAT=format_)
        assert reply.status == 200, reply.text
        return reply.body

    first = ask(votable_binary2(KINDS), "x.vot", "SELECT * FROM TAP_UPLOAD.mine ORDER BY id", output)
    return lambda query, format_: ask(first, AGAIN[output], query, format_)


def with_nulls(kind: Kind, value: Any) -> Any:
    """In an array of whole numbers the least one stands for NULL."""
    least = -(2 ** (8 * kind.dtype.itemsize - 1)) if kind.is_array and not kind.is_floating else None
    return [None if each == least else each for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("output", AGAIN)
def test_a_result_that_is_sent_in_again_has_the_same_values(service: str, output: str) -> None:
    found = read("json", again(service, output)("SELECT * FROM TAP_UPLOAD.mine AS t ORDER BY t.id", "json"))
    wrong = {}
    for kind in held(output):
        pairs = zip(found[kind.name], written("votable/b2", output, kind), strict=True)
        cells = [(with_nulls(kind, handed_on("json", kind, cell)), with_nulls(kind, value)) for cell, value in pairs]
        wrong[kind.name] = [(row, *pair) for row, pair in enumerate(cells) if not same(kind, *pair)]
    assert {name: rows for name, rows in wrong.items() if rows} == {}


@pytest.mark.parametrize("output", AGAIN)
def test_a_result_that_is_sent_in_again_has_the_same_types(service: str, output: str) -> None:
    """Unsigned bytes are shorts in the database; shapes and the lengths of texts come back, too."""
    metadata = json.loads(again(service, output)("SELECT * FROM TAP_UPLOAD.mine", "json"))["metadata"]
    found = {each["name"]: (each["datatype"], each.get("arraysize"), each.get("xtype")) for each in metadata}
    wanted = {kind.name: declared("votable/b2", kind) for kind in held(output)}
    assert {name: found[name] for name in wanted if found[name] != wanted[name]} == {}


@pytest.mark.parametrize("output", AGAIN)
def test_geometries_of_a_result_that_is_sent_in_again_are_geometries(service: str, output: str) -> None:
    query = (
        "SELECT id, CONTAINS(a_point, a_circle) AS c, CONTAINS(POINT(10, 20), a_polygon) AS p, COORD1(a_point) AS ra"
        " FROM TAP_UPLOAD.mine WHERE id < 4 ORDER BY id"
    )
    lines = again(service, output)(query, "csv").decode().splitlines()[1:]
    found = [
        [*line.split(",")[:3], round(float(line.split(",")[3]), 9) if line.split(",")[3] else None] for line in lines
    ]
    assert found == [["0", "1", "1", 10.0], ["1", "", "", None], ["2", "1", "0", 359.5], ["3", "1", "0", 180.0]]


@pytest.mark.parametrize("output", ["votable/td", "votable/b", "votable/b2", "fits"])
@pytest.mark.parametrize("last", ["d   e", "é   e   cccc"])
def test_texts_side_by_side_come_back_with_their_shape(service: str, output: str, last: str) -> None:
    """All that are there with 12 characters, but in TABLEDATA; FITS, which counts bytes, with no shape beyond ASCII."""
    url, query, texts = (
        f"{service}/sync",
        "SELECT * FROM TAP_UPLOAD.mine ORDER BY id",
        ["aaaab   cccc", "aaaa", None, last],
    )
    cells = "".join(f"<TR><TD>{row}</TD><TD>{text or ''}</TD></TR>" for row, text in enumerate(texts))
    fields = '<FIELD name="id" datatype="int"/><FIELD name="x" datatype="unicodeChar" arraysize="4x3"/>'
    first = votable_document(fields, f"<TABLEDATA>{cells}</TABLEDATA>")
    second = send(url, query, first, file_name="x.vot", RESPONSEFORMAT=output).body
    third = send(url, query, second, file_name=AGAIN[output], RESPONSEFORMAT="json").body
    if output == "fits":
        header = open_fits(second)[1].header
        assert (header["TFORM2"], header.get("TDIM2")) == (("12A", "(4,3)") if last.isascii() else ("13A", None))
    has_shape, is_padded = last.isascii() or output != "fits", output != "votable/td"
    found, type_ = values_and_type(third)
    assert type_ == f"{'char' if last.isascii() else 'unicodeChar'} {'4x3' if has_shape else '12*'}"
    assert found == [text and text.ljust(12 if is_padded and has_shape else 0) for text in texts]


@pytest.mark.parametrize("output", ["csv", "tsv"])
def test_texts_of_our_own_delimited_results_come_back(service: str, output: str) -> None:
    """But for those that say NULL."""
    case = of_text("words", "csv", [f'"{each}"' for each in [*WORDS, "", "a,b\t"]], None)
    query = "SELECT id, x FROM TAP_UPLOAD.mine ORDER BY id"
    url = f"{service}/sync"
    first = send(url, query, case.content, file_name="x.csv", RESPONSEFORMAT=output)
    second = send(url, query, first.body, file_name=f"x.{output}", RESPONSEFORMAT="json")
    assert values_and_type(second.body)[0] == [*[None] * len(SAYS_NULL), "x", "", "a,b\t"]
