#!/usr/bin/env bash
# Two clients that repeat a failed POST by themselves repeat it without its body.
#
# Expected: an attempt that is repeated holds what the first one held, or the client raises, since
# the body cannot be read twice. aiohttp-retry around aiohttp sends an empty body the second time
# if `data` is a BytesIO or an asynchronous generator, and superagent does so after its
# `retry` if the body is piped into it. The receiver answers 200 to the empty request, which is
# what the caller is told. Bytes, texts and forms are repeated whole; an opened file raises.
#
# Why it matters here: a relay that pipes a delivery on is the usual one, and a short failure of the
# receiver is what the retry is for: the event is lost with 200 on both sides.
# What follows: read the body first and send bytes; a receiver answers 400 to an empty one.
#
# Seen with aiohttp-retry 2.9.1 and aiohttp 3.14.5 on Python 3.11, superagent 10.4.2 on Node 20,
# 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  aiohttp-retry==2.9.1 aiohttp==3.14.5 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund superagent@10.4.2 >/dev/null)

cd "$work"
cat >retry.py <<'PY'
import asyncio
import io

from aiohttp import ClientSession, web
from aiohttp_retry import ExponentialRetry, RetryClient

attempts = []


async def fail_once(request):
    attempts.append(await request.text())
    return web.Response(status=503 if len(attempts) == 1 else 200)


async def stream():
    yield b"event=ONUSERADD"


async def main():
    app = web.Application()
    app.router.add_post("/", fail_once)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    bodies = {
        "bytes": b"event=ONUSERADD",
        "form": {"event": "ONUSERADD"},
        "BytesIO": io.BytesIO(b"event=ONUSERADD"),
        "generator": stream(),
    }
    for name, body in bodies.items():
        attempts.clear()
        options = ExponentialRetry(attempts=3)
        async with RetryClient(ClientSession(), retry_options=options) as client:
            async with client.post(url, data=body) as answer:
                print(f"aiohttp-retry, {name}: {attempts}, {answer.status}".replace("'", '"'))
    await runner.cleanup()


asyncio.run(main())
PY
cat >retry.js <<'JS'
const { createServer } = require("node:http");
const { Readable } = require("node:stream");
const superagent = require("superagent");

let attempts;
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    attempts.push(body);
    if (attempts.length === 1) request.socket.destroy();
    else response.end();
  });
});
server.listen(0, "127.0.0.1", async () => {
  const post = () => superagent.post(`http://127.0.0.1:${server.address().port}/`).type("form").retry(2);
  const senders = {
    text: () => post().send("event=ONUSERADD"),
    form: () => post().send({ event: "ONUSERADD" }),
    piped: () =>
      new Promise((resolve, reject) => {
        const request = post().on("response", resolve).on("error", reject);
        Readable.from(["event=ONUSERADD"]).pipe(request);
      }),
  };
  for (const [name, send] of Object.entries(senders)) {
    attempts = [];
    const { status } = await send();
    console.log(`superagent, ${name}: ["${attempts.join('", "')}"], ${status}`);
  }
  process.exit(0);
});
JS
seen=$(
  venv/bin/python retry.py 2>/dev/null
  node retry.js
)
expected='aiohttp-retry, bytes: ["event=ONUSERADD", "event=ONUSERADD"], 200
aiohttp-retry, form: ["event=ONUSERADD", "event=ONUSERADD"], 200
aiohttp-retry, BytesIO: ["event=ONUSERADD", ""], 200
aiohttp-retry, generator: ["event=ONUSERADD", ""], 200
superagent, text: ["event=ONUSERADD", "event=ONUSERADD"], 200
superagent, form: ["event=ONUSERADD", "event=ONUSERADD"], 200
superagent, piped: ["event=ONUSERADD", ""], 200'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
