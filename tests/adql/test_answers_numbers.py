"""What values, conditions and the clauses of SELECT answer on a real database, against Python and SQLite."""

import datetime as dt
import math
import sqlite3
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from adql.errors import AdqlError
from adql.translate import translate
from schema import types
from schema.tap_schema import read_catalogue
from tap.config import Config
from tests.adql import brute_force
from tests.conftest import Run

T = dt.datetime

ROWS: dict[str, list[Any]] = {
    "id": [1, 2, 3, 4, 5, 6],
    "name": ["Vega", "a_b", "ab", "50%", "back\\slash", None],
    "kind": ["A", "B", "A", None, "B", "C"],
    "x": [1.5, -2.5, 0.0, 100.25, None, 7.0],
    "n": [10, -7, 0, 3, None, 10],
    "parallax": [130.23, 2.0, 0.5, None, 10.0, -1.0],
}
NAMES: dict[str, list[Any]] = {
    "id": [2, 3, 3, 7, None],
    "title": ["two", "three", "drei", "seven", "none"],
    "n": [-7, 0, 5, 9, None],
}


@pytest.fixture(scope="module", autouse=True)
def _tables(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    import numpy as np

    folder = tmp_path_factory.mktemp("numbers")
    units = {"parallax": "mas", "x": "deg"}
    rows: dict[str, Any] = dict(ROWS)
    brute_force.put(config, folder, "items", rows, units=units)
    brute_force.put(config, folder, "titles", NAMES)
    typed = {
        "id": np.arange(4, dtype=np.int64),
        "small": np.array([1, 2, -3, 32767], np.int16),
        "whole": np.array([1, 2, -3, 2**31 - 1], np.int32),
        "big": np.array([1, 4295806720, -(2**62), 2**53 + 1], np.int64),
        "single": np.array([0.1, 0.2, 16777216, 1.5], np.float32),
        "wide": np.array([0.1, 0.2, 1e300, 1.5]),
        "yes": [True, False, True, None],
        "moment": [T(2015, 1, 1), T(2016, 2, 29, 12, 30, 15, 250_000), T(1999, 12, 31, 23, 59, 59), None],
        "text": ["Äpfel", "ÄPFEL", "straße", None],
        "Mixed": [1, 2, 3, 4],
        "mixed": [10, 20, 30, 40],
        "window": [5, 6, 7, 8],
        'quo"te': [9, 9, 8, 8],
    }
    brute_force.put(config, folder, "typed", typed)
    yield
    brute_force.take_away(config, "items", "titles", "typed")


@pytest.fixture(scope="module")
def lite() -> sqlite3.Connection:
    """The same tables in SQLite."""
    connection = sqlite3.connect(":memory:")
    for table, columns in (("t_rows", ROWS), ("t_names", NAMES)):
        connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", list(zip(*columns.values(), strict=True)))
    return connection


def value(run: Run, expression: str, table: str = "tap_schema.schemas") -> Any:
    ((found,),) = run(f"SELECT TOP 1 {expression} AS x FROM {table}")
    return found


# ---- functions of numbers


@pytest.mark.parametrize(("expression", "expected"), [
    ("ABS(-3.5)", 3.5), ("ABS(-3)", 3), ("CEILING(1.2)", 2), ("CEILING(-1.2)", -1), ("CEILING(3)", 3), ("FLOOR(1.8)", 1), ("FLOOR(-1.2)", -2),
    ("DEGREES(1)", math.degrees(1)), ("DEGREES(PI())", 180), ("RADIANS(180)", math.pi), ("EXP(1)", math.e), ("EXP(-1.5)", math.exp(-1.5)),
    ("LOG(10)", math.log(10)), ("LOG(2.5)", math.log(2.5)), ("LOG10(1000)", 3), ("LOG10(0.5)", math.log10(0.5)), ("SQRT(2)", math.sqrt(2)),
    ("SQRT(2.0)", math.sqrt(2)), ("POWER(2, 10)", 1024), ("POWER(2, -1)", 0.5), ("POWER(2.0, 0.5)", math.sqrt(2)), ("POWER(-2, 3)", -8),
    ("PI()", math.pi), ("COS(1)", math.cos(1)), ("SIN(1)", math.sin(1)), ("TAN(1)", math.tan(1)), ("COT(1)", 1 / math.tan(1)),
    ("ACOS(0.5)", math.acos(0.5)), ("ASIN(0.5)", math.asin(0.5)), ("ASIN(-1)", -math.pi / 2), ("ATAN(2)", math.atan(2)),
    ("ATAN2(1, -1)", math.atan2(1, -1)), ("ATAN2(-1, -1)", math.atan2(-1, -1)), ("ATAN2(0, -1)", math.pi), ("ATAN2(2, 1)", math.atan2(2, 1)),
    ("MOD(7, 3)", 1), ("MOD(-7, 3)", -1), ("MOD(7, -3)", 1), ("MOD(-7, -3)", -1), ("MOD(7.5, 2)", 1.5), ("MOD(-7.5, 2)", -1.5),
    ("MOD(7.5, -2)", 1.5), ("MOD(6, 3)", 0), ("MOD(5, 0.3)", math.fmod(5, 0.3)),
    ("ROUND(2.5)", 3), ("ROUND(-2.5)", -3), ("ROUND(3.5)", 4), ("ROUND(2.4999)", 2), ("ROUND(1234.567, 2)", 1234.57),
    ("ROUND(1234.567, 0)", 1235), ("ROUND(1234.567, -2)", 1200), ("ROUND(1250, -2)", 1300), ("ROUND(-1250, -2)", -1300), ("ROUND(0.125, 2)", 0.13),
    ("ROUND(12345678901234567, -3)", 12345678901235000), ("ROUND(5, -1)", 10), ("ROUND(4, -1)", 0), ("ROUND(1E300)", 1e300), ("ROUND(1234567890123456)", 1234567890123456), ("ROUND(-9007199254740991.0)", -9007199254740991.0),
    ("ROUND(0.1234567890123456, 16)", 0.1234567890123456),
    ("TRUNCATE(1.99)", 1), ("TRUNCATE(-1.99)", -1), ("TRUNCATE(1234.567, 2)", 1234.56), ("TRUNCATE(-1234.567, 1)", -1234.5),
    ("TRUNCATE(1299, -2)", 1200), ("TRUNCATE(-1299, -2)", -1200), ("TRUNCATE(99, -2)", 0), ("TRUNCATE(5.5, 0)", 5), ("TRUNCATE(0.9999999999999999, 0)", 0), ("TRUNCATE(9007199254740991, 0)", 9007199254740991),
])  # fmt: skip
def test_functions_of_numbers_give_what_python_gives(run: Run, expression: str, expected: float) -> None:
    assert value(run, expression) == pytest.approx(
        expected,
        rel=0 if "ROUND" in expression or "TRUNC" in expression else 1e-14,
        abs=0 if "ROUND" in expression else 1e-15,
    )


@pytest.mark.parametrize("function", [
    "ABS", "CEILING", "DEGREES", "EXP", "FLOOR", "LOG", "LOG10", "RADIANS", "SQRT", "ROUND", "TRUNCATE", "COS", "SIN", "TAN", "COT", "ACOS", "ASIN", "ATAN",
])  # fmt: skip
@pytest.mark.parametrize("column", ["small", "whole", "big", "single", "wide", "NULL"])
def test_functions_of_every_type_of_number_are_doubles(
    run: Run, reader: psycopg.Connection, function: str, column: str
) -> None:
    query = f"SELECT {function}({column}) AS x FROM answers.typed WHERE id = 0"
    ((found,),) = run(query)
    assert translate(query, read_catalogue(reader)).outputs[0].info.type is types.DOUBLE
    assert (found is None) if column == "NULL" else isinstance(found, float)


@pytest.mark.parametrize(("expression", "expected"), [
    ("7 / 2", 3), ("-7 / 2", -3), ("7 / 2.0", 3.5), ("7. / 2", 3.5), ("1 / 3600", 0), ("1 / 3600.", 1 / 3600), ("5 - -1", 6), ("5 - - 1", 6), ("5--1\n", 5),
    ("5 + -1", 4), ("-(-5)", 5), ("+5", 5), ("10 - (4 - 3)", 9), ("10 - 4 - 3", 3), ("(10 - 4) - 3", 3), ("100 / (10 / 5)", 50),
    ("100 / 10 / 5", 2), ("100 / 10 * 5", 50), ("100 / (10 * 5)", 2), ("2 + 3 * 4", 14), ("(2 + 3) * 4", 20), ("2 * 3 + 4", 10), ("-2 * -3", 6), ("2 * -3", -6),
    ("-2 + 3", 1), ("-(2 + 3)", -5), ("10 - 2 * 3 - 1", 3), ("10 - (2 - (3 - (4 - 5)))", 12), ("1.5E3 + .5", 1500.5), ("12. + 1", 13.0),
    ("1E-3", 0.001), ("2147483647 + CAST(1 AS BIGINT)", 2**31), ("2147483648", 2**31), ("9223372036854775807", 2**63 - 1), ("-9223372036854775807", 1 - 2**63),
    ("9223372036854775808", 2.0**63), ("0.1 + 0.2", 0.1 + 0.2), ("3 * 1.1", 3 * 1.1), ("2 * NULL", None), ("NULL + 1", None), ("-NULL", None),
    ("1 - 1.0", 0.0), ("MOD(7, 3) * 2", 2), ("2 - ABS(-1) - 1", 0.0), ("3000000000 * 2", 6000000000), ("7 / 2 * 2.0", 6.0),
    ("CASE WHEN 1 < 2 AND 2 > 3 OR 1 = 1 THEN 1 ELSE 0 END", 1), ("CASE WHEN 1 = 1 OR 1 = 1 AND 1 = 2 THEN 1 ELSE 0 END", 1),
    ("CASE WHEN (1 = 1 OR 1 = 1) AND 1 = 2 THEN 1 ELSE 0 END", 0), ("CASE WHEN NOT 1 = 2 AND 1 = 2 THEN 1 ELSE 0 END", 0),
    ("CASE WHEN NOT (1 = 2 AND 1 = 2) THEN 1 ELSE 0 END", 1),
])  # fmt: skip
def test_arithmetic_is_that_of_python(run: Run, expression: str, expected: Any) -> None:
    found = value(run, expression)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("condition", "expected"), [
    ("big = 4295806720", [1]), ("big = 4295806720.0", [1]), ("4295806720.0 = big", [1]), ("big = 4.29580672E9", [1]), ("big = 4295806720.5", []),
    ("big > 4295806719.5", [1, 3]), ("big BETWEEN 1E9 AND 1E10", [1]), ("big = 9007199254740993", [3]), ("big = 9007199254740992", []),
    ("big <> 9007199254740992", [0, 1, 2, 3]), ("big IN (1.0, 4295806720.0)", [0, 1]), ("big IN (1, 4295806720, 99999999999999999999)", [0, 1]),
    ("big < -4.6E18", [2]), ("big = -4611686018427387904", [2]), ("big > -1E30", [0, 1, 2, 3]), ("big < 1E30", [0, 1, 2, 3]), ("small = 1.0", [0]),
    ("small < 1E10", [0, 1, 2, 3]), ("small = 100000", []), ("whole > 2147483646", [3]), ("whole < 2147483648", [0, 1, 2, 3]), ("whole = 2.5", []),
    ("single = 1.5", [3]), ("single > 0.1", [0, 1, 2, 3]), ("wide = 0.1", [0]), ("wide = 0.1 AND single <> wide", [0]), ("big + 0.5 = 1.5", [0]),
    ("yes = 1", [0, 2]), ("yes = 0", [1]), ("yes = 'true'", [0, 2]), ("yes = 'T'", [0, 2]), ("'false' = yes", [1]), ("yes <> 1", [1]), ("yes IS NULL", [3]),
    ("yes IN (1)", [0, 2]), ("NOT yes = 1", [1]), ("yes = yes", [0, 1, 2]),
    ("moment = '2015-01-01T00:00:00'", [0]), ("moment = '2015-01-01'", [0]), ("moment >= '2015-01-01T00:00:00Z'", [0, 1]), ("moment < '2000-01-01'", [2]),
    ("moment BETWEEN '2016-02-29T12:30:15.2' AND '2016-02-29T12:30:15.3'", [1]), ("moment IN ('2015-01-01', '1999-12-31T23:59:59')", [0, 2]),
    ("moment > CAST('2015-06-01' AS TIMESTAMP)", [1]), ("moment IS NOT NULL", [0, 1, 2]), ("'2016-01-01' < moment", [1]),
])  # fmt: skip
def test_types_compare_by_value(run: Run, condition: str, expected: list[int]) -> None:
    assert [row[0] for row in run(f"SELECT id FROM answers.typed WHERE {condition} ORDER BY id")] == expected


