"""The rows of a VOTable, in whichever serialization a service writes it, as values of Python."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any
from xml.parsers.expat import ExpatError

import numpy as np

from tap.client.http import Refused, Unreachable

_ABOUT = ("name", "unit", "ucd", "datatype", "arraysize", "xtype", "description")


@dataclass(frozen=True, slots=True)
class VotableRows:
    """A table as it came; `is_cut` where MAXREC left rows out."""

    columns: list[dict[str, str]]
    rows: list[list[Any]]
    is_cut: bool
    warnings: list[str]

    def records(self) -> list[dict[str, Any]]:
        """Return the rows by the names of their columns, without what is NULL."""
        names = [column["name"] for column in self.columns]
        pairs = (zip(names, row, strict=True) for row in self.rows)
        return [{name: value for name, value in row if value is not None and value != ""} for row in pairs]


def read_votable(document: bytes) -> VotableRows:
    """Read the first table of a result. Raises: Refused where it tells of an error, Unreachable where it is no VOTable."""
    # It is slow to load.
    from astropy.io import votable

    try:
        tree = votable.parse(BytesIO(document), verify="ignore")
        tables = [table for resource in tree.resources if resource.type != "meta" for table in resource.tables]
        infos = [*tree.infos, *(info for resource in tree.resources for info in resource.infos)]
    except (votable.exceptions.VOWarning, ExpatError, ValueError, IndexError) as error:
        raise Unreachable(f"the service's answer is no VOTable: {document[:80]!r}") from error
    said = [info.value for info in infos if info.name == "QUERY_STATUS"]
    if "ERROR" in said or not tables:
        raise Refused(200, {}, document)
    warnings = [str(info.value) for info in infos if info.name == "warning"]
    # Column by column: rows of masked arrays cannot be gone through where a cell is an array.
    columns = [tables[0].array[name] for name in tables[0].array.dtype.names]
    rows = [[_value(cell) for cell in row] for row in zip(*columns, strict=True)]
    return VotableRows([_about(field) for field in tables[0].fields], rows, "OVERFLOW" in said, warnings)


def _about(field: Any) -> dict[str, str]:
    return {name: str(value) for name in _ABOUT if (value := getattr(field, name, None))}


def _value(cell: Any) -> Any:
    """Return a cell as Python has it; None for NULL, and for NaN, which is NULL in a VOTable."""
    if isinstance(cell, np.ndarray | np.generic):
        cell = cell.tolist()
    if isinstance(cell, list):
        return [_value(part) for part in cell]
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    return None if isinstance(cell, float) and np.isnan(cell) else cell
