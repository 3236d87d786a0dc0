#!/usr/bin/env bash
# gcp-pubsub-idempotency 0.1.0 (Python): of two functions that one topic calls, the second is never run.
#
# Expected: `@idempotent(backend=…)` makes a function handle a message once. Its key is the message's id
# alone, and Pub/Sub gives a message one id for all subscriptions of its topic. Two functions with one
# store, "send to Telegram" and "write to the table", are two holders of one lock: whoever comes second
# is told that the message was handled and answers 200, so Pub/Sub does not deliver it again.
# The readme names the cure, under the form of keys that are made by hand; `@idempotent` has no such form.
# While the first still works, the second is answered 503, which uses up its attempts before it becomes
# a dead letter.
#
# Why it matters here: a topic is there so that a second consumer can be added without touching the first.
# It is added by copying the first one's three lines, and handles nothing, or takes the other's share.
# What follows: `key=lambda event: f"telegram:{message_id(event)}"`, or a `prefix`, `kind` or table of its own.
#
# Seen with functions-framework 3.10.2 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  gcp-pubsub-idempotency==0.1.0 functions-framework==3.10.2 2>/dev/null

cat >"$work/deliver.py" <<'PY'
import functions_framework
from cloudevents.http import CloudEvent
from gcp_pubsub_idempotency import InMemoryLock, idempotent, message_id

handled = []


def functions(store, key_of=lambda name: None):
    def function(name):
        @idempotent(backend=store, key=key_of(name))
        @functions_framework.cloud_event
        def handle(event):
            handled.append(name)

        return handle

    return function("telegram"), function("table")


def deliver(functions):
    """One message of a topic, as each of its subscriptions pushes it."""
    handled.clear()
    for name, function in zip(("telegram", "table"), functions):
        message = {"data": "e30=", "messageId": "7"}
        data = {"message": message, "subscription": f"projects/p/subscriptions/{name}"}
        attributes = {"type": "google.cloud.pubsub.topic.v1.messagePublished", "source": "//pubsub/t", "id": "7"}
        function(CloudEvent(attributes, data))
    return ", ".join(handled)


print("one store:", deliver(functions(InMemoryLock())))
named = functions(InMemoryLock(), lambda name: lambda event: f"{name}:{message_id(event)}")
print("one store, keys with the function's name:", deliver(named))
PY
seen=$("$work/venv/bin/python" "$work/deliver.py")
expected='one store: telegram
one store, keys with the function'"'"'s name: telegram, table'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
