"""What holds for every output format: many rows, no rows, too many rows, errors in mid-stream, any table."""

import base64
import http.client
import io
import re
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import votable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tap.formats import FORMATS
from tests.contract.client import Votable, get, post, sync, well_formed
from tests.contract.test_uws_1_1 import document, submit, wait_for
from tests.contract.xsd import parse
from tests.tap.formats.readers import (
    READERS,
    arrow_status,
    arrow_table,
    hdf5_table,
    open_fits,
    parquet_table,
    parse_html,
    parse_json,
)
from tests.tap.formats.tables import (
    ALL,
    COLUMNS,
    MANY,
    MANY_VALUES,
    VALUES,
    Publish,
    fetch,
    read_delimited,
    read_votable,
    same_array,
    same_number,
)
from tests.tap.formats.tables import random_tables as any_tables

NEW = tuple(READERS)
AT_THE_END = ("fits", "hdf5")
"""Formats whose first byte leaves when the last row is there."""
in_every_new_format = pytest.mark.parametrize("format_", NEW)
NO_ROWS = "SELECT * FROM formats.everything WHERE id < 0"


def test_every_format_is_tested() -> None:
    """One that is added shall be added here, to its readers, or to the tests of VOTable, CSV and TSV; MOCs have their own."""
    of_rows = {each.aliases[0] for each in FORMATS if not each.sums_up}
    assert of_rows == {*NEW, "votable", "votable/b", "votable/td", "csv", "tsv"}


# ---- many rows


QUERY_MANY = "SELECT * FROM formats.many ORDER BY n"


@pytest.mark.parametrize(("format_", "read"), [("arrow", arrow_table), ("parquet", parquet_table)])
def test_a_hundred_and_fifty_thousand_rows_are_as_they_were(
    many: str, format_: str, read: Callable[[bytes], pa.Table]
) -> None:
    body = fetch(many, QUERY_MANY, format_).body
    found = read(body)
    for name, wanted in MANY_VALUES.items():
        assert found[name].combine_chunks().equals(wanted), name
    if format_ == "parquet":
        metadata = pq.read_metadata(io.BytesIO(body))
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        assert sum(sizes) == MANY
        assert 1 < len(sizes) < 4
        assert 0 not in sizes


def test_a_hundred_and_fifty_thousand_rows_of_fits_are_as_they_were(many: str) -> None:
    data = open_fits(fetch(many, QUERY_MANY, "fits").body)[1].data
    assert len(data) == MANY
    for name, null in (("n", None), ("s", -(2**15)), ("b", -(2**63))):
        wanted = MANY_VALUES[name].fill_null(null) if null else MANY_VALUES[name]
        assert np.array_equal(data[name], wanted.to_numpy()), name
    for name in ("f", "d"):
        wanted = MANY_VALUES[name].to_numpy(zero_copy_only=False)
        assert np.array_equal(data[name], wanted, equal_nan=True), name
    letters = {None: b"\0", True: b"T", False: b"F"}
    assert np.asarray(data["q"]).tobytes() == b"".join(letters[each] for each in MANY_VALUES["q"].to_pylist())
    assert np.array_equal(np.asarray(data["t"]).astype("U"), MANY_VALUES["t"].fill_null("").to_numpy(zero_copy_only=False).astype("U"))  # fmt: skip


def test_a_hundred_and_fifty_thousand_rows_of_json_are_as_they_were(many: str) -> None:
    rows = parse_json(fetch(many, QUERY_MANY, "json").body)["data"]
    for index, (name, wanted) in enumerate(MANY_VALUES.items()):
        found = [row[index] for row in rows]
        if name == "f":
            assert pa.array(np.array(found, object), pa.float32()).equals(wanted)
        else:
            assert found == wanted.to_pylist(), name


