#!/usr/bin/env bash
# Two Bitrix24 SDKs of PyPI sort what they write into a `batch`, and with it the order of a list.
#
# Expected: `order: {"LAST_NAME": "ASC", "ID": "ASC"}` sorts by name and then by id, in each way of
# calling. pybitrix24 and bitrix24-python3-client post a single call as JSON, which keeps it. For a
# command of a `batch` they write a query string, and go through `sorted(…)` of each dict for it, as
# multidimensional-urlencode does, which other clients use: ID comes first, and what follows after
# an id means nothing any more. Lists within stay as they are; empty ones are left out.
#
# Why it matters here: several lists are fetched in one batch, each "by status, the newest first", and
# come by date instead, so that the fifty rows of a first page are others. All of it is a success, and
# an order whose names happen to be in the alphabet's order is right.
# What follows: write such commands as text; both packages take a text as a command.
#
# Seen with pybitrix24 1.1.0, bitrix24-python3-client 0.4.0, multidimensional-urlencode 0.0.4 and
# requests 2.34.2 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pybitrix24==1.1.0 \
  bitrix24-python3-client==0.4.0 multidimensional-urlencode==0.0.4 requests==2.34.2 2>/dev/null

cat >"$work/ask.py" <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import bitrix24
import multidimensional_urlencode
import pybitrix24

PARAMETERS = {"order": {"STATUS": "ASC", "DATE": "DESC"}, "select": ["TITLE", "ID"], "filter": {">DATE": "2026"}}
posted = []


class Portal(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        content = b'{"result": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=portal.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{portal.server_port}/rest/"


def with_pybitrix24():
    client = pybitrix24.Bitrix24("portal.example.com", user_id=1)
    client._webhook_url_template = address + "{user_id}/{code}/"
    client.call_webhook("secret", "task.item.list", PARAMETERS)
    client.call_batch_webhook("secret", {"tasks": {"method": "task.item.list", "params": PARAMETERS}})


def with_bitrix24_python3_client():
    client = bitrix24.Bitrix24("portal.example.com", user_id=1)
    client._client_endpoint_template = address
    client.call_webhook("task.item.list", "secret", PARAMETERS)
    client.call_batch_webhook({"tasks": ("task.item.list", PARAMETERS)}, "secret")


def names(query):
    return [f"{name} {value}" for name, value in parse_qsl(query) if name.startswith("order")]


print(f"asked for: {PARAMETERS['order']}")
for call in (with_pybitrix24, with_bitrix24_python3_client):
    posted.clear()
    call()
    single, batch = posted
    name = call.__name__.removeprefix("with_")
    print(f"{name}, a call: {single['order']}")
    print(f"{name}, a batch: {names(batch['cmd']['tasks'].partition('?')[2])}")
print(f"multidimensional_urlencode: {names(multidimensional_urlencode.urlencode(PARAMETERS))}")
PY
seen=$("$work/venv/bin/python" "$work/ask.py")
expected=$(
  cat <<'SEEN'
asked for: {'STATUS': 'ASC', 'DATE': 'DESC'}
pybitrix24, a call: {'STATUS': 'ASC', 'DATE': 'DESC'}
pybitrix24, a batch: ['order[DATE] DESC', 'order[STATUS] ASC']
bitrix24_python3_client, a call: {'STATUS': 'ASC', 'DATE': 'DESC'}
bitrix24_python3_client, a batch: ['order[DATE] DESC', 'order[STATUS] ASC']
multidimensional_urlencode: ['order[DATE] DESC', 'order[STATUS] ASC']
SEEN
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
