"""What people come for, from the first page to the answer."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from astropy.coordinates import SkyCoord
from astropy.table import Table
from playwright.sync_api import expect

from tests.browser_pages.conftest import Visit, Visitor
from tests.conftest import SAMPLE
from tests.contract.own_tables import Asker
from tests.people import MakePerson
from tests.tap.test_running_queries import Endless

PLEIADES = """SELECT TOP 500 tyc_id, ra, dec, vmag, bv, pmra, pmdec
FROM demo.stars
WHERE DISTANCE(ra, dec, 56.75, 24.12) < 2"""


def stars_within(radius: float, longitude: float, latitude: float) -> int:
    """Count the sample's stars within degrees of a position."""
    stars = pq.read_table(SAMPLE / "stars.parquet", columns=["ra_degrees", "dec_degrees"])
    positions = SkyCoord(*(stars[name].to_numpy() for name in stars.column_names), unit="deg")
    return int(np.sum(positions.separation(SkyCoord(longitude, latitude, unit="deg")).deg < radius))


SLOW = "SELECT COUNT(*) AS n FROM demo.stars AS a JOIN demo.stars AS b ON a.vmag + b.vmag < 3 AND a.ra <> b.ra"


def test_a_visitor_finds_the_table_builds_a_cone_and_sees_the_pleiades(visitor: Visitor) -> None:
    page = visitor.open("/tap/tables")
    page.get_by_label("Words in names").fill("visual magnitude")
    page.get_by_role("link", name="demo.stars").click()
    page.get_by_role("link", name="Build a query").click()
    page.get_by_label("Degrees").fill("56.75 24.12 0.5")
    page.get_by_role("button", name="Write the query").click()
    expect(page.locator(".cm-content")).to_contain_text("DISTANCE(ra, dec, 56.75, 24.12) < 0.5")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#rows tbody tr")).to_have_count(stars_within(0.5, 56.75, 24.12))


def test_a_wrong_name_is_underlined_and_repaired_with_one_click(visitor: Visitor) -> None:
    page = visitor.write("SELECT s.parallx FROM demo.stars AS s")
    page.locator(".cm-lintRange-error").hover()
    page.get_by_role("button", name="Write parallax").click()
    expect(page.locator(".cm-content")).to_have_text("SELECT s.parallax FROM demo.stars AS s")
    expect(page.locator(".cm-lintRange-error")).to_have_count(0)


def test_the_editor_completes_the_columns_of_an_alias(visitor: Visitor) -> None:
    page = visitor.write("SELECT TOP 5 s.ra FROM demo.stars AS s WHERE s.v")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+Space")
    expect(page.locator(".cm-tooltip-autocomplete li")).to_contain_text(["vmag"])
    page.wait_for_timeout(200)  # an option that has just come up is not taken by accident
    page.keyboard.press("Enter")
    expect(page.locator(".cm-content")).to_contain_text("s.vmag")


def test_a_check_tells_rows_tables_and_whether_an_index_serves(visitor: Visitor) -> None:
    page = visitor.write("SELECT * FROM demo.stars WHERE vmag < 2")
    page.get_by_role("button", name="Check").click()
    report = page.locator("#report")
    expect(report).to_contain_text("The query is right.")
    expect(report).to_contain_text("demo.stars, 981,852 rows: uses an index")


def test_a_job_is_watched_while_it_runs_and_aborted(visitor: Visitor) -> None:
    page = visitor.write(SLOW)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("h1 .phase")).to_have_text("EXECUTING")
    page.get_by_role("button", name="Abort").click()
    expect(page.locator("h1 .phase")).to_have_text("ABORTED")


def test_a_page_hears_that_its_job_has_ended_without_being_asked_again(visitor: Visitor) -> None:
    page = visitor.write(
        "SELECT COUNT(*) AS n FROM demo.stars AS a JOIN demo.stars AS b ON a.vmag = b.vmag WHERE a.vmag < 8.4"
    )
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("h1 .phase").wait_for()
    expect(page.locator("h1 .phase")).to_have_text("COMPLETED", timeout=60_000)
    expect(page.locator("#rows tbody tr")).to_have_count(1)


