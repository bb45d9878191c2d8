"""OAI-PMH 2.0, as the registry speaks it: verbs, arguments, errors, and lists that come in pieces."""

import gzip
import re
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from lxml import etree

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.client import Reply, get, post, request
from tests.contract.xsd import DC, OAI, OAI_DC, RESOURCE, parse

AUTHORITY = "ivo://test.example"
TAP = f"{AUTHORITY}/tap"
NAMESPACES = {"o": OAI, "r": RESOURCE, "dc": DC, "oai_dc": OAI_DC}
VERBS = {
    "Identify": {},
    "ListMetadataFormats": {},
    "ListSets": {},
    "GetRecord": {"identifier": TAP, "metadataPrefix": "ivo_vor"},
    "ListIdentifiers": {"metadataPrefix": "ivo_vor"},
    "ListRecords": {"metadataPrefix": "ivo_vor"},
}
INSTANT = "%Y-%m-%dT%H:%M:%SZ"


@pytest.fixture(scope="module")
def oai(sample: Config) -> Iterator[str]:
    """The URL of a registry that gives two records at once."""
    config = alone(sample, registry_page_size=2, processes=1, workers=0)
    with serving(config) as url:
        oai = url.removesuffix("/tap") + "/oai"
        assert get(oai, {"verb": "Identify"}).status == 200
        # So that what a test changes has a later datestamp.
        time.sleep(1.1)
        yield oai


@pytest.fixture
def table(owner: psycopg.Connection, tmp_path: Path) -> Iterator[str]:
    """A table that was just published."""
    name = f"registry.t{secrets.token_hex(4)}"
    publish(owner, tmp_path, name, "Three stars")
    yield name
    unpublish_table(owner, name, drop=True)


def publish(owner: psycopg.Connection, folder: Path, name: str, title: str, rows: int = 3) -> None:
    path = folder / "stars.csv"
    path.write_text("ra,dec\n" + "".join(f"{10 + row},20\n" for row in range(rows)))
    load_table(owner, open_file(path), name, parse_description({"table": {"title": title}}))


def ask(oai: str, verb: str, **arguments: str) -> Any:
    """The root of an answer that must be valid, and of status 200."""
    reply = get(oai, {"verb": verb} | arguments)
    assert (reply.status, reply.media_type) == (200, "text/xml"), reply.text
    return parse(reply.body)


def found(root: Any, path: str) -> list[Any]:
    return list(root.xpath(path, namespaces=NAMESPACES))


def error_of(root: Any) -> str:
    (error,) = found(root, "/o:OAI-PMH/o:error")
    assert error.text.strip()
    return str(error.get("code"))


def pages(oai: str, verb: str, **arguments: str) -> Iterator[Any]:
    """Each piece of a list."""
    root = ask(oai, verb, **arguments)
    yield root
    while token := "".join(found(root, "//o:resumptionToken/text()")):
        root = ask(oai, verb, resumptionToken=token)
        yield root


def headers(oai: str, **arguments: str) -> dict[str, Any]:
    """The headers of all records by their identifiers, each of which must be there once."""
    roots = pages(oai, "ListIdentifiers", metadataPrefix="ivo_vor", **arguments)
    all_headers = [header for root in roots for header in found(root, "//o:header")]
    by_identifier = {header.findtext(f"{{{OAI}}}identifier"): header for header in all_headers}
    assert len(by_identifier) == len(all_headers)
    return by_identifier


def stamp(header: Any) -> str:
    return str(header.findtext(f"{{{OAI}}}datestamp"))


# ---- requests and envelopes


@pytest.mark.parametrize(("verb", "arguments"), VERBS.items())
def test_each_verb_is_answered_alike_by_get_and_post(oai: str, verb: str, arguments: dict[str, str]) -> None:
    """§3.1.1, §4."""
    by_get, by_post = (call(oai, {"verb": verb} | arguments) for call in (get, post))
    roots = [parse(reply.body) for reply in (by_get, by_post)]
    assert [root[2].tag for root in roots] == [f"{{{OAI}}}{verb}"] * 2
    contents = [re.sub(rb"<oai:responseDate>.*?</oai:responseDate>", b"", reply.body) for reply in (by_get, by_post)]
    assert contents[0] == contents[1]


