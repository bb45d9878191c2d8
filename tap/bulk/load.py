"""Files → a published table: one file at once, several in stages, those of a table on shards by its engine."""

import psycopg

from schema.copy_rows import Progress
from schema.description import Description
from schema.publish import Loaded, load_table
from schema.staged_load import load_in_stages
from tap.bulk.data_files import DataFiles
from tap.bulk.sources import LoadSources
from tap.sharding.engines.choice import engine_of
from tap.sharding.loading.load import SourceFile


def load_sources(
    connection: psycopg.Connection, sources: LoadSources, table_name: str, description: Description, progress: Progress
) -> Loaded:
    """Create, fill, index and publish `schema.table`. Raises: LoadError, DescriptionError, psycopg.Error."""
    if sources.hats:
        description = sources.hats.completed(description)
    wanted = {c.source or name: c.type for name, c in description.columns.items() if c.type}
    files = DataFiles(sources.files, wanted, sources.hats.declared() if sources.hats else ())
    if description.table.sharded:
        return engine_of(connection).load(_repeatable(files), table_name, description, progress)
    if len(files.files) > 1:
        return load_in_stages(connection, files, table_name, description, progress)
    with files.first() as reader:
        return load_table(connection, reader, table_name, description, progress)


def _repeatable(files: DataFiles) -> DataFiles | SourceFile:
    """Return what opens the files; one of this machine by its content, as interrupted loads know it."""
    if len(files.files) == 1 and not files.files[0].folder.is_remote and not files.declared:
        file = files.files[0]
        return SourceFile(file.folder.local(file.name), files.wanted_types)
    return files
