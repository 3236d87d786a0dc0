"""Feeds one subscription's messages to its function: leases them, calls it, settles them, tries again.

A destination's message is tried for a day (`next_attempt`), a consumer's as often as
`QUEUE_MAX_ATTEMPTS` says; then it is a dead letter.
"""

import json
import logging
import random
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from cloudevents.http.event import CloudEvent

from gateway.errors import GatewayError, PassingFailure, without_frames
from gateway.events import rfc3339
from gateway.links import user_record
from gateway.outcome import About, Outcome, report
from gateway.portal.rate_limit import RATE
from gateway.queues.model import PUBSUB_TYPE, Delivery
from gateway.queues.sqlite import LONGEST_DELAY, EmbeddedQueue
from gateway.queues.subscriptions import Subscription
from gateway.rate_limited import RateLimited
from gateway.settings import Settings

# Messages of one subscription that are handled at the same time.
AT_ONCE = 4
# Messages of a consumer; those beyond AT_ONCE wait for their turn in this process.
LEASED = 32
# Further messages that wait for the portal: as many as it answers in 16 seconds.
MOST_ASKING = 32
LEASED_ORDERED = 16  # of a destination's
LEASE_SECONDS = 60.0
# A destination may let each of those wait for 15 seconds.
ORDERED_SECONDS = 300.0
# How often to look for what other processes publish, and for what becomes due.
IDLE_SECONDS = 0.5
# How long messages in flight may take after the order to stop.
STOP_SECONDS = 7.0

# Seconds before each next attempt at a destination; then hourly, for a day.
DELAYS = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
DAY = 86_400.0

log = logging.getLogger("gateway.worker")
# If the queue's file fails, every subscription fails in the same way.
reports = RateLimited(log, 60.0)

Call = Callable[[CloudEvent], None]
Failure = str | GatewayError
"""Why a message was not handled: our own error, or the name of another exception."""


