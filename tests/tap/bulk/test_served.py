"""What is served at /bulk: listed with sizes and checksums, fetched whole and in parts, opened by hats, for whom the table is."""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyvo.dal.adhoc import DatalinkResults

from schema.tap_schema import count_change, read_catalogue, remove_table
from tap.config import ENVIRONMENT, Config
from tap.engine import database
from tests import command
from tests.conftest import alone, serving
from tests.contract.client import Reply, get, request
from tests.people import MakePerson, basic
from tests.tap.bulk.catalogues import stars

FRAME = stars(5000)
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
READ = """
import hats, sys, warnings, pandas as pd
catalogue = hats.read_hats(sys.argv[1])
frames = [catalogue.read_pixel_to_pandas(pixel) for pixel in catalogue.get_healpix_pixels()]
pd.concat(frames).to_parquet(sys.argv[2])
"""


@pytest.fixture(scope="module")
def site(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """A service with a folder of exported tables, `bulk.stars` among them."""
    folder = tmp_path_factory.mktemp("served")
    pq.write_table(pa.Table.from_pandas(FRAME, preserve_index=False), folder / "stars.parquet")
    service = alone(config, bulk=str(folder / "bulk"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"{ENVIRONMENT}DATA_DIR", config.database.data_dir)
        patch.setenv(f"{ENVIRONMENT}BULK", service.web.bulk)
        for name in ("stars", "closed"):
            command.armillary("load", str(folder / "stars.parquet"), "--table", f"bulk.{name}")
            command.armillary("export", f"bulk.{name}", "--rows-per-partition", "1000")
        with serving(service):
            yield service
        with database.owner_connection(config) as owner:
            for table in read_catalogue(owner).tables:
                if table.schema_name == "bulk":
                    remove_table(owner, table.table_name)
            count_change(owner)
            owner.execute("DROP SCHEMA bulk CASCADE")


@pytest.fixture
def url(site: Config) -> str:
    return f"{site.web.base_url.removesuffix('/tap')}/bulk"


def listed(url: str) -> dict[str, object]:
    reply = get(url)
    assert reply.status == 200
    content: dict[str, object] = json.loads(reply.body)
    return content


def test_hats_opens_the_url_and_finds_all_rows(url: str, tmp_path: Path) -> None:
    command_line = [sys.executable, "-W", "ignore", "-c", READ, f"{url}/bulk.stars", str(tmp_path / "rows.parquet")]
    subprocess.run(command_line, check=True)
    rows = pd.read_parquet(tmp_path / "rows.parquet").sort_values("id").reset_index(drop=True)
    pd.testing.assert_frame_equal(rows[list(FRAME.columns)].astype(FRAME.dtypes), FRAME, check_exact=True)


def test_every_file_is_listed_with_its_size_and_its_checksum(url: str) -> None:
    tables = listed(f"{url}/")["tables"]
    assert isinstance(tables, list)
    about = next(table for table in tables if table["table"] == "bulk.stars")
    assert (about["rows"], about["format"], about["complete"], about["outdated"]) == (5000, "hats", True, False)
    files = listed(about["url"])["files"]
    assert isinstance(files, list)
    for file in files:
        reply = get(file["url"])
        assert (reply.status, len(reply.body)) == (200, file["bytes"])
        digest = hashlib.sha256(reply.body).digest()
        assert digest.hex() == file["sha256"]
        assert reply.headers["content-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    sums = get(f"{url}/bulk.stars/SHA256SUMS").text
    assert {line.split("  ")[1] for line in sums.splitlines()} == {file["name"] for file in files}
    assert json.loads(get(f"{url}/bulk.stars/manifest.json").body)["complete"]


def test_pyvo_reads_the_files_as_links(url: str) -> None:
    links = DatalinkResults.from_result_url(f"{url}/bulk.stars?RESPONSEFORMAT=datalink")
    files = {str(file["url"]): file for file in listed(f"{url}/bulk.stars")["files"]}  # type: ignore[attr-defined]
    found = {link.access_url: link for link in links}
    assert found.keys() == files.keys()
    for address, link in found.items():
        assert link.content_length == files[address]["bytes"]
        assert link.semantics == ("#this" if files[address]["rows"] else "#auxiliary")
        assert link["ID"] == "bulk.stars"
    address, link = next((address, link) for address, link in found.items() if link.semantics == "#this")
    assert get(address).media_type == link.content_type == "application/vnd.apache.parquet"
    assert get(f"{url}/bulk.stars", {}, Accept="application/x-votable+xml").body.count(b"<TR>") == len(files)


def test_a_cut_download_resumes(url: str) -> None:
    files = listed(f"{url}/bulk.stars")["files"]
    assert isinstance(files, list)
    file = max(files, key=lambda file: file["bytes"])
    whole = get(file["url"])
    etag, size = whole.headers["etag"], len(whole.body)
    rest = request("GET", file["url"], headers={"Range": "bytes=1000-", "If-Range": etag})
    assert (rest.status, rest.body) == (206, whole.body[1000:])
    assert rest.headers["content-range"] == f"bytes 1000-{size - 1}/{size}"
    assert request("GET", file["url"], headers={"Range": "bytes=1000-", "If-Range": '"older"'}).body == whole.body
    assert request("GET", file["url"], headers={"Range": "bytes=-8"}).body == whole.body[-8:]
    assert request("GET", file["url"], headers={"Range": f"bytes={size}-"}).status == 416
    assert request("GET", file["url"], headers={"If-None-Match": etag}).status == 304
    head = request("HEAD", file["url"])
    assert (head.status, head.headers["content-length"], head.body) == (200, str(size), b"")


def test_nothing_but_what_was_exported_can_be_fetched(url: str, site: Config) -> None:
    (Path(site.web.bulk) / "bulk.stars" / "secret").write_text("x")
    for name in ("secret", "../../stars.parquet", quote("../../stars.parquet", safe=""), "dataset", "x/manifest.json"):
        assert get(f"{url}/bulk.stars/{name}").status == 404
    for table in ("bulk.none", "..", quote("../bulk.stars", safe=""), "tap_schema.tables"):
        reply = get(f"{url}/{table}/manifest.json")
        assert reply.status == 404
        assert site.web.bulk not in reply.text


def test_files_of_a_closed_table_are_for_its_readers(url: str, person: MakePerson, shed_environment: None) -> None:
    ada, bob = person(), person()
    command.armillary("grant", "bulk.closed", "--user", ada.name)
    try:
        for path in ("", "/", "/manifest.json", "/hats.properties"):
            for headers in ({}, basic(bob.name, bob.password)):
                assert request("GET", f"{url}/bulk.closed{path}", headers=headers).status == 404
            assert request("GET", f"{url}/bulk.closed{path}", headers=basic(ada.name, ada.password)).status == 200
        assert names(get(f"{url}/")) == {"bulk.stars"}
        assert names(request("GET", f"{url}/", headers=basic(ada.name, ada.password))) == {"bulk.stars", "bulk.closed"}
    finally:
        command.armillary("grant", "bulk.closed", "--public")


def names(reply: Reply) -> set[str]:
    return {table["table"] for table in json.loads(reply.body)["tables"]}


@pytest.fixture
def shed_environment(site: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{ENVIRONMENT}DATA_DIR", site.database.data_dir)
    monkeypatch.setenv(f"{ENVIRONMENT}BULK", site.web.bulk)


def test_browsers_see_pages_and_the_page_of_a_table_leads_there(url: str, site: Config) -> None:
    page = request("GET", f"{url}/", headers=BROWSER)
    assert (page.media_type, "bulk.stars" in page.text) == ("text/html", True)
    page = request("GET", f"{url}/bulk.stars/", headers=BROWSER)
    assert f'lsdb.open_catalog("{url}/bulk.stars")' in page.text
    assert "dataset/Norder=0/Dir=0/Npix=9.parquet" in page.text
    table = request("GET", f"{site.web.base_url}/tables/bulk.stars", headers=BROWSER)
    assert "/bulk/bulk.stars/" in table.text


def test_an_export_that_goes_on_and_one_that_is_older_than_its_table_are_told(
    url: str, site: Config, shed_environment: None, owner: psycopg.Connection
) -> None:
    path = Path(site.web.bulk) / "bulk.closed" / "manifest.json"
    content = path.read_text()
    path.write_text(json.dumps(json.loads(content) | {"complete": False}))
    reply = get(f"{url}/bulk.closed/hats.properties")
    assert (reply.status, reply.headers["retry-after"]) == (503, "60")
    assert listed(f"{url}/bulk.closed")["files"] == []
    path.write_text(content)
    assert get(f"{url}/bulk.closed/hats.properties").status == 200
    command.armillary("publish", "bulk.closed")
    assert listed(f"{url}/bulk.closed")["outdated"]
    command.armillary("export", "bulk.closed", "--rows-per-partition", "1000")
    assert not listed(f"{url}/bulk.closed")["outdated"]
