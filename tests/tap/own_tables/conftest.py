"""Accounts with tables of their own, at the service that all tests share."""

import json
import secrets
from collections.abc import Iterator

import psycopg
import pytest

from tap.auth.accounts import AccountStore
from tests.contract.own_tables import Asker, parquet
from tests.contract.own_tables import stars as three_stars
from tests.tap.own_tables.holdings import Holdings, Limit, Stored


@pytest.fixture
def stars(ada: Asker) -> str:
    """The name of a table of hers, with three stars."""
    name = ada.own("stars")
    reply = ada.put(name, parquet(three_stars()))
    assert reply.status == 201, reply.text
    return name


@pytest.fixture
def limit(accounts: AccountStore) -> Iterator[Limit]:
    """Let an account have other limits than the configuration says, by a group of its own."""
    made = []

    def limit(who: Asker, **limits: float) -> None:
        name = f"limited-{secrets.token_hex(4)}"
        accounts.add_group(name)
        made.append(name)
        accounts.add_member(name, who.name, is_owner=False)
        accounts.set_limits(name, limits)

    yield limit
    for name in made:
        accounts.delete_group(name)


@pytest.fixture
def stored(owner: psycopg.Connection) -> Stored:
    """What of an account's tables is there: published, in the database, and in its use."""

    def stored(who: Asker) -> Holdings:
        values = (who.name,)
        published = owner.execute(
            "SELECT table_name FROM tap_schema.tables WHERE replace(schema_name, '\"', '') = %s", values
        ).fetchall()
        relations = owner.execute(
            "SELECT relname, pg_total_relation_size(c.oid) FROM pg_class AS c WHERE relkind = 'r'"
            " AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)",
            values,
        ).fetchall()
        used = json.loads(who.call("GET", "whoami").body)["used"]
        names = sorted(str(name) for (name,) in published)
        return Holdings(tuple(names), tuple(sorted(relations)), used["tables"], used["rows"], used["bytes"])

    return stored
