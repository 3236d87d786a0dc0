#!/usr/bin/env bash
# rq 3.0.0 (Python): of three events with one `job_id`, the last is run three times and the others never.
#
# Expected: a job id that is in the queue already is refused or ignored, as in BullMQ, or it replaces
# the waiting job. rq does one half of each: the data of a job is stored under its id, so the newest
# replaces the others, and the id is appended to the queue each time. Each entry of the queue then
# runs the newest data. The length of the queue is right, all three are counted as successes, and
# nothing is logged. `unique=True` raises an error for the second, also after the first has ended,
# as long as its result is kept.
#
# Why it matters here: `job_id=f"person-{id}"` is written to avoid duplicates. An addition, a change
# and a dismissal within one burst become three dismissals of somebody who was never added.
# What follows: ids that name the delivery, not the person.
#
# Seen with redis 7.4.1 on Python 3.11, Debian 12's Redis 7.0.15, 2026-11-27. Needs apt's sources of
# Debian 12.
set -euo pipefail
work=$(mktemp -d)
redis=
cleanup() {
  [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check rq==3.0.0 redis==7.4.1 2>/dev/null
(cd "$work" && apt-get download -qq redis-tools liblua5.1-0 lua-cjson lua-bitop libjemalloc2 \
  liblzf1 libhiredis0.14 2>/dev/null &&
  for package in *.deb; do dpkg -x "$package" debian; done)

cd "$work"
libraries=$work/debian/usr/lib/$(uname -m)-linux-gnu
cp debian/usr/bin/redis-check-rdb redis-server # The same program under the name of the server.
LD_LIBRARY_PATH=$libraries ./redis-server --port 0 --unixsocket "$work/redis.sock" --save '' >redis.log &
redis=$!
for _ in $(seq 100); do
  [ ! -S redis.sock ] || break
  sleep 0.1
done
cat >handlers.py <<'PY'
delivered = []


def deliver(event):
    delivered.append(event)
PY
cat >burst.py <<'PY'
import handlers
from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import DuplicateJobError

connection = Redis(unix_socket_path="redis.sock")
queue = Queue(connection=connection)
events = ["ADD", "UPDATE", "DISMISS"]


def work():
    SimpleWorker([queue], connection=connection).work(burst=True, logging_level="CRITICAL")
    delivered = handlers.delivered.copy()
    handlers.delivered.clear()
    return delivered


for name, job_id in (("without an id", None), ("with one id", "person-7")):
    for event in events:
        queue.enqueue(handlers.deliver, event, job_id=job_id)
    print(f"{name}: waiting {len(queue)}, delivered {work()}, failed {len(queue.failed_job_registry)}")

queue.enqueue(handlers.deliver, "ADD", job_id="person-8", unique=True)
print(f"unique, the first: delivered {work()}")
try:
    queue.enqueue(handlers.deliver, "UPDATE", job_id="person-8", unique=True)
except DuplicateJobError:
    print("unique, after the first has ended: refused")
PY
seen=$(venv/bin/python burst.py 2>/dev/null)
expected="without an id: waiting 3, delivered ['ADD', 'UPDATE', 'DISMISS'], failed 0
with one id: waiting 3, delivered ['DISMISS', 'DISMISS', 'DISMISS'], failed 0
unique, the first: delivered ['ADD']
unique, after the first has ended: refused"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
