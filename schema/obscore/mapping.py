"""What a description says under [obscore] → the SQL of each column of ivoa.obscore, of one table of observations.

A value is a number, a text, or a text with names of columns in braces: "{plate}" is the column itself,
"ivo://example.org/plates?{plate}" a text with its value in it; {{ and }} are braces.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from astropy import units
from psycopg import sql

from schema import types
from schema.description import DescriptionError
from schema.model import Column
from schema.obscore.model import COLUMNS, NEVER_NULL, PRODUCT_TYPES, ObsCoreColumn
from schema.templates import columns_of, lone_column, pieces_of

MappedValue = str | int | float
_DAYS = {"t_min", "t_max"}
_MJD_OF_1970 = 40587
_LARGEST_LEVEL = 4


def check_mapping(mapping: Mapping[str, object], origin: str) -> dict[str, MappedValue]:
    """Return what [obscore] says. Raises: DescriptionError for what is wrong whatever the table is."""
    for name, value in mapping.items():
        if name not in COLUMNS:
            close = get_close_matches(name, COLUMNS, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; it has {', '.join(COLUMNS)}"
            raise DescriptionError(f"{origin}: ObsCore has no column {name}{hint}")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise DescriptionError(f"{origin}: {name} is a number, a text, or a text with columns in braces")
        _check_template(name, str(value))
    missing = [name for name in NEVER_NULL if name not in mapping]
    if mapping and missing:
        raise DescriptionError(f"{origin}: ObsCore needs {', '.join(missing)}")
    return {name: value for name, value in mapping.items() if isinstance(value, str | int | float)}


def _check_template(name: str, text: str) -> None:
    try:
        pieces_of(text)
    except ValueError as error:
        raise DescriptionError(f"[obscore] {name}: {text!r} is no template: {error}") from error


@dataclass(frozen=True, slots=True)
class TableMapping:
    """What [obscore] says of a table with these columns."""

    values: Mapping[str, MappedValue]
    columns: Mapping[str, Column]

    @property
    def expressions(self) -> dict[str, sql.Composable]:
        """Return the SQL of each column that is said; that of s_region also where it follows. Raises: DescriptionError."""
        expressions = {name: self._expression(COLUMNS[name], value) for name, value in self.values.items()}
        circle = [expressions[name] for name in ("s_ra", "s_dec", "s_fov") if name in expressions]
        if "s_region" not in expressions and len(circle) == 3:
            expressions["s_region"] = sql.SQL("armillary.circle_outline({}, {}, {})").format(*circle)
        return expressions

    @property
    def constants(self) -> set[str]:
        """Return the columns that have the same value in all rows."""
        return {name for name, value in self.values.items() if not columns_of((str(value),))}

    @property
    def indexed(self) -> set[str]:
        """Return the columns that are columns of the table which lead an index."""
        indexed = {column.name for column in self.columns.values() if column.indexed}
        return {name for name, value in self.values.items() if lone_column(str(value)) in indexed}

    def _expression(self, target: ObsCoreColumn, value: MappedValue) -> sql.Composable:
        template = str(value)
        if column := lone_column(template):
            return _of_column(target, self._column(target, column))
        if not columns_of((template,)):
            text = "".join(text for text, _ in pieces_of(template))
            return _constant(target, text if isinstance(value, str) else value)
        if not target.type.is_text:
            raise DescriptionError(f'[obscore] {target.name} is no text: name one column, as in "{{ra}}"')
        return sql.SQL(" || ").join(self._text_parts(target, template))

    def _text_parts(self, target: ObsCoreColumn, template: str) -> Iterator[sql.Composable]:
        form = "armillary.url_part({})" if target.name == "access_url" else "{}"
        for text, column in pieces_of(template):
            if text:
                yield sql.SQL("{}::text").format(sql.Literal(text))
            if column is not None:
                yield sql.SQL(form).format(_of_column(target, self._column(target, column)))

    def _column(self, target: ObsCoreColumn, name: str) -> Column:
        if name not in self.columns:
            close = get_close_matches(name, self.columns, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; it has {', '.join(self.columns)}"
            raise DescriptionError(f"[obscore] {target.name}: the table has no column {name}{hint}")
        return self.columns[name]


def _constant(target: ObsCoreColumn, value: MappedValue) -> sql.Composable:
    """Return the SQL of a value that all rows have. Raises: DescriptionError."""
    if problem := _problem(target, value):
        raise DescriptionError(f"[obscore] {target.name} {problem}, not {value!r}")
    literal = str(value) if target.type.is_text else value
    return sql.SQL("{}::" + target.type.name).format(sql.Literal(literal))


def _problem(target: ObsCoreColumn, value: MappedValue) -> str | None:
    """Return what a value should be that is none for the column."""
    if target.name == "dataproduct_type" and value not in PRODUCT_TYPES:
        return f"is one of {', '.join(PRODUCT_TYPES)}"
    if target.type.is_numeric and (isinstance(value, str) or not math.isfinite(value)):
        return 'is a number, or a column of numbers, as in "{column}"'
    if target.type.is_integer and not isinstance(value, int):
        return "is a whole number"
    if target.name == "calib_level" and not 0 <= float(value) <= _LARGEST_LEVEL:
        return f"is from 0 to {_LARGEST_LEVEL}"
    if target.type is types.REGION:
        return 'is a column of polygons or circles, as in "{outline}"'
    if target.type is types.TIMESTAMP and not _is_time(value):
        return "is a time, as in 2016-01-01T00:00:00"
    return None


def _is_time(value: MappedValue) -> bool:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _of_column(target: ObsCoreColumn, column: Column) -> sql.Composable:
    """Return the SQL of a column in the type and unit of ObsCore's. Raises: DescriptionError where it cannot be that."""
    field, kind = sql.Identifier(column.stored), column.type
    is_plain = not (kind.is_geometry or kind.is_array or kind is types.BYTES)
    if target.type.is_text and is_plain:
        return sql.SQL("{}::text").format(field)
    if target.type.is_numeric and kind.is_numeric:
        return _number(target, column, field)
    if target.name in _DAYS and kind is types.TIMESTAMP:
        return sql.SQL("(extract(epoch FROM {}) / 86400 + {})::double precision").format(field, _MJD_OF_1970)
    if target.type is types.TIMESTAMP and kind is types.TIMESTAMP:
        return sql.SQL("{}::timestamp without time zone").format(field)
    if target.type is types.REGION and kind is types.CIRCLE:
        form = (
            "armillary.circle_outline(degrees(long(center({0}))), degrees(lat(center({0}))), 2 * degrees(radius({0})))"
        )
        return sql.SQL(form).format(field)
    if target.type is types.REGION and kind in (types.POLYGON, types.REGION):
        return field
    raise DescriptionError(f"[obscore] {target.name}: the column {column.name} is {kind.adql}, which cannot be one")


