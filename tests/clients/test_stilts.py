"""STILTS as a client: tapquery in every form that it can ask for, and what it shows of errors."""

import csv
import io
import shutil
import subprocess
from urllib.parse import urlencode

import pytest

STILTS = shutil.which("stilts")
QUERY = "SELECT TOP 7 name, obj_type, ra, dec, position_angle, common_names FROM demo.ngc WHERE position_angle IS NOT NULL AND common_names IS NOT NULL ORDER BY name"
FORMATS = (
    "votable",
    "votable/td",
    "votable/b",
    "votable/b2",
    "text/xml",
    "application/x-votable+xml;serialization=BINARY",
)
pytestmark = pytest.mark.skipif(STILTS is None, reason="STILTS is not installed: apt-get install stilts")


def stilts(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(STILTS), *arguments], capture_output=True, text=True, timeout=60, check=False)


def tapquery(service: str, query: str = QUERY, *more: str) -> list[dict[str, str]]:
    done = stilts("tapquery", f"tapurl={service}", f"adql={query}", "sync=true", "ofmt=csv", *more)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def read_by_url(service: str, query: str, format_: str) -> list[dict[str, str]]:
    """STILTS 3.4 has no responseformat in tapquery, so it reads the answer as a file of the web."""
    url = f"{service}/sync?{urlencode({'LANG': 'ADQL', 'QUERY': query, 'RESPONSEFORMAT': format_})}"
    done = stilts("tpipe", f"in={url}", "ifmt=votable", "ofmt=csv")
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("upvotformat=BINARY2",),
        ("language=ADQL-2.1",),
        ("maxrec=100",),
        ("interface=tap1.0",),
        *(
            pytest.param((each,), marks=pytest.mark.long)
            for each in (
                *("upvotformat=TABLEDATA", "upvotformat=BINARY", "language=ADQL-2.0"),
                *("compress=true", "compress=false", "parse=true", "interface=tap1.1"),
            )
        ),
    ],
    ids=lambda more: " ".join(more) or "plain",
)
def test_tapquery_reads_the_same_table_however_it_asks(service: str, more: tuple[str, ...]) -> None:
    rows = tapquery(service, QUERY, *more)
    assert len(rows) == 7
    assert list(rows[0]) == ["name", "obj_type", "ra", "dec", "position_angle", "common_names"]
    assert rows == read_by_url(service, QUERY, "votable/td")


@pytest.mark.parametrize("format_", FORMATS)
def test_stilts_reads_every_serialization_as_the_same_table(service: str, format_: str) -> None:
    assert read_by_url(service, QUERY, format_) == tapquery(service)


def test_tapquery_writes_votable_that_votlint_accepts(service: str) -> None:
    done = stilts("tapquery", f"tapurl={service}", f"adql={QUERY}", "sync=true", "ofmt=votable")
    assert done.returncode == 0, done.stderr
    assert "<TABLEDATA>" in done.stdout


@pytest.mark.parametrize("format_", FORMATS)
def test_stilts_reads_nulls_as_nulls(service: str, format_: str) -> None:
    rows = read_by_url(
        service, "SELECT name, position_angle, bmag, hubble FROM demo.ngc WHERE name = 'IC0001'", format_
    )
    assert rows == [{"name": "IC0001", "position_angle": "", "bmag": "", "hubble": ""}]


def test_tapquery_keeps_to_maxrec(service: str) -> None:
    assert len(tapquery(service, "SELECT name FROM demo.ngc", "maxrec=11")) == 11


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nam FROM demo.ngc", "nam"),
        ("SELECT FROM", "line 1"),
        ("SELECT name FROM demo.starz", "demo.stars"),
        ("SELECT CAST(name AS INTEGER) AS x FROM demo.ngc", "CAST"),
    ],
)
def test_tapquery_shows_what_is_wrong_with_a_query(service: str, query: str, said: str) -> None:
    done = stilts("tapquery", f"tapurl={service}", f"adql={query}", "sync=true", "ofmt=csv")
    assert done.returncode != 0
    assert said in done.stderr
    assert "<" not in done.stderr.replace("<init>", ""), "no XML or HTML in the message"


def test_stilts_reads_csv_of_the_service_by_url(service: str) -> None:
    url = f"{service}/sync?LANG=ADQL&FORMAT=csv&QUERY=SELECT+TOP+3+name,ra+FROM+demo.ngc+ORDER+BY+name"
    done = stilts("tpipe", f"in={url}", "ifmt=csv", "ofmt=csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "name,ra"


@pytest.mark.parametrize("format_", ["votable/td", "votable/b", "votable/b2"])
def test_votlint_accepts_results_of_the_sample(service: str, format_: str) -> None:
    url = f"{service}/sync?LANG=ADQL&FORMAT={format_}&QUERY=SELECT+TOP+500+*+FROM+demo.ngc"
    done = stilts("votlint", f"votable={url}")
    assert (done.stdout + done.stderr).strip() == ""


def test_stilts_matches_a_table_of_its_own_by_cone(service: str) -> None:
    """The multi-cone of tapskymatch needs uploads; a query for each position does not."""
    done = stilts(
        "tapquery",
        f"tapurl={service}",
        "sync=true",
        "ofmt=csv",
        "adql=SELECT COUNT(*) AS n FROM demo.stars WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 56.87, 24.11, 1))",
    )
    assert int(done.stdout.splitlines()[1]) > 50
