"""What pyvo finds in a full registry that has harvested this one: RegTAP's tables are made of the records by its rules, and searched."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import pyvo
from oaipmh_scythe import Scythe
from pyvo import registry
from pyvo.registry import regtap

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.config import Config
from tap.engine.database import owner_connection
from tests.contract.client import records
from tests.contract.xsd import RESOURCE, XSI
from tests.observations import Observations

STARS, TAP = "ivo://test.example/demo/stars", "ivo://test.example/tap"
RESOURCE_COLUMNS = {
    "short_name": "shortName",
    "res_title": "title",
    "content_level": "content/contentLevel",
    "res_description": "content/description",
    "reference_url": "content/referenceURL",
    "creator_seq": "curation/creator/name",
    "rights": "rights",
    "content_type": "content/type",
    "source_value": "content/source",
    "region_of_regard": "coverage/regionOfRegard",
    "waveband": "coverage/waveband",
}
LOWER = {"waveband", "content_level", "content_type"}

Rows = dict[str, list[dict[str, Any]]]


def joined(record: Any, path: str, name: str) -> str | None:
    """The texts at a path as RegTAP keeps them: one value, hashes between several (RegTAP 1.1 §4.4, §8.1)."""
    text = ("; " if name == "creator_seq" else "#").join(element.text for element in record.findall(path))
    return (text.lower() if name in LOWER else text) or None


def ingest(record: Any, rows: Rows) -> None:
    """Add the rows of a record (RegTAP 1.1 §8)."""
    key = {"ivoid": record.findtext("identifier").lower()}
    about = {name: joined(record, path, name) for name, path in RESOURCE_COLUMNS.items()}
    dates = {name: record.get(name).rstrip("Z") for name in ("created", "updated")}
    kind = {"res_type": record.get(f"{{{XSI}}}type").lower(), "source_format": None}
    rows["resource"].append(key | about | dates | kind)
    rows["res_subject"] += [key | {"res_subject": e.text} for e in record.findall("content/subject")]
    for name in record.findall("curation/creator/name"):
        rows["res_role"].append(key | {"role_name": name.text, "base_role": "creator"})
    for column in record.findall("tableset/schema/table/column"):
        rows["table_column"].append(key | {"name": column.findtext("name"), "ucd": column.findtext("ucd")})
    for index, capability in enumerate(record.findall("capability"), 1):
        of_capability = key | {"cap_index": index}
        standard, about_it = capability.get("standardID", "").lower(), capability.findtext("description")
        rows["capability"].append(of_capability | {"standard_id": standard, "cap_description": about_it})
        rows["interface"] += [of_capability | interface_row(e) for e in capability.findall("interface")]


def interface_row(interface: Any) -> dict[str, Any]:
    methods = [method.get("standardID") for method in interface.findall("securityMethod")]
    return {
        "intf_type": interface.get(f"{{{XSI}}}type").lower(),
        "intf_role": interface.get("role"),
        "access_url": interface.findtext("accessURL"),
        "authenticated_only": int(bool(methods) and None not in methods),
    }


@pytest.fixture(scope="module")
def full_registry(
    service: str, sample: Config, observations: Observations, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """pyvo's registry: tables in the schema rr of this service, made of a harvest of it."""
    rows: Rows = {
        name: [] for name in ("resource", "res_subject", "res_role", "table_column", "capability", "interface")
    }
    with Scythe(service.removesuffix("/tap") + "/oai") as client:
        for record in client.list_records(metadata_prefix="ivo_vor", ignore_deleted=True):
            ingest(next(record.xml.iter(f"{{{RESOURCE}}}Resource")), rows)
    folder = tmp_path_factory.mktemp("rr")
    with owner_connection(sample) as owner:
        for name, content in rows.items():
            load(owner, folder, name, content)
        usual = regtap.REGISTRY_BASEURL
        registry.choose_RegTAP_service(service)
        yield
        regtap.get_RegTAP_service()._session.close()
        registry.choose_RegTAP_service(usual)
        for name in rows:
            unpublish_table(owner, f"rr.{name}", drop=True)


def load(owner: psycopg.Connection, folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    types = {name: pa.int32() for name in ("cap_index", "authenticated_only")}
    names = list(rows[0])
    columns = {column: pa.array([row[column] for row in rows], types.get(column, pa.string())) for column in names}
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    load_table(owner, open_file(folder / f"{name}.parquet"), f"rr.{name}", parse_description({}))


def found(*constraints: Any, **more: Any) -> dict[str, Any]:
    """What pyvo finds, by identifiers."""
    results = registry.search(*constraints, **more)
    return {resource.ivoid: resource for resource in results}


def test_a_table_is_found_by_words_and_leads_to_the_service_that_has_it(full_registry: None, service: str) -> None:
    resources = found(keywords=["Tycho"], servicetype="tap", includeaux=True)
    assert STARS in resources
    tap = resources[STARS].get_service("tap")
    assert isinstance(tap, pyvo.dal.TAPService)
    assert tap.baseurl == service
    assert len(tap.search("SELECT TOP 3 tyc_id FROM demo.stars")) == 3


def test_who_looks_for_services_finds_one(full_registry: None) -> None:
    assert set(found(servicetype="tap", ivoid=TAP)) == {TAP}
    mine = [ivoid for ivoid in found(servicetype="tap") if ivoid.startswith("ivo://test.example")]
    assert mine == [TAP]


def test_a_cone_search_that_was_found_is_one(full_registry: None) -> None:
    resource = found(servicetype="conesearch", keywords=["Tycho"])[STARS]
    assert len(resource.get_service("conesearch").search((56.75, 24.12), radius=0.2)) > 0


def test_image_search_is_found(full_registry: None, service: str) -> None:
    (resource,) = found(servicetype="sia2").values()
    assert resource.get_service("sia2").baseurl.startswith(service.removesuffix("/tap"))


def test_a_table_is_found_by_what_its_columns_are_and_by_who_made_it(full_registry: None) -> None:
    assert STARS in found(ucd=["pos.parallax%"], servicetype="tap", includeaux=True)
    assert list(found(author="%Verga%")) == ["ivo://test.example/demo/ngc"]


def test_a_stranger_may_use_what_is_found(full_registry: None, service: str) -> None:
    query = f"SELECT access_url FROM rr.interface WHERE authenticated_only = 0 AND ivoid = '{STARS}'"
    assert service in {row["access_url"] for row in records(service, query)}
