"""Statements of .sql files by their names: each stands below a line `-- name: …`."""

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


def statement(name: str) -> bytes:
    return _statements()[name]


@cache
def _statements() -> dict[str, bytes]:
    return read_statements(files("schema") / "sql" / "statements.sql")


def read_statements(file: Traversable) -> dict[str, bytes]:
    parts = re.split(r"^-- name: (\w+)$", file.read_text("utf-8"), flags=re.MULTILINE)
    return {
        name: content.strip().removesuffix(";").encode() for name, content in zip(parts[1::2], parts[2::2], strict=True)
    }