def _number(target: ObsCoreColumn, column: Column, field: sql.Identifier) -> sql.Composable:
    factor = _factor(target, column)
    if target.type is types.DOUBLE:
        # Without a factor it is the column itself, by whose index conditions on it are served.
        form = "{}::double precision" if factor == 1 else "({}::double precision * {}::double precision)"
        return sql.SQL(form).format(field, sql.Literal(factor))
    if factor == 1 and column.type.is_integer:
        return sql.SQL("{}::" + target.type.name).format(field)
    if target.type is not types.BIGINT:
        raise DescriptionError(f"[obscore] {target.name}: the column {column.name} has no whole numbers")
    return sql.SQL("round({}::double precision * {}::double precision)::bigint").format(field, sql.Literal(factor))


def _factor(target: ObsCoreColumn, column: Column) -> float:
    """Return what makes values of a column those in the unit of ObsCore's. Raises: DescriptionError for other quantities."""
    if target.unit is None or column.unit in {None, target.unit}:
        return 1.0
    problem = f"[obscore] {target.name} is in {target.unit}, and the column {column.name} in {column.unit}"
    if target.name in _DAYS:
        raise DescriptionError(f"{problem}: it is a Modified Julian Date, or a timestamp")
    try:
        return float(units.Unit(column.unit, format="vounit").to(units.Unit(target.unit, format="vounit")))
    except (ValueError, TypeError, units.UnitConversionError) as error:
        raise DescriptionError(problem) from error
