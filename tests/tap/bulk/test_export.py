"""Exported tables are what hats, astropy and pyarrow read: all rows, in the partitions that hats would make, with their metadata."""

import itertools
import json
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from astropy.table import Table as AstropyTable

from tap.bulk.sorted_runs import SortedRuns
from tap.bulk.tiles import bounds_of, cells_of_range, tiles_of
from tap.config import Config
from tap.engine import database
from tests import command
from tests.tap.bulk.catalogues import hats_modules, stars, write_hats
from tests.tap.bulk.conftest import NGC, NGC_DESCRIPTION, Armillary
from tests.tap.sharding.databases import sharded_service

FRAME = stars(6000)
DESCRIPTION = """
[table]
title = "Stars of a test"
licence = "CC-BY-4.0"
invalid_positions = "null"
[columns.mag]
unit = "mag"
ucd = "phot.mag"
description = "how bright"
"""


def load(armillary: Armillary, frame: pd.DataFrame = FRAME) -> None:
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), "stars.parquet")
    Path("d.toml").write_text(DESCRIPTION)
    armillary("load", "stars.parquet", "--table", "bulk.stars", "--description", "d.toml")


def read(folder: Path) -> pd.DataFrame:
    """All partitions, as pyarrow finds them."""
    files = sorted(map(str, folder.glob("dataset/Norder=*/Dir=*/Npix=*.parquet")))
    return ds.dataset(files).to_table().to_pandas()


def check_rows(rows: pd.DataFrame, frame: pd.DataFrame = FRAME) -> None:
    own = rows.sort_values("id").reset_index(drop=True)[list(frame.columns)]
    pd.testing.assert_frame_equal(own.astype(frame.dtypes), frame, check_exact=True)


def test_a_hats_catalogue_is_that_which_hats_makes(
    shed: psycopg.Connection, armillary: Armillary, tmp_path: Path
) -> None:
    load(armillary)
    assert "6,000 rows" in armillary("export", "bulk.stars", "out", "--rows-per-partition", "800")
    hats, _, _ = hats_modules()
    from hats.io.validation import is_valid_catalog
    from hats.pixel_math.spatial_index import compute_spatial_index

    expected = write_hats(Path("theirs"), FRAME, 800)
    partitions = {path.relative_to("out") for path in Path("out").glob("dataset/*/*/*.parquet")}
    assert partitions == {path.relative_to("theirs") for path in expected}
    for path in expected:
        ours, theirs = (pq.read_table(folder / path.relative_to("theirs")) for folder in (Path("out"), Path("theirs")))
        assert ours.column_names == theirs.column_names
        assert ours["_healpix_29"].equals(theirs["_healpix_29"])
        assert sorted(ours["id"].to_pylist()) == sorted(theirs["id"].to_pylist())
    assert is_valid_catalog("out", strict=True, fail_fast=True, verbose=False)
    catalogue = hats.read_hats(Path("out"))
    info = catalogue.catalog_info
    assert (info.total_rows, info.ra_column, info.dec_column) == (6000, "ra", "dec")
    assert len(catalogue.get_healpix_pixels()) == len(expected)
    rows = read(Path("out"))
    check_rows(rows)
    np.testing.assert_array_equal(rows["_healpix_29"], compute_spatial_index(rows["ra"], rows["dec"]))
    assert pq.read_metadata("out/dataset/_metadata").num_rows == 6000
    assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd="out", check=False).returncode == 0


def test_units_and_the_rest_stand_in_every_partition_and_in_what_they_have_in_common(
    shed: psycopg.Connection, armillary: Armillary
) -> None:
    load(armillary)
    armillary("export", "bulk.stars", "out")
    partition = next(iter(Path("out").glob("dataset/*/*/*.parquet")))
    for path in (partition, Path("out/dataset/_common_metadata")):
        field = pq.read_schema(path).field("mag")
        assert field.metadata[b"unit"] == b"mag"
        assert (field.metadata[b"ucd"], field.metadata[b"description"]) == (b"phot.mag", b"how bright")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of texts, whose length astropy looks for itself
        assert AstropyTable.read(partition, format="parquet.votable")["mag"].unit == "mag"
    assert b"Stars of a test" in Path("out/hats.properties").read_bytes()
    armillary("load", "out", "--table", "bulk.again")
    again, before = ({c["name"]: c for c in described(shed, name)} for name in ("bulk.again", "bulk.stars"))
    assert again == before