class Feed:
    """One subscription's messages, from the queue to its function and back.

    `asks` says whether handling a message waits for the portal. Those messages have threads of
    their own, so the others overtake them; what the portal can't answer soon goes back to the queue.
    A message in hand keeps its lease however long the portal takes: none is handled twice at once.
    """

    def __init__(
        self,
        queue: EmbeddedQueue,
        subscription: Subscription,
        call: Call,
        asks: Callable[[Delivery], bool] = lambda _delivery: False,
    ) -> None:
        self._queue, self._subscription, self._call = queue, subscription, call
        self._in_flight: dict[Future[list[Failure | None]], list[Delivery]] = {}
        self._asks = asks
        self._asking: set[Future[list[Failure | None]]] = set()
        self._lease_seconds = ORDERED_SECONDS if subscription.ordered else LEASE_SECONDS
        self._extended_at = 0.0
        # When the portal can take on the next message that went back to the queue.
        self._portal_free_at = 0.0
        self._stop = threading.Event()
        self.wake = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Lease, hand over and settle messages until `stop`; a queue that fails is tried again later."""
        self._stop = stop
        limit = LEASED_ORDERED if self._subscription.ordered else LEASED
        name = self._subscription.name
        with (
            ThreadPoolExecutor(AT_ONCE, thread_name_prefix=name) as pool,
            ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"{name}-asking") as asking,
        ):
            while not stop.is_set():
                try:
                    self._extend()
                    free = self._free(limit)
                    leased = (
                        self._lease(pool, asking, free) if free >= min(limit, AT_ONCE) or free == limit else 0
                    )
                    self._settle(IDLE_SECONDS if not leased or free <= 0 else 0.0)
                    if not leased and not self._in_flight:
                        self.wake.wait(IDLE_SECONDS)
                        self.wake.clear()
                except PassingFailure as error:
                    reports.warning(str(error), error)
                    stop.wait(1.0)
            self._finish()

    def _free(self, limit: int) -> int:
        return limit - sum(
            len(batch) for future, batch in self._in_flight.items() if future not in self._asking
        )

    def _lease(self, pool: ThreadPoolExecutor, asking: ThreadPoolExecutor, count: int) -> int:
        leased = self._queue.lease(self._subscription.name, self._lease_seconds, count)
        put_off: list[tuple[Delivery, str, float]] = []
        if self._subscription.ordered:
            batches = by_object(leased)
        else:
            waiting = [delivery for delivery in leased if self._asks(delivery)]
            others = [delivery for delivery in leased if delivery not in waiting]
            batches = [others[start::AT_ONCE] for start in range(min(AT_ONCE, len(others)))]
            room = max(0, MOST_ASKING - len(self._asking))
            for delivery in waiting[:room]:
                future = asking.submit(self._deliver, [delivery])
                self._in_flight[future] = [delivery]
                self._asking.add(future)
            put_off = [(delivery, "", self._portal_turn()) for delivery in waiting[room:]]
        for batch in batches:
            self._in_flight[pool.submit(self._deliver, batch)] = batch
        if put_off:
            self._queue.settle([], [], put_off)
        return len(leased)

    def _portal_turn(self) -> float:
        """Seconds until a message that goes back to the queue is due again, at the portal's rate."""
        now = time.monotonic()
        self._portal_free_at = min(max(self._portal_free_at, now) + 1 / RATE, now + LONGEST_DELAY)
        return self._portal_free_at - now

    def _extend(self) -> None:
        """Renew the leases of messages in hand, in good time, and before anything else is leased.

        The wall clock counts, as it does for leases: after a suspend they may all have run out.
        """
        now = time.time()
        if self._in_flight and abs(now - self._extended_at) >= self._lease_seconds / 3:
            deliveries = [delivery for batch in self._in_flight.values() for delivery in batch]
            self._queue.extend(deliveries, self._lease_seconds)
            self._extended_at = now

    def _deliver(self, batch: list[Delivery]) -> list[Failure | None]:
        """Deliver each message and return the results; messages that `stop` prevents stay leased."""
        results = []
        for delivery in batch:
            if self._stop.is_set():
                break
            results.append(deliver(delivery, self._call))
        return results

    def _settle(self, seconds: float) -> None:
        """Settle the messages that have been handled, or have failed, all in one commit."""
        if not self._in_flight:
            return
        finished, _ = wait(self._in_flight, seconds, return_when=FIRST_COMPLETED)
        handled: list[Delivery] = []
        failed: list[tuple[Delivery, Failure, float | None]] = []
        put_off: list[tuple[Delivery, Failure, float]] = []
        for future in finished:
            for delivery, failure in zip(self._in_flight[future], future.result(), strict=False):
                if failure is None:
                    handled.append(delivery)
                elif (delay := self._put_off_for(delivery, failure)) is not None:
                    put_off.append((delivery, failure, delay))
                else:
                    failed.append((delivery, failure, self._delay(delivery, failure)))
        if handled or failed or put_off:
            self._queue.settle(
                handled,
                [(delivery, str(failure), delay) for delivery, failure, delay in failed],
                [(delivery, str(failure), delay) for delivery, failure, delay in put_off],
            )
        # Only now, because what a busy file did not accept stays leased, and is settled later.
        self._asking -= finished
        for future in finished:
            del self._in_flight[future]
        for delivery, failure, delay in (*failed, *put_off):
            self._report(delivery, failure, delay)

    def _put_off_for(self, delivery: Delivery, failure: Failure) -> float | None:
        """Seconds until a message comes again without losing an attempt; None if it loses one.

        A portal that is known to hang, or to be over its limits, was not asked at all. That may go on
        for a day, as a destination's outage may; after that, attempts count again.
        """
        if not isinstance(failure, PassingFailure) or failure.counted:
            return None
        if time.time() - delivery.published_at > DAY:
            return None
        return min(max(failure.retry_after or 0.0, 1.0), LONGEST_DELAY)

    def _delay(self, delivery: Delivery, failure: Failure) -> float | None:
        if not self._subscription.ordered:
            return self._queue.delay_of(delivery)
        jitter = random.uniform(0.9, 1.1)  # noqa: S311 — it spreads attempts, it guards nothing
        retry_after = getattr(failure, "retry_after", None)
        return next_attempt(delivery.attempt, time.time() - delivery.published_at, retry_after, jitter)

    def _report(self, delivery: Delivery, failure: Failure, delay: float | None) -> None:
        facts: dict[str, object] = {"attempt": delivery.attempt}
        if delay is not None:
            facts["next"] = round(delay)
        about = about_of(delivery.subscription, delivery.attributes, delivery.data)
        values = {"subscription": delivery.subscription, **facts}
        code = "EVENT_FAILED" if delay is not None else "EVENT_DEAD"
        report(Outcome(code, failure, values=values, facts=facts), about)

    def _finish(self) -> None:
        """Settle what is in flight; what takes too long stays leased until this process has ended."""
        deadline = time.monotonic() + STOP_SECONDS
        while self._in_flight and time.monotonic() < deadline:
            try:
                self._settle(max(0.0, deadline - time.monotonic()))
            except PassingFailure as error:
                reports.warning(str(error), error)
                return


