"""Texts that no XML document can hold (XML 1.0 §2.2) are refused, or kept without harm: /tables is still answered, to everybody who sees the table."""

import secrets
from collections.abc import Callable
from io import BytesIO
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lxml import etree

from tap.auth.accounts import AccountStore
from tests.contract.client import Reply
from tests.contract.own_tables import CSV, Asker

TEXTS = ["a\x01b", "a\x00b", "a\ufffeb"]
Way = Callable[[Asker, str], Reply]


def described_file(text: str) -> bytes:
    """A Parquet file whose column says this of itself."""
    buffer = BytesIO()
    schema = pa.schema([pa.field("x", pa.int64(), metadata={"description": text, "unit": text})])
    pq.write_table(pa.table({"x": [1]}, schema=schema), buffer)
    return buffer.getvalue()


WAYS: dict[str, Way] = {
    "a description": lambda who, text: who.change("t", DESCRIPTION=text),
    "a description of a new table": lambda who, text: who.call(
        "PUT", f"tables/new?DESCRIPTION={quote(text)}", b"x\n1\n", Content_Type=CSV
    ),
    "a column": lambda who, text: who.put("new", f"x,{text}\n1,2\n".encode(), CSV),
    "what a file says": lambda who, text: who.put("new", described_file(text), "application/vnd.apache.parquet"),
    "the name of a table": lambda who, text: who.put(f'"{text}"', b"x\n1\n", CSV),
    "another name": lambda who, text: who.change("t", RENAME=f'"{text}"'),
}


@pytest.mark.parametrize("text", TEXTS, ids=repr)
@pytest.mark.parametrize("way", WAYS)
def test_a_text_that_no_document_can_hold_spoils_none(ada: Asker, way: str, text: str) -> None:
    assert ada.put("t", b"x\n1\n", CSV).status == 201
    assert WAYS[way](ada, text).status in {201, 204, 400}
    listed = ada.call("GET", "tables")
    assert listed.status == 200
    for name in [each.text for each in listed.xml().iterfind("schema/table/name") if ada.name in each.text]:
        assert ada.get(name).status == 200
        assert ada.ask(f"SELECT * FROM {name}", FORMAT="votable").votable().statuses[0][0] == "OK"


def test_a_table_that_is_shared_does_not_spoil_the_list_of_who_receives_it(ada: Asker, bo: Asker) -> None:
    ada.put("t", b"x\n1\n", CSV)
    ada.change("t", DESCRIPTION="a\x01b")
    ada.post_form("shares", KIND="table", NAME=ada.own("t"), WITH=f"user:{bo.name}", MODE="read")
    assert bo.call("GET", "tables").status == 200


@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_the_description_of_a_group_does_not_spoil_the_list_of_groups(
    ada: Asker, accounts: AccountStore, text: str
) -> None:
    name = f"survey-{secrets.token_hex(4)}"
    made = ada.post_form("groups", NAME=name, DESCRIPTION=text)
    groups = ada.call("GET", "share?ACTION=GetGroups")
    assert (made.status, groups.status) in {(201, 200), (400, 200)}, groups.text
    titles = [title.text for title in etree.fromstring(groups.body).iterfind("sharedGroup/title")]
    assert titles == ([name] if made.status == 201 else [])
    if titles:
        accounts.delete_group(name)


def test_what_belongs_to_the_service_is_told_apart_from_what_is_not_there(ada: Asker) -> None:
    for name, status in (("demo.ngc", 403), ("demo.none", 404), ("none", 404)):
        assert ada.delete(name).status == status
        assert ada.post(name, b"x\n1\n", CSV).status == status
        assert ada.change(name, DESCRIPTION="Changed").status == status
