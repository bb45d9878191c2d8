"""The statements of sql/statements.sql by their names."""

import re
from functools import cache
from importlib.resources import files


@cache
def statements() -> dict[str, str]:
    text = (files("uws") / "sql" / "statements.sql").read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
