"""Whatever a text holds, it is shown as a text: nothing of it runs, loads or changes a page."""

import secrets
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lxml import etree
from playwright.sync_api import Page, expect

from tests.browser_pages.conftest import Visit, Visitor
from tests.contract.own_tables import VOTABLE, Asker
from tests.hostile import ALL, LINKS, MARK, SHORT, TEXTS
from tests.people import MakePerson

_PLANTED = """() => {
  const kinds = "iframe, frame, object, embed, base, img, math, style:not([nonce]), meta[http-equiv], script:not([src]), link:not([rel=icon]):not([rel=describedby]):not([href^='/-/static/'])";
  const found = [...document.querySelectorAll(kinds)].filter(e => !e.closest(".cm-editor")).map(e => e.outerHTML);
  for (const element of document.querySelectorAll("*")) {
    for (const {name, value} of element.attributes) {
      const runs = /^(on|hx-on|data-hx|hx-vals|hx-headers|srcdoc)/.test(name);
      const leads = /^(href|src|action|formaction|hx-get|sse-connect)$/.test(name)
        && !/^(\\/(?!\\/)|\\?|#|https?:|$)/.test(value) && value !== "data:,";
      const leaves = /^(src|action|formaction|hx-get|sse-connect)$/.test(name)
        && new URL(value, location.href).origin !== location.origin;
      if (runs || leads || leaves) found.push(`${element.tagName} ${name}=${value}`);
    }
  }
  return window.pwned === undefined ? found : [...found, "a script ran"];
}"""


def planted(page: Page) -> list[str]:
    """What is in a page that none of our templates puts there, and whether a text has run."""
    return [str(found)[:300] for found in page.evaluate(_PLANTED)]


def shows_safely(page: Page, *, held: str = MARK) -> None:
    """The page has the text, and nothing was made of it."""
    assert held in page.content()
    assert planted(page) == []


def test_the_policy_stops_what_would_get_into_a_page(visitor: Visitor) -> None:
    visitor.expected = ("Content Security Policy", "404")
    page = visitor.open("/help")
    page.evaluate("text => document.body.insertAdjacentHTML('beforeend', text)", " ".join([ALL, *LINKS]))
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'pwned=1'}))")
    page.wait_for_timeout(200)
    assert len(planted(page)) > 5
    assert page.evaluate("window.pwned") is None
    assert page.url == f"{visitor.root}/help"
    assert not any("request to https://elsewhere" in complaint for complaint in visitor.complaints)
    assert any("Content Security Policy" in complaint for complaint in visitor.complaints)


# ---- tables


