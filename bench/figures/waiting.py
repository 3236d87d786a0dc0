"""The embedded queue with a million messages in it."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from bench import bodies
from bench.parts import Bench
from bench.sample import Result, alternate
from gateway.queues.sqlite import EmbeddedQueue
from gateway.queues.subscriptions import Subscription

CONSUMER, DESTINATION = "on-user-update", "forward-event-01234567"
SUBSCRIPTIONS = (
    Subscription(CONSUMER, lambda _event: True),
    Subscription(DESTINATION, lambda _event: True, ordered=True),
)
# At once, as the worker does.
LEASED = 16


def messages(bench: Bench) -> Iterator[Result]:
    count, rounds, times = bench.rounds(1_000_000, 50_000), bench.rounds(15, 5), bench.rounds(100, 40)
    queues = {
        name: EmbeddedQueue(bench.directory / f"{name}.db", subscriptions=SUBSCRIPTIONS)
        for name in ("full", "empty")
    }
    for name, waiting in (("full", count), ("empty", 2 * times * LEASED)):
        # The file is there from now on.
        queues[name].depth()
        for subscription in SUBSCRIPTIONS:
            fill(queues[name].path, subscription.name, waiting)
    kinds: dict[str, Callable[[EmbeddedQueue], None]] = {
        "publish": publish,
        "lease and settle": partial(lease, CONSUMER),
        "lease and settle, destination": partial(lease, DESTINATION),
    }
    for kind, work in kinds.items():
        measures = {name: partial(_each, work, queue, times) for name, queue in queues.items()}
        figures = alternate(rounds, **measures)
        yield Result(
            figure=f"{kind}, a long queue",
            what=f"{count:,} messages wait at each subscription",
            yardstick_is="a queue that is nearly empty",
            unit="ms",
            ours=figures["full"],
            yardstick=figures["empty"],
            aim=2.0,
        )
    for queue in queues.values():
        queue.close()


def publish(queue: EmbeddedQueue) -> None:
    queue.publish(bodies.event(), {"event": "ONTASKUPDATE", "event_id": "bench"}, 10.0)


def lease(subscription: str, queue: EmbeddedQueue) -> None:
    """Lease some messages, and put them back as failed, so that the next round finds as many."""
    leased = queue.lease(subscription, 60.0, LEASED)
    if len(leased) != LEASED:
        raise RuntimeError(f"{len(leased)} of {LEASED} were leased")
    queue.settle([], [(delivery, "bench", 0.0) for delivery in leased])


def _each(work: Callable[[EmbeddedQueue], None], queue: EmbeddedQueue, times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work(queue)
    return (time.perf_counter() - started) * 1000 / times


def fill(path: Path, subscription: str, count: int, due_in: float = -1.0) -> None:
    """Messages as `publish` leaves them, each about another object."""
    insert = (
        "INSERT INTO messages (subscription, data, attributes, published_at, due_at, object)"
        " VALUES (?, ?, ?, ?, ?, ?)"
    )
    attributes, now = json.dumps({"event": "ONTASKUPDATE", "event_id": "bench"}), time.time()
    rows = (
        (subscription, bodies.event(), attributes, now, now + due_in + number / 1e9, str(number))
        for number in range(count)
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(insert, rows)
