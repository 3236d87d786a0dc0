#!/usr/bin/env bash
# liteq 0.2.1 (Python): an event that failed is due again in twenty seconds, and is run on the next day.
#
# Expected: "retry with exponential backoff", 20 seconds after the first failure, 40 after the second. The
# queue is a table of SQLite, where times are texts. The retry's time is written by `isoformat`, with a "T"
# between date and time, and compared with SQLite's CURRENT_TIMESTAMP, which has a space there and is
# UTC. "T" sorts behind the space, so whatever is due today is due later than any time of today. It is
# run after midnight (UTC), when the date decides. `schedule` with a datetime, or with a text in the
# format of its documentation, waits in the same way. Another two failures take another two days.
# The table shows a `run_at` that has passed and the status "pending"; nothing is logged.
#
# Why it matters here: whoever tests the retry sees a time in the table that is right. A dismissal that
# met a time-out of the portal at noon is delivered at night.
# What follows: `schedule` with a text that has a space, in UTC. For retries there is no such way.
#
# Seen on Python 3.11, 2026-11-28. The run takes half a minute, and just before midnight (UTC) a minute more.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check liteq==0.2.1 2>/dev/null

cd "$work"
cat >retry.py <<'PY'
import threading
import time
from datetime import UTC, datetime, timedelta

from liteq import task
from liteq.db import get_conn, init_db
from liteq.worker import Worker

while time.time() % 86400 > 86400 - 60:
    time.sleep(1)
attempts = []


@task(max_retries=3)
def deliver(event):
    attempts.append(event)
    if event == "fails once" and attempts.count(event) == 1:
        raise ConnectionError("The portal is away")


init_db()
midnight = datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
deliver.delay("fails once")
deliver.schedule(midnight - timedelta(seconds=1), "due since yesterday")
deliver.schedule(midnight, "due since midnight")
deliver.schedule(midnight.isoformat(" "), "due since midnight, with a space")
worker = Worker(["default"], concurrency=1)
running = threading.Thread(target=worker.run)
running.start()
time.sleep(30)
worker.shutdown = True
running.join()
print(f"attempts in 30 seconds: {sorted(attempts)}")
now = datetime.now(UTC).replace(tzinfo=None)
for row in get_conn().execute("select * from tasks where status = 'pending' order by id"):
    due = now - datetime.fromisoformat(row["run_at"])
    print(f"pending: {row['payload']}, attempts: {row['attempts']}, its time has passed: {due > timedelta(0)}")
PY
seen=$(TZ=UTC venv/bin/python retry.py 2>/dev/null)
expected="attempts in 30 seconds: ['due since midnight, with a space', 'due since yesterday', 'fails once']
pending: {\"args\": [\"fails once\"], \"kwargs\": {}}, attempts: 1, its time has passed: True
pending: {\"args\": [\"due since midnight\"], \"kwargs\": {}}, attempts: 0, its time has passed: True"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
