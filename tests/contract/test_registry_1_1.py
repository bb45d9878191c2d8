"""Registry Interfaces 1.1 and VOResource 1.1: the records of the service, against their schemas and against what they describe."""

import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from lxml import etree
from mocpy import MOC

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from schema.versions import keep_version
from tests.askers import Asker
from tests.conftest import SAMPLE
from tests.contract.client import get, records, sync
from tests.contract.own_tables import stars as three_stars
from tests.contract.own_tables import votable
from tests.contract.xsd import CAPABILITIES, OAI, RESOURCE, VOREGISTRY, XSI, parse, problems
from tests.observations import Observations
from tests.people import MakePerson, basic

AUTHORITY = "ivo://test.example"
TYPE = f"{{{XSI}}}type"
AUX = "ivo://ivoa.net/std/TAP#aux"


@pytest.fixture(scope="module")
def root(service: str) -> str:
    return service.removesuffix("/tap")


@pytest.fixture(scope="module")
def everything(root: str, observations: Observations) -> dict[str, Any]:
    """All records by their identifiers, with observations among them."""
    return harvest(root)


def harvest(root: str) -> dict[str, Any]:
    reply = get(f"{root}/oai", {"verb": "ListRecords", "metadataPrefix": "ivo_vor"})
    assert reply.status == 200
    document = parse(reply.body)
    assert not document.findall(f".//{{{OAI}}}resumptionToken"), "OAI-PMH §3.5: a list that is whole has no token"
    resources = document.iter(f"{{{RESOURCE}}}Resource")
    return {resource.findtext("identifier"): resource for resource in resources}


def identifier_of(table: str) -> str:
    return f"{AUTHORITY}/{table.replace('.', '/')}"


def content(element: Any) -> list[tuple[Any, ...]]:
    """What an element says, wherever it stands."""
    return [(e.tag, dict(e.attrib), (e.text or "").strip()) for e in element.iter()]


@pytest.fixture
def load(owner: psycopg.Connection, tmp_path: Path) -> Iterator[Any]:
    """Publishes a table of two columns for the length of a test."""
    names = []

    def load(name: str, content: str = "ra,dec\n10,20\n", **table: Any) -> str:
        path = tmp_path / "table.csv"
        path.write_text(content)
        load_table(owner, open_file(path), name, parse_description({"table": table}))
        names.append(name)
        return name

    yield load
    for name in names:
        unpublish_table(owner, name, drop=True)


# ---- records


def test_every_record_is_valid_by_itself(everything: dict[str, Any]) -> None:
    """VOResource 1.1 §2, Registry Interfaces 1.1 §2.2."""
    assert len(everything) > 6
    for identifier, record in everything.items():
        assert problems(etree.tostring(record)) == [], identifier


def test_every_record_has_a_type_by_the_prefix_that_its_schema_recommends(everything: dict[str, Any]) -> None:
    """Registry Interfaces 1.1 §2.2."""
    kinds = {record.get(TYPE) for record in everything.values()}
    assert kinds - {"vs:CatalogResource"} == {"vg:Registry", "vg:Authority", "vr:Organisation", "vs:CatalogService"}
    for record in everything.values():
        assert None not in record.nsmap
        assert record.nsmap[record.get(TYPE).partition(":")[0]].startswith("http://www.ivoa.net/xml/")


def test_every_identifier_is_of_the_authority_that_the_registry_manages(everything: dict[str, Any]) -> None:
    """Registry Interfaces 1.1 §2.4, §2.6; VOResource 1.1 §3.1."""
    managed = everything[f"{AUTHORITY}/registry"].xpath("managedAuthority/text()")
    assert managed == ["test.example"]
    assert {re.match("ivo://([^/]+)", identifier)[1] for identifier in everything} == set(managed)  # type: ignore[index]


