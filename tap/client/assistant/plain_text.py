"""Texts and cells of catalogues as JSON: without letters that people do not see and models read, and of bounded length."""

import json
import math
import unicodedata
from collections.abc import Iterable
from typing import Any

_LONGEST, _LOOKED_AT = 2000, 8000
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
"""Unicode's categories of control characters, marks of direction, tags, private and broken characters, line separators."""
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
"""Variation selectors: invisible, and enough of them to spell texts."""
_SAFE = 2**53
"""Beyond it JavaScript, in which many clients are written, rounds integers."""


def plain(text: str) -> str:
    """Return a text without hidden characters, cut where it is too long."""
    shown = "".join(letter for letter in text[:_LOOKED_AT] if letter in "\n\t" or not _is_hidden(letter))
    is_whole = len(text) <= _LOOKED_AT and len(shown) <= _LONGEST
    return shown if is_whole else f"{shown[:_LONGEST]} … (cut)"


def _is_hidden(letter: str) -> bool:
    return unicodedata.category(letter) in _HIDDEN or any(ord(letter) in selectors for selectors in _SELECTORS)


def plain_json(value: Any) -> Any:
    """Return a value as JSON can hold it, its texts plain; integers that JavaScript would round are texts."""
    match value:
        case str():
            return plain(value)
        case dict():
            return {plain(str(key)): plain_json(item) for key, item in value.items()}
        case list() | tuple():
            return [plain_json(item) for item in value]
        case int() if abs(value) > _SAFE:
            return str(value)
        case float() if not math.isfinite(value):
            return str(value)
    return value


def within(items: Iterable[Any], most_bytes: int) -> list[Any]:
    """Return the first items, made plain, as many as are no longer than so many bytes together."""
    kept: list[Any] = []
    for item in map(plain_json, items):
        most_bytes -= len(json.dumps(item, ensure_ascii=False).encode())
        if most_bytes < 0:
            break
        kept.append(item)
    return kept
