"""Who may read and change an account's own tables: its owner, groups by x-vosi headers, and nobody else (VOSI 1.2 draft, CADC)."""

import secrets
from dataclasses import dataclass

import pytest

from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tests.contract.client import Reply
from tests.contract.own_tables import CSV, XML, Asker, column, csv, description, path, same_columns, values
from tests.contract.own_tables import stars as three_stars
from tests.people import MakePerson

ONE = description(column("x", "int"))
CHANGES = [
    {"RENAME": "other"},
    {"INDEX": "id"},
    {"POSITION": "ra,dec"},
    {"DAYS": "3"},
    {"DESCRIPTION": "Changed"},
]
READ, WRITE = ("x_vosi_group_read", "x_vosi_group_ro"), ("x_vosi_group_write", "x_vosi_group_rw")


@dataclass(frozen=True)
class Team:
    """A group and one of its members."""

    group: str
    member: Asker


@pytest.fixture
def team(service: str, ada: Asker, accounts: AccountStore, person: MakePerson) -> Team:
    group = f"survey-{secrets.token_hex(4)}"
    accounts.add_group(group)
    accounts.add_member(group, ada.name, is_owner=True)
    return Team(group, Asker(service, person(groups=(group,))))


def rights(reply: Reply) -> dict[str, str]:
    return {name.lower(): value for name, value in reply.headers.items() if name.lower().startswith("x-vosi-")}


def query(table: str) -> str:
    return f"SELECT name FROM {table} WHERE n = 0"


def writes(client: Asker, table: str) -> list[int]:
    """What is answered to whoever changes what a writer may change."""
    return [
        client.post(table, b"id,name\n9,Deneb\n", CSV).status,
        client.call("POST", f"load/{path(table).partition('/')[2]}", b"id,name\n9,Deneb\n", Content_Type=CSV).status,
    ]


# ---- another account, and a stranger


@pytest.mark.parametrize("who", ["bo", "stranger"])
def test_a_table_of_another_account_is_listed_nowhere(
    ada: Asker, stars: str, request: pytest.FixtureRequest, *, who: str
) -> None:
    other: Asker = request.getfixturevalue(who)
    for resource in ("tables", "tables?detail=min", "examples", ""):
        assert ada.name not in other.call("GET", resource).text
    for asked in ("schema_name FROM tap_schema.schemas", "table_name FROM tap_schema.tables",
                  "table_name FROM tap_schema.columns"):  # fmt: skip
        assert ada.name not in other.ask(f"SELECT {asked}").text
        assert ada.name in ada.ask(f"SELECT {asked}").text


@pytest.mark.parametrize("who", ["bo", "stranger"])
def test_a_table_of_another_account_is_answered_as_none(
    ada: Asker, request: pytest.FixtureRequest, *, who: str
) -> None:
    other, hidden, none = request.getfixturevalue(who), ada.own("hidden_one"), ada.own("absent_one")
    ada.put(hidden, csv(three_stars()), CSV)
    assert (other.get(hidden).status, other.head(hidden).status) == (404, 404)
    assert other.get(hidden).text.replace("hidden_", "absent_") == other.get(none).text
    for text in (
        "SELECT * FROM {}",
        "SELECT COUNT(*) AS c FROM {} AS t",
        "WITH q AS (SELECT id FROM {}) SELECT * FROM q",
    ):
        there, absent = other.ask(text.format(hidden)), other.ask(text.format(none))
        assert there.status == absent.status == 400
        assert there.text.replace("hidden_", "absent_") == absent.text


def test_no_hint_names_a_table_or_a_column_of_another_account(ada: Asker, stars: str, bo: Asker) -> None:
    for name in (ada.own("star"), f"{stars}x", '"ada".stars'):
        said = bo.ask(f"SELECT mag FROM {name}").text.partition("Hint")[2]
        assert ada.name not in said
        assert "ra" not in said.split()


def test_another_account_deletes_and_changes_nothing(ada: Asker, stars: str, bo: Asker) -> None:
    before, none = ada.get(stars).body, ada.own("nebulae")
    for name in (stars, none):
        assert bo.delete(name).status == 404
        assert writes(bo, name) == [404, 404]
        assert bo.post(name, ONE, XML).status == 404
        assert bo.let(name, x_vosi_group_read="null").status == 404
        assert [bo.change(name, **form).status for form in CHANGES] == [404] * len(CHANGES)
    assert bo.delete(stars).text.replace("stars", "nebulae") == bo.delete(none).text
    assert ada.get(stars).body == before
    assert ada.count(stars) == len(three_stars())


