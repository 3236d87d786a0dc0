#!/usr/bin/env bash
# smee-client 5.0.0 (npm): behind it a correctly signed delivery is not verified, unless its sender writes JSON
# exactly as JavaScript does.
#
# Expected: a relay for webhooks passes on what came, so that the receiver can check the signature that it
# passes on too. The client gets the event as parsed JSON and writes it again with `JSON.stringify`, as
# application/json and as a POST, whatever came. GitHub's deliveries survive that, since GitHub writes
# JSON in the same way. Those of PHP (escaped slashes, escaped letters) and Python (a space after each
# comma and colon), and numbers such as 1.0, do not; an integer above 2^53 even changes its value.
# The answer of the receiver goes to the client's log only: the sender saw 200 before.
#
# Why it matters here: smee is what GitHub's documentation names for developing a receiver of webhooks, so
# it is taken for those of others too. The check of signatures that fails only there gets switched off,
# or is written to sign the parsed body anew, which fails as soon as it is deployed.
# What follows: a tunnel that passes bytes on, for any sender but GitHub.
#
# Seen on Node 20, 2026-11-27. smee.io is played here by what its source sends: the headers, the parsed body
# and the query as one object in an event stream.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund smee-client@5.0.0 >/dev/null)

cd "$work"
cat >relay.mjs <<'JS'
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import SmeeClient from "smee-client";

const sign = (body) => createHmac("sha256", "secret").update(body).digest("hex");
const listen = async (handle) => {
  const server = createServer(handle);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}`;
};
let stream;
const smee = await listen((request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("id: 0\nevent: ready\ndata: {}\n\n");
  stream = response;
});
let received;
const receiver = await listen(async (request, response) => {
  const body = (await request.toArray()).join("");
  const verified = sign(body) === request.headers["x-signature"] ? "verified" : "NOT verified";
  response.end();
  received(`${verified}, received ${body}`);
});
const silent = { info: () => undefined, error: () => undefined };
const client = new SmeeClient({ source: `${smee}/channel`, target: receiver, logger: silent });
await client.start();

const bodies = {
  "GitHub, compact": '{"id":7,"url":"https://example.com/7"}',
  "PHP, json_encode": '{"id":7,"url":"https:\\/\\/example.com\\/7"}',
  "Python, json.dumps": '{"id": 7, "url": "https://example.com/7"}',
  "a price": '{"price":1.0}',
  "a long id": '{"id":9007199254740993}',
};
for (const [name, body] of Object.entries(bodies)) {
  const delivery = { "content-type": "application/json", "x-signature": sign(body), query: {} };
  const seen = new Promise((resolve) => (received = resolve));
  stream.write(`id: 1\ndata: ${JSON.stringify({ ...delivery, body: JSON.parse(body) })}\n\n`);
  console.log(`${name}: ${await seen}`);
}
process.exit(0);
JS
seen=$(node relay.mjs)
expected='GitHub, compact: verified, received {"id":7,"url":"https://example.com/7"}
PHP, json_encode: NOT verified, received {"id":7,"url":"https://example.com/7"}
Python, json.dumps: NOT verified, received {"id":7,"url":"https://example.com/7"}
a price: NOT verified, received {"price":1}
a long id: NOT verified, received {"id":9007199254740992}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
