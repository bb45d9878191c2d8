"""VOSI 1.1 and TAPRegExt 1.0: availability, capabilities and tables, against their schemas and against the service."""

import gzip
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import pytest

from schema.coverage import Coverage
from schema.vodataservice import coverage_element
from tap.formats import FORMATS
from tests.contract.client import get, records, request, sync
from tests.contract.xsd import AVAILABILITY, CAPABILITIES, VODATASERVICE, VOSI_TABLES, XSI, problems, problems_of_type

_TYPE = f"{{{XSI}}}type"
DOCUMENTS = (
    "capabilities",
    "availability",
    "tables",
    "tables?detail=min",
    "tables?detail=max",
    "tables/demo.stars",
    "tables/tap_schema.columns",
)


def tap_capability(service: str) -> Any:
    found = get(f"{service}/capabilities").xml().xpath("capability[@standardID='ivo://ivoa.net/std/TAP']")
    assert len(found) == 1, "TAP 1.1 §2.4: exactly one capability with this standardID"
    return found[0]


# ---- all documents


@pytest.mark.parametrize("path", DOCUMENTS)
def test_every_vosi_document_is_valid_against_its_schema(service: str, path: str) -> None:
    """VOSI 1.1 §3.1-§3.3, appendices A-C."""
    reply = get(f"{service}/{path}")
    assert reply.status == 200
    assert problems(reply.body) == []


@pytest.mark.parametrize("path", DOCUMENTS)
def test_every_vosi_document_is_sent_as_xml(service: str, path: str) -> None:
    """VOSI 1.1 §2: an XML document with an XML media type."""
    assert get(f"{service}/{path}").media_type in {"text/xml", "application/xml"}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_head_answers_as_get_does_but_without_a_body(service: str, path: str) -> None:
    """RFC 9110 §9.3.2; TOPCAT probes capabilities so (docs/demands.md K18)."""
    head, full = request("HEAD", f"{service}/{path}"), get(f"{service}/{path}")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"] == full.headers["content-type"]


@pytest.mark.parametrize("path", [*DOCUMENTS, "examples"])
def test_nothing_is_compressed_unless_asked_for(service: str, path: str) -> None:
    """docs/demands.md K8, taplint W_CEZZ."""
    assert get(f"{service}/{path}").headers["content-encoding"] is None


@pytest.mark.parametrize("path", ["capabilities", "tables", "tables/demo.stars", "examples"])
def test_documents_are_compressed_when_asked_for(service: str, path: str) -> None:
    reply = get(f"{service}/{path}", Accept_Encoding="gzip, deflate")
    assert reply.headers["content-encoding"] == "gzip"
    assert gzip.decompress(reply.body) == get(f"{service}/{path}").body


@pytest.mark.parametrize(
    "path", ["capabilities", "tables", "sync?LANG=ADQL&QUERY=SELECT+1+AS+one+FROM+tap_schema.schemas"]
)
@pytest.mark.parametrize("accepted", ["gzip;q=0", "identity, gzip;q=0", "gzip; q=0.0", "identity"])
def test_a_client_that_refuses_gzip_gets_none(service: str, path: str, accepted: str) -> None:
    """RFC 9110 §12.4.2: q=0 means not acceptable."""
    assert get(f"{service}/{path}", Accept_Encoding=accepted).headers["content-encoding"] is None


@pytest.mark.parametrize(
    "path", ["capabilities", "tables", "sync?LANG=ADQL&QUERY=SELECT+1+AS+one+FROM+tap_schema.schemas"]
)
@pytest.mark.parametrize("accepted", ["GZIP", "gzip;q=0.5, identity;q=0.1", "deflate, gzip"])
def test_gzip_is_understood_however_it_is_spelt(service: str, path: str, accepted: str) -> None:
    """RFC 9110 §8.4.1: content codings are case-insensitive."""
    assert get(f"{service}/{path}", Accept_Encoding=accepted).headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("path", ["tables", "sync?LANG=ADQL&QUERY=SELECT+1+AS+one+FROM+tap_schema.schemas"])
