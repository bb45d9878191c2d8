"""Files that would take memory or time without measure are refused, or read in little of both."""

import gzip
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schema import types
from schema.load import open_file, votable
from schema.load.compressed import ANYHOW, Unpacking
from schema.load.copy_binary import encode
from schema.load.reader import MOST_COLUMNS, MOST_TEXT, LoadError

pytestmark = pytest.mark.filterwarnings("ignore")
MUCH = 60
"""Megabytes of what a file repeats, where it could be without end."""
LITTLE = 90
LONGEST = 10_000_000
MEGABYTE = 1 << 20

_TABLE = '<VOTABLE version="1.3"><RESOURCE><TABLE><FIELD name="a" datatype="char" arraysize="*"/>'
_ROWS = _TABLE + "<DATA><TABLEDATA>"
_END = "</TABLEDATA></DATA></TABLE>"
VOTABLES = {
    "a description": _TABLE.replace("<TABLE>", "<DESCRIPTION>"),
    "an attribute": '<VOTABLE version="1.3"><RESOURCE><INFO name="',
    "a comment": _TABLE + "<!--",
    "a cell": _ROWS + "<TR><TD>",
    "a cell of CDATA": _ROWS + "<TR><TD><![CDATA[",
    "a tag of a row": _ROWS + '<TR><TD>x</TD></TR><TR><TD a="',
    "a description behind the rows": _ROWS + f"<TR><TD>x</TD></TR>{_END}<DESCRIPTION>",
    "a comment behind the rows": _ROWS + f"<TR><TD>x</TD></TR>{_END}<!--",
}


def read(path: Path, most_batches: int | None = None, **how: Unpacking) -> int:
    """Return how many megabytes reading and encoding took at most, whether or not the file was refused."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak()
    with suppress(LoadError):
        reader = open_file(path, **how)  # type: ignore[arg-type]
        for batch in islice(reader.batches(), most_batches):
            encode(batch, tuple(column.type for column in reader.columns))
    return _peak() - before


def _peak() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def refused(path: Path, how: Unpacking, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        for _ in open_file(path, unpacking=how).batches():
            pass


def at_once(most: int) -> Unpacking:
    return Unpacking(most_at_once=most)


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, *pieces: bytes) -> Path:
        with (tmp_path / name).open("wb") as out:
            out.writelines(pieces)
        return tmp_path / name

    return write


# ---- VOTable


@pytest.fixture
def short_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is long for tests be too long."""
    monkeypatch.setattr(votable, "LONGEST", LONGEST)


@pytest.mark.usefixtures("short_rows")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", VOTABLES)
def test_nothing_of_a_votable_is_kept_without_end(file: Callable[..., Path], kind: str, encoding: str) -> None:
    more = ("a" * MEGABYTE).encode(encoding.replace("16", "16-le"))
    path = file("x.vot", VOTABLES[kind].encode(encoding), *[more] * MUCH)
    assert read(path) < LITTLE / 2


def test_rows_that_expat_reads_are_given_by_their_size(file: Callable[..., Path]) -> None:
    """Not by their number, twenty thousand at once: these come after a CDATA, so that they are parsed."""
    row = b"<TR><TD>" + b"a" * (2 * MEGABYTE) + b"</TD></TR>"
    path = file("x.vot", (_ROWS + "<TR><TD><![CDATA[x]]></TD></TR>").encode(), *[row] * MUCH, _END.encode())
    assert read(path) < LITTLE


def test_a_number_of_any_length_is_looked_at_once(file: Callable[..., Path]) -> None:
    digits = b"<TR><TD>" + b"1" * 200_000 + b"x</TD></TR>"
    path = file("x.vot", _ROWS.replace('char" arraysize="*', "double").encode(), digits, _END.encode())
    start = time.monotonic()
    refused(path, ANYHOW, "is no double")
    assert time.monotonic() - start < 3


def test_a_long_row_is_not_read_again_and_again(file: Callable[..., Path]) -> None:
    path = file("x.vot", _ROWS.encode(), b"<TR><TD>", b"a" * (50 * MEGABYTE), b"</TD></TR>", _END.encode())
    start = time.monotonic()
    read(path)
    assert time.monotonic() - start < 8


# ---- FITS


def card(text: str) -> bytes:
    return text.ljust(80).encode()


def header(*cards: str) -> bytes:
    return b"".join(map(card, (*cards, "END"))).ljust(2880)


PRIMARY = header("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0")
IMAGE = header(
    "XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 0", "PCOUNT  = 0", "GCOUNT  = 1"
)  # fmt: skip


def table(form: str, rows: int, width: int, heap: int = 0) -> bytes:
    return header(
        "XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", f"NAXIS1  = {width}", f"NAXIS2  = {rows}", f"PCOUNT  = {heap}",
        "GCOUNT  = 1", "TFIELDS = 1", "TTYPE1  = 'a       '", f"TFORM1  = '{form}'",
    )  # fmt: skip