def test_a_stranger_is_asked_to_log_in_before_anything_is_changed(ada: Asker, stars: str, stranger: Asker) -> None:
    """RFC 9110 §15.5.2: a 401 says how."""
    rows = csv(three_stars())
    for reply in (
        stranger.put("mine", ONE, XML),
        stranger.put(stars, ONE, XML),
        stranger.post(stars, rows, CSV),
        stranger.change(stars, RENAME="other"),
        stranger.delete(stars),
        stranger.delete(ada.own("absent")),
        stranger.call("POST", "load/stars", rows, Content_Type=CSV),
        stranger.post_form("table-update", table=stars, index="id"),
    ):
        assert reply.status == 401
        assert reply.headers.get_all("WWW-Authenticate")
    assert ada.rows(f"SELECT id, n, ra, dec, mag, name FROM {stars} ORDER BY id") == values(three_stars())


@pytest.mark.parametrize(
    "schema", ["demo", "tap_schema", "TAP_SCHEMA", "public", "armillary", "pg_catalog", "tap_upload"]
)
def test_no_table_is_made_in_a_schema_that_is_not_ones_own(ada: Asker, schema: str) -> None:
    assert ada.put(f"{schema}.mine", ONE, XML).status == 403
    assert ada.get(f"{schema}.mine").status == 404


def test_a_schema_of_another_account_is_refused_as_one_that_does_not_exist(ada: Asker, stars: str, bo: Asker) -> None:
    absent = stars.replace(ada.name, f"eve.{secrets.token_hex(4)}-x")
    for name in (stars, ada.own("new"), absent):
        assert bo.put(name, ONE, XML).status == 403
        assert bo.call("PUT", f"{path(name)}?REPLACE=true", ONE, Content_Type=XML).status == 403
    assert bo.put(stars, ONE, XML).text.replace(stars, absent) == bo.put(absent, ONE, XML).text
    assert ada.get(ada.own("new")).status == 404
    assert ada.count(stars) == len(three_stars())


def test_two_accounts_have_tables_of_one_name(ada: Asker, stars: str, bo: Asker) -> None:
    assert bo.put("stars", csv(three_stars()["id", "name"][:1]), CSV).status == 201
    assert (ada.count(stars), bo.count(bo.own("stars"))) == (3, 1)
    assert bo.delete("stars").status == 204
    assert ada.count(stars) == 3


# ---- tokens


@pytest.mark.parametrize("scopes", [[TokenScope.READ], [TokenScope.READ, TokenScope.JOBS]])
def test_a_token_without_the_scope_of_tables_reads_and_changes_nothing(
    ada: Asker, stars: str, accounts: AccountStore, scopes: list[TokenScope]
) -> None:
    assert ada.person
    script = Asker(ada.service, ada.person, accounts.add_token(ada.person.account, "script", scopes, 60))
    assert script.put("mine", ONE, XML).status == 403
    assert script.delete(stars).status == 403
    assert writes(script, stars) == [403, 403]
    assert script.let(stars, x_vosi_group_read="null").status == 403
    assert [script.change(stars, **form).status for form in CHANGES] == [403] * len(CHANGES)
    assert script.post_form("table-update", table=stars, index="id").status == 403
    assert script.get(stars).status == 200
    assert script.rows(query(stars)) == [("Altair",)]


def test_a_token_with_the_scope_of_tables_changes_them(ada: Asker, stars: str, accounts: AccountStore) -> None:
    assert ada.person
    scopes = [TokenScope.READ, TokenScope.TABLES]
    script = Asker(ada.service, ada.person, accounts.add_token(ada.person.account, "script", scopes, 60))
    assert script.put("mine", ONE, XML).status == 201
    assert writes(script, stars) == [204, 200]
    assert script.delete(stars).status == 204


# ---- headers


