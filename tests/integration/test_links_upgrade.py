"""A store as the first edition wrote it, opened by today's program: no link is lost or revived."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.links import open_store
from gateway.links.model import NO_ACCOUNT, Account, Moment, Observation, Store
from gateway.locations import store_location

SUPPORT = Path(__file__).parents[1] / "support"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
P = "p.bitrix24.ru"


def by_number(number: int) -> Account:
    return Account(telegram_id=number)


IVAN = Account(telegram_username="Ivan_P")
LINKED = {1: by_number(501), 5: IVAN, 7: by_number(508), 8: by_number(509)}
"""2 lost 501 to 1; 3 was dismissed; 4 claimed 504 while dismissed; 6 was emptied; 9 claimed 509 too late."""


@pytest.fixture(params=["sqlite", "firestore"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        path = tmp_path / "links.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript((SUPPORT / "links_first_edition.sql").read_text())
        return f"sqlite:///{path}"
    from google.cloud import firestore

    address: str = request.getfixturevalue("firestore_url")
    client = firestore.Client(project=address.split("/")[2], database="(default)")
    stored = json.loads((SUPPORT / "firestore_first_edition.json").read_text(), object_hook=_times)
    for collection, documents in stored.items():
        for name, document in documents.items():
            client.collection(collection).document(name).set(document)
    client.close()  # type: ignore[no-untyped-call]
    return address


def _times(values: dict[str, object]) -> object:
    return datetime.fromisoformat(str(values["time"])) if values.keys() == {"time"} else values


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(store_location(url))
    yield opened
    opened.close()


def accounts_of(store: Store, portal: str = P) -> dict[int, Account]:
    links = {
        row.bitrix_user_id: Account(row.telegram_id, row.telegram_username) for row in store.links(portal)
    }
    return {user: account for user, account in links.items() if account}


def observe(
    store: Store, user: int, seconds: float, account: Account | None = None, active: bool | None = None
) -> list[tuple[int, str]]:
    """Apply what was observed; who changed, and how."""
    at = Moment(EPOCH + timedelta(seconds=seconds), EPOCH + timedelta(seconds=seconds))
    observation = Observation(user, account, at if account is not None else None, active, at)
    changes = store.apply(P, f"{user} {seconds} {account} {active}", [observation])
    return [(row.bitrix_user_id, row.change) for row in changes]


def test_an_upgraded_store_holds_what_was_stored(store: Store) -> None:
    assert accounts_of(store) == LINKED
    assert accounts_of(store, "other.bitrix24.ru") == {1: by_number(501)}
    assert len(list(store.history())) == 12
    assert {link.bitrix_user_id for link in store.links(P) if not link.active} == {3, 4}
    assert [letter.event_id for letter in store.dead_letters()] == ["poison"]
    assert store.read_state("resync/p.bitrix24.ru") == {"seen": [1]}
    assert store.was_replayed("replayed")
    assert store.find(P, telegram_username="ivan_p") == store.get(P, 5)


def test_seeing_everybody_active_once_more_revives_nobody(store: Store) -> None:
    for user in range(1, 10):
        observe(store, user, 60, active=True)
    assert accounts_of(store) == LINKED


def test_older_claims_take_nothing_and_newer_ones_do(store: Store) -> None:
    assert observe(store, 2, 2, by_number(501)) == [(2, "conflict")]
    assert observe(store, 10, 0, IVAN) == [(10, "conflict")]
    assert accounts_of(store) == LINKED
    assert sorted(observe(store, 2, 9, by_number(501))) == [(1, "conflict"), (2, "linked")]
    assert sorted(observe(store, 10, 9, Account(telegram_username="IVAN_P"))) == [
        (5, "conflict"),
        (10, "linked"),
    ]
    assert accounts_of(store).keys() == {2, 7, 8, 10}


def test_what_a_void_claim_took_from_a_first_editions_link_comes_back(store: Store) -> None:
    observe(store, 2, 9, by_number(501))
    assert sorted(observe(store, 2, 8, active=False)) == [(1, "corrected"), (2, "unlinked")]
    assert accounts_of(store) == LINKED


def test_what_ended_after_the_upgrade_stays_ended(store: Store) -> None:
    assert observe(store, 1, 9, NO_ACCOUNT) == [(1, "unlinked")]
    # 1's claim of second 5 was newer.
    assert observe(store, 2, 4, by_number(501)) == [(2, "conflict")]
    assert observe(store, 7, 9, by_number(510)) == [(7, "replaced")]
    # User 3 is still dismissed.
    assert observe(store, 3, 8, by_number(508)) == []
    assert accounts_of(store) == {5: IVAN, 7: by_number(510), 8: by_number(509)}


def test_a_claim_that_waited_for_an_earlier_return_is_linked(store: Store) -> None:
    assert observe(store, 4, 6, active=True) == [(4, "linked")]
    assert accounts_of(store) == LINKED | {4: by_number(504)}


def test_forgetting_a_person_of_that_time_frees_the_account(store: Store) -> None:
    store.forget(P, 1)
    assert accounts_of(store) == {user: account for user, account in LINKED.items() if user != 1}
    assert accounts_of(store, "other.bitrix24.ru") == {1: by_number(501)}
    assert observe(store, 10, 0, by_number(501)) == [(10, "linked")]
