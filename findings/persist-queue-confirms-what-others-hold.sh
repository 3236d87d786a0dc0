#!/usr/bin/env bash
# persist-queue 1.1.0 (Python): one worker's `task_done` confirms what another worker still holds.
#
# Expected: in a queue on disk with `get` and `task_done`, an event that was taken and not confirmed
# comes back after a restart. Queue, the package's first class, does so for one worker. `task_done`
# does not say which event is done: it saves how far the file has been read, by anybody. So with two
# workers the faster one confirms the slower one's event, and a restart loses that.
# SQLiteQueue of the same package confirms at `get`; only SQLiteAckQueue confirms one event.
#
# Why it matters here: a deploy in the middle of two events is common, and a test with one worker
# shows that nothing is lost.
# What follows: SQLiteAckQueue, or one worker.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check persist-queue==1.1.0 2>/dev/null

cd "$work"
cat >workers.py <<'PY'
import sys

from persistqueue import Queue, SQLiteAckQueue, SQLiteQueue

kind, workers, step = sys.argv[1:]
queue = {"Queue": Queue, "SQLiteQueue": SQLiteQueue, "SQLiteAckQueue": SQLiteAckQueue}[kind](
    f"{kind}-{workers}"
)
if step == "before":
    for number in range(1, 5):
        queue.put(f"event {number}")
    taken = [queue.get() for _ in range(int(workers))]
    # With two workers the second has finished and the first has not; a single one has not either.
    if workers == "2":
        confirm = {"SQLiteAckQueue": lambda: queue.ack(taken[1])}.get(kind, queue.task_done)
        confirm()
else:
    waiting = queue.size if kind == "SQLiteAckQueue" else queue.qsize()
    print(f"{kind}, {workers}:", ", ".join(queue.get() for _ in range(waiting)))
PY
seen=$(
  for workers in 1 2; do
    for kind in Queue SQLiteQueue SQLiteAckQueue; do
      venv/bin/python workers.py "$kind" "$workers" before
      venv/bin/python workers.py "$kind" "$workers" after
    done
  done
)
expected='Queue, 1: event 1, event 2, event 3, event 4
SQLiteQueue, 1: event 2, event 3, event 4
SQLiteAckQueue, 1: event 1, event 2, event 3, event 4
Queue, 2: event 3, event 4
SQLiteQueue, 2: event 3, event 4
SQLiteAckQueue, 2: event 1, event 3, event 4'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
