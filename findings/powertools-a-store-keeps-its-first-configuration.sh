#!/usr/bin/env bash
# aws-lambda-powertools 3.37.0 (Python): two idempotent functions share a store, and the second one
# works with the first one's configuration.
#
# Expected: the decorator has the store and the configuration as two arguments, so each function's
# `event_key_jmespath` says what makes two of its events the same, whatever else the store is used
# for. The store copies the configuration when a decorated function is called, once: whichever
# function is called first in the process sets the key's path and the time to live for all. Nothing
# is raised; there is a warning only where the event has nothing at the first one's path.
#
# Why it matters here: "create the chat once for a person" has the person's id as its key, "forward
# each event once" the delivery's. After the first, of an addition, a change and a dismissal of one
# person the addition is forwarded, and the other two get its answer from memory. If the forwarding
# is called first, the chat is created three times. A test of one function sees neither.
# What follows: a store object for each configuration; the table behind it may be one.
#
# Seen with fakeredis 2.41.0 as the cache and redis 8.1.0 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  aws-lambda-powertools==3.37.0 jmespath==1.1.0 boto3==1.44.8 redis==8.1.0 fakeredis==2.41.0 \
  2>/dev/null

cd "$work"
cat >share.py <<'PY'
import logging
import warnings

import fakeredis
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.persistence.redis import CachePersistenceLayer

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
events = [
    {"event": event, "person": 7, "delivery": number}
    for number, event in enumerate(("ADD", "UPDATE", "DISMISS"))
]


def run(name, shared, forward_first):
    cache = fakeredis.FakeRedis()
    stores = [CachePersistenceLayer(client=cache)]
    stores.append(stores[0] if shared else CachePersistenceLayer(client=cache))
    chats, forwarded = [], []

    @idempotent_function(
        data_keyword_argument="event",
        persistence_store=stores[0],
        config=IdempotencyConfig(event_key_jmespath="person"),
    )
    def create_chat(*, event):
        chats.append(event["person"])
        return {"chat": event["person"]}

    @idempotent_function(
        data_keyword_argument="event",
        persistence_store=stores[1],
        config=IdempotencyConfig(event_key_jmespath="delivery"),
    )
    def forward(*, event):
        forwarded.append(event["event"])
        return {"forwarded": event["event"]}

    for event in events:
        steps = [create_chat, forward]
        for step in reversed(steps) if forward_first else steps:
            answer = step(event=event)
            if step is forward:
                last = answer
    print(f"{name}: chats {len(chats)}, forwarded {forwarded}, the last answer {last}")


run("a store each", shared=False, forward_first=False)
run("one store, the chat first", shared=True, forward_first=False)
run("one store, the forwarding first", shared=True, forward_first=True)
PY
seen=$(venv/bin/python share.py 2>/dev/null)
expected="a store each: chats 1, forwarded ['ADD', 'UPDATE', 'DISMISS'], the last answer {'forwarded': 'DISMISS'}
one store, the chat first: chats 1, forwarded ['ADD'], the last answer {'forwarded': 'ADD'}
one store, the forwarding first: chats 3, forwarded ['ADD', 'UPDATE', 'DISMISS'], the last answer {'forwarded': 'DISMISS'}"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
