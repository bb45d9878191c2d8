"""What is typed, taken apart."""

import pytest

from tap.client.shell.statements import Statement, is_whole, statements, unfinished


def parts(text: str) -> list[tuple[str, str]]:
    return [(statement.text, statement.file) for statement in statements(text)]


@pytest.mark.parametrize(("text", "expected"), [
    ("SELECT 1;", [("SELECT 1", "")]),
    ("SELECT 1", [("SELECT 1", "")]),
    ("SELECT ';', \"a;b\" -- ;\n FROM t /* ; */;SELECT 2;", [("SELECT ';', \"a;b\" -- ;\n FROM t /* ; */", ""), ("SELECT 2", "")]),
    ("-- a remark\nSELECT 1;\n-- and the end", [("SELECT 1", "")]),
    ("find plate\ndescribe old.plates;\nSELECT 1", [("find plate", ""), ("describe old.plates", ""), ("SELECT 1", "")]),
    ("check SELECT 1\nFROM t;quit", [("check SELECT 1\nFROM t", ""), ("quit", "")]),
    ("SELECT 1; > a.fits", [("SELECT 1", "a.fits")]),
    ("SELECT 1\n> 'my file.csv';", [("SELECT 1", "my file.csv")]),
    ("SELECT 1; > odd.name\nSELECT 2;", [("SELECT 1", "odd.name"), ("SELECT 2", "")]),
    ("> ~/again.vot", [("", "~/again.vot")]),
    ("fetch j1 > r.vot", [("fetch j1", "r.vot")]),
    (";;", []),
    ("", []),
])  # fmt: skip
def test_statements_end_where_they_end(text: str, expected: list[tuple[str, str]]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(("query", "file"), [
    ("SELECT a FROM t WHERE a > 5", ""),
    ("SELECT a FROM t AS u WHERE a > u.fits", ""),
    ("SELECT a FROM t AS u WHERE a > U.csv;", ""),
    ("SELECT a FROM t AS u > v.fits", "v.fits"),
    ("SELECT a FROM t AS u > ./u.fits;", "./u.fits"),
    ("SELECT a FROM t WHERE b >= 2 > x.parquet", "x.parquet"),
    ("SELECT a FROM t WHERE b > 2 AND c = d.csv", ""),
])  # fmt: skip
def test_a_file_is_told_from_a_comparison(query: str, file: str) -> None:
    (statement,) = statements(query)
    assert statement.file == file


def test_a_command_has_a_word_and_what_follows_it() -> None:
    statement = Statement("Describe  old.plates")
    assert (statement.verb, statement.argument) == ("describe", "old.plates")
    assert not statement.is_query
    assert Statement("WITH a AS (SELECT 1) SELECT * FROM a").is_query
    assert not Statement("%lsmagic").is_query


@pytest.mark.parametrize(("text", "whole"), [
    ("", True),
    ("find star", True),
    ("SELECT 1", False),
    ("SELECT 1\n", True),
    ("SELECT 1;", True),
    ("SELECT 1;  ", True),
    ("SELECT 1; -- done", True),
    ("SELECT ';", False),
    ("SELECT 1 /* ;", False),
    ("SELECT 1; SELECT 2", False),
    ("SELECT 1 > a.fits", True),
    ("SELECT 1; > a.fits", True),
    ("SELECT a FROM t AS u WHERE a > u.fits", False),
    ("check SELECT 1", False),
    ("check SELECT 1;", True),
])  # fmt: skip
def test_enter_runs_what_is_whole(text: str, whole: bool) -> None:
    assert is_whole(text) is whole


def test_what_is_being_written_follows_the_last_end() -> None:
    assert unfinished("SELECT ';' FROM a; SELECT b") == " SELECT b"
