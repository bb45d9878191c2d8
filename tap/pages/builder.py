"""What is chosen in a form → ADQL: a table, columns, a part of the sky, cuts; and two tables that are matched."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from schema.model import Column, Table, quoted_if_needed, string_literal
from uws.parameters import ParameterError

OPERATORS = ("<", "<=", "=", ">=", ">", "<>", "LIKE", "IS NULL", "IS NOT NULL")
FINDS = ("all", "best", "each", "nearest")
"""All pairs; the nearest for each row; the same, and rows that have none; the k nearest."""
_DELIMITED = re.compile(r'"(?:[^"\0]|"")+"')
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cut:
    """A condition on a column."""

    column: str
    operator: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the sky: `shape` is cone, box or polygon, `numbers` are degrees."""

    shape: str
    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a query shall ask of one table; no columns are all of them. `order` is a column, with DESC from the largest down."""

    table: Table
    columns: tuple[str, ...] = ()
    region: Region | None = None
    cuts: tuple[Cut, ...] = ()
    order: str = ""
    top: int | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One of two tables that are matched: its name as a query writes it, and the columns of its position."""

    name: str
    longitude: str
    latitude: str

    def of(self, alias: str) -> str:
        return f"{alias}.{self.longitude}, {alias}.{self.latitude}"


def region_of(shape: str, text: str) -> Region | None:
    """Read a part of the sky from its numbers, apart by blanks or commas; None for no text. Raises: ParameterError."""
    words = [word for word in re.split(r"[\s,]+", text.strip()) if word]
    if not words:
        return None
    numbers = tuple(_degrees(word, is_longitude=index % 2 == 0) for index, word in enumerate(words))
    wanted = {
        "cone": len(numbers) == 3,
        "box": len(numbers) == 4,
        "polygon": len(numbers) >= 6 and len(numbers) % 2 == 0,
    }
    if not wanted.get(shape):
        raise ParameterError(
            "A cone has three numbers (longitude, latitude, radius), a box four, a polygon two a corner"
        )
    latitudes = numbers[1::2] if shape == "polygon" else numbers[1:2]
    if any(abs(latitude) > 90 for latitude in latitudes):
        raise ParameterError("Latitudes lie between -90 and 90 degrees")
    if shape != "polygon" and min(numbers[2:]) <= 0:
        raise ParameterError("A radius, a width and a height are greater than 0")
    return Region(shape, numbers)


def _degrees(word: str, *, is_longitude: bool) -> float:
    """Read an angle in degrees, or in hours or degrees, minutes and seconds. Raises: ParameterError."""
    if ":" not in word:
        return float(number(word))
    parts = [float(number(part)) for part in word.split(":")]
    if len(parts) != 3 or not (0 <= parts[1] < 60 and 0 <= parts[2] < 60):
        raise ParameterError(f"{word[:40]!r} is no angle: 03:47:24 or +24:07:00")
    angle = abs(parts[0]) + parts[1] / 60 + parts[2] / 3600
    return (-angle if word.startswith("-") else angle) * (15 if is_longitude else 1)


def number(text: str) -> str:
    """Return the text of a number that a double can have. Raises: ParameterError."""
    if not _NUMBER.fullmatch(text.strip()) or math.isinf(float(text)):
        raise ParameterError(f"{text[:40]!r} is not a number")
    return text.strip()


def query_of(choice: Choice, position: tuple[Column, Column] | None) -> str:
    """Return the ADQL of a choice. Raises: ParameterError."""
    names = [_known(choice.table, name).column_name for name in choice.columns] or ["*"]
    top = f" TOP {choice.top}" if choice.top else ""
    query = f"SELECT{top} {', '.join(names)}\nFROM {choice.table.table_name}"
    conditions = list(_conditions(choice, position))
    if conditions:
        query += "\nWHERE " + "\n  AND ".join(conditions)
    if choice.order:
        name = choice.order.removesuffix(" DESC")
        query += f"\nORDER BY {_known(choice.table, name).column_name}{choice.order[len(name) :]}"
    return query


