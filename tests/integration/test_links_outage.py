"""PostgreSQL goes away and comes back: a store says so, and works again by itself."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg
import pytest

from gateway.errors import StoreUnavailable
from gateway.links import open_store, postgres_connection
from gateway.links.model import Account, Moment, Observation
from gateway.locations import store_location
from tests.support.pgbouncer import PASSWORD, running_pgbouncer
from tests.support.postgres import Postgres

AT = Moment(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


def test_a_restart_is_survived(postgres: Postgres) -> None:
    store = open_store(store_location(postgres.new_database()))
    store.apply("p", "e1", [Observation(1, Account(5), AT, None, None)])
    postgres.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable) as caught:
                store.apply("p", "e2", [Observation(2, Account(6), AT, None, None)])
            assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)
            with pytest.raises(StoreUnavailable):
                store.get("p", 1)
    finally:
        postgres.start()
    assert len(store.apply("p", "e2", [Observation(2, Account(6), AT, None, None)])) == 1
    assert store.apply("p", "e1", [Observation(1, Account(7), AT, None, None)]) == []
    postgres.stop()
    postgres.start()
    # Dead connections are replaced.
    assert store.apply("p", "e1", [Observation(1, Account(7), AT, None, None)]) == []
    store.close()


@pytest.fixture(params=["direct", "pooled"])
def url(request: pytest.FixtureRequest, postgres: Postgres, postgres_url: str) -> Iterator[str]:
    """A database reached directly, or through PgBouncer, which goes on to accept connections."""
    if request.param == "direct":
        yield f"{postgres_url}&connect_timeout=2"
        return
    name = urlsplit(postgres_url).path.strip("/")
    with running_pgbouncer(postgres, name, "transaction") as address:
        yield f"postgresql://{postgres.user}:{PASSWORD}@{address}/{name}"


def test_a_silent_server_ends_the_wait(url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was waited for without end: `/api/links` did not answer, and consumers outlived their leases."""
    store = open_store(store_location(url))
    store.apply("p", "e1", [Observation(1, Account(5), AT, None, None)])
    monkeypatch.setattr(postgres_connection, "ANSWER_SECONDS", 0.5)
    pool = ThreadPoolExecutor(2)
    with postgres.silence():
        read = pool.submit(store.get, "p", 1)
        applied = pool.submit(store.apply, "p", "e2", [Observation(2, Account(6), AT, None, None)])
        failures = [future.exception(timeout=60) for future in (read, applied)]
    assert [type(failure) for failure in failures] == [StoreUnavailable, StoreUnavailable]
    pool.shutdown()
    monkeypatch.undo()
    # No late answer is taken for this one's.
    link = store.get("p", 1)
    assert link is not None
    assert link.telegram_id == 5
    store.apply("p", "e2", [Observation(2, Account(6), AT, None, None)])
    assert len(list(store.links("p"))) == 2
    store.close()


def test_what_the_server_refuses_costs_no_connection(postgres_url: str) -> None:
    with postgres_connection.Connection.connect(postgres_url) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM nothing")
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)
