"""Simple Cone Search (SCS 1.03): what a request asks for, and the ADQL query that answers it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schema import types
from schema.model import Column, Table
from schema.positions import ID_UCD, find_position
from tap.dal.number import number_within
from tap.dal.results import of_protocol
from tap.formats.format import Format, Header
from uws.parameters import ParameterError, Parameters

PROTOCOL = "ivo://ivoa.net/std/ConeSearch"
LARGEST_RADIUS = 180.0
_OLD_ID, _OLD_RA, _OLD_DEC = "ID_MAIN", "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN"
"""UCDs of before UCD1+, which SCS 1.03 §2.2 still demands."""
_LEAST, _USUAL, _ALL = "1", "2", "3"


@dataclass(frozen=True, slots=True)
class Cone:
    """What is searched for, in degrees; `verbosity` is VERB, `metadata_only` whether no rows are wanted."""

    ra: float
    dec: float
    radius: float
    verbosity: str = _USUAL
    metadata_only: bool = False


def read_cone(parameters: Parameters) -> Cone:
    """Read RA, DEC, SR, VERB and whether MAXREC is 0. Raises: ParameterError."""
    verbosity = (parameters.one("VERB") or _USUAL).strip()
    if verbosity not in {_LEAST, _USUAL, _ALL}:
        raise ParameterError(f"VERB can be 1, 2 or 3, not {verbosity[:40]!r}")
    ra = number_within("RA", parameters.required("RA"), 0, 360)
    dec = number_within("DEC", parameters.required("DEC"), -90, 90)
    radius = number_within("SR", parameters.required("SR"), 0, LARGEST_RADIUS)
    return Cone(ra, dec, radius, verbosity, radius == 0 or parameters.whole_number("MAXREC") == 0)


@dataclass(frozen=True, slots=True)
class SearchedTable:
    """A table with a position; `identifier` is the column that names its rows, if there is one."""

    table: Table
    ra: Column
    dec: Column
    identifier: Column | None

    @classmethod
    def of(cls, table: Table) -> "SearchedTable | None":
        """Return None for a table without a position."""
        position = find_position(table.columns).position
        return cls(table, *position, _identifier(table)) if position else None

    def query(self, cone: Cone) -> str:
        """Return the query for the rows in a cone; the first column is the identifier."""
        items = [self._id_item, *(self._item(column) for column in self._columns(cone.verbosity))]
        where = f"DISTANCE(POINT({self._position}), POINT({cone.ra!r}, {cone.dec!r})) <= {cone.radius!r}"
        # A condition that never holds is answered without a look at the table, whatever its size.
        where = "1 = 0" if cone.metadata_only else where
        return f"SELECT {', '.join(items)} FROM {self.table.table_name} WHERE {where}"

    def old_ucds(self, cone: Cone) -> list[str | None]:
        """Return the UCD1 of each column of the query, None for those that keep their own."""
        ucds = {self.ra.column_name: _OLD_RA, self.dec.column_name: _OLD_DEC}
        return [_OLD_ID, *(ucds.get(column.column_name) for column in self._columns(cone.verbosity))]

    @property
    def _position(self) -> str:
        return f"{self.ra.column_name}, {self.dec.column_name}"

    def _columns(self, verbosity: str) -> list[Column]:
        """Return the columns beside the identifier."""
        names = {self.ra.column_name, self.dec.column_name}
        return [
            column
            for column in self.table.columns
            if column is not self.identifier
            and (column.column_name in names or verbosity == _ALL or (verbosity == _USUAL and column.principal))
        ]

    @property
    def _id_item(self) -> str:
        """The SQL of the identifier: a text, and no two rows have the same (SCS 1.03 §2.2).

        Where no column is one it is made of the position, numbered where several rows share it.
        """
        if self.identifier is not None:
            name = self.identifier.column_name
            return name if self.identifier.type.is_text else f"CAST({name} AS VARCHAR) AS {name}"
        number = f"ROW_NUMBER() OVER (PARTITION BY {self._position} ORDER BY {self.ra.column_name})"
        parts = [f"CAST({part} AS VARCHAR)" for part in (self.ra.column_name, self.dec.column_name, number)]
        return " || ' ' || ".join(parts) + f" AS {self._free_name}"

    @property
    def _free_name(self) -> str:
        taken = {column.name.lower() for column in self.table.columns}
        choices = ("id", *(f"record_id{number}" for number in ("", *range(2, len(taken) + 3))))
        return next(name for name in choices if name not in taken)

    def _item(self, column: Column) -> str:
        """Return the SQL of a column; a position has type double (SCS 1.03 §2.2)."""
        name = column.column_name
        is_single = column in (self.ra, self.dec) and column.type is not types.DOUBLE
        return f"CAST({name} AS DOUBLE PRECISION) AS {name}" if is_single else name


def _identifier(table: Table) -> Column | None:
    """Return the column with the main identifier; in ivoa.obscore that is the publisher's."""
    named = {column.name: column for column in table.columns}
    main = next((column for column in table.columns if column.ucd == ID_UCD), None)
    return main or (named.get("obs_publisher_did") if table.parts == ("ivoa", "obscore") else None)


def in_cone_search(format_: Format, old_ucds: Sequence[str | None]) -> Format:
    """Return a format whose results are those of a cone search, with these UCDs.

    A result that breaks off tells no error, since clients of SCS look for none behind the rows: they find it cut short.
    """

    if format_.sums_up:
        # What is made of the positions finds them by their UCDs.
        return of_protocol(format_, PROTOCOL)

    def with_old_ucds(header: Header) -> Header:
        pairs = zip(header.outputs, old_ucds, strict=True)
        outputs = tuple(replace(o, info=replace(o.info, ucd=old or _not_old(o.info.ucd))) for o, old in pairs)
        return replace(header, outputs=outputs)

    return replace(of_protocol(format_, PROTOCOL, with_old_ucds), can_tell_errors=False)


def _not_old(ucd: str | None) -> str | None:
    """Return the UCD of another column, which must have none of the three."""
    return None if ucd in {_OLD_ID, _OLD_RA, _OLD_DEC} else ucd
