"""Links to what is shared, until when shares last, and what is told of them."""

import io
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import psycopg
import pytest
from astropy.io.votable import parse_single_table
from astropy.table import Table
from psycopg import sql

from tap.config import Config
from tap.engine.database import accounts_conninfo
from tests.contract.client import get
from tests.contract.pages import HTML
from tests.tap.shares.askers import Asker, Shared, check, path_of, read, reads, result, stars

FAR_AWAY = 4321


# ---- links


def test_a_link_gives_the_result_of_a_job_to_whoever_has_it(ada: Asker, bo: Asker, stranger: Asker, job: str) -> None:
    share = ada.share(KIND="job", JOB=job, WITH="link")
    for who in (stranger, bo):
        found = who.get(path_of(share, ada.service))
        assert (found.status, found.body) == (200, result(ada, job).body)
        assert found.media_type == result(ada, job).media_type
    assert stranger.get(f"async/{job}").status == 403
    ada.send("DELETE", f"async/{job}")
    assert stranger.get(path_of(share, ada.service)).status == 404


def test_a_link_gives_the_rows_of_a_table_to_whoever_has_it(ada: Asker, stranger: Asker, table: Shared) -> None:
    link = path_of(ada.share(KIND="table", NAME=table.name, WITH="link", MODE="read"), ada.service)
    found = stranger.get(link)
    assert (found.status, found.media_type) == (200, "application/x-votable+xml")
    check(by_id(parse_single_table(io.BytesIO(found.body)).to_table(use_names_over_ids=True)), stars())
    check(by_id(read(stranger.get(link, RESPONSEFORMAT="csv").body)), stars())
    assert stranger.get(link, RESPONSEFORMAT="nothing").status == 400
    assert not reads(stranger, table)


def by_id(table: Table) -> Table:
    table.sort("id")
    return table


def test_a_link_that_is_wrong_or_revoked_is_not_found(ada: Asker, stranger: Asker, table: Shared) -> None:
    share = ada.share(KIND="table", NAME=table.name, WITH="link", MODE="read")
    link = path_of(share, ada.service)
    secret = link.removeprefix("shared/")
    for wrong in ("nothing", secret[:-1], f"{secret}A", secret.swapcase(), share["id"]):
        assert stranger.get(f"shared/{wrong}").status == 404, wrong
    assert stranger.get(link).status == 200
    assert ada.send("DELETE", f"shares/{share['id']}").status == 204
    answers = [who.get(path) for who in (stranger, ada) for path in (link, "shared/nothing")]
    assert {answer.status for answer in answers} == {404}


def test_the_secret_of_a_link_is_shown_once_and_kept_nowhere(ada: Asker, table: Shared, config: Config) -> None:
    share = ada.share(KIND="table", NAME=table.name, WITH="link", MODE="read")
    secret = share["url"].rpartition("/")[2]
    assert len(secret) >= 32
    ada.get(f"shared/{secret}")
    (given,) = ada.shares("given")
    assert given["id"] == share["id"]
    assert "url" not in given
    for path in ("shares", "shares/events"):
        assert secret not in ada.get(path).text
    dump = dump_of_accounts(config)
    assert ada.name in dump
    assert table.bare in dump
    for spelt in (secret, unquote(secret), secret.encode().hex()):
        assert spelt not in dump


def dump_of_accounts(config: Config) -> str:
    """All rows of all tables of the accounts, as text."""
    with psycopg.connect(accounts_conninfo(config)) as connection:
        named = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'accounts'"
        tables = [sql.Identifier("accounts", name) for (name,) in connection.execute(named)]
        rows = [connection.execute(sql.SQL("SELECT t::text FROM {} t").format(each)).fetchall() for each in tables]
    return "\n".join(text for found in rows for (text,) in found)


def test_two_links_have_two_secrets_and_one_outlives_the_other(ada: Asker, stranger: Asker, job: str) -> None:
    first, second = (ada.share(KIND="job", JOB=job, WITH="link") for _ in range(2))
    assert first["url"] != second["url"]
    ada.send("DELETE", f"shares/{first['id']}")
    assert stranger.get(path_of(first, ada.service)).status == 404
    assert stranger.get(path_of(second, ada.service)).status == 200


