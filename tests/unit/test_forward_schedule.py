"""What a destination's failure leaves behind, and when it is tried again: the contract's schedule."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from cloudevents.http.event import CloudEvent

from gateway.errors import DeliveryFailed
from gateway.local.feed import DAY, deliver, next_attempt
from gateway.queues.deadline_http import WireError
from gateway.queues.model import Delivery

MINUTE, HOUR = 60.0, 3600.0


def attempts(
    asked_for: Callable[[int], float | None] = lambda _attempt: None, jitter: float = 1.0
) -> list[float]:
    """The moments of all attempts at a destination that never answers 2xx, from the publishing on."""
    moments = [0.0]
    while (delay := next_attempt(len(moments), moments[-1], asked_for(len(moments)), jitter)) is not None:
        moments.append(moments[-1] + delay)
    return moments


def gaps(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(moments)]


def test_attempts_are_ever_further_apart_then_hourly_for_a_day() -> None:
    between = gaps(attempts())
    assert between[:6] == [5.0, 30.0, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR]
    assert set(between[6:]) == {HOUR}


@pytest.mark.parametrize("jitter", [0.9, 1.0, 1.1])
def test_the_last_attempt_comes_when_the_day_is_over(jitter: float) -> None:
    moments = attempts(jitter=jitter)
    assert moments[-2] < DAY <= moments[-1] <= DAY + HOUR


def test_attempts_are_spread() -> None:
    early, late = gaps(attempts(jitter=0.9)), gaps(attempts(jitter=1.1))
    assert early[:3] == pytest.approx([4.5, 27.0, 108.0])
    assert late[:3] == pytest.approx([5.5, 33.0, 132.0])


def test_the_pause_that_a_destination_asks_for_is_respected() -> None:
    between = gaps(attempts(lambda attempt: 90.0 if attempt < 4 else None))
    # The schedule, where that is later.
    assert between[:4] == [90.0, 90.0, 120.0, 10 * MINUTE]


def test_a_requested_pause_ends_when_the_day_is_over() -> None:
    for asked_for in (7 * DAY, 20 * HOUR, 5 * HOUR, 2 * HOUR):
        moments = attempts(lambda _attempt, asked_for=asked_for: asked_for)  # type: ignore[misc]
        assert moments[1] == min(asked_for, DAY)
        assert moments[-1] == DAY, "Retry-After is honoured within the day, and not beyond it"


def test_a_delivery_that_waited_for_a_stopped_machine_gets_its_first_attempts() -> None:
    age, between = 3 * DAY, list[float]()
    while (delay := next_attempt(len(between) + 1, age, None, 1.0)) is not None:
        between.append(delay)
        age += delay
    assert between == [5.0, 30.0, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR]
    # A single attempt does not make a day of attempts.
    assert next_attempt(1, 3 * DAY, 7 * DAY, 1.0) == HOUR


def test_a_failure_is_returned_without_the_frames_that_hold_its_message() -> None:
    """In a destination's outage each message would wait in memory for the garbage collector."""

    def fail(_event: CloudEvent) -> None:
        try:
            raise WireError("WIRE_NO_HTTP")
        except WireError as error:
            raise DeliveryFailed("REASON_NO_ANSWER", destination="bot", problem=error) from None

    failure = deliver(Delivery("1", b"{}", {}, 1, 0.0, ""), fail)
    assert isinstance(failure, DeliveryFailed)
    assert isinstance(problem := failure.facts["problem"], WireError)
    assert failure.__traceback__ is problem.__traceback__ is None
