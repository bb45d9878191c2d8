"""The documentation site: whole, without dead links, and good under a policy that allows nothing from elsewhere."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag

import pytest
from lxml import html
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser_pages.conftest import chromium  # noqa: F401
from tests.conftest import ROOT

POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'"
)
LOADED = "//script/@src | //link[@rel!='author']/@href | //img/@src | //source/@src | //iframe/@src"


class _Handler(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, html.HtmlElement]:
    """Each page by its path in the site."""
    return {str(path.relative_to(site)): html.fromstring(path.read_bytes()) for path in site.rglob("*.html")}


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The URL at which the site is served under the policy, below a path as the service does."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(site.parent))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{site.name}"
        server.shutdown()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:  # noqa: F811
    page = chromium.new_page()
    yield page
    page.close()


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


def _keep(message: ConsoleMessage, complaints: list[str]) -> None:
    if message.type in {"error", "warning"} and "favicon" not in str(message.location):
        complaints.append(message.text)