@pytest.mark.parametrize(("verb", "arguments"), VERBS.items())
def test_an_answer_repeats_what_was_asked_and_when(oai: str, verb: str, arguments: dict[str, str]) -> None:
    """§3.2."""
    before = datetime.now(UTC).replace(microsecond=0)
    root = ask(oai, verb, **arguments)
    asked = root.find(f"{{{OAI}}}request")
    assert (asked.text, dict(asked.attrib)) == (oai, {"verb": verb} | arguments)
    moment = datetime.strptime(root.findtext(f"{{{OAI}}}responseDate"), INSTANT).replace(tzinfo=UTC)
    assert before <= moment <= datetime.now(UTC)


def test_an_answer_says_where_its_schema_is(oai: str) -> None:
    """§3.2."""
    location = ask(oai, "Identify").get("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation")
    assert location.split() == [OAI, "http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd"]


@pytest.mark.parametrize(("prefix", "namespace"), [("ivo_vor", RESOURCE), ("oai_dc", OAI_DC)])
def test_what_a_record_says_has_its_own_namespaces_and_schema(oai: str, prefix: str, namespace: str) -> None:
    """§2.5."""
    body = get(oai, {"verb": "GetRecord", "metadataPrefix": prefix, "identifier": TAP}).text
    start = re.search(r"<oai:metadata>\s*<(\w+):\w+ ([^>]*)>", body)
    assert start
    assert f'xmlns:{start[1]}="{namespace}"' in start[2]
    locations = re.search(r'xsi:schemaLocation="([^"]*)"', start[2])
    assert locations
    assert namespace in locations[1].split()[::2]


def test_an_answer_is_packed_as_identify_promises(oai: str) -> None:
    """§3.1.3."""
    (coding,) = [element.text for element in found(ask(oai, "Identify"), "//o:compression")]
    reply = get(oai, {"verb": "Identify"}, Accept_Encoding=coding)
    assert reply.headers["content-encoding"] == coding == "gzip"
    assert parse(gzip.decompress(reply.body))[2].tag == f"{{{OAI}}}Identify"


# ---- errors


@pytest.mark.parametrize("pairs", [[], [("verb", "Destroy")], [("verb", "Identify")] * 2, [("verb", "")]])
@pytest.mark.parametrize("call", [get, post])
def test_without_one_verb_that_there_is_the_verb_is_bad(oai: str, pairs: Any, call: Any) -> None:
    """§3.6: and what was asked is not repeated."""
    root = parse(call(oai, pairs).body)
    assert error_of(root) == "badVerb"
    assert dict(root.find(f"{{{OAI}}}request").attrib) == {}