# ---- until when


def test_a_share_tells_when_it_ends(ada: Asker, bo: Asker, table: Shared) -> None:
    share = ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="read", DAYS="3")
    left = datetime.fromisoformat(share["expires"]) - datetime.now(UTC)
    assert timedelta(days=3) - timedelta(minutes=2) < left <= timedelta(days=3, seconds=2)
    (received,) = bo.shares("received")
    assert received["expires"] == share["expires"]
    assert reads(bo, table)


def test_a_share_that_has_ended_gives_nothing(
    ada: Asker, bo: Asker, stranger: Asker, table: Shared, *, job: str, config: Config
) -> None:
    days = {"DAYS": str(FAR_AWAY)}
    ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="read", **days)
    ada.share(KIND="job", JOB=job, WITH=f"user:{bo.name}", **days)
    of_table = path_of(ada.share(KIND="table", NAME=table.name, WITH="link", MODE="read", **days), ada.service)
    of_job = path_of(ada.share(KIND="job", JOB=job, WITH="link", **days), ada.service)
    assert reads(bo, table)
    assert {result(bo, job).status, stranger.get(of_table).status, stranger.get(of_job).status} == {200}
    end_what_lasts_so_long(config)
    assert not reads(bo, table)
    assert result(bo, job).status == 403
    assert {stranger.get(of_table).status, stranger.get(of_job).status} == {404}
    assert bo.shares("received") == []
    assert reads(ada, table)


def end_what_lasts_so_long(config: Config) -> None:
    """Move the end of the shares that were made for FAR_AWAY days into the past."""
    with psycopg.connect(accounts_conninfo(config)) as connection:
        done = connection.execute(
            "UPDATE accounts.shares SET expires = now() - interval '1 minute' WHERE expires > now() + %s",
            (timedelta(days=FAR_AWAY - 1),),
        )
        assert done.rowcount == 4


# ---- what is listed, and what is refused


def test_shares_are_listed_for_who_gave_and_for_who_received_them(
    ada: Asker, bo: Asker, cy: Asker, group: str, *, table: Shared, job: str
) -> None:
    made = [
        ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="write"),
        ada.share(KIND="job", JOB=job, WITH=f"group:{group}"),
        ada.share(KIND="job", JOB=job, WITH="link"),
    ]
    assert {each["id"] for each in ada.shares("given")} == {each["id"] for each in made}
    received = {each["id"]: each for each in bo.shares("received")}
    assert received.keys() == {each["id"] for each in made[:2]}
    assert (received[made[0]["id"]]["kind"], received[made[0]["id"]]["mode"]) == ("table", "write")
    assert job in received[made[1]["id"]]["name"]
    assert ada.shares("received") == bo.shares("given") == cy.shares("received") == []


def test_a_share_is_revoked_by_who_gave_it_only(ada: Asker, bo: Asker, cy: Asker, table: Shared) -> None:
    share = ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="read")
    assert cy.send("DELETE", f"shares/{share['id']}").status == 404
    assert reads(bo, table)
    for id_ in ("0", "nothing", "9" * 30):
        assert ada.send("DELETE", f"shares/{id_}").status == 404


def test_nobody_shares_what_is_not_hers(ada: Asker, bo: Asker, cy: Asker, table: Shared, *, job: str) -> None:
    ada.share(KIND="table", NAME=table.name, WITH=f"user:{bo.name}", MODE="read")
    ada.share(KIND="job", JOB=job, WITH=f"user:{bo.name}")
    for who in (bo, cy):
        for whom in ("link", f"user:{cy.name}"):
            assert who.post("shares", KIND="table", NAME=table.name, WITH=whom, MODE="read").status == 404
            assert who.post("shares", KIND="job", JOB=job, WITH=whom).status == 404
    for name in ("demo.ngc", "nothing", "tap_schema.tables"):
        assert ada.post("shares", KIND="table", NAME=name, WITH="link", MODE="read").status == 404
    for id_ in ("0" * 32, "nothing"):
        assert ada.post("shares", KIND="job", JOB=id_, WITH="link").status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"WITH": "user:nobody.at.all"},
        {"WITH": "group:nobody-at-all"},
        {"WITH": "everybody"},
        {"WITH": ""},
        {"KIND": "view"},
        {"KIND": ""},
        {"NAME": ""},
        {"MODE": "own"},
        {"DAYS": "-1"},
        {"DAYS": "soon"},
        {"DAYS": "9" * 30},
        {"KIND": "job", "JOB": ""},
    ],
)
def test_a_share_that_cannot_be_is_refused_in_our_words(
    ada: Asker, bo: Asker, table: Shared, change: dict[str, str]
) -> None:
    form = {"KIND": "table", "NAME": table.name, "WITH": f"user:{bo.name}", "MODE": "read"} | change
    reply = ada.post("shares", **form)
    assert reply.status == 400
    assert reply.votable().message
    assert ada.shares("given") == []