def test_the_identifier_of_an_answer_is_that_of_the_resource(root: str) -> None:
    """Registry Interfaces 1.1 §2.3."""
    document = get(f"{root}/oai", {"verb": "ListRecords", "metadataPrefix": "ivo_vor"}).xml()
    for resource in document.iter(f"{{{RESOURCE}}}Resource"):
        record = resource.getparent().getparent()
        assert resource.findtext("identifier") == record.findtext(f"{{{OAI}}}header/{{{OAI}}}identifier")


def test_the_dates_of_a_record_are_not_in_the_future_and_its_last_is_the_datestamp(root: str) -> None:
    """VOResource 1.1 §3.1, Registry Interfaces 1.1 §2.7."""
    document = get(f"{root}/oai", {"verb": "ListRecords", "metadataPrefix": "ivo_vor"}).xml()
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for resource in document.iter(f"{{{RESOURCE}}}Resource"):
        assert resource.get("created") <= resource.get("updated") <= now
        record = resource.getparent().getparent()
        assert resource.get("updated") == record.findtext(f"{{{OAI}}}header/{{{OAI}}}datestamp")


def test_every_authority_of_the_registry_has_one_record(everything: dict[str, Any]) -> None:
    """Registry Interfaces 1.1 §2.4, §3.1: its identifier has no key, and it names who manages it."""
    (authority,) = [record for record in everything.values() if record.get(TYPE) == "vg:Authority"]
    assert authority.findtext("identifier") == AUTHORITY
    organisation = authority.find("managingOrg")
    assert organisation.text == "Test observatory"
    assert everything[organisation.get("ivo-id")].get(TYPE) == "vr:Organisation"


def test_the_registry_says_where_it_is_harvested(root: str, everything: dict[str, Any]) -> None:
    """Registry Interfaces 1.1 §3.4."""
    record = everything[f"{AUTHORITY}/registry"]
    (harvest,) = record.xpath("capability[@standardID='ivo://ivoa.net/std/Registry']")
    (interface,) = harvest.findall("interface")
    assert (harvest.get(TYPE), interface.get(TYPE), interface.get("role")) == ("vg:Harvest", "vg:OAIHTTP", "std")
    assert interface.findtext("accessURL") == f"{root}/oai"
    assert (harvest.findtext("maxRecords"), record.findtext("full")) == ("50", "false")


def test_identify_has_the_record_of_the_registry(root: str, everything: dict[str, Any]) -> None:
    """Registry Interfaces 1.1 §2.5."""
    (described,) = get(f"{root}/oai", {"verb": "Identify"}).xml().iter(f"{{{RESOURCE}}}Resource")
    assert content(described) == content(everything[f"{AUTHORITY}/registry"])


@pytest.mark.parametrize("path", ["oai/capabilities", "oai/availability"])
def test_the_registry_has_the_vosi_resources_that_its_record_names(
    root: str, everything: dict[str, Any], path: str
) -> None:
    """Registry Interfaces 1.1 §3.2."""
    urls = everything[f"{AUTHORITY}/registry"].xpath("capability/interface/accessURL/text()")
    assert f"{root}/{path}" in urls
    assert problems(get(f"{root}/{path}").body) == []


# ---- services


def test_the_record_of_the_service_has_the_capabilities_that_it_tells_itself(
    service: str, everything: dict[str, Any]
) -> None:
    """VOSI 1.1 §3.1; TAPRegExt 1.0."""
    told = get(f"{service}/capabilities").xml()
    assert told.tag == f"{{{CAPABILITIES}}}capabilities"
    of_record = everything[f"{AUTHORITY}/tap"].findall("capability")
    assert [content(c) for c in of_record] == [content(c) for c in told.findall("capability")]


def test_the_record_of_the_service_has_the_tables_that_it_tells_itself(
    service: str, everything: dict[str, Any]
) -> None:
    """VODataService 1.2 §3.3."""
    told = get(f"{service}/tables").xml()
    tables = {t.findtext("name"): content(t) for t in told.iter("table")}
    recorded = {t.findtext("name"): content(t) for t in everything[f"{AUTHORITY}/tap"].iter("table")}
    assert recorded.keys() >= {"demo.stars", "demo.ngc", "ivoa.obscore", "tap_schema.tables"}
    assert all(tables[name] == about for name, about in recorded.items())


