"""docs/language.md: its functions are those of the code, and its queries do what it says of them."""

import re
from collections.abc import Callable

import psycopg
import pytest

from adql.translate import translate
from schema.model import Catalogue
from tests.conftest import ROOT
from tests.contract.client import sync
from tests.docs.function_table import Ask, column, tables

PAGE = ROOT / "docs" / "language.md"
_TABLES = re.compile(r"(?<=<!-- functions -->\n).*(?=<!-- /functions -->)", re.DOTALL)


def queries(heading: str) -> list[str]:
    """Return the queries of one section."""
    section = PAGE.read_text("utf-8").split(f"# {heading}\n")[1].partition("\n#")[0]
    return re.findall(r"```sql\n(.*?)```", section, re.DOTALL)


@pytest.fixture(scope="session")
def ask(service: str) -> Ask:
    def ask(query: str) -> list[str]:
        reply = sync(service, query, RESPONSEFORMAT="csv")
        assert reply.status == 200, (query, reply.text)
        return column(reply.text)

    return ask


@pytest.fixture
def plan(catalogue: Catalogue, reader: psycopg.Connection) -> Callable[[str], str]:
    """Returns PostgreSQL's plan of a query."""

    def plan(query: str) -> str:
        sql = f"EXPLAIN {translate(query, catalogue).sql}"
        return "\n".join(line for (line,) in reader.execute(sql.encode()))

    return plan


def test_the_tables_of_functions_are_made_of_the_code(ask: Ask, request: pytest.FixtureRequest) -> None:
    text, made = PAGE.read_text("utf-8"), f"\n{tables(ask)}\n\n"
    if request.config.getoption("--update-golden"):
        PAGE.write_text(_TABLES.sub(lambda _: made, text), "utf-8")
    stands = _TABLES.search(PAGE.read_text("utf-8"))
    assert stands
    assert stands[0] == made


@pytest.mark.parametrize("query", queries("What the index serves"))
def test_the_index_serves_what_the_page_says(query: str, plan: Callable[[str], str]) -> None:
    assert "stars_spoint_idx" in plan(query)


@pytest.mark.parametrize("query", queries("What reads the whole table")[:-1])
def test_the_whole_table_is_read_where_the_page_says_so(query: str, plan: Callable[[str], str]) -> None:
    assert "stars_spoint_idx" not in plan(query)


@pytest.mark.parametrize("query", re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
def test_every_query_of_the_page_gives_rows(query: str, ask: Ask) -> None:
    assert ask(query)