@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("gzip;q=0.5, zstd;q=0.9", "zstd"),
        ("zstd;q=0, gzip;q=0.1", "gzip"),
        ("br, *;q=0.1", None),
    ],
)
def test_of_several_codings_the_weightiest_is_sent(service: str, path: str, accepted: str, chosen: str | None) -> None:
    """RFC 9110 §12.5.3; zstd where the client does not care."""
    assert get(f"{service}/{path}", Accept_Encoding=accepted).headers["content-encoding"] == chosen


@pytest.mark.parametrize("path", ["capabilities", "sync?LANG=ADQL&QUERY=SELECT+nonsense", "nowhere"])
def test_the_server_header_names_the_service_software(service: str, path: str) -> None:
    """docs/demands.md K19, taplint W_SVRV."""
    assert get(f"{service}/{path}").headers["server"].startswith("Armillary")


# ---- availability


def test_availability_says_true_and_since_when(service: str) -> None:
    """VOSI 1.1 §3.2: `available` must be there; upSince is a time that has passed."""
    root = get(f"{service}/availability").xml()
    assert root.findtext(f"{{{AVAILABILITY}}}available") == "true"
    since = datetime.fromisoformat(root.findtext(f"{{{AVAILABILITY}}}upSince"))
    assert since <= datetime.now(UTC)


# ---- capabilities


def test_the_capabilities_name_every_vosi_resource_where_it_is(service: str) -> None:
    """TAP 1.1 §2.4, DALI 1.1 §2.5: each URL stands beside `sync` and answers."""
    root = get(f"{service}/capabilities").xml()
    found = {c.get("standardID"): c.findtext("interface/accessURL").strip() for c in root.iter("capability")}
    tables = next(each for each in found if each.startswith("ivo://ivoa.net/std/VOSI#tables"))
    expected = {
        "ivo://ivoa.net/std/VOSI#capabilities": "capabilities",
        "ivo://ivoa.net/std/VOSI#availability": "availability",
        tables: "tables",
        "ivo://ivoa.net/std/DALI#examples": "examples",
    }
    for standard, path in expected.items():
        assert found[standard] == f"{service}/{path}"
        assert get(found[standard]).status == 200


def test_the_root_of_the_capabilities_is_in_vosis_namespace(service: str) -> None:
    assert get(f"{service}/capabilities").xml().tag == f"{{{CAPABILITIES}}}capabilities"


def test_every_vosi_endpoint_has_its_identifier_and_its_full_url(service: str) -> None:
    """VOSI 1.1 §4: fixed standardIDs, one interface each, `use` full."""
    root = get(f"{service}/capabilities").xml()
    for name, path in (("capabilities", "capabilities"), ("availability", "availability"), ("tables-1.1", "tables")):
        (interface,) = root.xpath(f"capability[@standardID='ivo://ivoa.net/std/VOSI#{name}']/interface")
        assert interface.get(_TYPE) == "vs:ParamHTTP"
        (url,) = interface.findall("accessURL")
        assert (url.get("use"), url.text) == ("full", f"{service}/{path}")


def test_a_capability_of_a_type_of_its_own_says_so(service: str) -> None:
    """VOSI 1.1 §3.1: by xsi:type, which TAPRegExt's needs; every document has at least one capability."""
    found = get(f"{service}/capabilities").xml().findall("capability")
    assert [c.get(_TYPE) for c in found if c.find("language") is not None] == ["tr:TableAccess"]
    assert {c.get(_TYPE) for c in found if c.find("language") is None} == {None}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_reading_a_document_changes_nothing(service: str, path: str) -> None:
    """VOSI 1.1 §2: metadata without changing the state of the service."""
    assert get(f"{service}/{path}").body == get(f"{service}/{path}").body


def test_there_is_one_tap_interface_of_version_1_1_at_the_url_that_users_type(service: str) -> None:
    """TAP 1.1 §2.4; docs/demands.md K11."""
    interfaces = [i for i in tap_capability(service).findall("interface") if i.get("role") == "std"]
    assert [i.get("version") for i in interfaces] == ["1.1"]
    assert interfaces[0].findtext("accessURL") == service
    assert interfaces[0].find("accessURL").get("use") == "base"


