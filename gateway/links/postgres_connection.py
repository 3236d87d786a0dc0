"""A connection to PostgreSQL that waits for an answer only so long.

A server whose process is stopped, or whose disk hangs, still acknowledges what it is sent: its
kernel does that, so neither keepalives nor `tcp_user_timeout` notice. `statement_timeout` is
the silent server's own, and PgBouncer refuses it at connecting. So this side keeps the time.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TCP-USER-TIMEOUT
https://www.pgbouncer.org/config.html#ignore_startup_parameters
"""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

# As long as SQLite waits for its lock. An event is tried three times, within its lease of a minute.
ANSWER_SECONDS = 15.0

Answer = TypeVar("Answer")


class Connection(psycopg.Connection[Any]):
    """A psycopg connection whose statements raise `OperationalError` when no answer comes in time."""

    # True while a migration runs, which takes as long as the tables are large.
    unbounded = False

    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        """Wait for the server as psycopg does, but for at most `ANSWER_SECONDS`."""
        if timeout is None and not self.unbounded:
            timeout = ANSWER_SECONDS
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            # Closed, because the late answer would be taken for the next statement's.
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise
