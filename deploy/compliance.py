"""Writes docs/compliance.md from docs/compliance.toml: what the standards demand, and which tests prove it.

.venv/bin/python deploy/compliance.py
"""

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
SOURCE, PAGE = DOCS / "compliance.toml", DOCS / "compliance.md"
HEAD = """\
# What the standards demand

Every "must", "shall" and "required" of the standards that a TAP service implements, and the rules that they state as facts, in our words; beside each the
tests that prove it, most of which ask a running service. What a standard only recommends is not listed.
Made by `deploy/compliance.py` from [compliance.toml](compliance.toml); `tests/house` compares them, and looks whether every test is there.
"""
STATES = ("tested", "not for us", "not yet")


@dataclass(frozen=True)
class Must:
    """A requirement: proved by tests, or none of ours, or not fulfilled yet. `tests` are node ids without parameters."""

    standard: str
    section: str
    what: str
    tests: tuple[str, ...] = ()
    not_for_us: str = ""
    not_yet: str = ""

    @property
    def state(self) -> str:
        if self.not_yet:
            return "not yet"
        return "not for us" if self.not_for_us else "tested"


def read(source: Path = SOURCE) -> list[Must]:
    """Return what the file lists, in its order."""
    entries = tomllib.loads(source.read_text("utf-8"))["must"]
    return [Must(**{**entry, "tests": tuple(entry.get("tests", ()))}) for entry in entries]


def page(musts: Sequence[Must]) -> str:
    """Return the page: the counts, what is not fulfilled yet, and a table for each standard."""
    standards = list(dict.fromkeys(must.standard for must in musts))
    parts = [HEAD, _counts(musts, standards), _not_yet(musts)]
    for standard in standards:
        own = [must for must in musts if must.standard == standard]
        parts.append(f"## {standard}\n\n" + table(("§", "what", "proved by"), [_row(must) for must in own]))
    return "\n".join(parts)


def _counts(musts: Sequence[Must], standards: Sequence[str]) -> str:
    rows = []
    for name in standards:
        states = Counter(must.state for must in musts if must.standard == name)
        rows.append((name, *(str(states[state]) for state in STATES), str(states.total())))
    states = Counter(must.state for must in musts)
    rows.append(("all", *(str(states[state]) for state in STATES), str(len(musts))))
    return table(("standard", *STATES, "all"), rows)


def _not_yet(musts: Sequence[Must]) -> str:
    lines = [f"- {must.standard} §{must.section}: {must.what} {must.not_yet}\n" for must in musts if must.not_yet]
    return "## Not yet\n\n" + "".join(lines)


def _row(must: Must) -> tuple[str, str, str]:
    return must.section, must.what, _proof(must)


def _proof(must: Must) -> str:
    if must.not_yet:
        return f"**Not yet:** {must.not_yet}"
    if must.not_for_us:
        return f"Not for us: {must.not_for_us}"
    return " · ".join(link(test) for test in must.tests)


def link(test: str) -> str:
    """Return a test's sentence, as a link to its file."""
    file, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{file})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown, in which a bar of a text is no border."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(read()), "utf-8")
