"""The tables of these tests, published once for all of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schema.description import Description
from schema.publish import publish_table, unpublish_table
from tap.config import Config
from tap.engine import database
from tests.tap.formats.tables import (
    ABOUT,
    BIG,
    BIG_VALUES,
    COLUMNS,
    EXTREMES,
    MANY_VALUES,
    POSITIONS,
    ROWS,
    VALUES,
    Publish,
    load,
)


@pytest.fixture(scope="package")
def tables(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publish]:
    """Publishes tables until these tests are done; afterwards the catalogue is what it was."""
    folder, names = tmp_path_factory.mktemp("formats"), set()

    def publish(name: str, columns: dict[str, pa.Array], about: dict[str, Any] | None = None) -> None:
        load(sample, folder, name, columns, about)
        names.add(name)

    yield publish
    with database.owner_connection(sample) as connection:
        for name in names:
            unpublish_table(connection, name)
        connection.execute("DROP SCHEMA IF EXISTS formats CASCADE")


@pytest.fixture(scope="package")
def everything(service: str, tables: Publish) -> str:
    columns = {name: pa.array(VALUES[name], kind) for name, (kind, _) in COLUMNS.items()}
    tables("formats.everything", {"id": pa.array(range(ROWS), pa.int32())} | columns, ABOUT)
    return service


@pytest.fixture(scope="package")
def edges(service: str, sample: Config, tables: Publish) -> Iterator[str]:
    """A table of the operator's own, with what the loader does not let through: NaN, NULL in arrays, the least integers."""
    tables("formats.dummy", {"x": pa.array([1])})
    with database.owner_connection(sample) as connection:
        connection.execute("DROP TABLE IF EXISTS formats.edges")
        connection.execute(
            "CREATE TABLE formats.edges (id integer, r real, d double precision, s smallint, i integer, b bigint,"
            " f real[], g double precision[], n integer[], m bigint[], t text, k smallint[])"
        )
        connection.execute(
            "INSERT INTO formats.edges VALUES"
            " (1, 'NaN', 'NaN', -32768, -2147483648, -9223372036854775808, '{1,NULL,3}', '{NULL,2}', '{1,NULL,3}', '{NULL}', E'a\\x1fb\\\\\\x1f', '{1,NULL}'),"
            " (2, 1, 2, 3, 4, 5, '{1}', '{2}', '{3}', '{4}', %s, '{5}')",
            ("z\ufffe\uffff!",),
        )
        publish_table(connection, "formats.edges", Description())
    yield service
    with database.owner_connection(sample) as connection:
        unpublish_table(connection, "formats.edges")


@pytest.fixture(scope="package")
def places(service: str, tables: Publish) -> str:
    columns = {
        name: pa.array([place[index] for place in POSITIONS], pa.float64())
        for index, name in enumerate(("ra", "dec", "radius"))
    }
    tables("formats.places", {"id": pa.array(range(len(POSITIONS)), pa.int32())} | columns)
    return service


@pytest.fixture(scope="package")
def big(service: str, tables: Publish) -> str:
    """Many blocks, ten columns, every third value missing in some of them."""
    n = np.arange(BIG)
    texts = [None if i % 11 == 0 else "tx"[i % 2] * (i % 23) for i in range(BIG)]
    wide = [None if i % 13 == 0 else "é𝄞"[i % 2] * (i % 5) for i in range(BIG)]
    columns = {
        "n": pa.array(n, pa.int32()),
        "s": pa.array(n % 1000, pa.int16(), mask=n % 3 == 0),
        "b": pa.array(n * 2**40, pa.int64(), mask=n % 5 == 1),
        "f": pa.array(n / 7, pa.float32(), mask=n % 7 == 2),
        "d": pa.array(n / 3, pa.float64(), mask=n % 2 == 0),
        "t": pa.array(texts),
        "u": pa.array(wide),
        "q": pa.array(n % 2 == 0, pa.bool_(), mask=n % 17 == 3),
        "n2": pa.array(-n, pa.int32(), mask=n % 19 == 4),
        "t2": pa.array([None] * BIG, pa.string()),
    }
    tables("formats.big", columns)
    BIG_VALUES.update({name: column.to_pylist() for name, column in columns.items()})
    return service


@pytest.fixture(scope="package")
def extremes(service: str, sample: Config, tables: Publish) -> Iterator[str]:
    """A table of the operator's own with times that Python has no type for, and geometries as columns."""
    tables("formats.dummy", {"x": pa.array([1])})
    with database.owner_connection(sample) as connection:
        connection.execute("DROP TABLE IF EXISTS formats.extremes")
        connection.execute("CREATE TABLE formats.extremes (id integer, t timestamp, p spoint, c scircle, y spoly)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO formats.extremes VALUES (%s, %s, %s, %s, %s)", EXTREMES)
        publish_table(connection, "formats.extremes", Description())
    yield service
    with database.owner_connection(sample) as connection:
        unpublish_table(connection, "formats.extremes")


@pytest.fixture(scope="package")
def many(service: str, tables: Publish) -> str:
    """More rows than a row group of Parquet has, by far more than a block."""
    tables("formats.many", MANY_VALUES)
    return service
