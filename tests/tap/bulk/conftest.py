"""A schema of its own for tables that come in bulk, and the command as an operator types it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from schema.tap_schema import count_change, read_catalogue, remove_table
from tests import command
from tests.conftest import ROOT, SAMPLE

Armillary = Callable[..., str]
STARS = SAMPLE / "stars.parquet"
NGC = SAMPLE / "ngc.parquet"
NGC_DESCRIPTION = ROOT / "deploy" / "sample" / "ngc.toml"


@pytest.fixture
def shed(
    environment: None, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[psycopg.Connection]:
    """The database of the commands, with a schema `bulk`, and a folder of its own to type them in."""
    monkeypatch.chdir(tmp_path)
    yield owner
    for table in read_catalogue(owner).tables:
        if table.schema_name == "bulk":
            remove_table(owner, table.table_name)
    count_change(owner)
    owner.execute("DELETE FROM armillary.staged_loads")
    owner.execute("DROP SCHEMA IF EXISTS bulk CASCADE")


@pytest.fixture
def armillary(shed: psycopg.Connection) -> Armillary:
    """What the command says, on one line."""

    def run(*arguments: str, fails: bool = False) -> str:
        return " ".join(command.armillary(*arguments, fails=fails).split())

    return run
