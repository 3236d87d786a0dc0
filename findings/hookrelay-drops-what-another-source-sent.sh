#!/usr/bin/env bash
# hookrelay 0.4.0 (Python): event 7 of the shop is dropped, answered with 200, because the portal has sent
# an event 7 too.
#
# Expected: `source` says which integration an event came from, so that one backend can hold the events of
# several, as the class says, and an `idempotency_key` is taken from the payload of each. Keys are
# unique in the backend as a whole, whatever the source: whoever sends second is answered
# `{"accepted": false}` with status 200, which each sender takes for success, and nothing is logged.
# The key stays taken when the first event has ended as a dead letter, so the sender cannot send it again.
#
# Why it matters here: ids of events are small numbers or numbers of entities. Two portals, or a portal and
# a payment service, meet soon, and the loss looks like a duplicate that was recognised.
# What follows: put the source into the key, `lambda payload: f"shop:{payload['id']}"`.
#
# Seen with FastAPI 0.165.0 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  hookrelay==0.4.0 fastapi==0.165.0 httpx==0.28.1 2>/dev/null

cat >"$work/receive.py" <<'PY'
import asyncio

from fastapi import FastAPI
from hookrelay import MemoryBackend, Worker
from hookrelay.fastapi import create_webhook_router
from httpx import ASGITransport, AsyncClient

backend = MemoryBackend()
app = FastAPI()
for source in ("portal", "shop"):
    app.include_router(
        create_webhook_router(
            backend=backend,
            source=source,
            path=f"/{source}",
            max_attempts=1,
            idempotency_key=lambda payload: str(payload["id"]),
        )
    )


async def fail(event):
    print(f"handled: {event.source} {event.payload['id']}")
    raise ConnectionError("the portal is down")


async def main():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://gateway") as client:

        async def send(source):
            answer = await client.post(f"/{source}", json={"id": 7})
            print(f"{source} sends 7: {answer.status_code}, accepted {answer.json()['accepted']}")

        await send("portal")
        await send("shop")
        await Worker(backend, fail).run_once()
        print(f"dead letters: {len(await backend.list_dead_letters())}")
        await send("portal")
        await Worker(backend, fail).run_once()


asyncio.run(main())
PY
seen=$("$work/venv/bin/python" "$work/receive.py" 2>/dev/null)
expected='portal sends 7: 200, accepted True
shop sends 7: 200, accepted False
handled: portal 7
dead letters: 1
portal sends 7: 200, accepted False'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