def test_the_tables_interface_is_of_version_1_1(service: str) -> None:
    """VOSI 1.1 §3.3, TAP 1.1 §2.4: so clients know that `detail` is understood."""
    root = get(f"{service}/capabilities").xml()
    found = root.xpath("capability[starts-with(@standardID, 'ivo://ivoa.net/std/VOSI#tables')]/interface")
    assert [each.get("version") for each in found] == ["1.1"]


def test_both_versions_of_adql_are_declared_with_their_identifiers(service: str) -> None:
    """TAPRegExt 1.0 §2.3; docs/demands.md K12."""
    language = tap_capability(service).find("language")
    assert language.findtext("name") == "ADQL"
    assert {v.text: v.get("ivo-id") for v in language.findall("version")} == {
        "2.0": "ivo://ivoa.net/std/ADQL#v2.0",
        "2.1": "ivo://ivoa.net/std/ADQL#v2.1",
    }


def test_every_declared_language_version_is_spoken(service: str) -> None:
    """TAP 1.1 §2.7.1: LANG is name or name-version, as the capabilities say."""
    language = tap_capability(service).find("language")
    names = [language.findtext("name"), *(f"{language.findtext('name')}-{v.text}" for v in language.findall("version"))]
    for name in names:
        assert sync(service, "SELECT table_name FROM tap_schema.tables", LANG=name).status == 200, name


def test_every_declared_output_format_is_delivered_by_all_its_names(service: str) -> None:
    """TAPRegExt 1.0 §2.4: mime and aliases are values of RESPONSEFORMAT."""
    formats = tap_capability(service).findall("outputFormat")
    assert len(formats) == len(FORMATS)
    for each in formats:
        mime = each.findtext("mime")
        for name in [mime, *(alias.text for alias in each.findall("alias"))]:
            reply = sync(service, "SELECT TOP 1 name, ra, dec FROM demo.ngc ORDER BY name", RESPONSEFORMAT=name)
            assert reply.status == 200, name
            assert reply.headers["content-type"].replace(" ", "") == mime, name


def test_no_two_output_formats_share_a_name(service: str) -> None:
    """docs/demands.md K2: TOPCAT asks by the first alias, else by the media type."""
    formats = tap_capability(service).findall("outputFormat")
    names = [e.text for f in formats for e in f.xpath("mime | alias")]
    assert len(names) == len(set(names))


def test_the_three_votable_serializations_have_their_identifiers(service: str) -> None:
    found = {f.get("ivo-id") for f in tap_capability(service).findall("outputFormat")}
    assert found >= {f"ivo://ivoa.net/std/TAPRegExt#output-votable-{each}" for each in ("td", "binary", "binary2")}


@pytest.mark.parametrize("name", ["default", "hard"])
def test_the_output_limit_has_default_and_hard_in_rows_once(service: str, name: str) -> None:
    """TAPRegExt 1.0 §2.6.2; docs/demands.md K13: pyvo raises without, and warns at repeated ones."""
    limits = tap_capability(service).findall("outputLimit")
    assert len(limits) == 1
    value = limits[0].find(name)
    assert (int(value.text) > 0, value.get("unit")) == (True, "row")


def test_the_default_output_limit_is_the_one_that_cuts(service: str) -> None:
    """TAPRegExt 1.0 §2.6.2 against DALI 1.1 §3.4.4."""
    default = int(tap_capability(service).findtext("outputLimit/default"))
    reply = sync(service, "SELECT vmag FROM demo.stars", RESPONSEFORMAT="csv")
    assert len(reply.lines) == 1 + default


def test_the_execution_duration_is_declared_once_in_whole_seconds(service: str) -> None:
    found = tap_capability(service).findall("executionDuration")
    assert len(found) == 1
    assert 0 < int(found[0].findtext("default")) <= int(found[0].findtext("hard"))


