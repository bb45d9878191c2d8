"""Rows → a HATS catalogue: sorted by their index on the disk, and cut into tiles of so many rows at most."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from schema import types
from schema.load.reader import LoadError
from tap.bulk.export import Export, Target, Tell, begun
from tap.bulk.export_rows import ExportRows, Slice
from tap.bulk.hats_catalogue import INDEX_COLUMN, INDEX_ORDER
from tap.bulk.hats_metadata import write_metadata
from tap.bulk.manifest import ExportManifest
from tap.bulk.sorted_runs import SortedRuns
from tap.bulk.tiles import tiles_of
from tap.bulk.written import ParquetFiles
from tap.formats.metadata import FieldMetadata
from tap.sharding.layout import NOWHERE, cells_of

HATS = "hats"
_UCD, _ABOUT = "pos.healpix", f"HEALPix cell of order {INDEX_ORDER}, nested, of the position"
_INDEX = FieldMetadata(types.BIGINT, INDEX_COLUMN, types.BIGINT.datatype, None, None, None, _UCD, None, _ABOUT)


def export_hats(rows: ExportRows, target: Target, tell: Tell) -> ExportManifest:
    """Write the catalogue. Raises: LoadError where the rows have no position; psycopg.Error."""
    if rows.position is None:
        raise LoadError(f"{rows.name} has no position, by which HATS divides the sky; --format parquet needs none")
    own = tuple(field for field in rows.fields if field.name != INDEX_COLUMN)
    files = ParquetFiles(rows.header, (_INDEX, *own))
    export = begun(HATS, rows, target, tell)
    try:
        for part in rows.slices:
            if export.has_slice(part):
                export.told(
                    sum(export.manifest.files[name].rows or 0 for name in export.manifest.slices[part.name].files)
                )
            else:
                _export_slice(export, part, files)
    finally:
        export.manifest.save(target.folder)
    if not export.manifest.rows:
        raise LoadError(f"{rows.name} has no row with a position; --format parquet needs none")
    write_metadata(export, files)
    return export.end()


def _export_slice(export: Export, part: Slice, files: ParquetFiles) -> None:
    """Sort the rows of a slice on the disk, and write its tiles."""
    manifest = export.manifest
    with tempfile.TemporaryDirectory(prefix="armillary-export-", dir=export.target.room) as folder:
        runs = SortedRuns(Path(folder), files.schema)
        without_position = sum(_add(runs, batch, export) for batch in part.batches(0))
        runs.end_run()
        tiles = tiles_of(part.cells, runs.rows_below, export.target.most_rows)
        if (outside := runs.rows - sum(tile.rows for tile in tiles)) != 0:
            raise LoadError(f"{export.rows.name}: {outside:,} rows lie outside of the cells {part.name}")
        for tile in tiles:
            file = manifest.files.get(tile.file_name)
            if file is None or file.rows != tile.rows or not export.keeps(tile.file_name):
                rows = iter([runs.between(*tile.bounds)])
                manifest.files[tile.file_name] = files.write(export.folder, tile.file_name, rows)
                manifest.save(export.folder, soon=True)
    export.end_slice(part, tuple(tile.file_name for tile in tiles), without_position)


def _add(runs: SortedRuns, batch: pa.RecordBatch, export: Export) -> int:
    """Add the rows that have a position; return how many have none."""
    ra, dec = (batch.column(name) for name in export.rows.position or ())
    index = cells_of(ra, dec, INDEX_ORDER, 1)
    placed = np.flatnonzero(index != NOWHERE)
    columns = [batch.column(name) for name in runs.schema.names[1:]]
    indexed = pa.RecordBatch.from_arrays([pa.array(index), *columns], schema=runs.schema)
    runs.add(indexed if len(placed) == len(index) else indexed.take(pa.array(placed)))
    export.told(batch.num_rows)
    return len(index) - len(placed)
