"""Connections that are lent, in a pool that a restart of PostgreSQL costs nothing."""

import psycopg
from psycopg_pool import ConnectionPool


class Pool(ConnectionPool):
    """Lend only connections that answer.

    psycopg's own `check` waits one second, then two, then four, from one dead connection to the next: a pool of four
    would time out although PostgreSQL has long been back.
    """

    def getconn(self, timeout: float | None = None) -> psycopg.Connection:
        for _ in range(self.max_size):
            connection = super().getconn(timeout)
            try:
                self.check_connection(connection)
            except psycopg.OperationalError:
                self.putconn(connection)
            else:
                return connection
        return super().getconn(timeout)