def test_rows_of_fits_that_share_their_values_are_read_a_few_at_a_time(file: Callable[..., Path]) -> None:
    """Each of them has the same ten megabytes: what a file says twice is read twice."""
    heap, rows = 10 * MEGABYTE, 300
    path = file(
        "x.fits", PRIMARY, table(f"1PB({heap})", rows, 8, heap), struct.pack(">ii", heap, 0) * rows, bytes(heap + 2880)
    )
    assert read(path, most_batches=5) < LITTLE


def test_wide_rows_of_fits_are_read_a_few_at_a_time(file: Callable[..., Path]) -> None:
    width, rows = 100_000, 1000
    path = file("x.fits", PRIMARY, table(f"{width}B", rows, width), *[bytes(width)] * rows, bytes(2880))
    assert read(path, most_batches=3) < LITTLE
    assert sum(batch.num_rows for batch in open_file(path).batches()) == rows


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ((PRIMARY[:240], *[card("COMMENT") * 36] * 1000), "more than 36,000 cards"),
        ((PRIMARY, b"XTENSION= 'IMAGE   '".ljust(80), *[card("COMMENT") * 36] * 1000), "more than 36,000 cards"),
        ((PRIMARY, *[IMAGE] * 1000), "no binary table among its first 1,000 parts"),
    ],
    ids=["header", "second header", "parts"],
)
def test_headers_of_fits_have_a_measure(file: Callable[..., Path], pieces: tuple[bytes, ...], message: str) -> None:
    refused(file("x.fits", *pieces), ANYHOW, message)


# ---- CSV and ECSV


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([b"#\n" * 600_000, b"a,b\n1,2\n"], "comments at its beginning are longer"),
        ([b",".join(b"%d" % i for i in range(MOST_COLUMNS + 1)), b"\n"], "more than 10,000 columns"),
    ],
    ids=["comments", "columns"],
)
def test_the_beginning_of_a_csv_file_has_a_measure(
    file: Callable[..., Path], pieces: list[bytes], message: str
) -> None:
    refused(file("x.csv", *pieces), ANYHOW, message)


def lists_within_lists() -> str:
    """YAML of a few lines, in which each list has the one before ten times: written out they are 10 MB, and 10 GB."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    return "\n".join(lines)


def test_structures_of_ecsv_that_hold_each_other_are_not_written_out(file: Callable[..., Path]) -> None:
    yaml = (
        f"{lists_within_lists()}\ndatatype:\n- {{name: a, datatype: int64, subtype: *a8, unit: *a8, description: *a8}}"
    )
    lines = "".join(f"# {line}\n" for line in ("%ECSV 1.0", "---", *yaml.splitlines()))
    path = file("x.ecsv", lines.encode(), b"a\n1\n")
    start = time.monotonic()
    assert read(path) < LITTLE
    assert time.monotonic() - start < 5
    assert open_file(path).columns[0].type is types.BIGINT


def astropy_parquet(path: Path, yaml: str) -> Path:
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({b"table_meta_yaml": yaml.encode()}), path)
    return path


def test_structures_in_astropys_parquet_are_not_written_out(tmp_path: Path) -> None:
    yaml = f"{lists_within_lists()}\ndatatype:\n- {{name: a, datatype: int64, unit: *a8, description: *a8}}"
    assert read(astropy_parquet(tmp_path / "x.parquet", yaml)) < LITTLE


def test_a_long_header_of_astropy_is_not_parsed(tmp_path: Path) -> None:
    refused(astropy_parquet(tmp_path / "x.parquet", "- x\n" * 100_000), ANYHOW, "header is longer than 250000 bytes")


# ---- Parquet and Arrow: what is packed


def pages(path: Path, **how: object) -> Path:
    """A file of 200 kB of zeros in one page of each of two columns, as small as it gets."""
    one_page = {"data_page_size": 1 << 30, "max_rows_per_page": 1 << 30, "write_batch_size": 1 << 30}
    zeros = pa.table({name: np.zeros(12_500) for name in "ab"})
    pq.write_table(zeros, path, compression="zstd", use_dictionary=False, **one_page, **how)
    return path


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_pages_of_parquet_are_not_unpacked_beyond_a_measure(tmp_path: Path, version: str) -> None:
    path = pages(tmp_path / "x.parquet", data_page_version=version)
    assert path.stat().st_size < 3000
    assert sum(batch.num_rows for batch in open_file(path).batches()) == 12_500
    refused(path, at_once(150_000), "pages of 200,.* would be read at once")


def test_what_a_footer_of_parquet_says_of_its_pages_is_not_believed(tmp_path: Path) -> None:
    """The sizes of both columns are 1 there, in zigzag's numbers of the same length."""
    path = pages(tmp_path / "x.parquet", write_statistics=False)
    metadata = pq.read_metadata(path).row_group(0).column(0)
    content = path.read_bytes()
    footer = content[-8 - int.from_bytes(content[-8:-4], "little") :]
    size = varint(2 * metadata.total_uncompressed_size)
    assert footer.count(size) >= 2
    path.write_bytes(content[: -len(footer)] + footer.replace(size, b"\x82\x80\x00"[: len(size)]))
    assert pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size == 1
    refused(path, at_once(150_000), "would be read at once")


