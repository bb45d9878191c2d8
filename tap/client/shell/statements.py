"""What somebody types, taken apart: statements that end with `;`, and the files that results go to with `>`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tap.client.shell.file_formats import is_known_suffix

_QUERIES = frozenset({"select", "with"})
ABOUT_QUERIES = frozenset({"check", "explain"})
"""Words that a query follows."""
_MARKS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | (?P<open>['"]|/\*) | (?P<end>;)""",
    re.DOTALL | re.VERBOSE,
)
"""Texts, names and comments, in which `;` ends nothing; those that are still open; and ends."""
_FILE = r"""(?P<file>"[^"\n]+"|'[^'\n]+'|[^\s;>'"]+)"""
_WHOLE_REDIRECTION = re.compile(rf"\s*>[ \t]*{_FILE}[ \t]*(?:;|\n|\Z)")
_REDIRECTION = re.compile(rf"\s*>\s*{_FILE}\s*\Z")


@dataclass(frozen=True, slots=True)
class Statement:
    """A query or a command, and the file that its result shall go to; `text` is empty where that is of the query before."""

    text: str
    file: str = ""

    @property
    def is_query(self) -> bool:
        return not self.text or is_query(self.text)

    @property
    def verb(self) -> str:
        """The first word, in lower case."""
        return first_word(self.text)

    @property
    def argument(self) -> str:
        """What follows the first word."""
        return self.text.lstrip()[len(self.verb) :].strip()


def first_word(text: str) -> str:
    match = re.match(r"\s*(\w+)", text)
    return match[1].lower() if match else ""


def is_query(text: str) -> bool:
    return first_word(text) in _QUERIES or text.lstrip().startswith("(")


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements of a text; the last one need not end with `;`, and commands end with their line."""
    place = 0
    while (place := len(text) - len(text[place:].lstrip("; \t\r\n"))) < len(text):
        if redirection := _WHOLE_REDIRECTION.match(text, place):
            yield Statement("", _unquoted(redirection["file"]))
            place = redirection.end()
            continue
        start = place
        place = _end(text, place)
        statement = text[start:place].removesuffix(";").strip()
        if redirection := _WHOLE_REDIRECTION.match(text, place) if text[place - 1] == ";" else None:
            yield Statement(statement, _unquoted(redirection["file"]))
            place = redirection.end()
        elif statement := _without_comments(statement):
            yield _with_file(statement)


def _end(text: str, start: int) -> int:
    """Return where the statement that begins here ends: behind `;`, or at the end of a command's line."""
    if goes_on_for_lines(text[start:]):
        return next(iter(_ends(text, start)), len(text))
    begins = len(text) - len(text[start:].lstrip())
    line = text.find("\n", begins)
    return len(text) if line < 0 else line + 1


def goes_on_for_lines(text: str) -> bool:
    """Return whether a text begins with a query, or with a command about one."""
    text = _without_comments(text)
    return is_query(text) or first_word(text) in ABOUT_QUERIES


def _without_comments(text: str) -> str:
    """Return a text without the comments that it begins with, which are all of some."""
    while match := re.match(r"\s*(?:--[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z))", text, re.DOTALL):
        text = text[match.end() :]
    return text.strip()


def _with_file(statement: str) -> Statement:
    """Take the file from the end of a statement, where `>` does not compare."""
    statement = statement if goes_on_for_lines(statement) else statement.removesuffix(";").rstrip()
    match = _REDIRECTION.search(statement)
    if match is None or not _is_file(match["file"], statement[: match.start()]):
        return Statement(statement)
    return Statement(statement[: match.start()].strip(), _unquoted(match["file"]))


def _is_file(name: str, before: str) -> bool:
    """Return whether a name is meant as a file: with a suffix that we know, and no column of a table in the query."""
    name = _unquoted(name)
    if not is_known_suffix(name):
        return False
    alias = re.match(r"(\w+)\.\w+\Z", name)
    return alias is None or re.search(rf"\b{alias[1]}\b", before, re.IGNORECASE) is None


def _unquoted(name: str) -> str:
    name = name.strip()
    return name[1:-1] if name[:1] in {"'", '"'} and name[-1:] == name[:1] else name


def is_whole(text: str) -> bool:
    """Return whether what was typed can be run when Enter is pressed.

    Queries end with `;`, a file or an empty line; commands with their line.
    """
    if not text.strip() or not goes_on_for_lines(text):
        return True
    if re.search(r"\n[ \t]*\Z", text):
        return not any(match["open"] for match in _MARKS.finditer(text))
    *_, last = statements(text)
    ends = _ends(text)
    return bool(last.file) or bool(ends and not _without_comments(text[ends[-1] :]))


def _ends(text: str, start: int = 0) -> list[int]:
    """Return where statements end in a text."""
    ends = []
    for match in _MARKS.finditer(text, start):
        if match["open"]:
            break
        if match["end"]:
            ends.append(match.end())
    return ends


def unfinished(text: str) -> str:
    """Return what follows the last statement that has ended: what is being written."""
    ends = _ends(text)
    return text[ends[-1] :] if ends else text
