"""Results of every format as columns of Python's values, by readers that know nothing of this service."""

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from lxml import html

STILTS = shutil.which("stilts")
needs_stilts = pytest.mark.skipif(STILTS is None, reason="STILTS is not installed: apt-get install stilts")
Columns = dict[str, list[Any]]


def stil(*arguments: str) -> str:
    """What STILTS prints; with UTF-8 whatever this machine's language is."""
    done = subprocess.run(
        [str(STILTS), "-J-Dfile.encoding=UTF-8", *arguments], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


# ---- FITS


def open_fits(body: bytes) -> Any:
    """The HDUs, which must be as the standard has them: astropy's verification raises, warnings are errors."""
    assert len(body) % 2880 == 0
    found = fits.open(io.BytesIO(body), logical_as_bytes=True, character_as_bytes=True)
    found.verify("exception")
    assert [each.name for each in found] == ["PRIMARY", ""]
    return found


def read_fits(body: bytes) -> Columns:
    """NULL as None where the format can say so: numbers by TNULL, booleans; else NaN, or nothing."""
    table = open_fits(body)[1]
    return {column.name: _fits_column(table.data, column, index) for index, column in enumerate(table.columns)}


def _fits_column(data: Any, column: Any, index: int) -> list[Any]:
    values, letter = data.field(index), column.format.lstrip("0123456789")[0]
    if letter == "L" or "QL" in column.format:
        truths = {b"T"[0]: True, b"F"[0]: False, 0: None}
        arrays = [np.asarray(each) for each in values]
        return [
            np.array([truths[b] for b in array.tobytes()], object).reshape(array.shape).tolist() for array in arrays
        ]
    if letter == "A":
        return [bytes(each).decode() for each in np.asarray(values)]
    if "QA" in column.format:
        # astropy makes an array of characters of each, and takes memory of its length squared for it.
        return ["".join(_text(character) for character in np.asarray(each).tolist()) for each in values]
    if column.null is not None:
        return [None if each == column.null else each for each in values.tolist()]
    return [each.tolist() if isinstance(each, np.ndarray) else each for each in values]


def _text(character: str | bytes) -> str:
    return character.decode("ascii") if isinstance(character, bytes) else character


# ---- Arrow and Parquet


def arrow_table(body: bytes) -> pa.Table:
    with pa.ipc.open_stream(body) as stream:
        table = stream.read_all()
    table.validate(full=True)
    return table


def arrow_status(body: bytes) -> str:
    """What the metadata of the last batch says."""
    with pa.ipc.open_stream(body) as stream:
        batches = list(stream.iter_batches_with_custom_metadata())
    last = batches[-1]
    assert last.batch.num_rows == 0
    assert [each.custom_metadata for each in batches[:-1]] == [None] * (len(batches) - 1)
    return str(last.custom_metadata[b"QUERY_STATUS"].decode())


def parquet_table(body: bytes) -> pa.Table:
    table = pq.read_table(io.BytesIO(body))
    table.validate(full=True)
    return table


def _columns(table: pa.Table) -> Columns:
    return {name: table.column(index).to_pylist() for index, name in enumerate(table.column_names)}


def read_arrow(body: bytes) -> Columns:
    return _columns(arrow_table(body))


def read_parquet(body: bytes) -> Columns:
    return _columns(parquet_table(body))


# ---- JSON


def parse_json(body: bytes) -> Any:
    """As RFC 8259 has it: no NaN or Infinity that is bare, no name twice."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in pairs}) == len(pairs)
        return dict(pairs)

    return json.loads(body.decode("utf-8"), parse_constant=refuse, parse_int=_whole, object_pairs_hook=once)


def _whole(text: str) -> float:
    """Python alone takes the sign from a zero without a point."""
    return -0.0 if text == "-0" else int(text)


def read_json(body: bytes) -> Columns:
    """Numbers that JSON has none for are texts that Python's float takes."""
    found = parse_json(body)
    numbers = {"float", "double"}
    return {
        column["name"]: [_number(row[index]) if column["datatype"] in numbers else row[index] for row in found["data"]]
        for index, column in enumerate(found["metadata"])
    }


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(each) for each in value]
    return value if value is None else float(value)


# ---- ECSV


def ecsv_table(body: bytes) -> Any:
    return Table.read(body.decode(), format="ascii.ecsv")


def read_ecsv(body: bytes) -> Columns:
    table = ecsv_table(body)
    return {name: [_unmasked(each) for each in table[name]] for name in table.colnames}


def _unmasked(value: Any) -> Any:
    if np.ma.is_masked(value) and np.ndim(value) == 0:
        return None
    if isinstance(value, np.ma.MaskedArray):
        return value.tolist()
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


# ---- HDF5


def hdf5_table(body: bytes) -> Any:
    with h5py.File(io.BytesIO(body), "r") as book:
        return Table.read(book, path="table", character_as_bytes=False)


def read_hdf5(body: bytes) -> Columns:
    table = hdf5_table(body)
    return {name: [_unmasked(each) for each in table[name]] for name in table.colnames}


# ---- HTML and text


def parse_html(body: bytes) -> Any:
    return html.fromstring(body.decode("utf-8"))


def read_html(body: bytes) -> Columns:
    page = parse_html(body)
    names = [head.text for head in page.xpath("//table[@id='rows']/thead/tr/th")]
    rows = [[cell.text or "" for cell in row] for row in page.xpath("//table[@id='rows']/tbody/tr")]
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}


def read_text(body: bytes) -> Columns:
    """As the eye does: the third line shows where the columns are. For tables without long cells only."""
    lines = body.decode("utf-8").split("\n")[:-1]
    places, start = [], 0
    for rule in lines[2].split(" "):
        places.append((start, start + len(rule)))
        start += len(rule) + 1
    rows = [line for line in lines[3:] if not line.startswith("# ")]
    return {lines[0][a:b].strip(): [row[a:b].strip() for row in rows] for a, b in places}


READERS: dict[str, Callable[[bytes], Columns]] = {
    "fits": read_fits,
    "parquet": read_parquet,
    "arrow": read_arrow,
    "json": read_json,
    "ecsv": read_ecsv,
    "hdf5": read_hdf5,
    "html": read_html,
    "text": read_text,
}


def kept(folder: Path, name: str, body: bytes) -> Path:
    """The body as a file, for readers that want one."""
    path = folder / name
    path.write_bytes(body)
    return path
