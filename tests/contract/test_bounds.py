"""What an account or a stranger can write down, and ask to be read, has a measure (docs/bounds.md); beyond it is a clear 400."""

import re
import time
from urllib.parse import urlencode

import pytest

from tests.contract.client import Reply
from tests.contract.own_tables import Asker
from tests.contract.pages import form, page
from tests.contract.test_uws_1_1 import FORM

OFFER = {"TITLE": "t", "ABSTRACT": "a", "LICENCE": "CC0", "CONTACT": "ada@example.org"}


def told(reply: Reply, message: str) -> None:
    """A refusal that says what is too long, and how long it may be."""
    assert reply.status == 400, reply.text[:300]
    assert message in reply.text


# ---- texts that are looked at letter by letter


def test_a_long_text_that_is_no_number_keeps_nobody_waiting(service: str) -> None:
    start = time.monotonic()
    reply = page(service, f"/build?table=demo.ngc&write=1&shape=cone&region={'1' * 50_000}x")
    told(reply, "is not a number")
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("text", ["-" * 20_000, "-- " * 6_000, "/*" * 10_000, "/* */ -" * 2_800, "'" * 19_999])
def test_completion_behind_comments_keeps_nobody_waiting(service: str, text: str) -> None:
    start = time.monotonic()
    assert form(service, "/-/completion", {"QUERY": text, "OFFSET": "20000"}).status == 200
    assert time.monotonic() - start < 2


def test_a_list_of_items_to_share_is_read_once(ada: Asker) -> None:
    body = "action=CreateOrUpdateItem&resource_type=0&title=t&items_list=" + "a" * 900_000
    start = time.monotonic()
    told(ada.call("POST", "share", body.encode(), Content_Type=FORM["Content-Type"]), "ITEMS_LIST")
    assert time.monotonic() - start < 5


# ---- texts that are kept


def test_a_job_has_a_name_of_some_length(stranger: Asker) -> None:
    assert stranger.post_form("async", LANG="ADQL", QUERY="x", RUNID="r" * 256).status == 303
    told(stranger.post_form("async", LANG="ADQL", QUERY="x", RUNID="r" * 257), "RUNID has at most 256 characters")


def test_what_is_said_of_a_table_of_ones_own_has_a_measure(ada: Asker, stars: str) -> None:
    assert ada.change(stars, DESCRIPTION="x" * 150_000).status == 204
    told(ada.change(stars, DESCRIPTION="x" * 200_001), "at most 200,000 characters together")


def test_a_description_of_a_group_has_a_measure(ada: Asker) -> None:
    told(ada.post_form("groups", NAME="many-words", DESCRIPTION="x" * 1001), "at most 1,000 characters")
    assert b"many-words" not in ada.call("GET", "groups").body


@pytest.mark.parametrize("name", OFFER)
def test_an_offer_has_texts_of_some_length(ada: Asker, stars: str, name: str) -> None:
    offer = {**OFFER, "TABLE": stars, name: "x" * 10_001}
    told(ada.post_form("publications", **offer), f"{name} has at most 10,000 characters")


# ---- lists


def test_jobs_that_are_too_much_for_one_list_come_in_parts(ada: Asker) -> None:
    """As TAP+ lists them, with all parameters: 22 of 950,000 characters."""
    for _ in range(22):
        assert ada.post_form("async", LANG="ADQL", QUERY="x" * 950_000).status == 303
    told(ada.call("GET", "jobs/async"), "give PHASEID, or LIMIT and OFFSET")
    parts = [ada.call("GET", f"jobs/async?{urlencode({'LIMIT': 1, 'OFFSET': n})}") for n in (0, 21, 22, 10**18)]
    assert [part.text.count("<uws:jobId>") for part in parts] == [1, 1, 0, 0]
    ids = job_ids(ada)
    assert len(ids) == 22
    assert ada.post_form("deletejobs", JOB_IDS=",".join(ids)).status == 200
    assert job_ids(ada) == []


def job_ids(asker: Asker) -> list[str]:
    return re.findall(r'jobref id="([0-9a-f]{32})"', asker.call("GET", "async").text)


def test_tables_are_asked_for_by_so_many_names(ada: Asker) -> None:
    assert ada.call("GET", f"tables?TABLES={','.join(['demo.ngc'] * 100)}").status == 200
    told(ada.call("GET", f"tables?TABLES={','.join(['demo.ngc'] * 101)}"), "TABLES takes 100 names")
