"""/publications: an account offers a table of its own to the public; a moderator accepts a frozen copy of it, or sends it back."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from astropy.table import Table, vstack
from psycopg import sql

from schema.publish import unpublish_table
from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tests.contract.client import Reply
from tests.contract.own_tables import CSV, XML, Asker, column, csv, description, path, values
from tests.contract.own_tables import stars as three_stars
from tests.people import MakePerson

OFFER = {
    "TITLE": "Three bright stars",
    "ABSTRACT": "Stars that everybody knows",
    "LICENCE": "CC-BY-4.0",
    "CONTACT": "ada@example.org",
    "CITATION": "10.5072/three-stars",
}
ALL = "SELECT id, n, ra, dec, mag, name FROM {} ORDER BY id"


@pytest.fixture
def moderator(service: str, person: MakePerson) -> Asker:
    return Asker(service, person(is_admin=True))


@pytest.fixture
def archive(owner: psycopg.Connection) -> Iterator[str]:
    """The name of a schema for what is published."""
    name = f"archive_{secrets.token_hex(3)}"
    yield name
    found = owner.execute("SELECT table_name FROM tap_schema.tables WHERE schema_name = %s", (name,)).fetchall()
    for (table,) in found:
        unpublish_table(owner, table, drop=True)
    owner.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))


def offered(who: Asker, table: str, **changes: str) -> str:
    """The number of a new offer."""
    reply = who.post_form("publications", TABLE=table, **(OFFER | changes))
    assert reply.status == 201, reply.text
    found = json.loads(reply.body)
    assert reply.headers["Location"] == f"{who.service}/publications/{found['id']}"
    assert found["state"] == "offered"
    return str(found["id"])


def decide(who: Asker, number: str, action: str, **form: str) -> Reply:
    return who.post_form(f"publications/{number}", ACTION=action, **form)


def accept(who: Asker, number: str, name: str) -> None:
    reply = decide(who, number, "accept", AS=name)
    assert reply.status == 204, reply.text


def listed(who: Asker) -> dict[str, dict[str, Any]]:
    """The publications that an account sees, by their numbers."""
    reply = who.call("GET", "publications")
    assert reply.status == 200, reply.text
    return {each["id"]: each for each in json.loads(reply.body)}


def public(stranger: Asker, table: str) -> bool:
    """Whether everybody may read a table, which queries and metadata must agree on."""
    found, about = stranger.ask(f"SELECT * FROM {table}").status, stranger.get(table).status
    assert (found == 200) == (about == 200)
    return found == 200


def test_an_offer_is_listed_for_its_owner_and_for_moderators(
    ada: Asker, bo: Asker, moderator: Asker, stars: str
) -> None:
    number = offered(ada, stars)
    (mine,) = listed(ada).values()
    assert mine == listed(moderator)[number]
    assert (mine["table"], mine["account"], mine["state"]) == (stars, ada.name, "offered")
    assert {key.upper(): mine[key] for key in map(str.lower, OFFER)} == OFFER
    assert mine["offered"]
    assert [mine[each] for each in ("word", "moderator", "published_as", "version", "decided")] == [None] * 5
    assert listed(bo) == {}
    assert decide(ada, number, "withdraw").status == 204


def test_a_stranger_neither_sees_nor_offers_nor_decides(ada: Asker, stranger: Asker, stars: str) -> None:
    number = offered(ada, stars)
    assert stranger.call("GET", "publications").status == 401
    assert stranger.post_form("publications", TABLE=stars, **OFFER).status == 401
    for action in ("withdraw", "accept", "return"):
        assert decide(stranger, number, action, AS="demo.x", WORD="no").status == 401
    assert listed(ada)[number]["state"] == "offered"


@pytest.mark.parametrize("missing", ["TABLE", "TITLE", "ABSTRACT", "LICENCE", "CONTACT"])
def test_an_offer_says_what_is_needed_of_a_publication(ada: Asker, stars: str, missing: str) -> None:
    form = {"TABLE": stars} | OFFER
    del form[missing]
    for reply in (ada.post_form("publications", **form), ada.post_form("publications", **form, **{missing: ""})):
        assert reply.status == 400
        assert missing in reply.votable().message
    assert listed(ada) == {}


def test_only_a_table_of_ones_own_is_offered(ada: Asker, bo: Asker, stars: str) -> None:
    ada.post_form("shares", KIND="table", NAME=stars, WITH=f"user:{bo.name}", MODE="write")
    assert bo.count(stars) == 3
    for name, status in ((stars, 403), ("none", 404), (ada.own("none"), 404)):
        assert bo.post_form("publications", TABLE=name, **OFFER).status == status
    assert listed(bo) == {}


def test_a_table_is_offered_once_at_a_time(ada: Asker, stars: str) -> None:
    number = offered(ada, stars)
    again = ada.post_form("publications", TABLE=stars, **OFFER)
    assert again.status == 400
    assert "already" in again.votable().message
    assert decide(ada, number, "withdraw").status == 204
    assert offered(ada, stars) != number


def test_a_withdrawn_offer_is_not_accepted(
    ada: Asker, bo: Asker, moderator: Asker, stranger: Asker, *, stars: str, archive: str
) -> None:
    number = offered(ada, stars)
    assert decide(bo, number, "withdraw").status == 404
    assert decide(ada, number, "withdraw").status == 204
    assert listed(ada)[number]["state"] == "withdrawn"
    assert decide(moderator, number, "accept", AS=f"{archive}.stars").status == 404
    assert decide(ada, number, "withdraw").status == 404
    assert not public(stranger, f"{archive}.stars_v1")


def test_an_offer_comes_back_with_a_word(ada: Asker, moderator: Asker, stranger: Asker, stars: str) -> None:
    number = offered(ada, stars)
    assert decide(moderator, number, "return").status == 400
    assert decide(moderator, number, "return", WORD="Which epoch, please?").status == 204
    (mine,) = listed(ada).values()
    assert (mine["state"], mine["word"], mine["moderator"]) == ("returned", "Which epoch, please?", moderator.name)
    assert mine["decided"]
    assert not public(stranger, stars)
    assert offered(ada, stars) != number


def test_an_accepted_table_is_a_copy_that_strangers_read(
    ada: Asker, moderator: Asker, stranger: Asker, *, stars: str, archive: str
) -> None:
    number = offered(ada, stars)
    accept(moderator, number, f"{archive}.stars")
    (mine,) = listed(ada).values()
    assert (mine["state"], mine["published_as"], mine["version"]) == ("accepted", f"{archive}.stars_v1", 1)
    assert stranger.rows(ALL.format(f"{archive}.stars_v1")) == values(three_stars())
    names = [each.text for each in stranger.call("GET", "tables").xml().iterfind("schema/table/name")]
    assert f"{archive}.stars_v1" in names
    assert stars not in names
    assert not public(stranger, stars)
    assert ada.head(stars).headers["x-vosi-auth-read"] == "true"


def test_columns_of_the_copy_say_what_those_of_the_table_do(
    ada: Asker, moderator: Asker, stranger: Asker, *, stars: str, archive: str
) -> None:
    ada.change(stars, INDEX="id", UNIQUE="true")
    ada.change(stars, POSITION="ra,dec")
    accept(moderator, offered(ada, stars), f"{archive}.stars")
    for name, mine in ada.columns(stars).items():
        copy = stranger.columns(f"{archive}.stars_v1")[name]
        for each in ("description", "unit", "ucd", "utype", "dataType"):
            assert copy.findtext(each) == mine.findtext(each)
        assert [flag.text for flag in copy.findall("flag")] == [flag.text for flag in mine.findall("flag")]
    cone = "SELECT name FROM {} WHERE DISTANCE(ra, dec, 200.25, 0) < 0.1"
    assert stranger.rows(cone.format(f"{archive}.stars_v1")) == [("Altair",)]


def test_a_copy_is_frozen_whatever_becomes_of_the_table(
    ada: Asker, moderator: Asker, stranger: Asker, *, stars: str, archive: str
) -> None:
    accept(moderator, offered(ada, stars), f"{archive}.stars")
    more = Table({"id": [9], "name": ["Deneb"]})
    for change in (
        ada.post(stars, csv(more), CSV),
        ada.change(stars, DESCRIPTION="Changed"),
        ada.change(stars, RENAME="others"),
        ada.call("PUT", f"{path('others')}?REPLACE=true", description(column("x", "int")), Content_Type=XML),
        ada.delete("others"),
    ):
        assert change.status in {201, 204}
        assert stranger.rows(ALL.format(f"{archive}.stars_v1")) == values(three_stars())
    assert stranger.get(f"{archive}.stars_v1").xml().findtext("description") == OFFER["ABSTRACT"]


def test_nobody_writes_to_a_copy_and_it_counts_in_nobodys_quota(
    ada: Asker, moderator: Asker, *, stars: str, archive: str
) -> None:
    before = json.loads(ada.call("GET", "whoami").body)["used"]
    accept(moderator, offered(ada, stars), f"{archive}.stars")
    copy = f"{archive}.stars_v1"
    for who in (ada, moderator):
        changes = [who.post(copy, csv(Table({"id": [9]})), CSV), who.delete(copy), who.change(copy, DESCRIPTION="No")]
        assert {change.status for change in changes} <= {403, 404}
    assert ada.rows(ALL.format(copy)) == values(three_stars())
    assert json.loads(ada.call("GET", "whoami").body)["used"] == before


def test_the_next_copy_is_the_next_version(
    ada: Asker, moderator: Asker, stranger: Asker, *, stars: str, archive: str
) -> None:
    accept(moderator, offered(ada, stars), f"{archive}.stars")
    ada.post(stars, csv(Table({"id": [9], "name": ["Deneb"]})), CSV)
    accept(moderator, offered(ada, stars), f"{archive}.stars")
    assert [each["version"] for each in listed(ada).values()] == [1, 2]
    assert stranger.rows(ALL.format(f"{archive}.stars_v1")) == values(three_stars())
    both = vstack([three_stars()["id", "name"], Table({"id": [9], "name": ["Deneb"]})], metadata_conflicts="silent")
    both.sort("id")
    found = stranger.rows(f"SELECT id, name FROM {archive}.stars_v2 ORDER BY id")
    assert found == [(int(row["id"]), str(row["name"])) for row in both]


def test_versions_are_counted_for_each_name(
    ada: Asker, moderator: Asker, stranger: Asker, *, stars: str, archive: str
) -> None:
    for name in ("stars", "stars_v1", '"My stars"', '"My stars"'):
        accept(moderator, offered(ada, stars), f"{archive}.{name}")
    found = {each["published_as"] for each in listed(ada).values()}
    assert found == {f"{archive}.{each}" for each in ("stars_v1", "stars_v1_v1", '"My stars_v1"', '"My stars_v2"')}
    assert all(public(stranger, each) for each in found)


def test_what_the_owner_said_stands_in_results_and_in_tables(
    ada: Asker, moderator: Asker, stranger: Asker, *, stars: str, archive: str
) -> None:
    accept(moderator, offered(ada, stars), f"{archive}.stars")
    reply = stranger.ask(f"SELECT TOP 1 * FROM {archive}.stars_v1", FORMAT="votable/td")
    infos = {info.get("name"): info.get("value") for info in reply.votable().all("//v:INFO")}
    assert infos["data_title"] == OFFER["TITLE"]
    assert infos["rights"] == OFFER["LICENCE"]
    assert infos["citation"] == OFFER["CITATION"]
    assert infos["creator"] == ada.name
    document = stranger.get(f"{archive}.stars_v1").xml()
    assert (document.findtext("title"), document.findtext("description")) == (OFFER["TITLE"], OFFER["ABSTRACT"])
    mine = ada.ask(f"SELECT TOP 1 * FROM {stars}", FORMAT="votable/td").votable()
    assert "data_title" not in [info.get("name") for info in mine.all("//v:INFO")]


def test_only_an_administrator_decides(ada: Asker, bo: Asker, stranger: Asker, *, stars: str, archive: str) -> None:
    number = offered(ada, stars)
    for who in (ada, bo):
        assert decide(who, number, "accept", AS=f"{archive}.stars").status == 403
        assert decide(who, number, "return", WORD="no").status == 403
    assert listed(ada)[number]["state"] == "offered"
    assert not public(stranger, f"{archive}.stars_v1")


def test_a_token_of_an_administrator_decides_only_with_the_scope_admin(
    ada: Asker, moderator: Asker, accounts: AccountStore, *, stars: str, archive: str
) -> None:
    number, person = offered(ada, stars), moderator.person
    assert person
    some = [TokenScope.READ, TokenScope.JOBS, TokenScope.TABLES]
    script = Asker(ada.service, person, accounts.add_token(person.account, "script", some, 60))
    assert decide(script, number, "accept", AS=f"{archive}.stars").status == 403
    assert decide(script, number, "return", WORD="no").status == 403
    assert number not in listed(script)
    master = Asker(ada.service, person, accounts.add_token(person.account, "master", [*some, TokenScope.ADMIN], 60))
    assert number in listed(master)
    accept(master, number, f"{archive}.stars")


def test_a_token_without_the_scope_of_tables_offers_nothing(ada: Asker, accounts: AccountStore, stars: str) -> None:
    assert ada.person
    secret = accounts.add_token(ada.person.account, "script", [TokenScope.READ, TokenScope.JOBS], 60)
    script = Asker(ada.service, ada.person, secret)
    assert script.post_form("publications", TABLE=stars, **OFFER).status == 403
    assert listed(ada) == {}


def test_a_copy_takes_no_place_that_is_not_the_publics(
    ada: Asker, bo: Asker, moderator: Asker, *, stars: str, archive: str
) -> None:
    bo.put("mine", description(column("x", "int")), XML)
    number = offered(ada, stars)
    for name in ("stars", "a.b.c", "tap_schema.stars", "tap_upload.stars", "armillary.stars", bo.own("stars"), ""):
        refused = decide(moderator, number, "accept", AS=name)
        assert refused.status == 400, name
        assert refused.votable().message
    assert decide(moderator, number, "accept").status == 400
    assert listed(ada)[number]["state"] == "offered"


def test_a_name_that_the_database_has_already_is_refused(
    ada: Asker, moderator: Asker, stranger: Asker, owner: psycopg.Connection, *, stars: str, archive: str
) -> None:
    owner.execute(f"CREATE SCHEMA {archive}".encode())
    owner.execute(f"CREATE TABLE {archive}.stars_v1 (x integer)".encode())
    number = offered(ada, stars)
    refused = decide(moderator, number, "accept", AS=f"{archive}.stars")
    assert refused.status == 400
    assert "another name" in refused.votable().message
    assert listed(ada)[number]["state"] == "offered"
    assert not public(stranger, f"{archive}.stars_v1")


def test_a_table_that_is_gone_is_not_accepted(
    ada: Asker, moderator: Asker, stranger: Asker, *, stars: str, archive: str
) -> None:
    number = offered(ada, stars)
    ada.delete(stars)
    assert decide(moderator, number, "accept", AS=f"{archive}.stars").status == 404
    assert not public(stranger, f"{archive}.stars_v1")


def test_another_table_under_the_name_of_one_that_was_offered_is_not_published(
    ada: Asker, moderator: Asker, stranger: Asker, *, stars: str, archive: str
) -> None:
    number = offered(ada, stars)
    ada.delete(stars)
    ada.put(stars, csv(Table({"secret": np.arange(3)})), CSV)
    assert decide(moderator, number, "accept", AS=f"{archive}.stars").status == 404
    assert not public(stranger, f"{archive}.stars_v1")


def test_an_offer_follows_its_table_to_another_name(
    ada: Asker, moderator: Asker, stranger: Asker, *, stars: str, archive: str
) -> None:
    number = offered(ada, stars)
    assert ada.change(stars, RENAME="others").status == 204
    assert listed(ada)[number]["table"] == ada.own("others")
    accept(moderator, number, f"{archive}.stars")
    assert stranger.rows(ALL.format(f"{archive}.stars_v1")) == values(three_stars())


@pytest.mark.parametrize("text", ["a\x01b", "a\x00b", "a\ufffeb"])
def test_what_no_document_can_hold_is_not_offered(ada: Asker, stars: str, text: str) -> None:
    """XML 1.0 §2.2: no control characters, which would break /tables for everybody."""
    for name in OFFER:
        reply = ada.post_form("publications", TABLE=stars, **(OFFER | {name: text}))
        assert reply.status == 400, name
    assert listed(ada) == {}


@pytest.mark.parametrize(("number", "status"), [("0", 404), ("nothing", 404), ("9" * 30, 404), ("-1", 404)])
def test_an_offer_that_is_not_there_is_not_decided(moderator: Asker, number: str, status: int) -> None:
    for action in ("accept", "return", "withdraw"):
        assert decide(moderator, number, action, AS="demo.x", WORD="no").status == status


def test_another_action_is_refused_with_those_that_there_are(ada: Asker, stars: str) -> None:
    number = offered(ada, stars)
    reply = decide(ada, number, "publish")
    assert reply.status == 400
    assert "accept, return or withdraw" in reply.votable().message
