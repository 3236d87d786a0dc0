#!/usr/bin/env bash
# Two Bitrix24 SDKs make a deal twice when the answer to `crm.deal.add` is lost.
#
# Expected: a client repeats by itself what is safe to repeat, and no POST whose connection ended
# after the request was sent: the portal may have done it. fast_bitrix24 and Bitrix24's own
# @bitrix24/b24jssdk repeat every method in this case, `add` too, and report the second answer
# alone, as a success. The JavaScript SDK repeats its `bx24_request_id` too; whether a portal
# recognises a repetition by it can only be seen on a portal. Bitrix24's Python SDK, b24pysdk,
# raises an error at once.
#
# Why it matters here: a handler that is itself called again by a queue adds one repetition to the
# other, and the duplicate has no trace in any log of the caller.
# What follows: search before you add (an ORIGIN_ID of your own), with any of these SDKs.
#
# Seen with fast_bitrix24 1.8.14 and b24pysdk 1.3.2 on Python 3.11, @bitrix24/b24jssdk 2.2.0 with
# axios 1.21.1 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
portal=
cleanup() {
  [ -z "$portal" ] || kill "$portal" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  fast-bitrix24==1.8.14 b24pysdk==1.3.2 requests==2.34.2 aiohttp==3.14.5 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  @bitrix24/b24jssdk@2.2.0 axios@1.21.1 >/dev/null)

cd "$work"
cat >portal.py <<'PY'
"""A portal that adds a deal on every POST and closes the first connection without an answer."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

deals = 0
TIME = {
    "start": 1,
    "finish": 2,
    "duration": 1,
    "processing": 1,
    "date_start": "2026-11-01T00:00:00+03:00",
    "date_finish": "2026-11-01T00:00:00+03:00",
    "operating": 0,
}


class Portal(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, value):
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        global deals
        self.answer(deals)
        deals = 0

    def do_POST(self):
        global deals
        self.rfile.read(int(self.headers["Content-Length"]))
        deals += 1
        if deals == 1:
            self.close_connection = True
        else:
            self.answer({"result": deals, "time": TIME})


server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
PY
cat >fast.py <<'PY'
import sys

from fast_bitrix24 import Bitrix

bitrix = Bitrix(sys.argv[1] + "/rest/1/secret/", verbose=False)
print("returned", bitrix.call("crm.deal.add", {"fields": {"TITLE": "Repair"}}))
PY
cat >official.py <<'PY'
import sys

import requests
from b24pysdk import BitrixWebhook, Client

# The SDK speaks HTTPS to a domain only: its requests are led to the loopback address.
send = requests.Session.send


def send_to_loopback(session, request, **options):
    request.url = request.url.replace("https://portal.example.com", sys.argv[1])
    return send(session, request, **options)


requests.Session.send = send_to_loopback
client = Client(BitrixWebhook(domain="portal.example.com", webhook_token="1/secret"))
try:
    print("returned", client.crm.deal.add(fields={"TITLE": "Repair"}).result)
except Exception as error:
    print("raised", type(error).__name__)
PY
cat >official.mjs <<'JS'
import axios from "axios";

// The SDK speaks HTTPS to a domain only: its requests are led to the loopback address.
const http = axios.getAdapter("http");
const requestIds = [];
axios.defaults.adapter = (config) => {
  requestIds.push(new URL(config.url).searchParams.get("bx24_request_id"));
  return http({ ...config, url: config.url.replace("https://portal.example.com", process.argv[2]) });
};
const { B24Hook } = await import("@bitrix24/b24jssdk");
const hook = B24Hook.fromWebhookUrl("https://portal.example.com/rest/1/secretsecret/");
const answer = await hook.actions.v2.call.make({
  method: "crm.deal.add",
  params: { fields: { TITLE: "Repair" } },
});
const same = new Set(requestIds).size === 1 ? "the same" : "another";
console.log(`returned ${answer.getData().result}, ${requestIds.length} requests, ${same} bx24_request_id`);
JS
venv/bin/python portal.py >address &
portal=$!
for _ in $(seq 100); do
  [ ! -s address ] || break
  sleep 0.1
done
address=$(cat address)
deals() { curl -s "$address"; }
seen=$(
  echo "fast_bitrix24: $(venv/bin/python fast.py "$address" 2>/dev/null), deals: $(deals)"
  echo "@bitrix24/b24jssdk: $(node official.mjs "$address" 2>/dev/null), deals: $(deals)"
  echo "b24pysdk: $(venv/bin/python official.py "$address" 2>/dev/null), deals: $(deals)"
)
expected='fast_bitrix24: returned 2, deals: 2
@bitrix24/b24jssdk: returned 2, 2 requests, the same bx24_request_id, deals: 2
b24pysdk: raised BitrixRequestError, deals: 1'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
