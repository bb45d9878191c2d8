"""`tapsh` as somebody uses it in a real terminal, on this service and on another one."""

import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from astropy.table import Table

from tests.people import MakePerson
from tests.tap.client.shell.other_service import OtherService
from tests.tap.client.shell.terminal import Terminal

SLOW = "SELECT COUNT(*) FROM demo.stars AS a JOIN demo.stars AS b ON a.vmag + b.vmag < a.ra + b.ra;"


@pytest.fixture(scope="module")
def at_home(service: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal with our service."""
    with Terminal(tmp_path_factory.mktemp("home"), service, "--wait", "1") as terminal:
        terminal.reads("tables   help")
        yield terminal


@pytest.fixture(scope="module")
def abroad(other: OtherService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal with the other service, by a name."""
    home = tmp_path_factory.mktemp("abroad")
    names = home / ".config" / "tapsh" / "services.toml"
    names.parent.mkdir(parents=True)
    names.write_text(f'old = "{other.url}"\n')
    with Terminal(home, "old", "--wait", "1") as terminal:
        terminal.reads("2 tables")
        yield terminal


@pytest.fixture
def here(at_home: Terminal) -> Terminal:
    at_home.press("C-c")
    at_home.clear()
    return at_home


@pytest.fixture
def there(abroad: Terminal) -> Terminal:
    abroad.press("C-c")
    abroad.clear()
    return abroad


# ---- on this service


def test_what_may_stand_at_a_place_is_offered_and_taken_with_tab(here: Terminal) -> None:
    here.type("SELECT TOP 2 tyc_id, vmag FROM demo.st")
    here.reads("stars  table", "981,852")
    here.press("Tab")
    here.type(" WHERE parall")
    here.reads("parallax", "column  ")
    here.press("Tab")
    here.enter(" < 1000 ORDER BY vmag;")
    here.reads("5949-2777-1", "-1.44", "8534-2277-1", "2 rows")
    assert re.search(r"tyc_id +vmag *\n +mag", here.screen())


def test_a_query_is_written_on_several_lines_and_ends_with_an_empty_one(here: Terminal) -> None:
    here.enter("SELECT COUNT(*) AS n")
    here.reads("...>")
    here.enter("FROM demo.ngc")
    here.press("Enter")
    here.reads("14033", "1 row")


def test_a_wrong_query_is_answered_with_the_place_and_what_to_write(here: Terminal) -> None:
    here.enter("SELECT vmagg FROM demo.stars;")
    here.reads("There is no column vmagg", "^^^^^", "Did you mean vmag?")


def test_a_result_goes_to_a_file_and_never_over_another_one_in_silence(here: Terminal) -> None:
    path = here.home / "bright.fits"
    here.enter("SELECT TOP 3000 tyc_id, vmag FROM demo.stars ORDER BY vmag; > bright.fits")
    here.reads("bright.fits: 3,000 rows")
    table = Table.read(path)
    assert (len(table), table.colnames, str(table["vmag"].unit)) == (3000, ["tyc_id", "vmag"], "mag")
    here.enter("SELECT TOP 1 vmag FROM demo.stars; > bright.fits")
    here.reads("overwrite it?")
    here.enter("n")
    here.reads("stays as it is")
    assert len(Table.read(path)) == 3000


def test_what_takes_long_goes_on_as_a_job_that_ctrl_c_stops(here: Terminal) -> None:
    here.enter(SLOW)
    here.reads("longer than 1 s, and goes on as a job", "/tap/async/")
    here.press("C-c")
    here.reads("[a]bort the job")
    here.enter("a")
    here.reads("The job is aborted")
    here.clear()
    here.enter("jobs")
    here.reads("ABORTED")


def test_tables_are_found_and_described(here: Terminal) -> None:
    here.enter("find parallax")
    here.reads("demo.stars", "parallax")
    here.enter("describe demo.ngc")
    here.reads("src.redshift", "Heliocentric redshift", "DOUBLE PRECISION")


def test_a_query_is_checked_and_explained_by_the_service(here: Terminal) -> None:
    here.enter("check SELECT hip AS number FROM demo.stars WHERE vmag = NULL;")
    here.reads("Remark:", "it gives number")
    here.enter("explain SELECT vmag FROM demo.stars WHERE DISTANCE(ra, dec, 56.75, 24.12) < 0.1;")
    here.reads("read: by an index", "expected:")


def test_a_password_is_not_shown_and_nobody_else_may_read_the_history(
    service: str, person: MakePerson, tmp_path: Path
) -> None:
    ada = person()
    with Terminal(tmp_path, service, "--user", ada.name) as terminal:
        terminal.reads("Password")
        terminal.enter(ada.password)
        terminal.reads("tables   help")
        (tmp_path / "mine.csv").write_text("id,ra\n1,10.5\n2,11.5\n")
        terminal.enter("load mine.csv into mine_of_tapsh")
        terminal.reads("mine_of_tapsh")
        terminal.clear()
        terminal.enter("mytables")
        terminal.reads(".mine_of_tapsh")
        assert ada.password not in terminal.screen()
        terminal.enter("quit")
        terminal.reads("ended with 0")
    history = tmp_path / ".local" / "state" / "tapsh" / "history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700
    assert "load mine.csv" in history.read_text()
    assert ada.password not in history.read_text()


def test_a_window_that_is_closed_leaves_no_copies_of_files(other: OtherService, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("id\n1\n")
    copies = tmp_path / "temporary"
    copies.mkdir()
    with Terminal(tmp_path, other.url, TMPDIR=str(copies)) as terminal:
        terminal.reads("2 tables")
        terminal.enter("load mine.csv")
        terminal.reads("TAP_UPLOAD.mine in your queries")
        assert list(copies.rglob("mine.vot"))
    end = time.monotonic() + 20
    while list(copies.iterdir()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not list(copies.iterdir())


# ---- on another service


def test_tables_and_functions_of_another_service_are_offered(there: Terminal) -> None:
    there.type("SELECT bri")
    there.reads("brightest")
    there.press("C-u")
    there.type("SELECT ivo_heal")
    assert "ivo_healpix_index" not in there.screen()
    there.press("C-u")
    there.type("SELECT p. FROM old.plates AS p")
    there.press(*["Left"] * len(" FROM old.plates AS p"))
    # Nobody types while the cursor still moves.
    time.sleep(0.5)
    there.type("obs")
    there.reads("observer", "Who took it")


def test_rows_of_another_service_come_page_by_page(there: Terminal) -> None:
    there.enter("SELECT plate_id, ra, observer FROM old.plates;")
    there.reads("NULL", "Hertzsprung", "0.125", "… of more than 2,000 rows")
    there.clear()
    there.enter("more")
    there.reads("more than 2,000 rows", "    21  ")
    there.enter("> all.csv")
    there.reads("all.csv: ")
    assert len((there.home / "all.csv").read_text().splitlines()) == 2501


def test_the_place_that_another_service_tells_is_marked(there: Terminal) -> None:
    there.enter("SELECT plate_id FORM old.plates;")
    there.reads('Encountered "old"', "^^^")


def test_formats_that_another_service_does_not_make_are_told(there: Terminal) -> None:
    there.enter("SELECT 1 AS one; > one.fits")
    there.reads("the service makes no .fits; it makes .vot")


def test_a_job_of_another_service_is_waited_for(there: Terminal, other: OtherService) -> None:
    there.enter("SELECT TOP 1 sleep(1.6) AS slept FROM old.plates;")
    there.reads("goes on as a job", "slept", "1.6", "1 row")
    asked = [path for path in other.asked.paths if path.startswith("GET /old/tap/async/j")]
    assert len(asked) < 25


def test_what_we_think_of_a_query_of_another_service_is_a_remark(there: Terminal) -> None:
    there.enter("check SELECT brightest(plate_id) AS b FROM old.plates;")
    there.reads("it may know what we do not", "There is no function brightest")
    there.enter("SELECT TOP 1 brightest(plate_id) AS b FROM old.plates;")
    there.reads("1 row")
    there.enter("explain SELECT ra FROM old.plates;")
    there.reads("does not tell how it would run")


def test_a_file_becomes_a_table_of_queries_at_another_service(there: Terminal) -> None:
    (there.home / "mine.csv").write_text("id,name\n2,Ελληνικά\n4,b\n")
    there.enter("load mine.csv as mine")
    there.reads("TAP_UPLOAD.mine in your queries, with id, name")
    there.clear()
    there.enter("SELECT m.name, p.ra FROM TAP_UPLOAD.mine AS m JOIN old.plates AS p ON p.plate_id = m.id;")
    there.reads("Ελληνικά", "0.25", "2 rows")
