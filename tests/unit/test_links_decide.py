"""The decision about links: the contract's rules one by one, and order-independence as a property."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.links.decide import Decision, Row, decide
from gateway.links.facts import MOST_FACTS, Known, names_of
from gateway.links.model import NO_ACCOUNT, Account, Observation
from tests.support import worlds
from tests.support.links_model import truth
from tests.support.worlds import EPOCH, X, Y, moment

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Z = Account(telegram_username="Ivan_P")


def observed(
    user: int,
    at: int,
    account: Account | None = None,
    active: bool | None = None,
    received: int | None = None,
) -> Observation:
    return worlds.observed(user, moment(at, received), account, active)


class Portal:
    """Rows in a dict: the smallest store there is."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.changes: list[tuple[int, str]] = []
        self.refused: list[tuple[int, Account]] = []

    def read(self, user: int, account: Account) -> Iterable[Row]:
        name = (account.telegram_username or "").lower()
        for row in self.rows.values():
            account_of_row = row.account
            by_id = account.telegram_id is not None and account_of_row.telegram_id == account.telegram_id
            by_name = bool(name) and (account_of_row.telegram_username or "").lower() == name
            claims = row.known.claims().keys() & set(names_of(account))
            if row.bitrix_user_id == user or by_id or by_name or claims:
                yield row

    def apply(self, *observations: Observation) -> Decision:
        decision = decide("p", "e", observations, self.read, lambda: NOW)
        for user, row in decision.rows.items():
            assert decision.before[user] == self.rows.get(user)
            assert Known.from_json(row.known.to_json()) == row.known
            self.rows[user] = row
        self.changes += [(row.bitrix_user_id, row.change) for row in decision.history]
        for claim in decision.refused:
            claimed = Account(claim.previous_telegram_id, claim.previous_telegram_username)
            self.refused.append((claim.bitrix_user_id, claimed))
        linked_accounts = [row.account for row in self.rows.values() if row.account]
        assert len(linked_accounts) == len(set(linked_accounts))
        return decision

    def links(self) -> dict[int, Account]:
        return {user: row.account for user, row in self.rows.items() if row.account}


def after(observations: Sequence[Observation]) -> Portal:
    portal = Portal()
    for observation in observations:
        portal.apply(observation)
    return portal


def test_a_first_account_links_and_the_same_again_changes_nothing() -> None:
    portal = after([observed(1, 1, X), observed(1, 2, X)])
    assert portal.links() == {1: X}
    assert portal.changes == [(1, "linked")]
    assert portal.rows[1].observed_at == EPOCH + timedelta(seconds=2)


def test_a_new_account_replaces_the_old_one() -> None:
    portal = after([observed(1, 1, X), observed(1, 2, Z)])
    assert portal.links() == {1: Z}
    assert portal.changes == [(1, "linked"), (1, "replaced")]


def test_an_empty_account_unlinks_and_the_row_stays() -> None:
    portal = after([observed(1, 1, X), observed(1, 2, NO_ACCOUNT)])
    assert portal.links() == {}
    assert portal.rows[1].account == NO_ACCOUNT
    assert portal.changes == [(1, "linked"), (1, "unlinked")]


def test_a_name_in_another_case_is_the_same_account() -> None:
    portal = after([observed(1, 1, Z), observed(1, 2, Account(telegram_username="ivan_p"))])
    assert portal.links() == {1: Z}
    assert portal.changes == [(1, "linked")]


def test_an_older_account_is_ignored() -> None:
    portal = after([observed(1, 5, X), observed(1, 4, Y), observed(1, 3, NO_ACCOUNT)])
    assert portal.links() == {1: X}
    assert portal.changes == [(1, "linked")]


@pytest.mark.parametrize(("earlier", "later"), [(X, Y), (Y, X)])
def test_within_a_second_what_was_received_later_wins_in_either_order(
    earlier: Account, later: Account
) -> None:
    first, second = observed(1, 5, earlier, received=7), observed(1, 5, later, received=8)
    assert after([first, second]).links() == after([second, first]).links() == {1: later}


@pytest.mark.parametrize(("earlier", "later"), [(1, 2), (2, 1)])
def test_within_a_second_the_claim_received_later_wins_whoever_claims(earlier: int, later: int) -> None:
    first, second = observed(earlier, 5, X, received=7), observed(later, 5, X, received=8)
    assert after([first, second]).links() == after([second, first]).links() == {later: X}


