"""Which columns are a table's position, and whether what they hold lies on the sky."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schema.description import Description, DescriptionError
from schema.load.reader import LoadError
from schema.model import Column, quoted_if_needed

RA_UCD, DEC_UCD = "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"
ID_UCD = "meta.id;meta.main"
_NAMES = (
    ("ra", "dec"),
    ("ra", "de"),
    ("ra_icrs", "de_icrs"),
    ("raj2000", "dej2000"),
    ("raj2000", "decj2000"),
    ("_raj2000", "_dej2000"),
    ("ra_j2000", "dec_j2000"),
    ("ra2000", "dec2000"),
    ("ra_deg", "dec_deg"),
    ("radeg", "dedeg"),
    ("_ra", "_de"),
    ("alpha", "delta"),
    ("alpha_j2000", "delta_j2000"),
    ("right_ascension", "declination"),
    ("s_ra", "s_dec"),
)
"""What right ascensions and declinations in degrees are called, in lower case."""
_DEGREES = {None, "", "deg", "degree", "degrees"}

Position = tuple[Column, Column]


@dataclass(frozen=True, slots=True)
class Search:
    """The position, or None, and a note that says how it was found or why not."""

    position: Position | None
    note: str

    @property
    def names(self) -> tuple[str, str] | None:
        return (self.position[0].name, self.position[1].name) if self.position else None


def find_position(columns: Sequence[Column], ra: str | None = None, dec: str | None = None) -> Search:
    """Find the columns of the main position: those that are named, or by their UCDs, or by names and units.

    Raises: DescriptionError where one that is named is not there, or only one is named.
    """
    if ra or dec:
        position = _named(columns, ra), _named(columns, dec)
        return Search(position, f"position: {_pair(position)}, as the description says")
    numbers = [column for column in columns if column.type.is_numeric]
    for evidence, pairs in (("their UCDs", _by_ucd(numbers)), ("their names", _by_name(numbers))):
        if len(pairs) == 1:
            return Search(pairs[0], f"position: {_pair(pairs[0])}, by {evidence}")
        if pairs:
            choices = " or ".join(map(_pair, pairs))
            return Search(None, f"position: it may be {choices}, so none is taken; {_NONE}")
    return Search(None, f"position: no columns for it; {_NONE}")


_NONE = 'cones look through the whole table. Name them in the description: [table] ra = "…" and dec = "…", in degrees'


def _pair(position: Position) -> str:
    return " and ".join(quoted_if_needed(column.name) for column in position)


def _named(columns: Sequence[Column], name: str | None) -> Column:
    if name is None:
        raise DescriptionError("[table] ra and dec: a position needs both")
    column = next((column for column in columns if column.name == name), None)
    if column is None:
        raise DescriptionError(f"[table] ra and dec: there is no column {name}")
    if not column.type.is_numeric:
        raise DescriptionError(f"[table] ra and dec: the column {name} has no numbers")
    if column.unit not in _DEGREES:
        raise DescriptionError(f"[table] ra and dec: the column {name} is in {column.unit}; a position needs degrees")
    return column


def _by_ucd(columns: Sequence[Column]) -> list[Position]:
    ra = [c for c in columns if c.ucd == RA_UCD and c.unit in _DEGREES]
    dec = [c for c in columns if c.ucd == DEC_UCD and c.unit in _DEGREES]
    return list(zip(ra, dec, strict=False))


def _by_name(columns: Sequence[Column]) -> list[Position]:
    columns_by_name = {column.name.lower(): column for column in columns if column.unit in _DEGREES}
    pairs = [
        (columns_by_name[ra], columns_by_name[dec])
        for ra, dec in _NAMES
        if ra in columns_by_name and dec in columns_by_name
    ]
    # Names that differ in case only do not tell which is meant.
    names = [column.name.lower() for column in columns]
    return [pair for pair in pairs if all(names.count(column.name.lower()) == 1 for column in pair)]


def with_ucds(
    columns: Sequence[Column], position: Position | None, description: Description, key: Sequence[str] = ()
) -> list[Column]:
    """Return the columns, those of the position and of the identifier with the UCDs by which clients know them.

    A primary key of one column, which a description names or `key`, is the identifier of the rows, unless another column is.
    UCDs that a description gives stay.
    """
    ucds = {column.name: ucd for column, ucd in zip(position or (), (RA_UCD, DEC_UCD), strict=False)}
    primary_key = description.table.primary_key or key
    if len(primary_key) == 1 and all(column.ucd != ID_UCD for column in columns):
        ucds.setdefault(primary_key[0], ID_UCD)
    described_names = {
        name for name, column_description in description.columns.items() if column_description.ucd is not None
    }
    return [
        column.with_ucd(ucds[column.name]) if column.name in ucds.keys() - described_names else column
        for column in columns
    ]


Numbers = npt.NDArray[np.float64]


@dataclass(slots=True)
class PositionCheck:
    """Refuses positions that are not on the sky, or makes them NULL.

    `places` are those of right ascension and declination in a batch, None where a table has no position; `as_null` is
    what the description asks for. `nulled` counts the rows in which it was done.
    """

    places: tuple[int, int] | None
    as_null: bool = False
    nulled: int = 0
    _rows: int = field(default=0)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Check the next batch of rows, and return it. Raises: LoadError naming row, column and value."""
        start, self._rows = self._rows, self._rows + batch.num_rows
        if self.places is None:
            return batch
        values = [_numbers(batch.column(place)) for place in self.places]
        beyond_limit = [np.abs(value) > limit for value, limit in zip(values, (360.0, 90.0), strict=True)]
        off_sky = beyond_limit[0] | beyond_limit[1]
        if not off_sky.any():
            return batch
        if not self.as_null:
            row = int(off_sky.argmax())
            axis = 0 if beyond_limit[0][row] else 1
            name, limit = batch.schema.names[self.places[axis]], (360, 90)[axis]
            raise LoadError(
                f"row {start + row + 1}, column {name}: {values[axis][row]:g} is not between -{limit} and {limit} degrees;"
                ' invalid_positions = "null" in [table] of the description, or INVALID_POSITIONS=null in a request, makes NULL'
                " of such positions"
            )
        self.nulled += int(off_sky.sum())
        return _without(batch, self.places, pa.array(off_sky))

    @property
    def note(self) -> str | None:
        return (
            f"position: {self.nulled:,} rows had one that is not on the sky; it is NULL there" if self.nulled else None
        )


def _numbers(column: pa.Array) -> Numbers:
    """Return a column as doubles, shape (rows,), NaN where NULL is."""
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _without(batch: pa.RecordBatch, places: tuple[int, int], missing: pa.Array) -> pa.RecordBatch:
    columns = [
        pc.if_else(missing, pa.scalar(None, column.type), column) if place in places else column
        for place, column in enumerate(batch.columns)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
