#!/usr/bin/env bash
# fastapi-idempotency 0.1.1 (Python): a request without an Idempotency-Key is dropped too, if an equal one came
# within ten seconds, from anybody behind the same proxy.
#
# Expected: a middleware for idempotency keys leaves a request without a key alone. This one makes a key
# of the method, the path and the body for it: whoever sends the same within ten seconds gets the stored
# answer and is not handled, the 404 of "not there yet" included. "The same" is per client, and the
# client is the address that the server sees, which behind a proxy is the proxy's for everybody.
# Any other such request of that client ends the ten seconds, so it shows under a light load and hides under
# a busy one.
#
# Why it matters here: events of a portal have no key and come through one front end. Two equal ones, such
# as "deal 7 was updated", are two events, and the second is answered 200 and dropped.
# What follows: `automatic_window=timedelta(0)`, and a `scope` that tells the senders apart.
#
# Seen with Starlette 1.10.0 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  fastapi-idempotency==0.1.1 starlette==1.10.0 httpx==0.28.1 2>/dev/null

cat >"$work/receive.py" <<'PY'
import asyncio
import logging
from datetime import timedelta

from fastapi_idempotency import IdempotencyMiddleware
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

logging.disable(logging.CRITICAL)
known = set()


def application(**options):
    async def event(request):
        body = (await request.body()).decode()
        if body == "deal=8" and not known:
            return PlainTextResponse("no such deal yet", 404)
        application.handled += 1
        return PlainTextResponse("taken")

    app = Starlette(routes=[Route("/events", event, methods=["POST"])])
    app.add_middleware(IdempotencyMiddleware, **options)
    return app


async def send(client, body, who):
    before = application.handled
    answer = await client.post("/events", content=body, headers={"x-portal": who})
    end = ", handled" if application.handled > before else ""
    print(f"  {body} of {who}: {answer.status_code}{end}")


async def measure(name, **options):
    print(f"{name}:")
    application.handled = 0
    known.clear()
    # Both senders come from the address of the proxy.
    transport = ASGITransport(application(**options), client=("192.0.2.1", 1))
    async with AsyncClient(transport=transport, base_url="http://gateway") as client:
        await send(client, "deal=7", "a")
        await send(client, "deal=7", "a")
        await send(client, "deal=7", "b")
        await send(client, "deal=8", "a")
        known.add("8")
        await send(client, "deal=8", "a")


asyncio.run(measure("as it comes"))
asyncio.run(measure("automatic_window of 0", automatic_window=timedelta(0)))
PY
seen=$("$work/venv/bin/python" "$work/receive.py")
printf '%s\n' "$seen"
expected='as it comes:
  deal=7 of a: 200, handled
  deal=7 of a: 200
  deal=7 of b: 200
  deal=8 of a: 404
  deal=8 of a: 404
automatic_window of 0:
  deal=7 of a: 200, handled
  deal=7 of a: 200, handled
  deal=7 of b: 200, handled
  deal=8 of a: 404
  deal=8 of a: 200, handled'
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
