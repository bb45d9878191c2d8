"""DataLink 1.1, section by section, as a plain HTTP client sees it."""

import pytest

from schema.links import CORE
from tests.contract.client import Reply, Votable, get, post, post_multipart, sync
from tests.contract.xsd import CAPABILITIES, XSI
from tests.linked import COUNT, IDS, OBJECTS

STANDARD = "ivo://ivoa.net/std/DataLink#links-1.1"
FIELDS = {
    "ID": "meta.id;meta.main",
    "access_url": "meta.ref.url",
    "service_def": "meta.ref",
    "error_message": "meta.code.error",
    "description": "meta.note",
    "semantics": "meta.code",
    "content_type": "meta.code.mime",
    "content_length": "phys.size;meta.file",
}
FAULTS = ("NotFoundFault", "UsageFault", "TransientFault", "FatalFault", "DefaultFault")
NO_LENGTH = str(-(2**63))
pytestmark = pytest.mark.usefixtures("linked")


def links(service: str, *ids: object, **more: str) -> Reply:
    return get(f"{service}/datalink/links", [*(("ID", str(id_)) for id_ in ids), *more.items()])


def records(document: Votable) -> list[dict[str, str]]:
    return [dict(zip(document.names, row, strict=True)) for row in document.rows]


def ids_in_order(found: list[dict[str, str]]) -> list[str]:
    """The IDs, each once where its rows stand together."""
    return [row["ID"] for place, row in enumerate(found) if place == 0 or found[place - 1]["ID"] != row["ID"]]


# ---- 2: the endpoint


@pytest.mark.parametrize("send", [get, post, post_multipart])
def test_ids_come_by_get_and_post(service: str, send: object) -> None:
    reply: Reply = send(f"{service}/datalink/links", [("ID", str(IDS[0])), ("id", str(IDS[1]))])  # type: ignore[operator]
    assert (reply.status, ids_in_order(records(reply.votable()))) == (200, [str(IDS[0]), str(IDS[1])])


def test_every_id_is_answered_in_the_order_of_the_request(service: str) -> None:
    asked = [IDS[5], 17, IDS[0], "x y", IDS[200], IDS[5]]
    assert ids_in_order(records(links(service, *asked).votable())) == [str(id_) for id_ in asked]


@pytest.mark.parametrize("maxrec", range(14))
def test_maxrec_never_cuts_the_links_of_one_id(service: str, maxrec: int) -> None:
    whole = records(links(service, *IDS[:3]).votable())
    document = links(service, *IDS[:3], MAXREC=str(maxrec)).votable()
    found = records(document)
    ends = [
        place
        for place in range(len(whole) + 1)
        if place in {0, len(whole)} or whole[place]["ID"] != whole[place - 1]["ID"]
    ]
    assert len(found) == max(end for end in ends if end <= maxrec)
    assert found == whole[: len(found)]
    assert (("OVERFLOW", "after") in document.statuses) == (len(found) < len(whole))


def test_no_id_gives_an_empty_table_that_describes_the_service(service: str) -> None:
    for reply in (links(service), links(service, ""), links(service, TABLE="sky.objects")):
        document = reply.votable()
        assert (reply.status, document.rows, document.statuses) == (200, [], [("OK", "before")])
        assert set(FIELDS) <= set(document.names)
        (itself,) = document.all("v:RESOURCE[@type='meta' and @utype='adhoc:this']")
        assert parameter(document, itself, "accessURL") == f"{service}/datalink/links"
        assert parameter(document, itself, "standardID") == STANDARD


def parameter(document: Votable, resource: object, name: str) -> str:
    (found,) = resource.findall(f"{{{document.root.nsmap[None]}}}PARAM[@name='{name}']")  # type: ignore[attr-defined]
    return str(found.get("value"))


