"""Which results say where their rows lead: those that have the values, however they came through the query."""

import pytest

from tests.contract.client import sync, table
from tests.contract.own_tables import Asker
from tests.linked import IDS

S, O = "sky.sources", "sky.objects"  # noqa: E741
pytestmark = pytest.mark.usefixtures("linked")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"SELECT source_id FROM {S}", {(S, "source_id")}),
        (f"SELECT source_id AS x, ra FROM {S} AS s", {(S, "x")}),
        (f'SELECT source_id AS "my id" FROM {S}', {(S, "my_id")}),
        (f'SELECT source_id AS "1" FROM {S}', {(S, "_1")}),
        (f"SELECT x FROM (SELECT source_id AS x FROM {S}) AS t WHERE x > 5", {(S, "x")}),
        (f"WITH t AS (SELECT * FROM {S}) SELECT source_id FROM t", {(S, "source_id")}),
        (f"SELECT (SELECT MAX(1) FROM {O}) AS n, source_id FROM {S}", {(S, "source_id")}),
        (f"SELECT source_id, name FROM {S} GROUP BY source_id, name", {(S, "source_id")}),
        (f"SELECT s.source_id, o.name FROM {S} AS s JOIN {O} AS o ON o.number = s.source_id", {(S, "source_id"), (O, "name")}),
        (f"SELECT a.source_id, b.source_id FROM {S} AS a JOIN {S} AS b ON a.name = b.name", {(S, "source_id"), (S, "source_id_2")}),
        (f"SELECT source_id FROM {S} UNION SELECT source_id FROM {S}", {(S, "source_id")}),
        (f"SELECT source_id FROM {S} UNION SELECT number FROM {O}", set()),
        (f"SELECT number FROM {O} UNION SELECT source_id FROM {S}", set()),
        (f"SELECT source_id + 0 AS source_id FROM {S}", set()),
        (f"SELECT CAST(source_id AS VARCHAR) AS source_id FROM {S}", {("sky.sources", "source_id")}),
        (f"SELECT CAST(source_id AS VARCHAR(3)) AS source_id FROM {S}", set()),
        (f"SELECT CAST(source_id AS DOUBLE PRECISION) AS source_id FROM {S}", set()),
        (f"SELECT COALESCE(source_id, 1) AS source_id FROM {S}", set()),
        (f"SELECT MAX(source_id) AS source_id FROM {S}", set()),
        (f"SELECT name FROM {S}", set()),
        (f"SELECT source_id FROM sky.light UNION ALL SELECT source_id FROM {S}", set()),
        ("SELECT source_id FROM sky.light", set()),
    ],
)  # fmt: skip
def test_links_are_described_where_the_identifier_came_through_unchanged(
    service: str, query: str, expected: set[tuple[str, str]]
) -> None:
    document = table(service, query, MAXREC="2")
    found = set()
    for group in document.all(
        "v:RESOURCE[@type='meta'][v:PARAM[@name='standardID' and contains(@value, 'DataLink')]]/v:GROUP"
    ):
        inputs = {parameter.get("name"): parameter for parameter in group}
        found.add((inputs["TABLE"].get("value"), inputs["ID"].get("ref")))
    assert found == expected
    fields = {field["ID"]: field["name"] for field in document.fields if "ID" in field}
    assert {ref for _, ref in found} == set(fields)


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT a.ra, b.dec, a.source_id, b.name FROM {S} AS a JOIN {S} AS b ON a.source_id <> b.source_id",
        f"SELECT LAG(ra, 1) OVER (ORDER BY source_id) AS ra, dec, MAX(source_id) OVER (ORDER BY ra) AS source_id, name FROM {S}",
        f"SELECT s.ra, (SELECT MAX(1) FROM {O}) AS n, (SELECT t.dec FROM {S} AS t WHERE t.source_id = {IDS[0]}) AS dec FROM {S} AS s",
        f"WITH t AS (SELECT * FROM {S}) SELECT a.ra, b.dec, a.source_id, b.name FROM t AS a JOIN t AS b ON a.source_id <> b.source_id",
    ],
)
def test_no_service_or_link_is_given_values_of_different_rows(service: str, query: str) -> None:
    document = table(service, query, MAXREC="2")
    assert not document.all("v:RESOURCE[@type='meta']/v:GROUP[v:PARAM[@name='RA' and @ref] and v:PARAM[@name='DEC' and @ref]]")  # fmt: skip
    assert not document.all("//v:FIELD/v:LINK")


def test_a_service_is_given_values_of_either_row_of_a_join(service: str) -> None:
    query = f"SELECT a.ra, a.dec, b.ra, b.dec FROM {S} AS a JOIN {S} AS b ON a.source_id <> b.source_id"
    document = table(service, query, MAXREC="2")
    groups = document.all("v:RESOURCE[@type='meta']/v:GROUP[v:PARAM[@name='RA' and @ref]]")
    refs = [{p.get("name"): p.get("ref") for p in group if p.get("ref")} for group in groups]
    assert refs == [{"RA": "ra", "DEC": "dec"}, {"RA": "ra_2", "DEC": "dec_2"}]


def test_a_result_of_tables_without_links_is_what_it_was(service: str) -> None:
    document = table(service, "SELECT TOP 2 hip, ra FROM demo.stars")
    assert [resource.get("type") for resource in document.all("v:RESOURCE")] == ["results"]
    assert not document.all("//v:FIELD[@ID] | //v:FIELD/v:LINK")


def test_a_columns_link_names_the_columns_of_the_result(service: str) -> None:
    document = table(service, f"SELECT name AS n, source_id FROM {S}", MAXREC="1")
    (link,) = document.all("//v:FIELD[@name='n']/v:LINK")
    assert link.get("href") == "https://example.org/names/${n}?id=${source_id}"
    assert not table(service, f"SELECT name AS n FROM {S}", MAXREC="1").all("//v:FIELD/v:LINK")


@pytest.mark.parametrize("format_", ["votable", "votable/b", "votable/td"])
def test_results_with_descriptors_are_valid_in_every_serialization(service: str, format_: str) -> None:
    for more in ({}, {"MAXREC": "0"}, {"MAXREC": "3"}):
        document = sync(service, f"SELECT * FROM {S}", RESPONSEFORMAT=format_, **more).votable()
        assert len(document.all("v:RESOURCE[@type='meta']")) == 2


def test_the_result_of_a_job_describes_links_too(ada: Asker) -> None:
    job = ada.run(f"SELECT TOP 3 source_id FROM {S} ORDER BY source_id")
    document = ada.call("GET", f"{job}/results/result").votable()
    assert len(document.all("v:RESOURCE[@type='meta']/v:GROUP/v:PARAM[@ref='source_id']")) == 1
