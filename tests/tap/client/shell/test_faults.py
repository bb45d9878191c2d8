"""Places in queries, as the parsers of other services tell them."""

import pytest

from tap.client.shell.faults import with_place

QUERY = "SELECT TOP 5 *\nFORM old.plates"


@pytest.mark.parametrize("message", [
    'Encountered "FORM" at line 2, column 1.',
    'Could not parse your query: Expected "FROM" (at char 15), (line:2, col:1)',
    'Incorrect ADQL query: Encountered "FORM" [l.2 c.1 - l.2 c.5]',
    "syntax error, position: 16",
])  # fmt: skip
def test_the_word_that_a_service_speaks_of_is_marked(message: str) -> None:
    assert with_place(message, QUERY) == f"{message}\n  FORM old.plates\n  ^^^^"


@pytest.mark.parametrize("message", [
    "The database is away",
    "at line 9, column 1",
    "at line 2, column 900",
    "There is no column x (line 1, column 1)\n  SELECT x\n  ^^^^^^",
])  # fmt: skip
def test_what_has_no_place_or_a_mark_already_stays_as_it_is(message: str) -> None:
    assert with_place(message, QUERY) == message