@pytest.mark.parametrize(
    "format_",
    [
        None,
        "votable",
        "application/x-votable+xml",
        "application/x-votable+xml;content=datalink",
        "application/x-votable+xml; serialization=TABLEDATA",
        "text/xml",
    ],
)
def test_the_format_is_votable_with_tabledata(service: str, format_: str | None) -> None:
    reply = links(service, IDS[0], **({"RESPONSEFORMAT": format_} if format_ else {}))
    document = reply.votable()
    assert reply.media_type in {"application/x-votable+xml", "text/xml"}
    assert len(document.all("v:RESOURCE[@type='results']/v:TABLE/v:DATA/v:TABLEDATA")) == 1
    assert len(document.rows) == 7


def test_the_capabilities_tell_the_endpoint(service: str) -> None:
    root = get(f"{service}/capabilities").xml()
    (interface,) = root.xpath(f"capability[@standardID='{STANDARD}']/interface")
    assert interface.get(f"{{{XSI}}}type") == "vs:ParamHTTP"
    assert interface.findtext("accessURL") == f"{service}/datalink/links"
    assert root.tag == f"{{{CAPABILITIES}}}capabilities"


# ---- 3: the response


def test_the_fields_are_those_of_the_standard(service: str) -> None:
    fields = {field["name"]: field for field in links(service, IDS[0]).votable().fields}
    assert {name: fields[name]["ucd"] for name in FIELDS} == FIELDS
    texts = [name for name in FIELDS if name != "content_length"]
    assert {(fields[name]["datatype"], fields[name]["arraysize"]) for name in texts} == {("char", "*")}
    length = fields["content_length"]
    assert (length["datatype"], length["unit"], length.get("arraysize")) == ("long", "byte", None)


def test_every_row_has_an_id_semantics_and_one_of_link_service_and_error(service: str) -> None:
    found = records(links(service, *IDS[:50], "x", 3).votable())
    for row in found:
        assert row["ID"]
        assert row["semantics"].removeprefix("#") in CORE
        assert sum(bool(row[name]) for name in ("access_url", "service_def", "error_message")) == 1
        assert row["content_length"] == NO_LENGTH
    assert len({row["ID"] for row in found}) == 52


def test_the_links_of_an_id_stand_together_once_for_each_time_that_it_is_asked_for(service: str) -> None:
    found = records(links(service, IDS[0], IDS[1], IDS[0]).votable())
    assert ids_in_order(found) == [str(IDS[0]), str(IDS[1]), str(IDS[0])]
    rows = [[row for row in part if row["ID"] == str(IDS[0])] for part in (found[:7], found[-7:])]
    assert rows[0] == rows[1]


def test_a_service_is_described_in_the_same_document(service: str) -> None:
    document = links(service, IDS[0]).votable()
    named = {row["service_def"] for row in records(document)} - {""}
    described = {resource.get("ID") for resource in document.all("v:RESOURCE[@utype='adhoc:service']")}
    assert named == described
    assert len(named) == 2
    for reference in document.all("v:RESOURCE//v:PARAM[@ref]"):
        (field,) = document.all(f"//v:FIELD[@ID='{reference.get('ref')}']")
        assert all(
            row[field.get("name")]
            for row in records(document)
            if row["service_def"] == reference.xpath("../..")[0].get("ID")
        )


@pytest.mark.parametrize(
    ("id_", "fault"),
    [("0", "NotFoundFault: "), (str(2**63), "UsageFault: "), ("one", "UsageFault: "), ("Hipparcos 1", "UsageFault: ")],
)
def test_an_unknown_or_impossible_id_is_a_row_that_says_so(service: str, id_: str, fault: str) -> None:
    reply = links(service, id_)
    (row,) = records(reply.votable())
    assert (reply.status, row["ID"], row["semantics"]) == (200, id_, "#this")
    assert row["error_message"].startswith(fault)
    assert id_.split(maxsplit=1)[0] in row["error_message"]


def test_names_are_identifiers_as_they_are(service: str) -> None:
    found = records(links(service, *OBJECTS, "NGC 2", TABLE="sky.objects").votable())
    assert ids_in_order(found) == [*OBJECTS, "NGC 2"]
    assert [row["error_message"] for row in found if row["error_message"]] == [
        "NotFoundFault: NGC 2 is no name of sky.objects"
    ]