def test_the_colour_magnitude_diagram_has_its_bright_stars_on_top(visitor: Visitor) -> None:
    page = visitor.run(PLEIADES)
    page.get_by_role("button", name="Plot").click()
    expect(page.get_by_role("img", name="vmag (mag) against bv (mag)")).to_be_visible()
    expect(page.get_by_role("img", name="Sky", exact=True)).to_be_visible()


def test_what_is_selected_in_a_plot_becomes_a_condition(visitor: Visitor) -> None:
    page = visitor.run(PLEIADES)
    page.get_by_role("button", name="Plot").click()
    canvas = page.get_by_role("img", name="vmag (mag) against bv (mag)")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.03)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.98, box["y"] + box["height"] * 0.5)
    page.mouse.up()
    figure = page.locator("figure", has=canvas)
    selected = int(figure.get_by_role("status").inner_text().split()[0])
    figure.get_by_role("button", name="Use as filter").click()
    expect(page.locator(".cm-content")).to_contain_text("BETWEEN")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#rows tbody tr")).to_have_count(selected)


def test_a_plot_is_saved_as_png_and_as_svg(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.run(PLEIADES)
    page.get_by_role("button", name="Plot").click()
    figure = page.locator("figure").nth(1)
    for name, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        with page.expect_download() as download:
            figure.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    assert b"vmag (mag)" in (tmp_path / "SVG").read_bytes()


def test_a_sky_map_of_a_table_is_counted_by_the_service(visitor: Visitor) -> None:
    page = visitor.open("/tap/tables/demo.stars")
    with page.expect_response("**/tap/sync") as answer:
        page.get_by_role("button", name="Plot").click()
    assert "ivo_healpix_index" in (answer.value.request.post_data or "")
    expect(page.get_by_role("img", name="Sky", exact=True)).to_be_visible()
    far = page.locator("figure canvas").evaluate("canvas => canvas.toDataURL()")
    page.get_by_role("button", name="Zoom in").click()
    assert page.locator("figure canvas").evaluate("canvas => canvas.toDataURL()") != far
    page.get_by_role("button", name="Zoom out").click()
    assert page.locator("figure canvas").evaluate("canvas => canvas.toDataURL()") == far


def test_a_list_is_dropped_checked_and_cross_matched(visitor: Visitor, tmp_path: Path) -> None:
    listed = tmp_path / "mine.csv"
    listed.write_text("name,ra,dec\nAlcyone,56.8712,24.1051\nAtlas,57.2906,24.0534\nnowhere,10.0,89.9\n")
    page = visitor.open("/crossmatch")
    page.get_by_label("find rows of").select_option("demo.stars")
    page.get_by_label("within arcseconds").fill("30")
    page.get_by_role("button", name="Write the query").click()
    page.get_by_label("File (VOTable").set_input_files(listed)
    expect(page.locator("#list-report")).to_have_text("Columns: name, ra, dec. Position: ra, dec. Look at it")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#rows tbody tr")).to_have_count(2)
    expect(page.locator("#rows")).to_contain_text("Alcyone")


def test_a_result_is_downloaded_as_fits_and_read_back_by_astropy(visitor: Visitor) -> None:
    page = visitor.run("SELECT tyc_id, ra, vmag FROM demo.stars WHERE vmag < 1 ORDER BY vmag")
    page.get_by_text("Download", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="FITS", exact=True).click()
    table = Table.read(io.BytesIO(Path(download.value.path()).read_bytes()), format="fits")
    assert table.colnames == ["tyc_id", "ra", "vmag"]
    assert np.all(np.diff(table["vmag"]) >= 0)
    assert table["vmag"].unit == "mag"


def test_a_member_keeps_a_result_as_a_table_and_shares_it_with_a_colleague_who_reads_it(
    visit: Visit, person: MakePerson
) -> None:
    ada, bo = visit(), visit()
    owner, colleague = person(), person()
    ada.log_in(owner)
    page = ada.run("SELECT tyc_id, vmag FROM demo.stars WHERE vmag < 0.5")
    rows = page.locator("#rows tbody tr").count()
    page.get_by_text("Keep as a table").click()
    page.get_by_label("Its name").fill("bright")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("main")).to_contain_text("It made a table")
    page = ada.open("/tap/whoami")
    page.get_by_role("link", name="bright").click()
    name = page.get_by_role("heading", level=1).inner_text()
    page.get_by_label("Share with").fill(colleague.name)
    page.get_by_role("button", name="Share").click()
    bo.log_in(colleague)
    page = bo.open("/tap/whoami")
    page.get_by_role("link", name="bright").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page = bo.run(f"SELECT * FROM {name}")
    expect(page.locator("#rows tbody tr")).to_have_count(rows)