@pytest.mark.parametrize("format_", ["html", "text", "ecsv"])
def test_many_blocks_of_lines_join_without_a_seam(many: str, format_: str) -> None:
    """Rows counted and compared by hand: the readers of these formats are made for less. A page has the first 2,000."""
    query = "SELECT n, b FROM formats.many ORDER BY n"
    text = fetch(many, query, format_).text
    pattern = {
        "html": r"<tr><td>(\d+)</td><td>(-?\d*)</td></tr>",
        "text": r" *(\d+)(?: +(-?\d+))?",
        "ecsv": r"(\d+),(-?\d*)",
    }
    rows = [match.groups() for line in text.split("\n") if (match := re.fullmatch(pattern[format_], line))]
    wanted = zip(MANY_VALUES["n"].to_pylist(), MANY_VALUES["b"].to_pylist(), strict=True)
    most = 2000 if format_ == "html" else MANY
    assert [(int(n), int(b) if b else None) for n, b in rows] == list(wanted)[:most]


# ---- no rows, too many rows


@in_every_new_format
def test_no_rows_leave_the_columns(everything: str, format_: str) -> None:
    assert READERS[format_](fetch(everything, NO_ROWS, format_).body) == {name: [] for name in ["id", *COLUMNS]}


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


@in_every_new_format
@pytest.mark.parametrize(
    ("maxrec", "rows", "status"), [(0, 0, "OVERFLOW"), (3, 3, "OVERFLOW"), (60, 60, "OK"), (61, 60, "OK")]
)
def test_a_result_tells_whether_there_are_more_rows(
    everything: str, format_: str, maxrec: int, rows: int, status: str
) -> None:
    """ECSV has no place for it."""
    reply = sync(
        everything, "SELECT id, small FROM formats.everything ORDER BY id", RESPONSEFORMAT=format_, MAXREC=str(maxrec)
    )
    assert reply.status == 200, reply.text
    found = READERS[format_](reply.body)
    assert [int(each) for each in found["id"]] == list(range(rows))
    assert status_of(format_, reply.body) == (None if format_ == "ecsv" else status)


# ---- errors in mid-stream

OF_MANY_ROWS = [format_ for format_ in NEW if format_ != "html"]
"""A page has too few rows to be broken off."""

LATE = f"SELECT n, d, t, 1 / (n - {MANY - 10}) AS x FROM formats.many"


@pytest.mark.parametrize("format_", AT_THE_END)
def test_an_error_in_mid_stream_is_told_where_nothing_was_sent_yet(many: str, format_: str) -> None:
    reply = post(f"{many}/sync", {"LANG": "ADQL", "QUERY": LATE, "RESPONSEFORMAT": format_, "MAXREC": str(MANY)})
    assert reply.status == 400
    assert "division by zero" in reply.votable().message


@pytest.mark.parametrize("format_", [each for each in OF_MANY_ROWS if each not in AT_THE_END])
def test_an_error_in_mid_stream_breaks_the_transfer_off(many: str, format_: str) -> None:
    """No format here can tell a late error, so its client must see that this is not the whole table."""
    with pytest.raises(http.client.IncompleteRead) as caught:
        fetch(many, LATE, format_)
    assert not looks_whole(format_, caught.value.partial)


def looks_whole(format_: str, body: bytes) -> bool:
    """Whether the end of the format is there."""
    ends = {
        "parquet": lambda: len(body) > 4 and body.endswith(b"PAR1"),
        "arrow": lambda: body.endswith(b"\xff\xff\xff\xff\0\0\0\0"),
        "json": lambda: body.rstrip().endswith(b"}"),
    }
    return format_ in ends and ends[format_]()


SLOW = "SELECT a.n, a.d, b.t FROM formats.many AS a, formats.many AS b WHERE MOD(a.n + 7 * b.n, 997) = 0"


