"""TABLEDATA that is read without a parser gives what a parser gives, and leaves to it what it must not judge."""

import random
from pathlib import Path

import pytest

from schema.load import open_file
from schema.load.votable_tags import Tags

BLANKS = ("", " ", "\n", "\n    ", "\t\n")
CELLS = (
    "",
    "1",
    "-2.5",
    "a b",
    "Ω é",
    " x ",
    "&lt;&amp;",
    "<![CDATA[<TD>]]>",
    "<!-- </TR> -->y",
    "a\r\nb",
    "&#65;",
    "<?pi?>z",
)
PLAIN = CELLS[:6]


def votable(rows: str, columns: int, prefix: str = "") -> bytes:
    fields = "".join(f'<{prefix}FIELD name="c{i}" datatype="unicodeChar" arraysize="*"/>' for i in range(columns))
    body = (
        rows.replace("<T", f"<{prefix}T")
        .replace("</T", f"</{prefix}T")
        .replace(f"<![CDATA[<{prefix}TD>", "<![CDATA[<TD>")
    )
    space = f' xmlns{":" if prefix else ""}{prefix[:-1]}="http://www.ivoa.net/xml/VOTable/v1.3"'
    return (
        f'<{prefix}VOTABLE version="1.4"{space}><{prefix}RESOURCE><{prefix}TABLE>{fields}<{prefix}DATA><{prefix}TABLEDATA>'
        f"{body}</{prefix}TABLEDATA></{prefix}DATA></{prefix}TABLE></{prefix}RESOURCE></{prefix}VOTABLE>"
    ).encode()


def read(folder: Path, content: bytes) -> list[tuple[str | None, ...]]:
    path = folder / "a.vot"
    path.write_bytes(content)
    return [tuple(row.values()) for batch in open_file(path).batches() for row in batch.to_pylist()]


def as_parsed(cell: str) -> str | None:
    """What XML makes of a cell."""
    known = {
        "&lt;&amp;": "<&",
        "<![CDATA[<TD>]]>": "<TD>",
        "<!-- </TR> -->y": "y",
        "a\r\nb": "a\nb",
        "&#65;": "A",
        "<?pi?>z": "z",
    }
    return known.get(cell, cell) or None


@pytest.mark.parametrize("prefix", ["", "v:"])
@pytest.mark.parametrize("cells", [PLAIN, CELLS], ids=["plain", "all"])
@pytest.mark.parametrize("seed", range(8))
def test_any_mixture_of_rows_is_read_as_it_was_written(
    tmp_path: Path, seed: int, cells: tuple[str, ...], prefix: str
) -> None:
    more = random.Random(seed)
    columns = more.choice([1, 2, 7])
    rows = [[more.choice(cells) for _ in range(columns)] for _ in range(more.choice([1, 50, 40_000 // columns]))]
    text = "".join(
        more.choice(BLANKS) + "<TR>" + "".join(more.choice(BLANKS) + (f"<TD>{c}</TD>" if c else "<TD/>") for c in row) + "</TR>"
        for row in rows
    )  # fmt: skip
    assert read(tmp_path, votable(text, columns, prefix)) == [tuple(map(as_parsed, row)) for row in rows]


@pytest.mark.parametrize("rows", [
    "", "<TR></TR>", "<TR><TD>1</TD></TR>", "<TR><TD>1</TD><TD>2</TD><TD>3</TD></TR>", "<TR><TD>1</TD>x<TD>2</TD></TR>", "x<TR><TD>1</TD><TD>2</TD></TR>",
    "<TR><TD>1</TD><TD>2</TD></TR>x", "<TR>x<TD>1</TD><TD>2</TD></TR>", "<TR a='b'><TD>1</TD><TD>2</TD></TR>", "<TR><TD>1</TD><TD>2</TD ></TR>",
    "<TR><TD>1</TD><TD>2</TDX></TR>", "<TR><TD>1</TD><TD>&amp;</TD></TR>", "<TR><TD>1</TD><TD>a\r</TD></TR>", "<TR><TD>1</TD><TD>]]></TD></TR>",
    "<TR><TD>1</TD><TD><b/></TD></TR>", "<TR><TD>\x01</TD><TD>2</TD></TR>", "<TR><TR>1</TR><TD>2</TD></TR>", "<TD>1</TD><TD>2</TD>",
])  # fmt: skip
def test_what_is_not_plain_is_left_to_the_parser(rows: str) -> None:
    assert Tags(2, b"").texts(rows.encode()) is None


def test_plain_rows_are_columns_of_texts() -> None:
    found = Tags(2, b"").texts("<TR><TD>1</TD>\n<TD/></TR> <TR><TD>Ω</TD><TD> b </TD></TR>\n".encode())
    assert found is not None
    assert [column.to_pylist() for column in found] == [["1", "Ω"], ["", " b "]]


def test_an_empty_table_may_be_one_tag(tmp_path: Path) -> None:
    content = votable("", 2).replace(b"<TABLEDATA></TABLEDATA>", b"<TABLEDATA/>")
    assert read(tmp_path, content) == read(tmp_path, votable("", 2)) == []
