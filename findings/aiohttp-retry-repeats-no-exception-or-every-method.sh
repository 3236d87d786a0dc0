#!/usr/bin/env bash
# aiohttp-retry 2.9.1 (Python): by default it repeats nothing that raised, and once it does, it repeats POST too,
# whatever `methods` says.
#
# Expected: the readme has `exceptions`, "on which exceptions we should retry, by default on all", and `methods`,
# "on which HTTP methods we should retry". No exceptions by default means none: a GET whose connection
# breaks, the most harmless thing to repeat, raises after its first attempt, although three were asked for
# (aiohttp itself sends a GET twice in this case, so six requests are three attempts).
# With `exceptions={aiohttp.ClientError}` a broken connection is repeated, and there the method is not
# looked at: `methods={"GET"}` holds back a POST that was answered with 503, which has done nothing,
# and repeats one whose answer was lost, which may have done everything.
#
# Why it matters here: both halves of "repeat reads, never writes" come out the other way round. The tests of
# it, which answer 503, pass.
# What follows: a RetryClient for reading, with `exceptions`, and another session for writing, without.
#
# Seen with aiohttp 3.14.5 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check aiohttp-retry==2.9.1 aiohttp==3.14.5 2>/dev/null

cat >"$work/repeat.py" <<'PY'
import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
from aiohttp_retry import ExponentialRetry, RetryClient

count = 0


class Portal(BaseHTTPRequestHandler):
    """Counts what it is asked for, and answers 503 or, with the path /lost, nothing."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        global count
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        count += 1
        self.close_connection = True
        if self.path == "/503":
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_POST = do_GET


async def measure(name, method, path, **options):
    global count
    count = 0
    retry = ExponentialRetry(attempts=3, start_timeout=0.01, **options)
    async with RetryClient(retry_options=retry) as client:
        try:
            async with client.request(method, url + path):
                pass
        except aiohttp.ClientError:
            pass
    print(f"{name}: {method} {path[1:]} requested {count} times")


async def main():
    reads = {"methods": {"GET"}, "exceptions": {aiohttp.ClientError}}
    await measure("as it comes", "GET", "/lost")
    await measure("as it comes", "GET", "/503")
    for method in ("GET", "POST"):
        for path in ("/lost", "/503"):
            await measure("methods GET, exceptions ClientError", method, path, **reads)


server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
asyncio.run(main())
PY
seen=$("$work/venv/bin/python" "$work/repeat.py")
expected='as it comes: GET lost requested 2 times
as it comes: GET 503 requested 3 times
methods GET, exceptions ClientError: GET lost requested 6 times
methods GET, exceptions ClientError: GET 503 requested 3 times
methods GET, exceptions ClientError: POST lost requested 3 times
methods GET, exceptions ClientError: POST 503 requested 1 times'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
