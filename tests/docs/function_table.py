"""The tables of functions in docs/language.md, made of adql.functions, an example each, and what the service answers."""

import csv
import io
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from adql.functions import FUNCTIONS
from adql.functions.function import Feature, Function

EXAMPLES: dict[str, str] = tomllib.loads((Path(__file__).parent / "function_examples.toml").read_text("utf-8"))
BRIGHTEST = "vmag < -0.04"
"""Of which rows windows are shown: four stars, two of them equally bright."""

Ask = Callable[[str], list[str]]
"""Runs a query of one column and returns its values as texts."""

_HEADINGS = {
    "Numbers": lambda function: function.feature is Feature.CORE and function.name != "NULLIF",
    "Geometry": lambda function: function.feature is Feature.GEOMETRY or function.name == "RANGE_S2D",
    "Texts, conditions, units": lambda function: (
        function.feature in {Feature.STRING, Feature.CONDITIONAL, Feature.UNIT}
        or function.name in {"NULLIF", "GREATEST", "LEAST"}
    ),
    "Functions of the IVOA's catalogue": lambda function: function.name.startswith("ivo_"),
    "Arrays": lambda function: function.name.lower().startswith("arr"),
    "MOCs": lambda function: function.returns == "MOC",
    "Statistics": lambda function: function.is_aggregate,
    "Windows": lambda function: function.is_window,
}
_HEADER = "| function | what it gives | example | result |\n| --- | --- | --- | --- |"


def tables(ask: Ask) -> str:
    """Return all tables, each below its heading."""
    return "\n\n".join(f"### {heading}\n\n{_table(_functions(heading), ask)}" for heading in _HEADINGS)


def _functions(heading: str) -> Iterator[Function]:
    """Return the functions below a heading: each stands below the first that fits."""
    for function in FUNCTIONS:
        if heading == next(name for name, fits in _HEADINGS.items() if fits(function)):
            yield function


def _table(functions: Iterable[Function], ask: Ask) -> str:
    by_name: dict[str, list[Function]] = {}
    for function in functions:
        by_name.setdefault(function.name, []).append(function)
    return "\n".join([_HEADER, *(_row(overloads, ask) for overloads in by_name.values())])


def _row(overloads: list[Function], ask: Ask) -> str:
    """Return the row of a name; forms with the deprecated coordinate system are left out."""
    forms = ", ".join(f"`{_form(function)}`" for function in overloads if not _has_coordsys(function))
    description = next((function.description for function in overloads if function.description), "")
    example = EXAMPLES[overloads[0].name]
    return f"| {forms} | {description} | `{example}` | {_result(overloads[0], example, ask)} |"


def _has_coordsys(function: Function) -> bool:
    return any(parameter.name == "coordsys" for parameter in function.parameters)


def _form(function: Function) -> str:
    names = [parameter.name for parameter in function.parameters] + ["…"] * function.variadic
    return f"{function.name}({', '.join(names)})"


def _result(function: Function, example: str, ask: Ask) -> str:
    if function.is_volatile:
        return "another one each time"
    if function.is_window:
        values = ask(f"SELECT {example} AS result FROM demo.stars WHERE {BRIGHTEST} ORDER BY vmag")
    elif function.is_aggregate:
        values = ask(f"SELECT {example} AS result FROM demo.stars")
    else:
        values = ask(f"SELECT {example} AS result FROM demo.stars WHERE vmag < -1")
    return f"`{', '.join(_rounded(value) or 'NULL' for value in values)}`"


def _rounded(value: str) -> str:
    """Return a value whose numbers have ten digits, in which all machines agree."""
    return re.sub(r"-?\d+\.\d+(?:e[-+]?\d+)?", lambda match: f"{float(match[0]):.10g}", value)


def column(text: str) -> list[str]:
    """Return the values of a CSV document of one column."""
    return [row[0] if row else "" for row in csv.reader(io.StringIO(text))][1:]