def described(connection: psycopg.Connection, table: str) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT column_name, datatype, arraysize, unit, ucd, description FROM tap_schema.columns WHERE table_name = %s",
        (table,),
    )
    return [
        dict(zip(("name", "datatype", "arraysize", "unit", "ucd", "description"), row, strict=True)) for row in rows
    ]


def test_rows_without_a_position_are_told_of(shed: psycopg.Connection, armillary: Armillary) -> None:
    frame = FRAME.copy()
    frame.loc[10:12, "dec"] = 99.0
    load(armillary, frame)
    said = armillary("export", "bulk.stars", "out")
    assert "5,997 rows" in said
    assert "3 rows have no position and so no place in a HATS catalogue" in said
    check_rows(read(Path("out")), frame.drop(index=range(10, 13)).reset_index(drop=True))


def test_an_interrupted_export_keeps_what_is_whole_and_a_changed_table_nothing(
    shed: psycopg.Connection, armillary: Armillary
) -> None:
    load(armillary)
    arguments = ("export", "bulk.stars", "out", "--rows-per-partition", "800")
    armillary(*arguments)
    partitions = sorted(Path("out").glob("dataset/*/*/*.parquet"))
    manifest = json.loads(Path("out/manifest.json").read_text())
    manifest |= {"complete": False, "slices": {}}
    del manifest["files"][partitions[0].relative_to("out").as_posix()]
    Path("out/manifest.json").write_text(json.dumps(manifest))
    content = bytearray(partitions[1].read_bytes())
    content[200] ^= 1
    partitions[1].write_bytes(content)
    partitions[2].unlink()
    before = {path: path.stat().st_mtime_ns for path in partitions if path.exists()}
    armillary(*arguments)
    after = {path: path.stat().st_mtime_ns for path in partitions}
    assert [path for path in partitions if before.get(path) != after[path]] == partitions[:3]
    check_rows(read(Path("out")))
    load(armillary, FRAME[:500])
    armillary(*arguments)
    check_rows(read(Path("out")), FRAME[:500])
    assert json.loads(Path("out/manifest.json").read_text())["complete"]
    assert all(path.stat().st_mtime_ns != after.get(path) for path in Path("out").glob("dataset/*/*/*.parquet"))


def test_a_folder_of_parquet_files_has_all_rows_in_their_order_and_goes_on(
    shed: psycopg.Connection, armillary: Armillary
) -> None:
    load(armillary)
    arguments = ("export", "bulk.stars", "out", "--format", "parquet", "--rows-per-partition", "2500")
    armillary(*arguments)
    files = sorted(Path("out").glob("*.parquet"))
    assert [(path.name, pq.read_metadata(path).num_rows) for path in files] == [
        ("part-00000.parquet", 2500),
        ("part-00001.parquet", 2500),
        ("part-00002.parquet", 1000),
    ]
    pd.testing.assert_frame_equal(
        pd.concat(pd.read_parquet(path) for path in files).reset_index(drop=True).astype(FRAME.dtypes), FRAME
    )
    times = [path.stat().st_mtime_ns for path in files]
    files[1].unlink()
    armillary(*arguments)
    assert [path.stat().st_mtime_ns == time for path, time in zip(files, times, strict=True)] == [True, False, False]
    check_rows(pd.concat(map(pd.read_parquet, files)))
    armillary("load", "out", "--table", "bulk.again")
    assert shed.execute("SELECT count(DISTINCT id) FROM bulk.again").fetchone() == (6000,)


@pytest.mark.parametrize("format_", ["votable", "fits", "csv", "arrow"])
def test_one_file_of_any_format_has_all_rows(shed: psycopg.Connection, armillary: Armillary, format_: str) -> None:
    load(armillary)
    armillary("export", "bulk.stars", "out", "--format", format_)
    (path,) = [path for path in Path("out").iterdir() if path.name.startswith("bulk.stars.")]
    armillary("load", str(path), "--table", "bulk.again")
    content = "SELECT count(DISTINCT id), count(mag), round(sum(mag::float8)::numeric, 1), max(name) FROM bulk."
    again, before = (shed.execute(f"{content}{name}".encode()).fetchone() for name in ("again", "stars"))
    assert again == before


def test_what_cannot_be_exported_is_told(shed: psycopg.Connection, armillary: Armillary) -> None:
    pq.write_table(pa.table({"n": [1, 2]}), "n.parquet")
    armillary("load", "n.parquet", "--table", "bulk.numbers")
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("all of it")
    for arguments, words in [
        (["bulk.nothing", "out"], "there is no published table bulk.nothing"),
        (["bulk.numbers", "out"], "bulk.numbers has no position, by which HATS divides the sky"),
        (["bulk.numbers", "mine", "--format", "parquet"], "mine has files that no export wrote, as thesis.txt"),
        (["bulk.numbers", "out", "--format", "xlsx"], "there is no format xlsx"),
        (["bulk.numbers", "https://example.org/x", "--format", "parquet"], "files cannot be written to a web server"),
    ]:
        assert words in armillary("export", *arguments, fails=True)
    assert Path("mine/thesis.txt").read_text() == "all of it"


