#!/usr/bin/env bash
# saq 0.26.4 (Python): a handler without `async` that is over its time goes on, is begun again beside itself, and
# has failed although each of its runs ended well.
#
# Expected: a job that is stopped at its timeout, ten seconds by default, is stopped, or is not begun again
# before it has ended. A coroutine is cancelled. A plain function runs in a thread, which nothing can
# stop: its job is marked as failed, or with `retries` is put back and taken by the same worker, while
# the thread goes on. With three attempts a deal is added three times, two of them at once.
#
# Why it matters here: a client such as requests is what plain functions are written around, and a portal that
# takes eleven seconds adds what it was asked to add. The job says "failed", so somebody starts it again.
# What follows: a timeout in the client that is well below the job's, or `timeout=0`.
#
# Seen with redis 7.4.1 on Python 3.11, Redis 7.0 of Debian 12, 2026-11-27. The timeout is one second here.
set -euo pipefail
work=$(mktemp -d)
redis=
cleanup() {
  [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check "saq[redis]==0.26.4" redis==7.4.1 typing-extensions==4.16.0 2>/dev/null
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
cat >work.py <<'PY'
import asyncio
import logging
import os
import sys
import threading
import time

from redis.asyncio import Redis
from saq import Worker
from saq.queue.redis import RedisQueue

logging.disable(logging.CRITICAL)
lock = threading.Lock()
counts = {"running": 0, "most": 0, "ended": 0}


def count(change):
    with lock:
        counts["running"] += change
        counts["most"] = max(counts["most"], counts["running"])
        if change < 0:
            counts["ended"] += 1


def plain(context):
    count(1)
    time.sleep(4)
    count(-1)


async def coroutine(context):
    count(1)
    try:
        await asyncio.sleep(4)
    except asyncio.CancelledError:
        counts["running"] -= 1
        raise
    count(-1)


async def measure(queue, name, **options):
    counts.update(running=0, most=0, ended=0)
    job = await queue.enqueue(name, timeout=1, **options)
    while counts["running"] or job.status not in ("failed", "complete"):
        await asyncio.sleep(0.1)
        await job.refresh()
    end = f"{job.attempts} attempts, {counts['most']} at once, {counts['ended']} ended well"
    print(f"{name}, {options or 'as it comes'}: {end}, the job is {job.status.value}")


async def main():
    queue = RedisQueue(Redis(unix_socket_path=sys.argv[1]), name="deals")
    await queue.connect()
    task = asyncio.create_task(Worker(queue, [plain, coroutine], dequeue_timeout=0.1).start())
    await measure(queue, "coroutine", retries=3)
    await measure(queue, "plain")
    await measure(queue, "plain", retries=3)
    sys.stdout.flush()
    os._exit(0 if not task.done() else 1)


asyncio.run(main())
PY
seen=$(timeout 60 venv/bin/python work.py "$work/redis.sock" 2>/dev/null)
expected="coroutine, {'retries': 3}: 3 attempts, 1 at once, 0 ended well, the job is failed
plain, as it comes: 1 attempts, 1 at once, 1 ended well, the job is failed
plain, {'retries': 3}: 3 attempts, 2 at once, 3 ended well, the job is failed"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
