"""The embedded queue as a worker sees it that takes whatever is due."""

from gateway.queues.model import Delivery
from gateway.queues.sqlite import EmbeddedQueue


def leased(queue: EmbeddedQueue, seconds: float = 60) -> Delivery | None:
    """The next due message of any subscription, if there is one."""
    for name in queue.depths():
        for delivery in queue.lease(name, seconds):
            return delivery
    return None
