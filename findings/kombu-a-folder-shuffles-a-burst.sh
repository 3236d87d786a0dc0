#!/usr/bin/env bash
# kombu 5.7.0 (Python, the messages of Celery): a queue in a folder gives events of one millisecond in
# random order, and new events before old ones after some days.
#
# Expected: the filesystem transport, for a small installation without a broker, gives messages in
# the order in which they were put. A message's file is named after the clock in milliseconds, and
# behind that a random UUID, so messages of one millisecond are sorted at random. The clock is the
# monotonic one, which counts from the machine's start, and the names are sorted as texts: as soon
# as the number has one digit more (after 2.8 hours, 27.8 hours, 11.6 days) the new messages are
# given before those that wait, and after a restart of the machine the order is anybody's guess.
#
# Why it matters here: Bitrix24 sends an addition and a change of one person within a millisecond or
# two, and a backlog that is worked off after 27 hours, or after a reboot, is what a queue is for.
# What follows: the sender's time inside each event, or kombu's transport for SQLAlchemy.
#
# Seen with SQLAlchemy 2.1.9 on Python 3.11, 2026-11-27. For the digits, the clock that the transport
# reads is replaced by one that is set.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check kombu==5.7.0 SQLAlchemy==2.1.9 2>/dev/null

cd "$work"
cat >order.py <<'PY'
from pathlib import Path

from kombu import Connection
from kombu.transport import filesystem

Path("messages").mkdir()
folder = {"data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "control"}
events = list(range(1000))


def put_and_get(connection):
    with connection.SimpleQueue("events") as queue:
        for event in events:
            queue.put(event)
        taken = []
        for _ in events:
            message = queue.get(timeout=10)
            message.ack()
            taken.append(message.payload)
    whole = "all taken" if sorted(taken) == events else "some lost"
    return f"{whole}, {'in order' if taken == events else 'shuffled'}"


with Connection("filesystem://", transport_options=folder) as connection:
    print(f"a folder: {put_and_get(connection)}")
with Connection("sqla+sqlite:///messages.db") as connection:
    print(f"a table: {put_and_get(connection)}")

with Connection("filesystem://", transport_options=folder) as connection, connection.SimpleQueue("events") as queue:
    for hours, event in ((27.7, "ADD"), (27.8, "UPDATE"), (27.9, "DISMISS")):
        filesystem.monotonic = lambda: hours * 3600
        queue.put(event)
    print(f"a folder around the 28th hour: {[queue.get(timeout=10).payload for _ in range(3)]}")
PY
seen=$(venv/bin/python order.py 2>/dev/null)
expected="a folder: all taken, shuffled
a table: all taken, in order
a folder around the 28th hour: ['UPDATE', 'DISMISS', 'ADD']"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
