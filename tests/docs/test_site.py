"""The documentation site: whole, without dead links, and good under a policy that allows nothing from elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
import requests
from lxml import html
from playwright.sync_api import Browser, ConsoleMessage, Page

from tap.config import Config
from tests.browser_pages.conftest import chromium  # noqa: F401
from tests.conftest import ROOT, alone, serving
from tests.contract.client import get

LOADED = "//script/@src | //link[@rel!='author']/@href | //img/@src | //source/@src | //iframe/@src"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, html.HtmlElement]:
    """Each page by its path in the site."""
    return {str(path.relative_to(site)): html.fromstring(path.read_bytes()) for path in site.rglob("*.html")}


@pytest.fixture(scope="module")
def served(site: Path, sample: Config) -> Iterator[str]:
    """The URL at which the service shows the site."""
    with serving(alone(sample, documents=str(site), processes=1)) as service:
        yield service.removesuffix("/tap") + "/docs"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:  # noqa: F811
    page = chromium.new_page()
    yield page
    page.close()


@pytest.mark.long
def test_every_document_is_a_page(pages: dict[str, html.HtmlElement]) -> None:
    documents = [path for path in (ROOT / "docs").rglob("*") if path.suffix in {".md", ".ipynb"}]
    assert {str(path.relative_to(ROOT / "docs").with_suffix(".html")) for path in documents} <= set(pages)


def test_links_lead_to_pages_and_headings_that_exist(site: Path, pages: dict[str, html.HtmlElement]) -> None:
    dead = set()
    for name, page in pages.items():
        for link in page.xpath("//a/@href"):
            target, anchor = urldefrag(unquote(link))
            if "://" in target or target.startswith("mailto:"):
                continue
            path = (site / name).parent / target if target else site / name
            there = pages.get(str(path.resolve().relative_to(site.resolve())))
            if not path.exists() or (anchor and there is not None and not there.xpath("//*[@id=$id]", id=anchor)):
                dead.add((name, link))
    assert not dead


def test_nothing_is_loaded_from_elsewhere_and_no_script_stands_in_a_page(pages: dict[str, html.HtmlElement]) -> None:
    for name, page in pages.items():
        assert not [url for url in page.xpath(LOADED) if "//" in url and not url.startswith("data:image/")], name
        assert not page.xpath("//script[not(@src)] | //*[@*[starts-with(name(), 'on')]]"), name


def test_the_root_documents_are_part_of_the_site(pages: dict[str, html.HtmlElement]) -> None:
    titles = {name: page.xpath("string(//article//h1)") for name, page in pages.items()}
    assert titles["what-it-is.html"].startswith("Armillary")
    assert titles["architecture.html"].startswith("Armillary: the house")
    assert titles["contributing.html"].startswith("Contributing")
    assert titles["changelog.html"].startswith("Changelog")


def test_the_pages_work_under_the_policy(served: str, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: _keep(message, complaints))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in ("index.html", "adr/index.html", "pages.html", "notebooks/pleiades.html"):
        page.goto(f"{served}/{path}")
    page.click(".theme-toggle:visible")
    theme = page.evaluate("document.body.dataset.theme")
    page.goto(f"{served}/search.html?q=tokens")
    page.wait_for_selector("#search-results li a")
    assert "accounts.html" in page.inner_html("#search-results")
    assert theme == page.evaluate("document.body.dataset.theme") != "auto"
    assert not complaints


def test_the_service_leads_to_the_site_and_keeps_to_it(served: str) -> None:
    assert requests.get(served, allow_redirects=False, timeout=20).headers["Location"] == "/docs/index.html"
    assert "default-src 'none'" in get(f"{served}/index.html").headers["Content-Security-Policy"]
    assert '/docs/index.html">Documentation' in get(served.removesuffix("/docs")).text
    for path in ("/no-such-page.html", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd"):
        assert get(served + path).status == 404


def _keep(message: ConsoleMessage, complaints: list[str]) -> None:
    if message.type in {"error", "warning"} and "favicon" not in str(message.location):
        complaints.append(message.text)
