"""Links and products of a description: read, checked at publication, kept with the table, and changed by what names them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.description import Description, DescriptionError, parse_description
from schema.links import Link, Linking, Product, url_of, value_of
from schema.load import open_file
from schema.model import Table
from schema.publish import load_table, publish_table, unpublish_table
from schema.tap_schema import read_catalogue
from schema.templates import columns_of, lone_column

CHART = {"url": "https://example.org/chart?n={name}&m={mag}", "semantics": "preview-image"}
LIGHT = {"name": "LIGHT", "table": "k.light", "id": "star", "valid": "good", "order_by": "t"}


@pytest.fixture
def there(owner: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """A connection to a database with k.light; k.stars is the test's."""
    path = tmp_path_factory.mktemp("links") / "light.parquet"
    pq.write_table(pa.table({"star": [1, 1], "t": [2.0, 1.0], "flux": [0.1, 0.2], "good": [True, False]}), path)
    load_table(owner, open_file(path), "k.light", Description())
    yield owner
    for name in ("stars", "seen", "light"):
        unpublish_table(owner, f"k.{name}", drop=True)
    owner.execute("DROP SCHEMA IF EXISTS k CASCADE")


@pytest.fixture
def stars(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("links") / "stars.parquet"
    pq.write_table(pa.table({"id": [1, 2], "name": ["a", "b"], "mag": [1.5, None], "p": [[1.0, 2.0], None]}), path)
    return path


def load(there: psycopg.Connection, path: Any, **description: Any) -> Table:
    load_table(there, open_file(path), "k.stars", parse_description(description))
    return published(there)


def published(there: psycopg.Connection, name: str = "k.stars") -> Table:
    return next(table for table in read_catalogue(there).tables if table.table_name == name)


# ---- templates


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.floats(allow_nan=False) | st.integers())
def test_every_value_comes_out_of_a_url_as_it_went_in(text: str, number: float) -> None:
    url = url_of("https://example.org/a?n={name}&m={{{m}}}#f", {"name": text, "m": number})
    parts = urlsplit(str(url))
    assert parse_qs(parts.query, keep_blank_values=True) == {"n": [text], "m": [f"{{{number}}}"]}
    assert (parts.netloc, parts.fragment) == ("example.org", "f")


def test_a_missing_value_makes_no_url() -> None:
    assert url_of("https://example.org/{a}", {"a": None}) is None
    assert value_of("circle {a} {b}", {"a": 1, "b": None}) is None
    assert value_of("circle {a} {b}", {"a": 1, "b": 0.5}) == "circle 1 0.5"


def test_a_template_of_one_column_is_the_url_that_stands_there() -> None:
    assert lone_column("{url}") == "url"
    assert lone_column("{url}x") is None
    assert url_of("{url}", {"url": "https://example.org/?a=b c"}) == "https://example.org/?a=b c"
    assert url_of("{url}", {"url": "HTTP://EXAMPLE.ORG/a"}) == "HTTP://EXAMPLE.ORG/a"
    for value in ("javascript:alert(1)", "data:text/html,x", "", None):
        assert url_of("{url}", {"url": value}) is None


