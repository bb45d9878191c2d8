"""The page of a table shows where its rows lead, as far as one may follow."""

from urllib.parse import quote

import pytest
from lxml import html

from tests.contract.pages import page
from tests.linked import IDS, sources
from tests.people import Person, basic
from tests.tap.datalink.test_links import closed

__all__ = ["closed"]
pytestmark = pytest.mark.usefixtures("linked")


def test_values_of_linked_columns_lead_there_and_the_links_of_rows_are_listed(service: str) -> None:
    reply = page(service, "/tap/tables/sky.sources")
    assert reply.status == 200
    document = html.fromstring(reply.body)
    row = sources().to_pylist()[0]
    hrefs = {link.get("href"): link.text for link in document.iter("a")}
    assert hrefs[f"https://example.org/names/{quote(row['name'], safe='')}?id={IDS[0]}"] == row["name"]
    assert hrefs["https://example.org/page/0"] == "https://example.org/page/0"
    items = [" ".join(item.text_content().split()) for item in document.iter("li")]
    assert "A chart & more #preview-image, image/png" in items
    assert "Others near it #counterpart, application/x-votable+xml, a service" in items
    assert "Rows that belong to it: LIGHT, from sky.light #auxiliary" in items


def test_a_product_that_one_may_not_read_is_not_listed(service: str, closed: tuple[str, Person]) -> None:
    schema, reader = closed
    shown = page(service, f"/tap/tables/{schema}.known", **basic(reader.name, reader.password))
    assert "SECRET" in shown.text
    hidden = page(service, f"/tap/tables/{schema}.known")
    assert (hidden.status, "SECRET" in hidden.text) == (200, False)
