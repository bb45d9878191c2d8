"""Somebody who has logged in with TapPlus, the table that she makes, and how it is compared with what comes back."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from astropy.table import Column, MaskedColumn, Table
from astroquery.utils.tap.core import TapPlus

ROWS = 60


@dataclass(frozen=True)
class Seat:
    """Somebody who has logged in with a client, and the schema of her tables."""

    tap: TapPlus
    name: str
    schema: str

    def shown(self, table: str) -> str:
        """Return the table's name as /tables and queries have it: those of these accounts need quotes."""
        return f'"{self.schema}".{table}'

    def as_esa(self, table: str) -> str:
        """Return its name as the documentation of the Gaia archive has it."""
        return f"user_{self.name}.{table}"

    def bare(self, table: str) -> str:
        return table

    def upload(self, resource: object, **how: str) -> str:
        table = fresh("stars")
        self.tap.upload_table(upload_resource=resource, table_name=table, **how)
        return table

    def rows(self, name: str) -> Table:
        return self.tap.launch_job(f"SELECT * FROM {name} ORDER BY id").get_results()

    def columns(self, name: str) -> dict[str, Any]:
        return {column.name: column for column in self.tap.load_table(name).columns}

    def flags(self, name: str) -> dict[str, str]:
        return {name: str(column.flags) for name, column in self.columns(name).items()}


LogIn = Callable[..., Seat]
Spell = Callable[[Seat, str], str]
QUALIFIED = [pytest.param(Seat.shown, id="shown"), pytest.param(Seat.as_esa, id="as_esa")]
SPELT = [*QUALIFIED, pytest.param(Seat.bare, id="bare")]


def fresh(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(4)}"


def stars(rows: int = ROWS) -> Table:
    """Make a table of whole numbers that no double holds, values that are missing, and names that no ASCII has."""
    rng = np.random.default_rng(17)
    right_ascension = {"unit": "deg", "description": "Where it is", "meta": {"ucd": "pos.eq.ra"}}
    return Table(
        {
            "id": np.arange(rows, dtype="i8") + 2**53 + 1,
            "ra": Column(rng.uniform(0, 360, rows), **right_ascension),
            "dec": Column(np.degrees(np.arcsin(rng.uniform(-1, 1, rows))), unit="deg"),
            "mag": MaskedColumn(rng.normal(12, 2, rows).astype("f4"), mask=np.arange(rows) % 7 == 3),
            "name": np.array([f"Ω <{n}> & 'co'" for n in range(rows)], dtype="U20"),
        }
    )


def check(found: Table, made: Table) -> None:
    assert found.colnames == made.colnames
    assert len(found) == len(made)
    for name in made.colnames:
        if made[name].dtype.kind in "UO":
            assert [str(each) for each in found[name]] == [str(each) for each in made[name]]
        elif made[name].dtype.kind == "f":
            np.testing.assert_array_equal(_numbers(found[name]), _numbers(made[name]), name)
        else:
            assert found[name].tolist() == made[name].tolist()


def _numbers(column: Column) -> Any:
    return np.ma.filled(np.ma.asarray(column).astype("f8"), np.nan)
