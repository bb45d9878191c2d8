"""Jobs that ask the same of the same data as an earlier one: they get its result, which says so; all others are computed."""

import secrets
from io import BytesIO

import pytest
from astropy.io.votable import parse

from tap.auth.accounts import AccountStore
from tests.contract.own_tables import Asker, csv, stars
from tests.contract.xsd import UWS
from tests.people import MakePerson


@pytest.fixture
def query() -> str:
    """One that nobody has asked before."""
    return f"SELECT TOP 100 hip, ra, dec FROM demo.stars WHERE hip <> -{secrets.randbelow(10**9)} ORDER BY hip"


def result(who: Asker, job: str) -> bytes:
    reply = who.call("GET", f"{job}/results/result")
    assert reply.status == 200, reply.text
    return reply.body


def computed(who: Asker, job: str) -> str:
    """When the result was computed, if that was not for this job."""
    document = who.call("GET", job).xml()
    assert document.findtext(f"{{{UWS}}}phase") == "COMPLETED", who.error(job)
    return str(document.findtext(f"{{{UWS}}}jobInfo/computed") or "")


def infos(document: bytes) -> dict[str, str]:
    return {info.name: info.value for info in parse(BytesIO(document)).resources[0].infos}


def test_the_same_query_gets_the_stored_result_and_says_so(ada: Asker, stranger: Asker, query: str) -> None:
    first = ada.run(query)
    end = ada.call("GET", first).xml().findtext(f"{{{UWS}}}endTime")
    again = stranger.run("  " + query.replace("SELECT", "select").replace(", ", " , ") + " -- the same")
    assert computed(ada, first) == ""
    assert computed(stranger, again) == end
    assert end in infos(result(stranger, again))["reused"]
    assert "reused" not in infos(result(ada, first))
    rows = [parse(BytesIO(result(who, job))).get_first_table().array for who, job in ((ada, first), (stranger, again))]
    assert len(rows[0]) == 100
    assert (rows[0] == rows[1]).all()
    copies = [ada.run(query) for _ in range(2)]
    assert {len(result(ada, copy)) for copy in copies} == {len(result(stranger, again))}
    assert all(ada.call("DELETE", copy).status for copy in copies)
    # A copy of the copy tells when the rows were computed, and outlives both.
    ada.call("DELETE", first)
    third = ada.run(query)
    stranger.call("DELETE", again)
    assert computed(ada, third) == end
    assert infos(result(ada, third))["reused"].count("Computed at") == 1


@pytest.mark.parametrize("format_", ["csv", "fits", "parquet", "votable/td"])
def test_a_stored_result_has_the_bytes_of_its_format(ada: Asker, query: str, format_: str) -> None:
    jobs = [ada.run(query, RESPONSEFORMAT=format_) for _ in range(2)]
    assert computed(ada, jobs[1])
    first, again = (result(ada, job) for job in jobs)
    reused = b"".join(line for line in again.splitlines(keepends=True) if b'name="reused"' in line)
    assert bool(reused) == (format_ == "votable/td")
    assert again.replace(reused, b"") == first


@pytest.mark.parametrize(("name", "value"), [("REUSE", "refuse"), ("MAXREC", "7"), ("RESPONSEFORMAT", "tsv")])
def test_who_asks_otherwise_gets_a_result_of_their_own(ada: Asker, query: str, name: str, value: str) -> None:
    ada.run(query)
    assert computed(ada, ada.run(query, **{name: value})) == ""


def test_reuse_is_allowed_or_refused_and_nothing_else(ada: Asker, query: str) -> None:
    assert "REUSE can be allow or refuse" in ada.error(ada.run(query, REUSE="perhaps"))


@pytest.mark.parametrize("query", [
    "SELECT TOP 3 RAND() FROM demo.stars", "SELECT TOP 3 ivo_normal_random(0, 1) FROM demo.stars",
    "SELECT q.r FROM (SELECT RAND() AS r FROM demo.ngc) AS q", "SELECT table_name FROM tap_schema.tables",
])  # fmt: skip
def test_what_changes_without_our_hearing_of_it_is_computed_each_time(ada: Asker, query: str) -> None:
    ada.run(query)
    assert computed(ada, ada.run(query)) == ""


def test_a_table_that_has_changed_is_read_again(ada: Asker) -> None:
    table = stars()
    assert ada.put("mine", csv(table), "text/csv").status == 201
    query = f"SELECT COUNT(*) AS n FROM {ada.own('mine')}"
    assert [computed(ada, ada.run(query, RESPONSEFORMAT="csv")) != "" for _ in range(2)] == [False, True]
    assert (
        ada.call("POST", f"load/{ada.own('mine')}".replace('"', "%22"), csv(table), Content_Type="text/csv").status
        == 200
    )
    job = ada.run(query, RESPONSEFORMAT="csv")
    assert computed(ada, job) == ""
    assert result(ada, job).split() == [b"n", b"6"]
    # One of the same name and rows is another table.
    assert ada.delete("mine").status < 300
    assert ada.put("mine", csv(table), "text/csv").status == 201
    assert computed(ada, ada.run(query, RESPONSEFORMAT="csv")) == ""


@pytest.fixture
def reader(ada: Asker, accounts: AccountStore, person: MakePerson) -> Asker:
    """One of a group that may read Ada's table `lent`."""
    group = f"readers-{secrets.token_hex(4)}"
    accounts.add_group(group)
    accounts.add_member(group, ada.name, is_owner=True)
    assert ada.put("lent", csv(stars()), "text/csv", x_vosi_group_read=group).status == 201
    return Asker(ada.service, person(groups=(group,)))


def test_nobody_learns_what_another_asked_of_a_closed_table(ada: Asker, reader: Asker) -> None:
    query = f"SELECT * FROM {ada.own('lent')}"
    assert [computed(who, who.run(query)) != "" for who in (ada, reader, ada, reader)] == [False, False, True, True]


def test_who_may_no_longer_read_a_table_gets_no_stored_result_of_it(ada: Asker, reader: Asker) -> None:
    query = f"SELECT * FROM {ada.own('lent')}"
    assert reader.phase(reader.run(query)) == "COMPLETED"
    assert ada.let("lent", x_vosi_group_read="null").status < 300
    assert reader.phase(reader.run(query)) == "ERROR"


def test_rows_that_came_with_the_query_are_read_each_time(ada: Asker) -> None:
    job = ada.run("SELECT TOP 5 hip FROM demo.stars")
    query, upload = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine", f"mine,{job}/results/result"
    jobs = [ada.run(query, UPLOAD=upload) for _ in range(2)]
    assert [computed(ada, job) for job in jobs] == ["", ""]
