"""The columns of ivoa.obscore, as ObsCore 1.1 has them in its tables of TAP_SCHEMA (appendix C.2)."""

import csv
from dataclasses import dataclass
from importlib.resources import files

from schema import types
from schema.model import Catalogue, Column, Table
from schema.types import Type

SCHEMA, TABLE = "ivoa", "ivoa.obscore"
SCHEMA_DESCRIPTION = "Tables that standards of the IVOA define"
TABLE_DESCRIPTION = "Observations, and where their data are: ObsCore 1.1"
TABLE_UTYPE = "ivo://ivoa.net/std/ObsCore#table-1.1"
DATA_MODEL = ("ivo://ivoa.net/std/ObsCore#core-1.1", "ObsCore-1.1")
"""How a service says that it has the table (ObsCore 1.1 §5)."""


@dataclass(frozen=True, slots=True)
class ObsCoreColumn:
    """A column of the data model; `utype` is without the prefix of the model."""

    name: str
    type: Type
    unit: str | None
    utype: str
    ucd: str
    description: str
    is_mandatory: bool

    def published(self, index: int, *, indexed: bool) -> Column:
        return Column(
            self.name,
            self.type.datatype,
            self.type.arraysize,
            self.type.xtype,
            self.unit,
            self.ucd,
            f"obscore:{self.utype}",
            self.description,
            principal=self.is_mandatory,
            indexed=indexed,
            std=True,
            column_index=index,
        )


def _read_columns() -> dict[str, ObsCoreColumn]:
    text = (files("schema") / "obscore" / "columns.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["name"]: _column(**row) for row in rows}


def _column(type: str, unit: str, mandatory: str, **texts: str) -> ObsCoreColumn:  # noqa: A002
    return ObsCoreColumn(type=_TYPES[type], unit=unit or None, is_mandatory=mandatory == "yes", **texts)


_TYPES = {
    "TEXT": types.TEXT,
    "UNICODE": types.UNICODE,
    "INTEGER": types.INTEGER,
    "BIGINT": types.BIGINT,
    "DOUBLE": types.DOUBLE,
    "TIMESTAMP": types.TIMESTAMP,
    "REGION": types.REGION,
}
COLUMNS = _read_columns()
"""In the order in which they are published, those first that every service has."""
MANDATORY = tuple(column for column in COLUMNS.values() if column.is_mandatory)
NEVER_NULL = ("calib_level", "obs_collection", "obs_id", "obs_publisher_did")
PRODUCT_TYPES = ("image", "cube", "spectrum", "sed", "timeseries", "visibility", "event", "measurements")
POLARIZATIONS = ("I", "Q", "U", "V", "RR", "LL", "RL", "LR", "XX", "YY", "XY", "YX", "POLI", "POLA")
"""States of polarization in the order in which pol_states lists them (ObsCore 1.1 §B.6.5.1)."""


def obscore_table(catalogue: Catalogue) -> Table | None:
    """Return ivoa.obscore, whoever made it, if it has all that the standard demands."""
    tables = catalogue.find(("ivoa", "obscore"))
    columns = {column.name.lower() for table in tables for column in table.columns}
    return tables[0] if tables and {column.name for column in MANDATORY} <= columns else None