def test_every_declared_udf_has_a_form_that_clients_can_parse(service: str) -> None:
    """TAPRegExt 1.0 §2.3: name(arguments) -> type."""
    found = tap_capability(service).xpath(
        "language/languageFeatures[@type='ivo://ivoa.net/std/TAPRegExt#features-udf']/feature/form/text()"
    )
    assert found
    for form in found:
        assert re.fullmatch(r"[A-Za-z]\w*\(.*\) -> \S.*", form), form


def test_the_upload_methods_are_declared(service: str) -> None:
    """TAPRegExt 1.0 §2.5. By http at least the results of our own jobs are taken; more if the operator names hosts."""
    ids = [each.get("ivo-id") for each in tap_capability(service).findall("uploadMethod")]
    assert ids == [f"ivo://ivoa.net/std/TAPRegExt#upload-{each}" for each in ("inline", "http")]


# ---- tables


def test_tables_without_a_detail_parameter_are_whole(service: str) -> None:
    assert get(f"{service}/tables").body == get(f"{service}/tables?detail=max").body


def test_minimal_tables_have_no_columns_but_all_tables(service: str) -> None:
    """VOSI 1.1 §3.3: detail=min leaves columns and keys out."""
    small, whole = (get(f"{service}/tables?detail={each}").xml() for each in ("min", "max"))
    assert small.xpath("schema/table/name/text()") == whole.xpath("schema/table/name/text()") != []
    assert small.xpath("//column | //foreignKey") == []
    assert all(table.findall("column") for table in whole.iter("table"))


def test_the_detail_parameters_name_is_not_case_sensitive(service: str) -> None:
    """DALI 1.1 §3.1, which VOSI 1.1 resources of DAL services follow."""
    assert get(f"{service}/tables?DETAIL=min").body == get(f"{service}/tables?detail=min").body


@pytest.mark.parametrize("name", ["demo.stars", "DEMO.Stars", "tap_schema.key_columns"])
def test_a_single_table_is_the_same_as_in_the_whole_document(service: str, name: str) -> None:
    """VOSI 1.1 §3.3: /tables/NAME is one table."""
    alone = get(f"{service}/tables/{name}").xml()
    assert alone.tag == f"{{{VOSI_TABLES}}}table"
    among = next(t for t in get(f"{service}/tables").xml().iter("table") if t.findtext("name").lower() == name.lower())

    def content(table: Any) -> list[tuple[Any, ...]]:
        return [(e.tag, dict(e.attrib), (e.text or "").strip()) for e in table.iterdescendants()]

    assert content(alone) == content(among)


def test_each_table_of_the_set_is_a_resource_of_its_name(service: str) -> None:
    """VOSI 1.1 §3.3: a child for each table, named as its `name` is, in full."""
    for name in get(f"{service}/tables?detail=min").xml().xpath("schema/table/name/text()"):
        alone = get(f"{service}/tables/{quote(name)}").xml()
        assert alone.findtext("name") == name
        assert alone.findall("column")


@pytest.mark.parametrize(
    "name",
    [
        "demo.nothing",
        "stars.demo",
        "nothing",
        quote('demo."x y"'),
        "demo.stars/ra",
        quote("demo.stars' OR 1=1"),
        "%00",
        "a" * 3000,
    ],
)
def test_an_unknown_table_is_not_found(service: str, name: str) -> None:
    """VOSI 1.1 §3.3; docs/demands.md K14: an unknown name is 404, never an empty 200."""
    reply = get(f"{service}/tables/{name}")
    assert reply.status == 404
    assert reply.votable().message


def test_tables_with_a_slash_behind_is_the_table_set_or_nothing(service: str) -> None:
    reply = get(f"{service}/tables/")
    assert reply.status == 404 or reply.xml().tag == f"{{{VOSI_TABLES}}}tableset"


