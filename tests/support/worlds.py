"""Worlds: everything that may be observed of a few users, delivered in every order.

`python -m tests.support.worlds` goes through all worlds of four observations (minutes); the unit
tests go through all of three, and through a fixed share of those of four.
"""

import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations_with_replacement, islice, product

from gateway.links.decide import NEWEST_CLAIMERS, Row, decide
from gateway.links.facts import names_of
from gateway.links.model import NO_ACCOUNT, Account, Change, Moment, Observation
from tests.support.links_model import comparable, names, truth

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2028, 1, 2, tzinfo=UTC)
X, Y = Account(telegram_id=1001), Account(telegram_id=1002)
NAME, SAME_NAME = Account(telegram_username="Ivan_P"), Account(telegram_username="iVAN_p")
BOTH = Account(1001, "Ivan_P")

State = frozenset[Row]
World = tuple[Observation, ...]
Saying = tuple[int, Account | None, bool | None]
EMPTY: State = frozenset()


def moment(at: float, received: float | None = None) -> Moment:
    received = at if received is None else received
    return Moment(EPOCH + timedelta(seconds=at), EPOCH + timedelta(seconds=received))


def observed(user: int, observed_at: Moment, account: Account | None, active: bool | None) -> Observation:
    return Observation(
        bitrix_user_id=user,
        account=account,
        account_at=None if account is None else observed_at,
        active=active,
        active_at=None if active is None else observed_at,
    )


def sayings(users: Sequence[int] = (1, 2), accounts: Sequence[Account] = (X, Y)) -> list[Saying]:
    """What one observation may say: everything but nothing at all."""
    every = product(users, (None, NO_ACCOUNT, *accounts), (None, True, False))
    return [saying for saying in every if saying[1:] != (None, None)]


def worlds(count: int, moments: Sequence[Moment] | None = None, share: int = 1) -> Iterator[World]:
    """All worlds of so many observations, or one in `share`, at `moments` (by default one a second)."""
    moments = [moment(at) for at in range(count)] if moments is None else moments
    for sayings_of_world in islice(product(sayings(), repeat=count), 0, None, share):
        yield _world(moments, sayings_of_world)


def worlds_of_one_moment(count: int) -> Iterator[World]:
    """All worlds of so many observations of one moment: the order in which they are listed says nothing."""
    for sayings_of_world in combinations_with_replacement(sayings(), count):
        yield _world([moment(0)] * count, sayings_of_world)


def _world(moments: Iterable[Moment], sayings_of_world: Iterable[Saying]) -> World:
    return tuple(
        observed(user, at, account, active)
        for at, (user, account, active) in zip(moments, sayings_of_world, strict=True)
    )


def random_world(chance: random.Random) -> list[Observation]:
    """Four to eight observations of three users; account and state at times from two sources."""
    accounts = chance.choice([[X, Y], [X, Y, NAME, SAME_NAME], [X, NAME, BOTH]])
    span, possible = chance.choice([2, 4, 8]), sayings((1, 2, 3), accounts)
    world = []
    for user, account, active in chance.choices(possible, k=chance.randrange(4, 9)):
        first, second = (moment(chance.randrange(span), chance.randrange(span)) for _ in range(2))
        second = chance.choice([first, second])
        account_at, active_at = None if account is None else first, None if active is None else second
        world.append(Observation(user, account, account_at, active, active_at))
    return world


def endings(world: World) -> set[State]:
    """What is stored after every order of delivery. What two orders have made alike goes on as one."""
    reached: dict[frozenset[int], set[State]] = {frozenset(): {EMPTY}}
    for _ in world:
        further: dict[frozenset[int], set[State]] = {}
        for delivered, states in reached.items():
            for index in set(range(len(world))) - delivered:
                after = {step(state, (world[index],)) for state in states}
                further.setdefault(delivered | {index}, set()).update(after)
        reached = further
    return reached[frozenset(range(len(world)))]


@cache
def step(state: State, observations: World) -> State:
    """What is stored after one more event, with a store's promises held on the way."""
    rows = {row.bitrix_user_id: row for row in state}
    decision = decide("p", "e", observations, lambda user, account: read(state, user, account), lambda: NOW)
    before = links(state)
    accounts = dict(before)
    for row in decision.history:
        previous = Account(row.previous_telegram_id, row.previous_telegram_username)
        assert names(previous) == names(accounts.pop(row.bitrix_user_id, NO_ACCOUNT)), (
            "history goes on where it ended"
        )
        account = Account(row.telegram_id, row.telegram_username)
        assert row.change in _fitting(previous, account)
        if account:
            accounts[row.bitrix_user_id] = account
    after = frozenset((rows | decision.rows).values())
    assert comparable(accounts) == comparable(links(after)), "history explains the links"
    names_taken = [name for account in links(after).values() for name in names_of(account)]
    assert len(names_taken) == len(set(names_taken)), "nobody holds another's account"
    return after


def _fitting(previous: Account, account: Account) -> tuple[Change, ...]:
    if not account:
        return ("unlinked", "conflict")
    return ("replaced", "corrected") if previous else ("linked", "corrected")


def read(state: State, user: int, account: Account) -> Iterable[Row]:
    """As little as a store may give: this user, the holders of this account, and its newest claimers."""
    for row in state:
        if row.bitrix_user_id == user or set(names_of(row.account)) & set(names_of(account)):
            yield row
    for name in names_of(account):
        claims = sorted(
            (
                (row.known.claims()[name], row.bitrix_user_id, row)
                for row in state
                if name in row.known.claims()
            ),
            key=lambda claim: claim[:2],
        )
        yield from (row for _, _, row in claims[-NEWEST_CLAIMERS:])


def links(state: State) -> dict[int, Account]:
    return {row.bitrix_user_id: row.account for row in state if row.account}


def check(world: World) -> None:
    """Every order ends alike, and as the model says."""
    expected = comparable(truth(world))
    for state in endings(world):
        assert comparable(links(state)) == expected, world


if __name__ == "__main__":
    for number, one in enumerate(worlds(4), 1):
        check(one)
        if number % 10_000 == 0:
            print(f"{number} worlds", file=sys.stderr)
    print("every world of four observations ends alike in every order")
