"""Publishes an event within the time that its sender waits for the answer."""

import random
import time
from collections.abc import Callable, Mapping

from gateway.errors import QueueRefused, QueueUnavailable
from gateway.queues import Publisher
from gateway.retry import retry

# The longest time from the body's last byte to the answer, whatever the queue does.
ANSWER_SECONDS = 3.0
# How much of that is for publishing; the rest is for keeping the event, which may import the log's library.
PUBLISH_SECONDS = 2.1
# A stalled attempt leaves time for a second one, on a new connection.
ATTEMPT_SECONDS = 0.8
# Seconds between attempts, see `retry`.
FIRST_DELAY, LONGEST_DELAY = 0.05, 0.4


def publish_within(
    publisher: Publisher,
    data: bytes,
    attributes: Mapping[str, str],
    deadline: float,
    *,
    on_failure: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[float, float], float] = random.uniform,
) -> str:
    """Publish by `deadline` (a value of `clock`, in seconds) and return the message id.

    Each attempt is one call with a timeout of its own; the last one gets all the time that is left.
    `on_failure` is called after each that failed. Raises the last attempt's `QueueUnavailable`.
    """

    def attempt() -> str:
        remaining = deadline - clock()
        return publisher.publish(
            data, attributes, ATTEMPT_SECONDS if remaining > 2 * ATTEMPT_SECONDS else remaining
        )

    def is_passing(failure: Exception) -> bool:
        on_failure()
        return isinstance(failure, QueueUnavailable) and not isinstance(failure, QueueRefused)

    return retry(
        attempt,
        is_passing,
        first=FIRST_DELAY,
        longest=LONGEST_DELAY,
        until=deadline,
        clock=clock,
        sleep=sleep,
        jitter=jitter,
    )