def varint(number: int) -> bytes:
    out = []
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"data_page_version": "2.0"},
        {"use_dictionary": False, "compression": "gzip"},
        {"row_group_size": 100, "write_statistics": False},
        {"write_page_checksum": True, "data_page_size": 500},
        {"max_rows_per_page": 10},
    ],
    ids=str,
)
def test_the_elements_of_arrays_are_counted_by_the_pages(tmp_path: Path, how: dict[str, object]) -> None:
    arrays = [None if i % 7 == 0 else [float(i)] * (i % 5) for i in range(1000)]
    source = pa.table({"n": range(1000), "s": [str(i % 9) for i in range(1000)], "l": arrays})
    pq.write_table(source, tmp_path / "x.parquet", **how)
    batches = list(open_file(tmp_path / "x.parquet").batches())
    assert pa.Table.from_batches(batches).to_pylist() == source.to_pylist()


def test_long_arrays_of_parquet_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    """Twenty thousand numbers in each of some hundred rows, all of them the same: a small file."""
    values = pa.array(np.zeros(20_000 * 400)).cast(pa.float64())
    rows = pa.ListArray.from_arrays(pa.array(range(0, 20_000 * 401, 20_000), pa.int32()), values)
    pq.write_table(pa.table({"a": rows}), tmp_path / "x.parquet", compression="zstd")
    sizes = [batch.num_rows for batch in islice(open_file(tmp_path / "x.parquet").batches(), 3)]
    assert max(sizes) <= 105


def test_arrays_of_parquet_have_a_measure(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [[0.0] * 5000]}), tmp_path / "x.parquet")
    refused(tmp_path / "x.parquet", at_once(39_999), "arrays of 40,000 bytes may be read at once; 39,999 are taken")


def test_a_footer_of_parquet_has_a_measure(file: Callable[..., Path]) -> None:
    refused(
        file("x.parquet", b"PAR1", struct.pack("<i", 100_000_000), b"PAR1"), ANYHOW, "its footer has 100,000,000 bytes"
    )


@pytest.mark.parametrize("make", [pa.ipc.new_file, pa.ipc.new_stream])
@pytest.mark.parametrize("coding", ["zstd", "lz4"])
def test_batches_of_arrow_are_not_unpacked_beyond_a_measure(
    tmp_path: Path, make: Callable[..., Any], coding: str
) -> None:
    words = pa.array(["word"] * 50_000).dictionary_encode()
    source = pa.table({"a": np.zeros(50_000), "w": words})
    with make(tmp_path / "x.arrow", source.schema, options=pa.ipc.IpcWriteOptions(compression=coding)) as writer:
        writer.write_table(source)
    assert sum(batch.num_rows for batch in open_file(tmp_path / "x.arrow").batches()) == 50_000
    refused(tmp_path / "x.arrow", at_once(500_000), "a batch has 600,[0-9]+ bytes unpacked")


def test_a_batch_of_arrow_of_any_size_lies_in_its_file(tmp_path: Path) -> None:
    source = pa.table({"a": np.zeros(MUCH * MEGABYTE // 8)})
    with pa.ipc.new_file(tmp_path / "x.arrow", source.schema) as writer:
        writer.write_table(source)
    del source
    largest = max(batch.nbytes for batch in open_file(tmp_path / "x.arrow").batches())
    assert largest <= 16 * MEGABYTE


# ---- all


def test_a_packed_file_is_unpacked_where_it_may_be_and_no_further(file: Callable[..., Path], tmp_path: Path) -> None:
    path = file("x.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * MEGABYTE))
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(LoadError, match="more unpacked bytes than are taken: 1,000,000"):
        open_file(path, unpacking=Unpacking(folder, 1_000_000))
    with pytest.raises(OSError, match="no room"):
        open_file(path, unpacking=Unpacking(folder, reserve=1 << 60))
    with pytest.raises(FileNotFoundError):
        open_file(path, unpacking=Unpacking(tmp_path / "nowhere"))
    assert list(folder.iterdir()) == []


def too_much() -> Iterator[tuple[str, pa.Schema]]:
    yield "columns", pa.schema([(f"c{number}", pa.int8()) for number in range(MOST_COLUMNS + 1)])
    yield "characters", pa.schema([pa.field("a", pa.int8(), metadata={"description": "x" * MOST_TEXT})])


@pytest.mark.parametrize(("what", "schema"), list(too_much()))
def test_what_is_said_of_columns_has_a_measure(tmp_path: Path, what: str, schema: pa.Schema) -> None:
    with pa.ipc.new_stream(tmp_path / "x.arrow", schema):
        pass
    with pytest.raises(LoadError, match=f"more than 1?[0-9,]+ {what}"):
        open_file(tmp_path / "x.arrow")
