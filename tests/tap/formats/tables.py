"""Tables that are hard to send, and what the tests of all formats read them back with."""

import csv
import io
import math
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import votable
from hypothesis import strategies as st

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table
from tap.config import Config
from tap.engine import database
from tests.contract.client import Reply, post

STILTS = shutil.which("stilts")
VOTABLES = ("votable/b2", "votable/b", "votable/td")
FORMATS = (*VOTABLES, "csv", "tsv")
ALL = 10_000_000
in_every_votable = pytest.mark.parametrize("format_", VOTABLES)
in_every_format = pytest.mark.parametrize("format_", FORMATS)

ASCII = [
    "",
    "plain",
    None,
    "a,b;c",
    'say "x"',
    "it's",
    "new\nline\n",
    "\n",
    "cr\rlf\r\nend",
    "\ttab\t",
    "\\",
    "\\N",
    "\\.",
    "c:\\new\\tab\\\\",
    "&<>&amp;]]>",
    "<TD></TD>",
    " both sides ",
    "None",
    "NULL",
    "NaN",
    "Infinity",
    "-Infinity\tInfinity",
    "x" * 3000,
    "\x01\x02\x08\x0b\x0c\x0e\x1e\x7f",
    "'",
    '"',
    "\\\n",
    "&#13;",
    "?",
]
UNICODE = [
    "é",
    None,
    "",
    "Ωμέγα",
    "𝄞 beyond the first plane 🚀",
    "日本語\n\t\\",
    "\u200b\u2028\x85",
    "\ud7ff\ue000\ufffd",
    "a\u0301",
    "<é&>",
    "🚀" * 700,
    "mixed a é 𝄞",
]
SHORTS = [0, 1, -1, None, 32767, -32767, 255, 256]
INTS = [0, None, 2**31 - 1, -(2**31) + 1, 65536, -1]
LONGS = [2**63 - 1, -(2**63) + 1, 0, None, 2**53 + 1, -1]
REALS = [0.1, None, math.inf, -math.inf, 3.4028235e38, 1e-45, -0.0, 16777216.0]
DOUBLES = [0.1, math.inf, -math.inf, None, 1.7976931348623157e308, 5e-324, -0.0, 1 / 3, 1e16, 123456789.123456789]
TIMES = [
    datetime(2016, 1, 2, 3, 4, 5, 678901),
    datetime(1, 1, 1),
    None,
    datetime(9999, 12, 31, 23, 59, 59, 999999),
    datetime(2000, 1, 1),
    datetime(1969, 12, 31, 12),
]
BLOBS = [b"\x00\x01\xff", b"", None, bytes(range(256)), b"\\\n\t<&>"]
EDGES = {"shorts": [32767, -32768], "ints": [2**31 - 1, -(2**31)], "longs": [2**63 - 1, -(2**63), 2**53 + 1]}
COLUMNS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "small": (pa.int16(), SHORTS),
    "int_": (pa.int32(), INTS),
    "big": (pa.int64(), LONGS),
    "real_": (pa.float32(), REALS),
    "double_": (pa.float64(), DOUBLES),
    "flag": (pa.bool_(), [True, False, None]),
    "ascii_": (pa.string(), ASCII),
    "unicode_": (pa.string(), UNICODE),
    "time_": (pa.timestamp("us"), TIMES),
    "blob_": (pa.binary(), BLOBS),
    "shorts": (pa.list_(pa.int16()), [[1, 2, 3], [], None, EDGES["shorts"], [0]]),
    "ints": (pa.list_(pa.int32()), [EDGES["ints"], None, [], [7] * 300]),
    "longs": (pa.list_(pa.int64()), [[], EDGES["longs"], None]),
    "floats": (pa.list_(pa.float32()), [[0.1, math.nan, math.inf], [], None, [-math.inf, 1e-45, -0.0]]),
    "doubles": (pa.list_(pa.float64()), [[0.1, math.nan], None, [], [math.inf, -math.inf, 5e-324, 1 / 3], [math.nan]]),
}
ABOUT = {
    "small": {"unit": "mag", "ucd": "phot.mag;em.opt.V", "description": 'Angles <, > & "quotes"'},
    "double_": {"unit": "km/s", "ucd": "spect.dopplerVeloc", "description": "Ωμέγα 𝄞", "utype": "a:b.c"},
    "unicode_": {"ucd": "meta.id", "description": "Any text"},
}
ROWS = 60
VALUES = {
    name: [kinds[(row * 7 + row // len(kinds) + index) % len(kinds)] for row in range(ROWS)]
    for index, (name, (_, kinds)) in enumerate(COLUMNS.items())
}
EVERYTHING = f"SELECT id, {', '.join(COLUMNS)} FROM formats.everything ORDER BY id"

Publish = Callable[..., None]


def load(
    config: Config, folder: Path, name: str, columns: dict[str, pa.Array], about: dict[str, Any] | None = None
) -> None:
    path = folder / f"{name.replace('.', '_')}.parquet"
    pq.write_table(pa.table(columns), path)
    with database.owner_connection(config) as connection:
        load_table(connection, open_file(path), name, parse_description({"columns": about or {}}))


# ---- reading back


def fetch(service: str, query: str, format_: str) -> Reply:
    reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": format_, "MAXREC": str(ALL)})
    assert reply.status == 200, reply.text
    return reply


def read_votable(body: bytes) -> dict[str, list[Any]]:
    """Columns as astropy reads them, masked values as None; warnings are errors."""
    table = votable.parse(io.BytesIO(body)).get_first_table()
    return {
        field.name: [
            plain(value, hidden and field.arraysize != "*")
            for value, hidden in zip(table.array.data[field.ID], hidden_rows(table.array.mask[field.ID]), strict=True)
        ]
        for field in table.fields
    }


def hidden_rows(mask: Any) -> list[bool]:
    """For each row whether all of it is masked."""
    return [bool(np.all(each)) if np.size(each) else False for each in mask]


def plain(value: Any, hidden: bool) -> Any:
    if hidden:
        return None
    if isinstance(value, np.ma.MaskedArray):
        return value.data.tolist()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def read_delimited(body: bytes, format_: str) -> dict[str, list[str]]:
    rows = list(csv.reader(io.StringIO(body.decode(), newline=""), delimiter="\t" if format_ == "tsv" else ","))
    return {name: [row[index] for row in rows[1:]] for index, name in enumerate(rows[0])}


def in_xml(text: str) -> str:
    """As TABLEDATA can hold it: what XML has no character for is a question mark."""
    return "".join(c if c in "\t\n\r" or c >= " " else "?" for c in text)


def same_number(found: Any, wanted: Any, width: int) -> bool:
    """Equal to the last bit; a NULL of a floating type is a NaN in most formats."""
    if wanted is None:
        return found is None or math.isnan(float(found))
    kind = np.float32 if width == 4 else np.float64
    left, right = kind(found), kind(wanted)
    return bool(np.isnan(left) and np.isnan(right)) or left.tobytes() == right.tobytes()


def same(name: str, found: Any, wanted: Any, format_: str) -> bool:
    """Whether a cell is as it was, as far as the format can tell NULL from nothing."""
    kind = COLUMNS[name][0]
    if pa.types.is_floating(kind):
        return same_number(found, wanted, kind.bit_width // 8)
    if pa.types.is_string(kind):
        expected = wanted or ""
        # astropy strips the cells of TABLEDATA; the cells as they are have a test of their own.
        return (
            (found or "").strip() == in_xml(expected).strip() if format_ == "votable/td" else (found or "") == expected
        )
    if pa.types.is_timestamp(kind):
        return (found or "") == (wanted.isoformat(timespec="microseconds") if wanted else "")
    if pa.types.is_binary(kind):
        return list([] if found is None else found) == list(wanted or b"")
    if pa.types.is_list(kind):
        return same_array(found, wanted, kind.value_type)
    return found == wanted  # type: ignore[no-any-return]


def same_array(found: Any, wanted: Any, kind: pa.DataType) -> bool:
    left, right = list([] if found is None else found), list(wanted or [])
    if len(left) != len(right):
        return False
    if pa.types.is_floating(kind):
        return all(same_number(a, b, kind.bit_width // 8) for a, b in zip(left, right, strict=True))
    return left == right


def from_text(name: str, cell: str) -> Any:
    """A cell of CSV as a value; an empty one is NULL."""
    kind = COLUMNS[name][0]
    if pa.types.is_string(kind) or pa.types.is_timestamp(kind):
        return cell
    if cell == "":
        return None
    if pa.types.is_list(kind):
        return [float(each) if pa.types.is_floating(kind.value_type) else int(each) for each in cell.split(" ")]
    if pa.types.is_binary(kind):
        return bytes.fromhex(cell)
    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}[cell]
    return float(cell) if pa.types.is_floating(kind) else int(cell)


POSITIONS = [
    (10.0, 20.0, 0.5),
    (0.0, -90.0, 1.0),
    (359.999999, 89.5, 3.0),
    (None, 3.0, 1.0),
    (123.456789012, -45.6789, 1e-4),
    (5.0, 5.0, None),
    (None, None, None),
]


EXTREMES: list[tuple[int, str | None, str | None, str | None, str | None]] = [
    (0, "0001-01-01 00:00:00", "(10d, 20d)", "<(10d, 20d), 1d>", "{(1d, 1d), (2d, 1d), (2d, 2d)}"),
    (1, None, None, None, None),
    (2, "0044-03-15 12:00:00.25 BC", "(0d, -90d)", None, "{(1d, 1d), (2d, 1d), (2d, 2d), (1d, 2d)}"),
    (3, "0001-12-31 23:59:59.999999 BC", None, "<(0d, 90d), 0d>", None),
    (4, "4713-01-01 00:00:00 BC", "(359.5d, 0d)", "<(1d, 2d), 90d>", "{(1d, 1d), (2d, 1d), (2d, 2d)}"),
    (5, "12345-06-07 08:09:10.000001", None, None, None),
    (6, "294276-12-31 23:59:59.999999", "(1d, 1d)", None, None),
    (7, "infinity", None, None, None),
    (8, "-infinity", None, None, None),
    (9, "9999-12-31 23:59:59.999999", None, None, None),
]

GEOMETRIES = "SELECT id, POINT(ra, dec) AS p, CIRCLE(ra, dec, radius) AS c, POLYGON(ra, 0, ra + 1, 0, ra + 1, 1) AS y FROM formats.places ORDER BY id"


def geometry(value: Any, count: int) -> list[float] | None:
    """Numbers of a cell of any format; None for a NULL, which astropy shows as NaNs or as nothing."""
    numbers = (
        [float(each) for each in value.split(" ")]
        if isinstance(value, str) and value
        else list([] if value is None or isinstance(value, str) else value)
    )
    if not numbers or all(math.isnan(each) for each in numbers):
        return None
    assert len(numbers) == count
    return numbers


BIG = 50_000


BIG_VALUES: dict[str, list[Any]] = {}


MANY = 150_000
_N = np.arange(MANY)
_RANDOM = np.random.default_rng(11)
MANY_VALUES = {
    "n": pa.array(_N, pa.int32()),
    "s": pa.array(_RANDOM.integers(-32767, 32768, MANY), pa.int16(), mask=_N % 7 == 0),
    "b": pa.array(_RANDOM.integers(-(2**63) + 1, 2**63 - 1, MANY), pa.int64(), mask=_N % 3 == 1),
    "f": pa.array(_RANDOM.normal(size=MANY).astype("f4"), pa.float32(), mask=_N % 11 == 2),
    "d": pa.array(_RANDOM.normal(size=MANY) * 10.0 ** _RANDOM.integers(-300, 300, MANY), pa.float64()),
    "q": pa.array(_N % 5 < 2, pa.bool_(), mask=_N % 13 == 4),
    "t": pa.array(np.char.mod("%d", _N * _N % 100_003), pa.string(), mask=_N % 17 == 5),
}

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
KINDS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int16(), st.integers(-(2**15) + 1, 2**15 - 1)),
    (pa.int32(), st.integers(-(2**31) + 1, 2**31 - 1)),
    (pa.int64(), st.integers(-(2**63) + 1, 2**63 - 1)),
    (pa.float32(), st.floats(width=32, allow_nan=False)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.bool_(), st.booleans()),
    (pa.string(), TEXTS),
    (pa.list_(pa.float64()), st.lists(st.floats(allow_nan=False), max_size=4)),
    (pa.list_(pa.int32()), st.lists(st.integers(-(2**31) + 1, 2**31 - 1), max_size=4)),
]


@st.composite
def random_tables(draw: st.DrawFn) -> dict[str, tuple[pa.DataType, list[Any]]]:
    rows, kinds = draw(st.integers(1, 20)), draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=20))
    return {
        f"c{i}": (kind, draw(st.lists(st.none() | values, min_size=rows, max_size=rows)))
        for i, (kind, values) in enumerate(kinds)
    }


def same_of_kind(kind: pa.DataType, found: Any, wanted: Any) -> bool:
    if pa.types.is_list(kind):
        return same_array(found, wanted, kind.value_type)
    if pa.types.is_floating(kind):
        return same_number(found, wanted, kind.bit_width // 8)
    if kind == pa.string():
        return (found or "") == (wanted or "")
    return bool(found == wanted)
