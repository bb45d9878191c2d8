"""A service on a coordinator of Citus with two workers, empty."""

from collections.abc import Iterator

import psycopg
import pytest

from tap.config import Config
from tap.engine import database
from tap.engine.private import PrivateCluster
from tests.tap.sharding.citus import citus_cluster, require_citus


@pytest.fixture(scope="package")
def cluster(config: Config) -> Iterator[tuple[Config, dict[str, PrivateCluster]]]:
    require_citus(config)
    with citus_cluster(2) as (own, nodes):
        yield own, nodes


@pytest.fixture
def here(cluster: tuple[Config, dict[str, PrivateCluster]]) -> Config:
    """The configuration of the coordinator."""
    return cluster[0]


@pytest.fixture
def nodes(cluster: tuple[Config, dict[str, PrivateCluster]]) -> dict[str, PrivateCluster]:
    """The workers."""
    return cluster[1]


@pytest.fixture
def owner(here: Config) -> Iterator[psycopg.Connection]:
    with database.owner_connection(here) as connection:
        yield connection