def test_a_job_is_shared_and_opened_by_the_colleague(visit: Visit, person: MakePerson) -> None:
    ada, bo = visit(), visit()
    colleague = person()
    ada.log_in(person())
    page = ada.run("SELECT TOP 3 tyc_id FROM demo.stars")
    url = page.url
    page.locator("summary", has_text="Share").click()
    page.get_by_label("With an account").fill(colleague.name)
    page.get_by_role("button", name="Share", exact=True).click()
    bo.log_in(colleague)
    bo.page.goto(url)
    expect(bo.page.locator("#rows tbody tr")).to_have_count(3)
    expect(bo.page.get_by_role("button", name="Delete")).to_have_count(0)


def test_a_job_gets_a_name_a_note_and_a_longer_life_after_it_has_ended(member: Visitor) -> None:
    page = member.run("SELECT TOP 3 tyc_id FROM demo.stars")
    page.get_by_text("About this job").click()
    page.get_by_label("Name", exact=True).fill("Three stars")
    page.get_by_label("Note").fill("for the talk <1>")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Three stars")
    expect(page.locator("main")).to_contain_text("for the talk <1>")
    page.get_by_text("About this job").click()
    until = f"{datetime.now(UTC) + timedelta(days=20):%Y-%m-%dT12:00}"
    page.get_by_label("Keep it until").fill(until)
    page.get_by_role("button", name="Set").click()
    page.get_by_text("About this job").click()
    expect(page.locator("dl")).to_contain_text(until.replace("T", " ") + ":00 UTC")
    page = member.open("/tap/async")
    expect(page.locator("tbody tr").first).to_contain_text("for the talk <1>")


def test_an_administrator_sees_the_jobs_of_all(visit: Visit, person: MakePerson) -> None:
    ada, admin = visit(), visit()
    owner = person()
    ada.log_in(owner)
    ada.run("SELECT TOP 3 tyc_id FROM demo.stars", runid="of somebody else")
    admin.log_in(person(is_admin=True))
    page = admin.open("/tap/async")
    expect(page.locator("main")).not_to_contain_text("of somebody else")
    page.get_by_label("of all accounts").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("main")).to_contain_text(f"of {owner.name}")


def test_an_administrator_ends_a_query_that_runs(visit: Visit, person: MakePerson, ada: Asker) -> None:
    admin = visit()
    admin.log_in(person(is_admin=True))
    running = Endless(ada)
    page = admin.open("/tap/whoami")
    page.get_by_role("link", name="what runs, waits and is offered").click()
    end = page.get_by_role("button", name=f"End the query of {ada.name}")
    for _ in range(100):
        if end.count():
            break
        page.wait_for_timeout(100)
        page.reload()
    assert admin.findings() == []
    page.once("dialog", lambda dialog: dialog.accept())
    end.click()
    assert running.end().status == 403


def test_a_token_is_shown_once_and_works(member: Visitor) -> None:
    page = member.open("/tap/whoami")
    tokens = page.locator("form[action*='/tokens?']")
    tokens.get_by_label("Name").fill("script")
    tokens.get_by_role("button", name="Make a token").click()
    token = page.locator("dd code").inner_text()
    answer = page.context.request.get(f"{member.service}/whoami", headers={"Authorization": f"Bearer {token}"})
    assert json.loads(answer.text())["account"]
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_role("cell", name="script", exact=True)).to_be_visible()
    expect(page.locator("body")).not_to_contain_text(token)