@pytest.fixture
def hostile_table(ada: Asker) -> str:
    """A table of hers with a hostile name, all of whose texts are hostile."""
    name = ada.own('"<b onfocus=pwned=1>{{7*7}}&lt;"')
    columns = "".join(
        f'<FIELD name={quoteattr(text[:60] + str(number))} datatype="double" unit={quoteattr(text)} ucd={quoteattr(text)}>'
        f"<DESCRIPTION>{escape(text)}</DESCRIPTION></FIELD>"
        for number, text in enumerate(TEXTS)
    )
    position = "".join(
        f'<FIELD name={quoteattr(f"{axis}{SHORT}")} datatype="double" unit="deg" ucd="pos.eq.{axis};meta.main"/>'
        for axis in ("ra", "dec")
    )
    texts = [ALL, *LINKS]
    values = "".join(
        f"<TR>{f'<TD>{n}</TD>' * (len(TEXTS) + 2)}<TD>{escape(text)}</TD></TR>" for n, text in enumerate(texts)
    )
    document = (
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results"><TABLE>'
        f'<DESCRIPTION>{escape(ALL)}</DESCRIPTION>{columns}{position}<FIELD name="said" datatype="char" arraysize="*"/>'
        f"<DATA><TABLEDATA>{values}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    reply = ada.put(name, document.encode(), VOTABLE)
    assert reply.status == 201, reply.text
    assert ada.change(name, DESCRIPTION=ALL).status == 204
    return name


@pytest.mark.long
def test_texts_of_a_shared_table_do_nothing_in_the_browser_of_a_colleague(
    visit: Visit, person: MakePerson, ada: Asker, hostile_table: str
) -> None:
    colleague, bo = person(), visit()
    reply = ada.post_form("shares", KIND="table", NAME=hostile_table, WITH=f"user:{colleague.name}")
    assert reply.status == 201
    bo.log_in(colleague)
    name = quote(hostile_table, safe="")
    for path in (
        "/",
        "/tap/tables?q=pwned",
        f"/tap/tables/{name}",
        f"/tap/tables/{name}?q=onfocus",
        f"/build?table={name}",
        "/crossmatch",
        "/tap/whoami",
        f"/tap/check?QUERY={quote(f'SELECT * FROM {hostile_table}')}",
        f"/tap/check?QUERY={quote(f'SELECT pwned FROM {hostile_table}')}",
    ):
        shows_safely(bo.open(path))
    page = bo.open("/")
    page.get_by_label("Find a table").press_sequentially("onmouseover")
    expect(page.locator("#table-list small code").first).to_contain_text("onmouseover")
    shows_safely(page)
    page = bo.open(f"/tap/tables/{name}")
    page.get_by_role("button", name="Plot").click()
    expect(page.get_by_role("img", name="Sky", exact=True)).to_be_visible()
    page.get_by_label("Find a column").press_sequentially("hx-vals")
    expect(page.locator("#columns tbody tr")).to_have_count(1)
    shows_safely(page)


def test_texts_of_a_table_do_nothing_in_the_editor(
    visit: Visit, person: MakePerson, ada: Asker, hostile_table: str
) -> None:
    visitor = visit()
    assert ada.person
    visitor.log_in(ada.person)
    page = visitor.write(f"SELECT * FROM {hostile_table} AS t WHERE t.")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+Space")
    options = page.locator(".cm-tooltip-autocomplete li")
    expect(options).to_have_count(len(TEXTS) + 3)
    page.wait_for_timeout(100)  # an option that has just come up is not taken by accident
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.locator(".cm-completionInfo")).to_contain_text(MARK)
    shows_safely(page)
    page = visitor.write(f'SELECT "{SHORT.replace(chr(34), chr(34) * 2)}0" FROM {hostile_table}')
    page.locator(".cm-lintRange-error").first.hover()
    expect(page.locator(".cm-diagnostic")).to_contain_text(MARK)
    shows_safely(page)


def test_rows_and_plots_of_a_table_are_texts_and_its_saved_svg_runs_nothing(
    visit: Visit, ada: Asker, hostile_table: str, tmp_path: Path
) -> None:
    visitor = visit()
    assert ada.person
    visitor.log_in(ada.person)
    page = visitor.run(f"SELECT * FROM {hostile_table}")
    expect(page.locator("#rows td a")).to_have_count(2)
    shows_safely(page)
    page.get_by_role("button", name="Plot").click()
    expect(page.locator("figure")).to_have_count(2)
    form = page.locator("#plots form")
    form.locator("[name=kind]").select_option("scatter")
    form.locator("[name=x]").select_option(index=3)
    form.locator("[name=y]").select_option(index=1)
    form.get_by_role("button", name="Add the plot").click()
    expect(page.locator("figure")).to_have_count(3)
    shows_safely(page)
    with page.expect_download() as download:
        page.locator("figure").nth(2).get_by_role("button", name="SVG").click()
    download.value.save_as(tmp_path / "plot.svg")
    opened_svg_runs_nothing(visitor, (tmp_path / "plot.svg").read_bytes())


