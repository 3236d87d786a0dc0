#!/usr/bin/env bash
# kombu 5.7.0 (Python, the messages of Celery): in a table or a folder, an event whose consumer was
# killed before `ack` is given to nobody.
#
# Expected: a message that was taken and not acknowledged comes back, so Celery's `acks_late` protects
# what a killed worker had in hand. The transports for SQLAlchemy and for a folder hand a message out
# and are done with it: the row is marked invisible, the file is deleted, before the consumer has
# it. What is not acknowledged is remembered by the connection, in memory, which puts it back when it
# is closed. So a consumer that raises or is stopped in order loses nothing. One that is killed loses
# what it had in hand. The row of a lost event stays in the table and is not counted by the queue's
# size; since the rows of acknowledged events stay there too, and invisible, nothing tells them apart.
#
# Why it matters here: a container that is stopped hard is the case that `acks_late` is there for. A
# test with an exception, or with SIGTERM, shows that the event comes back.
# What follows: a broker for anything that must not be lost, or a record of one's own of what was
# handled.
#
# Seen with SQLAlchemy 2.1.9 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check kombu==5.7.0 SQLAlchemy==2.1.9 2>/dev/null

cd "$work"
mkdir messages
cat >queue.json <<'JSON'
{
  "table": ["sqla+sqlite:///messages.db", {}],
  "folder": ["filesystem://", {"data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "control"}]
}
JSON
cat >take.py <<'PY'
import json
import os
import signal
import sys

from kombu import Connection

address, options = json.load(open("queue.json"))[sys.argv[1]]
with Connection(address, transport_options=options) as connection:
    connection.SimpleQueue("events").get(timeout=10)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
PY
cat >try.py <<'PY'
import json
import os
import sqlite3
import subprocess
import sys

from kombu import Connection

for name, (address, options) in json.load(open("queue.json")).items():
    for end in ("closed", "killed"):
        with Connection(address, transport_options=options) as connection:
            queue = connection.SimpleQueue("events")
            queue.put("ADD")
            queue.close()
        subprocess.run([sys.executable, "take.py", name, end])
        with Connection(address, transport_options=options) as connection:
            queue = connection.SimpleQueue("events")
            size = queue.qsize()
            try:
                message = queue.get(timeout=3)
                message.ack()
                again = message.payload
            except queue.Empty:
                again = "nothing"
            print(f"{name}, consumer {end} before the ack: waiting {size}, the next consumer gets {again}")
rows = sqlite3.connect("messages.db").execute("select count(*), sum(visible) from kombu_message").fetchone()
print(f"the table: {rows[0]} rows, visible {rows[1]}; the folder: {len(os.listdir('messages'))} files")
PY
seen=$(venv/bin/python try.py 2>/dev/null)
expected='table, consumer closed before the ack: waiting 1, the next consumer gets ADD
table, consumer killed before the ack: waiting 0, the next consumer gets nothing
folder, consumer closed before the ack: waiting 1, the next consumer gets ADD
folder, consumer killed before the ack: waiting 0, the next consumer gets nothing
the table: 3 rows, visible 0; the folder: 0 files'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