@pytest.mark.parametrize("table", ["demo.stars", "demo.ngc"])
def test_a_table_leads_to_the_service_that_has_it(service: str, everything: dict[str, Any], table: str) -> None:
    """VODataService 1.2 §2.2: IsServedBy, and an auxiliary capability whose interface RegTAP finds by its role."""
    record, tap = everything[identifier_of(table)], everything[f"{AUTHORITY}/tap"]
    (auxiliary,) = record.xpath("capability[@standardID=$aux]/interface[@role='std']", aux=AUX)
    assert (auxiliary.get(TYPE), auxiliary.findtext("accessURL")) == ("vs:ParamHTTP", service)
    by = record.xpath("content/relationship[relationshipType='IsServedBy']/relatedResource/@ivo-id")
    assert by == [f"{AUTHORITY}/tap"]
    served = tap.xpath("content/relationship[relationshipType='IsServiceFor']/relatedResource/@ivo-id")
    assert identifier_of(table) in served
    assert record.xpath("tableset/schema/table/name/text()") == [table]


def test_every_relation_is_to_a_record_that_there_is(everything: dict[str, Any]) -> None:
    """VOResource 1.1 §3.1: an ivo-id is that of a record."""
    for record in everything.values():
        related = record.xpath("curation//@ivo-id | content//@ivo-id | managingOrg/@ivo-id")
        assert related
        assert set(related) <= set(everything)


def test_a_table_says_what_its_description_says(everything: dict[str, Any]) -> None:
    """VOResource 1.1 §3.1."""
    record = everything[identifier_of("demo.ngc")]
    assert record.findtext("title") == "OpenNGC"
    assert record.findtext("curation/creator/name") == "Mattia Verga (OpenNGC)"
    assert record.findtext("curation/publisher") == "Armillary demonstration"
    assert record.findtext("curation/contact/email") == "archive@example.org"
    assert record.findtext("content/referenceURL") == "https://github.com/mattiaverga/OpenNGC"
    (rights,) = record.findall("rights")
    assert (rights.text, rights.get("rightsURI")) == (
        "CC-BY-SA-4.0",
        "https://creativecommons.org/licenses/by-sa/4.0/",
    )


def test_the_cone_search_in_a_record_finds_something(everything: dict[str, Any]) -> None:
    """SimpleDALRegExt 1.2: its test query."""
    record = everything[identifier_of("demo.stars")]
    assert record.get(TYPE) == "vs:CatalogService"
    (cone,) = record.xpath("capability[@standardID='ivo://ivoa.net/std/ConeSearch']")
    query = {name.upper(): cone.findtext(f"testQuery/{name}") for name in ("ra", "dec", "sr")}
    result = get(cone.findtext("interface/accessURL").rstrip("?"), query).votable()
    assert result.rows


def test_the_observations_have_image_search_in_their_record(root: str, everything: dict[str, Any]) -> None:
    """SIA 2.0 §2.3."""
    (search,) = everything[identifier_of("ivoa.obscore")].xpath(
        "capability[@standardID='ivo://ivoa.net/std/SIA#query-2.0']"
    )
    assert search.findtext("interface/accessURL") == f"{root}/sia/query"
    models = everything[f"{AUTHORITY}/tap"].xpath("capability/dataModel/@ivo-id")
    assert models == ["ivo://ivoa.net/std/ObsCore#core-1.1"]


# ---- coverage


@pytest.mark.parametrize("table", ["demo.stars", "demo.ngc"])
def test_the_coverage_of_a_table_is_what_was_measured(service: str, everything: dict[str, Any], table: str) -> None:
    """VODataService 1.2 §3.2."""
    (measured,) = records(service, f"SELECT moc FROM tap_schema.table_coverage WHERE table_name = '{table}'")
    assert everything[identifier_of(table)].findtext("coverage/spatial") == measured["moc"]


