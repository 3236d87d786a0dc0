#!/usr/bin/env bash
# idemkit 1.0.2 (Python): the fifth failure of a Pub/Sub message acknowledges it, so that no dead-letter topic
# ever gets it; with two workers it is the ninth, or none.
#
# Expected: a layer that makes a handler idempotent leaves it to the subscription when a message is given
# up: five to a hundred attempts, then the dead-letter topic. `pubsub_consumer` has `max_attempts=5` and
# no `on_exhausted`: at five it answers ACK and writes a warning that the message is dropped. The smallest
# number of attempts that Pub/Sub has is five too, so the message is gone at the moment at which it would
# have become a dead letter. The attempts are counted in the memory of the process, although Pub/Sub sends
# the number along: two instances count to five each, a restarted one begins anew.
#
# Why it matters here: a subscription with a dead-letter topic stays empty there and looks healthy. The one
# trace is a line at the level of a warning.
# What follows: `QueueConfig(max_attempts=1000, receive_count=lambda message: message.delivery_attempt)`, or
# an `on_exhausted` that raises.
#
# Seen on Python 3.11, 2026-11-27. The message here is what the streaming pull client hands over: an id, data,
# `delivery_attempt`, `ack` and `nack`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check idemkit==1.0.2 2>/dev/null

cat >"$work/consume.py" <<'PY'
import logging

from idemkit import InMemoryBackend, QueueConfig
from idemkit.contrib.pubsub import pubsub_callback, pubsub_consumer

logging.basicConfig(format="log: %(levelname)s %(message).60s")


class Message:
    message_id = "7"
    data = b"{}"

    def __init__(self, attempt):
        self.delivery_attempt = attempt
        self.end = None

    def ack(self):
        self.end = "acknowledged, gone"

    def nack(self):
        self.end = "nack"


def refuse(message):
    raise ConnectionError("the portal is down")


def instance(backend, **options):
    consumer = pubsub_consumer(backend=backend, config=QueueConfig(**options))
    consumer.handle(refuse)
    return pubsub_callback(consumer)


def deliver(name, callbacks):
    for attempt in range(1, 12):
        message = Message(attempt)
        callbacks[attempt % len(callbacks)](message)
        if message.end != "nack":
            break
    print(f"{name}: attempt {attempt} {message.end}")


store = InMemoryBackend()
deliver("one instance", [instance(store)])
store = InMemoryBackend()
deliver("two instances", [instance(store), instance(store)])
store = InMemoryBackend()
options = {"max_attempts": 1000, "receive_count": lambda message: message.delivery_attempt}
deliver("max_attempts of 1000", [instance(store, **options)])
PY
seen=$("$work/venv/bin/python" "$work/consume.py" 2>&1)
expected='log: WARNING idemkit: message hit max_attempts=5 with no on_exhausted hoo
one instance: attempt 5 acknowledged, gone
log: WARNING idemkit: message hit max_attempts=5 with no on_exhausted hoo
two instances: attempt 9 acknowledged, gone
max_attempts of 1000: attempt 11 nack'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
