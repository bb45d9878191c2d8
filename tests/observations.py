"""Made observations in two tables: plates that are loaded (circles), and cubes of an operator's own (polygons)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schema.description import Description, parse_description
from schema.load import open_file
from schema.publish import load_table, publish_table, unpublish_table
from tap.config import Config
from tap.engine import database

PLATES, CUBES = "plates.images", "survey.cubes"
COUNT = 600
_BEGIN = datetime(2001, 2, 3, 4, 5, 6, 789000)


def plates_description(**changes: Any) -> Description:
    """What an operator says of the plates; `changes` are of [obscore]."""
    return parse_description(
        {
            "table": {"primary_key": ["plate"]},
            "columns": {
                "fov": {"unit": "arcmin"},
                "exposure": {"unit": "min"},
                "size": {"unit": "byte"},
                "begin": {"description": "Begin of the exposure"},
            },
            "obscore": {
                "dataproduct_type": "image",
                "calib_level": 2,
                "obs_collection": "Plates",
                "obs_id": "{plate}",
                "obs_publisher_did": "ivo://example.org/plates?{plate}",
                "access_url": "https://example.org/{{get}}/{file}",
                "access_format": "image/fits",
                "access_estsize": "{size}",
                "target_name": "{target}",
                "s_ra": "{ra}",
                "s_dec": "{dec}",
                "s_fov": "{fov}",
                "s_resolution": 1.5,
                "t_min": "{begin}",
                "t_max": "{end}",
                "t_exptime": "{exposure}",
                "em_min": 3.8e-7,
                "em_max": 5.0e-7,
                "o_ucd": "phot.flux.density",
                "facility_name": "Example Schmidt",
                "instrument_name": "Camera",
                "obs_title": "Plate {plate} of {target}",
                "obs_release_date": "2010-01-01T00:00:00",
            }
            | changes,
        }
    )


OPTIONAL: dict[str, Any] = {
    "dataproduct_subtype": "datacube",
    "target_class": "G",
    "obs_creation_date": "2012-03-04T05:06:07",
    "obs_creator_name": "Example Array",
    "obs_creator_did": "ivo://example.org/array?{id}",
    "publisher_id": "ivo://example.org/registry",
    "bib_reference": "2012ApJ...000..000X",
    "data_rights": "public",
    "s_ucd": "pos",
    "s_unit": "deg",
    "s_resolution_min": 1,
    "s_resolution_max": 2.5,
    "s_pixel_scale": 0.2,
    "s_calib_status": "calibrated",
    "s_stat_error": 0.1,
    "t_calib_status": "calibrated",
    "t_stat_error": 0.001,
    "em_ucd": "em.wl",
    "em_unit": "m",
    "em_calib_status": "calibrated",
    "em_res_power_min": 100,
    "em_res_power_max": 5000,
    "em_resolution": 1e-10,
    "em_stat_error": 1e-11,
    "o_unit": "Jy",
    "o_calib_status": "absolute",
    "o_stat_error": 0.01,
    "proposal_id": "2012A-001",
}
"""The other columns of the standard."""
CUBES_DESCRIPTION = parse_description(
    {
        "table": {"ra": "ra", "dec": "dec"},
        "columns": {
            "shortest": {"unit": "nm"},
            "longest": {"unit": "nm"},
            "begin": {"unit": "d"},
            "ra": {"unit": "deg"},
        },
        "obscore": {
            "dataproduct_type": "{kind}",
            "calib_level": "{level}",
            "obs_collection": "Survey",
            "obs_id": "{id}",
            "obs_publisher_did": "ivo://Example.org/Survey?{id}",
            "access_url": "{url}",
            "access_format": "application/x-votable+xml;content=datalink",
            "s_ra": "{ra}",
            "s_dec": "{dec}",
            "s_fov": 2.0,
            "s_region": "{outline}",
            "t_min": "{begin}",
            "t_max": "{begin}",
            "em_min": "{shortest}",
            "em_max": "{longest}",
            "em_res_power": "{power}",
            "pol_states": "{polarization}",
            "facility_name": "Example Array",
        }
        | OPTIONAL,
    }
)


@dataclass(frozen=True)
class Observations:
    """What the tables hold, by the names of their columns; `corners` are those of the cubes in degrees, shape (rows, 4, 2)."""

    plates: dict[str, Any]
    cubes: dict[str, Any]
    corners: Any

    @property
    def begins(self) -> Any:
        """Begins of the plates' exposures as Modified Julian Dates, of days without leap seconds."""
        days = np.array(self.plates["begin"], "datetime64[us]") - np.datetime64("1858-11-17")
        return days / np.timedelta64(1, "D")


