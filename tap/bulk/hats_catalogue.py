"""HATS catalogues as they are found: what they say of themselves, and their partitions (IVOA Note HATS §3)."""

import csv
import io
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schema.description import ColumnDescription, Description
from schema.load import open_file
from schema.load.reader import FileColumn, LoadError
from schema.model import Origin
from tap.bulk.folder import FileStatus, Folder, whole
from tap.bulk.places import folder_of
from tap.bulk.properties import read_properties

_COLLECTION = "collection.properties"
PROPERTIES = ("hats.properties", "properties", _COLLECTION)
"""What a folder has that is a catalogue."""
INDEX_COLUMN, INDEX_ORDER = "_healpix_29", 29
_OF_PARTITIONS = ("Norder", "Dir", "Npix", "margin_Norder", "margin_Dir", "margin_Npix")
"""Columns that repeat the name of the partition."""
_PARTITION = re.compile(r"dataset/(?:.*/)?Norder=(\d+)/(?:.*/)?Npix=(\d+)(?:[./].*)?")
_ORIGIN = {
    "title": ("obs_title", "obs_collection"),
    "creator": ("hats_creator",),
    "licence": ("obs_copyright", "hats_copyright"),
    "licence_url": ("obs_copyright_url",),
    "citation": ("bib_reference", "obs_ack"),
    "reference_url": ("bib_reference_url",),
}
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class HatsCatalogue:
    """A catalogue in a folder; `properties` are its keywords."""

    folder: Folder
    properties: dict[str, str]

    def partitions(self) -> list[FileStatus]:
        """Return the files with its rows, in the order of the sky. Raises: LoadError where one is missing."""
        files = list(self._listed())
        if not files:
            raise LoadError(f"{self.folder.url}: the HATS catalogue has no partitions")
        return sorted(files, key=lambda file: (_place(file.name), file.name))

    def _listed(self) -> Iterator[FileStatus]:
        named = self._named()
        if self.folder.url.startswith(("http://", "https://")):
            yield from self._asked_for(named)
            return
        found = [status for status in self.folder.files("dataset") if _PARTITION.fullmatch(status.name)]
        tiles = {tile_of(status.name) for status in found}
        if missing := sorted({tile_of(name) for name in named} - tiles):
            order, pixel = missing[0]
            raise LoadError(f"{self.folder.url}: the partition Norder={order}, Npix={pixel} that it names is missing")
        yield from found

    def _named(self) -> list[str]:
        """Return the files that partition_info.csv names; else those that _metadata does."""
        content = whole(self.folder, "partition_info.csv")
        if content is not None:
            suffix = self.properties.get("hats_npix_suffix") or self.properties.get("npix_suffix") or ".parquet"
            rows = csv.DictReader(io.StringIO(content.decode("utf-8", "replace")))
            try:
                return [partition_name(int(row["Norder"]), int(row["Npix"]), suffix) for row in rows]
            except (KeyError, TypeError, ValueError) as error:
                raise LoadError(
                    f"{self.folder.url}/partition_info.csv: it needs whole numbers Norder and Npix"
                ) from error
        return self._of_metadata()

    def _of_metadata(self) -> list[str]:
        content = whole(self.folder, "dataset/_metadata")
        if content is None:
            return []
        try:
            metadata = pq.read_metadata(pa.BufferReader(content))
        except pa.ArrowException as error:
            raise LoadError(f"{self.folder.url}/dataset/_metadata is no Parquet: {error}") from error
        paths = (metadata.row_group(number).column(0).file_path for number in range(metadata.num_row_groups))
        return [f"dataset/{path}" for path in dict.fromkeys(paths)]

    def _asked_for(self, names: list[str]) -> Iterator[FileStatus]:
        """Yield the state of each file of a server that cannot list."""
        if any(name.endswith("/") for name in names):
            names = self._of_metadata()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for name, status in zip(names, threads.map(self.folder.status, names), strict=True):
                if status is None:
                    raise LoadError(f"{self.folder.url}/{name}: the partition that the catalogue names is missing")
                yield status

    def declared(self) -> tuple[FileColumn, ...]:
        """Return the columns as dataset/_common_metadata has them; none where there is no such file."""
        content = whole(self.folder, "dataset/_common_metadata")
        if content is None:
            return ()
        with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
            file.write(content)
            file.flush()
            return open_file(Path(file.name)).columns

    def completed(self, description: Description) -> Description:
        """Return a description with what the catalogue says of itself, where it says nothing.

        Columns that only say where a row lies are left out, unless they are described.
        """
        columns = dict(description.columns)
        sources = {about.source or name for name, about in columns.items()}
        for name in {*_OF_PARTITIONS, INDEX_COLUMN, self.properties.get("hats_col_healpix", INDEX_COLUMN)} - sources:
            columns[name] = ColumnDescription(omit=True)
        table = description.table
        if not (table.ra or table.dec):
            ra, dec = (_published(description, self.properties.get(f"hats_col_{axis}")) for axis in ("ra", "dec"))
            table = replace(table, ra=ra, dec=dec) if ra and dec else table
        text = self.properties.get("obs_description")
        table = replace(table, description=table.description or text)
        return replace(description, table=table, columns=columns, origin=self._origin(description.origin))

    def _origin(self, origin: Origin) -> Origin:
        texts = {
            name: next((text for keyword in keywords if (text := self.properties.get(keyword))), None)
            for name, keywords in _ORIGIN.items()
        }
        return replace(origin, **{name: getattr(origin, name) or text for name, text in texts.items()})


def _published(description: Description, source: str | None) -> str | None:
    """Return the name under which a column of the files will be published; None if it will not."""
    for name, about in description.columns.items():
        if (about.source or name) == source:
            return None if about.omit else name
    return None if description.table.only_described else source


def tile_of(name: str) -> tuple[int, int]:
    """Return order and pixel of a partition."""
    match = _PARTITION.fullmatch(name)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _place(name: str) -> int:
    order, pixel = tile_of(name)
    return pixel << 2 * (INDEX_ORDER - order)


def partition_name(order: int, pixel: int, suffix: str = ".parquet") -> str:
    """Return the path of a partition in a catalogue (§3.1.1)."""
    return f"dataset/Norder={order}/Dir={pixel // 10_000 * 10_000}/Npix={pixel}{suffix}"


def read_hats(folder: Folder) -> HatsCatalogue:
    """Return the catalogue in a folder; of a collection its primary one. Raises: LoadError for what has no rows of its own."""
    for name in PROPERTIES:
        content = whole(folder, name)
        if content is None:
            continue
        properties = read_properties(content)
        if name == _COLLECTION:
            return read_hats(_primary(folder, properties))
        if properties.get("dataproduct_type") == "index":
            raise LoadError(f"{folder.url} is an index of a HATS catalogue, and has no rows of its own")
        return HatsCatalogue(folder, properties)
    raise LoadError(f"{folder.url} is no HATS catalogue")


def _primary(folder: Folder, properties: dict[str, str]) -> Folder:
    within = properties.get("hats_primary_table_url")
    if not within:
        raise LoadError(f"{folder.url}/{_COLLECTION} names no primary catalogue (hats_primary_table_url)")
    return folder_of(within if "://" in within else f"{folder.url}/{within}")
