"""DALI examples (DALI 1.1 §2.3): queries that run here, as XHTML with RDFa that clients read.

They are written so that ADQL 2.0 parsers take them too. Those of which all tables are published are shown; so a
service without the sample has the general ones. An operator adds examples of their own by a file.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from adql.errors import AdqlError
from adql.translate import translate
from schema.model import Catalogue
from tap.config_sections import ConfigError

_ID = re.compile(r"[A-Za-z][\w-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Example:
    id: str
    name: str
    tables: tuple[str, ...]
    about: str
    query: str


EXAMPLES = (
    Example(
        "clusters",
        "Which stars belong to which open cluster?",
        ("demo.ngc", "demo.stars"),
        "Each cluster brings its own radius and its own motion: the stars within both are its members. "
        "The Pleiades (Mel022) get 78, Praesepe (NGC2632) 70.",
        """SELECT c.name, c.common_names, COUNT(*) AS members,
       AVG(s.parallax) AS star_parallax, c.parallax AS cluster_parallax
FROM demo.ngc AS c
JOIN demo.stars AS s
  ON 1 = CONTAINS(POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', c.ra, c.dec, c.radius))
 AND POWER(s.pmra - c.pmra, 2) + POWER(s.pmdec - c.pmdec, 2) < 16
WHERE c.obj_type IN ('OCl', 'Cl+N')
GROUP BY c.name, c.common_names, c.parallax
ORDER BY members DESC""",
    ),
    Example(
        "cone",
        "Cone search: stars round a position, nearest first",
        ("demo.stars",),
        "All stars within half a degree of the centre of the Pleiades.",
        """SELECT TOP 100 tyc_id, vmag, ra, dec,
       DISTANCE(POINT('ICRS', ra, dec), POINT('ICRS', 56.87, 24.11)) AS separation
FROM demo.stars
WHERE DISTANCE(POINT('ICRS', ra, dec), POINT('ICRS', 56.87, 24.11)) < 0.5
ORDER BY separation""",
    ),
    Example(
        "nearest",
        "The nearest star of each cluster's centre",
        ("demo.ngc", "demo.stars"),
        "Best match: all pairs within six minutes of arc, of which those stay that have the least separation of their cluster.",
        """SELECT c.name, s.tyc_id, s.vmag, DISTANCE(POINT('ICRS', c.ra, c.dec), POINT('ICRS', s.ra, s.dec)) * 60 AS arcmin
FROM demo.ngc AS c
JOIN demo.stars AS s ON 1 = CONTAINS(POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', c.ra, c.dec, 0.1))
JOIN (SELECT n.name AS cluster_name, MIN(DISTANCE(POINT('ICRS', n.ra, n.dec), POINT('ICRS', t.ra, t.dec))) AS least
      FROM demo.ngc AS n
      JOIN demo.stars AS t ON 1 = CONTAINS(POINT('ICRS', t.ra, t.dec), CIRCLE('ICRS', n.ra, n.dec, 0.1))
      WHERE n.obj_type = 'OCl'
      GROUP BY n.name) AS best
  ON best.cluster_name = c.name AND DISTANCE(POINT('ICRS', c.ra, c.dec), POINT('ICRS', s.ra, s.dec)) = best.least
ORDER BY arcmin""",
    ),
    Example(
        "fast",
        "Fast stars",
        ("demo.stars",),
        "The stars that move more than three seconds of arc a year.",
        """SELECT tyc_id, hip, vmag, SQRT(pmra * pmra + pmdec * pmdec) / 1000 AS arcsec_per_year
FROM demo.stars
WHERE pmra * pmra + pmdec * pmdec > 9000000
ORDER BY arcsec_per_year DESC""",
    ),
    Example(
        "density",
        "Star counts on a HEALPix map",
        ("demo.stars",),
        "How many bright stars there are in each cell of 3.7 degrees.",
        """SELECT cell, COUNT(*) AS stars
FROM (SELECT ivo_healpix_index(4, ra, dec) AS cell FROM demo.stars WHERE vmag < 9) AS bright
GROUP BY cell
ORDER BY cell""",
    ),
    Example(
        "columns",
        "What columns are there?",
        ("tap_schema.columns",),
        "All columns of all tables that hold a magnitude, by their UCDs.",
        """SELECT table_name, column_name, unit, ucd, description
FROM tap_schema.columns
WHERE ucd LIKE 'phot.mag%'
ORDER BY table_name, column_index""",
    ),
)


def own_examples(path: str) -> tuple[Example, ...]:
    """Read an operator's examples from a file of [[examples]]; none for no path. Raises: ConfigError."""
    if not path:
        return ()
    try:
        records = tomllib.loads(Path(path).read_text("utf-8")).get("examples", [])
        return tuple(_example(record) for record in records)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: examples have id, name, about and query: {error}") from error


def _example(record: dict[str, str]) -> Example:
    id_, name, query = (record[field].strip() for field in ("id", "name", "query"))
    if not _ID.fullmatch(id_):
        raise ValueError(f"{id_[:40]!r} is no id: letters, digits, - and _")
    return Example(id_, name, (), record.get("about", "").strip(), query)


def examples_for(own: Sequence[Example], catalogue: Catalogue) -> list[Example]:
    """Return what runs on this catalogue: the operator's own examples first, then ours."""
    published = {table.table_name for table in catalogue.tables}
    ours = [example for example in EXAMPLES if published.issuperset(example.tables)]
    return [*_that_run(own, catalogue), *ours]


def _that_run(examples: Sequence[Example], catalogue: Catalogue) -> Iterator[Example]:
    for example in examples:
        with suppress(AdqlError):
            tables = translate(example.query, catalogue).tables
            yield replace(example, tables=tuple(table.table_name for table in tables))
