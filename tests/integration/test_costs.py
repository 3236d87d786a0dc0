"""What an event costs in Firestore, counted on the emulator: as `bench/costs.py` takes it, in any portal."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bench import costs
from gateway.links import open_store
from gateway.links.model import Account, Moment, Observation
from gateway.locations import store_location

if TYPE_CHECKING:
    from gateway.links.firestore_store import FirestoreStore

PORTAL = "p.bitrix24.ru"


@pytest.fixture
def store(firestore_url: str) -> Iterator["FirestoreStore"]:
    from gateway.links.firestore_store import FirestoreStore

    opened = open_store(store_location(firestore_url))
    assert isinstance(opened, FirestoreStore)
    yield opened
    opened.close()


def observation(user: int, seconds: int, telegram_id: int) -> Observation:
    moment = Moment(
        datetime(2026, 1, 1, 0, 0, seconds, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, seconds, tzinfo=UTC)
    )
    return Observation(user, Account(telegram_id=telegram_id), moment, True, moment)


def documents(store: "FirestoreStore") -> set[str]:
    client = store._client
    return {snapshot.reference.path for kind in client.collections() for snapshot in kind.stream()}


def test_an_event_that_changes_a_link_reads_and_writes_so_many_documents(store: "FirestoreStore") -> None:
    before, client = documents(store), store._client
    names: list[str] = []
    get_all = client.get_all

    def counted(references: list[Any], **options: Any) -> Any:
        names.extend(reference.path for reference in references)
        return get_all(references, **options)

    client.get_all = counted  # type: ignore[method-assign, assignment]
    store.apply(PORTAL, "e1", [observation(1, 1, 1000)])
    # Link, account, history, processed event.
    assert len(documents(store) - before) == 4
    names.clear()
    linked = documents(store)
    store.apply(PORTAL, "e2", [observation(1, 2, 2000)])
    assert len(names) <= costs.DOCUMENT_READS
    changed = documents(store)
    # The old account stays: it knows who claimed it, and when.
    assert linked <= changed
    # The link and the old account are there already, and are written again.
    assert len(changed - linked) + 2 == costs.DOCUMENT_WRITES


@contextmanager
def counted(store: "FirestoreStore") -> Iterator[Counter[str]]:
    """Documents asked for, queries, and documents written, as they leave for the server."""
    api, count = store._client._firestore_api, Counter[str]()

    def batch_get_documents(request: Any, **options: Any) -> Any:
        count["read"] += len(request["documents"])
        return type(api).batch_get_documents(api, request=request, **options)

    def run_query(request: Any, **options: Any) -> Any:
        count["queries"] += 1
        return type(api).run_query(api, request=request, **options)

    def commit(request: Any, **options: Any) -> Any:
        count["written"] += len(request["writes"])
        return type(api).commit(api, request=request, **options)

    ours = {"batch_get_documents": batch_get_documents, "run_query": run_query, "commit": commit}
    for name, method in ours.items():
        setattr(api, name, method)
    try:
        yield count
    finally:
        for name in ours:
            delattr(api, name)


# Accounts that each user claims, one after another.
EACH = 2
# An account that everybody claims at first.
SHARED = 9_999


def observed(user: int, number: int, telegram_id: int) -> Observation:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=100 * number + user)
    return Observation(user, Account(telegram_id=telegram_id), Moment(at, at), True, Moment(at, at))


def grow(store: "FirestoreStore", users: range) -> None:
    """Each of these users has claimed the account that all share, then others of their own."""

    def claims(user: int) -> None:
        for number in range(EACH):
            account = 10 * user + number if number else SHARED
            store.apply(PORTAL, f"{user}-{number}", [observed(user, number, account)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(claims, users))


def costs_of_events(store: "FirestoreStore", round_number: int) -> dict[str, Counter[str]]:
    """What each kind of event costs."""
    second = 10 + 10 * round_number
    kinds = {
        "the same": observed(1, second, 10 + EACH - 1),
        "another": observed(2, second, 900_000 + round_number),
        "a colleague's": observed(3, second + 1, 40 + EACH - 1),
        "everybody's": observed(5, second + 2, SHARED),
        "the colleague's own again": observed(4, second + 3, 40 + EACH - 1),
        "back to a third one": observed(3, second + 4, 30 + EACH - 1),
    }
    costs = {}
    for kind, observation in kinds.items():
        with counted(store) as count:
            store.apply(PORTAL, f"{kind} {round_number}", [observation])
        costs[kind] = count
    return costs


def test_an_event_costs_the_same_however_many_users_a_portal_has(store: "FirestoreStore") -> None:
    grow(store, range(1, 7))
    # The first round makes what the second one finds.
    costs_of_events(store, 0)
    small = costs_of_events(store, 1)
    grow(store, range(7, 27))
    costs_of_events(store, 100)
    large = costs_of_events(store, 101)
    assert large == small
    for kind, count in large.items():
        assert count["queries"] == 0, kind
        assert count["read"] <= 6, kind
        assert count["written"] <= 8, kind
