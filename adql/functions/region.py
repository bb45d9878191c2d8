"""REGION('...'): a geometry written as text, STC-S or DALI (ADQL 2.1 §4.2.20 and appendix).

It becomes the call that it means: `REGION('CIRCLE ICRS 10 20 0.5')` is `CIRCLE(10, 20, 0.5)`.
"""

import re
from dataclasses import replace

from adql.constants import text_of
from adql.errors import AdqlError, ImpossibleValue
from adql.nodes import Call, Number, Signed, Value
from schema.words import STC_FRAMES

_SHAPES = {
    "POSITION": ("POINT", 2),
    "POINT": ("POINT", 2),
    "CIRCLE": ("CIRCLE", 3),
    "BOX": ("BOX", 4),
    "POLYGON": ("POLYGON", None),
}
_IGNORED = STC_FRAMES | {"UNIT", "DEG", "EPOCH"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def call_of(region: Call) -> Call:
    """Return the call that a REGION means. Raises: AdqlError for all but POSITION, CIRCLE, BOX and POLYGON in ICRS."""
    text = text_of(region.arguments[0]) or ""
    words = re.sub(r"[(),]", " ", text).split()
    shape = words[0].upper() if words else ""
    if shape not in _SHAPES:
        raise _wrong(region, f"A REGION cannot be {shape or 'empty'}")
    numbers = _numbers(words[1:], region)
    name, count = _SHAPES[shape]
    if (count and len(numbers) != count) or (not count and (len(numbers) < 6 or len(numbers) % 2)):
        raise _wrong(region, f"{shape} has {len(numbers)} numbers")
    arguments = tuple(replace(_number(number), span=region.span) for number in numbers)
    return Call(name, arguments, span=region.span)


def _numbers(words: list[str], region: Call) -> list[str]:
    numbers = [word for word in words if word.upper() not in _IGNORED]
    for word in numbers:
        if not _NUMBER.fullmatch(word):
            raise _wrong(region, f"{word} cannot stand in a REGION here")
    return numbers


def _number(text: str) -> Value:
    if text[0] in "+-":
        return Signed(text[0], Number(text[1:]))
    return Number(text)


def _wrong(region: Call, message: str) -> AdqlError:
    return ImpossibleValue(
        message,
        region.arguments[0].span,
        "Write 'CIRCLE ICRS 10 20 0.5', 'POLYGON ICRS 10 20 11 20 11 21', 'BOX ICRS 10 20 1 1' or 'POSITION ICRS 10 20'.",
    )