def test_account_and_state_keep_their_own_moments() -> None:
    portal = after([observed(1, 1, X), observed(1, 9, active=True), observed(1, 5, Y)])
    # It is newer than the account, though older than the state.
    assert portal.links() == {1: Y}


def test_a_deactivation_unlinks_whenever_it_arrives() -> None:
    history = [observed(1, 1, X), observed(1, 2, active=False), observed(1, 3, active=True)]
    for order in permutations(history):
        portal = after(order)
        assert portal.links() == {}
        assert portal.rows[1].known.active


def test_active_again_needs_an_account_observed_since() -> None:
    history = [
        observed(1, 1, X),
        observed(1, 2, active=False),
        observed(1, 3, active=True),
        observed(1, 4, X),
    ]
    for order in permutations(history):
        assert after(order).links() == {1: X}


def test_an_account_observed_while_inactive_waits_for_nothing_newer_than_itself() -> None:
    assert after([observed(1, 1, active=False), observed(1, 2, X), observed(1, 3, active=True)]).links() == {}
    late = [observed(1, 1, active=False), observed(1, 3, X), observed(1, 2, active=True)]
    assert after(late).links() == {1: X}


def test_an_inactive_user_with_an_account_in_one_message_gets_nothing() -> None:
    portal = after([observed(2, 1, X), observed(1, 5, X, active=False), observed(1, 6, active=True)])
    assert portal.links() == {2: X}


def test_an_old_deactivation_does_not_end_a_newer_active_link() -> None:
    portal = after([observed(1, 5, X, active=True), observed(1, 4, active=False)])
    assert portal.links() == {1: X}
    assert portal.rows[1].known.active


@pytest.mark.parametrize("account", [X, Z])
def test_of_two_claims_the_newer_wins_in_either_order(account: Account) -> None:
    first, second = observed(1, 1, account), observed(2, 2, account)
    in_order, late = after([first, second]), after([second, first])
    assert in_order.links() == late.links() == {2: account}
    assert in_order.changes == [(1, "linked"), (1, "conflict"), (2, "linked")]
    assert late.changes == [(2, "linked")]
    assert (in_order.refused, late.refused) == ([], [(1, account)])


def test_a_claimer_who_comes_too_late_still_loses_the_old_account() -> None:
    portal = after([observed(1, 1, X), observed(2, 9, Y), observed(1, 5, Y)])
    assert portal.links() == {2: Y}
    assert portal.changes == [(1, "linked"), (2, "linked"), (1, "conflict")]
    assert portal.refused == []


def test_a_late_claim_ends_an_older_link_though_its_claimer_has_moved_on() -> None:
    portal = after([observed(1, 1, Y), observed(2, 9, X), observed(2, 5, Y)])
    assert portal.links() == {2: X}
    assert portal.changes == [(1, "linked"), (2, "linked"), (1, "conflict")]


def test_a_loser_comes_back_only_by_a_newer_observation() -> None:
    portal = after(
        [
            observed(1, 1, X),
            observed(2, 2, X),
            observed(2, 3, NO_ACCOUNT),
            observed(1, 4, active=True),
        ]
    )
    assert portal.links() == {}
    portal.apply(observed(1, 5, X))
    assert portal.links() == {1: X}


def test_two_users_swap_their_accounts_in_one_message() -> None:
    portal = after([observed(1, 1, X), observed(2, 1, Y)])
    portal.apply(observed(1, 2, Y), observed(2, 2, X))
    assert portal.links() == {1: Y, 2: X}


def test_claims_of_the_same_moment_do_not_depend_on_the_order() -> None:
    one, two = observed(1, 1, X), observed(2, 1, X)
    assert after([one, two]).links() == after([two, one]).links() == {2: X}


def test_observations_dated_in_the_future_do_not_freeze_a_user() -> None:
    ahead = 3 * 365 * 86_400
    portal = after([observed(1, ahead, X), observed(1, 5, Y)])
    assert portal.links() == {1: Y}
    portal.apply(observed(2, 6, X))
    assert portal.links() == {1: Y, 2: X}


def test_observations_dated_in_the_future_keep_their_order() -> None:
    ahead = 3 * 365 * 86_400
    world = [
        observed(1, ahead, X),
        observed(2, ahead + 1, X),
        observed(1, ahead + 2, Y),
        observed(1, ahead + 3, active=False),
    ]
    for order in permutations(world):
        assert after(order).links() == truth(world) == {2: X}


