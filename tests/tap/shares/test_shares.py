"""Tables and jobs that accounts share with each other and with groups."""

import secrets

import pytest

from tap.auth.accounts import AccountStore
from tests.tap.shares.askers import ROWS, Asker, Shared, check, path_of, put, read, reads, result, stars

# ---- tables


def test_a_table_is_shared_with_an_account_and_no_longer_at_once(
    ada: Asker, bo: Asker, cy: Asker, table: Shared
) -> None:
    assert not reads(bo, table)
    share = ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="read")
    about = {"kind": "table", "with": f"user:{bo.name}", "mode": "read", "expires": None}
    assert about.items() <= share.items()
    assert "url" not in share
    assert reads(bo, table)
    assert not reads(cy, table)
    assert ada.send("DELETE", f"shares/{share['id']}").status == 204
    assert not reads(bo, table)
    assert reads(ada, table)
    assert ada.send("DELETE", f"shares/{share['id']}").status == 404


def test_a_table_is_shared_with_whoever_is_in_a_group(
    ada: Asker, bo: Asker, cy: Asker, table: Shared, *, group: str, accounts: AccountStore
) -> None:
    share = ada.share(KIND="table", NAME=table.name, WITH=f"group:{group}", MODE="read")
    assert share["with"] == f"group:{group}"
    assert reads(bo, table)
    assert not reads(cy, table)
    accounts.add_member(group, cy.name, is_owner=False)
    accounts.remove_member(group, bo.name)
    assert reads(cy, table)
    assert not reads(bo, table)
    assert ada.send("DELETE", f"shares/{share['id']}").status == 204
    assert not reads(cy, table)


def test_the_bare_name_of_a_table_is_enough(ada: Asker, bo: Asker, table: Shared) -> None:
    share = ada.share(KIND="table", NAME=table.bare, WITH=f"user:{bo.name}", MODE="read")
    assert share["name"].endswith(f".{table.bare}")
    assert reads(bo, table)


def test_a_shared_table_can_be_joined_and_counted_by_the_receiver(ada: Asker, bo: Asker, table: Shared) -> None:
    ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="read")
    found = read(bo.query(f"SELECT COUNT(*) AS n, AVG(ra) AS mean FROM {table.quoted} WHERE dec > 0").body)
    northern = stars()[stars()["dec"] > 0]
    assert found["n"][0] == len(northern)
    assert found["mean"][0] == pytest.approx(northern["ra"].mean(), rel=1e-12)


def test_a_reader_changes_nothing(ada: Asker, bo: Asker, table: Shared) -> None:
    ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="read")
    assert bo.append(table.path, stars()).status == 403
    assert bo.append(table.path.replace("tables/", "load/"), stars()).status == 403
    for form in ({"RENAME": "mine"}, {"INDEX": "ra"}, {"DESCRIPTION": "mine"}, {"DAYS": "1"}):
        assert bo.post(table.path, **form).status == 403, form
    assert bo.send("DELETE", table.path).status == 403
    assert len(read(ada.query(table.rows).body)) == ROWS


def test_a_writer_adds_rows_and_neither_deletes_nor_renames_nor_shares(
    ada: Asker, bo: Asker, cy: Asker, table: Shared
) -> None:
    share = ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="write")
    assert share["mode"] == "write"
    more = stars(0, 3)
    more["id"] += 1000
    assert bo.append(table.path, more).status == 204
    found = read(bo.query(table.rows).body)
    check(found[:ROWS], stars())
    check(found[ROWS:], more)
    loaded = bo.append(table.path.replace("tables/", "load/"), more)
    assert (loaded.status, loaded.text.split()[:3]) == (200, ["Inserted", "3", "rows"])
    assert bo.send("DELETE", table.path).status == 403
    assert bo.post(table.path, RENAME="mine").status == 403
    assert bo.send("POST", table.path, headers={"x-vosi-group-read": "null"}).status == 403
    assert bo.post("shares", KIND="table", NAME=table.name, WITH=f"user:{cy.name}", MODE="read").status == 404
    assert not reads(cy, table)


def test_a_writer_writes_no_longer_when_the_share_is_revoked(ada: Asker, bo: Asker, table: Shared) -> None:
    share = ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="write")
    ada.send("DELETE", f"shares/{share['id']}")
    assert bo.append(table.path, stars()).status == 404
    assert len(read(ada.query(table.rows).body)) == ROWS


def test_a_table_that_takes_the_name_of_a_shared_one_is_not_shared(
    ada: Asker, bo: Asker, stranger: Asker, table: Shared
) -> None:
    ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="read")
    link = path_of(ada.share(KIND="table", NAME=table.name, WITH="link", MODE="read"), ada.service)
    assert ada.send("DELETE", table.path).status == 204
    assert stranger.get(link).status == 404
    assert put(ada, table.bare) == table
    assert not reads(bo, table)
    assert stranger.get(link).status == 404
    assert ada.shares("given") == []


