#!/usr/bin/env bash
# asgi-idempotency-header 0.2.0 (Python): a failure is remembered, a success in plain text is not,
# and one key answers for two addresses.
#
# Expected: a middleware for `Idempotency-Key` runs a handler once for each key, and again if it
# failed, or says that a key was used for something else.
# - A JSON answer of 500 is remembered: the retry gets it from memory, and the handler, which would
#   succeed by now, is not called. (Some public APIs do so on purpose; a queue's retry cannot.)
# - An answer that is not JSON is not remembered, so a handler that says "ok" runs each time (the
#   README says so among the limits, and nothing says so at run time).
# - The key alone is compared: the same key at another path is answered with the first path's 200,
#   and its handler never runs.
#
# Why it matters here: the key is the event's id, a relay hands one event to two handlers, and most
# webhook handlers answer "ok". The first and the third lose an event, the second repeats one.
# What follows: keep the ids where the work is stored, in one transaction with it.
#
# Seen with starlette 1.10.0, httpx 0.28.1, fastapi 0.165.0 and redis 8.1.0 on Python 3.11,
# 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  asgi-idempotency-header==0.2.0 starlette==1.10.0 fastapi==0.165.0 httpx==0.28.1 redis==8.1.0 2>/dev/null

cd "$work"
cat >retry.py <<'PY'
import asyncio

from httpx import ASGITransport, AsyncClient
from idempotency_header_middleware import IdempotencyHeaderMiddleware
from idempotency_header_middleware.backends import MemoryBackend
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

runs = {"/fails-once": 0, "/text": 0, "/one": 0, "/two": 0}


async def handle(request):
    path = request.url.path
    runs[path] += 1
    if path == "/text":
        return PlainTextResponse("ok")
    failed = path == "/fails-once" and runs[path] == 1
    return JSONResponse({"by": path}, status_code=500 if failed else 200)


app = Starlette(routes=[Route(path, handle, methods=["POST"]) for path in runs])
app.add_middleware(IdempotencyHeaderMiddleware, backend=MemoryBackend())


async def main():
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://handler") as client:
        for number, paths in enumerate((("/fails-once",) * 2, ("/text",) * 2, ("/one", "/two"))):
            key = f"00000000-0000-4000-8000-00000000000{number}"
            for path in paths:
                answer = await client.post(path, headers={"Idempotency-Key": key})
                print(f"key {number}, {path}: {answer.status_code} {answer.text}, runs: {runs[path]}")


asyncio.run(main())
PY
seen=$(venv/bin/python retry.py)
expected='key 0, /fails-once: 500 {"by":"/fails-once"}, runs: 1
key 0, /fails-once: 500 {"by":"/fails-once"}, runs: 1
key 1, /text: 200 ok, runs: 1
key 1, /text: 200 ok, runs: 2
key 2, /one: 200 {"by":"/one"}, runs: 1
key 2, /two: 200 {"by":"/one"}, runs: 0'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