def test_a_claim_of_weeks_ago_decides_again_where_a_newer_one_proves_void() -> None:
    """1 claims X in January and in April; that 1 was dismissed in between is known last."""
    day = 86_400
    world = [observed(2, 0, X), observed(1, 12 * day, X), observed(1, 50 * day, Y)]
    world += [observed(1, 90 * day, X), observed(1, 80 * day, active=False)]
    assert after(world).links() == truth(world) == {}


def test_a_user_with_ever_new_accounts_keeps_costing_the_same() -> None:
    known = Known()
    for at in range(2 * MOST_FACTS):
        known = known.with_facts_of(observed(1, at * 3600, Account(telegram_id=at + 1)))
    assert len(known.accounts) <= 2 * MOST_FACTS + 1


def test_history_is_dated_after_everything_was_read() -> None:
    """Reading waits for other writers: a row dated before that would stand before theirs."""
    portal = after([observed(2, 1, Y), observed(1, 2, X)])
    clock = iter(NOW + timedelta(seconds=tick) for tick in range(100))
    read_at: list[datetime] = []

    def read(user: int, account: Account) -> Iterable[Row]:
        read_at.append(next(clock))
        return portal.read(user, account)

    decision = decide("p", "e", [observed(1, 3, Y)], read, lambda: next(clock))
    assert [row.bitrix_user_id for row in decision.history] == [2, 1]
    assert min(row.recorded_at for row in decision.history) > max(read_at)
    # What 1 claimed at second 2 and 3 counts no longer.
    late = [observed(1, 1, active=False)]
    for row in decision.rows.values():
        portal.rows[row.bitrix_user_id] = row
    portal.apply(observed(1, 0, active=True))
    decision = decide("p", "f", late, read, lambda: next(clock))
    assert (2, "corrected") in [(row.bitrix_user_id, row.change) for row in decision.history]
    assert min(row.recorded_at for row in decision.history) > max(read_at)


def test_an_observation_without_facts_leaves_no_row() -> None:
    assert after([observed(1, 1)]).rows == {}


def _drawn(users: int, accounts: Sequence[Account]) -> st.SearchStrategy[list[Observation]]:
    fact = st.tuples(
        st.integers(1, users),
        st.sampled_from([None, NO_ACCOUNT, *accounts]),
        st.sampled_from([None, True, False]),
    )
    return st.lists(fact, min_size=1, max_size=9).map(
        lambda facts: [
            observed(user, at, account, active) for at, (user, account, active) in enumerate(facts)
        ]
    )


@given(_drawn(4, [X, Y, Z]))
@settings(deadline=None)
def test_in_order_the_links_are_the_truth(observations: list[Observation]) -> None:
    assert after(observations).links() == truth(observations)


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from([X, Y, Z])),
        min_size=1,
        max_size=8,
        unique_by=lambda p: p[0],
    ),
    st.randoms(),
)
@settings(deadline=None)
def test_disputes_do_not_depend_on_the_order(claims: list[tuple[int, Account]], random: object) -> None:
    observations = [observed(user, at, account) for at, (user, account) in enumerate(claims)]
    shuffled = list(observations)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert after(shuffled).links() == truth(observations)


@given(_drawn(4, [X, Y, Z]), st.randoms())
@settings(deadline=None)
def test_whatever_the_order_the_links_are_the_truth(observations: list[Observation], random: object) -> None:
    shuffled = list(observations)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert after(shuffled).links() == truth(observations)


@given(_drawn(3, [X, Y, Z]))
@settings(deadline=None)
def test_history_tells_every_change_and_nothing_else(observations: list[Observation]) -> None:
    portal = Portal()
    accounts: dict[int, Account] = {}
    for observation in observations:
        links_before = portal.links()
        for row in portal.apply(observation).history:
            previous = Account(row.previous_telegram_id, row.previous_telegram_username)
            now = Account(row.telegram_id, row.telegram_username)
            assert previous == accounts.get(row.bitrix_user_id, NO_ACCOUNT)
            assert previous != now
            assert (row.change in ("linked", "replaced")) == bool(now)
            accounts[row.bitrix_user_id] = now
        assert {user: account for user, account in accounts.items() if account} == portal.links()
        assert portal.links() == links_before or accounts