@pytest.mark.parametrize("condition", [
    "small = '1'", "text = 1", "yes = 2", "yes = 'perhaps'", "moment = 'now'", "moment = '2015-01-01T00:00:00+02:00'", "moment > 2015", "moment = '01.01.2015'",
    "text LIKE 1", "small LIKE '1%'", "yes + 1 = 2", "moment + 1 = 2", "text * 3 = 1", "LOWER(small) = '1'", "ABS(text) = 1", "moment BETWEEN 1 AND 2",
    "small IN ('1')", "NULLIF(small, 'x') = 1", "COALESCE(small, 'x') = 1",
])  # fmt: skip
def test_types_that_do_not_go_together_are_refused(run: Run, condition: str) -> None:
    with pytest.raises(AdqlError):
        run(f"SELECT id FROM answers.typed WHERE {condition}")


# ---- strings

PATTERNS = [
    ("name LIKE 'a_b'", [2]), ("name LIKE 'a\\_b'", []), ("name LIKE 'a%'", [2, 3]), ("name LIKE '%\\%'", [5]), ("name LIKE 'back\\slash'", [5]),
    ("name LIKE 'back_slash'", [5]), ("name LIKE '50%'", [4]), ("name LIKE '50\\%'", []), ("name LIKE 'vega'", []), ("name ILIKE 'vega'", [1]),
    ("name ILIKE 'V%A'", [1]), ("name ILIKE 'A\\_B'", []), ("name NOT LIKE 'a%'", [1, 4, 5]), ("name NOT ILIKE 'VEGA'", [2, 3, 4, 5]), ("name LIKE '%'", [1, 2, 3, 4, 5]),
    ("name LIKE ''", []), ("name LIKE NULL", []), ("name = 'vega'", []), ("LOWER(name) = 'vega'", [1]), ("UPPER(name) = 'VEGA'", [1]), ("name = 'Vega '", []),
    ("name = 'back\\slash'", [5]), ("name || '' = 'ab'", [3]), ("name < 'a'", [1, 4]), ("name BETWEEN 'a' AND 'b'", [2, 3]), ("name IN ('ab', 'Vega')", [1, 3]),
    ("'ab' LIKE name", [3]), ("name LIKE 'V' || '%'", [1]), ("name LIKE '_____'", []), ("name LIKE '____'", [1]),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "expected"), PATTERNS)
