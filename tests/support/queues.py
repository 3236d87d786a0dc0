"""The embedded queue as a worker sees it that takes whatever is due."""

from gateway.queues.model import Delivery
from gateway.queues.sqlite import EmbeddedQueue


def leased(queue: EmbeddedQueue, seconds: float = 60) -> Delivery | None:
    """The next due message of any subscription, if there is one."""
    for name in queue.depths():
        for delivery in queue.lease(name, seconds):
            return delivery
    return None


def acknowledge(queue: EmbeddedQueue, delivery: Delivery) -> bool:
    """The work is done. False where the lease had run out and the message was another's by then."""
    return queue.settle([delivery]) == 1


def retry(queue: EmbeddedQueue, delivery: Delivery, reason: str) -> bool:
    """The work failed for now: once more later, or a dead letter. False as in `acknowledge`."""
    return queue.settle([], [(delivery, reason, queue.delay_of(delivery))]) == 1
