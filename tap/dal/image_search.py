"""Simple Image Access 2.0: what a request asks for, and the ADQL query of ivoa.obscore that answers it."""

from collections.abc import Callable, Iterator
from functools import partial

from schema.model import Table, string_literal
from schema.obscore.model import POLARIZATIONS, TABLE
from tap.dal.interval import read_interval
from tap.dal.position import region_of
from uws.parameters import ParameterError, Parameters

PROTOCOL = "ivo://ivoa.net/std/SIA#query-2.0"
_IMAGES = "dataproduct_type IN ('image', 'cube')"
"""What a search for images may find (SIA 2.0 §2.1.14)."""

Read = Callable[[str, str], str]
"""Makes of a parameter's name and one of its values a condition. Raises: ParameterError."""


def image_query(parameters: Parameters, obscore: Table, *, metadata_only: bool) -> str:
    """Return the query: values of a parameter are alternatives, and all parameters must hold. Raises: ParameterError."""
    _check_regions(parameters, obscore)
    conditions = [_IMAGES, *_conditions(parameters)]
    # A condition that never holds is answered without a look at the tables, whatever their size.
    where = "1 = 0" if metadata_only else " AND ".join(conditions)
    return f"SELECT * FROM {TABLE} WHERE {where}"


def _conditions(parameters: Parameters) -> Iterator[str]:
    for name, read in _READ.items():
        values = [value for value in parameters.all(name) if value.strip()]
        if values:
            yield f"({' OR '.join(dict.fromkeys(read(name, value) for value in values))})"


def _check_regions(parameters: Parameters, obscore: Table) -> None:
    """Raise ParameterError for POS where an operator's own table has regions that are only texts."""
    column = next(column for column in obscore.columns if column.name.lower() == "s_region")
    if any(value.strip() for value in parameters.all("POS")) and not column.type.is_region:
        raise ParameterError("POS cannot be searched for here: the regions of ivoa.obscore are texts")


def _position(name: str, text: str) -> str:
    return f"1 = INTERSECTS({region_of(name, text)}, s_region)"


def _meets(lower: str, upper: str, name: str, text: str) -> str:
    return read_interval(name, text).meets(lower, upper)


def _holds(column: str, name: str, text: str) -> str:
    return read_interval(name, text).holds(column)


def _is(column: str, name: str, text: str) -> str:
    return f"{column} = {string_literal(text)}"


def _identifier(name: str, text: str) -> str:
    """IVOA identifiers are compared without regard to case (SIA 2.0 §2.1.10)."""
    return f"LOWER(obs_publisher_did) = LOWER({string_literal(text)})"


def _polarization(name: str, text: str) -> str:
    if text not in POLARIZATIONS:
        raise ParameterError(f"{name} is one of {', '.join(POLARIZATIONS)}, not {text[:40]!r}")
    return f"pol_states LIKE '%/{text}/%'"


def _level(name: str, text: str) -> str:
    if text.strip() not in {"0", "1", "2", "3", "4"}:
        raise ParameterError(f"{name} is a whole number from 0 to 4, not {text[:40]!r}")
    return f"calib_level = {text.strip()}"


_READ: dict[str, Read] = {
    "POS": _position,
    "BAND": partial(_meets, "em_min", "em_max"),
    "TIME": partial(_meets, "t_min", "t_max"),
    "POL": _polarization,
    "FOV": partial(_holds, "s_fov"),
    "SPATRES": partial(_holds, "s_resolution"),
    "SPECRP": partial(_holds, "em_res_power"),
    "EXPTIME": partial(_holds, "t_exptime"),
    "TIMERES": partial(_holds, "t_resolution"),
    "ID": _identifier,
    "COLLECTION": partial(_is, "obs_collection"),
    "FACILITY": partial(_is, "facility_name"),
    "INSTRUMENT": partial(_is, "instrument_name"),
    "DPTYPE": partial(_is, "dataproduct_type"),
    "CALIB": _level,
    "TARGET": partial(_is, "target_name"),
    "FORMAT": partial(_is, "access_format"),
}
