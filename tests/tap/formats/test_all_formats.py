"""What holds for every output format: many rows, no rows, too many rows, errors in mid-stream, any table."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import votable
from hypothesis import strategies as st
from lxml import etree

from tests.contract.client import Votable, sync, well_formed
from tests.contract.xsd import parse
from tests.tap.formats.readers import (
    READERS,
    arrow_status,
    hdf5_table,
    open_fits,
    parse_html,
    parse_json,
)
from tests.tap.formats.tables import (
    MANY,
    Publish,
    fetch,
    read_delimited,
    read_votable,
    same_array,
    same_number,
)

NEW = tuple(READERS)
AT_THE_END = ("fits", "hdf5")
"""Formats whose first byte leaves when the last row is there."""
in_every_new_format = pytest.mark.parametrize("format_", NEW)
NO_ROWS = "SELECT * FROM formats.everything WHERE id < 0"


# ---- many rows


QUERY_MANY = "SELECT * FROM formats.many ORDER BY n"


# ---- no rows, too many rows


def status_of(format_: str, body: bytes) -> str | None:
    """What a result says of whether it is whole, in every place where it says it."""
    if format_ == "fits":
        hdus = open_fits(body)
        [(said, _)] = Votable(parse(hdus[0].data.tobytes())).statuses
        assert hdus[1].header["QUERYST"] == said
        return str(said)
    if format_ == "parquet":
        metadata = pq.read_metadata(io.BytesIO(body)).metadata
        [(said, _)] = Votable(parse(metadata[b"IVOA.VOTable-Parquet.content"])).statuses
        return str(said)
    if format_ == "arrow":
        return arrow_status(body)
    if format_ == "hdf5":
        return str(hdf5_table(body).meta["QUERY_STATUS"])
    if format_ == "json":
        return str(parse_json(body)["status"])
    if format_ == "html":
        return "OVERFLOW" if "there are more" in parse_html(body).xpath("//body/p")[0].text else "OK"
    if format_ == "text":
        return "OVERFLOW" if body.decode().splitlines()[-1].startswith("# There are more rows") else "OK"
    return None


# ---- errors in mid-stream

LATE = f"SELECT n, d, t, 1 / (n - {MANY - 10}) AS x FROM formats.many"


def looks_whole(format_: str, body: bytes) -> bool:
    """Whether the end of the format is there."""
    ends = {
        "parquet": lambda: len(body) > 4 and body.endswith(b"PAR1"),
        "arrow": lambda: body.endswith(b"\xff\xff\xff\xff\0\0\0\0"),
        "json": lambda: body.rstrip().endswith(b"}"),
        "html": lambda: body.rstrip().endswith(b"</html>"),
    }
    return format_ in ends and ends[format_]()


SLOW = "SELECT a.n, a.d, b.t FROM formats.many AS a, formats.many AS b WHERE MOD(a.n + 7 * b.n, 997) = 0"


CANCEL = (
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'armillary_reader' AND state = 'active'"
    " AND query LIKE 'COPY%%' AND query LIKE %s AND query_start < clock_timestamp() - interval '0.6 s'"
)


def repr_of_hdf5(body: bytes) -> str:
    """NaN included."""
    return repr(READERS["hdf5"](body))


# ---- many columns


# ---- times


@pytest.mark.parametrize("format_", ["votable/td", "votable/b2", "csv", "json", "fits", "ecsv", "html", "text"])
def test_years_before_the_first_are_not_taken_for_others(extremes: str, format_: str) -> None:
    """ISO 8601: 0000 is 1 BC, -0043 is 44 BC; DALI has nothing beyond four digits. Infinity is NULL."""
    body = fetch(extremes, "SELECT t, id FROM formats.extremes ORDER BY id", format_).body
    wanted = [
        "0001-01-01T00:00:00.000000",
        "",
        "-0043-03-15T12:00:00.250000",
        "0000-12-31T23:59:59.999999",
        "-4712-01-01T00:00:00.000000",
        "12345-06-07T08:09:10.000001",
        "294276-12-31T23:59:59.999999",
        "",
        "",
        "9999-12-31T23:59:59.999999",
    ]
    if format_ in READERS:
        found = READERS[format_](body)["t"]
    else:
        found = (read_delimited(body, format_) if format_ == "csv" else read_votable(body))["t"]
    assert [each or "" for each in found] == wanted


# ---- any table at all


def random_table(tables: Publish, columns: dict[str, tuple[pa.DataType, list[Any]]]) -> str:
    rows = len(next(iter(columns.values()))[1])
    ids = {"id": pa.array(range(rows), pa.int32())}
    tables("formats.random", ids | {name: pa.array(values, kind) for name, (kind, values) in columns.items()})
    return "SELECT * FROM formats.random ORDER BY id"


def agrees(format_: str, kind: pa.DataType, found: Any, wanted: Any) -> bool:
    """As far as the format can tell NULL: FITS knows it of numbers and booleans only, as NaN of floating ones."""
    if format_ == "fits" and pa.types.is_floating(kind):
        return same_number(found, wanted, kind.bit_width // 8)
    if format_ == "fits" and not pa.types.is_primitive(kind):
        empty: Any = "" if pa.types.is_string(kind) else []
        wanted = empty if wanted is None else wanted
    if found is None or wanted is None:
        return found is wanted
    if pa.types.is_list(kind):
        return same_array(found, wanted, kind.value_type)
    if pa.types.is_floating(kind):
        return same_number(found, wanted, kind.bit_width // 8)
    return bool(found == wanted)


ONE_LINE = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]) | st.sampled_from("#,\"'"), max_size=9
)


def agrees_in_ecsv(kind: pa.DataType, found: Any, wanted: Any) -> bool:
    if pa.types.is_list(kind):
        numbers = [each + (0.0 if pa.types.is_floating(kind.value_type) else 0) for each in wanted or []]
        return same_array(found, numbers, kind.value_type)
    if kind == pa.string():
        return (found or "") == (wanted or "")
    return agrees("ecsv", kind, found, wanted)


# ---- VOTable 1.5


SERIALIZATIONS = {"votable": "BINARY2", "votable/b": "BINARY", "votable/td": "TABLEDATA"}


def of_version_1_5(body: bytes) -> Votable:
    """A VOTable that must be valid."""
    root = well_formed(body)
    etree.XMLSchema(etree.parse(Path(votable.__file__).parent / "data" / "VOTable.v1.5.xsd")).assertValid(root)
    return Votable(root)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/x-votable+xml;serialization=TABLEDATA;version=1.5",
        "application/x-votable+xml;version=1.5;serialization=TABLEDATA",
        'Application/X-VOTable+XML; Version="1.5" ; Serialization=tabledata',
    ],
)
def test_parameters_of_a_media_type_come_in_any_order(service: str, media_type: str) -> None:
    """RFC 9110 §8.3.1."""
    reply = sync(service, "SELECT TOP 1 name FROM demo.ngc", RESPONSEFORMAT=media_type)
    assert reply.status == 200, reply.text
    found = of_version_1_5(reply.body)
    assert found.root.get("version") == "1.5"
    assert found.rows != []
