"""docs/compliance.toml names tests that there are, and docs/compliance.md is made of it."""

import ast
from functools import cache
from pathlib import Path

import pytest

from deploy.compliance import PAGE, Must, page, read

ROOT = Path(__file__).parents[2]
MUSTS = read()


@cache
def collected_from(file: str) -> frozenset[str]:
    """The tests that pytest collects from a file: functions of the module that are called so."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def is_collected(test: str) -> bool:
    file, _, name = test.partition("::")
    path = ROOT / file
    in_tests = file.startswith("tests/") and path.name.startswith("test_") and path.suffix == ".py"
    return in_tests and path.is_file() and name in collected_from(file)


def about(must: Must) -> str:
    return f"{must.standard} §{must.section}: {must.what}"


def test_every_test_that_the_compliance_table_names_is_collected() -> None:
    named = {test for must in MUSTS for test in must.tests}
    assert len(named) > 100
    assert sorted(test for test in named if not is_collected(test)) == []


def test_what_is_no_test_is_not_taken_for_one() -> None:
    here = "tests/house/test_compliance.py"
    assert is_collected(f"{here}::test_what_is_no_test_is_not_taken_for_one")
    assert not any(map(is_collected, (f"{here}::is_collected", f"{here}::test_nothing", "tests/none.py::test_x", here)))


def test_each_requirement_is_tested_or_says_why_not() -> None:
    for must in MUSTS:
        assert [bool(must.tests), bool(must.not_for_us), bool(must.not_yet)].count(True) == 1, about(must)


def test_each_requirement_is_one_sentence_and_listed_once() -> None:
    for must in MUSTS:
        assert must.section, about(must)
        assert must.what.endswith("."), about(must)
        assert "\n" not in must.what + must.not_for_us + must.not_yet, about(must)
        assert len(must.tests) == len(set(must.tests)), about(must)
    assert len({about(must) for must in MUSTS}) == len(MUSTS)


@pytest.mark.parametrize("standard", ["TAP 1.1", "UWS 1.1", "VOSI 1.1", "DALI 1.1", "ADQL 2.1", "TAPRegExt 1.0"])
def test_requirements_stand_in_the_order_of_their_sections(standard: str) -> None:
    sections = [must.section for must in MUSTS if must.standard == standard]
    assert sections == sorted(sections, key=place) != []


def place(section: str) -> list[tuple[bool, int, str]]:
    """Sections by number, appendices behind them by letter."""
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in section.split(".")]


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.read_text("utf-8") == page(MUSTS), "run deploy/compliance.py"