def test_jobs_are_not_shared_for_writing(ada: Asker, bo: Asker, job: str) -> None:
    assert ada.post("shares", KIND="job", JOB=job, WITH=f"user:{bo.name}", MODE="write").status == 400
    assert bo.get(f"async/{job}").status == 403


def test_a_stranger_shares_lists_and_revokes_nothing(ada: Asker, stranger: Asker, table: Shared) -> None:
    share = ada.share(KIND="table", NAME=table.name, WITH="link", MODE="read")
    form = {"KIND": "table", "NAME": table.name, "WITH": "link", "MODE": "read"}
    replies = [
        stranger.post("shares", **form),
        stranger.get("shares"),
        stranger.get("shares/events"),
        stranger.send("DELETE", f"shares/{share['id']}"),
    ]
    assert [reply.status for reply in replies] == [401] * 4
    assert all(reply.headers.get_all("WWW-Authenticate") for reply in replies)
    assert len(ada.shares("given")) == 1


def test_events_tell_who_shared_fetched_and_revoked_what(
    ada: Asker, bo: Asker, stranger: Asker, table: Shared, *, job: str
) -> None:
    by_name = ada.share(KIND="job", JOB=job, WITH=f"user:{bo.name}")
    link = ada.share(KIND="table", NAME=table.name, WITH="link", MODE="read")
    result(bo, job)
    bo.get(path_of(link, ada.service))
    stranger.get(path_of(link, ada.service))
    ada.send("DELETE", f"shares/{by_name['id']}")
    events = ada.events()
    assert all(event.keys() >= {"when", "who", "what", "name", "with"} for event in events)
    now = datetime.now(UTC)
    assert all(abs(now - datetime.fromisoformat(event["when"])) < timedelta(minutes=5) for event in events)
    found = [(event["what"], event["who"], event["name"], event["with"]) for event in events]
    of_job, of_table = (by_name["name"], by_name["with"]), (link["name"], "link")
    assert found.count(("shared", ada.name, *of_job)) == found.count(("shared", ada.name, *of_table)) == 1
    assert found.count(("revoked", ada.name, *of_job)) == 1
    assert ("fetched", bo.name, *of_job) in found
    fetched = [event for event in events if (event["what"], event["with"]) == ("fetched", "link")]
    assert len(fetched) == 2
    assert [event["who"] for event in fetched].count(bo.name) == 1
    assert ada.name not in {event["who"] for event in fetched}
    assert bo.events() == []


# ---- pages


def test_a_browser_sees_what_a_link_leads_to_before_it_downloads_it(
    ada: Asker, stranger: Asker, job: str, table: Shared
) -> None:
    browser = {"Accept": HTML}
    link = path_of(ada.share(KIND="table", NAME=table.name, WITH="link", MODE="read", DAYS="3"), ada.service)
    shown = get(f"{stranger.service}/{link}", **browser)
    assert shown.media_type == "text/html"
    assert f"{ada.name} shares this table" in shown.text
    assert "until" in shown.text
    assert f"It has {len(stars()):,} rows" in shown.text
    check(by_id(read(get(f"{stranger.service}/{link}?RESPONSEFORMAT=csv", **browser).body)), stars())
    link = path_of(ada.share(KIND="job", JOB=job, WITH="link"), ada.service)
    assert "shares this result" in get(f"{stranger.service}/{link}", **browser).text
    assert get(f"{stranger.service}/{link}?download=1", **browser).body == result(ada, job).body
    assert get(f"{stranger.service}/shared/nothing", **browser).status == 404
