"""Answers that say what to do next: why a query ended, how to get the rest, what was odd about it; and `armillary xmatch` in all formats."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from astropy.table import Table
from click.testing import CliRunner
from lxml import html

from tap.cli import main
from tap.client.xmatch import Position, position_of_file
from tap.config import Config
from tap.engine import database
from tests.conftest import alone, serving
from tests.contract.client import Reply, get, post, request, sync
from tests.tap.formats.readers import READERS
from tests.tap.formats.tables import read_delimited, read_votable

VOTABLES = ("votable/td", "votable/b", "votable/b2")
OTHERS = ("csv", "tsv", "ecsv", "fits", "parquet", "arrow", "hdf5", "json", "text", "html")
NAMES = "SELECT name FROM demo.ngc ORDER BY name"
ENDLESS = "SELECT COUNT(*) AS n FROM demo.stars AS a, demo.stars AS b WHERE a.ra * b.ra < a.dec + b.dec"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Dest": "document"}


def form(query: str, **more: str) -> dict[str, str]:
    return {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv"} | more


def infos(reply: Reply, name: str) -> list[str]:
    return [each.get("value") for each in reply.votable().all(f"//v:INFO[@name='{name}']")]


# ---- the time limit


@pytest.fixture(scope="module")
def hasty(sample: Config) -> Iterator[str]:
    """A service that gives a query one second, and whose jobs wait for ever."""
    with serving(alone(sample, sync_limit=1.0, processes=1, workers=0)) as url:
        yield url
    database.prepare(sample, lambda _: None)


@pytest.fixture(scope="module")
def late(hasty: str) -> Reply:
    return post(f"{hasty}/sync", form(ENDLESS, MAXREC="7"))


def link_in(text: str) -> str:
    found = re.search(r"https?://[^\s\"'<>]+/async\?[^\s\"'<>]+", text)
    assert found, text
    return found[0].rstrip(".,;)")


def test_the_time_limit_is_told_to_programs(late: Reply) -> None:
    assert late.status == 504
    assert late.headers["x-armillary-reason"] == "time-limit"
    assert infos(late, "reason") == ["time-limit"]
    assert late.votable().statuses == [("ERROR", "alone")]
    assert "longer than this service allows" in late.votable().message


def test_the_time_limit_comes_with_a_link_that_makes_the_job(hasty: str, late: Reply) -> None:
    """By POST: what GET does to a job list is to show it."""
    link = link_in(late.votable().message)
    assert link.startswith(f"{hasty}/async?")
    sent = parse_qs(urlsplit(link).query)
    assert (sent["LANG"], sent["QUERY"]) == (["ADQL"], [ENDLESS])
    assert sent.get("MAXREC", ["7"]) == ["7"]
    assert sent.get("RESPONSEFORMAT", ["csv"]) == ["csv"]
    made = request("POST", link, b"", {"Content-Type": "application/x-www-form-urlencoded"}).xml()
    assert made.findtext("{*}phase") in {"PENDING", "QUEUED"}
    assert {p.get("id"): p.text for p in made.iter("{*}parameter")}["QUERY"] == ENDLESS
    request("DELETE", f"{hasty}/async/{made.findtext('{*}jobId')}")


def test_an_error_of_another_kind_has_another_reason_or_none(hasty: str) -> None:
    reply = post(f"{hasty}/sync", form("SELECT nam FROM demo.ngc"))
    assert reply.headers["x-armillary-reason"] != "time-limit"
    assert "time-limit" not in infos(reply, "reason")
    assert "/async?" not in reply.votable().message


def test_signs_of_a_query_survive_in_the_link(hasty: str) -> None:
    query = f"{ENDLESS} AND 'a&b=c#d + é %41' <> '<\"''>'"
    link = link_in(post(f"{hasty}/sync", form(query)).votable().message)
    assert link.isascii()
    assert parse_qs(urlsplit(link).query)["QUERY"] == [query]


# ---- a result that is cut


@pytest.mark.parametrize("format_", VOTABLES)
def test_a_cut_votable_says_at_its_end_how_to_get_the_rest(service: str, format_: str) -> None:
    reply = sync(service, NAMES, RESPONSEFORMAT=format_, MAXREC="2")
    assert reply.votable().statuses == [("OK", "before"), ("OVERFLOW", "after")]
    after = reply.votable().all("//v:TABLE/following-sibling::v:INFO")
    said = " ".join(f"{each.get('value')} {each.text or ''}" for each in after)
    assert "MAXREC" in said


def test_a_whole_votable_says_nothing_of_the_kind(service: str) -> None:
    reply = sync(service, "SELECT TOP 5 name FROM demo.ngc ORDER BY name", RESPONSEFORMAT="votable/td", MAXREC="5")
    assert reply.votable().all("//v:TABLE/following-sibling::v:INFO") == []


@pytest.mark.parametrize(("format_", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_delimited_rows_are_rows_alone_and_the_limit_is_in_a_header(
    service: str, sample: Config, format_: str, delimiter: str
) -> None:
    """Whether it will be reached nobody knows yet when the header leaves; who counts as many rows knows."""
    reply = sync(service, NAMES, RESPONSEFORMAT=format_, MAXREC="3")
    rows = list(csv.reader(io.StringIO(reply.text), delimiter=delimiter))
    assert (len(rows), {len(row) for row in rows}) == (4, {1})
    assert reply.headers["x-armillary-maxrec"] == "3"
    whole = sync(service, "SELECT TOP 3 name FROM demo.ngc ORDER BY name", RESPONSEFORMAT=format_)
    assert whole.body == reply.body
    assert whole.headers["x-armillary-maxrec"] == str(sample.limits.maxrec_default)


@pytest.mark.parametrize("format_", ["csv", "tsv"])
def test_delimited_rows_end_in_comments_where_these_are_asked_for(service: str, format_: str) -> None:
    query = "SELECT 5/60 AS x FROM demo.ngc"
    plain = sync(service, query, RESPONSEFORMAT=format_, MAXREC="3")
    reply = sync(service, query, RESPONSEFORMAT=format_, MAXREC="3", COMMENTS="allow")
    assert reply.body.startswith(plain.body)
    comments = reply.text[len(plain.text) :].splitlines()
    assert [each.split(":")[0] for each in comments] == ["# Warning", "# OVERFLOW"]
    assert "MAXREC" in comments[1]
    whole = sync(service, "SELECT TOP 3 name FROM demo.ngc ORDER BY name", RESPONSEFORMAT=format_, COMMENTS="allow")
    assert "#" not in whole.text
    assert sync(service, query, RESPONSEFORMAT=format_, COMMENTS="perhaps").status == 400


# ---- warnings


DIVISIONS = {
    "5/60": "SELECT TOP 1 5/60 AS x FROM demo.ngc ORDER BY 1",
    "1 / 3600": "SELECT TOP 1 name FROM demo.ngc WHERE ra < 1 / 3600 ORDER BY 1",
    "7/2": "SELECT TOP 1 COUNT(*) AS n FROM demo.stars WHERE DISTANCE(ra, dec, 10, 10) < 7/2",
}
QUIET = (
    "SELECT TOP 1 5/60. AS x FROM demo.ngc ORDER BY 1",
    "SELECT TOP 1 5.0/60 AS x FROM demo.ngc ORDER BY 1",
    "SELECT TOP 1 ra/60 AS x FROM demo.ngc ORDER BY 1",
    "SELECT TOP 1 '5/60' AS x FROM demo.ngc ORDER BY 1",
    "SELECT TOP 1 name -- 5/60\nFROM demo.ngc ORDER BY 1",
    "SELECT TOP 1 CAST(5 AS DOUBLE PRECISION)/60 AS x FROM demo.ngc ORDER BY 1",
)


def without_blanks(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("division", DIVISIONS)
@pytest.mark.parametrize("format_", VOTABLES)
def test_a_division_of_whole_numbers_is_told_in_votable(service: str, division: str, format_: str) -> None:
    reply = sync(service, DIVISIONS[division], RESPONSEFORMAT=format_)
    (said,) = (each for each in infos(reply, "warning") if without_blanks(division) in without_blanks(each))
    assert re.search(r"whole number|integer", said)


@pytest.mark.parametrize("format_", OTHERS)
def test_a_division_of_whole_numbers_is_told_in_a_header_of_other_formats(service: str, format_: str) -> None:
    reply = sync(service, DIVISIONS["5/60"], RESPONSEFORMAT=format_)
    said = reply.headers["x-armillary-warning"] or ""
    assert "5/60" in without_blanks(said)
    assert re.fullmatch(r"[ -~]+", said)
    values = read_delimited(reply.body, format_) if format_ in {"csv", "tsv"} else READERS[format_](reply.body)
    assert [float(each) for each in values["x"]] == [0]


def test_each_division_has_its_warning(service: str) -> None:
    reply = sync(service, "SELECT TOP 1 5/60 AS x, 1/3600 AS y FROM demo.ngc", RESPONSEFORMAT="votable/td")
    said = without_blanks(" ".join(infos(reply, "warning")))
    assert "5/60" in said
    assert "1/3600" in said


@pytest.mark.parametrize("query", QUIET)
def test_other_divisions_are_no_warning(service: str, query: str) -> None:
    assert infos(sync(service, query, RESPONSEFORMAT="votable/td"), "warning") == []
    assert sync(service, query, RESPONSEFORMAT="csv").headers["x-armillary-warning"] is None


def test_a_warning_of_strange_signs_fits_into_a_header(service: str) -> None:
    """A header takes neither line ends nor letters beyond Latin."""
    query = 'SELECT TOP 1 5/60 AS "größe", 7/\r\n9 AS "Σ" FROM demo.ngc'
    reply = sync(service, query, RESPONSEFORMAT="csv")
    assert reply.status == 200
    assert re.fullmatch(r"[ -~]+", reply.headers["x-armillary-warning"] or "")


def test_a_job_tells_its_warnings_in_its_result(service: str) -> None:
    made = post(f"{service}/async", form(DIVISIONS["5/60"], RESPONSEFORMAT="votable/td", PHASE="RUN")).xml()
    job, phase = f"{service}/async/{made.findtext('{*}jobId')}", "QUEUED"
    while phase in {"QUEUED", "EXECUTING"}:
        phase = get(job, {"WAIT": "10", "PHASE": phase}).xml().findtext("{*}phase")
    assert len(infos(get(f"{job}/results/result"), "warning")) == 1
    request("DELETE", job)


# ---- long queries


def in_list(values: Any, column: str = "hip") -> str:
    return f"SELECT COUNT(*) AS n FROM demo.stars WHERE {column} IN ({','.join(map(str, values))})"


@pytest.mark.parametrize(
    "send", [post, pytest.param(lambda url, pairs: request(*multipart(url, pairs)), marks=pytest.mark.long)]
)
def test_a_list_of_a_hundred_thousand_numbers_is_accepted(service: str, send: Callable[..., Reply]) -> None:
    reply = send(f"{service}/sync", form(in_list(range(100_000))))
    assert reply.status == 200, reply.text[-600:]
    plain = sync(service, "SELECT COUNT(*) AS n FROM demo.stars WHERE hip BETWEEN 0 AND 99999", RESPONSEFORMAT="csv")
    assert reply.lines == plain.lines
    assert int(reply.lines[1]) > 1000


def multipart(url: str, pairs: dict[str, str]) -> tuple[str, str, bytes, dict[str, str]]:
    """Blanks and commas as they are, so that the same query takes less room."""
    parts = "".join(f'--xyz\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in pairs.items())
    return "POST", url, f"{parts}--xyz--\r\n".encode(), {"Content-Type": "multipart/form-data; boundary=xyz"}


LARGE = {
    "a list": lambda size: in_list(10**9 + i for i in range(size // 11)),
    "a list of texts": lambda size: in_list((f"'{i:09}'" for i in range(size // 12)), "tyc_id"),
    "a long text": lambda size: f"SELECT COUNT(*) AS n FROM demo.ngc WHERE name = '{'x' * size}'",
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("path", ["sync", "async"])
def test_who_sends_too_large_a_query_is_told_to_upload_the_list(
    service: str, sample: Config, name: str, path: str
) -> None:
    """Beyond the limit of a request's body."""
    reply = post(f"{service}/{path}", form(LARGE[name](sample.web.body_limit + 50_000)))
    assert reply.status == 413
    assert "upload" in reply.votable().message.lower()