@pytest.mark.parametrize("format_", OF_MANY_ROWS)
def test_a_statement_that_is_cancelled_in_mid_stream_leaves_nothing_that_looks_whole(
    sample: Config, many: str, format_: str
) -> None:
    """It gives some rows in a second; FITS has sent nothing yet and can say what happened."""
    parameters = {"LANG": "ADQL", "QUERY": SLOW, "RESPONSEFORMAT": format_, "MAXREC": "10000000"}
    with (
        psycopg.connect(database.cluster_of(sample.database).conninfo(ADMIN), autocommit=True) as admin,
        ThreadPoolExecutor(1) as threads,
    ):
        answer = threads.submit(post, f"{many}/sync", parameters)
        for _ in range(100):
            time.sleep(0.05)
            if admin.execute(CANCEL, ("%7 * %997%",)).fetchall():
                break
        if format_ in AT_THE_END:
            assert answer.result(20).status == 400
            assert len(answer.result().votable().message) > 0
        else:
            with pytest.raises(http.client.IncompleteRead) as caught:
                answer.result(20)
            assert not looks_whole(format_, caught.value.partial)


CANCEL = (
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'armillary_reader' AND state = 'active'"
    " AND query LIKE 'COPY%%' AND query LIKE %s AND query_start < clock_timestamp() - interval '0.6 s'"
)


@pytest.mark.parametrize("format_", OF_MANY_ROWS)
def test_a_job_that_fails_in_mid_stream_has_no_result(many: str, format_: str) -> None:
    job = submit(many, LATE, RESPONSEFORMAT=format_, PHASE="RUN", MAXREC=str(MANY))
    assert wait_for(job, "ERROR") == "ERROR"
    assert "division by zero" in "".join(document(job).itertext())
    assert get(f"{job}/results/result").status == 404
    assert "href" not in get(f"{job}/results").text.replace("xlink=", "")


@in_every_new_format
def test_a_job_gives_the_same_as_a_synchronous_query(everything: str, format_: str) -> None:
    query = "SELECT id, small, double_, ascii_ FROM formats.everything ORDER BY id"
    job = submit(everything, query, RESPONSEFORMAT=format_, MAXREC=str(ALL), PHASE="RUN")
    assert wait_for(job, "COMPLETED") == "COMPLETED"
    found, wanted = get(f"{job}/results/result"), fetch(everything, query, format_)
    assert found.media_type == wanted.media_type
    strip = re.compile(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
    if format_ == "hdf5":
        assert repr_of_hdf5(found.body) == repr_of_hdf5(wanted.body)
    elif format_ == "parquet":  # its VOTable is there twice, once packed
        assert parquet_table(found.body).equals(parquet_table(wanted.body))
    else:
        assert strip.sub(b"", found.body) == strip.sub(b"", wanted.body)


def repr_of_hdf5(body: bytes) -> str:
    """NaN included."""
    return repr(READERS["hdf5"](body))


# ---- many columns


@pytest.mark.parametrize("count", [1, 8, 300])
@in_every_new_format
def test_any_number_of_columns_keeps_values_and_nulls_apart(
    service: str, tables: Publish, format_: str, count: int
) -> None:
    wanted = {f"c{i}": [None if (row + i) % 3 == 0 else row * 1000 + i for row in range(12)] for i in range(count)}
    if format_ == NEW[0]:
        tables(f"formats.wide{count}", {name: pa.array(values, pa.int32()) for name, values in wanted.items()})
    found = READERS[format_](fetch(service, f"SELECT * FROM formats.wide{count}", format_).body)
    if format_ in ("html", "text"):
        found = {name: [int(each) if each else None for each in values] for name, values in found.items()}
    assert found == wanted


@in_every_new_format
def test_a_thousand_columns_come_or_are_refused(service: str, format_: str) -> None:
    """1000 is what a query may have; FITS takes 999, HDF5 some hundreds."""
    columns = ", ".join(f"table_index AS c{i}" for i in range(1000))
    query = f"SELECT TOP 2 {columns} FROM tap_schema.tables"
    reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": format_})
    if format_ == "fits" or reply.status == 400:
        assert (reply.status, format_ in AT_THE_END) == (400, True)
        assert "columns" in reply.votable().message
    else:
        assert list(READERS[format_](reply.body)) == [f"c{i}" for i in range(1000)]


@in_every_new_format
def test_repeated_names_are_numbered(service: str, format_: str) -> None:
    reply = sync(
        service, "SELECT TOP 1 ra, ra, dec AS ra, dec AS ra_2, dec AS RA FROM demo.ngc", RESPONSEFORMAT=format_
    )
    last = "RA_5" if format_ == "fits" else "RA"
    assert list(READERS[format_](reply.body)) == ["ra", "ra_3", "ra_4", "ra_2", last]


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


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_tables())
def test_any_table_comes_out_of_arrow_parquet_json_and_fits_as_it_went_in(
    service: str, tables: Publish, columns: dict[str, tuple[pa.DataType, list[Any]]]
) -> None:
    query = random_table(tables, columns)
    for format_ in ("arrow", "parquet", "json", "fits"):
        found = READERS[format_](fetch(service, query, format_).body)
        for name, (kind, values) in columns.items():
            wrong = [(a, b) for a, b in zip(found[name], values, strict=True) if not agrees(format_, kind, a, b)]
            assert wrong == [], (format_, name, kind)


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


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_tables(), st.data())
def test_any_table_comes_out_of_ecsv_as_it_went_in(
    service: str, tables: Publish, columns: dict[str, tuple[pa.DataType, list[Any]]], data: st.DataObject
) -> None:
    """With texts of one line without blanks at its ends; others astropy does not hand on."""
    columns = {
        name: (
            kind,
            data.draw(st.lists(st.none() | ONE_LINE, min_size=len(values), max_size=len(values)))
            if kind == pa.string()
            else values,
        )
        for name, (kind, values) in columns.items()
    }
    found = READERS["ecsv"](fetch(service, random_table(tables, columns), "ecsv").body)
    for name, (kind, values) in columns.items():
        wrong = [(a, b) for a, b in zip(found[name], values, strict=True) if not agrees_in_ecsv(kind, a, b)]
        assert wrong == [], (name, kind)


