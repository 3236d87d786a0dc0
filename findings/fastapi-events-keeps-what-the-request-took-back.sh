#!/usr/bin/env bash
# fastapi-events 0.12.2 (Python): an event is handled although the request failed, and all events of
# a request are handled at the same time.
#
# Expected: an event that a view dispatches is held until the request has ended well, and then the
# events are handled in their order. They are held, and handled in a `finally`: the request that
# ends in a 500 has its events handled as well, and the sender, who is right to repeat it, has them
# handled a second time. All events of a request run at once, so a dismissal is done before an
# addition that takes longer. Within one event it is the other way round: the listeners run one
# after another, and one that fails takes those behind it along; the answer was 200 by then.
#
# Why it matters here: "store the event, then dispatch it" is rolled back by its failure, and the
# call to the portal goes out all the same.
# What follows: dispatch from a table that is written in the request's own transaction.
#
# Seen with fastapi 0.165.0, starlette 1.10.0 and httpx 0.28.1 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  fastapi-events==0.12.2 fastapi==0.165.0 starlette==1.10.0 httpx==0.28.1 2>/dev/null

cd "$work"
cat >dispatch.py <<'PY'
import asyncio

import httpx
from fastapi import FastAPI
from fastapi_events.dispatcher import dispatch
from fastapi_events.handlers.local import local_handler
from fastapi_events.middleware import EventHandlerASGIMiddleware

app = FastAPI()
app.add_middleware(EventHandlerASGIMiddleware, handlers=[local_handler])
handled = []


@local_handler.register(event_name="person.*")
async def call_the_portal(event):
    name, payload = event
    if payload.get("away"):
        raise ConnectionError("The portal is away")
    if name == "person.added":
        await asyncio.sleep(0.5)
    handled.append(f"portal: {name}")


@local_handler.register(event_name="person.changed")
async def write_the_journal(event):
    handled.append(f"journal: {event[0]}")


@app.post("/fails")
async def fails():
    dispatch("person.changed", {"id": 7})
    raise RuntimeError("The event cannot be stored")


@app.post("/three")
async def three():
    for name in ("added", "changed", "dismissed"):
        dispatch(f"person.{name}", {"id": 7})


@app.post("/away")
async def away():
    dispatch("person.changed", {"id": 7, "away": True})


async def main():
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        for path in ("/fails", "/fails", "/three", "/away"):
            handled.clear()
            answer = await client.post(path)
            print(f"{path} {answer.status_code}: {', '.join(handled) or 'nothing handled'}")


asyncio.run(main())
PY
seen=$(venv/bin/python dispatch.py 2>/dev/null)
expected='/fails 500: portal: person.changed, journal: person.changed
/fails 500: portal: person.changed, journal: person.changed
/three 200: portal: person.changed, journal: person.changed, portal: person.dismissed, portal: person.added
/away 200: nothing handled'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