@pytest.mark.parametrize("query", [in_list(6 * 10**18 + i for i in range(30_000)), LARGE["a long text"](900_000)])
def test_who_writes_too_long_a_query_is_told_to_upload_the_list(service: str, query: str) -> None:
    """Within the limit of the body, beyond that of the text."""
    reply = post(f"{service}/sync", form(query))
    assert reply.status == 400
    assert "upload" in reply.votable().message.lower()
    assert len(reply.body) < 4000


# ---- the same in a browser


def page_of(reply: Reply) -> Any:
    assert reply.media_type == "text/html"
    return html.fromstring(reply.text)


def words(text: str) -> str:
    """Without the URLs, which a page may show as links."""
    return " ".join(re.sub(r"https?://\S+", "", text).split())


ERRORS: dict[str, dict[str, str]] = {
    "a column that is not there": form("SELECT nam FROM demo.ngc"),
    "signs of HTML": form("SELECT a<b & '\"</pre><i>' FROM demo.stars"),
    "a format that is not there": form(NAMES, RESPONSEFORMAT="png"),
    "an upload that is none": form("SELECT * FROM TAP_UPLOAD.t", UPLOAD="t,http://["),
    "a division by zero": form("SELECT 1 / (vmag - vmag) AS x FROM demo.ngc WHERE vmag > 0"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_page_shows_the_text_that_programs_get(service: str, name: str) -> None:
    plain, page = (get(f"{service}/sync", ERRORS[name], **headers) for headers in ({}, spelt(BROWSER)))
    assert plain.status == page.status == 400
    assert words(plain.votable().message) in words(page_of(page).text_content())
    assert not page_of(page).xpath("//i")


def spelt(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in headers.items()}


def test_a_page_tells_the_time_limit_and_leads_to_the_job(hasty: str, late: Reply) -> None:
    reply = post(f"{hasty}/sync", form(ENDLESS, MAXREC="7"), **spelt(BROWSER))
    page = page_of(reply)
    assert (reply.status, reply.headers["x-armillary-reason"]) == (504, "time-limit")
    assert words(late.votable().message).split(":")[0] in words(page.text_content())
    places = [*page.xpath("//@action"), *page.xpath("//@href"), *page.xpath("//@formaction"), page.text_content()]
    assert any(f"{hasty}/async" in each for each in places)


def test_a_page_tells_too_large_a_query(service: str, sample: Config) -> None:
    reply = post(f"{service}/sync", form(LARGE["a list"](sample.web.body_limit + 50_000)), **spelt(BROWSER))
    assert reply.status == 413
    assert "upload" in page_of(reply).text_content().lower()


# ---- armillary xmatch


@pytest.fixture(scope="module")
def mine(service: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three positions of the catalogue's own."""
    query = "SELECT TOP 3 name AS id, ra AS RA_ICRS, dec AS DE_ICRS FROM demo.ngc WHERE name LIKE 'IC00%' ORDER BY name"
    path = tmp_path_factory.mktemp("xmatch") / "mine.csv"
    path.write_bytes(sync(service, query, RESPONSEFORMAT="csv").body)
    return path


FILES: dict[str, Callable[[bytes], dict[str, list[Any]]]] = {
    "csv": lambda body: read_delimited(body, "csv"),
    "tsv": lambda body: read_delimited(body, "tsv"),
    "vot": read_votable,
    "xml": read_votable,
    **{each: READERS[each] for each in ("ecsv", "fits", "parquet", "arrow", "hdf5", "json")},
}


@pytest.mark.parametrize("suffix", FILES)
def test_xmatch_writes_every_format(service: str, mine: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    command = ["xmatch", str(mine), "--url", service, "--table", "demo.ngc", "--radius", "1", "--columns", "name"]
    done = CliRunner().invoke(main, [*command, "--find", "best", "-o", str(out)])
    assert done.exit_code == 0, done.output
    found = FILES[suffix](out.read_bytes())
    assert sorted(str(each).strip() for each in found["id"]) == ["IC0001", "IC0002", "IC0003"]
    assert [str(each) for each in found["name"]] == [str(each) for each in found["id"]]
    assert all(float(each) < 1 for each in found["separation"])


def test_xmatch_names_the_formats_that_there_are(mine: Path, service: str, tmp_path: Path) -> None:
    command = [
        "xmatch",
        str(mine),
        "--url",
        service,
        "--table",
        "demo.ngc",
        "--radius",
        "1",
        "-o",
        str(tmp_path / "x.png"),
    ]
    done = CliRunner().invoke(main, command)
    assert done.exit_code != 0
    assert [
        each
        for each in (".vot", ".fits", ".parquet", ".arrow", ".ecsv", ".hdf5", ".json", ".csv")
        if each not in done.output
    ] == []


POSITIONS = [
    ("RA_ICRS", "DE_ICRS"),
    ("RAJ2000", "DEJ2000"),
    ("_RAJ2000", "_DEJ2000"),
    ("ra_deg", "dec_deg"),
    ("RAdeg", "DEdeg"),
    ("RA", "DEC"),
    ("ra", "dec"),
    ("ALPHA_J2000", "DELTA_J2000"),
]


def at(path: Path) -> tuple[str, str]:
    found: Position = position_of_file(path)
    return found.ra.strip('"'), found.dec.strip('"')


@pytest.mark.parametrize(("ra", "dec"), POSITIONS)
@pytest.mark.parametrize("format_", ["csv", "fits", "vot"])
def test_a_position_is_known_by_the_names_of_its_columns(tmp_path: Path, ra: str, dec: str, format_: str) -> None:
    path = tmp_path / f"mine.{format_}"
    kind = {"csv": "ascii.csv", "fits": "fits", "vot": "votable"}[format_]
    Table({"id": [1], f"e_{ra}": [0.1], ra: [10.0], f"e_{dec}": [0.1], dec: [20.0]}).write(path, format=kind)
    assert at(path) == (ra, dec)


def test_a_position_is_known_by_ucds_before_names(tmp_path: Path) -> None:
    path, table = tmp_path / "mine.vot", Table({"ra": [1.0], "dec": [2.0], "x": [10.0], "y": [20.0]})
    for name, ucd in (("x", "pos.eq.ra;meta.main"), ("y", "pos.eq.dec;meta.main")):
        table[name].meta["ucd"] = ucd
    table.write(path, format="votable")
    assert at(path) == ("x", "y")
