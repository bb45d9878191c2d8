"""docs/checks.md: its codes are those of the code, and its examples are what a service answers."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from adql.errors import AdqlError
from adql.lints import CHECKS, code_of
from tests.conftest import ROOT
from tests.contract.client import get

PAGE = ROOT / "docs" / "checks.md"
_EXAMPLE = re.compile(r'"QUERY=(?P<query>[^\n]*)"\n```\n\n```json\n(?P<answer>.*?)```', re.DOTALL)


def kinds(error: type[AdqlError]) -> Iterator[type[AdqlError]]:
    yield error
    for kind in error.__subclasses__():
        yield from kinds(kind)


def codes_on_the_page() -> list[str]:
    return re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text("utf-8").split("# Codes")[1], re.MULTILINE)


def without_guesses(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what statistics and load make of it."""
    return {**report, **{name: report[name] and sorted(report[name]) for name in ("estimate", "queue")}}


def test_all_codes_are_on_the_page() -> None:
    of_errors = {error.code for error in kinds(AdqlError)}
    of_lints = {code_of(check) for check in CHECKS}
    assert sorted(codes_on_the_page()) == sorted([*of_errors, *of_lints])


def test_no_two_kinds_of_errors_have_the_same_code() -> None:
    codes = [error.code for error in kinds(AdqlError)]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("example", list(_EXAMPLE.finditer(PAGE.read_text("utf-8"))), ids=["error", "cost"])
def test_an_example_is_what_the_service_answers(service: str, example: re.Match[str]) -> None:
    reply = get(f"{service}/check?{urlencode({'QUERY': example['query']})}")
    assert reply.status == 200
    assert without_guesses(json.loads(reply.text)) == without_guesses(json.loads(example["answer"]))
