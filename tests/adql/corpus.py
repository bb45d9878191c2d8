"""The texts that the parser and the standard's grammar are both judged by."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "oracle"


def _read(name: str) -> list[str]:
    text = (_FOLDER / name).read_bytes().decode("utf-8")
    return text.rstrip("\n").split("\n---\n")


VALID, INVALID, EXTENSIONS = _read("valid.txt"), _read("invalid.txt"), _read("extensions.txt")