@pytest.mark.parametrize(
    "pairs",
    [
        {"verb": "Identify", "set": "ivo_managed"},
        {"verb": "GetRecord", "identifier": TAP},
        {"verb": "GetRecord", "metadataPrefix": "ivo_vor"},
        {"verb": "ListRecords"},
        {"verb": "ListRecords", "metadataPrefix": "ivo_vor", "resumptionToken": "x"},
        {"verb": "ListRecords", "metadataPrefix": "ivo vor"},
        {"verb": "GetRecord", "metadataPrefix": "ivo_vor", "identifier": "%%"},
        {"verb": "ListMetadataFormats", "identifier": "ivo://a b"},
        {"verb": "ListRecords", "metadataPrefix": "ivo_vor", "maxrec": "1"},
        [("verb", "GetRecord"), ("metadataPrefix", "oai_dc"), ("metadataPrefix", "oai_dc"), ("identifier", TAP)],
        *(
            {"verb": "ListIdentifiers", "metadataPrefix": "oai_dc", name: value}
            for name, value in (
                ("from", "yesterday"),
                ("from", "2026-13-01"),
                ("from", "2026-11-28T12:00Z"),
                ("until", "2026-11-28T12:00:00"),
                ("until", "0000-00-00"),
                ("set", "a b"),
                ("from", "2026-01-01\0"),
            )
        ),
        {"verb": "Identify", "": "x"},
        {"verb": "Identify", "\x01": "x"},
        {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-01-02", "until": "2026-01-01"},
        {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-01-02", "until": "2026-01-03T00:00:00Z"},
    ],
)
@pytest.mark.parametrize("call", [get, post])
def test_arguments_that_a_verb_does_not_take_are_bad(oai: str, pairs: Any, call: Any) -> None:
    """§3.6, §2.7.1."""
    root = parse(call(oai, pairs).body)
    assert error_of(root) == "badArgument"
    assert dict(root.find(f"{{{OAI}}}request").attrib) == {}


@pytest.mark.parametrize("identifier", [f"{AUTHORITY}/nothing", "ivo://other.example/tap", "x", "%20", "", "a" * 3000])
@pytest.mark.parametrize("verb", ["GetRecord", "ListMetadataFormats"])
def test_a_record_that_there_never_was_is_told(oai: str, verb: str, identifier: str) -> None:
    """§3.6."""
    more = {"metadataPrefix": "oai_dc"} if verb == "GetRecord" else {}
    assert error_of(ask(oai, verb, identifier=identifier, **more)) == "idDoesNotExist"


@pytest.mark.parametrize("verb", ["GetRecord", "ListIdentifiers", "ListRecords"])
def test_a_format_that_there_is_not_is_told(oai: str, verb: str) -> None:
    """§3.6."""
    more = {"identifier": TAP} if verb == "GetRecord" else {}
    assert error_of(ask(oai, verb, metadataPrefix="marc21", **more)) == "cannotDisseminateFormat"


@pytest.mark.parametrize(
    "arguments", [{"until": "1999-12-31"}, {"from": "2999-01-01T00:00:00Z"}, {"set": "ivo_nothing"}, {"set": "a:b"}]
)
@pytest.mark.parametrize("verb", ["ListIdentifiers", "ListRecords"])
def test_a_list_without_records_is_told(oai: str, verb: str, arguments: dict[str, str]) -> None:
    """§3.6."""
    assert error_of(ask(oai, verb, metadataPrefix="ivo_vor", **arguments)) == "noRecordsMatch"


@pytest.mark.parametrize("verb", ["ListIdentifiers", "ListRecords", "ListSets"])
@pytest.mark.parametrize("token", ["", "x", "%00", "é", "aXZvX3Zvcg", "QUJD" * 900])
def test_a_token_of_nobody_is_bad(oai: str, verb: str, token: str) -> None:
    """§3.6."""
    assert error_of(ask(oai, verb, resumptionToken=token)) == "badResumptionToken"


def test_many_wrong_requests_are_all_told_without_a_fault(oai: str) -> None:
    texts = [
        "",
        " ",
        "<&>",
        "\x01",
        "\ufffe",
        "ivo_vor",
        "2026-02-30",
        "☆",
        "ivo://test.example/tap",
        "../..",
        "a" * 5000,
    ]
    names = ["verb", "identifier", "metadataPrefix", "from", "until", "set", "resumptionToken", "x"]
    for name in names:
        for text in texts:
            pairs = {"verb": "ListRecords", "metadataPrefix": "ivo_vor"} | {name: text}
            reply = get(oai, pairs)
            assert reply.status == 200, (pairs, reply.text)
            parse(reply.body)


# ---- what there is


def test_identify_describes_the_repository(oai: str) -> None:
    """§4.2."""
    (about,) = found(ask(oai, "Identify"), "o:Identify")
    told = {etree.QName(element).localname: element.text for element in about}
    assert told["repositoryName"] == "Armillary TAP service"
    assert (told["baseURL"], told["protocolVersion"], told["adminEmail"]) == (oai, "2.0", "archive@example.org")
    assert (told["deletedRecord"], told["granularity"]) == ("persistent", "YYYY-MM-DDThh:mm:ssZ")


def test_no_record_is_older_than_the_earliest_datestamp(oai: str) -> None:
    """§4.2."""
    (earliest,) = found(ask(oai, "Identify"), "//o:earliestDatestamp/text()")
    assert all(earliest <= stamp(header) for header in headers(oai).values())


def test_records_come_in_both_formats(oai: str) -> None:
    """§4.4."""
    formats = found(ask(oai, "ListMetadataFormats"), "//o:metadataFormat")
    told = {f[0].text: f[2].text for f in formats}
    assert told == {"ivo_vor": RESOURCE, "oai_dc": OAI_DC}
    for prefix in told:
        for root in pages(oai, "ListRecords", metadataPrefix=prefix):
            there = found(root, "//o:record[not(o:header/@status)]")
            assert len(there) == len(found(root, "//o:metadata"))


def test_the_formats_of_a_record_are_those_of_all(oai: str) -> None:
    """§4.4."""
    one, every = (ask(oai, "ListMetadataFormats", **more) for more in ({"identifier": TAP}, {}))
    assert found(one, "//o:metadataPrefix/text()") == found(every, "//o:metadataPrefix/text()")


def test_dublin_core_says_what_voresource_says(oai: str) -> None:
    """§2.5, §4.1."""
    arguments = {"identifier": f"{AUTHORITY}/demo/ngc"}
    full, dublin = (ask(oai, "GetRecord", metadataPrefix=p, **arguments) for p in ("ivo_vor", "oai_dc"))
    for name, path in {"title": "title", "description": "content/description", "rights": "rights"}.items():
        assert found(dublin, f"//dc:{name}/text()") == found(full, f"//r:Resource/{path}/text()") != []
    assert arguments["identifier"] in found(dublin, "//dc:identifier/text()")
    assert found(dublin, "//dc:creator/text()") == ["Mattia Verga (OpenNGC)"]


def test_the_sets_are_those_of_the_headers(oai: str) -> None:
    """§4.6."""
    told = set(found(ask(oai, "ListSets"), "//o:setSpec/text()"))
    assert {
        text for header in headers(oai).values() for text in header.xpath("*[local-name()='setSpec']/text()")
    } == told


def test_a_record_alone_is_that_of_the_list(oai: str) -> None:
    """§4.1."""
    for root in pages(oai, "ListRecords", metadataPrefix="ivo_vor"):
        for record in found(root, "//o:record"):
            identifier = record[0].findtext(f"{{{OAI}}}identifier")
            (alone,) = found(ask(oai, "GetRecord", metadataPrefix="ivo_vor", identifier=identifier), "//o:record")
            assert etree.tostring(alone, method="c14n").split() == etree.tostring(record, method="c14n").split()


def test_identifiers_are_those_of_the_records(oai: str) -> None:
    """§4.3."""
    roots = pages(oai, "ListRecords", metadataPrefix="oai_dc")
    assert [text for root in roots for text in found(root, "//o:header/o:identifier/text()")] == list(headers(oai))


# ---- lists in pieces


def test_a_list_comes_in_pieces_that_are_together_whole(oai: str) -> None:
    """§3.5: the last piece has an empty token."""
    roots = list(pages(oai, "ListRecords", metadataPrefix="ivo_vor"))
    counts = [len(found(root, "//o:record")) for root in roots]
    tokens = [found(root, "//o:resumptionToken")[0] for root in roots]
    assert len(roots) > 2
    assert set(counts[:-1]) == {2}
    assert [int(token.get("cursor")) for token in tokens] == [2 * i for i in range(len(roots))]
    assert {int(token.get("completeListSize")) for token in tokens} == {sum(counts)}
    assert [bool(token.text) for token in tokens] == [True] * (len(roots) - 1) + [False]


def test_a_token_asked_twice_gives_the_same(oai: str) -> None:
    """§3.5.1."""
    (token,) = found(ask(oai, "ListIdentifiers", metadataPrefix="ivo_vor"), "//o:resumptionToken/text()")
    pieces = [ask(oai, "ListIdentifiers", resumptionToken=token) for _ in range(2)]
    assert len({tuple(found(piece, "//o:identifier/text()")) for piece in pieces}) == 1


def test_what_changes_during_a_harvest_comes_again_at_its_end(
    oai: str, table: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """§3.5.1: the records that did not change are all there; the one that did is there as it is now."""
    before = set(headers(oai))
    begun = ask(oai, "ListRecords", metadataPrefix="ivo_vor")
    seen, titles = found(begun, "//o:header/o:identifier/text()"), []
    publish(owner, tmp_path, table, "Four stars", rows=4)
    (token,) = found(begun, "//o:resumptionToken/text()")
    for root in pages(oai, "ListRecords", resumptionToken=token):
        seen += found(root, "//o:header/o:identifier/text()")
        titles += found(root, "//r:Resource/title/text()")
    assert set(seen) == before
    assert "Four stars" in titles
    assert "Three stars" not in titles


def test_a_token_of_a_list_with_an_end_is_bad_when_nothing_is_left(
    oai: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """§3.5: it does not say that all is done."""
    names = [f"registry.t{secrets.token_hex(4)}" for _ in range(3)]
    headers(oai)
    time.sleep(1.1)
    try:
        for name in names[:2]:
            publish(owner, tmp_path, name, "Stars")
        moment = stamp(headers(oai)[TAP])
        begun = ask(oai, "ListIdentifiers", metadataPrefix="ivo_vor", **{"from": moment, "until": moment})
        (token,) = found(begun, "//o:resumptionToken/text()")
        assert found(ask(oai, "ListIdentifiers", resumptionToken=token), "//o:identifier/text()") == [TAP]
        time.sleep(1.1)
        publish(owner, tmp_path, names[2], "More stars")
        assert error_of(ask(oai, "ListIdentifiers", resumptionToken=token)) == "badResumptionToken"
    finally:
        for name in names:
            unpublish_table(owner, name, drop=True)


# ---- what is new


def test_a_harvest_of_what_is_new_has_a_table_that_was_loaded_since(
    oai: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """§2.7.1."""
    root = ask(oai, "ListIdentifiers", metadataPrefix="ivo_vor")
    since = root.findtext(f"{{{OAI}}}responseDate")
    name = f"registry.t{secrets.token_hex(4)}"
    publish(owner, tmp_path, name, "New stars")
    identifier = f"{AUTHORITY}/{name.replace('.', '/')}"
    try:
        new = headers(oai, **{"from": since})
        assert {identifier, TAP} <= set(new)
        assert f"{AUTHORITY}/demo/stars" not in new
    finally:
        unpublish_table(owner, name, drop=True)
    gone = headers(oai, **{"from": since})[identifier]
    assert gone.get("status") == "deleted"


def test_a_record_that_is_gone_says_only_that(oai: str, owner: psycopg.Connection, tmp_path: Path) -> None:
    """§2.5.1: for ever, by each verb that gives records."""
    name = f"registry.t{secrets.token_hex(4)}"
    publish(owner, tmp_path, name, "Stars that go")
    identifier = f"{AUTHORITY}/{name.replace('.', '/')}"
    assert headers(oai)[identifier].get("status") is None
    unpublish_table(owner, name, drop=True)
    (record,) = found(ask(oai, "GetRecord", metadataPrefix="ivo_vor", identifier=identifier), "//o:record")
    assert [element.tag for element in record] == [f"{{{OAI}}}header"]
    assert record[0].get("status") == headers(oai)[identifier].get("status") == "deleted"
    publish(owner, tmp_path, name, "Stars that come back")
    try:
        assert headers(oai)[identifier].get("status") is None
    finally:
        unpublish_table(owner, name, drop=True)


def test_a_table_that_is_loaded_again_has_a_new_datestamp_and_others_keep_theirs(
    oai: str, table: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    identifier = f"{AUTHORITY}/{table.replace('.', '/')}"
    before = headers(oai)
    time.sleep(1.1)
    publish(owner, tmp_path, table, "Three stars")
    after = headers(oai)
    changed = {name for name, header in after.items() if name not in before or stamp(header) != stamp(before[name])}
    assert changed == {identifier}


def test_from_and_until_include_their_ends_in_seconds_and_in_days(oai: str, table: str) -> None:
    """§2.7.1."""
    identifier = f"{AUTHORITY}/{table.replace('.', '/')}"
    text = stamp(headers(oai)[identifier])
    moment = datetime.strptime(text, INSTANT).replace(tzinfo=UTC)
    earlier, later = ((moment + timedelta(seconds=s)).strftime(INSTANT) for s in (-1, 1))
    day_before = (moment - timedelta(days=1)).strftime("%Y-%m-%d")
    for arguments, is_there in (
        ({"from": text, "until": text}, True),
        ({"from": later}, False),
        ({"until": earlier}, False),
        ({"from": text[:10], "until": text[:10]}, True),
        ({"until": day_before}, False),
    ):
        root = get(oai, {"verb": "ListIdentifiers", "metadataPrefix": "ivo_vor"} | arguments)
        is_empty = b"noRecordsMatch" in root.body
        assert (not is_empty and identifier in headers(oai, **arguments)) is is_there, arguments


# ---- another way in


def test_a_service_without_an_authority_has_no_registry(sample: Config) -> None:
    config = alone(sample, registry_authority="", processes=1, workers=0)
    with serving(config) as url:
        for path in ("oai?verb=Identify", "oai/capabilities", "oai/availability"):
            reply = get(f"{url.removesuffix('/tap')}/{path}")
            assert (reply.status, "registry_authority" in reply.votable().message) == (404, True)


def test_a_service_for_accounts_only_answers_no_harvester(sample: Config) -> None:
    """What all accounts may read is not for strangers there."""
    with serving(alone(sample, anonymous=False, processes=1, workers=0)) as url:
        reply = get(f"{url.removesuffix('/tap')}/oai", {"verb": "ListRecords", "metadataPrefix": "ivo_vor"})
        assert (reply.status, b"demo" in reply.body) == (401, False)


def test_head_is_answered_without_a_body(oai: str) -> None:
    reply: Reply = request("HEAD", f"{oai}?verb=Identify")
    assert (reply.status, reply.body) == (200, b"")