def made() -> Observations:
    random = np.random.default_rng(11)
    ra, dec = random.uniform(0, 360, COUNT), np.degrees(np.arcsin(random.uniform(-0.99, 0.99, COUNT)))
    exposure = random.uniform(1, 90, COUNT)
    begins = [_BEGIN + timedelta(days=float(day)) for day in random.uniform(0, 3000, COUNT)]
    plates = {
        "plate": [f"P{number:04d}" for number in range(COUNT)],
        "ra": ra,
        "dec": dec,
        "fov": random.uniform(20, 600, COUNT),
        "begin": begins,
        "end": [begin + timedelta(minutes=float(minutes)) for begin, minutes in zip(begins, exposure, strict=True)],
        "exposure": exposure,
        "size": random.integers(10**6, 10**9, COUNT),
        "file": [f"plate {number}+ä#.fits" for number in range(COUNT)],
        "target": [f"field {number % 7}" if number % 5 else None for number in range(COUNT)],
    }
    ra, dec = random.uniform(0, 360, COUNT), random.uniform(-60, 60, COUNT)
    half = random.uniform(0.2, 1.0, COUNT) / 2
    wide = half / np.cos(np.radians(dec))
    corners = np.stack([np.column_stack([ra + a * wide, dec + b * half]) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))], 1)  # fmt: skip
    shortest = random.uniform(200, 1000, COUNT)
    cubes = {
        "id": [f"C/{number}" for number in range(COUNT)],
        "kind": ["spectrum" if number % 10 == 0 else "cube" for number in range(COUNT)],
        "level": [number % 5 for number in range(COUNT)],
        "url": [f"https://example.org/links?ID={number}" for number in range(COUNT)],
        "ra": ra,
        "dec": dec,
        "begin": random.uniform(52000, 56000, COUNT),
        "shortest": shortest,
        "longest": shortest + random.uniform(0, 50, COUNT),
        "power": random.uniform(100, 5000, COUNT),
        "polarization": [("/I/", "/I/Q/U/", "/XX/YY/", None)[number % 4] for number in range(COUNT)],
    }
    return Observations(plates, cubes, corners)


def load_plates(owner: psycopg.Connection, plates: dict[str, Any], folder: Path, description: Description) -> None:
    path = folder / "plates.parquet"
    pq.write_table(pa.table(plates), path)
    load_table(owner, open_file(path), PLATES, description)


def make_cubes(owner: psycopg.Connection, found: Observations) -> None:
    """Make the table as an operator would, and its index on outlines."""
    owner.execute("CREATE SCHEMA survey")
    owner.execute(
        "CREATE TABLE survey.cubes (id text, kind text, level smallint, url text, ra float8, dec float8, begin float8,"
        " shortest real, longest float8, power real, polarization text, outline spoly)"
    )
    rows = zip(*found.cubes.values(), [corners.ravel().tolist() for corners in found.corners], strict=True)
    values = [tuple(value.item() if isinstance(value, np.generic) else value for value in row) for row in rows]
    with owner.cursor() as cursor:
        places = ", ".join(["%s"] * 11)
        cursor.executemany(f"INSERT INTO survey.cubes VALUES ({places}, armillary.polygon(%s))".encode(), values)
    owner.execute("CREATE INDEX ON survey.cubes USING gist (outline)")
    owner.execute("CREATE INDEX ON survey.cubes USING gist (spoint(radians(ra), radians(dec)))")
    owner.execute("ANALYZE survey.cubes")


@pytest.fixture(scope="module")
def observations(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observations]:
    """Both tables, published and in ivoa.obscore, for the tests of a module."""
    found = made()
    with database.owner_connection(sample) as owner:
        load_plates(owner, found.plates, tmp_path_factory.mktemp("plates"), plates_description())
        make_cubes(owner, found)
        publish_table(owner, CUBES, CUBES_DESCRIPTION)
        yield found
        unpublish_table(owner, PLATES, drop=True)
        unpublish_table(owner, CUBES)
        owner.execute("DROP SCHEMA survey CASCADE; DROP SCHEMA plates CASCADE")
        owner.execute("DELETE FROM armillary.obscore")
