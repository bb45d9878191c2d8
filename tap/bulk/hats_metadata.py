"""What a HATS catalogue has beside its partitions: properties, partition_info.csv, _metadata, _common_metadata (IVOA Note HATS §3.3)."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from tap.bulk.export import Export
from tap.bulk.folder import Folder
from tap.bulk.hats_catalogue import INDEX_COLUMN, INDEX_ORDER, tile_of
from tap.bulk.manifest import ExportedFile
from tap.bulk.properties import written_properties
from tap.bulk.written import ParquetFiles, write_content
from tap.version import VERSION

_MOST_CHUNKS = 1_000_000
"""Column chunks that _metadata lists at most: it is read into memory as a whole."""
_FOOTER = 1 << 20
_DATASET = "dataset/"


def write_metadata(export: Export, files: ParquetFiles) -> None:
    """Write all that readers find the partitions by. Raises: FolderAway."""
    manifest, folder = export.manifest, export.folder
    partitions = {name: file for name, file in manifest.files.items() if (file.rows or 0) and "Npix=" in name}
    written = {
        "partition_info.csv": _partition_info(partitions),
        "dataset/_common_metadata": _common_metadata(files),
        **_all_footers(folder, partitions),
        **dict.fromkeys(("hats.properties", "properties"), _properties(export, partitions)),
    }
    for name, content in written.items():
        manifest.files[name] = write_content(folder, name, content)


def _in_order(partitions: dict[str, ExportedFile]) -> list[str]:
    """Return the names in the order of the sky."""
    tiles = {name: tile_of(name) for name in partitions}
    return sorted(tiles, key=lambda name: tiles[name][1] << 2 * (INDEX_ORDER - tiles[name][0]))


def _partition_info(partitions: dict[str, ExportedFile]) -> bytes:
    lines = ["Norder,Npix", *(f"{order},{pixel}" for order, pixel in map(tile_of, _in_order(partitions)))]
    return ("\n".join(lines) + "\n").encode()


def _properties(export: Export, partitions: dict[str, ExportedFile]) -> bytes:
    rows, tiles = export.rows, [tile_of(name) for name in partitions]
    origin = rows.header.origins[0] if rows.header.origins else None
    ra, dec = rows.position or ("", "")
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}"
    values = {
        "obs_collection": re.sub(r"\s+", "_", rows.name),
        "dataproduct_type": "object",
        "hats_nrows": sum(file.rows or 0 for file in partitions.values()),
        "hats_col_ra": ra,
        "hats_col_dec": dec,
        "hats_col_healpix": INDEX_COLUMN,
        "hats_col_healpix_order": INDEX_ORDER,
        "hats_npix_suffix": ".parquet",
        "hats_max_rows": max(file.rows or 0 for file in partitions.values()),
        "hats_order": max(order for order, _ in tiles),
        "moc_sky_fraction": f"{math.fsum(4.0**-order for order, _ in tiles) / 12:.8g}",
        "hats_estsize": max(1, sum(file.size for file in partitions.values()) // 1024),
        "hats_frame": "equatorial",
        "hats_builder": f"Armillary {VERSION}",
        "hats_creation_date": now,
        "hats_release_date": now,
        "hats_version": "v1.0",
        "obs_title": origin and origin.title,
        "obs_description": rows.description,
        "obs_copyright": origin and origin.licence,
        "obs_copyright_url": origin and origin.licence_url,
        "bib_reference": origin and origin.citation,
        "bib_reference_url": origin and origin.reference_url,
        "hats_creator": origin and origin.creator,
    }
    return written_properties(values, "HATS catalog")


def _common_metadata(files: ParquetFiles) -> bytes:
    metadata = {**(files.schema.metadata or {}), **{k.encode(): v.encode() for k, v in files.votable().items()}}
    sink = pa.BufferOutputStream()
    pq.write_metadata(files.schema.with_metadata(metadata), sink)
    return bytes(sink.getvalue())


def _all_footers(folder: Folder, partitions: dict[str, ExportedFile]) -> dict[str, bytes]:
    """Return dataset/_metadata; nothing where it would be too large to be of use."""
    whole: pq.FileMetaData | None = None
    for footer in _footers(folder, partitions):
        if whole is None:
            whole = footer
        else:
            whole.append_row_groups(footer)
        if whole.num_row_groups * whole.num_columns > _MOST_CHUNKS:
            return {}
    if whole is None:
        return {}
    sink = pa.BufferOutputStream()
    whole.write_metadata_file(sink)
    return {"dataset/_metadata": bytes(sink.getvalue())}


def _footers(folder: Folder, partitions: dict[str, ExportedFile]) -> Iterator[pq.FileMetaData]:
    for name in _in_order(partitions):
        size = partitions[name].size
        tail = b"".join(folder.read(name, max(0, size - _FOOTER), size))
        length = 8 + int.from_bytes(tail[-8:-4], "little")
        if length > len(tail):
            tail = b"".join(folder.read(name, size - length, size))
        footer = pq.read_metadata(pa.BufferReader(tail))
        footer.set_file_path(name.removeprefix(_DATASET))
        yield footer