def test_patterns_have_no_escape(run: Run, condition: str, expected: list[int]) -> None:
    assert [row[0] for row in run(f"SELECT id FROM answers.items WHERE {condition} ORDER BY id")] == expected


@pytest.mark.parametrize(("expression", "expected"), [
    ("'it''s'", "it's"), ("'a\\n'", "a\\n"), ("'%s %(x)s {0}'", "%s %(x)s {0}"), ("'a' || 'b'", "ab"), ("'a' || 1", "a1"), ("1 || 2", "12"), ("'x' || 1.5", "x1.5"),
    ("(1 + 1) || 'x'", "2x"), ("'a' || NULL", None), ("'a' || (-1)", "a-1"), ("'a' || 'b' || 'c'", "abc"), ("LOWER('ÄÖÜ aBc')", "äöü abc"), ("UPPER('äöü aBc')", "ÄÖÜ ABC"),
    ("LOWER(NULL)", None), ("'' || ''", ""), ("'$1 ; -- /* */'", "$1 ; -- /* */"), ("UPPER('x' || 'y')", "XY"), ("'☆' || 'x'", "☆x"),
])  # fmt: skip
def test_strings_are_what_they_say(run: Run, expression: str, expected: str | None) -> None:
    assert value(run, expression) == expected


def test_letters_beyond_ascii_change_case(run: Run) -> None:
    assert run("SELECT id FROM answers.typed WHERE LOWER(text) = 'äpfel' ORDER BY id") == [(0,), (1,)]
    assert run("SELECT id FROM answers.typed WHERE text ILIKE 'äPFE_' ORDER BY id") == [(0,), (1,)]


# ---- CAST, CASE, COALESCE, NULLIF


