"""Repairs that are offered for an error were tried: applied, they mend it, or bring another one further on."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adql.errors import AdqlError, Span
from adql.repairs import Repair, repairs
from adql.translate import translate
from schema.model import Catalogue, Column, Schema, Table
from tests.adql.corpus import INVALID, VALID
from tests.adql.tables import CATALOGUE


def error_of(query: str) -> AdqlError | None:
    try:
        translate(query, CATALOGUE)
    except AdqlError as error:
        return error
    return None


def offered(query: str) -> list[Repair]:
    error = error_of(query)
    assert error is not None, f"there is nothing to mend in {query}"
    return repairs(query, error, lambda text: translate(text, CATALOGUE))


def mended(query: str) -> list[str]:
    return [repair.applied(query) for repair in offered(query)]


# ---- what is mended, by kind


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # columns
        ("SELECT parallx FROM t.stars", "SELECT parallax FROM t.stars"),
        ("SELECT s.parallx FROM t.stars AS s", "SELECT s.parallax FROM t.stars AS s"),
        ("SELECT s . parallx FROM t.stars AS s", "SELECT s . parallax FROM t.stars AS s"),
        ("SELECT t.stars.parallx FROM t.stars", "SELECT t.stars.parallax FROM t.stars"),
        ('SELECT "parallx" FROM t.stars', "SELECT parallax FROM t.stars"),
        ('SELECT s."parallx" FROM t.stars AS s', "SELECT s.parallax FROM t.stars AS s"),
        ("SELECT siz FROM t.stars", 'SELECT "size" FROM t.stars'),
        ("SELECT mixedcase FROM t.stars", 'SELECT "Mixed Case" FROM t.stars'),
        ('SELECT "mixed case" FROM t.stars', 'SELECT "Mixed Case" FROM t.stars'),
        ("SELECT AVG(parallx) FROM t.stars", "SELECT AVG(parallax) FROM t.stars"),
        ("SELECT ra FROM t.stars ORDER BY parallx", "SELECT ra FROM t.stars ORDER BY parallax"),
        (
            "SELECT id FROM t.stars WHERE id IN (SELECT id FROM t.fields WHERE radus > 1)",
            "SELECT id FROM t.stars WHERE id IN (SELECT id FROM t.fields WHERE radius > 1)",
        ),
        (
            "SELECT radius FROM t.stars JOIN t.fields USING (idd)",
            "SELECT radius FROM t.stars JOIN t.fields USING (id)",
        ),
        # tables
        ("SELECT ra FROM t.strs", "SELECT ra FROM t.stars"),
        ("SELECT ra FROM strs", "SELECT ra FROM t.stars"),
        ("SELECT ra FROM x.stars", "SELECT ra FROM t.stars"),
        ('SELECT ra FROM "t"."strs"', "SELECT ra FROM t.stars"),
        ("SELECT ra FROM t /* here */ . strs", "SELECT ra FROM t.stars"),
        ("SELECT sars.ra FROM t.stars", "SELECT t.stars.ra FROM t.stars"),
        ("SELECT str.ra FROM t.stars AS star", "SELECT star.ra FROM t.stars AS star"),
        # functions
        ("SELECT abss(ra) FROM t.stars", "SELECT ABS(ra) FROM t.stars"),
        ("SELECT distence(ra, dec, 1, 2) FROM t.stars", "SELECT DISTANCE(ra, dec, 1, 2) FROM t.stars"),
        # words
        ("SELEC ra FROM t.stars", "SELECT ra FROM t.stars"),
        ("SELECT ra FORM t.stars", "SELECT ra FROM t.stars"),
        ("SELECT ra FROM t.stars WERE ra > 1", "SELECT ra FROM t.stars WHERE ra > 1"),
        ("SELECT ra FROM t.stars WHERE ra BETWEN 1 AND 2", "SELECT ra FROM t.stars WHERE ra BETWEEN 1 AND 2"),
        ("SELECT ra FROM t.stars ODER BY ra", "SELECT ra FROM t.stars ORDER BY ra"),
        # texts without quotes
        ("SELECT id FROM t.stars WHERE name = Sirius", "SELECT id FROM t.stars WHERE name = 'Sirius'"),
        ("SELECT id FROM t.stars WHERE Sirius = name", "SELECT id FROM t.stars WHERE 'Sirius' = name"),
        ("SELECT id FROM t.stars WHERE name IN (Sirius, 'Vega')", "SELECT id FROM t.stars WHERE name IN ('Sirius', 'Vega')"),
        ("SELECT id FROM t.stars WHERE name = parallx", "SELECT id FROM t.stars WHERE name = 'parallx'"),
    ],
)  # fmt: skip
def test_a_slip_is_mended_where_it_stands(query: str, expected: str) -> None:
    assert expected in mended(query)
    assert error_of(expected) is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "SELECT parallx FROM t.stars WHERE parallx > 1 ORDER BY parallx",
            "SELECT parallax FROM t.stars WHERE parallax > 1 ORDER BY parallax",
        ),
        (
            "SELECT a.parallx, b.parallx FROM t.stars AS a, t.stars AS b",
            "SELECT a.parallax, b.parallax FROM t.stars AS a, t.stars AS b",
        ),
        (
            'SELECT "parallx", parallx AS "parallx" FROM t.stars',
            'SELECT parallax, parallax AS "parallx" FROM t.stars',
        ),
        (
            "SELECT parallx AS x, 'parallx' AS y /* parallx */ FROM t.stars WHERE ABS(parallx) < 1",
            "SELECT parallax AS x, 'parallx' AS y /* parallx */ FROM t.stars WHERE ABS(parallax) < 1",
        ),
        ("SELECT ra FROM t.strs UNION SELECT dec FROM t.strs", "SELECT ra FROM t.stars UNION SELECT dec FROM t.stars"),
        ("SELEC ra FORM t.stars WERE ra > 1", "SELECT ra FROM t.stars WHERE ra > 1"),
    ],
)
def test_one_after_the_other_all_slips_of_a_query_are_mended(query: str, expected: str) -> None:
    """A name may stand in it several times: right as another name, as a text, in a comment."""
    for _ in range(5):
        if error_of(query) is None:
            break
        query = mended(query)[0]
    assert query == expected


def test_a_wrong_column_that_is_called_like_its_table_is_the_one_that_is_mended() -> None:
    assert "SELECT vmg.vmag FROM t.stars AS vmg" in mended("SELECT vmg.vmg FROM t.stars AS vmg")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nonsense_that_nothing_is_like FROM t.stars",
        "SELECT ra FROM nowhere_at_all",
        "SELECT id FROM t.stars WHERE name = 'Sirius",
        "SELECT id FROM stars, fields",
        "SELECT ra FROM t.stars WHERE",
        "",
    ],
)
def test_where_nobody_knows_better_nothing_is_offered(query: str) -> None:
    assert offered(query) == []


def test_a_name_that_is_near_but_of_no_use_there_is_not_offered() -> None:
    """A text cannot be added to a number; the hint tells it all the same."""
    query = "SELECT nme + 1 AS x FROM t.stars"
    error = error_of(query)
    assert error is not None
    assert "name or number" in (error.hint or "")
    assert mended(query) == ["SELECT number + 1 AS x FROM t.stars"]


def test_a_repair_changes_its_place_only() -> None:
    assert Repair(Span(7, 9), "dec").applied("SELECT ra FROM t.stars") == "SELECT dec FROM t.stars"


# ---- any query with slips in it

RIGHT = st.sampled_from(
    [
        "SELECT parallax, vmag FROM t.stars WHERE parallax > 1 AND vmag < 5 ORDER BY parallax",
        "SELECT s.name, f.radius FROM t.stars AS s JOIN t.fields AS f ON s.number = f.id WHERE f.radius > s.vmag",
        'SELECT "Mixed Case", "size" FROM t.stars WHERE name = note OR "Mixed Case" LIKE name',
        "SELECT number, COUNT(*) AS howmany FROM t.stars GROUP BY number HAVING COUNT(*) > 5 ORDER BY number",
        "SELECT name FROM t.stars WHERE number IN (SELECT id FROM t.fields WHERE radius BETWEEN 1 AND parallax)",
        "SELECT DEGREES(vmag), DISTANCE(ra, dec, 10, 20) FROM t.stars UNION SELECT radius, SQRT(radius) FROM t.fields",
    ]
)


def with_slip(query: str, place: int, slip: int) -> str:
    """Misspell a word: a letter is missing, is written twice, or changes places with the next one."""
    words = list(re.finditer("[A-Za-z]{3,}", query))
    word = words[place % len(words)]
    middle = word.start() + 1 + place % (word.end() - word.start() - 2)
    one, two = query[middle], query[middle + 1]
    return query[:middle] + (two, one + one + two, two + one)[slip] + query[middle + 2 :]


@st.composite
def queries_with_slips(draw: st.DrawFn) -> str:
    query = draw(RIGHT)
    for _ in range(draw(st.integers(1, 4))):
        query = with_slip(query, draw(st.integers(0, 1000)), draw(st.integers(0, 2)))
    return query


@given(queries_with_slips())
def test_an_applied_repair_leaves_no_error_at_its_place(query: str) -> None:
    for repair in offered(query) if error_of(query) else []:
        left = error_of(repair.applied(query))
        end = repair.span.start + len(repair.text)
        assert left is None or left.span.end <= repair.span.start or left.span.start >= end


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('SELECT id FROM t.stars WHERE name = "Sirius"', "SELECT id FROM t.stars WHERE name = 'Sirius'"),
        ('SELECT id FROM t.stars WHERE name = "it\'s"', "SELECT id FROM t.stars WHERE name = 'it''s'"),
        ('SELECT id FROM "t.stars"', "SELECT id FROM t.stars"),
    ],
)
def test_quotes_of_the_wrong_kind_are_put_right(query: str, expected: str) -> None:
    assert mended(query)[0] == expected


def test_two_slips_are_mended_one_after_the_other() -> None:
    query = "SELECT parallx FROM t.strs"
    assert (once := mended(query)[0]) == "SELECT parallx FROM t.stars"
    assert mended(once)[0] == "SELECT parallax FROM t.stars"


def test_of_names_that_are_as_near_only_those_are_offered_with_which_the_query_is_right() -> None:
    tables = (Table("a", "a.stars", (Column("ra", "double"),)), Table("b", "b.stars", (Column("lon", "double"),)))
    catalogue = Catalogue((Schema("a", tables[:1]), Schema("b", tables[1:])))

    def mended(query: str) -> list[str]:
        try:
            translate(query, catalogue)
        except AdqlError as error:
            changes = repairs(query, error, lambda text: translate(text, catalogue))
            return [change.applied(query) for change in changes]
        return []

    assert mended("SELECT lon FROM c.stars") == ["SELECT lon FROM b.stars"]
    assert len(mended("SELECT lat FROM c.stars")) == 2


# ---- what is no ADQL


def is_of_syntax(error: AdqlError) -> bool:
    return error.code == "syntax" or is_of_characters(error)


def is_of_characters(error: AdqlError) -> bool:
    return error.code in {"wrong-character", "number-runs-on"}


def comes_further(query: str, repair: Repair) -> bool:
    """Whether a query is right after a repair, or the grammar has taken more of it, or anything of it for the first time."""
    before, after = error_of(query), error_of(repair.applied(query))
    if before is None or after is None or not is_of_syntax(after):
        return True
    if is_of_characters(before) and not is_of_characters(after):
        return True
    return len(repair.applied(query)) - after.span.start < len(query) - before.span.start


@pytest.mark.parametrize("query", [query for query in INVALID if len(query) < 2000])
def test_an_offered_repair_of_what_is_no_adql_comes_further(query: str) -> None:
    error = error_of(query)
    for repair in offered(query) if error is not None and is_of_syntax(error) else []:
        assert comes_further(query, repair), repair.applied(query)


PIECES = st.sampled_from(
    [*"'\"()[],.;=<>!%^&|#`*/:@\u2018\u2212 \n", " AND ", " LIMIT 5", " NOT ", " FROM ", " 5", " NULL ", " ON "]
)
"""What may have come into a query by mistake."""


@st.composite
def broken_queries(draw: st.DrawFn) -> str:
    query = draw(st.sampled_from([*VALID, *INVALID]))[:2000]
    for _ in range(draw(st.integers(1, 3))):
        place, length = draw(st.integers(0, len(query))), draw(st.integers(0, 6))
        query = query[:place] + draw(PIECES) + query[place + length :]
    return query


@given(broken_queries())
def test_whatever_is_broken_repairs_are_right_or_come_further(query: str) -> None:
    error = error_of(query)
    for repair in offered(query) if error is not None else []:
        assert repair.applied(query) != query
        assert not is_of_syntax(error) or comes_further(query, repair)


def test_a_very_long_query_is_not_tried_again_and_again() -> None:
    query = "SELECT ra FROM t.stars WHERE number IN (" + "1, " * 20_000 + "1) LIMIT 5"
    assert offered(query) == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ra FROM t.stars WHERE NOT NOT vmag < 5",
        "SELECT ra - -vmag AS x FROM t.stars WHERE",
        "SELECT ra FROM t.stars WHERE name RLIKE 'M.*'",
        "SELECT CURRENT_DATE FROM t.stars",
        "SELECT name, MAX(vmag) FROM t.stars",
        "SELECT ra FROM t.stars WHERE (vmag < 5 OR dec > 0 AND ra < 10",
        "SELECT ra FROM t.stars LEFT JOIN t.fields ON t.stars.id = t.fields.id WHERE id = 3",
        "EXPLAIN SELECT ra FROM t.stars",
        "SELECT ra FROM t.stars WHERE vmag < 5) OR dec > 3 AND ra < 1",
        "SELECT ra FROM t.stars WHERE number = 1 OR 2 AND vmag < 5",
        "SELECT ra FROM t.stars WHERE vmag < 5 AND number = 1 OR 2",
        "SELECT ra FROM t.stars WHERE vmag < 5 OR dec > 0 WHERE ra > 1",
        "SELECT ra FROM t.stars WHERE NOT 3 < vmag < 5",
        "SELECT ra FROM t.stars WHERE -2^2 < vmag",
        "SELECT 2 * number % 3 AS x FROM t.stars",
        "SELECT name, COUNT(*) FROM t.stars GROUP BY id",
        "SELECT s.id FROM t.stars s JOIN t.fields f WHERE s.id = f.id OR f.radius > 3",
        "SELECT s.id FROM t.stars s LEFT JOIN t.fields f WHERE s.id = f.id AND s.vmag < 3",
        "SELECT TOP 5 ra FROM t.stars LIMIT 10",
        "DELETE FROM t.stars",
        "SELECT id FROM t.stars UNION SELECT id FROM t.fields LIMIT 5",
    ],
)
def test_what_may_mean_several_things_is_not_mended(query: str) -> None:
    assert offered(query) == []
