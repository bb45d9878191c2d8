"""A number ends where a delimiter follows (SQL-92 §5.2): what runs on behind it is refused there, and the hint says what may be meant."""

from dataclasses import replace

import psycopg
import pytest

from adql.errors import AdqlError
from adql.translate import translate
from schema.model import Catalogue, Column, Schema
from tests.adql.tables import CATALOGUE, FIELDS, STARS

WITH_2MASS = Catalogue(
    (Schema("t", (replace(STARS, columns=(*STARS.columns, Column('"2MASS"', "char", "*"))), FIELDS)),)
)


def refused(query: str, catalogue: Catalogue = CATALOGUE) -> AdqlError:
    with pytest.raises(AdqlError) as caught:
        translate(query, catalogue)
    return caught.value


def written(error: AdqlError) -> str:
    return error.text[error.span.start : error.span.end]


# Where in a query, and what runs on there.
RUNS = [
    ("SELECT {} FROM t.stars", "2ra"), ("SELECT {} FROM t.stars", "2MASS"), ("SELECT {} FROM t.stars", "1.5e"), ("SELECT {} FROM t.stars", "2.x"),
    ("SELECT {} FROM t.stars", "1e5abc"), ("SELECT {} FROM t.stars", "1E+5x"), ("SELECT {} FROM t.stars", ".5ra"), ("SELECT {} FROM t.stars", "12ab34_5"),
    ("SELECT {} FROM t.stars", "2e"), ("SELECT {} FROM t.stars", "2e5e"), ("SELECT {} FROM t.stars", "007bond"), ("SELECT ra, {} t.stars", "5FROM"),
    ("SELECT ra AS x, {} FROM t.stars", "2AS"), ("SELECT TOP {} FROM t.stars", "5ra"), ("SELECT TOP {} ra FROM t.stars", "5e"), ("SELECT -{} FROM t.stars", "2ra"),
    ("SELECT ra + {} FROM t.stars", "2.5dec"), ("SELECT ABS({}) FROM t.stars", "3ra"), ("SELECT ra FROM t.stars WHERE ra > {} dec < 5", "3AND"),
    ("SELECT ra FROM t.stars WHERE ra > {} dec < 5", "3.OR"), ("SELECT ra FROM t.stars WHERE ra BETWEEN {} 2", "1AND"), ("SELECT ra FROM t.stars WHERE ra > {} BY ra", "3GROUP"),
    ("SELECT ra FROM t.stars WHERE number IN (1, {}, 3)", "2a"), ("SELECT ra FROM t.stars ORDER BY ra OFFSET {}", "5rows"), ("SELECT ra FROM t.stars ORDER BY {}", "1DESC"),
    ("SELECT CASE WHEN ra > {} 1 ELSE 0 END FROM t.stars", "2THEN"), ("SELECT CAST({} INTEGER) FROM t.stars", "2.5AS"), ("SELECT ra FROM t.stars WHERE DISTANCE(ra, dec, 10, 20) < {}", "5arcsec"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "run"), RUNS)
def test_what_runs_on_behind_a_number_is_refused_as_a_whole(query: str, run: str) -> None:
    assert written(refused(query.format(run))) == run


def test_the_place_is_told_by_line_and_column() -> None:
    error = refused("SELECT ra,\n  dec\nFROM t.stars WHERE ra > 3AND dec < 5")
    assert (error.line, error.column) == (3, 25)


HINTS = [
    ("SELECT 2ra FROM t.stars", "2*ra"), ("SELECT 2RA FROM t.stars", "2*RA"), ("SELECT 1.5pmra FROM t.stars", "1.5*pmra"), ("SELECT 2e5dec FROM t.stars", "2e5*dec"),
    ("SELECT ra FROM t.stars WHERE vmag < 2parallax", "2*parallax"), ("SELECT ra FROM t.stars WHERE ra > 3AND dec < 5", "3 AND"), ("SELECT 5FROM t.stars", "5 FROM"),
    ("SELECT TOP 5ra FROM t.stars", "TOP 5 ra"), ("SELECT ra FROM t.stars WHERE ra BETWEEN 1AND 2", "1 AND"), ("SELECT CASE WHEN ra > 2THEN 1 END FROM t.stars", "2 THEN"),
    ("SELECT ra FROM t.stars ORDER BY 1desc", "1 desc"), ("SELECT ra FROM t.stars WHERE ra > 1.5or dec > 2", "1.5 or"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "hint"), HINTS)