def opened_svg_runs_nothing(visitor: Visitor, content: bytes) -> None:
    """Neither by what it holds, nor in a browser that has no policy for it."""
    root = etree.fromstring(content)
    assert MARK in "".join(map(str, root.itertext()))
    allowed = {"svg", "rect", "line", "text", "image", "path"}
    assert {etree.QName(element).localname for element in root.iter()} <= allowed
    names = {
        etree.QName(name).localname: str(value) for element in root.iter() for name, value in element.attrib.items()
    }
    assert not any(name.startswith("on") for name in names)
    assert names.get("href", "data:image/png").startswith("data:image/png")
    url = f"{visitor.root}/saved.svg"
    visitor.page.route(url, lambda route: route.fulfill(body=content, content_type="image/svg+xml"))
    visitor.page.goto(url)
    assert visitor.page.evaluate("window.pwned") is None


# ---- jobs


def test_texts_of_a_job_do_nothing_on_its_pages(visitor: Visitor) -> None:
    visitor.expected = ("cannot be parsed",)  # by a field for numbers
    literal = "'" + ALL.replace("'", "''") + "'"
    links = ", ".join(f"'{link.replace(chr(39), chr(39) * 2)}' AS link{n}" for n, link in enumerate(LINKS))
    alias = SHORT.replace('"', '""')
    query = f'SELECT TOP 3 vmag AS "{alias}", {literal} AS said, {links} FROM demo.stars ORDER BY "{alias}"'
    page = visitor.run(query, runid=SHORT)
    job = page.url.removeprefix(visitor.root)
    shows_safely(page)
    page.locator("#rows th a").first.click()
    expect(page.locator("th[aria-sort]")).to_have_count(1)
    shows_safely(page)
    page.get_by_label("Value").fill(SHORT)
    page.get_by_label("Comparison").select_option("contains")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#rows p")).to_have_text("No row matches.")
    shows_safely(page)
    page.get_by_text("About this job").click()
    page.get_by_label("Note").fill(ALL)
    page.get_by_role("button", name="Save").click()
    shows_safely(page)
    page.get_by_text("About this job").click()
    page.get_by_text("What it reads and costs").click()
    expect(page.locator(".plan")).to_contain_text("demo.stars")
    shows_safely(page)
    for path in ("/tap/async", "/", f"/?query={quote(query)}&runid={quote(ALL)}&maxrec={quote(ALL)}", f"{job}?first=1"):
        shows_safely(visitor.open(path))


def test_texts_of_a_result_do_nothing_in_a_page_that_is_the_result(visitor: Visitor) -> None:
    literal, alias = "'" + ALL.replace("'", "''") + "'", SHORT.replace('"', '""')
    query = f'SELECT TOP 1 {literal} AS "{alias}" FROM demo.ngc'
    page = visitor.write(query)
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#rows td").first.wait_for()
    job = page.url.rpartition("/")[2]
    for path in (
        f"/-/results/{job}?RESPONSEFORMAT=html",
        f"/tap/sync?LANG=ADQL&FORMAT=html&QUERY={quote(query)}",
        f"/tap/sync?LANG=ADQL&QUERY={quote('SELECT ' + ALL)}",
        f"/tap/async/{job}/parameters",
    ):
        visitor.expected = ("400",)
        page = visitor.open(path)
        assert MARK in page.content()
        assert [
            found
            for found in planted(page)
            if not found.startswith(("<style>", "<style xmlns=", "<script>// Sorts the rows"))
        ] == []


@pytest.mark.parametrize("text", [ALL, SHORT])
def test_texts_of_a_job_that_failed_do_nothing(visitor: Visitor, text: str) -> None:
    page = visitor.write(f'SELECT "{text.replace(chr(34), chr(34) * 2)}" FROM demo.ngc', runid=SHORT)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#report")).to_contain_text(MARK)
    shows_safely(page)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("h1 .phase")).to_have_text("ERROR")
    shows_safely(page)
    shows_safely(visitor.open("/tap/async"))


