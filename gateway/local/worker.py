"""The embedded queue's worker: a separate process, so that no answer waits for a consumer.

It loads main.py through functions-framework, as Google does, and calls each function by its own entry
with the CloudEvent that Pub/Sub's push would have become. `serve` starts it, wakes it through its
standard input, and starts it again where it ends; the input's end tells it to finish.
"""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from functions_framework import create_app

from gateway import startup
from gateway.errors import PassingFailure
from gateway.functions import MAIN, Function, functions
from gateway.journal import open_journal
from gateway.local.feed import IDLE_SECONDS, STOP_SECONDS, Call, Feed, about_of, asks_portal, reports
from gateway.local.recorder import Recorder
from gateway.logs import thread_failed
from gateway.outcome import Outcome, report
from gateway.queues import open_embedded
from gateway.queues.sqlite import EmbeddedQueue
from gateway.settings import Settings
from gateway.texts import stored_notice

# How often to look for leases of workers that have ended.
TAKE_BACK_SECONDS = 3.0
# How long the worker takes no further wake-ups after one: under load each would cost the consumers a turn.
AWAKE_SECONDS = 0.01
# Added to the process's niceness: answers come first, because Bitrix24 does not resend.
NICER = 5


def report_spent(subscription: str, attributes: Mapping[str, str], attempts: int, reason: str) -> None:
    """Report a message that every worker died over, as a dead letter like any other."""
    facts = {"attempt": attempts}
    values = {"subscription": subscription, **facts}
    about = about_of(subscription, attributes)
    report(Outcome("EVENT_DEAD", stored_notice(reason), values=values, facts=facts), about)


def load() -> dict[str, Call]:
    """The functions of main.py by name, loaded once by functions-framework as their host."""
    create_app(functions()[0].name, str(MAIN))  # type: ignore[no-untyped-call]
    module = sys.modules["main"]
    return {function.name: getattr(module, function.name) for function in functions()}


def function_of(subscription: str) -> Function:
    """The function that gets a subscription's messages; a forwarder's names end in the destination."""
    subscribed = [function for function in functions() if function.subscription]
    return next(function for function in subscribed if subscription.startswith(function.subscription))


def feeds(settings: Settings, calls: dict[str, Call]) -> list[Feed]:
    """A feed for each subscription of the embedded queue."""
    queue = open_embedded(settings)
    queue.on_dead = report_spent
    take_back(queue)
    return [
        Feed(
            queue,
            subscription,
            calls[function_of(subscription.name).name],
            partial(asks_portal, settings=settings),
        )
        for subscription in queue.subscriptions
    ]


def take_back(queue: EmbeddedQueue) -> None:
    """Make due at once what ended workers had leased, instead of when the leases run out."""
    try:
        queue.take_back()
    except PassingFailure as error:
        reports.warning(str(error), error)


def work(settings: Settings, calls: dict[str, Call], stop: threading.Event, woken: Callable[[], Any]) -> None:
    """Feed every subscription until `stop`; `woken` returns when something may have been published."""
    all_feeds = feeds(settings, calls)
    threads = [threading.Thread(target=feed.run, args=(stop,), daemon=True) for feed in all_feeds]
    for thread in threads:
        thread.start()
    take_back_at = time.monotonic() + TAKE_BACK_SECONDS
    while not stop.is_set():
        woken()
        # Another worker of this file may have ended.
        if time.monotonic() >= take_back_at:
            take_back(open_embedded(settings))
            take_back_at = time.monotonic() + TAKE_BACK_SECONDS
        for feed in all_feeds:
            feed.wake.set()
        stop.wait(AWAKE_SECONDS)
    deadline = time.monotonic() + STOP_SECONDS + 1
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    open_embedded(settings).close()


def main() -> None:
    """Run the worker's process: a byte on standard input wakes it, the input's end stops it."""
    startup.announces = False

    # systemd signals every process of a service, and serve ends this one when its own requests are answered.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(NICER)
    threading.excepthook = thread_failed
    stop = threading.Event()
    settings = startup.settings()
    calls = load()
    recorder = Recorder(settings, open_journal(settings))
    recorder.attach()

    def woken() -> None:
        ready, _, _ = select.select([0], [], [], IDLE_SECONDS)
        if ready and not os.read(0, 65_536):
            stop.set()  # serve is gone

    work(settings, calls, stop, woken)
    recorder.close()
    # A hung delivery holds nobody up: its lease is taken back at the next start.
    os._exit(0)


if __name__ == "__main__":
    main()
