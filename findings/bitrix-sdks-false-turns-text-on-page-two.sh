#!/usr/bin/env bash
# Two Bitrix24 SDKs ask for the first page of a list with one filter and for the others with another.
#
# Expected: `filter={"ACTIVE": False}` means the same on every page of one call. It does not:
# both SDKs post the first page as JSON, where the filter holds a boolean, and fetch all later
# pages in a `batch`, whose commands are query strings. There False becomes the text "False".
# A non-empty text is truthy in PHP, and Bitrix24 documents N, 0 or a real boolean for this
# filter. fast_bitrix24 also has a function that turns booleans into Y and N, but it converts the
# copy that is checked, not the parameters that are sent; its None becomes the text "None", that
# of b24pysdk an empty text.
#
# Why it matters here: a reconciliation that reads dismissed users (`ACTIVE: False`) is right on
# a portal of fifty people and asks another question from the fifty-first on, with HTTP 200.
# What follows: write "N" or 0 in filters, and check the field on every row that comes back.
#
# Seen with fast_bitrix24 1.8.14 and b24pysdk 1.3.2 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  fast-bitrix24==1.8.14 b24pysdk==1.3.2 requests==2.34.2 aiohttp==3.14.5 2>/dev/null

seen=$("$work/venv/bin/python" - 2>/dev/null <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from b24pysdk import BitrixWebhook, Client
from fast_bitrix24 import Bitrix

asked = []
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
    """A portal with sixty users: a page of fifty, then a page of ten."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "cmd" in body:
            name, command = next(iter(body["cmd"].items()))
            asked.append(command)
            result = {"result": {name: [{"ID": str(i)} for i in range(51, 61)]}, "result_error": []}
            result |= {"result_total": {name: 60}, "result_next": [], "result_time": {name: TIME}}
            answer = {"result": result, "time": TIME}
        else:
            asked.append(json.dumps(body["filter"]))
            users = [{"ID": str(i)} for i in range(1, 51)]
            answer = {"result": users, "next": 50, "total": 60, "time": TIME}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=portal.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{portal.server_port}"
users_filter = {"ACTIVE": False, "LAST_NAME": None}


def report(name, rows):
    first, later = asked
    command = [part for part in later.split("?")[1].split("&") if part.startswith("filter")]
    print(f"{name}, page one: {first}")
    print(f"{name}, page two: {' '.join(command)}")
    print(f"{name}, rows: {len(rows)}")
    asked.clear()


bitrix = Bitrix(address + "/rest/1/secret/", verbose=False)
report("fast_bitrix24", bitrix.get_all("user.get", {"filter": users_filter}))

# b24pysdk speaks HTTPS to a domain only: its requests are led to the loopback address.
send = requests.Session.send


def send_to_loopback(session, request, **options):
    request.url = request.url.replace("https://portal.example.com", address)
    return send(session, request, **options)


requests.Session.send = send_to_loopback
client = Client(BitrixWebhook(domain="portal.example.com", webhook_token="1/secret"))
report("b24pysdk", list(client.user.get(filter=users_filter).as_list().result))
PY
)
expected='fast_bitrix24, page one: {"ACTIVE": false, "LAST_NAME": null}
fast_bitrix24, page two: filter[ACTIVE]=False filter[LAST_NAME]=None
fast_bitrix24, rows: 60
b24pysdk, page one: {"ACTIVE": false, "LAST_NAME": null}
b24pysdk, page two: filter[ACTIVE]=False filter[LAST_NAME]=
b24pysdk, rows: 60'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
