"""Rows → a folder of Parquet files of so many rows each, in the order in which they are stored."""

from collections.abc import Iterator

import pyarrow as pa

from tap.bulk.export import Export, Target, Tell, begun
from tap.bulk.export_rows import ExportRows, Slice
from tap.bulk.manifest import ExportManifest
from tap.bulk.written import ParquetFiles

PARQUET = "parquet"


def export_parquet(rows: ExportRows, target: Target, tell: Tell) -> ExportManifest:
    """Write the files, all rows in one where `most_rows` is 0. Raises: LoadError, psycopg.Error."""
    export, files = begun(PARQUET, rows, target, tell), ParquetFiles(rows.header, rows.fields)
    try:
        for number, part in enumerate(rows.slices):
            prefix = f"part-{number:04}-" if len(rows.slices) > 1 else "part-"
            _export_slice(export, part, files, prefix)
        if not export.manifest.files:
            name = "part-00000.parquet"
            export.manifest.files[name] = files.write(target.folder, name, iter(()))
    finally:
        export.manifest.save(target.folder)
    return export.end()


def _export_slice(export: Export, part: Slice, files: ParquetFiles, prefix: str) -> None:
    manifest, names = export.manifest, list[str]()
    while export.keeps(name := _name(prefix, len(names))):
        names.append(name)
    kept = sum(manifest.files[name].rows or 0 for name in names)
    export.told(kept)
    if part.name in manifest.slices and tuple(names) == manifest.slices[part.name].files:
        return
    stream = _Stream(part.batches(kept), export)
    while stream.more():
        name = _name(prefix, len(names))
        manifest.files[name] = files.write(export.folder, name, stream.first(export.target.most_rows))
        names.append(name)
        manifest.save(export.folder, soon=True)
    export.end_slice(part, tuple(names))


def _name(prefix: str, number: int) -> str:
    return f"{prefix}{number:05}.parquet"


class _Stream:
    """Batches that are taken so many rows at a time."""

    def __init__(self, batches: Iterator[pa.RecordBatch], export: Export) -> None:
        self._batches = batches
        self._export = export
        self._rest: pa.RecordBatch | None = None

    def more(self) -> bool:
        if self._rest is None or not self._rest.num_rows:
            self._rest = next(self._batches, None)
        return self._rest is not None

    def first(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the next rows, all that there are for 0."""
        wanted = rows
        while (wanted or not rows) and self.more() and self._rest is not None:
            part = self._rest.slice(0, wanted) if rows else self._rest
            self._rest, wanted = self._rest.slice(part.num_rows), wanted - part.num_rows
            self._export.told(part.num_rows)
            yield part
