"""One table of types: PostgreSQL ↔ ADQL ↔ VOTable.

Everything that asks "how is this column called there" asks here. Serves ADQL 2.1 §3 (the mapping
of its types to VOTable), TAP 1.1 §4.3 (TAP_SCHEMA.columns) and DALI 1.1 §3.3 (xtypes).
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Type:
    """A type as the three worlds call it. There is one object of each, so identity is equality.

    name       PostgreSQL's name, as `format_type` prints it
    width      bytes of a value in PostgreSQL's binary form; None where it varies
    """

    name: str
    adql: str
    datatype: str
    arraysize: str | None = None
    xtype: str | None = None
    width: int | None = None

    @property
    def is_integer(self) -> bool:
        return self in INTEGERS

    @property
    def is_numeric(self) -> bool:
        return self in NUMBERS

    @property
    def is_text(self) -> bool:
        return self in (TEXT, UNICODE)

    @property
    def is_geometry(self) -> bool:
        return self in GEOMETRIES

    @property
    def is_region(self) -> bool:
        return self in REGIONS

    @property
    def is_array(self) -> bool:
        return self in ARRAYS

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.adql} array" if self.is_array else self.adql

    @property
    def has_equality(self) -> bool:
        """Whether DISTINCT, GROUP BY and set operations can compare its values."""
        return not self.is_geometry


BOOLEAN = Type("boolean", "BOOLEAN", "boolean", width=1)
SMALLINT = Type("smallint", "SMALLINT", "short", width=2)
INTEGER = Type("integer", "INTEGER", "int", width=4)
BIGINT = Type("bigint", "BIGINT", "long", width=8)
REAL = Type("real", "REAL", "float", width=4)
DOUBLE = Type("double precision", "DOUBLE PRECISION", "double", width=8)
TEXT = Type("text", "VARCHAR", "char", "*")
UNICODE = Type("text", "VARCHAR", "unicodeChar", "*")
TIMESTAMP = Type("timestamp without time zone", "TIMESTAMP", "char", "*", "timestamp")
BYTES = Type("bytea", "BLOB", "unsignedByte", "*")
POINT = Type("spoint", "POINT", "double", "2", "point")
CIRCLE = Type("scircle", "CIRCLE", "double", "3", "circle")
POLYGON = Type("spoly", "POLYGON", "double", "*", "polygon")
REGION = Type("spoly", "REGION", "char", "*", "adql:REGION")
"""A polygon that leaves as STC-S text, as data models before DALI's xtypes want it (TAP 1.0 §2.3.4, ObsCore 1.1)."""
RANGE = Type("double precision[]", "RANGE", "double", "4", "range")
"""What lies between two longitudes and two latitudes (DALI 1.2 §3.3.9), which are its elements."""
MOC = Type("smoc", "MOC", "char", "*", "moc")
"""A part of the sky, made of HEALPix cells; in results it is the text that DALI 1.2 §3.3.11 has for it."""
BOOLEANS = Type("boolean[]", "BOOLEAN", "boolean", "*")
SMALLINTS = Type("smallint[]", "SMALLINT", "short", "*")
INTS = Type("integer[]", "INTEGER", "int", "*")
BIGINTS = Type("bigint[]", "BIGINT", "long", "*")
REALS = Type("real[]", "REAL", "float", "*")
DOUBLES = Type("double precision[]", "DOUBLE PRECISION", "double", "*")

INTEGERS = (SMALLINT, INTEGER, BIGINT)
NUMBERS = (SMALLINT, INTEGER, BIGINT, REAL, DOUBLE)
"""In the order in which one widens into the next."""
REGIONS = (CIRCLE, POLYGON, REGION, RANGE)
GEOMETRIES = (POINT, CIRCLE, POLYGON, REGION, RANGE, MOC)
ARRAYS = (BOOLEANS, SMALLINTS, INTS, BIGINTS, REALS, DOUBLES)
_ELEMENTS = dict(zip(ARRAYS, (BOOLEAN, *NUMBERS), strict=True))
_ARRAYS_OF = {element: array for array, element in _ELEMENTS.items()}
TYPES = (
    BOOLEAN,
    *NUMBERS,
    TEXT,
    UNICODE,
    TIMESTAMP,
    BYTES,
    *ARRAYS,
    *GEOMETRIES,
)

READ_AS = {
    "numeric": DOUBLE,
    "character": UNICODE,
    "character varying": UNICODE,
    "name": UNICODE,
    "uuid": TEXT,
    "date": TIMESTAMP,
    "timestamp with time zone": TIMESTAMP,
    '"char"': TEXT,
}
"""PostgreSQL types that are published as another one; a query casts them when it reads them."""


def element_count(arraysize: str | None) -> int | None:
    """Return how many elements every value of an array has; None where that varies (VOTable 1.4 §4.1)."""
    sizes = (arraysize or "*").split("x")
    return math.prod(map(int, sizes)) if all(size.isdigit() for size in sizes) else None


def of_postgres(name: str) -> Type | None:
    """Return the type under which a PostgreSQL column is published, by `format_type`'s name without its modifier.

    Text may hold any character, so it is unicodeChar until somebody has looked. None: it cannot be published.
    """
    if name == "text":
        return UNICODE
    exact = next((type_ for type_ in TYPES if type_.name == name), None)
    return exact or READ_AS.get(name)


def of_votable(datatype: str, arraysize: str | None, xtype: str | None) -> Type | None:
    """Return the type of a TAP_SCHEMA column or a VOTable FIELD; None where we have none."""
    if datatype == REGION.datatype and xtype == REGION.xtype:
        return REGION
    if (datatype, arraysize, xtype) == (MOC.datatype, MOC.arraysize, MOC.xtype):
        # Texts of another arraysize were loaded as such.
        return MOC
    if datatype in {"char", "unicodeChar"} and xtype not in {"timestamp", "adql:TIMESTAMP"}:
        return TEXT if datatype == "char" else UNICODE
    if arraysize in {None, "1"}:
        return next((t for t in TYPES if t.datatype == datatype and t.arraysize is None), None)
    if xtype in {"timestamp", "adql:TIMESTAMP"}:
        return TIMESTAMP
    shaped = [t for t in TYPES if t.datatype == datatype and t.arraysize is not None]
    return next((t for t in shaped if t.xtype == xtype), None) or next((t for t in shaped if t.xtype is None), None)


def element_type(type_: Type) -> Type:
    """Return the type of an array's elements; any other type is its own."""
    return _ELEMENTS.get(type_, type_)


def array_of(element: Type) -> Type | None:
    """Return the type of arrays of such elements, None where there is none."""
    return _ARRAYS_OF.get(element)


def wider(left: Type, right: Type) -> Type | None:
    """Return the narrowest type that holds the values of both, or None where there is none."""
    if left == right:
        return left
    if left.is_array and right.is_array:
        element = wider(element_type(left), element_type(right))
        return array_of(element) if element else None
    if left.is_numeric and right.is_numeric:
        return _wider_number(left, right)
    if left.is_text and right.is_text:
        return UNICODE
    return None


def _wider_number(left: Type, right: Type) -> Type:
    widest = max(left, right, key=NUMBERS.index)
    # A long or an int does not fit into a float without loss.
    if widest is REAL and BIGINT in (left, right):
        return DOUBLE
    if widest is REAL and INTEGER in (left, right):
        return DOUBLE
    return widest
