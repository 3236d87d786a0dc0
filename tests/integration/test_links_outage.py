"""PostgreSQL goes away and comes back: a store says so, and works again by itself."""

from datetime import UTC, datetime

import pytest

from gateway.errors import StoreUnavailable
from gateway.links import open_store
from gateway.links.model import Account, Moment, Observation
from gateway.locations import store_location
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
    assert (
        store.apply("p", "e1", [Observation(1, Account(7), AT, None, None)]) == []
    )  # dead connections are replaced
    store.close()
