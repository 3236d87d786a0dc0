#!/usr/bin/env bash
# streaq 7.2.0 and arq 0.28.0 (Python): `max_tries` is 3 and 5 by default, and a handler that raises is
# called once.
#
# Expected: a task with `max_tries=3` whose handler raises is called three times, as with dramatiq's
# `max_retries` or saq's `retries`. Both libraries count with it only what asks to be repeated, by
# raising their own exception (StreaqRetry, Retry), or was cut off with its worker. Any other
# exception is the task's result: kept for an hour by arq and for five minutes by streaq, and then
# gone. A higher number, on the task or on the worker, changes nothing.
#
# Why it matters here: the setting is there, so it looks done. A portal that is away raises
# httpx.ConnectError, and the event is lost at the first attempt; while in tests of the retry, which
# raise the library's own exception, it works.
# What follows: a decorator that turns what is temporary into the library's exception, and a test with
# the exception of the HTTP client.
#
# Seen with redis 5.3.1 on Python 3.11, Debian 12's Redis 7.0.15, 2026-11-27. Needs apt's sources of
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
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  streaq==7.2.0 arq==0.28.0 redis==5.3.1 coredis==6.9.0 2>/dev/null
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
cat >retry.py <<'PY'
import asyncio
import logging
import os

import coredis
from arq import Retry, create_pool, func
from arq import Worker as ArqWorker
from arq.connections import RedisSettings
from coredis.connection import UnixDomainSocketLocation
from streaq import StreaqRetry, Worker

logging.disable(logging.CRITICAL)
calls = []
failures = {"their exception": None, "ConnectionError": ConnectionError("The portal is away")}


def attempt(event, their_exception):
    """Fail the first attempt at each event."""
    calls.append(event)
    if calls.count(event) == 1:
        raise failures[event] or their_exception


async def with_streaq():
    location = UnixDomainSocketLocation(os.path.abspath("redis.sock"))
    worker = Worker(redis_pool=coredis.ConnectionPool(location=location, decode_responses=True), handle_signals=False)

    @worker.task(max_tries=10)
    async def deliver(event: str):
        attempt(event, StreaqRetry("The portal is away", delay=1))

    async with worker:
        for event in failures:
            await deliver.enqueue(event)
    running = asyncio.create_task(worker.run_async())
    await settle()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def with_arq():
    async def deliver(context, event):
        attempt(event, Retry(defer=1))

    settings = RedisSettings(unix_socket_path="redis.sock")
    pool = await create_pool(settings)
    for event in failures:
        await pool.enqueue_job("deliver", event)
    worker = ArqWorker(
        [func(deliver, name="deliver", max_tries=10)], redis_settings=settings, max_tries=10, handle_signals=False
    )
    running = asyncio.create_task(worker.async_run())
    await settle()
    await worker.close()
    await asyncio.gather(running, return_exceptions=True)


async def settle():
    for _ in range(300):
        if calls.count("their exception") >= 2 and "ConnectionError" in calls:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(5)


for name, run in (("streaq", with_streaq), ("arq", with_arq)):
    calls.clear()
    asyncio.run(run())
    print(f"{name}, max_tries=10: {', '.join(f'{event}: calls {calls.count(event)}' for event in failures)}")
PY
seen=$(venv/bin/python retry.py 2>/dev/null)
expected='streaq, max_tries=10: their exception: calls 2, ConnectionError: calls 1
arq, max_tries=10: their exception: calls 2, ConnectionError: calls 1'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
