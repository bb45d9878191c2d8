"""Synthetic tables to measure with: one like Gaia's main table, many rows like it, a wide one and a narrow one."""

from collections.abc import Iterable, Iterator

from schema.description import parse_description
from schema.model import Catalogue
from schema.publish import publish_table
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.engine import database

GAIA_ROWS, MANY_ROWS, WIDE_ROWS, NARROW_ROWS = 2_000_000, 10_000_000, 200_000, 1_000_000
LIKE_GAIA = """
CREATE {kind} bench.{name} AS
SELECT i::bigint * 4295806720 AS source_id, 'Gaia DR3 ' || (i::bigint * 4295806720) AS designation,
       random() * 360 AS ra, degrees(asin(2 * random() - 1)) AS dec, random() * 10 AS parallax,
       CASE WHEN random() > 0.1 THEN random() * 20 - 10 END AS pmra, CASE WHEN random() > 0.1 THEN random() * 20 - 10 END AS pmdec,
       (random() * 15 + 5)::real AS g, CASE WHEN random() > 0.05 THEN (random() * 15 + 5)::real END AS bp,
       CASE WHEN random() > 0.05 THEN (random() * 15 + 5)::real END AS rp,
       CASE WHEN random() > 0.97 THEN (random() * 100)::real END AS radial_velocity,
       (random() * 20)::smallint AS visits, random() > 0.9 AS variable
FROM generate_series(1, {rows}) AS i
"""
INDEXES = """;
CREATE INDEX ON bench.gaia USING gist (spoint(radians(ra), radians("dec")));
CREATE INDEX ON bench.gaia (source_id)
"""
GAIA = LIKE_GAIA.format(kind="TABLE", name="gaia", rows=GAIA_ROWS) + INDEXES
MANY = LIKE_GAIA.format(kind="UNLOGGED TABLE", name="many", rows=MANY_ROWS)
NARROW = f"""
CREATE TABLE bench.narrow AS
SELECT i::bigint * 4295806720 AS source_id, random() * 360 AS ra, degrees(asin(2 * random() - 1)) AS dec
FROM generate_series(1, {NARROW_ROWS}) AS i
"""


def _wide() -> str:
    """152 columns; of all but the first four, every second one is NULL in a fifth of the rows."""
    kinds = ["real"] * 80 + ["double precision"] * 44 + ["smallint"] * 8 + ["integer"] * 8 + ["bigint"] * 8
    columns = [_column(number, kind) for number, kind in enumerate(kinds)]
    return f"""
CREATE TABLE bench.wide AS
SELECT i::bigint * 4295806720 AS source_id, 'Gaia DR3 ' || (i::bigint * 4295806720) AS designation,
       random() * 360 AS ra, degrees(asin(2 * random() - 1)) AS dec, {", ".join(columns)}
FROM generate_series(1, {WIDE_ROWS}) AS i
"""


def _column(number: int, kind: str) -> str:
    value = f"(random() * 10000)::{kind}"
    return f"{value if number % 2 else f'CASE WHEN random() > 0.2 THEN {value} END'} AS c{number}"


_SQL = {"gaia": GAIA, "many": MANY, "wide": _wide(), "narrow": NARROW}


def make(config: Config, names: Iterable[str]) -> Catalogue:
    """Creates, analyses and publishes them, the same at every run."""
    with database.owner_connection(config) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        connection.execute("CREATE SCHEMA bench")
        for name in names:
            connection.execute("SELECT setseed(0.5)")
            for statement in _statements(name):
                connection.execute(statement.encode())
            publish_table(connection, f"bench.{name}", parse_description(_described(name)))
        return read_catalogue(connection)


def _statements(name: str) -> Iterator[str]:
    yield from _SQL[name].split(";\n")
    yield f"VACUUM ANALYZE bench.{name}"


def _described(name: str) -> dict[str, object]:
    texts = {} if name == "narrow" else {"designation": {"type": "VARCHAR"}}
    return {"table": {"ra": "ra", "dec": "dec"}, "columns": texts}
