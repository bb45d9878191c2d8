"""What is offered while a query is being written: `|` in a text is where the cursor stands."""

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adql.completion import Completion, complete
from adql.translate import translate
from schema.model import Catalogue, Column, Schema, Table
from tests.adql.tables import CATALOGUE, FIELDS, STARS

OF_STARS = {column.column_name for column in STARS.columns}
OF_FIELDS = {column.column_name for column in FIELDS.columns}


def at(text: str, catalogue: Catalogue = CATALOGUE) -> Completion:
    before, _, after = text.partition("|")
    return complete(before + after, len(before), catalogue)


def labels(text: str, *kinds: str) -> list[str]:
    return [option.label for option in at(text).options if option.kind in kinds or not kinds]


def columns(text: str) -> set[str]:
    return set(labels(text, "column"))


def tables(text: str) -> set[str]:
    return set(labels(text, "table"))


# ---- columns of queries


@pytest.mark.parametrize(
    "text",
    [
        "SELECT q.| FROM (SELECT ra AS x, 2 * dec AS y, id FROM t.stars) AS q",
        "SELECT * FROM (SELECT ra AS x, 2 * dec AS y, id FROM t.stars) AS q WHERE q.x > q.|",
        "WITH w AS (SELECT ra AS x, 2 * dec AS y, id FROM t.stars) SELECT w.| FROM w",
        "WITH w AS (SELECT ra AS x, 2 * dec AS y, id FROM t.stars) SELECT a.| FROM w AS a",
        "WITH w AS (SELECT ra AS x, dec, id FROM t.stars), v AS (SELECT x, 2 * dec AS y, id FROM w) SELECT v.| FROM v",
        "WITH w AS (SELECT ra AS x, dec, id FROM t.stars) SELECT q.| FROM (SELECT x, 2 * dec AS y, id FROM w) AS q",
        "WITH W AS (SELECT ra AS x, 2 * dec AS y, id FROM t.stars) SELECT w.| FROM w",
    ],
)
def test_columns_that_a_query_makes_are_offered(text: str) -> None:
    assert columns(text) == {"x", "y", "id"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT u.| FROM t.epochs AS e, UNNEST(e.flux, e.jd) AS u (f, t)", {"f", "t"}),
        ("SELECT u.| FROM t.epochs AS e, UNNEST(e.flux, e.jd) WITH ORDINALITY u WHERE u.flux > 1", {"flux", "jd", "ordinality"}),
        ("SELECT u.| FROM t.epochs AS e JOIN UNNEST(e.flux[2:], e.counts) WITH ORDINALITY AS u (f, c, i) ON f > 1, t.stars", {"f", "c", "i"}),
        ("SELECT 1 FROM t.epochs AS e, UNNEST(e.|) AS u (f)", {"id", "jd", "flux", "counts", "bands", "image"}),
        ("SELECT s.| FROM t.epochs AS e, UNNEST(e.flux) WITH ORDINALITY AS u (f, i), t.fields AS s", OF_FIELDS),
        ("SELECT u.| FROM t.epochs AS e, UNNEST(e.flux", set()),
    ],
)  # fmt: skip
def test_columns_of_elements_are_offered(text: str, expected: set[str]) -> None:
    assert columns(text) == expected


def test_unnest_is_offered_where_a_table_comes_next() -> None:
    assert "UNNEST" in labels("SELECT * FROM t.epochs AS e, un|", "keyword")
    assert "UNNEST" not in labels("SELECT un|", "keyword")


def test_they_are_offered_without_a_qualifier_too() -> None:
    assert columns("SELECT | FROM (SELECT ra AS x, 2 * dec AS y FROM t.stars) q") >= {"x", "y"}


def test_what_a_query_makes_has_its_type_and_unit() -> None:
    (option,) = at("SELECT q.| FROM (SELECT ra FROM t.stars) AS q").options
    assert "DOUBLE" in option.detail
    assert "deg" in option.detail


def test_a_query_that_is_not_right_yet_has_no_columns_and_stops_nothing() -> None:
    assert columns("SELECT q.| FROM (SELECT nothing FROM t.stars) AS q") == set()
    assert columns("SELECT | FROM (SELECT , FROM t.stars) AS q, t.fields AS f") >= OF_FIELDS


def test_queries_of_with_are_offered_as_tables() -> None:
    assert {"w", "v"} <= tables("WITH w AS (SELECT ra FROM t.stars), v AS (SELECT 1 AS one FROM w) SELECT * FROM |")
    assert labels("WITH near AS (SELECT ra FROM t.stars) SELECT * FROM nea|")[0] == "near"


def test_only_so_many_queries_are_looked_into() -> None:
    queries = ", ".join(f"(SELECT ra AS c{n} FROM t.stars) AS q{n}" for n in range(50))
    found = columns(f"SELECT | FROM {queries}")
    assert {"c0", "c19"} <= found
    assert "c20" not in found


# ---- columns


