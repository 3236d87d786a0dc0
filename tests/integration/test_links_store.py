"""The contract of every store of links, on real backends: writers that race included."""

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from gateway.links import Links, open_store
from gateway.links.decide import Row, decide
from gateway.links.facts import names_of
from gateway.links.model import NO_ACCOUNT, Account, DeadLetter, Moment, Observation, Store
from gateway.links.user_record import MAX_USER_ID
from gateway.locations import store_location
from tests.support.commands import start_command
from tests.support.links_model import comparable, names, truth
from tests.support.worlds import random_world

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
P = "p.bitrix24.ru"
X, Y, Z = Account(telegram_id=2**52), Account(telegram_id=1002), Account(telegram_username="Ivan_P")


def observed(user: int, at: float, account: Account | None = None, active: bool | None = None) -> Observation:
    moment = Moment(EPOCH + timedelta(seconds=at), EPOCH + timedelta(seconds=at))
    return Observation(
        user, account, None if account is None else moment, active, None if active is None else moment
    )


def at(user: int, seconds: float, account: Account) -> Observation:
    """As `observed`, for an account that may be `NO_ACCOUNT`."""
    moment = Moment(EPOCH + timedelta(seconds=seconds), EPOCH + timedelta(seconds=seconds))
    return Observation(user, account, moment, None, None)


def letter(event_id: str, user: int = 7, at: int = 0, portal: str = P) -> DeadLetter:
    message = {"portal": {"domain": portal}, "data": {"FIELDS": {"ID": str(user)}}, "text": "Ж\x00\ud800"}
    return DeadLetter("ONUSERUPDATE", event_id, "why", 3, message, EPOCH + timedelta(seconds=at))


