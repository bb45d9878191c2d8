"""Who may read a table: everybody, or groups and accounts only. The database enforces it: by rights of roles, and by
row security in TAP_SCHEMA.

A right is given to `group:NAME` or `user:NAME` (a grantee), names as they are spelt there, for a table or for all of a schema.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import psycopg
from psycopg import sql

from schema.existing import exists
from schema.load.reader import LoadError
from schema.model import unquoted_parts
from schema.roles import READER
from schema.statements import statement

PUBLIC = "public"
ASKS_ITSELF = "Made by Armillary of what descriptions say under [obscore]"
"""The comment of a view of ours that shows to everybody the rows of those tables only that they may read."""
_ROLES = (files("schema") / "sql" / "reader_roles.sql").read_text("utf-8").encode()


@dataclass(frozen=True, slots=True)
class AccessRule:
    """What is said of a table or schema: `readers` are grantees, of no account where it is public."""

    name: str
    is_public: bool
    readers: tuple[str, ...] = ()


def prepare_reader_roles(connection: psycopg.Connection) -> None:
    """Make the functions that make roles, as a superuser, who will be their owner."""
    connection.execute(_ROLES)


def grantee(kind: str, name: str) -> str:
    return f"{kind}:{name}"


def accesses(connection: psycopg.Connection) -> list[AccessRule]:
    rows = connection.execute(statement("accesses")).fetchall()
    return [AccessRule(name, is_public, tuple(readers)) for name, is_public, readers in rows]


def open_views_over(connection: psycopg.Connection, name: str) -> list[str]:
    """Return the published views that show rows of a table, or of a schema's, whatever is said of the tables."""
    views: set[str] = set()
    for published, stored, *_ in connection.execute(statement("access_of"), {"name": name}).fetchall():
        target = _stored(published, stored)
        if exists(connection, target):
            rows = connection.execute(
                statement("published_views_over"),
                {"table": target.as_string(connection), "asks": ASKS_ITSELF},
            ).fetchall()
            views |= {str(view) for (view,) in rows}
    return sorted(views)


def make_public(connection: psycopg.Connection, name: str) -> None:
    """Open a table, or all tables of a schema of which nothing else is said. Raises: LoadError."""
    if connection.execute(statement("open_access"), (name,)).fetchone() is None:
        _put(connection, name, is_public=True)
    connection.execute(statement("drop_readers"), (name,))
    enforce(connection, name)


def add_readers(connection: psycopg.Connection, name: str, grantees: Iterable[str]) -> None:
    """Close a table or schema to all but its readers, and add these. Raises: LoadError."""
    _put(connection, name, is_public=False)
    for reader in grantees:
        connection.execute(statement("add_reader"), {"name": name, "grantee": reader})
    enforce(connection, name)


def set_readers(connection: psycopg.Connection, name: str, grantees: Sequence[str] | None) -> None:
    """Make these its readers and no others, `public` for everybody; None leaves them as they are. Raises: LoadError."""
    if grantees is None:
        return
    if tuple(grantees) == (PUBLIC,):
        make_public(connection, name)
        return
    connection.execute(statement("drop_readers"), (name,))
    add_readers(connection, name, grantees)


def announce(connection: psycopg.Connection, name: str, *, announced: bool) -> None:
    """Let others know that a closed table or schema exists, or no longer. Raises: LoadError where it is not closed."""
    if connection.execute(statement("announce"), (announced, name)).fetchone() is None:
        raise LoadError(f"{name} is not closed, so that there is nothing to announce or conceal")


def remove_readers(connection: psycopg.Connection, name: str, grantees: Iterable[str]) -> None:
    """Raises: LoadError for one that is no reader."""
    connection.execute(statement("lock_catalogue"))
    for reader in grantees:
        if connection.execute(statement("remove_reader"), (name, reader)).fetchone() is None:
            raise LoadError(f"{reader} is no reader of {name}")
    enforce(connection, name)


def forget_grantee(connection: psycopg.Connection, reader: str) -> None:
    """Take all rights of a group or account that is gone, so that another of its name has none of them."""
    for (name,) in connection.execute(statement("names_read_by"), (reader,)).fetchall():
        remove_readers(connection, name, [reader])
    connection.execute(statement("drop_grantee_role"), (reader,))


def take_rights(connection: psycopg.Connection, target: sql.Identifier) -> None:
    """Take the right to read a table from everybody whom it was given to."""
    _change_rights(connection, target, set())


def _put(connection: psycopg.Connection, name: str, *, is_public: bool) -> None:
    connection.execute(statement("lock_catalogue"))
    if name.split(".", maxsplit=1)[0] == "tap_schema":
        raise LoadError("TAP_SCHEMA is for everybody: what is closed is not shown in it")
    if connection.execute(statement("is_published_or_schema"), {"name": name}).fetchone() is None:
        raise LoadError(f"There is no published table or schema {name}")
    connection.execute(statement("put_access"), (name, is_public))


def enforce(connection: psycopg.Connection, name: str) -> None:
    """Give and take PostgreSQL's rights as they are written down, for a published table or all of a schema.

    Raises: LoadError where others gave rights that are not ours to take, and for tables on Citus.
    """
    # Loads and grants take turns, so that none of them goes by what the other is just changing.
    connection.execute(statement("lock_catalogue"))
    connection.execute(statement("put_audiences"), {"name": name})
    rows = connection.execute(statement("access_of"), {"name": name}).fetchall()
    for published, stored, is_public, roles, on_citus in rows:
        if on_citus and not is_public:
            raise LoadError(f"{published} lies on Citus, whose tables cannot be closed yet")
        target = _stored(published, stored)
        if published.startswith("tap_schema.") or not exists(connection, target):
            continue
        wanted = {READER} if is_public else set(roles)
        _change_rights(connection, target, wanted)
        _check_closed(connection, target, published, is_public=is_public)


def _stored(published: str, storage: str | None) -> sql.Identifier:
    schema_name, name = unquoted_parts(published)
    return sql.Identifier(schema_name, storage or name)


def _change_rights(connection: psycopg.Connection, target: sql.Identifier, wanted: set[str]) -> None:
    rows = connection.execute(statement("roles_that_read"), (target.as_string(connection),)).fetchall()
    present = {str(role) for (role,) in rows}
    for command, roles in (
        ("GRANT SELECT ON {} TO {}", wanted - present),
        ("REVOKE SELECT ON {} FROM {}", present - wanted),
    ):
        for role in sorted(roles):
            connection.execute(sql.SQL(command).format(target, sql.Identifier(role)))


def _check_closed(connection: psycopg.Connection, target: sql.Identifier, published: str, *, is_public: bool) -> None:
    row = connection.execute(statement("may_read"), (READER, target.as_string(connection))).fetchone()
    if row and row[0] and not is_public:
        raise LoadError(
            f"{published} belongs to somebody else, who lets {READER} read it; its owner takes the right with"
            f" REVOKE SELECT ON {target.as_string()} FROM {READER}, PUBLIC;"
        )
