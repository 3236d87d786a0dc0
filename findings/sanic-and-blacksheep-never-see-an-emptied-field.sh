#!/usr/bin/env bash
# Two frameworks for Python drop the empty fields of a form: "emptied" looks like "never mentioned".
#
# Expected: `PHONE=` in a form is a field with an empty value, as in PHP, Express, Django, Starlette,
# aiohttp and Flask. Sanic's `request.form` and BlackSheep's `request.form()` have no such field:
# both read by Python's `parse_qs`, whose default is to leave blank values out. Sanic has
# `get_form(keep_blank_values=True)` beside it; BlackSheep has no switch. Starlette and Quart, asked
# the same, have the field.
#
# Why it matters here: an empty field says that a value was taken away, such as the Telegram id of a
# person, and ends a link. Here the event arrives, is answered 200 and changes nothing.
# What follows: read the body, and `parse_qsl(body, keep_blank_values=True)`.
#
# Seen with Sanic 25.12.1, BlackSheep 2.6.4, Starlette 1.10.0 and Quart 0.22.0 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check sanic==25.12.1 sanic-testing==24.6.0 \
  blacksheep==2.6.4 starlette==1.10.0 python-multipart==0.0.34 quart==0.22.0 httpx==0.28.1 2>/dev/null

cat >"$work/read.py" <<'PY'
import asyncio
import logging

import blacksheep
import httpx
import quart
import sanic
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

logging.disable(logging.CRITICAL)
FORM = "event=ONUSERUPDATE&ID=7&PHONE=&NAME=Anna"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
sanic_application = sanic.Sanic("gateway")
blacksheep_application = blacksheep.Application()
quart_application = quart.Quart("gateway")


@sanic_application.post("/")
async def with_form(request):
    return sanic.text(" ".join(request.form))


@sanic_application.post("/blank")
async def with_blank_values(request):
    return sanic.text(" ".join(request.get_form(keep_blank_values=True)))


@blacksheep_application.router.post("/")
async def with_blacksheep(request: blacksheep.Request):
    return blacksheep.text(" ".join(await request.form()))


@quart_application.post("/")
async def with_quart():
    return " ".join(await quart.request.form)


async def with_starlette(request):
    return PlainTextResponse(" ".join(await request.form()))


async def main():
    print(f"posted: {FORM}")
    for path in ("/", "/blank"):
        _, answer = await sanic_application.asgi_client.post(path, content=FORM, headers=HEADERS)
        print(f"Sanic, {path}: {answer.status} {answer.text}")
    await blacksheep_application.start()
    applications = {
        "BlackSheep": blacksheep_application,
        "Quart": quart_application,
        "Starlette": Starlette(routes=[Route("/", with_starlette, methods=["POST"])]),
    }
    for name, application in applications.items():
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
            answer = await client.post("/", content=FORM, headers=HEADERS)
            print(f"{name}: {answer.status_code} {answer.text}")


asyncio.run(main())
PY
seen=$(cd "$work" && venv/bin/python read.py)
expected='posted: event=ONUSERUPDATE&ID=7&PHONE=&NAME=Anna
Sanic, /: 200 event ID NAME
Sanic, /blank: 200 event ID PHONE NAME
BlackSheep: 200 event ID NAME
Quart: 200 event ID PHONE NAME
Starlette: 200 event ID PHONE NAME'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
