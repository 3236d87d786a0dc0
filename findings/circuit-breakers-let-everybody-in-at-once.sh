#!/usr/bin/env bash
# Three circuit breakers of PyPI, half-open, let all twenty waiting calls through to a portal that is still
# down; three others let one through.
#
# Expected: an open breaker waits, then is half-open: one trial call decides whether it closes, and the
# others are refused meanwhile. In circuitbreaker, aiobreaker and purgatory, half-open means "until
# the first trial has ended": each call that begins before then goes through. pybreaker, and opossum
# and cockatiel of npm, let one call through and refuse the rest.
# aiobreaker also tells all twenty callers that the circuit is open: none of them was spared.
#
# Why it matters here: a queue that has gathered events during an outage begins many deliveries at once,
# and a trial that runs into a timeout takes as long as the timeout, so that "everybody who begins
# meanwhile" is everybody. The breaker is as good as absent at the moment for which it exists.
# What follows: a lock around the call while the breaker is not closed, or one of the other three.
#
# Seen with circuitbreaker 2.1.3, aiobreaker 1.2.0, purgatory 3.0.1 and pybreaker 1.4.1 on Python 3.11,
# opossum 9.0.0 and cockatiel 3.2.1 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check circuitbreaker==2.1.3 aiobreaker==1.2.0 \
  purgatory==3.0.1 pybreaker==1.4.1 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund opossum@9.0.0 cockatiel@3.2.1 >/dev/null)

cd "$work"
cat >breakers.py <<'PY'
import asyncio
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import aiobreaker
import circuitbreaker
import purgatory
import pybreaker

calls = 0
began = threading.Lock()


def begin():
    global calls
    with began:
        calls += 1


async def portal():
    begin()
    await asyncio.sleep(1)
    raise ConnectionError


def portal_for_threads():
    begin()
    time.sleep(1)
    raise ConnectionError


async def outcome(call):
    try:
        await call()
    except Exception as error:
        return type(error).__name__


async def measure(name, call):
    global calls
    await asyncio.gather(*(outcome(call) for _ in range(3)))
    await asyncio.sleep(1.2)
    calls = 0
    ends = Counter(await asyncio.gather(*(outcome(call) for _ in range(20))))
    print(f"{name}: {calls} of 20, {', '.join(f'{end} {count}' for end, count in sorted(ends.items()))}")


async def main():
    one = circuitbreaker.circuit(failure_threshold=3, recovery_timeout=1)(portal)
    await measure("circuitbreaker", one)
    two = aiobreaker.CircuitBreaker(fail_max=3, timeout_duration=timedelta(seconds=1))
    await measure("aiobreaker", lambda: two.call_async(portal))
    factory = purgatory.AsyncCircuitBreakerFactory(default_threshold=3, default_ttl=1)
    await measure("purgatory", factory("portal")(portal))
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(32))
    three = pybreaker.CircuitBreaker(fail_max=3, reset_timeout=1)
    await measure("pybreaker, threads", lambda: asyncio.to_thread(three.call, portal_for_threads))


asyncio.run(main())
PY
cat >breakers.mjs <<'JS'
import { circuitBreaker, ConsecutiveBreaker, handleAll } from "cockatiel";
import CircuitBreaker from "opossum";

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));
let calls = 0;
const portal = async () => {
  calls += 1;
  await sleep(1000);
  throw new Error("down");
};
const measure = async (name, call) => {
  for (let index = 0; index < 3; index += 1) await call().catch(() => undefined);
  await sleep(1200);
  calls = 0;
  await Promise.allSettled(Array.from({ length: 20 }, call));
  console.log(`${name}: ${calls} of 20`);
};
const opossum = new CircuitBreaker(portal, { resetTimeout: 1000 });
const breaker = new ConsecutiveBreaker(3);
const cockatiel = circuitBreaker(handleAll, { halfOpenAfter: 1000, breaker });
await measure("opossum", () => opossum.fire());
await measure("cockatiel", () => cockatiel.execute(portal));
process.exit(0);
JS
seen=$(venv/bin/python breakers.py && node breakers.mjs)
printf '%s\n' "$seen"
expected='circuitbreaker: 20 of 20, ConnectionError 20
aiobreaker: 20 of 20, CircuitBreakerError 20
purgatory: 20 of 20, ConnectionError 20
pybreaker, threads: 1 of 20, CircuitBreakerError 20
opossum: 1 of 20
cockatiel: 1 of 20'
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
