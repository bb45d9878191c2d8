"""Documents that a client has already are not sent again, and nobody is sent, or told to keep, those of somebody else."""

import gzip

import pytest

from tests.contract.client import Reply, request
from tests.contract.own_tables import CSV, Asker, path
from tests.people import MakePerson, basic

PATHS = ["tables", "tables?detail=min", "tables/demo.stars", "tables/demo.stars?RESPONSEFORMAT=votable", "capabilities"]


def asked(service: str, path: str, method: str = "GET", **headers: str) -> Reply:
    return request(method, f"{service}/{path}", headers={key.replace("_", "-"): text for key, text in headers.items()})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_document_that_the_client_has_is_not_sent_again(service: str, path: str, method: str) -> None:
    first = asked(service, path, method)
    assert first.status == 200
    again = asked(service, path, method, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    for name in ("etag", "vary", "cache-control", "last-modified"):
        assert again.headers[name] == first.headers[name], name
    assert [name for name in again.headers if name.lower().startswith("content-")] == []


@pytest.mark.parametrize("path", PATHS)
def test_a_tag_is_the_same_however_the_document_is_packed(service: str, path: str) -> None:
    plain, packed = asked(service, path), asked(service, path, Accept_Encoding="gzip")
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] == plain.headers["etag"]
    for coding in ("gzip", "zstd"):
        again = asked(service, path, Accept_Encoding=coding, If_None_Match=plain.headers["etag"])
        assert (again.status, again.headers["content-encoding"]) == (304, None)


@pytest.mark.parametrize(
    ("written", "status"),
    [("*", 304), ('W/"x", {0}', 304), ("{1}", 304), ('"x", {1} ,"y,z"', 304), ('"x"', 200), ("{1}x", 304), ("x", 200)],
)
def test_if_none_match_is_read_as_the_standard_has_it(service: str, written: str, status: int) -> None:
    """RFC 9110 §13.1.2: a list, or any; tags are compared weakly."""
    tag = asked(service, "tables").headers["etag"]
    reply = asked(service, "tables", If_None_Match=written.format(tag, tag.removeprefix("W/")))
    assert reply.status == status


def test_different_documents_have_different_tags(service: str) -> None:
    tags = [asked(service, path).headers["etag"] for path in [*PATHS, "tables/demo.ngc"]]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("path", PATHS)
def test_what_an_account_gets_is_kept_by_nobody_else_and_by_nobody_without_asking(
    service: str, path: str, person: MakePerson
) -> None:
    ada = person()
    shown = basic(ada.name, ada.password)
    own = request("GET", f"{service}/{path}", headers=shown)
    assert own.headers["cache-control"] == "private, no-cache"
    assert asked(service, path).headers["cache-control"] == "no-cache"
    assert {"Authorization", "Cookie", "Accept", "Accept-Encoding"} <= set(own.headers["vary"].split(", "))
    again = request("GET", f"{service}/{path}", headers=shown | {"If-None-Match": own.headers["etag"]})
    assert (again.status, again.headers["cache-control"]) == (304, "private, no-cache")


def test_the_tag_of_private_tables_is_no_key_to_them(service: str, ada: Asker) -> None:
    """Neither does one who has the tag hear whether it is right, nor does a table of theirs change what others have."""
    before = asked(service, "tables").headers["etag"]
    assert ada.put(ada.own("stars"), b"a,b\n1,2\n", CSV).status == 201
    whole, one = ada.call("GET", "tables"), ada.get(ada.own("stars"))
    assert whole.headers["etag"] != before
    for tag in (whole.headers["etag"], one.headers["etag"], "*"):
        assert asked(service, path(ada.own("stars")), If_None_Match=str(tag)).status in {403, 404}
    assert asked(service, "tables", If_None_Match=str(whole.headers["etag"])).status == 200
    assert asked(service, "tables").headers["etag"] == before


def test_a_tag_changes_with_the_table(ada: Asker) -> None:
    ada.put(ada.own("stars"), b"a,b\n1,2\n", CSV)
    table = path(ada.own("stars"))
    before = str(ada.call("GET", table).headers["etag"])
    assert ada.call("GET", table, If_None_Match=before).status == 304
    ada.change(ada.own("stars"), DESCRIPTION="other")
    after = ada.call("GET", table, If_None_Match=before)
    assert (after.status, after.headers["etag"] == before) == (200, False)
