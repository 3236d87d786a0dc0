#!/usr/bin/env bash
# dramatiq-gcpubsub 0.1.0 (Python): an actor that raises is not retried, and its message is acknowledged.
#
# Expected: dramatiq retries what raised, twenty times or more by default, and with Pub/Sub below it a message
# that was not handled comes again anyway. dramatiq's own retry puts the message into the queue anew, with
# a delay, and acknowledges the first one. The broker has no delays and raises NotImplementedError for it,
# which its readme says of `send_with_options(delay=…)`. Inside dramatiq the error is caught and logged as a
# failure of the middleware, the message is acknowledged all the same, and the event is nowhere.
# With `max_retries=0` it is given back to Pub/Sub, and comes again: without retries there are retries.
#
# Why it matters here: a portal that is away for a second loses the event at once. An actor that succeeds, and
# one that is tried with dramatiq's StubBroker, which has delays, show nothing of it.
# What follows: leave the Retries middleware out, and let Pub/Sub repeat.
#
# Seen with dramatiq 1.18.0 and google-cloud-pubsub 2.44.0 on Python 3.11, 2026-11-28, with both of Pub/Sub's
# clients replaced by one in memory.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  dramatiq-gcpubsub==0.1.0 dramatiq==1.18.0 google-cloud-pubsub==2.44.0 2>/dev/null

cd "$work"
cat >fail.py <<'PY'
import logging
import time
from collections import deque
from types import SimpleNamespace
from unittest import mock

import dramatiq
from dramatiq_gcpubsub import PubSubBroker
from google.cloud import pubsub_v1

logging.disable(logging.CRITICAL)


class PubSub:
    """The calls of Pub/Sub's clients that the broker makes, with a queue in memory."""

    def __init__(self):
        self.waiting, self.log = deque(), []

    def topic_path(self, project, name):
        return name

    subscription_path = topic_path

    def create_topic(self, request):
        pass

    create_subscription = create_topic

    def publish(self, topic, data):
        self.log.append("published")
        self.waiting.append(data)

    def pull(self, request, timeout):
        if not self.waiting:
            time.sleep(0.05)
            return SimpleNamespace(received_messages=[])
        self.taken = self.waiting.popleft()
        message = SimpleNamespace(data=self.taken)
        return SimpleNamespace(received_messages=[SimpleNamespace(ack_id="1", message=message)])

    def acknowledge(self, request):
        self.log.append("acknowledged")

    def modify_ack_deadline(self, request):
        self.log.append("given back")
        self.waiting.append(self.taken)


def run(name, **options):
    """Run an actor whose first attempt fails, and print what became of its message."""
    service = PubSub()
    with (
        mock.patch.object(pubsub_v1, "PublisherClient", return_value=service),
        mock.patch.object(pubsub_v1, "SubscriberClient", return_value=service),
    ):
        broker = PubSubBroker("project")
    attempts = []

    def deliver(event):
        attempts.append(event)
        if name != "it succeeds" and len(attempts) == 1:
            raise ConnectionError("The portal is away")

    actor = dramatiq.actor(deliver, broker=broker, **options)
    actor.send("person 7")
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=100)
    worker.start()
    for _ in range(300):
        if "acknowledged" in service.log:
            break
        time.sleep(0.1)
    time.sleep(3)
    worker.stop()
    print(f"{name}: attempts {len(attempts)}, {', '.join(service.log)}")


run("it succeeds")
run("it fails once", min_backoff=100)
run("it fails once, max_retries=0", max_retries=0)
PY
seen=$(venv/bin/python fail.py 2>/dev/null)
expected='it succeeds: attempts 1, published, acknowledged
it fails once: attempts 1, published, acknowledged
it fails once, max_retries=0: attempts 2, published, given back, acknowledged'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
