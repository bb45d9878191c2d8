"""The parser against the standard's grammar, and its errors against what they should say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adql.errors import AdqlError, TooComplex
from adql.parse import parse
from adql.unparse import text_of
from tests.adql.corpus import EXTENSIONS, INVALID, VALID
from tests.adql.oracle import accepts


def is_accepted(text: str) -> bool:
    try:
        parse(text)
    except AdqlError:
        return False
    return True


@pytest.mark.parametrize("text", VALID)
def test_valid_text_is_accepted_by_parser_and_oracle(text: str) -> None:
    assert (is_accepted(text), accepts(text)) == (True, True)


@pytest.mark.parametrize("text", INVALID)
def test_invalid_text_is_refused_by_parser_and_oracle(text: str) -> None:
    assert (is_accepted(text), accepts(text)) == (False, False)


@pytest.mark.parametrize("text", EXTENSIONS)
def test_what_is_announced_beside_the_standard_is_accepted_by_the_parser_only(text: str) -> None:
    assert (is_accepted(text), accepts(text)) == (True, False)


@pytest.mark.parametrize("text", [*VALID, *EXTENSIONS])
def test_a_tree_written_as_adql_is_parsed_to_an_equal_tree(text: str) -> None:
    tree = parse(text)
    assert parse(text_of(tree)) == tree


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(VALID), st.data())
def test_a_mutated_text_raises_nothing_but_an_adql_error(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 6))
    junk = data.draw(
        st.sampled_from(["", "(", ")", ",", "'", '"', " SELECT ", " FROM ", "*", "--", "\x00", "é", "1e", "NOT "])
    )
    is_accepted(text[:place] + junk + text[place + length :])


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 5000 + "1" + ")" * 5000 + " FROM t",
        "SELECT " + "-(" * 5000 + "1" + ")" * 5000 + " FROM t",
        "SELECT " + "ABS(" * 5000 + "1" + ")" * 5000 + " FROM t",
        "SELECT a FROM t WHERE " + "NOT (" * 5000 + "a = 1" + ")" * 5000,
        "SELECT a FROM " + "(SELECT a FROM " * 500 + "t" + ") AS q" * 500,
        "SELECT a FROM " + "(" * 5000 + "t",
        "SELECT " + "CASE WHEN a = 1 THEN " * 500 + "1" + " END" * 500 + " FROM t",
        pytest.param("SELECT a FROM t WHERE a IN (" + ", ".join(["1"] * 500_001) + ")", marks=pytest.mark.long),
        "SELECT " + " + ".join(["1"] * 2000) + " FROM t",
        "SELECT " + ", ".join(["a"] * 2000) + " FROM t",
        "SELECT a FROM t WHERE " + " OR ".join(["a = 1"] * 6000),
        " UNION ".join(["SELECT a FROM t"] * 400),
        "WITH " + ", ".join(f"w{i} AS (SELECT a FROM t)" for i in range(40)) + " SELECT a FROM t",
        "SELECT " + "1" * 1000 + " FROM t",
        "SELECT TOP 99999999999999999999 a FROM t",
    ],
    ids=lambda text: text[:30],
)
def test_what_is_too_deep_or_too_long_is_refused_before_it_hurts(text: str) -> None:
    with pytest.raises(TooComplex):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM t WHERE a IN (" + ", ".join(["123456"] * 100_000) + ")",
        "SELECT " + "(" * 60 + "1" + ")" * 60 + " FROM t",
        "SELECT " + " + ".join(["1"] * 900) + " FROM t",
        " UNION ".join(["SELECT a FROM t"] * 200),
        "SELECT POLYGON(" + ", ".join(["1"] * 2000) + ") FROM t",
    ],
    ids=lambda text: text[:30],
)
def test_what_is_long_but_reasonable_is_accepted(text: str) -> None:
    assert is_accepted(text)


HINTS = {
    "SELECT a FROM t LIMIT 10": "SELECT TOP 10",
    "SELECT a FROM t ORDER BY a LIMIT 5": "SELECT TOP 5",
    "SELECT a b c FROM t": "comma",
    "SELECT a FROM t WHERE CONTAINS(POINT(a, b), CIRCLE(1, 2, 3))": "1 = CONTAINS(point, region)",
    "SELECT a FROM t WHERE a == 3": "single =",
    "SELECT a FROM t WHERE a =< 3": "<=",
    "SELECT a FROM t WHERE a =! 3": "!= or <>",
    "SELECT a FROM t WHERE b = \u2018x\u2019": "straight quote",
    "SELECT a FROM t WHERE b = \u201cx\u201d": "straight quotes",
    "SELECT a FROM t WHERE a > \u22123": "minus",
    "SELECT a\u00a0FROM t": "plain spaces",
    "SELECT a % 2 FROM t": "MOD(x, y)",
    "SELECT a ^ 2 FROM t": "POWER(x, y)",
    "SELECT a::int FROM t": "CAST",
    "SELECT a FROM t /* all": "Close it with */",
    "SELECT a AS distance FROM t": '"distance"',
    "SELECT TOP 5 DISTINCT a FROM t": "before TOP",
    "SELECT a FROM (SELECT b FROM t)": "(SELECT ...) AS name",
    "SELECT a FROM t WHERE TIMESTAMP '2015-02-01' < b": "CAST('2015-02-01' AS TIMESTAMP)",
    "SELECT SUM(a) OVER (ORDER BY b ROWS 3 PRECEDING) FROM t": "Frames",
    "SELECT a FROM t WHERE (a, b) IN (SELECT a, b FROM t)": "one by one",
    "SELECT a FROM t WHERE a = TRUE": "compare a boolean column with 1",
    "SELECT a FROM t CROSS JOIN u": "FROM a, b",
    "SELECT a FROM t; SELECT b FROM t": "One query",
    "SELECT SUBSTRING(a) FROM t": "no function for parts of texts",
    "SELECT POINT(1) FROM t": "POINT(ra, dec)",
    "SELECT ROUND(a, b) FROM t": "ROUND(x, n)",
    "SELECT 0x1F FROM t": "hexadecimal",
    "SELECT a, FROM t": "comma too many",
    "SELECT a FROM t WHERE b = 'x": "Close the string",
    "SELECT CAST(a AS TEXT) FROM t": "VARCHAR",
    "SELECT a > 3 FROM t": "CASE WHEN",
    "SELECT a FROM t WHERE a": "Compare it",
    "WITH w(a) AS (SELECT a FROM t) SELECT a FROM w": "SELECT x AS name",
    "SELECT a FROM t WHERE 10 < b < 12": "10 < b AND b < 12",
    "SELECT a FROM t WHERE a > 3 || b < 2": "joined by OR",
    "SELECT a FROM t WHERE b = M 31": "'M 31'",
    "SELECT a FROM t WHERE b LIKE NGC%": "single quotes: 'NGC%",
    "SELECT a FROM t WHERE b REGEXP '^N'": "no REGEXP: write LIKE",
    "SELECT a FROM t WHERE a = 'x' OR 'y'": "x IN ('a', 'b')",
    "SELECT a FROM t WHERE a = 1 000": "1000",
    "SELECT a FROM t WHERE a = 3,5": "3.5",
    "SELECT a FROM t WHERE a BETWEEN 3, 4": "BETWEEN 3 AND 4",
    "SELECT a FROM t WHERE a IN 3, 4": "parentheses",
    "SELECT a FROM t WHERE a IN [3, 4]": "parentheses",
    "SELECT a FROM t WHERE a < 5 arcmin": "IN_UNIT",
    "SELECT a FROM t WHERE a < 5'": "5/60.",
    'SELECT a FROM t WHERE a < 5"': "5/3600.",
    "SELECT a FROM t WHERE a IS 'x'": "write = 'x'",
    "SELECT a FROM t WHERE a IS NOT 3": "write <> 3",
    "SELECT a FROM t WHERE a > ANY (SELECT b FROM t)": "no ANY",
    "SELECT a FROM t WHERE b > INTERVAL '1 day'": "no intervals",
    "SELECT a FROM t WHERE Q3C_RADIAL_QUERY(a, b, 1, 2, 3)": "DISTANCE(ra, dec, lon, lat)",
    "SELECT COUNT(DISTINCT a, b) FROM t": "(SELECT DISTINCT a, b",
    "SELECT MIN(a, b) FROM t": "LEAST(a, b)",
    "SELECT COUNT() FROM t": "COUNT(*)",
    "SELECT STDDEV(DISTINCT a) FROM t": "COUNT, SUM, AVG, MIN and MAX",
    "SELECT MEDIAN(*) FROM t": "COUNT(*)",
    "SELECT DISTINCT ON (a) a FROM t": "no DISTINCT ON",
    "SELECT FROM t": "* for all",
    "SELECT a AS from FROM t": '"from"',
    "SELECT 1": "SELECT ... FROM table",
    "SELECT a s.t": "Is FROM missing",
    "SELECT a FORM t": "FROM instead of FORM",
    "SELECT a FROM t WERE a > 3": "WHERE instead of WERE",
    "SELECT a FROM t WHERE a > 3 GROPU BY a": "GROUP instead of GROPU",
    "SELCT a FROM t": "SELECT instead of SELCT",
    "DROP TABLE t": "changes no table",
    "SHOW TABLES": "tap_schema.tables",
    "SELECT a FROM t MINUS SELECT a FROM u": "EXCEPT",
    "SELECT a FROM t TABLESAMPLE (10)": "RAND()",
}


@pytest.mark.parametrize(("text", "hint"), HINTS.items())
def test_each_usual_slip_gets_its_own_hint(text: str, hint: str) -> None:
    with pytest.raises(AdqlError) as caught:
        parse(text)
    assert hint in (caught.value.hint or ""), caught.value.explain()


def test_an_error_tells_line_and_column_and_points_with_a_caret() -> None:
    with pytest.raises(AdqlError) as caught:
        parse("SELECT a,\n  ABS(b, c)\nFROM t")
    assert caught.value.explain().splitlines() == [
        "ABS cannot have these arguments (line 2, column 3)",
        "    ABS(b, c)",
        "    ^^^^^^^^^",
        "Hint: Write ABS(x).",
    ]


def test_a_long_line_is_shown_round_the_error_only() -> None:
    with pytest.raises(AdqlError) as caught:
        parse("SELECT " + "a, " * 500 + "!, b FROM t")
    _, shown, caret, *_ = caught.value.explain().splitlines()
    assert len(shown) < 90
    assert shown[caret.index("^")] == "!"


@pytest.mark.parametrize(
    "blanks", [" " * 400_000, "-- a comment\n" * 40_000, "/* one */ \t" * 40_000], ids="spaces lines blocks".split()
)
@pytest.mark.parametrize("character", ["\u00a0", "#", "/*"])
def test_a_bad_character_after_many_blanks_is_told_at_its_place(blanks: str, character: str) -> None:
    with pytest.raises(AdqlError) as caught:
        parse(f"SELECT{blanks}{character}")
    assert caught.value.span.start == len("SELECT" + blanks)
