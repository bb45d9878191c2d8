"""What an operator can repair is told in one line, and never with a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
import psycopg

from adql.errors import AdqlError
from schema.description import DescriptionError
from schema.load.reader import LoadError
from schema.migrate import ChangedMigration, NotMigrated
from tap.backup import BackupError
from tap.config_sections import ConfigError
from tap.engine.engine import DatabaseAway
from tap.engine.pgsphere import PgSphereMissing
from tap.engine.private import NoPostgres, ProgramFailed
from tap.sharding.shards import ShardError

_REPAIRABLE = (
    BackupError,
    ConfigError,
    LoadError,
    DescriptionError,
    NoPostgres,
    ProgramFailed,
    ShardError,
    PgSphereMissing,
    ChangedMigration,
    NotMigrated,
    DatabaseAway,
    OSError,
)


_NO_CONNINFO = "A database of the configuration is no connection string of libpq; in a URL, a percent sign is %25"


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what can be repaired into a line of the command; PostgreSQL's own words where it is theirs."""
    try:
        yield
    except _REPAIRABLE as error:
        raise click.ClickException(str(error) or "The database cannot be reached") from error
    except AdqlError as error:
        raise click.ClickException(error.explain()) from error
    except psycopg.Error as error:
        # libpq quotes what it cannot read, a password too.
        is_conninfo = isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None
        raise click.ClickException(_NO_CONNINFO if is_conninfo else f"PostgreSQL: {error}") from error
