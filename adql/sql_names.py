"""Names and strings in SQL, and what stands there for a table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from psycopg import sql

from adql.nodes import Relation

_NAMES = 16_384
"""Names that are kept quoted: those of columns come again with every query."""

TableSql = Callable[[Relation], str]
"""Gives the SQL that stands for a table in FROM, before its alias."""


def quote(value: str) -> str:
    """Return a string literal."""
    return sql.quote(value).strip()


@lru_cache(_NAMES)
def name(identifier: str) -> str:
    """Return a quoted identifier."""
    return sql.Identifier(identifier).as_string()


def stored_table(relation: Relation) -> str:
    return ".".join(map(name, relation.parts))


_table_sql: ContextVar[TableSql] = ContextVar("table_sql", default=stored_table)


def sql_of_table(relation: Relation) -> str:
    return _table_sql.get()(relation)


@contextmanager
def printed_by(table_sql: TableSql) -> Iterator[None]:
    """Let `table_sql` say what stands for tables, as long as the block lasts."""
    token = _table_sql.set(table_sql)
    try:
        yield
    finally:
        _table_sql.reset(token)
