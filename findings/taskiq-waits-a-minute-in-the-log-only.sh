#!/usr/bin/env bash
# taskiq 0.13.0 (Python): the log says "Retrying 1/3 in 60.00 seconds", and it is retried at once.
#
# Expected: SmartRetryMiddleware, which is made for delays, waits, or says that it cannot. It writes
# the delay into a label of the message and leaves it to the broker; InMemoryBroker, which comes with
# the package, does not look at the label, and neither does any other broker that lacks delays. The
# log names the delay all the same. `default_retry_count=3` is three attempts, not one and three
# more, so the task is given up for good within a second. With a `schedule_source` the middleware
# waits, if a scheduler runs beside the worker.
#
# Why it matters here: the delay is there for a portal that is away for some minutes. All attempts
# fall into one moment, the event is lost, and the log tells of minutes that nobody waited.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check taskiq==0.13.0 2>/dev/null

cd "$work"
cat >retry.py <<'PY'
import asyncio
import logging
import sys
import time

from taskiq import InMemoryBroker, SmartRetryMiddleware

log = logging.getLogger("taskiq.smart_retry_middleware")
log.setLevel(logging.INFO)
log.addHandler(logging.StreamHandler(sys.stdout))
log.propagate = False
logging.getLogger("taskiq.receiver.receiver").setLevel(logging.CRITICAL)
broker = InMemoryBroker().with_middlewares(
    SmartRetryMiddleware(default_retry_count=3, default_delay=60)
)
begun = time.monotonic()


@broker.task(task_name="deliver", retry_on_error=True)
async def deliver():
    when = "within 30 seconds" if time.monotonic() - begun < 30 else "later"
    print("attempt", when)
    raise ConnectionError("the portal is away")


async def main():
    await broker.startup()
    await deliver.kiq()
    await asyncio.sleep(2)
    await broker.shutdown()


asyncio.run(main())
PY
seen=$(venv/bin/python retry.py | sed 's/Task .deliver. /Task deliver /')
expected='attempt within 30 seconds
Task deliver failed. Retrying 1/3 in 60.00 seconds.
attempt within 30 seconds
Task deliver failed. Retrying 2/3 in 60.00 seconds.
attempt within 30 seconds
Task deliver invocation failed. Maximum retries count is reached.'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