def test_the_answer_says_what_it_is(service: str) -> None:
    reply = links(service, IDS[0])
    assert reply.headers["Content-Type"] == "application/x-votable+xml;content=datalink"
    document = reply.votable()
    infos = {info.get("name"): info.get("value") for info in document.all("v:RESOURCE[@type='results']/v:INFO")}
    assert infos["standardID"] == STANDARD


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"TABLE": "sky.nothing"}, 400, "sky.sources (by source_id)"),
        ({"TABLE": "demo.stars; DROP"}, 400, "no table with links"),
        ({"LINKING_PARAMETER": "TRANSIT_ID"}, 400, "identifies the rows of no table"),
        ({"RELEASE": "Gaia DR3"}, 400, "no table with links"),
        ({"RESPONSEFORMAT": "csv"}, 400, "votable"),
        ({"RESPONSEFORMAT": "application/x-votable+xml;serialization=BINARY"}, 400, "votable"),
        ({"MAXREC": "few"}, 400, "whole number"),
        ({"UPLOAD": "ids,param:none"}, 400, "no file part"),
    ],
)
def test_an_error_is_a_votable_whose_message_begins_with_a_fault(
    service: str, more: dict[str, str], status: int, said: str
) -> None:
    reply = links(service, IDS[0], **more)
    message = reply.votable().message
    assert (reply.status, reply.votable().statuses[0][0]) == (status, "ERROR")
    assert message.startswith("UsageFault: ")
    assert said in message


# ---- 4: service descriptors


def test_a_result_describes_links_with_the_column_of_the_identifiers(service: str) -> None:
    document = sync(
        service, "SELECT TOP 3 ra, source_id AS id_of_it FROM sky.sources ORDER BY 2", FORMAT="votable/td"
    ).votable()
    assert len(document.all("v:RESOURCE[@type='results']")) == 1
    (descriptor,) = document.all("v:RESOURCE[@type='meta' and @utype='adhoc:service']")
    assert parameter(document, descriptor, "standardID") == STANDARD
    url = parameter(document, descriptor, "accessURL")
    inputs = {found.get("name"): found for found in document.all("v:RESOURCE/v:GROUP[@name='inputParams']/v:PARAM")}
    assert (inputs["ID"].get("value"), inputs["TABLE"].get("value")) == ("", "sky.sources")
    (field,) = document.all(f"//v:FIELD[@ID='{inputs['ID'].get('ref')}']")
    assert field.get("name") == "id_of_it"
    ids = [row[document.names.index("id_of_it")] for row in document.rows]
    found = records(get(url, [("TABLE", "sky.sources"), *(("ID", id_) for id_ in ids)]).votable())
    assert ids_in_order(found) == ids == [str(id_) for id_ in IDS[:3]]


def test_other_services_are_described_where_a_result_has_what_they_take(service: str) -> None:
    document = sync(service, "SELECT TOP 1 ra, dec FROM sky.sources", FORMAT="votable/td").votable()
    (descriptor,) = document.all("v:RESOURCE[@type='meta']")
    assert parameter(document, descriptor, "standardID") == "ivo://ivoa.net/std/ConeSearch"
    inputs = {p.get("name"): (p.get("value"), p.get("ref")) for p in document.all("//v:GROUP/v:PARAM")}
    assert inputs == {"RA": ("", "ra"), "DEC": ("", "dec"), "SR": ("0.1", None), "VERB": ("", None)}


@pytest.mark.long
def test_as_many_ids_as_one_likes_come_in_one_request(service: str) -> None:
    asked = [*map(str, IDS), *(str(-number) for number in range(1, 3000))]
    for send in (post, post_multipart):
        found = records(send(f"{service}/datalink/links", [("ID", id_) for id_ in asked]).votable())
        assert ids_in_order(found) == asked
        assert sum(bool(row["error_message"]) for row in found) == len(asked) - COUNT
