#!/usr/bin/env bash
# cloudevents 10.0.0 (JavaScript) passes seven bytes on as twenty-eight.
#
# Expected: an event that comes in structured mode with `data_base64` and goes out in binary mode
# carries the same bytes. The reader decodes base64 into a Uint32Array, one element a byte, and
# the writer gives that array out as the body. `fetch` sends the memory behind it: each byte is
# followed by three zero bytes, under the right Content-Type. The SDK's own `httpTransport`
# raises a TypeError instead, since Node's http writes Uint8Array only. Printing the array, or
# comparing its elements, shows nothing wrong; passing the event on in structured mode is right.
#
# Why it matters here: a form is carried between runtimes as bytes, so a relay in Node turns
# "event=A" into a body in which no name or token can be found.
# What follows: `Buffer.from(event.data)`, or decode `event.data_base64`.
#
# Seen on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund cloudevents@10.0.0 >/dev/null)

cd "$work"
cat >relay.js <<'JS'
const { createServer } = require("node:http");
const { HTTP, emitterFor, httpTransport } = require("cloudevents");

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    console.log("arrived:", request.headers["content-type"], body.length, JSON.stringify(String(body)));
    response.end();
  });
});
server.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  const event = HTTP.toEvent({
    headers: { "content-type": "application/cloudevents+json" },
    body: JSON.stringify({
      specversion: "1.0",
      id: "1",
      source: "/portal",
      type: "t",
      datacontenttype: "application/x-www-form-urlencoded",
      data_base64: Buffer.from("event=A").toString("base64"),
    }),
  });
  console.log("read:", event.data.constructor.name, Buffer.from(event.data).toString());
  const { headers, body } = HTTP.binary(event);
  await fetch(url, { method: "POST", headers, body });
  await emitterFor(httpTransport(url))(event).catch((error) =>
    console.log("the SDK's transport:", error.name, error.code),
  );
  console.log("structured:", JSON.parse(HTTP.structured(event).body).data_base64);
  process.exit(0);
});
JS
seen=$(node relay.js)
expected='read: Uint32Array event=A
arrived: application/x-www-form-urlencoded 28 "e\u0000\u0000\u0000v\u0000\u0000\u0000e\u0000\u0000\u0000n\u0000\u0000\u0000t\u0000\u0000\u0000=\u0000\u0000\u0000A\u0000\u0000\u0000"
the SDK'"'"'s transport: TypeError ERR_INVALID_ARG_TYPE
structured: ZXZlbnQ9QQ=='
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
