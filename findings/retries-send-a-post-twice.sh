#!/usr/bin/env bash
# Of twelve clients that repeat requests by themselves, four send a POST again whose connection ended without
# an answer, axios-retry with its defaults among them, and four one that was answered with 503.
#
# Expected: a client that repeats by itself does so for methods that may be repeated, and leaves a POST
# alone unless it is told to. got, ky, undici, make-fetch-happen, httpx-retries and urllib3 do. The others:
# - axios-retry, whose condition is called `isNetworkOrIdempotentRequestError`, takes a connection that
#   was reset for a "network error", whatever the method, although the request may have been carried out;
# - fetch-retry repeats that too; superagent's `retry(n)` and ofetch's `retry: n`, once a number is
#   given, repeat it, and a 503 as well;
# - wretch's `retry` and aiohttp-retry repeat a POST that was answered with 503, and not the other.
#
# Why it matters here: `crm.deal.add` is a POST, and a portal behind a proxy that gives up waiting has added the
# deal. The library that was replaced had the same word in its options and did not do this.
# What follows: give each client a condition of your own, and an ORIGIN_ID to each deal.
#
# Seen with axios-retry 4.5.0 on axios 1.21.1, superagent 10.4.2, fetch-retry 6.0.0, ofetch 1.5.1, wretch
# 2.11.1, make-fetch-happen 15.0.6, undici 7.30.2, got 14.6.6 and ky 1.14.3 on Node 20, aiohttp-retry 2.9.1,
# httpx-retries 0.6.0 and urllib3 2.8.0 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check aiohttp-retry==2.9.1 aiohttp==3.14.5 \
  httpx-retries==0.6.0 httpx==0.28.1 requests==2.34.2 urllib3==2.8.0 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund superagent@10.4.2 fetch-retry@6.0.0 ofetch@1.5.1 \
  undici@7.30.2 make-fetch-happen@15.0.6 axios@1.21.1 axios-retry@4.5.0 got@14.6.6 ky@1.14.3 wretch@2.11.1 >/dev/null)

cd "$work"
cat >portal.py <<'PY'
"""A portal that adds a deal on each POST, and then answers nothing or 503."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

deals = 0


class Portal(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, content=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        global deals
        self.answer(200, str(deals).encode())
        deals = 0

    def do_POST(self):
        global deals
        self.rfile.read(int(self.headers["Content-Length"]))
        deals += 1
        self.close_connection = True
        if self.path == "/503":
            self.answer(503)


server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
PY
cat >clients.mjs <<'JS'
import axios from "axios";
import axiosRetry from "axios-retry";
import fetchRetry from "fetch-retry";
import got from "got";
import ky from "ky";
import makeFetchHappen from "make-fetch-happen";
import { ofetch } from "ofetch";
import superagent from "superagent";
import { Agent, fetch as undiciFetch, RetryAgent } from "undici";
import wretch from "wretch";
import { retry as wretchRetry } from "wretch/middlewares";

const portal = process.argv[2];
const body = "TITLE=Repair";
const retrying = fetchRetry(fetch);
const client = axios.create();
axiosRetry(client, { retries: 2 });
const dispatcher = new RetryAgent(new Agent(), { maxRetries: 2, minTimeout: 1 });
const wretchMiddlewares = [wretchRetry({ maxAttempts: 2, delayTimer: 1 })];
const clients = {
  "axios-retry": (url) => client.post(url, body),
  "fetch-retry": (url) => retrying(url, { method: "POST", body, retries: 2, retryDelay: 1 }),
  superagent: (url) => superagent.post(url).retry(2).send(body),
  ofetch: (url) => ofetch(url, { method: "POST", body, retry: 2 }),
  wretch: (url) => wretch(url).middlewares(wretchMiddlewares).post(body).res(),
  "make-fetch-happen": (url) => makeFetchHappen(url, { method: "POST", body, retry: { retries: 2, minTimeout: 1 } }),
  undici: (url) => undiciFetch(url, { method: "POST", body, dispatcher }),
  got: (url) => got.post(url, { body, retry: { limit: 2 } }),
  ky: (url) => ky.post(url, { body, retry: 2 }),
};
for (const [name, send] of Object.entries(clients)) {
  const deals = [];
  for (const path of ["/nothing", "/503"]) {
    await send(portal + path).catch(() => undefined);
    deals.push(await (await fetch(portal)).text());
  }
  console.log(`${name}: ${deals[0]} without an answer, ${deals[1]} with 503`);
}
process.exit(0);
JS
cat >clients.py <<'PY'
import asyncio
import sys

import aiohttp
import httpx
import requests
from aiohttp_retry import ExponentialRetry, RetryClient
from httpx_retries import Retry, RetryTransport
from requests.adapters import HTTPAdapter
from urllib3.util import Retry as UrllibRetry

portal = sys.argv[1]
fields = {"TITLE": "Repair"}


def with_aiohttp(url):
    async def send():
        options = ExponentialRetry(attempts=3, start_timeout=0.01)
        async with RetryClient(retry_options=options) as client, client.post(url, data=fields):
            pass

    asyncio.run(send())


def with_httpx(url):
    with httpx.Client(transport=RetryTransport(retry=Retry(total=2, backoff_factor=0))) as client:
        client.post(url, data=fields)


def with_urllib3(url):
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=UrllibRetry(total=2, status_forcelist=[503])))
    session.post(url, data=fields)


for name, send in {"aiohttp-retry": with_aiohttp, "httpx-retries": with_httpx, "urllib3": with_urllib3}.items():
    deals = []
    for path in ("/nothing", "/503"):
        try:
            send(portal + path)
        except (OSError, aiohttp.ClientError, httpx.HTTPError):
            pass
        deals.append(requests.get(portal, timeout=10).text)
    print(f"{name}: {deals[0]} without an answer, {deals[1]} with 503")
PY
venv/bin/python portal.py >address &
portal=$!
trap 'kill "$portal" 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do
  [ ! -s address ] || break
  sleep 0.1
done
seen=$(node clients.mjs "$(cat address)" 2>/dev/null && venv/bin/python clients.py "$(cat address)")
expected='axios-retry: 3 without an answer, 1 with 503
fetch-retry: 3 without an answer, 1 with 503
superagent: 3 without an answer, 3 with 503
ofetch: 3 without an answer, 3 with 503
wretch: 1 without an answer, 3 with 503
make-fetch-happen: 1 without an answer, 1 with 503
undici: 1 without an answer, 1 with 503
got: 1 without an answer, 1 with 503
ky: 1 without an answer, 1 with 503
aiohttp-retry: 1 without an answer, 3 with 503
httpx-retries: 1 without an answer, 1 with 503
urllib3: 1 without an answer, 1 with 503'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