def agrees_in_ecsv(kind: pa.DataType, found: Any, wanted: Any) -> bool:
    if pa.types.is_list(kind):
        numbers = [each + (0.0 if pa.types.is_floating(kind.value_type) else 0) for each in wanted or []]
        return same_array(found, numbers, kind.value_type)
    if kind == pa.string():
        return (found or "") == (wanted or "")
    return agrees("ecsv", kind, found, wanted)


# ---- arrays that are calculated

CALCULATED: dict[str, tuple[str, pa.DataType, Callable[[dict[str, Any]], Any]]] = {
    "a": ("doubles * 2", pa.float64(), lambda row: row["doubles"] and np.multiply(row["doubles"], 2).tolist()),
    "b": ("ints[1:2]", pa.int32(), lambda row: row["ints"] and row["ints"][:2]),
    "c": ("arr_map(x + 1, shorts)", pa.int32(), lambda row: row["shorts"] and [x + 1 for x in row["shorts"]]),
    "d": ("array(id, 0.5, 3)", pa.float64(), lambda row: [row["id"], 0.5, 3.0]),
    "e": ("floats - floats[1]", pa.float32(), lambda row: row["floats"] and (np.array(row["floats"], "f4") - np.float32(row["floats"][0])).tolist()),
}  # fmt: skip


@pytest.mark.parametrize("format_", [*(each for each in NEW if each != "text"), "votable/td", "votable/b", "votable/b2", "csv"])  # fmt: skip
def test_calculated_arrays_are_numpys_in_every_format(everything: str, format_: str) -> None:
    """Nothing and NULL are one here; the test of uploads and loads tells them apart."""
    query = f"SELECT id, {', '.join(f'{text} AS {name}' for name, (text, _, _) in CALCULATED.items())} FROM formats.everything ORDER BY id"  # fmt: skip
    body = fetch(everything, query, format_).body
    found = READERS[format_](body) if format_ in READERS else read_votable(body) if format_ != "csv" else read_delimited(body, format_)  # fmt: skip
    for name, (_, kind, wanted) in CALCULATED.items():
        number = float if pa.types.is_floating(kind) else int
        for index, cell in enumerate(found[name]):
            with np.errstate(invalid="ignore"):
                values = wanted({"id": index} | {column: rows[index] for column, rows in VALUES.items()})
            cell = [number(each) for each in cell.split(" ") if each] if isinstance(cell, str) else cell  # noqa: PLW2901
            if cell is not None and None in list(cell):
                least = np.iinfo(kind.to_pandas_dtype()).min
                cell = [least if each is None else each for each in cell]  # noqa: PLW2901
            assert same_array(cell, values, kind), (name, index)


