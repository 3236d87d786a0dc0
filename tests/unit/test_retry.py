"""Making a failed call again: how often, with which pauses, up to when. On a clock of its own."""

import gc
import logging
import weakref
from collections.abc import Callable

import pytest
from stamina import instrumentation

from gateway.retry import retry
from tests.support.clock import Clock


class Passing(Exception):
    """A failure that may not come again."""


class Call:
    """Fails with each of `failures` in turn, then succeeds with how often it was made."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures, self.made = list(failures), 0

    def __call__(self) -> int:
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.made


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


def is_passing(failure: Exception) -> bool:
    return isinstance(failure, Passing)


def longest_pause(_low: float, high: float) -> float:
    return high


def retried(
    call: Call, clock: Clock, jitter: Callable[[float, float], float] = longest_pause, **more: float
) -> int:
    attempts = int(more.pop("attempts", 10))
    return retry(
        call, is_passing, first=1.0, longest=5.0, attempts=attempts, clock=clock, sleep=clock.sleep,
        jitter=jitter, **more,
    )  # fmt: skip


def test_what_succeeds_is_called_once(clock: Clock) -> None:
    assert retried(Call(), clock) == 1
    assert clock.slept == []


def test_pauses_double_up_to_the_longest(clock: Clock) -> None:
    assert retried(Call(*[Passing()] * 5), clock) == 6
    assert clock.slept == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_pause_is_random_from_none_up_to_its_bound(clock: Clock) -> None:
    bounds: list[tuple[float, float]] = []

    def jitter(low: float, high: float) -> float:
        bounds.append((low, high))
        return low

    assert retried(Call(Passing(), Passing()), clock, jitter) == 3
    assert bounds == [(0.0, 1.0), (0.0, 2.0)]
    assert clock.now == 100.0


@pytest.mark.parametrize("before", [0, 1, 3])
def test_another_failure_is_raised_at_once(clock: Clock, before: int) -> None:
    call = Call(*[Passing()] * before, failure := ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong") as raised:
        retried(call, clock)
    assert raised.value is failure
    assert call.made == len(clock.slept) + 1 == before + 1


@pytest.mark.parametrize("attempts", [1, 2, 3, 7])
def test_the_last_attempts_failure_is_raised_without_a_pause_after_it(clock: Clock, attempts: int) -> None:
    call = Call(*(failures := [Passing() for _ in range(9)]))
    with pytest.raises(Passing) as raised:
        retried(call, clock, attempts=attempts)
    assert raised.value is failures[attempts - 1]
    assert call.made == len(clock.slept) + 1 == attempts


def test_a_retry_leaves_the_hooks_that_others_set(clock: Clock) -> None:
    assert retried(Call(Passing()), clock) == 2
    hooks = instrumentation.get_on_retry_hooks()
    called: list[int] = []
    instrumentation.set_on_retry_hooks((lambda details: called.append(details.retry_num),))
    try:
        retried(Call(Passing(), Passing(), Passing()), clock)
    finally:
        instrumentation.set_on_retry_hooks(hooks)
    assert called == [1, 2]


def test_no_attempt_begins_at_the_end_or_later(clock: Clock) -> None:
    call = Call(*[Passing()] * 9)
    with pytest.raises(Passing):
        # After pauses of 1 and 2, one of 4 would end there.
        retried(call, clock, until=107.0)
    assert call.made == 3
    assert clock.now == 103.0


@pytest.mark.parametrize("before", [0, 1])
def test_an_interruption_ends_it(clock: Clock, before: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        retried(Call(*[Passing()] * before, KeyboardInterrupt()), clock)


def test_nothing_is_logged(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        retried(Call(Passing(), Passing()), clock)
    assert caplog.records == []


def test_a_failure_keeps_nothing_once_it_is_handled(clock: Clock) -> None:
    """In an outage each request's body would wait in memory for the garbage collector."""
    bodies: list[weakref.ref[Call]] = []

    def publish() -> int:
        body = Call(Passing())
        bodies.append(weakref.ref(body))
        return body()

    gc.disable()
    try:
        with pytest.raises(Passing) as raised:
            retry(publish, is_passing, first=1.0, longest=5.0, attempts=3, clock=clock, sleep=clock.sleep)
        del raised
        kept = [body() for body in bodies]
    finally:
        gc.enable()
    assert kept == [None] * 3
