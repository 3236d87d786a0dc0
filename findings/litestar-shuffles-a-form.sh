#!/usr/bin/env bash
# Litestar 2.25.0 (Python): `multi_items()` of a form has the fields in another order in each process.
#
# Expected: what lists all pairs of a form, for going through them or passing them on, lists them as
# they came, as Starlette's method of that name does. Litestar's goes through a set of the names, and
# Python orders texts in a set anew for each process. Values of one repeated name stay in order. So do
# the names in `dict(form)`, but of a repeated name that has the first value only. With a fixed
# PYTHONHASHSEED, or one field, nothing can be seen.
#
# Why it matters here: PHP keeps an array in the order it was sent in. `ROLE[1]=5&ROLE[0]=1` is no
# list for it: `json_encode` makes an object of it, and `reset()` gives the second. A relay that
# writes the form anew from these pairs does that in some of its processes.
# What follows: pass the body on, or `parse_qsl` it.
#
# Seen with Starlette 1.10.0 beside it on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  litestar==2.25.0 starlette==1.10.0 python-multipart==0.0.34 httpx==0.28.1 2>/dev/null

cat >"$work/read.py" <<'PY'
import asyncio
import sys

import httpx
import litestar
import starlette.applications
import starlette.requests
from starlette.responses import PlainTextResponse
from starlette.routing import Route

FORM = "event=ONUSERADD&ID=7&ROLE[0]=1&ROLE[1]=5&ROLE[2]=9&TO=1&TO=2&ts=1"


def write(form):
    return "&".join(f"{name}={value}" for name, value in form.multi_items())


@litestar.post("/")
async def with_litestar(request: litestar.Request) -> str:
    form = await request.form()
    return write(form) if sys.argv[1] == "multi_items" else "&".join("=".join(pair) for pair in dict(form).items())


async def with_starlette(request):
    return PlainTextResponse(write(await request.form()))


async def main():
    applications = {
        "Litestar": litestar.Litestar([with_litestar]),
        "Starlette": starlette.applications.Starlette(routes=[Route("/", with_starlette, methods=["POST"])]),
    }
    transport = httpx.ASGITransport(applications[sys.argv[2]])
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        print((await client.post("/", content=FORM, headers=headers)).text)


asyncio.run(main())
PY
python=$work/venv/bin/python
seen=$(
  for application in Litestar Starlette; do
    orders=$(for seed in 1 2 3 4 5; do PYTHONHASHSEED=$seed "$python" "$work/read.py" multi_items $application; done)
    # Which orders there are depends on the build of Python.
    count=$(sort -u <<<"$orders" | wc -l)
    echo "$application: $([ "$count" -gt 1 ] && echo "several orders" || echo "one order, $(head -1 <<<"$orders")")"
  done
  echo "Litestar, dict(form): $("$python" "$work/read.py" dict Litestar)"
)
expected='Litestar: several orders
Starlette: one order, event=ONUSERADD&ID=7&ROLE[0]=1&ROLE[1]=5&ROLE[2]=9&TO=1&TO=2&ts=1
Litestar, dict(form): event=ONUSERADD&ID=7&ROLE[0]=1&ROLE[1]=5&ROLE[2]=9&TO=1&ts=1'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
