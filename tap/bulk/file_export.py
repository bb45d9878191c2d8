"""Rows of a table → one file of any format in which the service answers."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from schema.load.reader import LoadError
from tap.bulk.export import Target, Tell, begun
from tap.bulk.export_rows import ExportRows
from tap.bulk.manifest import ExportManifest
from tap.bulk.written import written
from tap.engine.rows import RowStream
from tap.formats.format import Ending, Format, Header
from tap.temp_files import TempFiles


def export_file(rows: ExportRows, format_: Format, target: Target, tell: Tell) -> ExportManifest:
    """Write the file, always from its beginning. Raises: LoadError, psycopg.Error."""
    if rows.whole is None:
        raise LoadError(f"{rows.name} can be exported as hats or parquet only")
    if format_.most_rows and (rows.nrows or 0) > format_.most_rows:
        raise LoadError(f"{rows.name} has {rows.nrows:,} rows; {format_.name} makes sense for {format_.most_rows:,}")
    export = begun(format_.aliases[0], replace(rows, identity=""), target, tell)
    name = f"{rows.name.replace('/', '_')}.{format_.extension}"
    header = replace(rows.header, room=TempFiles(target.room, 0), version=format_.versions[0])
    count = 0
    with written(target.folder, name) as sink:
        for piece, more in _pieces(rows.whole(format_.encoding), header, format_):
            sink.write(piece)
            count += more
            export.told(more)
    export.manifest.files[name] = sink.file(count)
    return export.end()


def _pieces(stream: RowStream, header: Header, format_: Format) -> Iterator[tuple[bytes, int]]:
    """Yield the bytes of the file, with how many rows more they have."""
    with closing(format_.writer(header)) as writer:
        yield writer.header(), 0
        for block in stream:
            yield writer.rows(block), len(block.lengths)
        for piece in writer.footer(Ending()):
            yield piece, 0
