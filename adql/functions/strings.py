"""LOWER and UPPER (ADQL 2.1 §4.4); ILIKE is an operator and lives in the parser."""

from adql.functions.function import Feature, Function, Kind, parameters, template
from adql.info import Info
from adql.nodes import Value
from schema import types


def _same_text(arguments: tuple[Value, ...]) -> Info:
    first = arguments[0].info
    return Info(first.type or types.TEXT, ucd=first.ucd, description=first.description)


def _folding(name: str, description: str) -> Function:
    return Function(
        name,
        parameters("s", Kind.TEXT),
        "VARCHAR",
        _same_text,
        template(f"{name.lower()}({{0}})"),
        description,
        Feature.STRING,
    )


STRINGS = (
    _folding("LOWER", "The string in lower case."),
    _folding("UPPER", "The string in upper case."),
)