def test_tables_on_shards_are_exported_range_by_range(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = tmp_path / "ngc.toml"
    description.write_text(NGC_DESCRIPTION.read_text().replace("[table]", "[table]\nsharded = true", 1))
    names = set(pq.read_table(NGC)["name"].to_pylist())
    with sharded_service(config, "bulkexport", ["bulkexport0", "bulkexport1"]) as service:
        for name, value in service.as_environment().items():
            monkeypatch.setenv(name, value)
        command.armillary("load", str(NGC), "--table", "far.ngc", "--description", str(description))
        for format_ in ("hats", "parquet"):
            folder = tmp_path / format_
            command.armillary("export", "far.ngc", str(folder), "--format", format_, "--rows-per-partition", "1000")
            manifest = json.loads((folder / "manifest.json").read_text())
            assert len(manifest["slices"]) == 8
            files = sorted(folder.glob("**/*.parquet"))
            assert max(pq.read_metadata(path).num_rows for path in files) <= 1000
            table = ds.dataset(list(map(str, files))).to_table()
            missing = manifest["slices"].values()
            assert len(table) + sum(part["without_position"] for part in missing) == len(pq.read_table(NGC))
            assert set(table["name"].to_pylist()) <= names
            times = [path.stat().st_mtime_ns for path in files]
            command.armillary("export", "far.ngc", str(folder), "--format", format_, "--rows-per-partition", "1000")
            assert [path.stat().st_mtime_ns for path in files] == times
        with database.owner_connection(service) as owner:
            positions = "SELECT count(*) FROM far.ngc WHERE ra IS NOT NULL AND dec IS NOT NULL"
            assert owner.execute(positions).fetchone() == (len(read(tmp_path / "hats")),)


# ---- parts


@pytest.mark.parametrize("most_rows", [1, 7, 100, 10_000])
def test_tiles_are_those_of_hats(most_rows: int, tmp_path: Path) -> None:
    hats_modules()
    from hats.pixel_math import partition_stats, spatial_index

    frame = stars(2000, seed=3)
    index = spatial_index.compute_spatial_index(frame["ra"].to_numpy(), frame["dec"].to_numpy())
    schema = pa.schema({"_healpix_29": pa.int64(), "id": pa.int64()})
    runs = SortedRuns(tmp_path, schema, run_bytes=5000)
    for start in range(0, 2000, 100):
        rows = slice(start, start + 100)
        runs.add(pa.RecordBatch.from_arrays([pa.array(index[rows]), pa.array(frame["id"][rows])], schema=schema))
    runs.end_run()
    tiles = tiles_of(tuple((0, n) for n in range(12)), runs.rows_below, most_rows)
    if most_rows >= 7:
        histogram = partition_stats.generate_histogram(frame, highest_order=8)
        alignment = partition_stats.generate_alignment(histogram, highest_order=8, threshold=most_rows)
        expected = {tuple(map(int, tile)) for tile in alignment if tile is not None}
        assert {(tile.order, tile.pixel, tile.rows) for tile in tiles} == expected
    assert sum(tile.rows for tile in tiles) == 2000
    for tile in tiles:
        rows = runs.between(*tile.bounds)
        assert rows.num_rows == tile.rows <= most_rows
        assert pc.min(rows["_healpix_29"]).as_py() >= tile.bounds[0]
        assert rows["_healpix_29"].equals(rows["_healpix_29"].sort())


def test_cells_of_a_range_are_the_largest_and_leave_no_gap() -> None:
    for first, stop in ((-1, 5), (0, 12 * 4**6), (3, 4), (17, 48_000), (4096, 8192)):
        cells = cells_of_range(first, stop, 6)
        bounds = [bounds_of(cell) for cell in cells]
        assert bounds[0][0] == max(0, first) << 2 * 23
        assert bounds[-1][1] == stop << 2 * 23
        assert all(end == start for (_, end), (start, _) in itertools.pairwise(bounds))
    assert cells_of_range(0, 12 * 4**6, 6) == tuple((0, n) for n in range(12))
    assert cells_of_range(4096, 8192, 6) == ((0, 1),)
