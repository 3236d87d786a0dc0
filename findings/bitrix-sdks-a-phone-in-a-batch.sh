#!/usr/bin/env bash
# One contact with a phone, put into a `batch` by four Python SDKs of Bitrix24: PHP reads the phone
# of two.
#
# Expected: an SDK writes a `batch` command so that the portal reads what it reads from a single
# call, and a phone is the most common field of CRM: a list of objects.
# - pybitrix24 writes each object of the list as Python prints a dict: the phone's value is a text
#   with braces and quotes.
# - aiobitrix24 forgets all names above the last: the phone is a parameter "0" of its own, beside
#   `fields`, and so is every list inside a filter. It writes an emptied field as "0": the comment
#   that was to be deleted becomes a zero.
# - fast_bitrix24 and Bitrix24's own b24pysdk are read right.
# None of them raises anything.
#
# Why it matters here: Bitrix24 ignores parameters that it does not know, with HTTP 200.
# What follows: read one record back after the first batch with any SDK.
#
# Seen with pybitrix24 1.1.0, aiobitrix24 0.4.4, fast_bitrix24 1.8.14 and b24pysdk 1.3.2 on Python
# 3.11, read by PHP 8.2.33 (@php-wasm/node-8-2 3.1.56 on Node 20), 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pybitrix24==1.1.0 aiobitrix24==0.4.4 \
  fast-bitrix24==1.8.14 b24pysdk==1.3.2 requests==2.34.2 aiohttp==3.14.5 httpx==0.28.1 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  @php-wasm/node-8-2@3.1.56 @php-wasm/universal@3.1.56 >/dev/null)

cd "$work"
cat >write.py <<'PY'
import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

import pybitrix24.requester
import requests
from aiobitrix24 import BatchQuery, bx24
from b24pysdk import BitrixWebhook, Client
from fast_bitrix24 import Bitrix
from pybitrix24 import Bitrix24

TIME = {
    "start": 1,
    "finish": 2,
    "duration": 1,
    "processing": 1,
    "date_start": "2026-11-01T00:00:00+03:00",
    "date_finish": "2026-11-01T00:00:00+03:00",
    "operating": 0,
}
commands = []


class Portal(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        cmd = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["cmd"]
        commands.extend(cmd.values() if isinstance(cmd, dict) else cmd)
        result = {"result": dict.fromkeys(cmd, 7), "result_error": [], "result_next": []}
        result |= {"result_total": [], "result_time": dict.fromkeys(cmd, TIME)}
        content = json.dumps({"result": result, "time": TIME}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=portal.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{portal.server_port}"
method = "crm.contact.update"
parameters = {
    "ID": 7,
    "fields": {"COMMENTS": "", "PHONE": [{"VALUE": "+7 900 000-00-00", "VALUE_TYPE": "WORK"}]},
}

# Two of the SDKs speak HTTPS to a domain only: their requests are led to the loopback address.
send = requests.Session.send


def send_to_loopback(session, request, **options):
    request.url = request.url.replace("https://portal.example.com", address)
    return send(session, request, **options)


def open_on_loopback(request):
    request.full_url = request.full_url.replace("https://portal.example.com", address)
    return urlopen(request)


requests.Session.send = send_to_loopback
pybitrix24.requester.urlopen = open_on_loopback


def by_pybitrix24():
    bitrix = Bitrix24("portal.example.com", user_id=1)
    bitrix.call_batch_webhook("secret", {"contact": (method, parameters)})


def by_aiobitrix24():
    bx24.url(address + "/rest/1/secret/")
    asyncio.run(bx24.batch_request([BatchQuery("contact", method, parameters)]))


def by_fast_bitrix24():
    Bitrix(address + "/rest/1/secret/", verbose=False).call(method, [parameters, {"ID": 8}])


def by_b24pysdk():
    client = Client(BitrixWebhook(domain="portal.example.com", webhook_token="1/secret"))
    request = client.crm.contact.update(bitrix_id=7, fields=parameters["fields"])
    client.call_batch({"contact": request}).response  # noqa: B018


for write in (by_pybitrix24, by_aiobitrix24, by_fast_bitrix24, by_b24pysdk):
    write()
    query = commands[0].partition("?")[2]
    print(json.dumps({"sdk": write.__name__[3:], "query": query}), flush=True)
    commands.clear()
PY
cat >read.mjs <<'JS'
import { createInterface } from "node:readline";
import { getPHPLoaderModule } from "@php-wasm/node-8-2";
import { PHP, loadPHPRuntime } from "@php-wasm/universal";

const php = new PHP(await loadPHPRuntime(await getPHPLoaderModule()));
for await (const line of createInterface({ input: process.stdin })) {
  const { sdk, query } = JSON.parse(line);
  const read = await php.run({
    code: "<?php parse_str(getenv('QUERY'), $read); $read = array_diff_key($read, ['ID' => 0, 'id' => 0, '__order' => 0]); echo json_encode($read);",
    env: { QUERY: query },
  });
  console.log(`${sdk}: ${read.text}`);
}
process.exit(0);
JS
seen=$(venv/bin/python write.py 2>errors | node read.mjs) || cat errors
expected='pybitrix24: {"fields":{"COMMENTS":"","PHONE":["{'"'VALUE': '+7 900 000-00-00', 'VALUE_TYPE': 'WORK'"'}"]}}
aiobitrix24: {"fields":{"COMMENTS":"0"},"0":{"VALUE":"+7 900 000-00-00","VALUE_TYPE":"WORK"}}
fast_bitrix24: {"fields":{"COMMENTS":"","PHONE":[{"VALUE":"+7 900 000-00-00","VALUE_TYPE":"WORK"}]}}
b24pysdk: {"fields":{"COMMENTS":"","PHONE":[{"VALUE":"+7 900 000-00-00","VALUE_TYPE":"WORK"}]}}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
