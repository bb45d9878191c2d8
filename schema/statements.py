"""The statements of sql/statements.sql by their names."""

import re
from functools import cache
from importlib.resources import files


def statement(name: str) -> bytes:
    return _statements()[name]


@cache
def _statements() -> dict[str, bytes]:
    text = (files("schema") / "sql" / "statements.sql").read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return {
        name: content.strip().removesuffix(";").encode() for name, content in zip(parts[1::2], parts[2::2], strict=True)
    }