@pytest.fixture(params=["sqlite", "postgres", "firestore"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/links.db"
    address: str = request.getfixturevalue(f"{request.param}_url")
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(store_location(url))
    yield opened
    opened.close()


def test_a_link_is_stored_found_and_ended(store: Store) -> None:
    assert store.get(P, 1) is None
    [row] = store.apply(P, "e1", [observed(1, 10, X, active=True)])
    assert (row.portal, row.bitrix_user_id, row.change, row.event_id) == (P, 1, "linked", "e1")
    assert (row.telegram_id, row.previous_telegram_id, row.observed_at) == (
        2**52,
        None,
        EPOCH + timedelta(0, 10),
    )
    link = store.get(P, 1)
    assert link is not None
    assert (link.telegram_id, link.telegram_username, link.active) == (2**52, None, True)
    assert link.observed_at == EPOCH + timedelta(seconds=10)
    assert link.updated_at == row.recorded_at
    assert link.updated_at.utcoffset() == timedelta(0)
    assert store.find(P, telegram_id=2**52) == link
    [row] = store.apply(P, "e2", [at(1, 11, NO_ACCOUNT)])
    assert (row.change, row.telegram_id, row.previous_telegram_id) == ("unlinked", None, 2**52)
    assert store.find(P, telegram_id=2**52) is None
    link = store.get(P, 1)
    assert link is not None
    assert (link.telegram_id, link.telegram_username, link.active) == (None, None, True)
    assert [row.change for row in store.history(P)] == ["linked", "unlinked"]


def test_a_name_is_found_in_any_case_and_says_that_it_is_only_a_name(store: Store) -> None:
    store.apply(P, "e1", [observed(1, 1, Z)])
    link = store.find(P, telegram_username="iVAN_p")
    assert link is not None
    assert link.telegram_username == "Ivan_P"
    assert link.by_name_only
    assert store.find(P, telegram_id=5, telegram_username="IVAN_P") == link
    assert store.find(P, telegram_id=5) is None
    [winner, loser] = sorted(
        store.apply(P, "e2", [observed(2, 2, Account(telegram_username="ivan_p"))]),
        key=lambda row: row.change,
        reverse=True,
    )
    assert (winner.change, winner.bitrix_user_id) == ("linked", 2)
    assert (loser.change, loser.bitrix_user_id) == ("conflict", 1)


def test_the_same_event_again_has_no_effect(store: Store) -> None:
    assert store.apply(P, "e1", [observed(1, 1, X)])
    store.apply(P, "e2", [observed(1, 2, Y)])
    assert store.apply(P, "e1", [observed(1, 3, X)]) == []
    link = store.get(P, 1)
    assert link is not None
    assert link.telegram_id == 1002


def test_an_event_without_effect_is_remembered_too(store: Store) -> None:
    store.apply(P, "e1", [observed(1, 5, X)])
    assert store.apply(P, "e2", [observed(1, 4, Y)]) == []
    assert [row.event_id for row in store.history()] == ["e1"]


def test_portals_do_not_see_each_other(store: Store) -> None:
    for portal in ("", "a/b", P):
        store.apply(portal, f"e{portal}", [observed(1, 1, X), observed(12, 1, Z)])
    assert [row.portal for row in store.links()] == ["", "", "a/b", "a/b", P, P]
    assert [row.bitrix_user_id for row in store.links("a/b")] == [1, 12]
    assert store.portals() == ["", "a/b", P]
    assert [row.bitrix_user_id for row in store.links("a/b", after=1)] == [12]
    assert [row.bitrix_user_id for row in store.links(after=1)] == [12, 12, 12]
    link = store.find("", telegram_id=X.telegram_id)
    assert link is not None
    assert link.portal == ""
    assert {row.portal for row in store.history("")} == {""}


def test_a_refused_claim_is_reported_and_leaves_no_history(store: Store) -> None:
    store.apply(P, "e1", [observed(1, 5, X)])
    [refusal] = store.apply(P, "e2", [observed(2, 4, X)])
    assert (refusal.bitrix_user_id, refusal.change, refusal.previous_telegram_id) == (
        2,
        "conflict",
        X.telegram_id,
    )
    assert [row.event_id for row in store.history()] == ["e1"]


def test_a_conflict_and_a_swap_within_one_message(store: Store) -> None:
    store.apply(P, "e1", [observed(1, 1, X), observed(2, 1, Y)])
    changes = store.apply(P, "e2", [observed(1, 2, Y), observed(2, 2, X)])
    assert [(row.bitrix_user_id, row.change) for row in changes] == [
        (2, "conflict"), (1, "replaced"), (2, "linked")
    ]  # fmt: skip
    assert [(row.bitrix_user_id, row.telegram_id) for row in store.links(P)] == [(1, 1002), (2, 2**52)]
    assert [(row.bitrix_user_id, row.change) for row in store.history(P)][2:] == [
        (2, "conflict"), (1, "replaced"), (2, "linked")
    ]  # fmt: skip


def test_a_late_observation_is_judged_with_the_remembered_ones(store: Store) -> None:
    store.apply(P, "e1", [observed(1, 1, active=False)])
    store.apply(P, "e2", [observed(1, 3, Z)])
    assert store.find(P, telegram_username="ivan_p") is None
    [row] = store.apply(P, "e3", [observed(1, 2, active=True)])
    assert (row.change, row.telegram_username) == ("linked", "Ivan_P")


def test_history_is_read_by_user_and_since_a_moment(store: Store) -> None:
    for number in range(5):
        store.apply(P, f"e{number}", [observed(1 + number % 2, number, X if number % 3 else Y)])
    rows = list(store.history())
    assert [row.recorded_at for row in rows] == sorted(row.recorded_at for row in rows)
    assert {row.bitrix_user_id for row in store.history(P, bitrix_user_id=2)} == {2}
    since = rows[-2].recorded_at
    assert list(store.history(P, since=since)) == [row for row in rows if row.recorded_at >= since]
    assert list(Links(store, P).changes(since)) == list(store.history(P, since=since))


def test_more_rows_than_a_page_are_walked_in_order(store: Store) -> None:
    # SQL reads 100 at first and then 500, Firestore 300.
    users = range(1, 652)
    for start in range(1, 652, 100):
        batch = [
            observed(user, 1, Account(telegram_id=user)) for user in users if start <= user < start + 100
        ]
        store.apply(P, f"e{start}", batch)
    assert [link.bitrix_user_id for link in store.links(P)] == list(users)
    assert [link.bitrix_user_id for link in store.links()] == list(users)
    assert sorted(row.bitrix_user_id for row in store.history(P)) == list(users)
    assert sorted(row.bitrix_user_id for row in store.history()) == list(users)


def test_users_are_in_order_of_their_ids_up_to_the_highest(store: Store) -> None:
    users = [7, 10, 2**52, 2**53 + 1, MAX_USER_ID]
    store.apply(P, "e", [observed(user, 1, Account(telegram_id=n)) for n, user in enumerate(users, 1)])
    assert [link.bitrix_user_id for link in store.links(P)] == users
    assert [link.bitrix_user_id for link in store.links(P, after=2**52)] == users[3:]
    assert [row.bitrix_user_id for row in store.history(P, bitrix_user_id=MAX_USER_ID)] == [MAX_USER_ID]


def test_dead_letters_are_kept_once_oldest_first_and_removed(store: Store) -> None:
    for dead_letter in (letter("b", at=2), letter("a", at=1), letter("b", at=3)):
        store.add_dead_letter(dead_letter)
    first, second = store.dead_letters()
    assert (first.event_id, first.attempts, first.reason, first.event) == ("a", 3, "why", "ONUSERUPDATE")
    assert first.message["text"] == "Ж\x00\ud800"
    assert (second.event_id, second.recorded_at) == ("b", EPOCH + timedelta(seconds=3))
    store.remove_dead_letter(first.id)
    store.remove_dead_letter("not there")
    assert list(store.dead_letters()) == [second]
    store.add_dead_letter(replace(letter("b", at=4), subscription="forward-event-1"))
    assert [dead.subscription for dead in store.dead_letters()] == [second.subscription, "forward-event-1"]


def test_a_letter_put_aside_again_while_it_is_replayed_is_not_removed(store: Store) -> None:
    """A replay publishes, the consumer is quicker, and only then the letter that was read is removed."""
    store.add_dead_letter(letter("a", at=1))
    [first_letter] = store.dead_letters()
    store.add_dead_letter(letter("a", at=2))
    store.remove_dead_letter(first_letter.id)
    [second_letter] = store.dead_letters()
    assert second_letter.recorded_at > first_letter.recorded_at
    store.remove_dead_letter(second_letter.id)
    assert list(store.dead_letters()) == []


def test_forgetting_leaves_nothing_of_one_person_and_all_of_the_others(store: Store) -> None:
    store.apply(P, "e1", [observed(7, 1, X), observed(8, 1, Y)])
    store.apply("other", "e2", [observed(7, 1, X)])
    for dead_letter in (letter("mine"), letter("theirs", user=8), letter("elsewhere", portal="other")):
        store.add_dead_letter(dead_letter)
    assert store.forget(P, 7) == 3
    assert store.forget(P, 7) == 0
    assert store.get(P, 7) is None
    assert list(store.history(P, bitrix_user_id=7)) == []
    assert [dead_letter.event_id for dead_letter in store.dead_letters()] == ["theirs", "elsewhere"] or [
        dead_letter.event_id for dead_letter in store.dead_letters()
    ] == ["elsewhere", "theirs"]
    assert store.get("other", 7) is not None
    # The account is free again.
    assert store.apply(P, "e3", [observed(9, 1, X)])


def accounts_of(store: Store, portal: str = P) -> dict[int, Account]:
    links = store.links(portal)
    accounts = {link.bitrix_user_id: Account(link.telegram_id, link.telegram_username) for link in links}
    return {user: account for user, account in accounts.items() if account}


def changes_of(store: Store, portal: str = P) -> list[tuple[int, str]]:
    return [(row.bitrix_user_id, row.change) for row in store.history(portal)]


def test_claims_that_count_no_longer_hide_none_that_does(store: Store) -> None:
    """A store gives the newest claimers of an account: those whose claims proved void are not among them."""
    for user in (1, 2, 3):
        store.apply(P, f"claim {user}", [at(user, 10 + user, X)])
    for user in (1, 2, 3):
        store.apply(P, f"dismissed {user}", [observed(user, 5, active=False)])
    store.apply(P, "claim 4", [at(4, 2, X)])
    store.apply(P, "on to another", [at(4, 3, Y)])
    store.apply(P, "late", [at(5, 1, X)])
    # 4's claim was newer, and 4 has moved on.
    assert store.find(P, telegram_id=X.telegram_id) is None
    link = store.get(P, 4)
    assert link is not None
    assert link.telegram_id == Y.telegram_id


def test_what_a_forgotten_person_had_taken_comes_back_at_once(store: Store) -> None:
    """Their observations are erased too: the links are what the others' observations say."""
    store.apply(P, "e1", [observed(1, 1, X), observed(3, 1, Z)])
    store.apply(P, "e2", [observed(2, 2, X)])
    store.apply(P, "e3", [observed(2, 3, Account(telegram_username="ivan_p"))])
    assert accounts_of(store) == {2: Account(telegram_username="ivan_p")}
    store.forget(P, 2)
    assert accounts_of(store) == {1: X, 3: Z}
    assert sorted(changes_of(store)[-2:]) == [(1, "corrected"), (3, "corrected")]
    assert store.find(P, telegram_username="IVAN_P") == store.get(P, 3)
    # Older than what is known of 1.
    store.apply(P, "e4", [observed(4, 0, X)])
    assert accounts_of(store) == {1: X, 3: Z}
    # Their field is filled still, and polling finds it.
    store.apply(P, "e5", [observed(2, 4, X)])
    assert accounts_of(store) == {2: X, 3: Z}


def test_forgetting_a_user_without_claims_changes_nobody_else(store: Store) -> None:
    store.apply(P, "e1", [observed(1, 1, X), observed(2, 1, Y)])
    store.apply(P, "e2", [observed(2, 2, active=False), observed(3, 3, X), at(3, 4, NO_ACCOUNT)])
    before = changes_of(store)
    for user in (2, 9):
        store.forget(P, user)
        assert accounts_of(store) == {}
    assert changes_of(store) == [row for row in before if row[0] != 2]


def test_a_claim_of_a_dismissed_user_takes_nothing_though_it_is_known_late(store: Store) -> None:
    """1 is dismissed · 2 has X · 1's profile, still dismissed, says X: the last before the first."""
    first, second, third = observed(1, 1, active=False), observed(2, 2, X), observed(1, 3, X)
    for number, order in enumerate(permutations([first, second, third])):
        for index, observation in enumerate(order):
            store.apply(f"{number}", f"{number} {index}", [observation])
        assert accounts_of(store, f"{number}") == {2: X}
    store.apply(P, "e2", [second])
    store.apply(P, "e3", [third])
    assert accounts_of(store) == {1: X}
    store.apply(P, "e1", [first])
    assert changes_of(store) == [
        (2, "linked"),
        (2, "conflict"),
        (1, "linked"),
        (2, "corrected"),
        (1, "unlinked"),
    ]


@pytest.mark.parametrize(("last", "expected"), [(NO_ACCOUNT, {}), (X, {1: X})])
def test_a_newer_claim_ends_a_link_though_its_claimer_has_moved_on(
    store: Store, last: Account, expected: dict[int, Account]
) -> None:
    """2 has Y · 1 claims Y · 1 empties it, or takes X: the claim as the last one too."""
    world = [observed(2, 1, Y), observed(1, 2, Y), observed(1, 3, last)]
    for number, order in enumerate(permutations(world)):
        for index, observation in enumerate(order):
            store.apply(f"{number}", f"{number} {index}", [observation])
        assert accounts_of(store, f"{number}") == expected


def test_state_replays_and_processed_events(store: Store) -> None:
    assert store.read_state("resync/state") is None
    store.write_state("resync/state", {"a": [1, "Ж"]})
    store.write_state("resync/state", {"a": [2, "Ж"]})
    assert store.read_state("resync/state") == {"a": [2, "Ж"]}
    store.write_state("resync/state", None)
    assert store.read_state("resync/state") is None
    assert not store.was_replayed("e/1")
    store.mark_replayed("e/1")
    store.mark_replayed("e/1")
    assert store.was_replayed("e/1")
    store.apply(P, "e1", [observed(1, 1, X)])
    assert store.purge_processed(datetime.now(UTC) - timedelta(days=30)) == 0
    assert store.purge_processed(datetime.now(UTC) + timedelta(days=31)) == 1
    store.check()


def test_a_reopened_store_holds_what_was_written(url: str) -> None:
    first = open_store(store_location(url))
    first.apply(P, "e1", [observed(1, 1, X)])
    first.close()
    reopened = open_store(store_location(url))
    assert [link.telegram_id for link in reopened.links()] == [2**52]
    reopened.close()


def test_a_long_random_life_agrees_with_the_decision_alone(store: Store) -> None:
    """The same observations against rows in a dict: what a store adds is keeping them, nothing else."""
    chance = random.Random(5)
    rows: dict[int, Row] = {}

    def read(user: int, account: Account) -> list[Row]:
        username = (account.telegram_username or "-").lower()
        return [
            row
            for row in rows.values()
            if row.bitrix_user_id == user
            or (row.account.telegram_id is not None and row.account.telegram_id == account.telegram_id)
            or (row.account.telegram_username or "").lower() == username
            or row.known.claims().keys() & set(names_of(account))
        ]

    def observation() -> Observation:
        account = chance.choice([X, Y, Z, Account(telegram_username="iVAN_p"), NO_ACCOUNT, None])
        active = chance.choice([None, None, True, False])
        moment = Moment(
            EPOCH + timedelta(seconds=chance.randrange(60)), EPOCH + timedelta(seconds=chance.random())
        )
        return Observation(
            chance.randrange(1, 5), account, None if account is None else moment, active, moment
        )

    for step in range(50):
        batch = [observation() for _ in range(chance.randrange(1, 4))]
        decision = decide(P, f"e{step}", batch, read)
        rows |= decision.rows
        changes = store.apply(P, f"e{step}", batch)
        assert [replace(row, recorded_at=EPOCH) for row in changes] == [
            replace(row, recorded_at=EPOCH) for row in decision.reported
        ]
        expected = [replace(row.link(P), updated_at=EPOCH) for _, row in sorted(rows.items())]
        assert [replace(link, updated_at=EPOCH) for link in store.links(P)] == expected


def _together(work: Callable[[int], object], workers: int = 8) -> list[object]:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(workers)))