def test_the_data_types_are_votables_and_fit_what_queries_return(service: str) -> None:
    """TAP 1.1 §2.5: VOTableType is recommended; docs/demands.md K15 (MDQ)."""
    for element in get(f"{service}/tables").xml().iter("table"):
        name = element.findtext("name")
        fields = {f["name"]: f for f in sync(service, f"SELECT * FROM {name}", MAXREC="0").votable().fields}
        declared = {c.findtext("name").strip('"'): c for c in element.iter("column")}
        assert list(declared) == list(fields), name
        for column, about in declared.items():
            kind, got = about.find("dataType"), fields[column]
            assert kind.get(_TYPE).endswith(":VOTableType")
            assert kind.nsmap[kind.get(_TYPE).partition(":")[0]] == VODATASERVICE
            assert (kind.text, kind.get("arraysize"), kind.get("extendedType")) == (
                got["datatype"],
                got.get("arraysize"),
                got.get("xtype"),
            ), column
            for attribute in ("unit", "ucd", "utype", "description"):
                assert (about.findtext(attribute) or "") == got.get(attribute, ""), (name, column, attribute)


def test_the_tables_say_the_same_as_tap_schema(service: str) -> None:
    """TAP 1.1 §2.5: the content is equivalent to that of TAP_SCHEMA."""
    root = get(f"{service}/tables").xml()
    told = [(t.findtext("name"), c.findtext("name")) for t in root.iter("table") for c in t.iter("column")]
    stored = [
        (r["table_name"], r["column_name"])
        for r in records(service, "SELECT table_name, column_name FROM tap_schema.columns")
    ]
    assert sorted(told) == sorted(stored)
    flags = {
        (t.findtext("name"), c.findtext("name")): {f.text for f in c.findall("flag")}
        for t in root.iter("table")
        for c in t.iter("column")
    }
    for row in records(service, "SELECT table_name, column_name, indexed, principal, std FROM tap_schema.columns"):
        assert ("indexed" in flags[row["table_name"], row["column_name"]]) == (row["indexed"] == "1")


def test_foreign_keys_are_told_as_tap_schema_has_them(service: str) -> None:
    root = get(f"{service}/tables").xml()
    told = [
        (t.findtext("name"), k.findtext("targetTable"), f.findtext("fromColumn"), f.findtext("targetColumn"))
        for t in root.iter("table")
        for k in t.findall("foreignKey")
        for f in k.findall("fkColumn")
    ]
    query = "SELECT k.from_table, k.target_table, c.from_column, c.target_column FROM tap_schema.keys AS k JOIN tap_schema.key_columns AS c ON k.key_id = c.key_id"
    assert sorted(told) == sorted(tuple(r.values()) for r in records(service, query))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_capabilities_tell_when_they_last_changed(service: str, method: str) -> None:
    """VOSI 1.1 §3.1."""
    text = request(method, f"{service}/capabilities").headers["Last-Modified"]
    assert parsedate_to_datetime(str(text)) <= datetime.now(UTC)


# ---- rows and coverage


@pytest.mark.parametrize("path", ["tables", "tables?detail=min", "tables/demo.ngc"])
def test_a_table_says_how_many_rows_it_has(service: str, path: str) -> None:
    """VODataService 1.2 §3.3, nrows."""
    counted = records(service, "SELECT COUNT(*) AS n FROM demo.ngc")[0]["n"]
    document = get(f"{service}/{path}").xml()
    assert document.xpath("//nrows[../name = 'demo.ngc']/text() | /*[name = 'demo.ngc']/nrows/text()")[0] == counted


@pytest.mark.parametrize(
    "coverage",
    [
        Coverage(),
        Coverage("6/0-9 12", 6, 10 / 49152),
        Coverage("0/0-11", 6, 1.0, (51544.5, 61041.25), (2.72e-19, 4.14e-19)),
        Coverage(temporal=(0.1, 0.2)),
    ],
)
def test_a_coverage_is_valid_where_a_resource_has_one(coverage: Coverage) -> None:
    """VODataService 1.2 §3.2: spatial, temporal and spectral in this order; MOC, MJD and joules as texts."""
    element = coverage_element(coverage)
    assert problems_of_type(element, "Coverage") == []
    assert element.findtext("spatial") == coverage.moc
    for name in ("temporal", "spectral"):
        limits = tuple(map(float, (element.findtext(name) or "").split()))
        assert limits == (getattr(coverage, name) or ())
