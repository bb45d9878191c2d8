"""Whose a schema is, and which table a name means to an account."""

import unicodedata
from collections.abc import Iterator

import psycopg

from schema.load.reader import LoadError
from schema.model import is_name, quoted_if_needed, split_name, stored_name
from schema.publish import LONGEST_NAME, OWN_SCHEMAS, full_name
from schema.statements import statement

SHARED = "shared"
"""The schema in which results of jobs that are shared can be mounted, whosever they are."""


class NotOwnSchema(Exception):
    """The table would lie in a schema that is not the account's own."""


def own_schema(connection: psycopg.Connection, account: str) -> str | None:
    """Return the name in the database of the schema that an account has, if it has had tables."""
    row = connection.execute(statement("own_schema"), (account,)).fetchone()
    return str(row[0]) if row else None


def expected_schema(connection: psycopg.Connection, account: str) -> str:
    """Return the schema that an account has, or would get with its first table."""
    return own_schema(connection, account) or next(name for name in _choices(account) if _is_free(connection, name))


def claim_schema(connection: psycopg.Connection, account: str) -> str:
    """Return the schema of an account, which is made its own with its first table."""
    while (schema_name := own_schema(connection, account)) is None:
        values = {"account": account, "schema_name": expected_schema(connection, account)}
        connection.execute(statement("claim_schema"), values)
    return schema_name


def own_schemas(connection: psycopg.Connection) -> set[str]:
    """Return the names in the database of all schemas that belong to accounts."""
    return {str(name) for (name,) in connection.execute(statement("own_schemas")).fetchall()}


def check_not_own(connection: psycopg.Connection, schema_name: str) -> None:
    """Raise LoadError for a schema that belongs to an account: what an operator publishes there would be taken for theirs."""
    if schema_name.lower() == SHARED:
        raise LoadError(f"the schema {SHARED} has results that accounts share; choose another")
    row = connection.execute(statement("is_own_schema"), (schema_name,)).fetchone()
    if row:
        raise LoadError(f"the schema {schema_name} has the tables of the account {row[0]}; choose another")


def _choices(account: str) -> Iterator[str]:
    """Yield names for an account's schema: its own name first."""
    short = account.encode()[: LONGEST_NAME - len("user__9999")].decode("utf-8", "ignore")
    if short == account:
        yield account
    yield f"user_{short}"
    for number in range(2, 10_000):
        yield f"user_{short}_{number}"


def _is_free(connection: psycopg.Connection, schema_name: str) -> bool:
    lower = schema_name.lower()
    if lower in OWN_SCHEMAS | {SHARED} or lower.startswith("pg_"):
        return False
    row = connection.execute(statement("schema_exists"), {"name": schema_name}).fetchone()
    return row is None


def table_name_of(connection: psycopg.Connection, text: str, account: str) -> str:
    """Return the published name of the table that an account means.

    It may say `schema.table` as it is published, without the quotes, with `user_ACCOUNT` for a schema, or the table alone.
    Raises: LoadError for what can be no name.
    """
    return _meant(connection, text, account, expected_schema(connection, account))


def _meant(connection: psycopg.Connection, text: str, account: str, schema_name: str) -> str:
    schemas = {schema_name: account, **_schema_by_alias(connection, text)}
    for own, owner in schemas.items():
        alias = f"user_{owner}"
        for prefix in (quoted_if_needed(own), own, quoted_if_needed(alias), alias):
            if text.lower().startswith(f"{prefix.lower()}."):
                return full_name(own, checked_name(text[len(prefix) + 1 :]))
    if not is_name(text):
        raise LoadError(
            f"{text[:80]!r} is no name of a table; write schema.table, or the table alone for one of your own"
        )
    parts = split_name(text)
    if len(parts) == 1:
        return full_name(schema_name, checked_name(parts[0]))
    if len(parts) == 2:
        return full_name(*(stored_name(part) for part in parts))
    raise LoadError(
        f"{text[:80]!r} has {len(parts)} parts; a table is schema.table, with double quotes round a name that has dots in it"
    )


def _schema_by_alias(connection: psycopg.Connection, text: str) -> dict[str, str]:
    """Return the schema, and its account, that `user_ACCOUNT.` means at the beginning of a name, as TAP+ calls it."""
    if not text.lower().lstrip('"').startswith("user_"):
        return {}
    row = connection.execute(statement("own_schema_by_alias"), {"text": text.lower().replace('"', "")}).fetchone()
    return {str(row[0]): str(row[1])} if row else {}


def own_name_of(connection: psycopg.Connection, text: str, account: str) -> str:
    """Return the published name of a table that shall lie in the account's own schema. Raises: NotOwnSchema, LoadError."""
    schema_name = expected_schema(connection, account)
    name, own = _meant(connection, text, account, schema_name), quoted_if_needed(schema_name)
    if not name.startswith(f"{own}."):
        raise NotOwnSchema(f"{name[:120]} is not in your schema; your own tables are {own}.NAME")
    return name


def checked_name(name: str) -> str:
    """Return the name in the database of a table. Raises: LoadError for one that it cannot have."""
    stored = stored_name(name)
    if not stored.strip() or any(unicodedata.category(character) in {"Cc", "Cs", "Cn"} for character in stored):
        raise LoadError("The name of a table must not be empty, nor have control characters")
    if len(stored.encode()) > LONGEST_NAME:
        raise LoadError(f"The name of a table has {LONGEST_NAME} bytes at most")
    return stored