@pytest.mark.parametrize(("expression", "expected"), [
    ("CAST(2.5 AS INTEGER)", 2), ("CAST(3.5 AS INTEGER)", 4), ("CAST(2.4 AS SMALLINT)", 2), ("CAST('12' AS INTEGER)", 12), ("CAST(' 12 ' AS BIGINT)", 12),
    ("CAST('1.5' AS DOUBLE PRECISION)", 1.5), ("CAST('1e3' AS REAL)", 1000.0), ("CAST(7 AS REAL)", 7.0), ("CAST(7 AS DOUBLE PRECISION)", 7.0),
    ("CAST(4295806720 AS BIGINT)", 4295806720), ("CAST(1 AS VARCHAR)", "1"), ("CAST(1.5 AS VARCHAR)", "1.5"), ("CAST(1.50 AS CHAR)", "1.5"), ("CAST('abc' AS CHAR)", "abc"),
    ("CAST('abc' AS CHAR(2))", "ab"), ("CAST('abc' AS VARCHAR(2))", "ab"), ("CAST('abc' AS VARCHAR(10)) || 'x'", "abcx"), ("CAST('äöü' AS VARCHAR(2))", "äö"),
    ("CAST('2015-01-01T12:00:00' AS TIMESTAMP)", T(2015, 1, 1, 12)), ("CAST('2015-01-01' AS TIMESTAMP)", T(2015, 1, 1)),
    ("CAST('2015-01-01 12:00:00.5Z' AS TIMESTAMP)", T(2015, 1, 1, 12, 0, 0, 500_000)),
    ("CAST(CAST('2015-01-01T12:00:00' AS TIMESTAMP) AS VARCHAR)", "2015-01-01T12:00:00.000"), ("CAST(NULL AS INTEGER)", None), ("CAST(NULL AS VARCHAR)", None),
    ("CAST(-1.5 AS VARCHAR)", "-1.5"), ("CAST(1E20 AS VARCHAR)", "1e+20"), ("CAST(CAST(0.1 AS REAL) AS VARCHAR)", "0.1"), ("CAST(7 / 2 AS DOUBLE PRECISION)", 3.0),
    ("CAST(7 AS DOUBLE PRECISION) / 2", 3.5), ("COALESCE(NULL, 2)", 2), ("COALESCE(NULL, NULL)", None), ("COALESCE(1, 2.5)", 1.0), ("COALESCE(NULL, 'a', 'b')", "a"),
    ("COALESCE(NULL, 1, 4295806720)", 1), ("NULLIF(1, 1)", None), ("NULLIF(1, 2)", 1), ("NULLIF('a', 'b')", "a"), ("NULLIF(1, 1.0)", None), ("NULLIF(NULL, 1)", None),
    ("CASE WHEN 1 = 2 THEN 'a' ELSE 'b' END", "b"), ("CASE WHEN 1 = 2 THEN 'a' END", None), ("CASE 3 WHEN 2 THEN 'two' WHEN 3 THEN 'three' END", "three"),
    ("CASE WHEN 1 = 1 THEN 1 ELSE 2.5 END", 1.0), ("CASE NULL WHEN NULL THEN 1 ELSE 0 END", 0), ("CASE WHEN NULL = NULL THEN 1 ELSE 0 END", 0),
    ("CASE 1 WHEN 1.0 THEN 'same' END", "same"), ("CASE WHEN 1 = 1 THEN NULL ELSE 5 END", None), ("CASE WHEN 0 = 1 THEN 1 / 0 ELSE 2 END", 2),
])  # fmt: skip
def test_casts_and_choices_give_values_of_their_type(run: Run, expression: str, expected: Any) -> None:
    found = value(run, expression)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("column", ["small", "whole", "big", "single", "wide", "yes", "text", "moment"])
@pytest.mark.parametrize(
    "target",
    ["SMALLINT", "INTEGER", "BIGINT", "REAL", "DOUBLE PRECISION", "CHAR", "VARCHAR", "VARCHAR(3)", "TIMESTAMP"],
)
def test_every_cast_works_or_is_refused_at_once(run: Run, reader: psycopg.Connection, column: str, target: str) -> None:
    query = f"SELECT CAST({column} AS {target}) AS x, {column} AS y FROM answers.typed WHERE id = 1"
    try:
        wanted = translate(query, read_catalogue(reader)).outputs[0].info.type
    except AdqlError:
        assert column == "moment" or target == "TIMESTAMP"
        return
    try:
        ((found, original),) = run(query)
    except (psycopg.errors.InvalidTextRepresentation, psycopg.errors.InvalidDatetimeFormat):
        assert column == "text"
        return
    except psycopg.errors.NumericValueOutOfRange:
        assert column == "big"
        assert target in {"SMALLINT", "INTEGER"}
        return
    assert wanted is not None
    if target == "VARCHAR(3)":
        assert isinstance(found, str)
        assert len(found) <= 3
    elif wanted.is_numeric:
        assert float(found) == pytest.approx(
            float(original), abs=0.5 if wanted.is_integer else 1e-7 * abs(float(original))
        )


