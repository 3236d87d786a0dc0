#!/usr/bin/env bash
# gcp-pubsub-events 2.0.0 (Python): of two listeners of one subscription the second is never called, and a
# message without data is neither acknowledged nor given back.
#
# Expected: `@pubsub_listener` classes with `@subscription("people", Added)` and `@subscription("people", Removed)`
# are both asked, by what the message is, or the second is refused when it is registered. The first one is
# tried, and whether it succeeds or raises, that is all: a `Removed` that is no `Added` is given back and
# comes again until it is a dead letter, and a listener that takes anything hides the other for ever.
# A message of attributes alone, which is valid, cannot be read as JSON. The error is logged, and nothing is
# told to Pub/Sub: Google's client goes on holding the message, for an hour by default, and each of the
# hundred places for messages that are being worked on which such a message takes stays taken so long.
#
# Why it matters here: "something changed" needs no data. A hundred of those, and the consumer receives nothing
# for an hour, without an error since the last of the hundred.
# What follows: one listener for each subscription that looks at the message itself, and publish `{}` at least.
#
# Seen with google-cloud-pubsub 2.36.0 on Python 3.11, 2026-11-27. The message is handed to what the library gives
# to Google's client as its callback.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  gcp-pubsub-events==2.0.0 google-cloud-pubsub==2.36.0 pydantic==2.14.4 2>/dev/null

cat >"$work/listen.py" <<'PY'
import json
import logging

from gcp_pubsub_events import pubsub_listener, subscription
from gcp_pubsub_events.core.client import PubSubClient
from gcp_pubsub_events.core.registry import get_registry
from pydantic import BaseModel

logging.disable(logging.CRITICAL)
called = []


class Added(BaseModel):
    added: int


class Removed(BaseModel):
    removed: int


@pubsub_listener
class Listeners:
    @subscription("people", Added)
    def on_added(self, event, acknowledgement):
        called.append("on_added")

    @subscription("people", Removed)
    def on_removed(self, event, acknowledgement):
        called.append("on_removed")


class Message:
    message_id = "7"

    def __init__(self, data, **attributes):
        self.data, self.attributes, self.end = data, attributes, "neither acknowledged nor given back"

    def ack(self):
        self.end = "acknowledged"

    def nack(self):
        self.end = "given back"


Listeners()
handlers = get_registry().get_all_subscriptions()["people"]
messages = {
    "added": Message(json.dumps({"added": 7}).encode()),
    "removed": Message(json.dumps({"removed": 7}).encode()),
    "attributes alone": Message(b"", event="ONUSERADD"),
}
print("registered:", ", ".join(handler["handler"].__name__ for handler in handlers))
for name, message in messages.items():
    called.clear()
    PubSubClient._process_message(message, handlers)
    print(f"{name}: {', '.join(called) or 'nobody'} called, {message.end}")
PY
seen=$("$work/venv/bin/python" "$work/listen.py" 2>/dev/null)
printf '%s\n' "$seen"
expected='registered: on_added, on_removed
added: on_added called, acknowledged
removed: nobody called, given back
attributes alone: nobody called, neither acknowledged nor given back'
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
