"""The documents for users, as pages of the service: all links in them lead somewhere."""

import re
from urllib.parse import urljoin, urlsplit

import pytest

from tap.pages.help_pages import DOCUMENTS
from tests.contract.pages import page


def document(service: str, name: str) -> str:
    reply = page(service, f"/help/{name}")
    assert reply.status == 200
    return reply.text.partition("<article>")[2].partition("</article>")[0]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_between_documents_lead_to_headings_that_are_there(service: str, name: str) -> None:
    for href in re.findall('<a href="([^"]*)"', document(service, name)):
        target = urlsplit(urljoin(f"/help/{name}", href))
        if target.netloc or not target.path.startswith("/help"):
            continue
        other = document(service, target.path.rpartition("/")[2])
        assert not target.fragment or f'id="{target.fragment}"' in other, href


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_link_leads_to_a_file_that_is_no_page(service: str, name: str) -> None:
    hrefs = [href for href in re.findall('<a href="([^"]*)"', document(service, name)) if "//" not in href]
    assert [href for href in hrefs if re.search(r"\.(md|py|toml|ipynb)\b", href)] == []
