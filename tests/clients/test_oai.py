"""A harvester's library takes the whole registry in pieces, and what is new since."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from oaipmh_scythe import Scythe

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.config import Config
from tests.conftest import alone, serving

AUTHORITY = "ivo://test.example"
RESOURCE = "{http://www.ivoa.net/xml/RegistryInterface/v1.0}Resource"


@pytest.fixture(scope="module")
def registry(sample: Config) -> Iterator[Scythe]:
    """A client of a registry that gives three records at once."""
    config = alone(sample, registry_page_size=3, processes=1, workers=0)
    with serving(config) as url, Scythe(url.removesuffix("/tap") + "/oai") as client:
        yield client


def test_all_records_are_harvested_over_several_pieces(registry: Scythe) -> None:
    records = list(registry.list_records(metadata_prefix="ivo_vor", set_="ivo_managed"))
    identifiers = [record.header.identifier for record in records]
    assert {AUTHORITY, *(f"{AUTHORITY}/{key}" for key in ("tap", "registry", "demo/stars", "demo/ngc"))} <= set(
        identifiers
    )
    assert len(set(identifiers)) == len(identifiers) > 3
    for record in records:
        if not record.deleted:
            (resource,) = record.xml.iter(RESOURCE)
            assert resource.findtext("identifier") == record.header.identifier


def test_what_the_registry_says_of_itself_is_read(registry: Scythe) -> None:
    about = registry.identify()
    assert (about.repositoryName, about.deletedRecord) == ("Armillary TAP service", "persistent")
    assert [f.metadataPrefix for f in registry.list_metadata_formats()] == ["ivo_vor", "oai_dc"]
    assert [s.setSpec for s in registry.list_sets()] == ["ivo_managed"]


def test_a_later_harvest_has_what_is_new_and_what_is_gone(
    registry: Scythe, owner: psycopg.Connection, tmp_path: Path
) -> None:
    list(registry.list_identifiers(metadata_prefix="oai_dc"))
    time.sleep(1.1)
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    name, path = f"registry.t{secrets.token_hex(4)}", tmp_path / "stars.csv"
    path.write_text("ra,dec\n10,20\n")
    load_table(owner, open_file(path), name, parse_description({"table": {"title": "New stars"}}))
    identifier = f"{AUTHORITY}/{name.replace('.', '/')}"
    try:
        new = {r.header.identifier: r for r in registry.list_records(metadata_prefix="oai_dc", from_=since)}
        assert set(new) == {identifier, f"{AUTHORITY}/tap"}
        assert new[identifier].metadata["title"] == ["New stars"]
    finally:
        unpublish_table(owner, name, drop=True)
    gone = {h.identifier: h.deleted for h in registry.list_identifiers(metadata_prefix="oai_dc", from_=since)}
    assert gone == {identifier: True, f"{AUTHORITY}/tap": False}
    kept = {r.header.identifier for r in registry.list_records(metadata_prefix="oai_dc", ignore_deleted=True)}
    assert identifier not in kept