def test_writers_of_one_user_race_and_no_history_row_is_lost(store: Store) -> None:
    def write(worker: int) -> int:
        changes = 0
        for step in range(6):
            account = Account(telegram_id=100 + worker * 10 + step)
            changes += len(store.apply(P, f"{worker}-{step}", [observed(1, worker + step * 8, account)]))
        return changes

    changed = sum(int(str(count)) for count in _together(write))
    rows = list(store.history(P))
    assert len(rows) == changed
    link = store.get(P, 1)
    assert link is not None
    # The newest observation, whoever wrote last.
    assert link.telegram_id == 100 + 7 * 10 + 5
    telegram_id = None
    for row in _chained(rows):
        assert row.previous_telegram_id == telegram_id
        telegram_id = row.telegram_id
    assert telegram_id == link.telegram_id


def _chained(rows: list) -> list:  # type: ignore[type-arg]
    """History rows of one user in the order of the observations that won (each was newer than the last)."""
    return sorted(rows, key=lambda row: row.observed_at)


def test_users_who_claim_one_account_at_once_leave_one_holder(store: Store) -> None:
    def claim(worker: int) -> None:
        store.apply(P, f"e{worker}", [observed(worker + 1, worker, X)])

    _together(claim)
    assert {link.bitrix_user_id: link.telegram_id for link in store.links(P) if link.telegram_id} == {
        8: 2**52
    }
    conflicts = [row for row in store.history(P) if row.change == "conflict"]
    linked = [row for row in store.history(P) if row.change == "linked"]
    assert len(linked) == len(conflicts) + 1


