#!/usr/bin/env bash
# huey 3.5.4 (Python): an event for a task that this worker does not know is taken and dropped, `retries`
# or not.
#
# Expected: a worker leaves a task that it does not know to others, or fails it, so that its retries
# give a newer worker the chance, or keeps it in a list of failures. huey takes the message off the
# queue, cannot make a task of it, logs "Error reading from queue", and goes on: no attempt is counted,
# no signal is sent, not even `SIGNAL_ERROR`, nothing is stored, and the queue is empty. A task with
# `retries=10` that raises comes back; one that is unknown does not.
#
# Why it matters here: in a rolling deploy the new web server puts "user dismissed", which the old
# worker has not learnt yet, and the old worker is the one that is idle. The same happens to tasks of
# a module that the worker does not import, or that was renamed while events were waiting.
# What follows: deploy the worker first, never rename a task, and count what was put and what was done.
#
# Seen with SqliteHuey on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check huey==3.5.4 2>/dev/null

cd "$work"
cat >deploy.py <<'PY'
import logging
import time

from huey import SqliteHuey

logged = []
handler = logging.Handler()
handler.setLevel(logging.ERROR)
handler.emit = lambda record: logged.append(record.getMessage())
logging.getLogger("huey").addHandler(handler)


def make_huey(version):
    """The queue as one version of the program knows it; both have one database and one name."""
    huey = SqliteHuey("events", filename="events.db")
    done, signals, failures = [], [], [0]

    def deliver(event):
        if event == "UPDATE" and not failures[0]:
            failures[0] += 1
            raise ConnectionError("The portal is away")
        done.append(event)

    tasks = {"user_changed": huey.task(name="user_changed", retries=10)(deliver)}
    if version == "new":
        tasks["user_dismissed"] = huey.task(name="user_dismissed", retries=10)(deliver)
    huey.signal()(lambda signal, task, error=None: signals.append(signal))
    return huey, tasks, done, signals


def work(huey, done, enough):
    consumer = huey.create_consumer(workers=1, initial_delay=0.05, max_delay=0.1, periodic=False)
    consumer.start()
    until = time.monotonic() + 30
    while time.monotonic() < until and (len(huey) or len(done) < enough):
        time.sleep(0.1)
    time.sleep(2)
    consumer.stop(graceful=True)


new_huey, new_tasks, new_done, _ = make_huey("new")
old_huey, _, old_done, signals = make_huey("old")
new_tasks["user_dismissed"]("DISMISS")
new_tasks["user_changed"]("UPDATE")
print(f"waiting: {len(new_huey)}")
work(old_huey, old_done, 1)
print(f"the old worker: done {old_done}, signals {signals}, left in the queue {len(old_huey)}")
work(new_huey, new_done, 0)
print(f"the new worker: done {new_done}, left in the queue {len(new_huey)}, scheduled {new_huey.scheduled_count()}")
print(f"in the log: {[text for text in logged if 'Unhandled exception' not in text]}")
PY
seen=$(venv/bin/python deploy.py 2>/dev/null)
expected="waiting: 2
the old worker: done ['UPDATE'], signals ['executing', 'error', 'retrying', 'enqueued', 'executing', 'complete'], left in the queue 0
the new worker: done [], left in the queue 0, scheduled 0
in the log: ['Error reading from queue']"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
