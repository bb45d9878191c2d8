"""How much an account's tables may have: exact to the row, whichever way rows come, and whoever else loads at that moment."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from urllib.parse import quote

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.contract.client import Reply
from tests.contract.own_tables import CSV, XML, Asker, column, description, path
from tests.people import MakePerson
from tests.tap.own_tables.holdings import Limit, Stored

pytestmark = pytest.mark.long

MOST = 10
PARQUET = "application/vnd.apache.parquet"
QUERY = "SELECT TOP {} main_id FROM (SELECT name AS main_id FROM demo.ngc) AS q"


def numbers(rows: int, start: int = 0, group: int = 100_000) -> bytes:
    """A Parquet file of one column x."""
    buffer = BytesIO()
    pq.write_table(pa.table({"x": np.arange(start, start + rows)}), buffer, row_group_size=group)
    return buffer.getvalue()


def lines(rows: int) -> bytes:
    return "\n".join(["x", *map(str, range(rows)), ""]).encode()


def replaced(who: Asker, name: str, rows: int) -> Reply:
    return who.call("PUT", f"{path(name)}?REPLACE=true", numbers(rows), Content_Type=PARQUET)


def job_of(who: Asker, rows: int) -> str:
    return who.run(QUERY.format(rows)).rpartition("/")[2]


# ---- ways in which rows come: what is answered to so many; the account has a table "kept" with 4 rows

Way = Callable[[Asker, int], Reply]
WAYS: dict[str, Way] = {
    "put of parquet": lambda who, rows: who.put("new", numbers(rows), PARQUET),
    "put of csv": lambda who, rows: who.put("new", lines(rows), CSV),
    "post to tables": lambda who, rows: who.post("kept", numbers(rows, 100), PARQUET),
    "post to load": lambda who, rows: who.call("POST", f"load/{quote(who.own('kept'))}", lines(rows), Content_Type=CSV),
    "replacement": lambda who, rows: replaced(who, "kept", rows + 4),
    "result of a job": lambda who, rows: who.change("new", JOB=job_of(who, rows)),
}


@pytest.fixture
def full(ada: Asker, limit: Limit) -> str:
    """A table of four rows, of an account that may have ten."""
    limit(ada, own_rows=MOST)
    assert ada.put("kept", numbers(4), PARQUET).status == 201
    return ada.own("kept")


@pytest.mark.parametrize("way", WAYS)
def test_exactly_the_rows_that_are_left_fit(ada: Asker, full: str, stored: Stored, way: str) -> None:
    reply = WAYS[way](ada, MOST - 4)
    assert reply.status in {200, 201, 204}, reply.text
    after = stored(ada)
    assert after.rows == MOST == sum(ada.count(table) for table in after.published)
    assert after.agrees


@pytest.mark.parametrize("way", WAYS)
def test_one_row_more_leaves_nothing_behind(ada: Asker, full: str, stored: Stored, way: str) -> None:
    before = stored(ada)
    reply = WAYS[way](ada, MOST - 4 + 1)
    assert reply.status == 507
    assert reply.votable().statuses == [("ERROR", "alone")]
    assert "11 rows" in reply.votable().message
    assert "10" in reply.votable().message
    assert stored(ada) == before
    assert ada.rows(f"SELECT x FROM {full} ORDER BY x") == [(0,), (1,), (2,), (3,)]


DESTS = {
    "create": ("new", MOST - 4),
    "append": ("kept", MOST - 4),
    "replace": ("kept", MOST),
}


def into(who: Asker, mode: str, rows: int) -> str:
    name, _ = DESTS[mode]
    return who.run(f"SELECT TOP {rows} CAST(vmag AS INTEGER) AS x FROM demo.stars", DEST=name, DEST_MODE=mode)


@pytest.mark.parametrize("mode", DESTS)
def test_a_query_that_gives_exactly_the_rows_that_are_left_makes_its_table(
    ada: Asker, full: str, stored: Stored, mode: str
) -> None:
    job = into(ada, mode, DESTS[mode][1])
    assert ada.phase(job) == "COMPLETED", ada.error(job)
    after = stored(ada)
    assert after.rows == MOST == sum(ada.count(table) for table in after.published)
    assert after.agrees


@pytest.mark.parametrize("mode", DESTS)
def test_a_query_that_gives_one_row_more_fails_and_leaves_nothing_behind(
    ada: Asker, full: str, stored: Stored, mode: str
) -> None:
    before = stored(ada)
    job = into(ada, mode, DESTS[mode][1] + 1)
    assert ada.phase(job) == "ERROR"
    assert "rows" in ada.error(job)
    assert ada.results(job) == {}
    assert stored(ada) == before
    assert ada.rows(f"SELECT x FROM {full} ORDER BY x") == [(0,), (1,), (2,), (3,)]


def test_a_result_that_maxrec_cuts_fits_when_that_was_asked_for(ada: Asker, full: str) -> None:
    job = ada.run(QUERY.format(1000), DEST="new", MAXREC=str(MOST - 4))
    assert ada.phase(job) == "COMPLETED", ada.error(job)
    assert ada.count(ada.own("new")) == MOST - 4


@pytest.mark.parametrize("rows", [69_999, 70_000, 70_001])
def test_the_limit_is_exact_within_files_of_many_parts(ada: Asker, limit: Limit, stored: Stored, rows: int) -> None:
    limit(ada, own_rows=70_000)
    reply = ada.put("many", numbers(rows, group=9_999), PARQUET)
    assert reply.status == (201 if rows <= 70_000 else 507)
    after = stored(ada)
    assert after.rows == (rows if rows <= 70_000 else 0)
    assert after.agrees


def test_dropping_a_table_frees_its_rows(ada: Asker, full: str, stored: Stored) -> None:
    assert ada.put("new", numbers(MOST - 4), PARQUET).status == 201
    assert ada.put("more", numbers(1), PARQUET).status == 507
    assert ada.delete(full).status == 204
    assert ada.put("more", numbers(4), PARQUET).status == 201
    assert ada.put("most", numbers(1), PARQUET).status == 507
    assert (stored(ada).tables, stored(ada).rows) == (2, MOST)


def test_an_empty_table_and_no_rows_fit_when_all_rows_are_used(ada: Asker, full: str, stored: Stored) -> None:
    ada.post("kept", numbers(MOST - 4, 100), PARQUET)
    assert ada.put("empty", description(column("x", "int")), XML).status == 201
    assert ada.post("empty", b"x\n", CSV).status == 204
    assert (stored(ada).tables, stored(ada).rows) == (2, MOST)


def test_changes_of_names_and_indexes_take_no_rows(ada: Asker, full: str, stored: Stored) -> None:
    ada.post("kept", numbers(MOST - 4, 100), PARQUET)
    for change in ({"RENAME": "other"}, {"INDEX": "x", "UNIQUE": "true"}, {"DESCRIPTION": "Numbers"}, {"DAYS": "3"}):
        assert ada.change("kept" if "RENAME" in change else "other", **change).status == 204
    assert (stored(ada).tables, stored(ada).rows) == (1, MOST)


def test_rows_of_another_who_may_add_some_count_for_the_owner(
    ada: Asker, bo: Asker, full: str, limit: Limit, stored: Stored
) -> None:
    limit(bo, own_rows=1)
    ada.post_form("shares", KIND="table", NAME=full, WITH=f"user:{bo.name}", MODE="write")
    assert bo.post(full, numbers(MOST - 4, 100), PARQUET).status == 204
    refused = bo.post(full, numbers(1, 200), PARQUET)
    assert refused.status == 507
    assert (stored(ada).rows, stored(bo).rows) == (MOST, 0)


# ---- at once


def at_once(*calls: Callable[[], Reply]) -> list[int]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(future.result().status for future in [pool.submit(call) for call in calls])


def test_the_first_tables_of_an_account_are_all_made_when_they_come_at_once(
    service: str, person: MakePerson, stored: Stored
) -> None:
    body = numbers(20_000)
    for _ in range(8):
        who = Asker(service, person())
        calls = [lambda who=who, n=n: who.put(f"t{n}", body, PARQUET) for n in range(3)]
        assert at_once(*calls) == [201] * 3
        after = stored(who)
        assert (after.tables, after.rows, after.agrees) == (3, 60_000, True)


def test_of_two_tables_at_once_that_fit_one_by_one_exactly_one_is_made(
    ada: Asker, limit: Limit, stored: Stored
) -> None:
    limit(ada, own_rows=80_000)
    ada.put("one", numbers(1), PARQUET)
    ada.delete("one")
    body = numbers(50_000)
    assert at_once(*(lambda n=n: ada.put(f"t{n}", body, PARQUET) for n in range(2))) == [201, 507]
    after = stored(ada)
    assert (after.tables, after.rows) == (1, 50_000)
    assert after.agrees


def test_of_two_files_at_once_for_one_table_exactly_one_is_added(ada: Asker, limit: Limit, stored: Stored) -> None:
    limit(ada, own_rows=80_001)
    ada.put("t", numbers(1), PARQUET)
    body = numbers(50_000, 1)
    assert at_once(*[lambda: ada.post("t", body, PARQUET)] * 2) == [204, 507]
    assert stored(ada).rows == ada.count(ada.own("t")) == 50_001


def test_of_many_files_at_once_as_many_are_added_as_fit(ada: Asker, limit: Limit, stored: Stored) -> None:
    limit(ada, own_rows=100)
    ada.put("t", numbers(10), PARQUET)
    calls = [lambda n=n: ada.post("t", numbers(20, 1000 * n), PARQUET) for n in range(6)]
    assert at_once(*calls) == [204] * 4 + [507] * 2
    assert stored(ada).rows == ada.count(ada.own("t")) == 90


def test_of_two_tables_at_once_of_one_name_exactly_one_is_made(ada: Asker, stored: Stored) -> None:
    body = numbers(30_000)
    assert at_once(*[lambda: ada.put("t", body, PARQUET)] * 2) == [201, 409]
    after = stored(ada)
    assert (after.tables, after.rows) == (1, 30_000)
    assert after.agrees


# ---- other limits than rows


def test_exactly_as_many_tables_are_made_as_one_may_have(ada: Asker, limit: Limit, stored: Stored) -> None:
    limit(ada, own_tables=2)
    one = description(column("x", "int"))
    assert [ada.put(f"t{n}", one, XML).status for n in range(3)] == [201, 201, 507]
    assert replaced(ada, "t1", 3).status == 201
    assert ada.change("t1", RENAME="t2").status == 204
    refused = ada.put("t3", one, XML)
    assert refused.status == 507
    assert "3 tables" in refused.votable().message
    assert stored(ada).tables == 2
    assert stored(ada).agrees
    assert ada.delete("t0").status == 204
    assert ada.put("t3", one, XML).status == 201


def test_the_bytes_that_are_used_are_those_on_the_disk(ada: Asker, stored: Stored) -> None:
    ada.put("t", numbers(5_000), PARQUET)
    ada.put("u", numbers(100), PARQUET)
    ada.change("t", INDEX="x")
    after = stored(ada)
    assert after.bytes == sum(size for _, size in after.relations)


def test_an_index_counts_and_one_that_is_too_large_is_not_made(
    ada: Asker, limit: Limit, stored: Stored, owner: psycopg.Connection
) -> None:
    ada.put("t", numbers(5_000), PARQUET)
    before, flags = stored(ada), ada.flags("t", "x")
    limit(ada, own_bytes=before.bytes + 8192)
    refused = ada.change("t", INDEX="x")
    assert refused.status == 507
    assert "bytes" in refused.votable().message
    assert stored(ada) == before
    assert ada.flags("t", "x") == flags


def test_rows_that_take_too_many_bytes_leave_nothing_behind(ada: Asker, limit: Limit, stored: Stored) -> None:
    limit(ada, own_bytes=100_000)
    assert ada.put("t", numbers(50_000), PARQUET).status == 507
    assert stored(ada).relations == ()
    assert ada.put("t", numbers(1_000), PARQUET).status == 201
    before = stored(ada)
    assert ada.post("t", numbers(50_000), PARQUET).status == 507
    assert (stored(ada).rows, stored(ada).bytes, ada.count(ada.own("t"))) == (before.rows, before.bytes, 1_000)


def test_the_same_index_is_made_once(ada: Asker, owner: psycopg.Connection) -> None:
    ada.put("t", numbers(100), PARQUET)
    for _ in range(3):
        assert ada.change("t", INDEX="x").status == 204
    names = owner.execute("SELECT indexname FROM pg_indexes WHERE schemaname = %s", (ada.name,)).fetchall()
    assert len(names) == 1


def test_a_limit_that_sinks_below_what_is_used_takes_nothing_away(
    ada: Asker, full: str, limit: Limit, stored: Stored
) -> None:
    ada.post("kept", numbers(MOST - 4, 100), PARQUET)
    limits = json.loads(ada.call("GET", "whoami").body)["limits"]
    assert limits["own_rows"] == MOST
    assert ada.count(full) == MOST
    limit(ada, own_days=0)
    assert stored(ada).rows == MOST
