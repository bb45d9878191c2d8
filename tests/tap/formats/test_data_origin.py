"""DataOrigin 1.1: what a result says of its query and of its data, as astropy reads it."""

import io
from dataclasses import fields
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
from astropy.io.votable import parse
from astropy.io.votable.dataorigin import extract_data_origin

from schema.description import Description
from schema.model import Origin
from schema.publish import publish_table
from tap.config import Config
from tap.engine import database
from tests.conftest import alone, serving
from tests.contract.client import get
from tests.tap.formats.tables import Publish

QUERY = "SELECT id FROM formats.sourced"
ORIGIN = Origin(
    title="Sourced stars",
    creator="Doe, J.",
    publisher="Data Centre of Nowhere",
    licence="CC-BY-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    citation="doi:10.5072/sourced",
    reference_url="https://example.org/sourced",
    release="DR2",
    version="2.1",
    article="2026A&A...000A...1D",
    journal="A&A",
    cites="doi:10.5072/other",
    is_derived_from="ivo://example/plates",
    original_date="1998-05-01",
    publication_date="2026-11-01",
)


@pytest.fixture(scope="module")
def sourced(sample: Config, tables: Publish) -> Config:
    tables("formats.sourced", {"id": pa.array([1, 2])})
    with database.owner_connection(sample) as owner:
        publish_table(owner, "formats.sourced", Description(origin=ORIGIN))
    return sample


def test_astropy_reads_all_that_is_said_of_query_and_data(sourced: Config) -> None:
    with serving(
        alone(
            sourced,
            publisher="Example Archive",
            contact="help@example.org",
            registry_authority="org.example",
            processes=1,
        )
    ) as service:
        body = get(f"{service}/sync", {"LANG": "ADQL", "QUERY": QUERY}).body
        origin = extract_data_origin(parse(io.BytesIO(body)))
        again = get(origin.query.request, {})
        assert again.body.count(b"<FIELD") == 1
    assert origin.query.query == QUERY
    assert origin.query.publisher == "Example Archive"
    assert origin.query.contact == "help@example.org"
    assert origin.query.service_ivoid == "ivo://org.example/tap"
    assert origin.query.server_software.startswith("Armillary/")
    assert origin.query.service_protocol == "ivo://ivoa.net/std/TAP"
    assert origin.query.request_date.endswith("Z")
    assert parse_qs(urlsplit(origin.query.request).query)["QUERY"] == [QUERY]
    (dataset,) = origin.origin
    said = {name: getattr(dataset, name) for name in dataset.__dict__}
    same = {"rights": ORIGIN.licence, "rights_uri": ORIGIN.licence_url, "resource_version": ORIGIN.version}
    same |= {
        field.name: getattr(ORIGIN, field.name)
        for field in fields(Origin)
        if field.name in said and field.name not in {"publisher", "last_update_date"}
    }
    assert {name: said[name] for name in same} == {name: [value] for name, value in same.items()}
    assert said["data_ivoid"] == ["ivo://org.example/formats/sourced"]
    assert said["last_update_date"][0].startswith("20")
