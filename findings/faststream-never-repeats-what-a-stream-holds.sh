#!/usr/bin/env bash
# faststream 0.7.8 (Python) with a Redis stream: NACK_ON_ERROR delivers nothing again, and the option
# that does so stops the delivery of new events.
#
# Expected: with a consumer group, `AckPolicy.NACK_ON_ERROR` has an event whose handler raised
# delivered again, and REJECT_ON_ERROR, the default, drops it. Redis knows neither, and both do
# nothing: the event stays pending, is not delivered while the program runs, and not after a restart.
# No line names it after the one of its exception.
# `min_idle_time`, documented as making pending events eligible for claiming, makes a subscriber of
# claims only. A program that adds it to its one subscriber gets what is pending, and no new event,
# without a warning. Two subscribers, one with the option and one without, are right together.
#
# Why it matters here: a portal that is away for a minute leaves some events pending for ever, and the
# repair that suggests itself stops all events, which a test of the repair alone does not show.
# What follows: a second subscriber with `min_idle_time` from the first day, and an alarm on XPENDING.
# (`claim_min_idle_time` is one subscriber for both, and needs Redis 8.4.)
#
# Seen with redis 8.1.0 on Python 3.11, Debian 12's Redis 7.0.15, 2026-11-27. Needs apt's sources of
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
"$work/venv/bin/pip" install -q --disable-pip-version-check faststream==0.7.8 redis==8.1.0 2>/dev/null
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
cat >run.py <<'PY'
import asyncio
import os

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from redis.asyncio import Redis

socket = os.path.abspath("redis.sock")


async def run(stream, events, fail=False, policy=AckPolicy.REJECT_ON_ERROR, options=({},), calls=None):
    """One life of a program: what its handler was called with, and what is pending at its end."""
    broker = RedisBroker(f"unix://{socket}", logger=None)
    called = []

    async def deliver(event: str):
        called.append(event)
        if fail and event == "ADD":
            raise ConnectionError("The portal is away")

    for number, option in enumerate(options):
        subscription = StreamSub(stream, group="group", consumer=f"consumer {number}", **option)
        broker.subscriber(stream=subscription, ack_policy=policy)(deliver)
    await broker.start()
    for event in events:
        await broker.publish(event, stream=stream)
    for _ in range(300):
        if len(called) >= (len(events) if calls is None else calls):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(3)
    await broker.stop()
    async with Redis(unix_socket_path=socket) as redis:
        pending = (await redis.xpending(stream, "group"))["pending"]
    return f"{', '.join(sorted(called)) or 'nothing'} ({pending} pending)"


async def main():
    for policy in (AckPolicy.NACK_ON_ERROR, AckPolicy.REJECT_ON_ERROR):
        print(f"{policy.name}: {await run(policy.name, ['ADD', 'UPDATE'], True, policy)}")
        print(f"{policy.name}, started again: {await run(policy.name, ['DISMISS'], policy=policy)}")
    claim = {"min_idle_time": 500}
    print(f"min_idle_time, what is pending: {await run('NACK_ON_ERROR', [], options=[claim], calls=1)}")
    events = ["UPDATE", "DISMISS"]
    print(f"min_idle_time, new events: {await run('NACK_ON_ERROR', events, options=[claim], calls=0)}")
    print(f"one of each: {await run('REJECT_ON_ERROR', ['UPDATE'], options=[{}, claim], calls=2)}")


asyncio.run(main())
PY
seen=$(venv/bin/python run.py 2>/dev/null)
expected='NACK_ON_ERROR: ADD, UPDATE (1 pending)
NACK_ON_ERROR, started again: DISMISS (1 pending)
REJECT_ON_ERROR: ADD, UPDATE (1 pending)
REJECT_ON_ERROR, started again: DISMISS (1 pending)
min_idle_time, what is pending: ADD (0 pending)
min_idle_time, new events: nothing (0 pending)
one of each: ADD, UPDATE (0 pending)'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