def test_a_boolean_is_cast_to_one_and_zero(run: Run) -> None:
    assert run("SELECT CAST(yes AS INTEGER), CAST(yes AS SMALLINT), CAST(yes AS DOUBLE PRECISION) FROM answers.typed ORDER BY id") == [
        (1, 1, 1.0), (0, 0, 0.0), (1, 1, 1.0), (None, None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["now", "tomorrow", "2015-01-01T00:00:00+02:00", "2015-13-01", "epoch", "12:00:00", "2015"]
)
def test_what_is_no_timestamp_of_dali_is_no_timestamp(run: Run, text: str) -> None:
    with pytest.raises((AdqlError, psycopg.DataError)):
        value(run, f"CAST('{text}' AS TIMESTAMP)")


NULLS = "(SELECT NULL AS x FROM answers.items WHERE id = 1) AS q"


@pytest.mark.parametrize(("query", "expected"), [
    ("SELECT SUM(NULL), AVG(NULL), COUNT(NULL), MAX(NULL) FROM answers.items", [(None, None, 0, None)]), ("SELECT NULL + NULL FROM answers.items WHERE id = 1", [(None,)]),
    ("SELECT MOD(NULL, NULL) FROM answers.items WHERE id = 1", [(None,)]),
    (f"SELECT q.x || 'a' FROM {NULLS}", [(None,)]),
    ("SELECT id FROM answers.items WHERE id IN (SELECT NULL FROM answers.titles)", []), ("SELECT id FROM answers.items WHERE NULL IS NULL AND id = 1", [(1,)]),
])  # fmt: skip
def test_a_null_stands_wherever_a_value_may(run: Run, query: str, expected: list[Any]) -> None:
    assert run(query) == expected


@pytest.mark.parametrize("expression", ["q.x + 1", "SUM(q.x)", "COALESCE(q.x, 5)", "NULLIF(q.x, 5)"])
def test_a_column_that_is_nothing_but_null_is_text_and_no_number(run: Run, expression: str) -> None:
    with pytest.raises(AdqlError):
        run(f"SELECT {expression} FROM {NULLS}")


# ---- units


@pytest.mark.parametrize(("expression", "row", "expected"), [
    ("IN_UNIT(parallax, 'arcsec')", 1, 0.13023), ("IN_UNIT(parallax, 'deg')", 1, 130.23 / 3.6e6), ("IN_UNIT(x, 'arcmin')", 1, 90.0), ("IN_UNIT(x, 'rad')", 1, math.radians(1.5)),
    ("IN_UNIT(x * 2, 'arcsec')", 1, 3 * 3600.0), ("IN_UNIT(x * x, 'arcmin**2')", 1, 2.25 * 3600), ("IN_UNIT(-x, 'arcmin')", 1, -90.0),
    ("IN_UNIT(x + x, 'arcmin')", 1, 180.0), ("IN_UNIT(parallax / x, 'mas/rad')", 1, 130.23 / math.radians(1.5)), ("IN_UNIT(parallax, 'arcsec')", 4, None),
    ("IN_UNIT(DISTANCE(x, 0, 0, 0), 'arcmin')", 1, 90.0), ("IN_UNIT(x, 'deg')", 2, -2.5), ("IN_UNIT(ATAN2(1, 1), 'deg')", 1, 45.0),
])  # fmt: skip
def test_units_are_converted(run: Run, expression: str, row: int, expected: float | None) -> None:
    ((found,),) = run(f"SELECT {expression} FROM answers.items WHERE id = {row}")
    assert found == (expected if expected is None else pytest.approx(expected, rel=1e-12))


@pytest.mark.parametrize("expression", [
    "IN_UNIT(n, 'deg')", "IN_UNIT(x, 'km')", "IN_UNIT(x, 'parsecs')", "IN_UNIT(x, '')", "IN_UNIT(1.5, 'deg')", "IN_UNIT(x + parallax, 'deg')", "IN_UNIT(x, name)", "IN_UNIT(name, 'deg')",
])  # fmt: skip
def test_impossible_units_are_refused(run: Run, expression: str) -> None:
    with pytest.raises(AdqlError):
        run(f"SELECT {expression} FROM answers.items")


# ---- aggregates


@pytest.mark.parametrize(("expression", "expected"), [
    ("COUNT(*)", 4), ("COUNT(yes)", 3), ("COUNT(DISTINCT small)", 4), ("COUNT(DISTINCT yes)", 2), ("SUM(small)", 32767), ("SUM(whole)", 2**31 - 1),
    ("SUM(big)", 1 + 4295806720 - 2**62 + 2**53 + 1), ("AVG(small)", 32767 / 4), ("AVG(whole)", (2**31 - 1) / 4), ("MIN(small)", -3), ("MAX(big)", 2**53 + 1),
    ("AVG(window)", 6.5), ("SUM(wide) / 2", 5e299), ("MAX(text)", "ÄPFEL"), ("MIN(moment)", T(1999, 12, 31, 23, 59, 59)), ("MAX(moment)", T(2016, 2, 29, 12, 30, 15, 250_000)),
    ("SUM(yes)", 2), ("AVG(yes)", 2 / 3), ("MAX(yes)", 1), ("MIN(yes)", 0), ("SUM(ALL small)", 32767), ('SUM(DISTINCT "quo""te")', 17), ('COUNT(ALL "quo""te")', 4),
    ("MAX(whole) / MIN(small)", -((2**31 - 1) // 3)), ("COUNT(*) / 3", 1), ("SUM(small) / COUNT(*)", 8191), ("AVG(small * 1.0)", 32767 / 4), ("MAX(ABS(small))", 32767.0),
])  # fmt: skip
def test_aggregates_have_their_values_and_types(run: Run, expression: str, expected: Any) -> None:
    if expression == "MAX(text)":
        expected = max(t for t in ("Äpfel", "ÄPFEL", "straße"))
    ((found,),) = run(f"SELECT {expression} AS x FROM answers.typed")
    assert found == expected
    assert type(found) is type(expected)


def test_sums_of_reals_do_not_lose_small_terms(run: Run) -> None:
    import numpy as np

    terms = np.array([0.1, 0.2, 16777216, 1.5], np.float32).astype(float)
    assert run("SELECT SUM(single), AVG(single) FROM answers.typed") == [
        (pytest.approx(terms.sum(), rel=1e-15), pytest.approx(terms.mean(), rel=1e-15))
    ]


def test_aggregates_of_nothing_are_null_and_zero(run: Run) -> None:
    assert run("SELECT COUNT(*), COUNT(n), SUM(n), AVG(n), MIN(n), MAX(name) FROM answers.items WHERE id > 99") == [
        (0, 0, None, None, None, None)
    ]
    assert run("SELECT kind, COUNT(*) FROM answers.items WHERE id > 99 GROUP BY kind") == []


# ---- the clauses, against SQLite: what stands for rows and names is replaced for each

R, N = "answers.items", "answers.titles"
QUERIES = [
    "SELECT id FROM {r} ORDER BY x", "SELECT id FROM {r} ORDER BY x DESC", "SELECT id FROM {r} ORDER BY kind DESC, id", "SELECT id FROM {r} ORDER BY kind, id DESC",
    "SELECT id, x AS y FROM {r} ORDER BY y DESC, id", "SELECT id, x FROM {r} ORDER BY 2, 1", "SELECT id FROM {r} ORDER BY -n, id", "SELECT id FROM {r} ORDER BY ABS(x), id",
    "SELECT id, -x AS x FROM {r} ORDER BY x", "SELECT DISTINCT kind FROM {r} ORDER BY kind", "SELECT DISTINCT kind, n FROM {r} ORDER BY 1, 2",
    "SELECT DISTINCT n / 4 AS q FROM {r} ORDER BY q",
    "SELECT kind, COUNT(*), COUNT(x), SUM(n) FROM {r} GROUP BY kind ORDER BY kind", "SELECT kind AS k, COUNT(*) FROM {r} GROUP BY k ORDER BY k",
    "SELECT kind, COUNT(*) FROM {r} GROUP BY 1 ORDER BY 1", "SELECT n / 4, COUNT(*) FROM {r} GROUP BY n / 4 ORDER BY 1", "SELECT kind, n, COUNT(*) FROM {r} GROUP BY kind, n ORDER BY 1, 2",
    "SELECT n / 4 + 1, COUNT(*) FROM {r} GROUP BY n / 4 ORDER BY 1", "SELECT COUNT(*) FROM {r} GROUP BY kind ORDER BY kind",
    "SELECT kind FROM {r} GROUP BY kind ORDER BY COUNT(*) DESC, kind", "SELECT kind, MAX(x) FROM {r} GROUP BY kind HAVING COUNT(*) > 1 ORDER BY kind",
    "SELECT kind, AVG(parallax) AS m FROM {r} GROUP BY kind HAVING AVG(parallax) > 1 ORDER BY m", "SELECT COUNT(*) FROM {r} HAVING COUNT(*) > 100", "SELECT COUNT(*) FROM {r} HAVING MAX(n) = 10",
    "SELECT kind FROM {r} GROUP BY kind HAVING kind IS NOT NULL AND SUM(n) > -100 ORDER BY kind",
    "SELECT id FROM {r} WHERE n > 0 AND x < 10 OR kind = 'B' ORDER BY id", "SELECT id FROM {r} WHERE NOT (n > 0 OR x IS NULL) ORDER BY id", "SELECT id FROM {r} WHERE n NOT IN (10, 0) ORDER BY id",
    "SELECT id FROM {r} WHERE n IN (10, NULL) ORDER BY id", "SELECT id FROM {r} WHERE n NOT IN (10, NULL) ORDER BY id", "SELECT id FROM {r} WHERE n BETWEEN 10 AND -7 ORDER BY id",
    "SELECT id FROM {r} WHERE n NOT BETWEEN -7 AND 3 ORDER BY id", "SELECT id FROM {r} WHERE n - x > 0 ORDER BY id", "SELECT id FROM {r} WHERE COALESCE(n, x, -1) = -1 ORDER BY id",
    "SELECT a.id, b.id FROM {r} AS a, {r} AS b WHERE a.n = b.n AND a.id < b.id", "SELECT r.id, s.title FROM {r} AS r JOIN {n} AS s ON r.id = s.id ORDER BY 1, 2",
    "SELECT r.id, s.title FROM {r} AS r LEFT JOIN {n} AS s ON r.id = s.id ORDER BY 1, 2", "SELECT r.id, s.title FROM {r} AS r RIGHT OUTER JOIN {n} AS s ON r.id = s.id ORDER BY 1, 2",
    "SELECT r.id, s.id, s.title FROM {r} AS r FULL OUTER JOIN {n} AS s ON r.id = s.id ORDER BY 1, 2, 3",
    "SELECT r.id, s.id FROM {r} AS r LEFT JOIN {n} AS s ON r.id = s.id AND s.n < 0 WHERE r.n IS NOT NULL ORDER BY 1",
    "SELECT id, name, title FROM {r} JOIN {n} USING (id) ORDER BY 1, 3", "SELECT id, title FROM {r} FULL JOIN {n} USING (id) ORDER BY 1, 2",
    "SELECT id, title FROM {r} RIGHT JOIN {n} USING (id) ORDER BY 1, 2", "SELECT id, n, name, title FROM {r} NATURAL JOIN {n} ORDER BY 1, 4",
    "SELECT id, n, title FROM {r} NATURAL FULL JOIN {n} ORDER BY 1, 2, 3", "SELECT id, n, title FROM {r} NATURAL LEFT JOIN {n} ORDER BY 1, 2",
    "SELECT id, COUNT(*) FROM {r} FULL JOIN {n} USING (id) GROUP BY id ORDER BY id", "SELECT id FROM {r} FULL JOIN {n} USING (id) WHERE id > 2 ORDER BY id",
    "SELECT a.id, b.id, c.title FROM {r} AS a JOIN ({r} AS b JOIN {n} AS c ON b.id = c.id) ON a.n = b.n ORDER BY 1, 2, 3",
    "SELECT a.id, b.id, c.title FROM {r} AS a LEFT JOIN {r} AS b ON a.n = b.n AND a.id <> b.id LEFT JOIN {n} AS c ON c.id = b.id ORDER BY 1, 2, 3",
    "SELECT id FROM {r} AS a WHERE EXISTS (SELECT 1 FROM {n} AS b WHERE b.id = a.id AND b.n = a.n) ORDER BY id",
    "SELECT id FROM {r} AS a WHERE NOT EXISTS (SELECT * FROM {n} AS b WHERE b.id = a.id) ORDER BY id", "SELECT id FROM {r} WHERE id IN (SELECT id FROM {n}) ORDER BY id",
    "SELECT id FROM {r} WHERE id NOT IN (SELECT id FROM {n}) ORDER BY id", "SELECT id FROM {r} WHERE id NOT IN (SELECT id FROM {n} WHERE id IS NOT NULL) ORDER BY id",
    "SELECT id FROM {r} AS a WHERE n IN (SELECT b.n FROM {n} AS b WHERE b.id = a.id) ORDER BY id",
    "SELECT id FROM {r} AS a WHERE EXISTS (SELECT 1 FROM {n} AS b WHERE b.id = a.id AND EXISTS (SELECT 1 FROM {r} AS c WHERE c.id = b.id AND c.n = a.n)) ORDER BY id",
    "SELECT id FROM {r} AS a WHERE id IN (SELECT MAX(b.id) FROM {r} AS b WHERE b.kind = a.kind) ORDER BY id",
    "SELECT q.k, q.c FROM (SELECT kind AS k, COUNT(*) AS c FROM {r} GROUP BY kind) AS q WHERE q.c > 1 ORDER BY q.k",
    "SELECT MAX(c) FROM (SELECT COUNT(*) AS c FROM {r} GROUP BY kind) AS q", "SELECT q.id, z FROM (SELECT id, x * 2 AS z FROM {r}) AS q JOIN {n} AS s ON q.id = s.id ORDER BY 1",
    "WITH a AS (SELECT id, n FROM {r} WHERE n > 0), b AS (SELECT id + 1 AS id FROM a) SELECT a.id, b.id FROM a JOIN b ON a.id < b.id ORDER BY 1, 2",
    "WITH a AS (SELECT kind, COUNT(*) AS c FROM {r} GROUP BY kind) SELECT p.kind, q.kind FROM a AS p JOIN a AS q ON p.c = q.c AND p.kind < q.kind ORDER BY 1",
    "WITH a AS (SELECT id FROM {n}) SELECT id FROM {r} WHERE id IN (SELECT id FROM a) AND EXISTS (SELECT 1 FROM a AS z WHERE z.id = 7) ORDER BY id",
    "SELECT id FROM {r} UNION SELECT id FROM {n} ORDER BY id", "SELECT id FROM {r} UNION ALL SELECT id FROM {n} ORDER BY id", "SELECT id FROM {r} INTERSECT SELECT id FROM {n} ORDER BY id",
    "SELECT id FROM {r} EXCEPT SELECT id FROM {n} ORDER BY id", "SELECT id, name FROM {r} WHERE id < 2 UNION SELECT id, title FROM {n} ORDER BY 1, 2",
    "SELECT n FROM {r} UNION SELECT x FROM {r} ORDER BY 1", "SELECT id AS a FROM {r} EXCEPT SELECT id FROM {n} WHERE id = 2 ORDER BY a DESC",
    "SELECT id FROM {r} EXCEPT SELECT 1 FROM {r} UNION SELECT 99 FROM {r} ORDER BY id", "SELECT q.id FROM (SELECT id FROM {r} UNION SELECT id FROM {n}) AS q WHERE q.id > 3 ORDER BY 1",
    "SELECT id, CASE WHEN n > 0 THEN 'p' WHEN n < 0 THEN 'm' ELSE 'z' END FROM {r} ORDER BY id", "SELECT id, CASE kind WHEN 'A' THEN n ELSE x END FROM {r} ORDER BY id",
    "SELECT kind, SUM(CASE WHEN n > 0 THEN 1 ELSE 0 END) FROM {r} GROUP BY kind ORDER BY kind", "SELECT COUNT(DISTINCT kind), COUNT(DISTINCT n), COUNT(n) FROM {r}",
    "SELECT id, 'it''s -- no comment' AS t FROM {r} -- a comment\n WHERE id = 1", "SELECT id, NULLIF(n, 10), COALESCE(n, 0) FROM {r} ORDER BY id", "SELECT r.*, s.title FROM {r} AS r JOIN {n} AS s ON s.id = r.id ORDER BY r.id, 7",
]  # fmt: skip


def nulls_last(query: str, lite: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """SQLite's answer with NULLs after all else in both directions, which is what we decided."""
    head, word, keys = query.rpartition(" ORDER BY ")
    if word:
        depth, parts = 0, [""]
        for letter in keys:
            depth += (letter == "(") - (letter == ")")
            parts = [*parts, ""] if letter == "," and not depth else [*parts[:-1], parts[-1] + letter]
        query = head + word + ", ".join(f"{part} NULLS LAST" for part in parts)
    return lite.execute(query.format(r="t_rows", n="t_names")).fetchall()


@pytest.mark.parametrize("query", QUERIES)
def test_clauses_answer_as_in_sqlite(run: Run, lite: sqlite3.Connection, query: str) -> None:
    assert run(query.format(r=R, n=N)) == nulls_last(query, lite)


@pytest.mark.parametrize(("query", "expected"), [
    # INTERSECT binds tighter than UNION and EXCEPT, which SQLite does not know.
    ("SELECT 1 AS a FROM {r} UNION SELECT 2 FROM {r} INTERSECT SELECT 3 FROM {r}", {1}),
    ("(SELECT 1 AS a FROM {r} UNION SELECT 2 FROM {r}) INTERSECT SELECT 3 FROM {r}", set()),
    ("SELECT id FROM {r} EXCEPT SELECT id FROM {n} INTERSECT SELECT 2 FROM {r}", {1, 3, 4, 5, 6}),
    ("SELECT id FROM {r} EXCEPT (SELECT id FROM {r} EXCEPT SELECT 2 FROM {r})", {2}),
    ("SELECT id FROM {r} EXCEPT SELECT id FROM {r} EXCEPT SELECT 2 FROM {r}", set()),
    ("SELECT TOP 1 id FROM {r} WHERE id = 4 UNION SELECT TOP 1 id FROM {n} WHERE id = 7", {4, 7}),
    ("(SELECT TOP 2 id FROM {r} ORDER BY id DESC) UNION (SELECT TOP 1 id FROM {r} ORDER BY id)", {6, 5, 1}),
    ("(SELECT id FROM {r} ORDER BY id OFFSET 4) UNION ALL (SELECT TOP 1 id FROM {r} ORDER BY id OFFSET 1)", {5, 6, 2}),
    ("SELECT 1 AS a FROM {r} UNION SELECT 1.5 FROM {r}", {1.0, 1.5}),
    ("SELECT NULL AS a FROM {r} UNION SELECT 5 FROM {r}", {None, 5}),
    ("SELECT n FROM {r} WHERE n > 5 UNION SELECT 4295806720 FROM {r}", {10, 4295806720}),
])  # fmt: skip
def test_set_operations_keep_to_their_precedence_and_types(run: Run, query: str, expected: set[Any]) -> None:
    rows = run(query.format(r=R, n=N))
    assert {row[0] for row in rows} == expected
    assert len(rows) == len(expected)


@pytest.mark.parametrize(("query", "expected"), [
    ("SELECT id FROM {r} INTERSECT ALL SELECT id FROM {n}", [2, 3]), ("SELECT id FROM {n} EXCEPT ALL SELECT id FROM {r}", [3, 7, None]),
    ("SELECT n FROM {r} UNION ALL SELECT n FROM {n} ORDER BY n DESC", [10, 10, 9, 5, 3, 0, 0, -7, -7, None, None]),
    ("SELECT id AS a FROM {r} UNION SELECT id FROM {n} ORDER BY -a", [7, 6, 5, 4, 3, 2, 1, None]),
    ("SELECT id FROM {r} UNION SELECT id FROM {n} ORDER BY id DESC OFFSET 5", [2, 1, None]),
    ("SELECT TOP 3 id FROM {r} ORDER BY x DESC", [4, 6, 1]), ("SELECT TOP 2 id FROM {r} ORDER BY id OFFSET 3", [4, 5]), ("SELECT id FROM {r} ORDER BY id OFFSET 4", [5, 6]),
    ("SELECT TOP 0 id FROM {r}", []), ("SELECT TOP 9 id FROM {r} ORDER BY id OFFSET 99", []), ("SELECT DISTINCT TOP 2 kind FROM {r} ORDER BY kind DESC", ["C", "B"]),
    ("SELECT TOP 1 id FROM {r} ORDER BY x ASC", [2]), ("SELECT TOP 1 parallax FROM {r} ORDER BY parallax DESC", [130.23]), ("SELECT id FROM {r} ORDER BY 1.5, id DESC", [6, 5, 4, 3, 2, 1]),
    ("SELECT id FROM {r} ORDER BY 'x', id", [1, 2, 3, 4, 5, 6]), ("SELECT id FROM {r} ORDER BY CASE WHEN kind = 'B' THEN 0 ELSE 1 END, id", [2, 5, 1, 3, 4, 6]),
    ("SELECT ALL kind FROM {r} ORDER BY kind", ["A", "A", "B", "B", "C", None]), ("SELECT COUNT(*) FROM {r} GROUP BY 'a'", [6]),
    ("SELECT q.id FROM (SELECT TOP 2 id FROM {r} ORDER BY id DESC) AS q ORDER BY q.id", [5, 6]), ("SELECT id FROM {r} WHERE id IN (SELECT TOP 2 id FROM {r} ORDER BY x DESC) ORDER BY id", [4, 6]),
    ("SELECT MAX(n) FROM {r} ORDER BY 1", [10]), ("SELECT id FROM {r} WHERE n = 10 ORDER BY id;", [1, 6]),
])  # fmt: skip
def test_tops_offsets_and_orders(run: Run, query: str, expected: list[Any]) -> None:
    found = [row[0] for row in run(query.format(r=R, n=N))]
    assert found == expected if "ORDER BY" in query else sorted(found, key=str) == sorted(expected, key=str)


# ---- names


@pytest.mark.parametrize(("query", "expected"), [
    ('SELECT "Mixed" FROM answers.typed WHERE id = 0', [(1,)]), ('SELECT "mixed" FROM answers.typed WHERE id = 0', [(10,)]), ('SELECT "quo""te" FROM answers.typed WHERE id = 0', [(9,)]),
    ("SELECT window FROM answers.typed WHERE WINDOW = 5", [(5,)]), ("SELECT id AS window FROM answers.typed ORDER BY window DESC OFFSET 3", [(0,)]), ("SELECT id limit FROM answers.typed WHERE id = 0", [(0,)]),
    ('SELECT id AS "select" FROM answers.typed ORDER BY "select" OFFSET 3', [(3,)]), ('SELECT "Select"."from" FROM (SELECT id AS "from" FROM answers.typed WHERE id = 1) AS "Select"', [(1,)]),
    ("SELECT a.id, b.id, a.id FROM answers.items AS a JOIN answers.titles AS b ON a.id = b.id WHERE a.id = 2", [(2, 2, 2)]), ("SELECT id AS x, x AS id FROM answers.items WHERE id = 1", [(1, 1.5)]),
    ("SELECT *, id FROM answers.titles WHERE id = 7", [(7, "seven", 9, 7)]), ("SELECT items.id FROM answers.items WHERE answers.items.id = 1", [(1,)]), ("SELECT ID, NaMe FROM ANSWERS.ITEMS WHERE Id = 1", [(1, "Vega")]),
    ('SELECT analyse.id FROM answers.items AS analyse WHERE analyse."id" = 1', [(1,)]), ("SELECT id AS " + "a" * 70 + ", n AS " + "a" * 69 + "b FROM answers.items WHERE id = 1", [(1, 10)]),
    ('SELECT q."x y", q."1" FROM (SELECT id AS "x y", n AS "1" FROM answers.items WHERE id = 1) AS q', [(1, 10)]), ("SELECT t1.id FROM answers.items AS t2, answers.titles AS t1 WHERE t1.id = 7 AND t2.id = 1", [(7,)]),
    ("SELECT c1 FROM (SELECT id AS c2, n AS c1 FROM answers.items WHERE id = 1) AS t1", [(10,)]), ("WITH w2 AS (SELECT 1 AS c1 FROM answers.items WHERE id = 1), w1 AS (SELECT c1 + 1 AS c1 FROM w2) SELECT w1.c1, w2.c1 FROM w1, w2", [(2, 1)]),
])  # fmt: skip
def test_names_mean_what_they_name(run: Run, query: str, expected: list[Any]) -> None:
    assert run(query) == expected


@pytest.mark.parametrize("query", [
    "SELECT mixed FROM answers.typed", "SELECT id FROM answers.items, answers.titles", 'SELECT "ID" FROM answers.items', "SELECT a.id FROM answers.items", "SELECT items.id FROM answers.items AS a",
    "SELECT id FROM answers.items JOIN answers.titles", "SELECT id, COUNT(*) FROM answers.items", "SELECT id FROM answers.items WHERE COUNT(*) > 1", "SELECT DISTINCT id FROM answers.items ORDER BY n",
    "SELECT id FROM answers.items UNION SELECT id, n FROM answers.titles", "SELECT id FROM answers.items UNION SELECT title FROM answers.titles", "SELECT SUM(COUNT(*)) FROM answers.items GROUP BY kind",
    "SELECT id FROM answers.items ORDER BY 2", "SELECT id FROM answers.items GROUP BY kind", "SELECT id AS a FROM answers.items WHERE a = 1", "SELECT b.id FROM answers.items AS a, answers.titles AS b JOIN answers.typed AS c ON a.id = c.id",
    "SELECT q.id FROM (SELECT a.id, b.id FROM answers.items AS a, answers.titles AS b) AS q", "SELECT id FROM answers.items AS a, answers.items AS a", "SELECT id FROM pg_catalog.pg_class", "SELECT pg_sleep(1) FROM answers.items",
])  # fmt: skip
def test_queries_without_one_meaning_are_refused(run: Run, query: str) -> None:
    with pytest.raises(AdqlError):
        run(query)


def test_a_natural_join_shows_the_common_columns_first_and_once(run: Run) -> None:
    """In the order of the left table (SQL-92 §7.5), which SQLite does not keep to."""
    assert run("SELECT * FROM answers.items NATURAL JOIN answers.titles WHERE id = 2") == [
        (2, -7, "a_b", "B", -2.5, 2.0, "two")
    ]
    assert run("SELECT * FROM answers.titles JOIN answers.items USING (n) WHERE n < 0") == [
        (-7, 2, "two", 2, "a_b", "B", -2.5, 2.0)
    ]


def test_random_numbers_are_between_zero_and_one_and_differ(run: Run) -> None:
    found = [
        row[0] for row in run("SELECT RAND() FROM tap_schema.columns") + run("SELECT RAND(5) FROM tap_schema.columns")
    ]
    assert all(0 <= each < 1 for each in found)
    assert len(set(found)) == len(found) > 50
    assert sum(found) / len(found) == pytest.approx(0.5, abs=0.15)


def test_a_random_number_of_a_common_table_is_drawn_once(run: Run) -> None:
    assert run(
        "WITH r AS (SELECT id, RAND() AS v FROM answers.items) SELECT COUNT(*) FROM r AS a JOIN r AS b ON a.id = b.id AND a.v = b.v"
    ) == [(6,)]
