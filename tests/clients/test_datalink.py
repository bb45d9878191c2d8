"""DataLink as clients use it: STILTS' linters, pyvo's links of records, and the Gaia archive's class of astroquery."""

import io
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
import pyvo
from astropy.table import Table
from astroquery.utils.tap.core import TapPlus

from tap.config import Config
from tests.contract.client import get
from tests.linked import EPOCHS, IDS, OBJECTS, light, sources

QUERY = "SELECT TOP 20 source_id, ra, dec, name FROM sky.sources ORDER BY source_id"
STILTS = shutil.which("stilts")
needs_stilts = pytest.mark.skipif(STILTS is None, reason="STILTS is not installed: apt-get install stilts")
pytestmark = pytest.mark.usefixtures("linked")


def stilts(*arguments: str) -> str:
    """What it complains of."""
    done = subprocess.run([str(STILTS), *arguments], capture_output=True, text=True, timeout=120, check=False)
    return (done.stdout + done.stderr).strip()


def datalinklint(url: str) -> list[str]:
    """What the linter has against the document at a URL, but for terms that its copy of the vocabulary is too old for."""
    lines = stilts("datalinklint", "maxrepeat=1000", f"votable={url}").splitlines()
    return [
        line
        for line in lines
        if line.startswith(("E", "W")) and "'documentation'" not in line and "'counterpart'" not in line
    ]


def query_url(service: str, query: str, format_: str) -> str:
    return f"{service}/sync?{urlencode({'LANG': 'ADQL', 'QUERY': query, 'RESPONSEFORMAT': format_})}"


@needs_stilts
@pytest.mark.parametrize(
    "parameters",
    [
        [("ID", IDS[0]), ("ID", IDS[1]), ("ID", "zz"), ("ID", "5")],
        [("ID", name) for name in OBJECTS[:4]] + [("TABLE", "sky.objects")],
        [],
    ],
    ids=["numbers", "names", "none"],
)
def test_the_linter_of_datalink_finds_nothing_in_links(service: str, parameters: list[tuple[str, Any]]) -> None:
    url = f"{service}/datalink/links?{urlencode(parameters)}"
    assert datalinklint(url) == []
    assert stilts("votlint", f"votable={url}") == ""


@needs_stilts
@pytest.mark.parametrize("format_", ["votable/td", "votable/b", "votable/b2"])
def test_the_linters_find_nothing_in_a_result_with_descriptors(service: str, format_: str) -> None:
    url = query_url(service, QUERY, format_)
    assert stilts("votlint", f"votable={url}") == ""
    # It takes the result for a table of links, of which it misses what those have.
    assert {line.split("-")[1] for line in datalinklint(url)} <= {"DLCT", "RCOL", "DRID", "DRR1", "DRS0", "TDSR"}


@needs_stilts
def test_the_linter_finds_nothing_in_a_result_with_rows_of_two_linked_tables(service: str) -> None:
    query = "SELECT TOP 9 s.*, o.name AS object FROM sky.sources AS s JOIN sky.objects AS o ON s.name <> o.name"
    url = query_url(service, query, "votable/td")
    names = re.findall(r'<RESOURCE type="meta"[^>]* name="([^"]*)"', get(url).text)
    assert len(set(names)) == len(names) >= 2
    assert stilts("votlint", f"votable={url}") == ""


# ---- pyvo


@pytest.fixture
def tap(service: str) -> pyvo.dal.TAPService:
    return pyvo.dal.TAPService(service)


def test_pyvo_iterates_over_the_links_of_a_sync_result(tap: pyvo.dal.TAPService) -> None:
    found = {links.original_row["source_id"]: links for links in tap.search(QUERY).iter_datalinks()}
    assert list(found) == IDS[:20]
    check(list(found.values()))


def test_pyvo_iterates_over_the_links_of_a_cone_search_by_numbers(service: str) -> None:
    cone = pyvo.dal.SCSService(f"{service.removesuffix('/tap')}/scs/sky.sources").search(pos=(180, 0), radius=180)
    found = list(cone.iter_datalinks())
    assert sorted(int(links.original_row["source_id"]) for links in found) == sorted(IDS)


def test_pyvo_iterates_over_the_links_of_a_job_in_the_order_of_its_rows(tap: pyvo.dal.TAPService) -> None:
    found = list(tap.run_async(QUERY).iter_datalinks(preserve_order=True))
    assert [links.original_row["source_id"] for links in found] == IDS[:20]
    check(found)


def check(found: list[Any]) -> None:
    rows = sources().to_pylist()
    for number, links in enumerate(found):
        (chart,) = links.bysemantics("#preview-image", include_narrower=False)
        assert chart.access_url == f"https://example.org/chart?ra={rows[number]['ra']!r}&dec={rows[number]['dec']!r}"
        products = [link["local_semantics"] for link in links.bysemantics("#auxiliary", include_narrower=False)]
        assert products == (["SPECTRUM"] if number % 2 else ["LIGHT", "SPECTRUM"])
        assert len(list(links.bysemantics("#documentation", include_narrower=False))) == (number % 3 == 0)


