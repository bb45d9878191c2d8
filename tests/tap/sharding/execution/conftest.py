"""The same tables on shards (in schema `far`) and on one server (in schema `near`), with a service over both.

`stars` is divided by position; `source` and `params` by the pixel in their Gaia-like ids, so that they lie together.
Every tenth source has moved away from where its id says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schema.description import Description, TableDescription, read_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tap.sharding.engines.choice import engine_of
from tap.sharding.layout import cells_of
from tap.sharding.loading.load import SourceFile
from tap.sharding.setup import init_shards
from tap.sharding.shards import Shard
from tests.conftest import ROOT, SAMPLE, alone, load_sample, serving
from tests.tap.sharding.citus import citus_cluster, require_citus

COUNT = 4
SOURCES = 150_000
STARS = 981_852 // 3


def shards_in(config: Config, count: int = COUNT, prefix: str = "far") -> tuple[Shard, ...]:
    sockets = database.cluster_of(config.database).sockets
    roles = ("armillary_owner", "armillary_reader", ADMIN)
    return tuple(
        Shard(f"{prefix}{i}", *(f"host={sockets} dbname={prefix}{i} user={role}" for role in roles))
        for i in range(count)
    )


def sources(folder: Path) -> tuple[Path, Path]:
    """Files of the sources and of their parameters, of which some have none."""
    stars = pq.read_table(
        SAMPLE / "stars.parquet", columns=["ra_degrees", "dec_degrees", "magnitude", "parallax_mas"]
    ).slice(0, SOURCES)
    random = np.random.default_rng(3)
    ra, dec = stars["ra_degrees"].to_numpy(), stars["dec_degrees"].to_numpy()
    at = cells_of(pa.array(ra), pa.array(dec), 12)
    ids = pa.array((at << 35) + np.arange(len(at)))
    moved = np.where(np.arange(len(at)) % 10 == 0, random.uniform(-0.2, 0.2, len(at)), 0)
    dec = np.clip(dec + moved, -90, 90)
    source = pa.table({"source_id": ids, "ra": ra, "dec": dec, "vmag": stars["magnitude"]})
    teff, parallax = random.normal(5000, 800, len(at)), stars["parallax_mas"]
    params = pa.table({"source_id": ids, "teff": teff, "parallax": parallax, "flux": _epochs(random, len(at))})
    paths = folder / "source.parquet", folder / "params.parquet"
    pq.write_table(source, paths[0])
    pq.write_table(params.filter(pa.array(random.random(len(at)) < 0.6)), paths[1])
    return paths


def stars(folder: Path) -> Path:
    """A file of each third star of the sample."""
    path = folder / "stars.parquet"
    whole = pq.read_table(SAMPLE / "stars.parquet")
    pq.write_table(whole.take(pa.array(range(0, 3 * STARS, 3))), path)
    return path


def _epochs(random: np.random.Generator, count: int) -> pa.Array:
    """Arrays of up to five numbers, which sums do not round; one in ten is NULL."""
    ends = np.concatenate([[0], np.cumsum(random.integers(0, 6, count))])
    flux = pa.array(random.integers(-40, 40, ends[-1]) / 4, pa.float32())
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), flux, mask=pa.array(random.random(count) < 0.1))


def descriptions() -> dict[str, Description]:
    by_id = TableDescription(sharded=True, healpix_id="source_id", indexes=(("source_id",),))
    return {
        "stars": read_description(ROOT / "deploy" / "sample" / "stars.toml"),
        "source": Description(replace(by_id, ra="ra", dec="dec", publish_pixel=True)),
        "params": Description(replace(by_id, sharded_with="far.source")),
    }


@pytest.fixture(scope="package", params=["postgres_fdw", "citus"])
def sharded(
    request: pytest.FixtureRequest, sample: Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Config]:
    """A service whose schema `far` is on shards, of each engine that is installed."""
    with _behind_postgres_fdw(sample) if request.param == "postgres_fdw" else _on_citus(sample) as config:
        folder = tmp_path_factory.mktemp("sources")
        files = dict(zip(("source", "params"), sources(folder), strict=True)) | {"stars": stars(folder)}
        for name, description in descriptions().items():
            load_far(config, files[name], name, description)
            with database.owner_connection(config) as connection:
                load_table(connection, open_file(files[name]), f"near.{name}", description)
        yield config


def load_far(config: Config, path: Path, name: str, description: Description) -> None:
    """Load a file as a table on shards, of whatever engine they are."""
    with database.owner_connection(config) as connection:
        engine_of(connection).load(SourceFile(path), f"far.{name}", description, lambda rows, fraction: None)


@contextmanager
def _behind_postgres_fdw(sample: Config) -> Iterator[Config]:
    shards = shards_in(sample)
    with psycopg.connect(database.cluster_of(sample.database).conninfo(ADMIN), autocommit=True) as admin:
        for shard in shards:
            admin.execute(f"CREATE DATABASE {shard.name}")
    init_shards(sample, shards, lambda _: None)
    yield sample
    with database.owner_connection(sample) as connection:
        for table in list(read_catalogue(connection).tables):
            if table.schema_name in {"near", "far"}:
                unpublish_table(connection, table.table_name)
        connection.execute("DROP SCHEMA near CASCADE; DROP SCHEMA far CASCADE")
        connection.execute("DELETE FROM armillary.ranges WHERE shard_name LIKE 'far%'")
        connection.execute("DELETE FROM armillary.shards WHERE shard_name LIKE 'far%'")


@contextmanager
def _on_citus(sample: Config) -> Iterator[Config]:
    require_citus(sample)
    with citus_cluster() as (config, _):
        load_sample(config)
        yield config


@pytest.fixture(scope="package")
def service(sharded: Config) -> Iterator[str]:
    with serving(alone(sharded, processes=1, workers=1)) as url:
        yield url