def _conditions(choice: Choice, position: tuple[Column, Column] | None) -> Iterator[str]:
    if choice.region:
        if position is None:
            raise ParameterError(f"{choice.table.table_name} has no columns that are said to be a position")
        yield _inside(choice.region, position)
    for cut in choice.cuts:
        yield _cut(_known(choice.table, cut.column), cut)


def _inside(region: Region, position: tuple[Column, Column]) -> str:
    longitude, latitude = (column.column_name for column in position)
    # Nothing on the sky is told in less than 1e-12 degrees, and PostgreSQL takes no radians of the least numbers.
    numbers = ", ".join(f"{round(value, 12):.15g}" for value in region.numbers)
    if region.shape == "cone":
        *centre, radius = numbers.rsplit(", ", 1)
        return f"DISTANCE({longitude}, {latitude}, {centre[0]}) < {radius}"
    shape = {"box": "BOX", "polygon": "POLYGON"}[region.shape]
    return f"1 = CONTAINS(POINT({longitude}, {latitude}), {shape}({numbers}))"


def _cut(column: Column, cut: Cut) -> str:
    if cut.operator not in OPERATORS:
        raise ParameterError(f"A cut is one of {', '.join(OPERATORS)}")
    if cut.operator.startswith("IS"):
        return f"{column.column_name} {cut.operator}"
    if cut.operator == "LIKE" and not column.type.is_text:
        raise ParameterError(f"LIKE is for texts, which {column.name} has none of")
    if not cut.value and column.type.is_numeric:
        raise ParameterError(f"With what is {column.name} compared? The cut has no value")
    value = number(cut.value) if column.type.is_numeric else string_literal(cut.value)
    return f"{column.column_name} {cut.operator} {value}"


def _known(table: Table, name: str) -> Column:
    column = next((column for column in table.columns if name in {column.column_name, column.name}), None)
    if column is None:
        raise ParameterError(f"{table.table_name} has no column {name[:60]}")
    return column


def match_of(left: Side, right: Side, radius: str, find: str, nearest: int = 3) -> str:
    """Return the ADQL that matches two tables within `radius` arcseconds. Raises: ParameterError."""
    if find not in FINDS:
        raise ParameterError(f"What is found is one of {', '.join(FINDS)}")
    if float(number(radius)) <= 0:
        raise ParameterError("The radius must be greater than 0")
    apart = f"DISTANCE({left.of('a')}, {right.of('b')})"
    join = "LEFT JOIN" if find == "each" else "JOIN"
    limit = f"{number(radius)} / 3600.0"
    pairs = (
        f"SELECT a.*, b.*, IN_UNIT({apart}, 'arcsec') AS separation\n"
        f"FROM {left.name} AS a\n{join} {right.name} AS b\n  ON {apart} < {limit}"
    )
    if find == "all":
        return pairs
    nearer = f"DISTANCE({left.of('a')}, {right.of('c')})"
    closer = f"{nearer} < {limit} AND {nearer} < {apart}"
    if find == "nearest":
        return f"{pairs}\nWHERE (SELECT COUNT(*) FROM {right.name} AS c\n       WHERE {closer}) < {max(1, nearest)}"
    return f"{pairs}\nWHERE NOT EXISTS (\n  SELECT 1 FROM {right.name} AS c\n  WHERE {closer})"


def side_of_list(longitude: str, latitude: str) -> Side:
    """Return an uploaded list as one side, with its columns as the user calls them. Raises: ParameterError."""
    if not longitude.strip() or not latitude.strip():
        raise ParameterError("Which columns of your list are its longitude and latitude?")
    return Side("TAP_UPLOAD.list", *(_written(name.strip()) for name in (longitude, latitude)))


def _written(name: str) -> str:
    return name if _DELIMITED.fullmatch(name) else quoted_if_needed(name)


def side_of_table(table: Table, position: tuple[Column, Column] | None) -> Side:
    """Return a table as one side. Raises: ParameterError for one without a position."""
    if position is None:
        raise ParameterError(f"{table.table_name} has no columns that are said to be a position")
    return Side(table.table_name, position[0].column_name, position[1].column_name)