@pytest.mark.parametrize(
    "text",
    [
        "SELECT s.| FROM t.stars AS s",
        "SELECT s.| FROM t.stars s",
        "select s.| from T.Stars as S",
        'SELECT "s".| FROM "t"."stars" AS "s"',
        "SELECT stars.| FROM stars",
        "SELECT t.stars.| FROM t.stars",
        "SELECT s.ra, s.| FROM t.fields AS f, t.stars AS s",
        "SELECT * FROM t.fields AS f JOIN t.stars AS s ON f.id = s.|",
        "SELECT * FROM t.fields f NATURAL LEFT OUTER JOIN t.stars s WHERE s.|",
        "SELECT * FROM t.fields AS f WHERE f.id IN (SELECT s.| FROM t.stars AS s)",
        "SELECT q.ra FROM (SELECT s.| FROM t.stars AS s) AS q",
        "WITH w AS (SELECT s.| FROM t.stars AS s) SELECT * FROM w",
        "SELECT * FROM t.fields UNION SELECT s.| FROM t.stars AS s",
        "SELECT * FROM t . stars /* the stars */ AS s -- all of them\nWHERE s.|",
        "SELECT 'FROM t.fields AS s' FROM t.stars AS s ORDER BY s.|",
    ],
)
def test_after_a_table_and_a_dot_stand_the_columns_of_that_table_only(text: str) -> None:
    assert set(labels(text)) == OF_STARS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT | FROM t.stars", OF_STARS),
        ("SELECT | FROM t.stars, t.fields", OF_STARS | OF_FIELDS),
        ("SELECT ra FROM t.stars WHERE |", OF_STARS),
        ("SELECT ra FROM t.stars AS s JOIN t.fields AS f ON |", OF_STARS | OF_FIELDS),
        ("SELECT ABS(| FROM t.fields", OF_FIELDS),
        ("SELECT | FROM nowhere", set()),
        ("SELECT |", set()),
        ("SELECT n.| FROM nowhere AS n", set()),
        ("SELECT fluxes. | FROM t.fields", set()),
    ],
)
def test_columns_are_those_of_the_tables_that_the_query_names(text: str, expected: set[str]) -> None:
    assert columns(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM (t.stars AS a JOIN t.fields AS b ON a.id = b.id) WHERE a.|",
        "SELECT * FROM t.fields AS b JOIN (t.stars AS a JOIN t.fields AS c ON a.id = c.id) ON b.id = a.|",
    ],
)
def test_tables_of_a_join_in_parentheses_are_in_reach(text: str) -> None:
    """ADQL 2.1, Appendix A: <joined_table> ::= ... | <left_paren> <joined_table> <right_paren>."""
    assert columns(text) == OF_STARS


@pytest.mark.parametrize(
    "text",
    [
        "WITH stars AS (SELECT 1 AS one FROM t.fields) SELECT stars.| FROM stars",
        "SELECT stars.| FROM (SELECT 1 AS one FROM t.fields) AS stars",
    ],
)
def test_a_query_with_a_name_hides_the_published_table_of_that_name(text: str) -> None:
    assert "vmag" not in columns(text)


def test_options_that_begin_as_what_is_written_come_first() -> None:
    offered = labels("SELECT s.m| FROM t.stars AS s")
    assert offered[0] == '"Mixed Case"'
    assert set(offered) == {name for name in OF_STARS if "m" in name.lower()}


def test_a_column_says_its_type_unit_and_meaning() -> None:
    (option,) = at("SELECT s.paral| FROM t.stars AS s").options
    assert (option.detail, option.about) == ("DOUBLE PRECISION mas", "Parallax · pos.parallax")


@pytest.mark.parametrize("place", ["SELECT {} FROM t.stars", "SELECT s.{} FROM t.stars AS s"])
def test_every_column_that_is_offered_can_be_written_there(place: str) -> None:
    offered = columns(place.format("|"))
    assert offered
    for label in offered:
        translate(place.format(label), CATALOGUE)


# ---- tables


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM |",
        "SELECT * FROM t.stars AS s, |",
        "SELECT * FROM t.stars AS s JOIN |",
        "SELECT * FROM t.stars AS s LEFT OUTER JOIN | ON 1 = 1",
        "SELECT * FROM t.stars WHERE id IN (SELECT id FROM |",
        "SELECT * FROM t.stars WHERE id IN (SELECT id FROM |)",
        "WITH w AS (SELECT * FROM |",
        "SELECT * FROM (SELECT 1 AS n FROM t.fields) AS q, |",
        "SELECT * FROM t.stars AS a JOIN t.fields AS b ON a.id = b.id, |",
        "SELECT * FROM t.stars AS a JOIN t.fields AS b USING (id), |",
        "SELECT * FROM (|",
    ],
)
def test_where_a_table_comes_next_tables_are_offered(text: str) -> None:
    assert {"t.stars", "t.fields"} <= tables(text)