def test_pyvo_gets_the_row_a_product_and_a_service_of_a_record(tap: pyvo.dal.TAPService) -> None:
    links = tap.search(QUERY)[2].getdatalink()
    row = Table.read(content(links, "#this"), format="votable")
    assert row["source_id"].tolist() == [IDS[2]]
    curve = Table.read(content(links, "#auxiliary"), format="votable")
    assert curve["time"].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    services = {link.service_def for link in links.iter_procs()}
    assert {links.get_adhocservice_by_id(name).name for name in services} == {"near", "service-4"}


def content(links: Any, semantics: str) -> io.BytesIO:
    link = next(links.bysemantics(semantics, include_narrower=False))
    return io.BytesIO(link.getdataset().read())


def test_pyvo_finds_links_by_names_too(tap: pyvo.dal.TAPService) -> None:
    found = list(tap.search("SELECT name FROM sky.objects ORDER BY number").iter_datalinks())
    assert {links.original_row["name"] for links in found} == set(OBJECTS)
    assert all(len(links) == 2 for links in found)


# ---- the class of the Gaia archive


@pytest.fixture
def gaia(service: str, gaia_class: Callable[..., TapPlus], tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> TapPlus:
    """It writes files into the current folder."""
    monkeypatch.chdir(tmp_path)
    url = service.removesuffix("/tap") + "/"
    return gaia_class(
        gaia_tap_server=url, gaia_data_server=url, tap_server_context="", data_server_context="tap", show_server_messages=False
    )  # fmt: skip


def test_gaia_gets_datalinks(gaia: TapPlus) -> None:
    links = gaia.get_datalinks(IDS[:4])
    assert dict.fromkeys(links["source_id"].tolist()) == dict.fromkeys(IDS[:4])
    curves = links[links["local_semantics"] == "LIGHT"]
    assert curves["ID"].tolist() == [str(id_) for id_ in IDS[:4:2]]


@pytest.mark.parametrize("format_", ["votable", "votable_plain", "csv", "fits", "json"])
def test_gaia_loads_the_products_of_each_id(gaia: TapPlus, format_: str) -> None:
    files = gaia.load_data(IDS[:6], retrieval_type="ALL", data_structure="INDIVIDUAL", format=format_)
    extension = {"votable": "xml", "votable_plain": "xml"}.get(format_, format_)
    curves = {f"LIGHT-{id_}.{extension}" for id_ in IDS[:6:2]}
    assert set(files) == curves | {f"SPECTRUM-{id_}.{extension}" for id_ in IDS[:6]}
    for id_ in IDS[:6:2]:
        check_curve(files[f"LIGHT-{id_}.{extension}"], id_)


def check_curve(read: Any, id_: int, *, valid: bool = False) -> None:
    """The columns by an independent reader's eyes."""
    found = read if isinstance(read, Table) else read[0]
    found = found.to_table() if hasattr(found, "to_table") else found
    curve = sorted((row for row in light().to_pylist() if row["source_id"] == id_), key=lambda row: row["time"])
    curve = [row for row in curve if row["good"] or not valid]
    assert np.asarray(found["source_id"], dtype="i8").tolist() == [id_] * len(curve)
    assert np.asarray(found["time"]).tolist() == [row["time"] for row in curve]
    assert np.asarray(found["mag"], dtype="f4").tolist() == [row["mag"] for row in curve]
    assert [str(band).strip() for band in found["band"]] == [row["band"] for row in curve]


@pytest.mark.parametrize("structure", ["COMBINED", "RAW"])
def test_gaia_loads_one_file_for_all(gaia: TapPlus, structure: str) -> None:
    files = gaia.load_data(
        IDS[:6], retrieval_type="LIGHT", data_structure=structure, format="votable", avoid_datatype_check=True
    )
    ((name, (table,)),) = files.items()
    assert name == f"LIGHT_{structure}.xml"
    assert table.to_table()["source_id"].tolist() == [id_ for id_ in IDS[:6:2] for _ in range(EPOCHS)]


def test_gaia_loads_valid_data_of_designations_of_a_release(gaia: TapPlus) -> None:
    ids = [f"Sky {IDS[0]}", f"SKY {IDS[2]}"]
    files = gaia.load_data(
        ids, data_release="Sky", retrieval_type="LIGHT", valid_data=True, format="csv", avoid_datatype_check=True
    )
    assert set(files) == {f"LIGHT-{id_}.csv" for id_ in ids}
    check_curve(files[f"LIGHT-Sky {IDS[0]}.csv"], IDS[0], valid=True)


def test_gaia_finds_the_service_at_the_root_of_a_proxy(
    tls: int, linked: Config, gaia_class: Callable[..., TapPlus]
) -> None:
    url = f"https://localhost:{tls}/"
    links = gaia_class(gaia_tap_server=url, gaia_data_server=url, show_server_messages=False).get_datalinks(IDS[0])
    assert set(links["ID"]) == {str(IDS[0])}
