"""HTML and plain text: cells as they were, and nothing of a table that a browser or a terminal would obey."""

import re
from typing import Any

import pyarrow as pa
import pytest

from tests.contract.client import Reply, post
from tests.tap.formats.readers import read_text
from tests.tap.formats.tables import (
    COLUMNS,
    Publish,
    fetch,
    from_text,
    in_xml,
    same,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "</td></tr></tbody></table><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "</pre></title></style><h1>",
    "<!-- --><![CDATA[ ]]>",
    "\x1b]0;title\x07\x1b[31mred\x1b[2J",
    "\x9b31m\x9d0;title\x9c",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "a\nb\r\nc\td\x0be\x0cf",
    "\\n\\\\ \\x1b",
    "</script>",
    "é Ω 日本 𝄞 🚀",
]
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What a terminal takes for more than a character, but for the ends of our own lines."""


@pytest.fixture(scope="module")
def hostile(service: str, tables: Publish) -> str:
    n = len(HOSTILE)
    about = {
        "t": {
            "unit": "<script>alert(2)</script>",
            "ucd": "<b>&\"'",
            "description": "\"'><script>alert(3)</script>\x1b[1m",
        },
        "n": {"unit": "\x1b[31m", "description": "</th></tr><script>"},
    }
    columns = {"t": pa.array(HOSTILE), "n": pa.array(range(n), pa.int32()), "u": pa.array(HOSTILE[::-1])}
    tables("formats.hostile", columns, about)
    return service


def hostile_query(service: str, format_: str) -> Reply:
    """Names of columns and the query itself are as hostile as the values."""
    names = ", ".join(f't AS "{text.replace(chr(34), chr(34) * 2)} {i}"' for i, text in enumerate(HOSTILE))
    query = f"SELECT t, n, {names} FROM formats.hostile ORDER BY n"
    reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": format_})
    assert reply.status == 200, reply.text
    return reply


# ---- HTML


def same_in_html(name: str, cell: str, value: Any) -> bool:
    if pa.types.is_string(COLUMNS[name][0]):
        return cell == in_xml(value or "")
    return same(name, from_text(name, cell), value, "html")


# ---- plain text


def test_a_text_is_one_line_and_its_ends_of_lines_are_seen(hostile: str) -> None:
    """Ends of lines and tabs as PostgreSQL writes them; every other control is a question mark."""
    found = read_text(fetch(hostile, "SELECT n, t FROM formats.hostile ORDER BY n", "text").body)
    assert len(found["t"]) == len(HOSTILE)
    assert found["t"][11] == "a\\nb\\r\\nc\\td\\ve\\ff"
    assert found["t"][12] == HOSTILE[12]
    assert found["t"][7] == "?]0;title??[31mred?[2J"
    assert found["t"][14] == HOSTILE[14]


def test_nothing_in_plain_text_is_obeyed_by_a_terminal(hostile: str) -> None:
    """No escape sequence, C1 control or turn of direction, be it in a value, a name or a unit."""
    text = hostile_query(hostile, "text").text
    assert OBEYED.findall(text) == []
    assert len(text.split("\n")) == 3 + len(HOSTILE) + 1