def test_a_hint_says_what_is_missing_between_number_and_word(query: str, hint: str) -> None:
    found = refused(query).hint or ""
    assert hint in found.replace("2 * ", "2*"), found


@pytest.mark.parametrize("query", ["SELECT 2MASS FROM t.stars", "SELECT 2mass FROM t.stars", "SELECT s.2MASS FROM t.stars AS s", "SELECT id FROM t.stars WHERE 2MASS = 'x'"])  # fmt: skip
def test_a_column_that_begins_with_a_digit_is_named_in_double_quotes(query: str) -> None:
    assert '"2MASS"' in (refused(query, WITH_2MASS).hint or "")
    if "s.2MASS" not in query:
        assert '"2MASS"' not in (refused(query).hint or "")


def test_a_word_that_is_nothing_known_is_no_factor() -> None:
    assert "*" not in (refused("SELECT 2furlongs FROM t.stars").hint or "")


# Each with the same written so that nobody can doubt where its number ends.
RIGHT = [
    ('SELECT 2"x" FROM t.stars', 'SELECT 2 AS "x" FROM t.stars'), ("SELECT 1e5 FROM t.stars", "SELECT 1e5  FROM t.stars"), ("SELECT 1.e5 FROM t.stars", "SELECT 1.0e5 FROM t.stars"),
    ("SELECT .5 FROM t.stars", "SELECT 0.5 FROM t.stars"), ("SELECT 5. FROM t.stars", "SELECT 5.0 FROM t.stars"), ("SELECT 2-- comment\nFROM t.stars", "SELECT 2 FROM t.stars"),
    ("SELECT 2/**/FROM t.stars", "SELECT 2 FROM t.stars"), ("SELECT 2/* a */ra FROM t.stars", "SELECT 2 AS ra FROM t.stars"), ("SELECT (2)FROM t.stars", "SELECT 2 FROM t.stars"),
    ("SELECT 2,3 FROM t.stars", "SELECT 2 , 3 FROM t.stars"), ("SELECT 2*ra FROM t.stars", "SELECT 2 * ra FROM t.stars"), ("SELECT 2.*ra FROM t.stars", "SELECT 2.0 * ra FROM t.stars"),
    ("SELECT 2\tra FROM t.stars", "SELECT 2 AS ra FROM t.stars"), ("SELECT ra FROM t.stars WHERE 2<ra", "SELECT ra FROM t.stars WHERE 2 < ra"), ("SELECT 2||'a' FROM t.stars", "SELECT 2 || 'a' FROM t.stars"),
    ("SELECT 1-1+1/1 FROM t.stars", "SELECT 1 - 1 + 1 / 1 FROM t.stars"), ("SELECT 1.5-.5 FROM t.stars", "SELECT 1.5 - 0.5 FROM t.stars"), ("SELECT 1E-3 FROM t.stars;", "SELECT 1E-3 FROM t.stars"),
    ("SELECT TOP 5*FROM t.fields", "SELECT TOP 5 * FROM t.fields"), ("SELECT TOP 5(ra)FROM t.stars", "SELECT TOP 5 (ra) FROM t.stars"), ("SELECT a2e5.ra FROM t.stars AS a2e5", "SELECT a2e5.ra FROM t.stars  AS a2e5"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "same"), RIGHT)
def test_a_number_before_a_delimiter_is_what_it_was(small: psycopg.Connection, query: str, same: str) -> None:
    one, other = (translate(each, CATALOGUE) for each in (query, same))
    assert [output.name for output in one.outputs] == [output.name for output in other.outputs]
    for each in (one, other):
        small.execute(b"EXPLAIN " + each.sql.encode())
    assert [each.info.type for each in one.outputs] == [each.info.type for each in other.outputs]
    assert one.sql == other.sql or "." in query
