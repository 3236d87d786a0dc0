"""The fault harness in its short form; `make chaos` is the long one."""

import random
from pathlib import Path

import pytest

from chaos import driver, truth, workload, world
from chaos.__main__ import MIX, read_mix
from chaos.truth import RowState
from tests.support.portal import PortalSimulator
from tests.support.postgres import Postgres
from tests.support.pubsub import Emulator

SEED = 20261124


def test_nothing_is_lost_and_nothing_happens_twice_on_one_machine(
    tmp_path: Path, portal: PortalSimulator
) -> None:
    world_here = world.embedded(tmp_path, portal)
    assert driver.run(world_here, SEED, 250, MIX, None, hurry=True, report=print) == []


def test_nothing_is_lost_and_nothing_happens_twice_on_pubsub_and_postgres(
    tmp_path: Path, portal: PortalSimulator, pubsub_emulator: Emulator, postgres: Postgres
) -> None:
    world_here = world.cloud(tmp_path, portal, pubsub_emulator, postgres)
    assert driver.run(world_here, SEED, 150, MIX, postgres, hurry=True, report=print) == []


def steps(seed: int = 1) -> list[workload.Step]:
    shares = {"duplicates": 0.1, "reorder": 50.0, "rest": 0.1}
    return workload.write(random.Random(seed), "portal.bitrix24.ru", 1000, **shares)


def test_a_seed_writes_the_same_requests_again() -> None:
    assert [step.events for step in steps(7)] != [step.events for step in steps(8)]
    first_steps, second_steps = steps(7), steps(7)
    # Only the clock may differ.
    moved = first_steps[0].events[0].ts - second_steps[0].events[0].ts
    assert [e.data for e in workload.events_of(first_steps)] == [
        e.data for e in workload.events_of(second_steps)
    ]
    assert abs(moved) < 60


def test_one_in_ten_events_is_sent_twice() -> None:
    all_steps = steps()
    repeatable = [step for step in all_steps if step.repeatable]
    twice = len(repeatable) - len(set(repeatable_ids(repeatable)))
    assert 0.05 < twice / len(set(repeatable_ids(repeatable))) < 0.15


def repeatable_ids(all_steps: list[workload.Step]) -> list[str]:
    return [event.event_id for step in all_steps for event in step.events]


@pytest.mark.parametrize("lost_part", ["an effect", "an end", "a person"])
def test_the_truth_notices_a_wrong_link(lost_part: str) -> None:
    events = [event for event in workload.events_of(steps()) if event.asks is None]
    must = truth.expected(events)
    links = {person: next(iter(may)) for person, may in must.items()}
    assert truth.compare(links, must) == []
    linked = next(person for person, state in links.items() if state.account)
    ended_person = next(person for person, state in links.items() if not state.account)
    if lost_part == "an effect":
        links[linked] = RowState("1")
    elif lost_part == "an end":
        links[ended_person] = RowState("1")
    else:
        del links[linked]
    assert len(truth.compare(links, must)) == 1


def test_the_truth_notices_a_second_effect() -> None:
    event = next(e for e in workload.events_of(steps()) if e.people and e.people[0].account)
    person = (event.portal, event.people[0].user)
    now = truth.comparable(event.people[0].account or "")
    row = {"person": person, "event_id": event.event_id, "change": "linked", "now": now, "before": ""}
    assert truth.check_history([row], {event.event_id: event}, {person: RowState(now)}) == []
    assert truth.check_history([row, row], {event.event_id: event}, {person: RowState(now)}) != []
    assert truth.check_history([row], {}, {person: RowState(now)}) != []
    assert truth.check_history([row], {event.event_id: event}, {}) != []


def test_the_mix_is_named_numbers_over_the_defaults() -> None:
    assert read_mix("disk=0, duplicates=0.5") == {**MIX, "disk": 0.0, "duplicates": 0.5}
    for wrong in ("disc=1", "disk", "disk=many"):
        with pytest.raises(Exception, match="dis"):
            read_mix(wrong)