def test_the_owner_of_a_table_is_told_that_it_is_private(ada: Asker, stars: str) -> None:
    for reply in (ada.get(stars), ada.head(stars)):
        assert rights(reply) == {"x-vosi-owner": ada.name, "x-vosi-auth-read": "true"}


def test_a_table_that_everybody_reads_has_no_owner(ada: Asker) -> None:
    assert rights(ada.get("demo.ngc")) == {}


@pytest.mark.parametrize("header", READ)
def test_a_group_that_may_read_does_so_and_nothing_else(ada: Asker, stars: str, team: Team, header: str) -> None:
    changed = ada.let(stars, **{header: team.group})
    assert (changed.status, changed.body) == (204, b"")
    assert team.member.rows(query(stars)) == [("Altair",)]
    assert stars in team.member.call("GET", "tables").text
    assert writes(team.member, stars) == [403, 403]
    assert team.member.post(stars, ONE, XML).status == 403
    assert team.member.let(stars, x_vosi_group_read="null").status == 403
    assert team.member.delete(stars).status == 403
    assert [team.member.change(stars, **form).status for form in CHANGES] == [403] * len(CHANGES)
    assert ada.count(stars) == len(three_stars())


@pytest.mark.parametrize("header", READ)
def test_the_group_that_may_read_stands_in_the_headers(ada: Asker, stars: str, team: Team, header: str) -> None:
    ada.let(stars, **{header: team.group})
    for client in (ada, team.member):
        for reply in (client.get(stars), client.head(stars)):
            assert rights(reply) == {
                "x-vosi-owner": ada.name,
                "x-vosi-auth-read": "true",
                "x-vosi-group-read": team.group,
                "x-vosi-group-ro": team.group,
            }


@pytest.mark.parametrize("header", WRITE)
def test_a_group_that_may_write_adds_rows_and_descriptions(ada: Asker, team: Team, header: str) -> None:
    table = ada.own("t")
    ada.put(table, description(column("id", "long"), column("name", "char", arraysize="*")), XML)
    ada.let(table, **{header: team.group})
    assert writes(team.member, table) == [204, 200]
    assert team.member.rows(f"SELECT id, name FROM {table}") == [(9, "Deneb")] * 2
    written = same_columns(ada, table)
    changed = team.member.post(table, description(*written, more="<description>Ours</description>"), XML)
    assert changed.status == 204
    assert ada.get(table).xml().findtext("description") == "Ours"


@pytest.mark.parametrize("header", WRITE)
def test_a_group_that_may_write_neither_deletes_nor_renames_nor_shares(
    ada: Asker, stars: str, team: Team, header: str
) -> None:
    ada.let(stars, **{header: team.group})
    assert team.member.delete(stars).status == 403
    assert team.member.change(stars, RENAME="other").status == 403
    for right in (*READ, *WRITE):
        assert team.member.let(stars, **{right: "null"}).status == 403
    assert team.member.put(stars, ONE, XML).status == 403
    assert writes(team.member, stars) == [204, 200]


@pytest.mark.parametrize("header", WRITE)
def test_the_group_that_may_write_stands_in_the_headers(ada: Asker, stars: str, team: Team, header: str) -> None:
    ada.let(stars, **{header: team.group})
    found = rights(ada.get(stars))
    assert (found["x-vosi-group-write"], found["x-vosi-group-rw"]) == (team.group, team.group)


@pytest.mark.parametrize("header", [*READ, *WRITE])
def test_rights_are_given_with_a_new_table(ada: Asker, team: Team, header: str) -> None:
    assert ada.put("shared", csv(three_stars()), CSV, **{header: team.group}).status == 201
    assert team.member.count(ada.own("shared")) == len(three_stars())
    assert (writes(team.member, ada.own("shared")) == [204, 200]) == (header in WRITE)


def test_a_group_may_be_named_by_a_uri(ada: Asker, stars: str, team: Team) -> None:
    """IVOA GMS 1.0 §2: ivo://AUTHORITY/PATH?NAME."""
    assert ada.let(stars, x_vosi_group_read=f"ivo://example.org/gms?{team.group}").status == 204
    assert team.member.rows(query(stars)) == [("Altair",)]


