#!/usr/bin/env bash
# pybreaker 1.4.1 (Python): around an `async` function the breaker never opens, and says "closed".
#
# Expected: a breaker that decorates a coroutine function counts its failures, or refuses to decorate
# it. It calls the function, gets a coroutine, and counts this as a success; what is raised when the
# coroutine is awaited is seen by the caller alone. Not only does it never open: each call sets the
# count of failures back, so that a breaker shared with plain functions does not open for those
# either. (`call_async` exists, for Tornado's coroutines.) aiobreaker, which is made of the same
# code, circuitbreaker and purgatory open after the third failure.
#
# Why it matters here: the call that needs a breaker is the one to the portal, and in an application
# on FastAPI or aiogram it is a coroutine. While the portal is away each event waits for a time-out.
# What follows: another package, and a test that counts the calls which reach the server.
#
# Seen with aiobreaker 1.2.0, circuitbreaker 2.1.3 and purgatory 3.0.1 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  pybreaker==1.4.1 aiobreaker==1.2.0 circuitbreaker==2.1.3 purgatory==3.0.1 2>/dev/null

cd "$work"
cat >fail.py <<'PY'
import asyncio

import aiobreaker
import circuitbreaker
import purgatory
import pybreaker


async def call_ten_times(name, breaker):
    reached = 0

    @breaker
    async def call_the_portal():
        nonlocal reached
        reached += 1
        raise ConnectionError("The portal is away")

    for _ in range(10):
        try:
            await call_the_portal()
        except Exception:
            pass
    print(f"{name}: calls that reached the portal: {reached} of 10")


shared = pybreaker.CircuitBreaker(fail_max=3)
breakers = {
    "pybreaker": shared,
    "aiobreaker": aiobreaker.CircuitBreaker(fail_max=3),
    "circuitbreaker": circuitbreaker.circuit(failure_threshold=3),
    "purgatory": purgatory.AsyncCircuitBreakerFactory(default_threshold=3)("portal"),
}
for name, breaker in breakers.items():
    asyncio.run(call_ten_times(name, breaker))
print(f"pybreaker afterwards: {shared.current_state}, failures counted: {shared.fail_counter}")


@shared
def plain():
    raise ConnectionError("The portal is away")


for _ in range(2):
    try:
        plain()
    except ConnectionError:
        pass
print(f"two failures of a plain function: counted {shared.fail_counter}")
asyncio.run(call_ten_times("pybreaker", shared))
print(f"and then coroutines that fail: counted {shared.fail_counter}")
PY
seen=$(venv/bin/python fail.py 2>/dev/null)
expected='pybreaker: calls that reached the portal: 10 of 10
aiobreaker: calls that reached the portal: 3 of 10
circuitbreaker: calls that reached the portal: 3 of 10
purgatory: calls that reached the portal: 3 of 10
pybreaker afterwards: closed, failures counted: 0
two failures of a plain function: counted 2
pybreaker: calls that reached the portal: 10 of 10
and then coroutines that fail: counted 0'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