@pytest.mark.long
def test_names_in_a_list_and_of_its_file_do_nothing(visitor: Visitor, tmp_path: Path) -> None:
    listed = tmp_path / f"{SHORT}.parquet"
    pq.write_table(pa.table({name: [1.0] for name in (*TEXTS, "ra", "dec")}), listed)
    page = visitor.write("SELECT l. FROM TAP_UPLOAD.list AS l", list="1")
    page.get_by_label("File (VOTable").set_input_files(listed)
    expect(page.locator("#list-report")).to_contain_text(MARK)
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    for _ in "SELECT l.":
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+Space")
    expect(page.locator(".cm-tooltip-autocomplete li")).to_have_count(len(TEXTS) + 2)
    shows_safely(page)
    page = visitor.write("SELECT * FROM TAP_UPLOAD.list", list="1")
    page.get_by_label("File (VOTable").set_input_files(listed)
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#rows td").first.wait_for()
    shows_safely(page)


# ---- accounts


@pytest.mark.long
def test_texts_of_groups_tokens_shares_and_offers_do_nothing_for_owners_members_and_moderators(
    visit: Visit, person: MakePerson, ada: Asker, hostile_table: str
) -> None:
    assert ada.person
    group, member, moderator = f"<b>{secrets.token_hex(4)}", person(), person(is_admin=True)
    assert ada.post_form("groups", NAME=group, DESCRIPTION=ALL[:1000]).status == 201
    assert ada.post_form(f"groups/{quote(group)}", ADD=member.name).status < 300
    assert ada.post_form("tokens", NAME="hx-on=pwned {{7*7}}").status in {201, 400}
    assert ada.post_form("shares", KIND="table", NAME=hostile_table, WITH=f"group:{group}").status == 201
    offer = dict.fromkeys(("TITLE", "ABSTRACT", "LICENCE", "CONTACT", "CITATION"), ALL)
    assert ada.post_form("publications", TABLE=hostile_table, **offer).status == 201
    for who in (ada.person, member, moderator):
        visitor = visit()
        visitor.log_in(who)
        shows_safely(visitor.open("/tap/queries" if who is moderator else "/tap/whoami"))


# ---- what stands in a URL or a form


def test_nothing_in_a_url_does_anything(visitor: Visitor) -> None:
    visitor.expected = ("400", "404", "cannot be parsed")
    text = quote(ALL, safe="")
    for path in (
        f"/?query={text}&maxrec={text}&runid={text}&list={text}",
        f"/tap/check?QUERY={text}&MAXREC=1",
        f"/tap/check?QUERY=x&UPLOADED={text}",
        f"/tap/tables?q={text}&first={text}",
        f"/tap/tables?q={text}",
        f"/tap/tables/demo.ngc?q={text}",
        f"/tap/tables/{quote(SHORT, safe='')}",
        f"/build?table=demo.ngc&region={text}&shape={text}&order={text}&top=1&write=1&column={text}&op={text}&value={text}",
        f"/build?table={text}",
        f"/crossmatch?left={text}&right={text}&ra={text}&dec={text}&radius={text}&find={text}&write=1",
        f"/tap/async?PHASE={text}&BEFORE={text}&ALL={text}",
        f"/tap/async/{quote(SHORT, safe='')}",
        f"/tap/login?next={text}",
        f"/help/{quote(SHORT, safe='')}",
        f"/-/kit/0/{quote(SHORT, safe='')}",
    ):
        assert planted(visitor.open(path)) == [], path[:60]


def test_pages_keep_nothing_in_the_browser_for_whoever_uses_it_next(visitor: Visitor) -> None:
    page = visitor.run("SELECT TOP 200 ra, vmag FROM demo.stars")
    page.locator("#next-rows").click()
    expect(page.locator("#rows nav")).to_contain_text("101 to 200")
    kept = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    assert set(kept) <= {"htmx-current-path-for-history", "armillary-draft"}


def test_what_was_being_written_is_forgotten_at_the_logout(member: Visitor) -> None:
    page = member.write("SELECT TOP 1 tyc_id FROM demo.stars")
    page.locator(".cm-content").wait_for()
    assert page.evaluate("sessionStorage.getItem('armillary-draft')")
    page = member.open("/tap/whoami")
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="Log in").wait_for()
    assert page.evaluate("sessionStorage.getItem('armillary-draft')") is None
