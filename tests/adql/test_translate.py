"""ADQL → SQL, golden; every statement is EXPLAINed on the real server, every message is golden too."""

import psycopg
import pytest

from adql.errors import AdqlError
from adql.translate import translate
from tests.adql.golden import FOLDER, Case, read_cases, write_cases
from tests.adql.tables import CATALOGUE

FILES = sorted(path.name for path in FOLDER.glob("*.sql"))
CASES = [case for name in FILES for case in read_cases(name)]
ERRORS = read_cases("errors.txt")


def outcome(adql: str) -> str:
    try:
        return translate(adql, CATALOGUE).sql
    except AdqlError as error:
        return error.explain()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_sql_is_golden_and_postgresql_plans_it(case: Case, small: psycopg.Connection) -> None:
    sql = translate(case.adql, CATALOGUE).sql
    small.execute(b"EXPLAIN " + sql.encode())
    assert sql == case.expected


@pytest.mark.parametrize("case", ERRORS, ids=str)
def test_message_is_golden(case: Case) -> None:
    with pytest.raises(AdqlError) as caught:
        translate(case.adql, CATALOGUE)
    assert caught.value.explain() == case.expected


def test_golden_files_can_be_written_anew(request: pytest.FixtureRequest) -> None:
    """With --update-golden they are; without, writing what was read must change nothing."""
    for name in [*FILES, "errors.txt"]:
        cases = read_cases(name)
        before = (FOLDER / name).read_text("utf-8")
        if request.config.getoption("--update-golden"):
            cases = [Case(c.file, c.title, c.adql, outcome(c.adql)) for c in cases]
            write_cases(name, cases)
        else:
            write_cases(name, cases)
            assert (FOLDER / name).read_text("utf-8") == before
