#!/usr/bin/env bash
# huey 3.5.4 (Python): `lock_task` makes the second event about a person vanish, retries included.
#
# Expected: a task that needs a lock waits for it, or goes back to the queue. `lock_task` tries once:
# a task that finds the lock taken ends with TaskLockedException (as its documentation says), which
# is one WARNING without a traceback, and the queue is empty. `retries=2` does not change this, if
# there is no delay between them: they are used up within the same moment, since the lock is held as
# long as the first event is at work. With one worker, as in most tests, all events run.
#
# Why it matters here: the lock is there to keep the order of events about one person, and the burst
# of an addition, a change and a dismissal is the case it was put there for. One of them runs.
# What follows: a queue for each person, or `retry_delay` above the longest call.
#
# Seen with SqliteHuey on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check huey==3.5.4 2>/dev/null

cd "$work"
cat >burst.py <<'PY'
import logging
import threading
import time

from huey import SqliteHuey

logging.getLogger("huey").setLevel(logging.CRITICAL)


def run(name, workers, retries):
    huey = SqliteHuey(name, filename=f"{name}.db")
    ran, tried = [], []
    settled = threading.Event()

    @huey.task(retries=retries)
    @huey.lock_task("person 7")
    def deliver(event):
        if workers > 1:
            settled.wait(30)
        ran.append(event)

    @huey.signal()
    def note(signal, task, error=None):
        tried.append(signal)
        if tried.count("locked") == 2 * (retries + 1):
            settled.set()

    for event in ("ADD", "UPDATE", "DISMISS"):
        deliver(event)
    consumer = huey.create_consumer(workers=workers, initial_delay=0.05, max_delay=0.1)
    consumer.start()
    until = time.monotonic() + 40
    while time.monotonic() < until and tried.count("complete") + (workers > 1) * 2 < 3:
        time.sleep(0.1)
    time.sleep(1)
    count = len(ran) if workers > 1 else ran
    print(f"{workers} workers, {retries} retries: ran {count}, found the lock taken:"
          f" {tried.count('locked')}, left in the queue: {len(huey)}")
    consumer.stop(graceful=True)


run("one", 1, 0)
run("three", 3, 0)
run("retried", 3, 2)
PY
seen=$(venv/bin/python burst.py)
expected="1 workers, 0 retries: ran ['ADD', 'UPDATE', 'DISMISS'], found the lock taken: 0, left in the queue: 0
3 workers, 0 retries: ran 1, found the lock taken: 2, left in the queue: 0
3 workers, 2 retries: ran 1, found the lock taken: 6, left in the queue: 0"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
