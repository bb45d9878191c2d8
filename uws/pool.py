"""Connections that are lent, in a pool that a restart of PostgreSQL costs nothing."""

import select

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout


class Pool(ConnectionPool):
    """Lend only connections that answer.

    psycopg's own `check` waits one second, then two, then four, from one dead connection to the next: a pool of four
    would time out although PostgreSQL has long been back. And it waits for ever where PostgreSQL hangs.
    """

    def getconn(self, timeout: float | None = None) -> psycopg.Connection:
        """Raises: PoolTimeout, also where PostgreSQL says nothing on a connection for as long as one may wait for it."""
        for _ in range(self.max_size):
            connection = super().getconn(timeout)
            if not self._is_heard(connection):
                connection.close()
                self.putconn(connection)
                raise PoolTimeout("PostgreSQL says nothing")
            if connection.pgconn.status == psycopg.pq.ConnStatus.OK:
                return connection
            self.putconn(connection)
        return super().getconn(timeout)

    def _is_heard(self, connection: psycopg.Connection) -> bool:
        """Return whether PostgreSQL answers, or the connection is known to be dead."""
        pgconn = connection.pgconn
        try:
            pgconn.send_query(b"")
            pgconn.flush()
            if not answers(pgconn.socket, self.timeout):
                return False
            while pgconn.get_result() is not None:
                pass
        except psycopg.OperationalError:
            connection.close()
        return True


def answers(socket: int, seconds: float) -> bool:
    """Return whether a server that was asked says something within so many seconds."""
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