def test_the_coverage_of_the_service_is_that_of_its_tables(everything: dict[str, Any]) -> None:
    """VODataService 1.2 §3.2: all rows are in it, and nothing where no table has any."""
    told = {identifier: record.findtext("coverage/spatial") for identifier, record in everything.items()}
    whole = MOC.from_string(told.pop(f"{AUTHORITY}/tap"))
    stars = pq.read_table(SAMPLE / "stars.parquet", columns=["ra_degrees", "dec_degrees"]).to_pandas().to_numpy(float)
    longitudes, latitudes = stars.T * u.deg
    assert MOC.from_lonlat(longitudes, latitudes, max_norder=whole.max_order).difference(whole).empty()
    tables = MOC.from_string("0/")
    for moc in (MOC.from_string(text) for text in told.values() if text):
        tables = tables.union(moc.degrade_to_order(whole.max_order) if moc.max_order > whole.max_order else moc)
    assert whole.difference(tables).empty()


def test_wavebands_follow_from_what_columns_are_about(everything: dict[str, Any]) -> None:
    """VODataService 1.2 §3.2: terms of the IVOA's vocabulary of messengers."""
    assert everything[identifier_of("demo.stars")].xpath("coverage/waveband/text()") == ["Optical"]


# ---- who may know


def test_a_table_that_only_some_may_read_is_not_told(root: str, load: Any) -> None:
    name = load(f"registry.t{secrets.token_hex(4)}", readers=["group:survey"])
    assert name.encode() not in get(f"{root}/oai", {"verb": "ListRecords", "metadataPrefix": "ivo_vor"}).body
    found = get(f"{root}/oai", {"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": identifier_of(name)})
    assert b"idDoesNotExist" in found.body


def test_a_table_that_is_closed_later_is_told_as_gone(root: str, load: Any) -> None:
    name = f"registry.t{secrets.token_hex(4)}"
    load(name)
    assert identifier_of(name) in harvest(root)
    load(name, readers=["group:survey"])
    assert identifier_of(name) not in harvest(root)
    reply = get(f"{root}/oai", {"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": identifier_of(name)})
    assert reply.xml().xpath("//*[local-name()='header']/@status") == ["deleted"]


def test_tables_of_accounts_are_not_told(root: str, ada: Asker) -> None:
    name = ada.own("stars")
    assert ada.put(name, votable(three_stars())).status == 201
    body = get(f"{root}/oai", {"verb": "ListRecords", "metadataPrefix": "ivo_vor"}).body
    assert b"demo.stars" in body
    assert name.encode() not in body


def test_an_administrator_who_asks_is_told_no_more_than_a_stranger(root: str, load: Any, person: MakePerson) -> None:
    admin = person(is_admin=True)
    name = load(f"registry.t{secrets.token_hex(4)}", readers=[f"user:{admin.name}"])
    credential, asked = basic(admin.name, admin.password), {"verb": "ListIdentifiers", "metadataPrefix": "ivo_vor"}
    assert get(f"{root}/tap/tables/{name}", **credential).status == 200
    replies = get(f"{root}/oai", asked, **credential), get(f"{root}/oai", asked)
    told = [[element.text for element in reply.xml().iter(f"{{{OAI}}}identifier")] for reply in replies]
    assert told[0] == told[1]


# ---- names and texts


def test_tables_whatever_they_are_called_have_identifiers_of_their_own(root: str, load: Any) -> None:
    """IVOA Identifiers 2.0 §2.3: without regard to case."""
    schema = f"r{secrets.token_hex(4)}"
    for name in ("plain", "a b", "a=20b", "A_B", "a_b", "é/☆", "x.y"):
        load(f'{schema}."{name}"')
    mine = [identifier for identifier in harvest(root) if f"/{schema}/" in identifier]
    assert len({identifier.lower() for identifier in mine}) == 7


