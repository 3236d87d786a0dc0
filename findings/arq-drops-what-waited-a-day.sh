#!/usr/bin/env bash
# arq 0.28.0 (Python): a job that nobody has taken within a day is dropped.
#
# Expected: a job waits until a worker takes it. arq keeps what a job is made of under a key of its
# own that ends a day after the job was due (`expires_extra_ms`, which the documentation names).
# The queue itself keeps the id. A worker that comes later takes the ids, finds nothing behind them,
# and counts them as failed: one WARNING each, without what the event was. `max_tries` does not
# concern them. Until then the length of the queue is right.
#
# Why it matters here: a worker that stands still over a weekend is what a queue is for, and a job
# that is lost without its data cannot be sent anew by hand either.
# What follows: `expires_extra_ms` of some weeks in the pool's settings, and the events in a table.
#
# Seen with redis 5.3.1 on Python 3.11, Debian 12's Redis 7.0.15, 2026-11-27, with a second in place
# of the day. Needs apt's sources of Debian 12.
set -euo pipefail
work=$(mktemp -d)
redis=
cleanup() {
  [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check arq==0.28.0 redis==5.3.1 2>/dev/null
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
cat >wait.py <<'PY'
import asyncio
import logging

from arq import Worker, create_pool
from arq.connections import RedisSettings

settings = RedisSettings(unix_socket_path="redis.sock")
delivered, warned = [], []
logging.getLogger("arq.worker").addFilter(
    lambda record: record.levelno < logging.WARNING or bool(warned.append(record.getMessage()))
)


async def deliver(context, event):
    delivered.append(event)


async def main():
    pool = await create_pool(settings)
    job = await pool.enqueue_job("deliver", "taken at once")
    print(f"seconds to live by default: {await pool.ttl('arq:job:' + job.job_id)}")
    await Worker([deliver], redis_settings=settings, burst=True).async_run()

    pool = await create_pool(settings, expires_extra_ms=1000)
    ids = [(await pool.enqueue_job("deliver", event)).job_id for event in ("ADD", "UPDATE")]
    await asyncio.sleep(2)
    print(f"waiting after two seconds: {await pool.zcard('arq:queue')}")
    worker = Worker([deliver], redis_settings=settings, burst=True)
    await worker.async_run()
    without_ids = sorted({text.replace(job_id, "ID") for text in warned for job_id in ids if job_id in text})
    print(f"delivered: {delivered}, failed: {worker.jobs_failed}, warned: {without_ids}")
    print(f"left in the queue: {await pool.zcard('arq:queue')}")


asyncio.run(main())
PY
seen=$(venv/bin/python wait.py 2>/dev/null)
expected="seconds to live by default: 86400
waiting after two seconds: 2
delivered: ['taken at once'], failed: 2, warned: ['job ID expired']
left in the queue: 0"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
