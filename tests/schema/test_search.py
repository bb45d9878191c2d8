"""Tables are found by words in whatever is said of them, however many there are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.model import Catalogue, Column, Schema, Table
from schema.search import TableIndex

WORDS = """star galaxy quasar magnitude Parallax distance motion velocity redshift colour epoch Metallicity dust disc halo
    cluster nebula binary period radius mass Temperature gravity extinction flux band survey catalogue identifier""".split()
UNITS = [None, "mag", "deg", "mas", "mas/yr", "km/s", "Jy", "K"]
UCDS = [None, "pos.eq.ra;meta.main", "pos.eq.dec", "phot.mag;em.opt.V", "pos.parallax", "src.redshift", "time.epoch"]
MANY = 10_000


def said_of(column: Column) -> list[str]:
    texts = (column.column_name, column.unit, column.ucd, column.description)
    return [text.lower() for text in texts if text]


def has(word: str, table: Table) -> bool:
    texts = [table.table_name.lower(), (table.description or "").lower()]
    return any(word in text for text in [*texts, *(text for column in table.columns for text in said_of(column))])


def expected(tables: list[Table], words: str) -> list[str]:
    """Look at every field of every table: those with a word in their name first, else in the catalogue's order."""
    wanted = words.lower().split()
    found = [table.table_name for table in tables if all(has(word, table) for word in wanted)]
    named = [name for name in found if any(word in name.lower() for word in wanted)]
    return named + [name for name in found if name not in set(named)]


def made(number: int, random: np.random.Generator) -> Table:
    def phrase(least: int, most: int) -> str:
        return " ".join(random.choice(WORDS, random.integers(least, most)))

    columns = tuple(
        Column(
            f"{random.choice(WORDS)}_{place}",
            "double",
            unit=UNITS[random.integers(len(UNITS))],
            ucd=UCDS[random.integers(len(UCDS))],
            description=phrase(1, 4) if random.random() < 0.8 else None,
        )
        for place in range(random.integers(0, 6))
    )
    name = f"s{number % 7}.{random.choice(WORDS)}{number}"
    return Table(name.split(".", maxsplit=1)[0], name, columns, description=phrase(0, 6) or None)


@pytest.fixture(scope="module")
def tables() -> list[Table]:
    random = np.random.default_rng(20)
    numbers = sorted(range(MANY), key=lambda number: number % 7)
    return [made(number, random) for number in numbers]


@pytest.fixture(scope="module")
def catalogue(tables: list[Table]) -> Catalogue:
    names = sorted({table.schema_name for table in tables})
    return Catalogue(
        tuple(Schema(name, tuple(table for table in tables if table.schema_name == name)) for name in names)
    )


@pytest.fixture(scope="module")
def index(catalogue: Catalogue) -> TableIndex:
    return TableIndex(catalogue)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "star",
        "STAR",
        "  parallax   mag ",
        "pos.eq.ra",
        "em.opt.V",
        "mas/yr halo quasar",
        "s3.star",
        "metallicity dust disc gravity",
        "pos.parallax km/s nebula binary",
        "star999",
        "a",
        "nothing_has_this",
        "star nothing_has_this",
        "%",
        "_",
        ".*",
        "\\",
    ],
)
def test_of_ten_thousand_tables_those_are_found_that_have_each_of_the_words(
    index: TableIndex, tables: list[Table], words: str
) -> None:
    found = index.search(words, 0, MANY)
    assert [hit.table.table_name for hit in found.hits] == expected(tables, words)
    assert found.total == len(found.hits)


def test_any_two_words_of_the_vocabulary_find_what_has_both(index: TableIndex, tables: list[Table]) -> None:
    random = np.random.default_rng(21)
    for _ in range(20):
        words = " ".join(random.choice(WORDS, 2))
        assert [hit.table.table_name for hit in index.search(words, 0, MANY).hits] == expected(tables, words)


@pytest.mark.parametrize("count", [1, 37, 1000])
@pytest.mark.long
def test_page_by_page_every_hit_comes_once(index: TableIndex, tables: list[Table], count: int) -> None:
    words = "halo mag dust"
    names = expected(tables, words)
    assert len(names) > 37
    pages = [index.search(words, first, count) for first in range(0, len(names) + count, count)]
    assert [hit.table.table_name for page in pages for hit in page.hits] == names
    assert {page.total for page in pages} == {len(names)}


def test_a_hit_shows_up_to_three_columns_that_have_a_word_which_the_tables_name_has_not(index: TableIndex) -> None:
    hits = index.search("redshift star", 0, MANY).hits
    assert any(len(hit.columns) == 3 for hit in hits)
    for hit in hits:
        words = [word for word in ("redshift", "star") if word not in hit.table.table_name.lower()]
        having = [
            column for column in hit.table.columns if any(word in text for word in words for text in said_of(column))
        ]
        assert hit.columns == tuple(having[:3])


def test_a_word_does_not_reach_from_one_field_into_the_next() -> None:
    table = Table("s", "s.first", (Column("ra", "double", unit="deg"), Column("x", "int")), description="second")
    index = TableIndex(Catalogue((Schema("s", (table,)),)))
    assert [index.search(word, 0, 9).total for word in ("firstsecond", "secondra", "radeg", "degx")] == [0, 0, 0, 0]


TEXTS = st.text(st.characters(max_codepoint=0x17F, exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@given(st.lists(TEXTS, min_size=3, max_size=3), st.data())
def test_any_stretch_of_what_is_said_finds_the_table_in_any_case(texts: list[str], data: st.DataObject) -> None:
    description, about, ucd = texts
    column = Column("flux", "double", unit="Jy", ucd=ucd, description=about)
    table = Table("s", "s.sources", (column,), description=description)
    other = replace(table, table_name="s.other", columns=(), description=None)
    index = TableIndex(Catalogue((Schema("s", (other, table)),)))
    text = data.draw(st.sampled_from([*texts, "s.sources", "flux", "Jy"]))
    start = data.draw(st.integers(0, len(text) - 1))
    word = text[start : data.draw(st.integers(start + 1, len(text)))]
    assert table in [hit.table for hit in index.search(word, 0, 9).hits]
    if word.upper().lower() == word.lower():
        assert table in [hit.table for hit in index.search(word.upper(), 0, 9).hits]