def test_a_notebook_taken_away_gives_the_same_rows(visitor: Visitor) -> None:
    page = visitor.run("SELECT tyc_id, vmag FROM demo.stars WHERE vmag < 1 ORDER BY vmag")
    rows = page.locator("#rows tbody tr").count()
    page.get_by_text("Scripts and citation").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Notebook").click()
    notebook = json.loads(Path(download.value.path()).read_text("utf-8"))
    names: dict[str, Table] = {}
    exec(notebook["cells"][1]["source"], names)  # noqa: S102
    assert len(names["table"]) == rows


def test_rows_far_down_a_large_result_are_reached_and_sorted(visitor: Visitor) -> None:
    page = visitor.run("SELECT TOP 100001 tyc_id, vmag FROM demo.stars", maxrec="100001")
    page.get_by_role("link", name="Last rows").click()
    expect(page.locator("#rows nav")).to_contain_text("100,001 to 100,001 of 100,001")
    page.get_by_role("link", name="vmag").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("vmag")
    values = [float(text) for text in page.locator("#rows tbody td:nth-child(2)").all_inner_texts()]
    assert values == sorted(values)


def test_a_cut_result_says_so_at_the_top(visitor: Visitor) -> None:
    page = visitor.run("SELECT tyc_id FROM demo.stars", maxrec="7")
    expect(page.locator(".note.warning")).to_contain_text("This is not all of it. The result was cut after 7 rows.")
    page.get_by_role("link", name="run it with more rows").click()
    expect(page.get_by_label("Rows at most")).to_have_value("70")


def test_what_is_being_written_is_there_again_after_a_look_elsewhere(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.type("SELECT TOP 7 tyc_id FROM demo.stars")
    page.get_by_role("link", name="Tables", exact=True).click()
    page.get_by_role("heading", name="Tables").wait_for()
    page.get_by_role("link", name="Query", exact=True).click()
    expect(page.locator(".cm-content")).to_have_text("SELECT TOP 7 tyc_id FROM demo.stars")


def test_a_repair_keeps_how_many_rows_are_asked_for(visitor: Visitor) -> None:
    page = visitor.write("SELECT vmga FROM demo.stars", maxrec="12")
    page.get_by_role("button", name="Check").click()
    page.get_by_role("link", name="Write vmag").click()
    expect(page.locator(".cm-content")).to_have_text("SELECT vmag FROM demo.stars")
    expect(page.get_by_label("Rows at most")).to_have_value("12")


def test_nothing_is_deleted_before_one_has_agreed(visitor: Visitor) -> None:
    page = visitor.run("SELECT TOP 1 tyc_id FROM demo.stars")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your jobs")


def test_a_result_repeats_the_warnings_of_its_query(visitor: Visitor) -> None:
    page = visitor.run("SELECT TOP 1 tyc_id, 5/60 AS x FROM demo.stars ORDER BY tyc_id")
    expect(page.locator(".note.warning")).to_contain_text("5/60 is 0")


def test_a_filter_that_makes_no_sense_is_told_above_the_rows(visitor: Visitor) -> None:
    visitor.expected = ("400", "Response Status Error Code")
    page = visitor.run("SELECT TOP 5 vmag FROM demo.stars")
    page.get_by_label("Value").fill("abc")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_contain_text("'abc' cannot be compared with the values of vmag")


def test_a_page_of_rows_has_a_link_of_its_own(visitor: Visitor) -> None:
    page = visitor.run("SELECT TOP 250 tyc_id, vmag FROM demo.stars ORDER BY tyc_id")
    page.get_by_role("link", name="Next rows").click()
    expect(page.locator("#rows nav")).to_contain_text("101 to 200")
    page.reload()
    expect(page.locator("#rows nav")).to_contain_text("101 to 200")
