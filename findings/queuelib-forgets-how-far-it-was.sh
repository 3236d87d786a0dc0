#!/usr/bin/env bash
# queuelib 1.10.0 (Python): a process that is killed leaves a disk queue that gives other events
# than those that are put into it.
#
# Expected: a queue on disk keeps what was pushed, or, where it is not written through, loses the
# last entries. FifoDiskQueue writes each entry at once, and how far it has been written and read
# only when it is closed. After a kill the file is full and the queue says 0. What is pushed then
# counts as the first entry, so that `pop` gives the oldest of the old ones, and the new event
# waits behind those that nobody counts. A queue that was closed once, and killed later, gives
# again everything that it gave since. FifoSQLiteQueue of the same package loses nothing.
#
# Why it matters here: a container that is stopped hard is the case for a queue on disk, and each
# event that comes in afterwards hands out another one, for ever: the length is always right.
# What follows: FifoSQLiteQueue.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check queuelib==1.10.0 2>/dev/null

cd "$work"
cat >queue_run.py <<'PY'
"""Pushes or pops what the arguments say, and ends without closing the queue, as a kill does."""

import os
import sys

import queuelib.queue

kind, path, *steps = sys.argv[1:]
queue = getattr(queuelib.queue, kind)(path)
done = [f"length {len(queue)}"]
for step in steps:
    if step == "close":
        queue.close()
        break
    if step == "pop":
        done.append(f"popped {(queue.pop() or b'nothing').decode()}")
    else:
        queue.push(step.encode())
        done.append(f"pushed {step}")
print(f"  {', '.join(done)}", flush=True)
os._exit(9)
PY
run() { venv/bin/python queue_run.py "$@" || true; }
seen=$(
  for kind in FifoDiskQueue FifoSQLiteQueue; do
    echo "$kind, killed after three events:"
    run $kind first-$kind A B C
    run $kind first-$kind D pop pop
    echo "$kind, closed with three events, killed after two of them were handled:"
    run $kind second-$kind A B C close
    run $kind second-$kind pop pop
    run $kind second-$kind pop
  done
)
expected='FifoDiskQueue, killed after three events:
  length 0, pushed A, pushed B, pushed C
  length 0, pushed D, popped A, popped nothing
FifoDiskQueue, closed with three events, killed after two of them were handled:
  length 0, pushed A, pushed B, pushed C
  length 3, popped A, popped B
  length 3, popped A
FifoSQLiteQueue, killed after three events:
  length 0, pushed A, pushed B, pushed C
  length 3, pushed D, popped A, popped B
FifoSQLiteQueue, closed with three events, killed after two of them were handled:
  length 0, pushed A, pushed B, pushed C
  length 3, popped A, popped B
  length 1, popped C'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
