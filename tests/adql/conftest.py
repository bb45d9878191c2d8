"""The small catalogue of `tables` in the database, and --update-golden."""

from collections.abc import Iterator

import psycopg
import pytest

from tap.config import Config
from tap.engine import database
from tests.adql.tables import CREATE


@pytest.fixture(scope="module")
def small_tables(config: Config) -> Iterator[None]:
    with database.owner_connection(config) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        connection.execute(CREATE)
        yield
        connection.execute("DROP SCHEMA t CASCADE")


@pytest.fixture
def small(small_tables: None, reader: psycopg.Connection) -> psycopg.Connection:
    """A reader's connection to a database that has the small catalogue."""
    return reader
