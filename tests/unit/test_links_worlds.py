"""Whatever is observed of two or three users ends alike in every order, and as the model says."""

import random
from collections.abc import Iterator, Sequence

import pytest

from gateway.links.decide import forget
from gateway.links.model import Observation
from tests.support.links_model import comparable, truth
from tests.support.worlds import (
    EMPTY,
    NOW,
    State,
    World,
    X,
    Y,
    check,
    links,
    moment,
    observed,
    random_world,
    read,
    sayings,
    step,
    worlds,
    worlds_of_one_moment,
)

DAY = 86_400


@pytest.fixture(scope="module", autouse=True)
def _steps_are_kept_for_this_module_alone() -> Iterator[None]:
    """They are more objects than all else: each later search for garbage would go through them."""
    yield
    step.cache_clear()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_world_of_up_to_three_observations(count: int) -> None:
    for world in worlds(count):
        if not is_mirrored(world):
            check(world)


def is_mirrored(world: World) -> bool:
    """Whether another world is the same with the accounts exchanged: at different moments, which of them is
    which decides nothing."""
    return next((observation.account for observation in world if observation.account), X) == Y


def test_every_world_of_three_observations_of_one_moment() -> None:
    for world in worlds_of_one_moment(3):
        check(world)


def test_a_share_of_the_worlds_in_which_a_later_event_is_received_earlier() -> None:
    for world in worlds(3, [moment(0, 2), moment(1, 0), moment(0, 0)], share=7):
        check(world)


def test_a_share_of_the_worlds_of_four_observations() -> None:
    """All 234,256 of them: `python -m tests.support.worlds`."""
    for world in worlds(4, share=797):
        check(world)


def delivered(world: Sequence[Observation], chance: random.Random) -> State:
    """What is stored after the observations in any order, some twice, some together in one event."""
    order = [*world, *chance.sample(list(world), 2)]
    chance.shuffle(order)
    state = EMPTY
    while order:
        together = chance.choice([1, 1, 2, 3])
        state = step.__wrapped__(state, tuple(order[:together]))
        order = order[together:]
    return state


def test_random_worlds_of_three_users() -> None:
    chance = random.Random(14)
    for _ in range(300):
        world = random_world(chance)
        for _ in range(4):
            assert comparable(links(delivered(world, chance))) == comparable(truth(world)), world


def test_observations_folded_after_thirty_days_decide_as_before() -> None:
    chance = random.Random(30)
    for _ in range(300):
        at, world = 0, []
        for user, account, active in chance.choices(sayings((1, 2, 3), [X, Y]), k=chance.randrange(5, 12)):
            at += chance.choice([1, 5, 12, 25, 31]) * DAY
            world.append((at, observed(user, moment(at), account, active)))
        state = EMPTY
        late = [(when + chance.uniform(0, 29.9 * DAY), observation) for when, observation in world]
        for _, observation in sorted(late, key=lambda delivery: delivery[0]):
            state = step.__wrapped__(state, (observation,))
        assert comparable(links(state)) == comparable(truth(observation for _, observation in world)), world


def test_without_a_forgotten_users_observations_the_others_decide() -> None:
    chance = random.Random(7)
    for _ in range(300):
        world = random_world(chance)
        state = forgotten(delivered(world, chance), 2)
        rest = tuple(observation for observation in world if observation.bitrix_user_id != 2)
        assert comparable(links(state)) == comparable(truth(rest)), world
        of_the_forgotten: World = tuple(
            observation for observation in world if observation.bitrix_user_id == 2
        )
        for observation in of_the_forgotten:
            state = step.__wrapped__(state, (observation,))
        assert comparable(links(state)) == comparable(truth(world)), world


def forgotten(state: State, user: int) -> State:
    decision = forget("p", "e", user, lambda other, account: read(state, other, account), lambda: NOW)
    assert user not in decision.rows
    assert {row.change for row in decision.history} <= {"corrected"}
    others_rows = {row.bitrix_user_id: row for row in state if row.bitrix_user_id != user}
    return frozenset((others_rows | decision.rows).values())
