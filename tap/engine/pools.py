"""Pools of connections for what is asked now and then: none is made before it is needed."""

from typing import Any

from uws.pool import Pool


def lazy_pool(conninfo: str, application: str, connections: int, wait: float, **options: Any) -> Pool:
    """Return a pool, not yet open, of at most `connections`, for which a caller waits `wait` seconds; `options` are psycopg's."""
    return Pool(
        conninfo,
        min_size=0,
        max_size=connections,
        timeout=wait,
        kwargs={"autocommit": True, "application_name": application, **options},
        reconnect_timeout=5,
        open=False,
    )
