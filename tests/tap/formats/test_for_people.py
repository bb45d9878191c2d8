"""HTML and plain text: cells as they were, and nothing of a table that a browser or a terminal would obey."""

import base64
import hashlib
import re
from typing import Any

import pyarrow as pa
import pytest

from tests.contract.client import Reply, post, sync
from tests.tap.formats.readers import parse_html, read_html, read_text
from tests.tap.formats.tables import (
    ABOUT,
    COLUMNS,
    EVERYTHING,
    EXTREMES,
    VALUES,
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


def test_cells_of_html_are_every_value_as_it_was(everything: str) -> None:
    found = read_html(fetch(everything, EVERYTHING, "html").body)
    assert list(found) == ["id", *COLUMNS]
    wrong = [
        (name, row, a, b)
        for name in COLUMNS
        for row, (a, b) in enumerate(zip(found[name], VALUES[name], strict=True))
        if not same_in_html(name, a, b)
    ]
    assert wrong == []


def same_in_html(name: str, cell: str, value: Any) -> bool:
    if pa.types.is_string(COLUMNS[name][0]):
        return cell == in_xml(value or "")
    return same(name, from_text(name, cell), value, "html")


def test_nothing_hostile_becomes_markup(hostile: str) -> None:
    """The page has the elements that a page of ours has, and no other; values, names and query are text."""
    page = parse_html(hostile_query(hostile, "html").body)
    calm = parse_html(fetch(hostile, "SELECT n FROM formats.hostile", "html").body)
    assert {each.tag for each in page.iter()} == {each.tag for each in calm.iter()} | {"br", "small"}
    assert len(page.xpath("//script")) == len(page.xpath("//style")) == len(page.xpath("//pre")) == 1
    assert {name for each in page.iter() for name in each.attrib} == {"lang", "charset", "id", "title"}
    assert len(page.xpath("//tbody")) == 1
    assert {len(row) for row in page.xpath("//table[@id='rows']//tr")} == {2 + len(HOSTILE)}
    assert page.xpath("//comment() | //processing-instruction()") == []


def test_hostile_texts_are_shown_as_they_are(hostile: str) -> None:
    body = hostile_query(hostile, "html").body
    cells = [row[0].text for row in parse_html(body).xpath("//table[@id='rows']/tbody/tr")]
    assert cells == [in_xml(text) for text in HOSTILE]
    heads = [head.text for head in parse_html(body).xpath("//table[@id='rows']/thead/tr/th")][2:]
    assert heads == [re.sub("\r\n?", "\n", in_xml(f"{text} {i}")) for i, text in enumerate(HOSTILE)]


def test_units_ucds_and_descriptions_are_text(hostile: str) -> None:
    page = parse_html(fetch(hostile, "SELECT t FROM formats.hostile", "html").body)
    [head] = page.xpath("//table[@id='rows']/thead/tr/th")
    assert head.findtext("small") == "<script>alert(2)</script>"
    assert head.get("title") == "\"'><script>alert(3)</script>?[1m"
    about = [cell.text for cell in page.xpath("//details//tr[2]/td")]
    assert about == ["t", "VARCHAR", "<script>alert(2)</script>", "<b>&\"'", "\"'><script>alert(3)</script>?[1m"]


def test_the_policy_lets_only_the_pages_own_style_and_script_run(hostile: str) -> None:
    """Content Security Policy 3 §8.4: the hash of what stands between the tags, to the last byte."""
    reply = hostile_query(hostile, "html")
    [policy] = reply.headers.get_all("Content-Security-Policy") or []
    directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    page = parse_html(reply.body)
    for name, directive in (("script", "script-src"), ("style", "style-src")):
        [element] = page.xpath(f"//{name}")
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        sources = directives[directive].split()
        assert f"'sha256-{digest}'" in sources
        assert not {"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "*", "data:", "https:"} & set(sources)
    assert directives["default-src"] == "'none'"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_is_a_page_for_browsers(everything: str) -> None:
    """UTF-8 is told within the first 1024 bytes; there is a title, a language, and nothing from elsewhere."""
    reply = fetch(everything, EVERYTHING, "html")
    assert reply.body.startswith(b"<!DOCTYPE html>\n")
    assert b'<meta charset="utf-8">' in reply.body[:1024]
    page = parse_html(reply.body)
    assert (page.get("lang"), page.findtext(".//title")) == ("en", "Result")
    assert page.xpath("//@src | //@href") == []
    assert page.xpath("//pre")[0].text == EVERYTHING
    rows = {row[0].text: [cell.text or "" for cell in row[1:]] for row in page.xpath("//details//tr")[1:]}
    for name, about in ABOUT.items():
        assert rows[name][1:] == [about.get(key, "") for key in ("unit", "ucd", "description")]


def test_the_page_counts_its_rows(everything: str) -> None:
    def note(query: str, **more: str) -> str:
        page = parse_html(sync(everything, query, RESPONSEFORMAT="html", **more).body)
        return str(page.xpath("//body/p")[0].text)

    assert note(EVERYTHING) == "60 rows."
    assert note("SELECT id FROM formats.everything WHERE id = 1") == "1 row."
    assert note("SELECT id FROM formats.everything WHERE id < 0") == "0 rows."
    assert note(EVERYTHING, MAXREC="7").startswith("The first 7 rows; there are more. Without MAXREC")


# ---- plain text


def test_numbers_stand_to_the_right_and_texts_to_the_left_under_their_names_and_units(everything: str) -> None:
    query = "SELECT id, small, flag, double_, time_ FROM formats.everything ORDER BY id"
    lines = fetch(everything, query, "text").text.split("\n")
    ends = [match.span() for match in re.finditer("-+", lines[2])]
    found = read_text(fetch(everything, query, "text").body)
    assert list(found) == ["id", "small", "flag", "double_", "time_"]
    assert found["id"] == [str(i) for i in range(60)]
    for name in ("small", "flag", "double_", "time_"):
        pairs = zip(found[name], VALUES[name], strict=True)
        assert [(a, b) for a, b in pairs if not same(name, from_text(name, a), b, "text")] == [], name
    for line in lines[3:-1]:
        assert not line[ends[1][0] : ends[1][1]].endswith(" ") or not line[ends[1][0] : ends[1][1]].strip()
        assert not line[ends[2][0] : ends[2][1]].startswith(" ") or not line[ends[2][0] : ends[2][1]].strip()


def test_units_stand_under_the_names(everything: str) -> None:
    lines = fetch(everything, "SELECT id, small, double_ FROM formats.everything", "text").lines
    assert lines[0].split() == ["id", "small", "double_"]
    assert lines[1].split() == ["mag", "km/s"]
    assert lines[1].index("mag") + 3 == lines[0].index("small") + 5


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


def test_a_long_text_pushes_its_own_row_only(service: str, tables: Publish) -> None:
    tables("formats.pushed", {"t": pa.array(["a", "x" * 200, "b"]), "n": pa.array([1, 2, 3], pa.int32())})
    lines = fetch(service, "SELECT t, n FROM formats.pushed ORDER BY n", "text").lines
    assert lines[2:] == ["-" * 60 + " -", "a" + " " * 60 + "1", "x" * 200 + " 2", "b" + " " * 60 + "3"]


def test_plain_text_says_its_character_set(everything: str) -> None:
    reply = fetch(everything, "SELECT id FROM formats.everything", "text")
    assert reply.headers["Content-Type"].replace(" ", "") == "text/plain;charset=utf-8"


@pytest.mark.parametrize("format_", ["html", "text"])
def test_columns_of_geometries_are_degrees_and_null_is_nothing(extremes: str, format_: str) -> None:
    body = fetch(extremes, "SELECT p, c, id FROM formats.extremes ORDER BY id", format_).body
    found = read_html(body) if format_ == "html" else read_text(body)
    assert (found["p"][0], found["c"][0]) == ("10 20", "10 20 1")
    for index, name in enumerate("pc", 2):
        assert [cell == "" for cell in found[name]] == [row[index] is None for row in EXTREMES], name