def test_one_event_from_many_workers_has_one_effect(store: Store) -> None:
    results = _together(lambda _: store.apply(P, "e1", [observed(1, 1, X), observed(2, 1, Y)]))
    assert sorted(len(result) for result in results if isinstance(result, list)) == [0] * 7 + [2]
    assert len(list(store.history(P))) == 2


def test_the_events_id_alone_keeps_the_other_workers_out(store: Store) -> None:
    """Each worker brings another user, so that nothing but the id can make the effects one."""
    for event in range(5):
        first = 10 * event + 1
        _together(
            lambda worker, first=first, event=event: store.apply(  # type: ignore[misc]
                P, f"e{event}", [observed(first + worker, 1, Account(telegram_id=first + worker))]
            )
        )
    assert [row.event_id for row in store.history(P)] == [f"e{event}" for event in range(5)]


PROCESS = """
import sys
from datetime import UTC, datetime, timedelta
from itertools import permutations
from gateway.links import open_store
from gateway.links.model import Account, Moment, Observation
from gateway.locations import store_location
url, worker = sys.argv[1], int(sys.argv[2])
store = open_store(store_location(url))
for step in range(10):
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=worker + step * 4)
    account = Account(telegram_id=500 + step)
    store.apply("p", f"{worker}-{step}", [Observation(worker + 1, account, Moment(at, at), None, None)])
store.close()
"""


