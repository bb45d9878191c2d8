"""The properties files of HATS: lines of `keyword = value`, with the escapes of Java's java.util.Properties."""

import re
from collections.abc import Mapping

_LINE = re.compile(r"\s*((?:\\.|[^=:\s\\])+)\s*[=:]?\s*(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}


def read_properties(content: bytes) -> dict[str, str]:
    """Return keywords with their values; what is none is passed over."""
    text = re.sub(r"(?<!\\)((?:\\\\)*)\\\r?\n\s*", r"\1", content.decode("utf-8", "replace"))
    matches = (_LINE.fullmatch(line) for line in text.splitlines() if not line.lstrip().startswith(("#", "!")))
    return {_unescaped(match[1]): _unescaped(match[2]).strip() for match in matches if match}


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        letter = match[1]
        return chr(int(letter[1:], 16)) if len(letter) > 1 else _LETTERS.get(letter, letter)

    return _ESCAPE.sub(character, text)


def written_properties(values: Mapping[str, object | None], comment: str) -> bytes:
    """Return the file, without the keywords whose value is None."""
    lines = [f"#{comment}", *(f"{name}={_escaped(str(value))}" for name, value in values.items() if value is not None)]
    return ("\n".join(lines) + "\n").encode()


def _escaped(text: str) -> str:
    """Return a value on one line; readers of ours and of hats take the rest as it is."""
    return " ".join(text.split()).replace("\\", "\\\\")
