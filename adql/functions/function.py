"""What a function is: its signature, what comes out, and the SQL for it.

A leaf: the files beside it make Functions of this, `adql.functions` lists them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from adql.info import Info
from adql.nodes import Null, String, Value
from schema import types
from schema.types import Type


class Kind(Enum):
    """What a parameter takes, with the word that signatures use for it."""

    NUMBER = "DOUBLE PRECISION"
    INTEGER = "BIGINT"
    TEXT = "VARCHAR"
    LITERAL = "VARCHAR literal"
    TIMESTAMP = "TIMESTAMP"
    POINT = "POINT"
    REGION = "REGION"
    GEOMETRY = "GEOMETRY"
    NUMBERS = "DOUBLE PRECISION[]"
    ARRAY = "ANY[]"
    MOC = "MOC"
    ANY = "ANY"


class Feature(Enum):
    """The heading of TAPRegExt under which the capabilities list a function; None for the language's own."""

    CORE = None
    GEOMETRY = "features-adqlgeo"
    STRING = "features-adql-string"
    CONDITIONAL = "features-adql-conditional"
    UNIT = "features-adql-unit"
    UDF = "features-udf"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: Kind


Infer = Callable[[tuple[Value, ...]], Info]
Emit = Callable[[tuple[Value, ...], tuple[str, ...]], str]


@dataclass(frozen=True, slots=True)
class Function:
    """`infer` tells the result's type and metadata from the arguments, `emit` writes the SQL.

    `emit` gets the arguments and their SQL, NUMBERs cast to double precision. `check` raises an
    AdqlError for arguments that it cannot serve. A `variadic` one takes its last parameter repeatedly; one that
    `is_window` stands before OVER only, one that `is_ordered` sorts its rows itself and so cannot. In one that
    `takes_order` ORDER BY may stand behind the arguments.
    """

    name: str
    parameters: tuple[Parameter, ...]
    returns: str
    infer: Infer
    emit: Emit
    description: str = ""
    feature: Feature = Feature.CORE
    check: Callable[[tuple[Value, ...]], None] = field(default=lambda _: None)
    variadic: bool = False
    is_aggregate: bool = False
    is_window: bool = False
    is_ordered: bool = False
    is_volatile: bool = False
    takes_order: bool = False

    @property
    def signature(self) -> str:
        """Return the form that TAPRegExt 1.0 §2.3 prescribes for a UDF: `name(x TYPE) -> TYPE`."""
        parameters = ", ".join(
            f"{p.name} {p.kind.value.split()[0]}" if p.kind is Kind.LITERAL else f"{p.name} {p.kind.value}"
            for p in self.parameters
        )
        return f"{self.name}({parameters}) -> {self.returns}"

    def takes(self, count: int) -> bool:
        if self.variadic:
            return count >= len(self.parameters)
        return count == len(self.parameters)

    def kind_of(self, index: int) -> Kind:
        return self.parameters[min(index, len(self.parameters) - 1)].kind


def accepts(kind: Kind, value: Value) -> bool:
    """Return whether a value can stand where `kind` is asked for; NULL can anywhere."""
    type_ = value.type
    if kind is Kind.LITERAL:
        return isinstance(value, String | Null)
    if type_ is None or kind is Kind.ANY:
        return True
    match kind:
        case Kind.NUMBER:
            return type_.is_numeric
        case Kind.INTEGER:
            return type_.is_integer
        case Kind.TEXT:
            return type_.is_text
        case Kind.TIMESTAMP:
            return type_ is types.TIMESTAMP or isinstance(value, String)
        case Kind.POINT:
            return type_ is types.POINT
        case Kind.REGION:
            return type_.is_region
        case Kind.ARRAY:
            return type_.is_array
        case Kind.NUMBERS:
            return type_.is_array and types.element_type(type_).is_numeric
        case Kind.MOC:
            return type_ is types.MOC
    return type_.is_geometry


def template(text: str) -> Emit:
    """Return an `emit` from SQL with {0}, {1}, ... for the arguments."""
    return lambda _, sql: text.format(*sql)


def gives(type_: Type, unit: str | None = None, ucd: str | None = None) -> Infer:
    """Return an `infer` that gives this type, unit and UCD whatever the arguments are."""
    info = Info(type_, unit, ucd)
    return lambda _: info


def parameters(text: str, kind: Kind = Kind.NUMBER) -> tuple[Parameter, ...]:
    """Return parameters of one kind: two for `"x y"`."""
    return tuple(Parameter(name, kind) for name in text.split())