def test_processes_open_and_write_at_once(url: str, tmp_path: Path) -> None:
    """Four processes find no tables; each user claims the same accounts one after another."""
    running, errors = [], tmp_path / "errors"
    with errors.open("ab") as sink, open(os.devnull, "r+b") as devnull:
        for worker in map(str, range(4)):
            program = start_command(
                *("-c", PROCESS, url, worker),
                env=os.environ,
                cwd=tmp_path,
                stdin=devnull,
                stdout=devnull,
                stderr=sink,
            )
            running.append(program)
    for process in running:
        assert process.wait(110) == 0, errors.read_text()
    store = open_store(store_location(url))
    telegram_ids = [link.telegram_id for link in store.links("p") if link.telegram_id]
    rows = list(store.history("p"))
    link = store.get("p", 4)
    store.close()
    assert len(telegram_ids) == len(set(telegram_ids))
    assert link is not None
    assert link.telegram_id == 509
    for user in range(1, 5):
        telegram_id = None
        for row in (row for row in rows if row.bitrix_user_id == user):
            assert row.previous_telegram_id == telegram_id
            telegram_id = row.telegram_id


def test_shuffled_worlds_of_two_writers_end_as_their_moments_say(store: Store) -> None:
    """A portal a world: four to eight observations of three users, delivered in any order, some twice."""
    chance = random.Random(14)
    for number in range(12):
        portal, world = f"world-{number}", random_world(chance)
        events = [(f"{number}-{index}", observation) for index, observation in enumerate(world)]
        delivered = events + chance.sample(events, 2)
        chance.shuffle(delivered)

        def write(worker: int, portal: str = portal, events: list = delivered) -> None:  # type: ignore[type-arg]
            for event_id, observation in events[worker::2]:
                store.apply(portal, event_id, [observation])

        _together(write, workers=2)
        assert comparable(accounts_of(store, portal)) == comparable(truth(world)), delivered
        last: dict[int, Account] = {}
        for row in store.history(portal):
            previous = Account(row.previous_telegram_id, row.previous_telegram_username)
            assert names(previous) == names(last.pop(row.bitrix_user_id, NO_ACCOUNT)), delivered
            last[row.bitrix_user_id] = Account(row.telegram_id, row.telegram_username)
        assert comparable({user: account for user, account in last.items() if account}) == comparable(
            truth(world)
        )