@pytest.mark.parametrize("place", ["SELECT * FROM {}", "SELECT * FROM t.{}", "SELECT * FROM t.stars AS s, {}"])
def test_every_table_that_is_offered_can_be_written_there(place: str) -> None:
    offered = tables(place.format("|"))
    assert offered
    for label in offered:
        translate(f"{place.format(label)} AS x", CATALOGUE)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ra, |",
        "SELECT * FROM t.stars |",
        "SELECT * FROM t.stars GROUP BY ra, |",
        "SELECT * FROM t.stars WHERE (|",
    ],
)
def test_elsewhere_no_table_is_offered_that_the_query_does_not_name(text: str) -> None:
    assert "t.fields" not in tables(text)


def test_the_aliases_of_a_query_are_offered() -> None:
    assert tables("SELECT | FROM t.stars AS s, t.fields") == {"s", "fields"}


def test_so_many_are_offered_and_it_is_said_that_there_are_more() -> None:
    names = [f"s.t{number:03}" for number in range(300)]
    many = Catalogue((Schema("s", tuple(Table("s", name, (Column("n", "int"),)) for name in names)),))
    found = at("SELECT * FROM |", many)
    assert (len(found.options), found.complete) == (200, False)
    found = at("SELECT * FROM s.t29|", many)
    assert {option.label for option in found.options} == {f"t29{digit}" for digit in range(10)}
    assert found.complete


# ---- words and functions


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("|", "SELECT"),
        ("SEL|", "SELECT"),
        ("SELECT * fr|", "FROM"),
        ("SELECT dist|", "DISTANCE"),
        *((f"SELECT {name[:2]}|", name) for name in ("COUNT", "SUM", "AVG", "MIN", "MAX", "COALESCE", "CAST")),
    ],
)
def test_words_and_functions_of_the_language_are_offered(text: str, label: str) -> None:
    assert label in labels(text, "keyword", "function")


# ---- what is no place for a name


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'it|",
        "SELECT 'it|' FROM t.stars",
        "SELECT 'it''|",
        "SELECT ra FROM t.stars WHERE name = '|'",
        "SELECT 12|",
        "SELECT 1|2 FROM t.stars",
        "SELECT 1.|",
        "SELECT 1.5e3| FROM t.stars",
        "SELECT ra -- the lon|",
        "SELECT ra -- the lon|\nFROM t.stars",
        "SELECT ra /* the lon|",
        "SELECT ra /* the lon| */ FROM t.stars",
        "SELECT ra /* isn't it'|",
    ],
)
def test_inside_strings_numbers_and_comments_nothing_is_offered(text: str) -> None:
    assert labels(text) == []


@pytest.mark.parametrize("text", ["SELECT 'it'|", "SELECT ra /* long */|", "SELECT ra -- long\n|"])
def test_after_their_end_something_is(text: str) -> None:
    assert labels(text)


# ---- names in quotes


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('SELECT "Mixed C|" FROM t.stars', 7),
        ('SELECT s."Mixed C|" FROM t.stars AS s', 9),
        ('SELECT s."mixed|" FROM t.stars AS s', 9),
        ('SELECT "Mixed C| FROM t.stars', 7),
        ('SELECT s."Mixed C| FROM t.stars AS s', 9),
        ('SELECT "Mix| FROM t.stars', 7),
    ],
)
def test_a_name_in_quotes_is_completed_with_its_quotes(text: str, start: int) -> None:
    """Whether its second quote is written yet or not."""
    found = at(text)
    assert (found.start, [option.label for option in found.options]) == (start, ['"Mixed Case"'])


# ---- any text


PIECES = st.sampled_from(
    """SELECT TOP FROM WHERE JOIN ON AS AND IN WITH ( ) , . ; * = < ' '' " "" -- /* */ \n t stars fields s f ra vmag t.stars
    "t"."stars" "Mixed Case" "Mixed s. f. 12 1.5 .5 1e 'text' 'text ABS( é ☉ \0 \ufeff""".split(" ")
)
TEXTS = st.one_of(st.lists(PIECES | st.just(" "), max_size=30).map(" ".join), st.text(max_size=60))


@given(TEXTS, st.data())
def test_of_any_text_whatever_is_offered_has_what_is_written(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    found = complete(text, offset, CATALOGUE)
    assert 0 <= found.start <= offset
    written = text[found.start : offset].replace('"', "").lower()
    assert all(written in option.label.replace('"', "").lower() for option in found.options)


def work(call: Callable[[], object]) -> int:
    """Count the functions that a call calls, those of Python's own among them."""
    count = 0

    def see(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(see)
    try:
        call()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("repeated", ["SELECT ra FROM t.stars WHERE id IN (1{}, ", "SELECT a{} FROM t.stars"])
def test_a_text_that_is_twice_as_long_takes_no_more_than_twice_the_work(repeated: str) -> None:
    texts = [repeated.format(", 1" * count) for count in (200, 400)]
    once, twice = (work(partial(complete, text, len(text), CATALOGUE)) for text in texts)
    assert twice < 2.5 * once
