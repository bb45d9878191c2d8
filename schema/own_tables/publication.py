"""Own tables on their way to the public: offered by their owner, accepted as a frozen copy or sent back by a moderator."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from schema.listing import make_schema, publish_known
from schema.load.reader import LoadError
from schema.loaded import Known, recall, remember
from schema.model import Origin, quoted_if_needed
from schema.own_tables.names import check_not_own
from schema.own_tables.rows import NoSuchTable
from schema.publish import full_name, split_table_name
from schema.readers import PUBLIC
from schema.roles import READER
from schema.statements import statement
from schema.statistics.store import copy_statistics


class NoSuchPublication(Exception):
    """There is no such offer, or it has been decided already."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What an owner says of a table that the public shall have."""

    title: str
    abstract: str
    licence: str
    contact: str
    citation: str | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """An offer and its state: offered, accepted, returned or withdrawn; `word` is the moderator's."""

    publication_id: int
    account: str
    table_name: str
    title: str
    abstract: str
    licence: str
    citation: str | None
    contact: str
    state: str
    word: str | None
    moderator: str | None
    published_as: str | None
    version: int | None
    offered: datetime
    decided: datetime | None


def publications(connection: psycopg.Connection, account: str | None) -> list[Publication]:
    """Return those of an account, or all for a moderator."""
    cursor = connection.execute(statement("publications"), {"account": account})
    names = [field.name for field in fields(Publication)]
    rows: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [Publication(**row) for row in rows]


def offer(connection: psycopg.Connection, account: str, table_name: str, offered: Offer) -> int:
    """Offer an own table; return the number of the publication. Raises: LoadError where it waits already."""
    values = {"account": account, "table_name": table_name} | {f.name: getattr(offered, f.name) for f in fields(Offer)}
    row = connection.execute(statement("offer"), values).fetchone()
    if row is None:
        raise LoadError(f"{table_name} is offered already, and waits for a moderator")
    return int(row[0])


def withdraw(connection: psycopg.Connection, publication_id: int, account: str) -> None:
    """Raises: NoSuchPublication."""
    _decide(connection, publication_id, state="withdrawn", account=account)


def send_back(connection: psycopg.Connection, publication_id: int, moderator: str, word: str) -> None:
    """Raises: NoSuchPublication."""
    _decide(connection, publication_id, state="returned", moderator=moderator, word=word)


def accept(connection: psycopg.Connection, publication_id: int, moderator: str, published_as: str) -> str:
    """Publish a copy of an offered table as it is now, with a version in its name; return that name.

    Raises: NoSuchPublication, NoSuchTable, LoadError for a name that cannot be.
    """
    schema_name, name = split_table_name(published_as)
    check_not_own(connection, schema_name)
    with connection.transaction():
        row = connection.execute(statement("offered_publication"), (publication_id,)).fetchone()
        if row is None:
            raise NoSuchPublication(f"There is no offer {publication_id}, or it has been decided")
        if connection.execute(statement("changed_since_offer"), (publication_id,)).fetchone():
            raise LoadError(
                f"{row[0]} has been changed since it was offered; send it back, so that it is offered as it is"
            )
        table_name, title, abstract, licence, citation, contact, account = row
        known = recall(connection, table_name)
        if known is None:
            raise NoSuchTable(f"{table_name} is not there any more")
        version = _next_version(connection, full_name(schema_name, name))
        origin = Origin(title, contact, account, licence, citation=citation)
        copy = _copied(connection, known, (schema_name, f"{name}_v{version}"), origin, abstract)
        _decide(
            connection,
            publication_id,
            state="accepted",
            moderator=moderator,
            published_as=copy.table.table_name,
            version=version,
        )
    return copy.table.table_name


def _next_version(connection: psycopg.Connection, published_as: str) -> int:
    row = connection.execute(statement("last_version"), {"name": published_as}).fetchone()
    return int(row[0]) + 1 if row else 1


def _copied(
    connection: psycopg.Connection, known: Known, names: tuple[str, str], origin: Origin, abstract: str
) -> Known:
    """Make and publish a copy with the indexes that the table has."""
    make_schema(connection, names[0])
    source, target = sql.Identifier(*known.table.stored_parts), sql.Identifier(*names)
    try:
        connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING INDEXES)").format(target, source))
    except psycopg.errors.DuplicateTable as error:
        raise LoadError(f"{full_name(*names)} exists in the database; choose another name") from error
    connection.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(target, source))
    connection.execute(sql.SQL("ANALYZE {}").format(target))
    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(target, sql.Identifier(READER)))
    table = replace(
        known.table,
        schema_name=quoted_if_needed(names[0]),
        table_name=full_name(*names),
        storage=None,
        description=abstract,
        origin=origin,
    )
    copy = replace(known, table=table, keys=())
    publish_known(connection, copy, (PUBLIC,))
    remember(connection, copy)
    copy_statistics(connection, known.table.table_name, copy.table.table_name)
    return copy


def _decide(connection: psycopg.Connection, publication_id: int, **values: object) -> None:
    """Move an offer to another state, only its account's where that is named. Raises: NoSuchPublication."""
    nothing = dict.fromkeys(("account", "moderator", "word", "published_as", "version"))
    row = connection.execute(statement("decide"), nothing | values | {"publication_id": publication_id}).fetchone()
    if row is None:
        raise NoSuchPublication(f"There is no offer {publication_id}, or it has been decided")