def next_attempt(attempt: int, age: float, retry_after: float | None, jitter: float) -> float | None:
    """Seconds until the next attempt at a destination, after `attempt` of them; None when the day is over.

    `retry_after` is what the destination asked for. The last attempt comes when the day is over, whatever
    was asked for; a message that waited for a machine that was off gets its first attempts even later,
    unless the destination asks for more time still.
    """
    remaining = DAY - age
    if remaining <= 0 and (attempt > len(DELAYS) or (attempt > 1 and (retry_after or 0.0) > DELAYS[-1])):
        return None
    delay = max(DELAYS[min(attempt, len(DELAYS)) - 1] * jitter, retry_after or 0.0)
    return min(delay, max(remaining, DELAYS[-1]))


def by_object(leased: list[Delivery]) -> list[list[Delivery]]:
    """The messages grouped for handling: those of one object together, in order; every other by itself."""
    batches: dict[object, list[Delivery]] = {}
    for delivery in leased:
        batches.setdefault(delivery.object or delivery.key, []).append(delivery)
    return list(batches.values())


def deliver(delivery: Delivery, call: Call) -> Failure | None:
    """Call a function as Pub/Sub's push would; None if it acknowledged, else why it did not."""
    published = rfc3339(datetime.fromtimestamp(delivery.published_at, UTC))
    message = {
        "data": b64encode(delivery.data).decode(),
        "attributes": delivery.attributes,
        "messageId": delivery.message_id,
        "publishTime": published,
    }
    # functions-framework makes the same of a push.
    attributes = {
        "type": PUBSUB_TYPE,
        "source": "//pubsub.googleapis.com/projects/local/topics/events",
        "id": delivery.message_id,
        "time": published,
    }
    subscription = f"projects/local/subscriptions/{delivery.subscription}"
    body = {"subscription": subscription, "message": message, "deliveryAttempt": delivery.attempt}
    try:
        call(CloudEvent(attributes, body))
    except GatewayError as failure:
        without_frames(failure)
        return failure
    except Exception as error:  # noqa: BLE001 — its text may hold the payload
        return type(error).__name__
    return None


def asks_portal(delivery: Delivery, settings: Settings) -> bool:
    """Whether handling a message waits for the portal: it names no Telegram account of one of its users."""
    attributes = delivery.attributes
    is_own_portal = attributes.get("portal") == settings.domain
    if not is_own_portal or not settings.can_ask_portal or attributes.get("source") == "resync":
        return False
    try:
        data = json.loads(delivery.data).get("data")
    except (ValueError, AttributeError, RecursionError):
        # The consumer puts it aside.
        return False
    fields = user_record.telegram_fields(settings.telegram_field)
    return any(all(record.get(field) is None for field in fields) for record in user_record.records(data))


def about_of(subscription: str, attributes: Mapping[str, str], data: bytes = b"{}") -> About:
    """What a report says of the event in a message of the queue."""
    event, event_id, portal = (attributes.get(name, "") for name in ("event", "event_id", "portal"))
    return About(event, event_id, portal, subscription, user_record.user_of_message(event, data))