# ---- VOTable 1.5


SERIALIZATIONS = {"votable": "BINARY2", "votable/b": "BINARY", "votable/td": "TABLEDATA"}


def of_version_1_5(body: bytes) -> Votable:
    """A VOTable that must be valid."""
    root = well_formed(body)
    etree.XMLSchema(etree.parse(Path(votable.__file__).parent / "data" / "VOTable.v1.5.xsd")).assertValid(root)
    return Votable(root)


@pytest.mark.parametrize("alias", SERIALIZATIONS)
def test_votable_1_5_is_to_be_had_in_every_serialization(everything: str, alias: str) -> None:
    """The schema is astropy's copy; STILTS brings that of 1.4 at most."""
    reply = fetch(everything, "SELECT * FROM formats.everything ORDER BY id", f"{alias};version=1.5")
    found = of_version_1_5(reply.body)
    assert found.root.get("version") == "1.5"
    assert found.all("//v:DATA/*")[0].tag.endswith(f"}}{SERIALIZATIONS[alias]}")
    kind, *parameters = reply.headers["Content-Type"].replace(" ", "").split(";")
    assert kind == "application/x-votable+xml"
    assert "version=1.5" in parameters
    assert found.fields == fetch(everything, "SELECT * FROM formats.everything ORDER BY id", alias).votable().fields


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


def of_version_1_6(body: bytes) -> Votable:
    """A VOTable that must be valid: the schema of 1.6 differs from that of 1.5 by the number of the version alone."""
    of_version_1_5(body.replace(b'<VOTABLE version="1.6"', b'<VOTABLE version="1.5"', 1))
    return Votable(well_formed(body))


@pytest.mark.parametrize("alias", SERIALIZATIONS)
def test_texts_of_votable_1_6_are_char_whatever_is_in_them(everything: str, alias: str) -> None:
    """VOTable 1.6 §2.1, a draft. Bytes would be counted by arraysize, which are not known."""
    query = "SELECT * FROM formats.everything ORDER BY id"
    found = of_version_1_6(fetch(everything, query, f"{alias};version=1.6").body)
    assert found.root.get("version") == "1.6"
    before = fetch(everything, query, alias).votable().fields
    assert [field["datatype"] for field in before if field["name"] == "unicode_"] == ["unicodeChar"]
    char = {"datatype": "char", "arraysize": "*"}
    assert found.fields == [field | char if field["datatype"] == "unicodeChar" else field for field in before]


def test_texts_of_votable_1_6_are_utf_8_in_binary2(everything: str) -> None:
    """Read by hand: a byte of masks, the number, and the text with the count of its bytes."""
    reply = fetch(everything, "SELECT id, unicode_ FROM formats.everything ORDER BY id", "votable/b2;version=1.6")
    data, texts = base64.b64decode("".join(of_version_1_6(reply.body).all("//v:STREAM/text()"))), []
    while data:
        mask, _, length = struct.unpack(">Bii", data[:9])
        texts.append(None if mask & 0b01000000 else data[9 : 9 + length].decode("utf-8"))
        data = data[9 + length :]
    assert texts == VALUES["unicode_"]


def test_texts_of_votable_1_6_are_read_by_everybody_in_tabledata(everything: str) -> None:
    query = "SELECT id, unicode_ FROM formats.everything WHERE unicode_ LIKE '%é%' ORDER BY id"
    reply = fetch(everything, query, "votable/td;version=1.6")
    wanted = [text for text in VALUES["unicode_"] if text and "é" in text]
    assert read_votable(reply.body)["unicode_"] == wanted
