"""Everybody can use the pages: with a screen reader, by keyboard alone, without scripts, in the dark, on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser_pages.conftest import Visit, Visitor

PATHS = {
    "query": "/",
    "query with a list": "/?list=1",
    "check": "/tap/check?QUERY=SELECT+vmg+FROM+demo.stars",
    "tables": "/tap/tables?q=magnitude",
    "table": "/tap/tables/demo.stars",
    "build": "/build?table=demo.stars",
    "cross-match": "/crossmatch",
    "jobs": "/tap/async",
    "login": "/tap/login",
    "stranger": "/tap/whoami",
    "help": "/help",
    "document": "/help/jobs",
    "status": "/tap/availability",
    "examples": "/tap/examples",
    "error": "/tap/tables/no.such",
}


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", PATHS)
def test_axe_finds_nothing_serious(visit: Visit, name: str, scheme: str) -> None:
    visitor = visit(color_scheme=scheme)
    visitor.expected = ("404", "400")
    visitor.open(PATHS[name])
    assert visitor.findings() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_result_with_plots(visit: Visit, scheme: str) -> None:
    visitor = visit(color_scheme=scheme)
    page = visitor.run("SELECT TOP 50 tyc_id, ra, dec, vmag, bv FROM demo.stars")
    page.get_by_role("button", name="Plot").click()
    page.locator("figure canvas").nth(1).wait_for()
    assert visitor.findings() == []


def test_axe_finds_nothing_serious_on_an_account(member: Visitor) -> None:
    member.open("/tap/whoami")
    assert member.findings() == []


@pytest.mark.parametrize("name", PATHS)
def test_a_page_is_no_wider_than_a_phone(visit: Visit, name: str) -> None:
    visitor = visit(viewport={"width": 400, "height": 800})
    visitor.expected = ("404", "400")
    page = visitor.open(PATHS[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_query_is_written_run_and_its_rows_are_reached_by_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Query in ADQL")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.type("SELECT TOP 3 tyc_id, vmag FROM demo.stars ORDER BY vmag")
    page.keyboard.press("Control+Enter")
    page.locator("#rows td").first.wait_for()
    expect(page.locator("#rows tbody tr")).to_have_count(3)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#rows th') !== null"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_have_count(1)


def test_without_scripts_a_query_is_checked_repaired_run_and_paged_through(plain_visitor: Visitor) -> None:
    page = plain_visitor.open("/tap/tables")
    page.get_by_label("Words in names").fill("proper motion")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="demo.stars").click()
    page.get_by_role("link", name="First 100 rows").click()
    page.get_by_label("Query in ADQL").fill("SELECT TOP 250 tyc_id, vmg FROM demo.stars")
    page.get_by_role("button", name="Check").click()
    page.get_by_role("link", name="Write vmag").click()
    expect(page.get_by_label("Query in ADQL")).to_have_value("SELECT TOP 250 tyc_id, vmag FROM demo.stars")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#rows tbody tr")).to_have_count(100)
    page.get_by_role("link", name="Next rows").click()
    expect(page.locator("#rows nav")).to_contain_text("101 to 200 of 250")
    page.get_by_role("link", name="vmag").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("vmag")


def test_without_scripts_a_list_is_uploaded_and_a_job_deleted(plain_visitor: Visitor, tmp_path: Path) -> None:
    listed = tmp_path / "mine.csv"
    listed.write_text("name,ra,dec\nAlcyone,56.8712,24.1051\n")
    page = plain_visitor.write("SELECT * FROM TAP_UPLOAD.list", list="1")
    page.get_by_label("File (VOTable").set_input_files(listed)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    job = page.url
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your jobs")
    assert page.context.request.get(job, headers={"Accept": "*/*"}).status == 404


def test_the_first_page_is_light(visitor: Visitor) -> None:
    """300 kB, packed, is what the page of the editor may have; the browser keeps most of it for ever."""
    sizes: list[int] = []
    visitor.page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
    visitor.open("/")
    visitor.page.locator(".cm-content").wait_for()
    assert len(sizes) > 4
    assert 0 < sum(sizes) < 300_000


def test_scripts_and_styles_are_kept_by_the_browser(visitor: Visitor) -> None:
    page = visitor.open("/")
    style = page.locator("link[rel=stylesheet]").get_attribute("href")
    answer = page.context.request.get(visitor.root + str(style))
    assert "immutable" in answer.headers["cache-control"]