@pytest.mark.parametrize("template", ["{", "}", "{}", "{a!r}", "{a:>5}"])
def test_what_is_no_template_is_told(template: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        columns_of((template,))


# ---- publication


def test_a_load_keeps_links_and_products_with_their_identifier(there: psycopg.Connection, stars: Any) -> None:
    service = {"url": "https://example.org/scs", "semantics": "#proc", "parameters": {"RA": "{mag}", "SR": "0.1"}}
    table = load(
        there, stars, table={"primary_key": ["id"]}, links=[CHART, service], products=[LIGHT],
        columns={"name": {"link": "https://example.org/{name}"}},
    )  # fmt: skip
    links = (
        Link(CHART["url"], "#preview-image"),
        Link("https://example.org/scs", "#proc", parameters=(("RA", "{mag}"), ("SR", "0.1"))),
    )
    assert table.linking == Linking("id", links, (Product("LIGHT", "k.light", "star", valid="good", order_by="t"),))
    assert {column.name: column.link for column in table.columns if column.link} == {
        "name": "https://example.org/{name}"
    }


def test_the_identifier_is_the_one_named_or_by_its_ucd_or_the_key(there: psycopg.Connection, stars: Any) -> None:
    main = {"name": {"ucd": "meta.id;meta.main"}}
    named = load(there, stars, table={"identifier": "id", "primary_key": ["name"]}, links=[CHART], columns=main)
    by_ucd = load(there, stars, table={"primary_key": ["id"]}, links=[CHART], columns=main)
    by_key = load(there, stars, table={"primary_key": ["id"]}, links=[CHART])
    alone = load(there, stars, table={"identifier": "id"})
    assert [t.linking and t.linking.identifier for t in (named, by_ucd, by_key, alone)] == ["id", "name", "id", "id"]
    assert load(there, stars, table={"primary_key": ["id"]}).linking is None


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"links": [CHART]}, "neither one column with the UCD"),
        ({"links": [CHART | {"url": "https://e.org/{nam}"}]}, "no column nam; did you mean name"),
        ({"links": [CHART | {"url": "https://e.org/{p}"}]}, "cannot stand in a link"),
        ({"links": [CHART | {"url": "javascript:{name}"}]}, "begins neither with https://"),
        ({"links": [CHART | {"url": "https://e.org/{name"}]}, "is no template"),
        ({"links": [CHART | {"semantics": "#previw"}]}, "did you mean preview"),
        ({"links": [CHART | {"content_qualifier": "#spectra"}]}, "no term #spectra"),
        ({"links": [CHART | {"content": "x"}]}, "no key content; did you mean content_type"),
        ({"links": [{"url": "https://e.org"}]}, "semantics"),
        ({"links": CHART}, r"each of links begins with \[\[links\]\]"),
        ({"links": [CHART | {"parameters": {"A": "{name}"}}]}, "not in the url"),
        ({"products": [LIGHT | {"table": "k.dark"}]}, "no published table k.dark"),
        ({"products": [LIGHT | {"id": "str"}]}, "no column str; did you mean star"),
        ({"products": [LIGHT | {"id": "flux"}]}, "flux is DOUBLE PRECISION, and id BIGINT"),
        ({"products": [LIGHT | {"valid": "flux"}]}, "valid is a flag"),
        ({"products": [LIGHT | {"order_by": "x"}]}, "no column x"),
        ({"products": [LIGHT | {"name": "../x"}]}, "letters, digits"),
        ({"products": [LIGHT, LIGHT | {"name": "light"}]}, "one name"),
        ({"columns": {"name": {"link": "https://e.org/{nam}"}}}, "did you mean name"),
        ({"table": {"identifier": "mag"}}, "a whole number or a text"),
        ({"table": {"identifier": "x"}}, "no column x"),
        ({"columns": {"mag": {"omit": True}}, "links": [CHART]}, "no column mag"),
    ],
)
def test_what_does_not_fit_the_tables_is_refused_and_leaves_nothing(
    there: psycopg.Connection, stars: Any, description: dict[str, Any], message: str
) -> None:
    table = {"table": {"identifier": "id"}} if message != "neither one column with the UCD" else {}
    with pytest.raises(DescriptionError, match=message):
        load(there, stars, **table | description)
    assert not any(table.table_name == "k.stars" for table in read_catalogue(there).tables)


def test_a_description_changes_the_links_that_it_names_and_no_others(there: psycopg.Connection, stars: Any) -> None:
    before = load(there, stars, table={"primary_key": ["id"]}, links=[CHART], products=[LIGHT])
    publish_table(there, "k.stars", parse_description({"table": {"title": "Stars"}}))
    assert published(there).linking == before.linking
    publish_table(there, "k.stars", parse_description({"links": []}))
    assert published(there).linking == Linking("id", (), before.linking.products if before.linking else ())
    unpublish_table(there, "k.stars")
    publish_table(there, "k.stars", Description())
    assert published(there).linking == Linking("id", (), before.linking.products if before.linking else ())
    publish_table(there, "k.stars", parse_description({"table": {"identifier": ""}, "products": []}))
    assert published(there).linking is None
    with pytest.raises(DescriptionError, match="no column mag"):
        publish_table(there, "k.stars", parse_description({"links": [CHART], "columns": {"mag": {"omit": True}}}))


def test_a_view_of_the_operator_has_links_too(there: psycopg.Connection, stars: Any) -> None:
    load(there, stars)
    there.execute("CREATE VIEW k.seen AS SELECT id AS number, name FROM k.stars")
    description = {"table": {"identifier": "number"}, "products": [LIGHT], "columns": {"name": {"link": "{name}"}}}
    publish_table(there, "k.seen", parse_description(description))
    publish_table(there, "k.seen", parse_description({"columns": {"name": {"description": "What it is called"}}}))
    table = published(there, "k.seen")
    assert table.linking == Linking("number", products=(Product(**LIGHT),))
    assert [column.link for column in table.columns] == [None, "{name}"]
    publish_table(there, "k.seen", parse_description({"columns": {"name": {"link": ""}}}))
    assert [column.link for column in published(there, "k.seen").columns] == [None, None]


def test_a_column_that_links_are_found_by_without_an_index_is_told(there: psycopg.Connection, stars: Any) -> None:
    description = parse_description({"table": {"identifier": "id", "indexes": [["id"]]}, "products": [LIGHT]})
    assert load_table(there, open_file(stars), "k.stars", description).notes[1:] == (
        "no index begins with star of k.light, so links and products are slow to find",
    )
    notes = publish_table(there, "k.stars", parse_description({"table": {"identifier": "name"}, "products": []})).notes
    assert notes[1:] == ("no index begins with name of k.stars, so links and products are slow to find",)