# ---- jobs


@pytest.mark.parametrize("by_group", [False, True])
def test_all_of_a_shared_job_is_read_and_no_longer_at_once(
    ada: Asker, bo: Asker, job: str, group: str, *, by_group: bool
) -> None:
    assert bo.get(f"async/{job}").status == 403
    share = ada.share(KIND="job", JOB=job, WITH=f"group:{group}" if by_group else f"user:{bo.name}")
    assert (share["kind"], share["mode"]) == ("job", "read")
    for resource in ("", "/phase", "/parameters", "/results", "/results/result", "/owner", "/quote", "/destruction"):
        found = bo.get(f"async/{job}{resource}")
        assert (found.status, found.body) == (200, ada.get(f"async/{job}{resource}").body), resource
    assert ada.send("DELETE", f"shares/{share['id']}").status == 204
    assert bo.get(f"async/{job}").status == result(bo, job).status == 403


def test_a_shared_job_is_an_upload_of_the_receivers_queries(ada: Asker, bo: Asker, job: str) -> None:
    upload = {"UPLOAD": f"mine,{ada.service}/async/{job}/results/result"}
    query = "SELECT name, ra FROM TAP_UPLOAD.mine WHERE ra > 0 ORDER BY name"
    assert bo.query(query, **upload).status in {400, 403}
    ada.share(KIND="job", JOB=job, WITH=f"user:{bo.name}")
    check(read(bo.query(query, **upload).body), read(result(ada, job).body))


def test_a_shared_job_becomes_a_table_of_the_receivers(ada: Asker, bo: Asker, job: str) -> None:
    ada.share(KIND="job", JOB=job, WITH=f"user:{bo.name}")
    name = f"taken_{secrets.token_hex(4)}"
    assert bo.post(f"tables/{name}", JOB=job).status == 201
    found = bo.get(f"tables/{name}")
    assert found.status == 200
    assert bo.send("DELETE", f"tables/{name}").status == 204


@pytest.mark.parametrize(
    ("method", "resource", "body"),
    [
        ("DELETE", "", b""),
        ("POST", "", b"ACTION=DELETE"),
        ("POST", "/phase", b"PHASE=ABORT"),
        ("POST", "/destruction", b"DESTRUCTION=2100-01-01T00:00:00Z"),
        ("POST", "/executionduration", b"EXECUTIONDURATION=7"),
        ("POST", "/parameters", b"QUERY=x"),
    ],
)
def test_a_shared_job_is_not_changed_by_the_receiver(
    ada: Asker, bo: Asker, job: str, *, method: str, resource: str, body: bytes
) -> None:
    ada.share(KIND="job", JOB=job, WITH=f"user:{bo.name}")
    before = ada.get(f"async/{job}").body
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert bo.send(method, f"async/{job}{resource}", body or None, form).status == 403
    assert bo.post("deletejobs", JOB_IDS=job).status in {403, 404}
    assert ada.get(f"async/{job}").body == before


# ---- results as tables


def test_the_result_of_a_job_is_mounted_as_a_table_for_whoever_may_read_it(
    ada: Asker, bo: Asker, cy: Asker, job: str
) -> None:
    name = f"ngc_{secrets.token_hex(4)}"
    share = ada.share(KIND="job", JOB=job, WITH=f"user:{bo.name}", AS=name)
    assert share["table"] == f"shared.{name}"
    rows = f"SELECT * FROM shared.{name} ORDER BY name"
    for who in (ada, bo):
        check(read(who.query(rows).body), read(result(ada, job).body))
        assert who.get(f"tables/shared.{name}").status == 200
    assert cy.query(rows).status == 400
    assert cy.get(f"tables/shared.{name}").status == 404
    assert bo.send("DELETE", f"tables/shared.{name}").status == 403
    assert ada.send("DELETE", f"shares/{share['id']}").status == 204
    for who in (ada, bo):
        assert who.query(rows).status == 400


def test_a_name_that_is_mounted_already_is_refused_and_only_results_are_mounted(
    ada: Asker, bo: Asker, table: Shared, job: str
) -> None:
    name = f"ngc_{secrets.token_hex(4)}"
    form = {"KIND": "job", "JOB": job, "WITH": f"user:{bo.name}"}
    ada.share(**form, AS=name)
    assert ada.post("shares", KIND="job", JOB=job, WITH=f"user:{bo.name}", AS=name).status == 400
    assert ada.post("shares", KIND="job", JOB=job, WITH="link", AS=f"{name}x").status == 400
    assert ada.post("shares", KIND="table", NAME=table.name, WITH=f"user:{bo.name}", AS=f"{name}y").status == 400
    assert ada.post(f"tables/shared.{name}", RENAME="mine").status == 403
