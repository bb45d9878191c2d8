"""Pools of connections for what is asked now and then: none is made before it is needed."""

from typing import Any

from psycopg_pool import ConnectionPool


def lazy_pool(conninfo: str, application: str, connections: int, wait: float, **options: Any) -> ConnectionPool:
    """Return a pool, not yet open, of at most `connections`, for which a caller waits `wait` seconds; `options` are psycopg's."""
    return ConnectionPool(
        conninfo,
        min_size=0,
        max_size=connections,
        timeout=wait,
        kwargs={"autocommit": True, "application_name": application, **options},
        check=ConnectionPool.check_connection,
        reconnect_timeout=5,
        open=False,
    )
