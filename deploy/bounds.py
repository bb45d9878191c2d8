"""Writes docs/bounds.md from docs/bounds.toml: how much of what a stranger can send, with the numbers as the code has them.

.venv/bin/python -m deploy.bounds
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from deploy.compliance import DOCS, link, table
from tap.config import SETTINGS, Config

SOURCE, PAGE = DOCS / "bounds.toml", DOCS / "bounds.md"
HEAD = """\
# How much is too much

Whatever a stranger can send has a bound, which is looked at before memory or time is spent; beyond it comes an answer that says what is too much, never
an error of the service. Bounds that depend on the machine and on the users are settings ([configuration](configuration.md); some of them differ
[by group](accounts.md#limits-by-group)); here are their defaults. Others are fixed, and it is said why.
Made by `deploy/bounds.py` from [bounds.toml](bounds.toml), with the numbers that the code has; `tests/house` compares them, and looks whether every test and every setting is there.
"""
_NUMBER = re.compile(r"\{([\w.]+)\}")
_DEFAULTS = Config()


@dataclass(frozen=True)
class Bound:
    """A bound: by settings, or `fixed` for a reason; `answer` is what comes beyond it."""

    part: str
    what: str
    bound: str
    answer: str
    tests: tuple[str, ...]
    settings: tuple[str, ...] = ()
    fixed: str = ""


def read() -> list[Bound]:
    """Return what the file lists, in its order."""
    entries: list[dict[str, Any]] = tomllib.loads(SOURCE.read_text("utf-8"))["bound"]
    lists = ("tests", "settings")
    return [Bound(**entry | {name: tuple(entry.get(name, ())) for name in lists}) for entry in entries]


def page(bounds: Sequence[Bound]) -> str:
    """Return the page: a table for each part."""
    parts = [HEAD]
    for part in dict.fromkeys(bound.part for bound in bounds):
        rows = [_row(bound) for bound in bounds if bound.part == part]
        parts.append(
            f"## {part}\n\n" + table(("what", "bound", "set by, or why fixed", "beyond it", "proved by"), rows)
        )
    return "\n".join(parts)


def _row(bound: Bound) -> tuple[str, ...]:
    number = _NUMBER.sub(lambda match: _shown(match[1]), bound.bound)
    by = ", ".join(f"`{name}`" for name in bound.settings) or bound.fixed
    return bound.what, number, by, bound.answer, " · ".join(map(link, bound.tests))


def _shown(name: str) -> str:
    """Return the default of a setting, or a constant by its module and name. Raises: LookupError, ImportError, AttributeError."""
    module, _, constant = name.rpartition(".")
    value = getattr(import_module(module), constant) if module else _default(name)
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _default(name: str) -> object:
    return next(setting.value(_DEFAULTS) for setting in SETTINGS if setting.name == name)


if __name__ == "__main__":
    PAGE.write_text(page(read()), "utf-8")