def test_a_group_that_there_is_not_is_refused_and_nothing_is_done(ada: Asker, stars: str, team: Team) -> None:
    ada.let(stars, x_vosi_group_read=team.group)
    before = rights(ada.get(stars))
    for header in (*READ, *WRITE):
        for name in ("no-such-group", "ivo://example.org/gms?no-such-group"):
            assert ada.let(stars, **{header: name}).status == 400
    assert rights(ada.get(stars)) == before
    assert ada.put("new", ONE, XML, x_vosi_group_read="no-such-group").status == 400
    assert ada.get("new").status == 404


def test_only_a_moderator_publishes(ada: Asker, stars: str, stranger: Asker) -> None:
    assert ada.let(stars, x_vosi_auth_read="false").status == 403
    assert ada.put("new", ONE, XML, x_vosi_auth_read="false").status == 403
    assert ada.get("new").status == 404
    assert stranger.get(stars).status == 404


@pytest.mark.parametrize("value", ["true", "null"])
def test_other_values_of_auth_read_mean_private(ada: Asker, stars: str, bo: Asker, value: str) -> None:
    assert ada.let(stars, x_vosi_auth_read=value).status == 204
    assert ada.put("new", ONE, XML, x_vosi_auth_read=value).status == 201
    assert rights(ada.get("new"))["x-vosi-auth-read"] == "true"
    assert (bo.get(stars).status, bo.get(ada.own("new")).status) == (404, 404)


# ---- what is taken away


@pytest.mark.parametrize("header", [*READ, *WRITE])
def test_null_takes_a_right_with_the_next_request(ada: Asker, stars: str, team: Team, header: str) -> None:
    for _ in range(2):
        assert ada.let(stars, **{header: team.group}).status == 204
        assert team.member.ask(query(stars)).status == 200
        assert ada.let(stars, **{header: "null"}).status == 204
        assert team.member.ask(query(stars)).status == 400
        assert (team.member.get(stars).status, team.member.delete(stars).status) == (404, 404)
        assert writes(team.member, stars) == [404, 404]
    assert rights(ada.get(stars)) == {"x-vosi-owner": ada.name, "x-vosi-auth-read": "true"}
    assert ada.ask(query(stars)).status == 200


def test_a_right_that_no_header_names_stays_as_it_was(ada: Asker, stars: str, team: Team) -> None:
    ada.let(stars, x_vosi_group_read=team.group)
    for change in ({"x_vosi_group_write": "null"}, {"x_vosi_auth_read": "true"}):
        assert ada.let(stars, **change).status == 204
        assert team.member.ask(query(stars)).status == 200


def test_a_right_to_write_that_is_taken_leaves_the_right_to_read(ada: Asker, stars: str, team: Team) -> None:
    ada.let(stars, x_vosi_group_read=team.group, x_vosi_group_write=team.group)
    assert ada.let(stars, x_vosi_group_write="null").status == 204
    assert team.member.ask(query(stars)).status == 200
    assert writes(team.member, stars) == [403, 403]


def test_who_leaves_a_group_reads_nothing_with_the_next_request(
    ada: Asker, stars: str, team: Team, accounts: AccountStore
) -> None:
    ada.let(stars, x_vosi_group_write=team.group)
    assert team.member.ask(query(stars)).status == 200
    accounts.remove_member(team.group, team.member.name)
    assert team.member.ask(query(stars)).status == 400
    assert team.member.get(stars).status == 404
    assert writes(team.member, stars) == [404, 404]
    accounts.add_member(team.group, team.member.name, is_owner=False)
    assert team.member.ask(query(stars)).status == 200


def test_a_table_of_the_name_of_one_that_was_shared_is_private(ada: Asker, stars: str, team: Team) -> None:
    ada.let(stars, x_vosi_group_read=team.group)
    assert ada.delete(stars).status == 204
    assert ada.put(stars, csv(three_stars()), CSV).status == 201
    assert rights(ada.get(stars)) == {"x-vosi-owner": ada.name, "x-vosi-auth-read": "true"}
    assert team.member.ask(query(stars)).status == 400


def test_a_table_that_is_renamed_stays_shared(ada: Asker, stars: str, team: Team) -> None:
    ada.let(stars, x_vosi_group_read=team.group)
    assert ada.change(stars, RENAME="suns").status == 204
    assert team.member.rows(query(ada.own("suns"))) == [("Altair",)]
    assert team.member.ask(query(stars)).status == 400
