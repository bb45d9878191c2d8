"""Queries in the documents: each is one for the demonstration's catalogue, with the tables that the documents make."""

import re

import pytest

from adql.errors import AdqlError
from adql.translate import translate
from schema.model import Catalogue, Column, Schema, Table
from tests.docs.documents import Block, blocks, queries_within

DOUBLE = dict.fromkeys(("ra", "dec", "ra_deg", "dec_deg", "vmag"), ("double", None))
TEXT = dict.fromkeys(("target", "observed"), ("char", "*"))
TYPES = DOUBLE | TEXT | {"id": ("int", None)}
MADE = {
    "TAP_UPLOAD.mine": ("id", "target", "ra", "dec"),
    "my.stars": ("target", "ra_deg", "dec_deg", "observed"),
    "ada.pleiades": ("id", "ra", "dec"),
    "observatory.bright": ("target", "ra", "dec", "vmag"),
}
"""Tables that readers upload or load, with their columns."""


def queries() -> list[tuple[Block, str]]:
    return [
        (block, query)
        for block in blocks()
        for query in ([block.text] if block.language == "sql" else queries_within(block))
    ]


@pytest.fixture
def known(catalogue: Catalogue) -> Catalogue:
    for name, names in MADE.items():
        schema = name.split(".")[0]
        table = Table(schema, name, tuple(Column(column, *TYPES[column]) for column in names))
        catalogue = catalogue.joined_by(Schema(schema, (table,)))
    return catalogue


@pytest.mark.parametrize(("block", "query"), [pytest.param(*pair, id=pair[0].name) for pair in queries()])
def test_a_query_can_be_asked(block: Block, query: str, known: Catalogue) -> None:
    if re.match("not here: |wrong on purpose", block.note):
        with pytest.raises(AdqlError):
            translate(query, known)
    else:
        assert translate(query, known).sql


def test_queries_are_found_in_all_kinds_of_blocks() -> None:
    assert {block.path.name for block, _ in queries()} >= {"README.md", "cross-match.md", "own-tables.md", "uploads.md"}
