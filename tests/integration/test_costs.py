"""What `bench/costs.py` takes an event to cost in Firestore, counted on the emulator."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bench import costs
from gateway.links import open_store
from gateway.links.firestore_store import FirestoreStore
from gateway.links.model import Account, Moment, Observation
from gateway.locations import store_location

PORTAL = "p.bitrix24.ru"


@pytest.fixture
def store(firestore_url: str) -> Iterator[FirestoreStore]:
    opened = open_store(store_location(firestore_url))
    assert isinstance(opened, FirestoreStore)
    yield opened
    opened.close()


def observation(user: int, second: int, telegram_id: int) -> Observation:
    when = Moment(
        datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
    )
    return Observation(user, Account(telegram_id=telegram_id), when, True, when)


def documents(store: FirestoreStore) -> set[str]:
    client = store._client
    return {snapshot.reference.path for kind in client.collections() for snapshot in kind.stream()}


def test_an_event_that_changes_a_link_reads_and_writes_so_many_documents(store: FirestoreStore) -> None:
    before, client = documents(store), store._client
    read: list[str] = []
    get_all = client.get_all

    def counted(references: list[Any], **options: Any) -> Any:
        read.extend(reference.path for reference in references)
        return get_all(references, **options)

    client.get_all = counted  # type: ignore[method-assign, assignment]
    store.apply(PORTAL, "e1", [observation(1, 1, 1000)])
    assert len(documents(store) - before) == 4  # link, account, history, processed event
    read.clear()
    linked = documents(store)
    store.apply(PORTAL, "e2", [observation(1, 2, 2000)])
    assert len(read) <= costs.DOCUMENT_READS
    changed = documents(store)
    assert linked <= changed  # the old account stays: it knows who claimed it, and when
    # The link and the old account are there already, and are written again.
    assert len(changed - linked) + 2 == costs.DOCUMENT_WRITES