def test_texts_that_xml_cannot_hold_break_no_record(root: str, load: Any) -> None:
    name = load(f"registry.t{secrets.token_hex(4)}", title="  A <b>\n & \x01 \ufffe title ", description="\x02 & <c>")
    assert harvest(root)[identifier_of(name)].findtext("title") == "A <b> & \ufffd \ufffd title"


@pytest.mark.parametrize(
    ("citation", "kind", "text"),
    [
        ("2018A&A...616A...1G", "bibcode", "2018A&A...616A...1G"),
        ("https://doi.org/10.1051/0004-6361/201833051", "doi", "10.1051/0004-6361/201833051"),
        ("doi:10.5281/zenodo.1", "doi", "10.5281/zenodo.1"),
    ],
)
def test_a_citation_that_can_be_looked_up_is_the_source(
    root: str, load: Any, citation: str, kind: str, text: str
) -> None:
    """VOResource 1.1 §3.1.2."""
    name = load(f"registry.t{secrets.token_hex(4)}", citation=citation, creator="Ada, L.; Bo, K.")
    record = harvest(root)[identifier_of(name)]
    (source,) = record.findall("content/source")
    assert (source.get("format"), source.text) == (kind, text)
    assert record.xpath("curation/creator/name/text()") == ["Ada, L.", "Bo, K."]


def test_a_version_that_is_kept_has_no_record_beside_that_of_the_table(
    root: str, load: Any, owner: psycopg.Connection
) -> None:
    """It is in the tables of the service; the record of the table says which version that is."""
    name = load(f"registry.t{secrets.token_hex(4)}", version="DR2", publication_date="2026-11-28")
    kept = keep_version(owner, name)
    try:
        everything = harvest(root)
        mine = [identifier for identifier in everything if identifier.startswith(identifier_of(name))]
        assert mine == [identifier_of(name)]
        assert kept in everything[f"{AUTHORITY}/tap"].xpath("tableset/schema/table/name/text()")
        curation = everything[identifier_of(name)].find("curation")
        assert curation.findtext("version") == "DR2"
        assert [date.get("role") for date in curation.findall("date")] == ["Issued", "Updated"]
    finally:
        unpublish_table(owner, kept)


@pytest.mark.parametrize("date", ["2026", "2026-02-30", "soon"])
def test_a_date_that_is_none_breaks_no_record(root: str, load: Any, date: str) -> None:
    name = load(f"registry.t{secrets.token_hex(4)}", publication_date=date)
    assert harvest(root)[identifier_of(name)].xpath("curation/date/@role") == ["Updated"]


def test_a_table_without_a_position_is_a_resource_and_no_service(root: str, load: Any) -> None:
    """VODataService 1.2 §2.2."""
    name = load(f"registry.t{secrets.token_hex(4)}", "n,text\n1,a\n")
    record = harvest(root)[identifier_of(name)]
    assert (record.get(TYPE), record.find("coverage")) == ("vs:CatalogResource", None)
    assert record.xpath("capability/@standardID") == [AUX]


# ---- where people and clients look


def test_the_first_page_links_to_the_record_of_the_service(service: str, root: str) -> None:
    page = etree.fromstring(get(f"{root}/", Accept="text/html").body, etree.HTMLParser())
    (link,) = page.xpath("//head/link[@rel='describedby']/@href")
    (record,) = get(link).xml().iter(f"{{{RESOURCE}}}Resource")
    assert record.findtext("identifier") == f"{AUTHORITY}/tap"
    assert page.xpath("//footer//a[text()='Registry record']/@href") == [link]
    assert sync(service, "SELECT 1 AS one FROM tap_schema.schemas").status == 200


def test_the_schema_of_registries_is_the_one_that_is_declared(everything: dict[str, Any]) -> None:
    """Registry Interfaces 1.1 §3."""
    assert everything[f"{AUTHORITY}/registry"].nsmap["vg"] == VOREGISTRY
