#!/usr/bin/env bash
# Bitrix24's own two SDKs return a part of a list as the whole list, as a success.
#
# Expected: a call that fetches all pages returns all rows, or fails.
# - b24pysdk fetches the pages after the first in a `batch` that halts at the first error. If the
#   portal refuses one page, as it does when a method has used up its time, `as_list` returns what
#   came before it, and `as_list_fast` ends there. A warning goes to the SDK's own logger, which by
#   default writes nothing.
# - @bitrix24/b24jssdk goes on from the last row's `ID`. If the rows have none, because `select` does
#   not name it or the method calls it `id` (as `crm.item.list` does, and `idKey` is for), it stops
#   after fifty rows, and `isSuccess` is true. The warning is for a logger that is off as well.
# fast_bitrix24 raises if a page is refused.
#
# Why it matters here: a reconciliation ends the links of people who are missing from such a list.
# What follows: compare the number of rows with `total` before anything is ended.
#
# Seen with b24pysdk 1.3.2 and fast_bitrix24 1.8.14 on Python 3.11, @bitrix24/b24jssdk 2.2.0 with
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
  b24pysdk==1.3.2 requests==2.34.2 fast-bitrix24==1.8.14 aiohttp==3.14.5 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  @bitrix24/b24jssdk@2.2.0 axios@1.21.1 >/dev/null)

cd "$work"
cat >portal.py <<'PY'
"""A portal of 230 people. In a batch it refuses the page that begins with the row of REFUSED."""

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

PEOPLE = 230
REFUSED = int(sys.argv[1])
TIME = {
    "start": 1,
    "finish": 2,
    "duration": 1,
    "processing": 1,
    "date_start": "2026-11-01T00:00:00+03:00",
    "date_finish": "2026-11-01T00:00:00+03:00",
    "operating": 0,
}
ERROR = {"error": "OPERATION_TIME_LIMIT", "error_description": "Method is blocked"}


def page(method, above, start, select):
    name = "id" if "item" in method else "ID"
    ids = [number for number in range(1, PEOPLE + 1) if number > above]
    rows = [{name: str(number), "NAME": "Anna"} for number in ids[start : start + 50]]
    rows = [{key: row[key] for key in row if not select or key in select} for row in rows]
    answer = {"result": {"items": rows} if name == "id" else rows, "total": len(ids)}
    return answer | ({"next": start + 50} if start + 50 < len(ids) else {})


def batch(commands, halt):
    sections = {"result": {}, "result_error": {}, "result_total": {}, "result_next": {}}
    last = 0
    for key, command in commands.items():
        method, _, query = command.partition("?")
        fields = {name: values[0] for name, values in parse_qs(query).items()}
        text = next((value for name, value in fields.items() if ">ID" in name.upper()), "0")
        above = int(text) if text.isdigit() else last
        start = max(0, int(fields.get("start", 0)))
        if REFUSED in (start, above):
            sections["result_error"][key] = ERROR
            if halt:
                break
            continue
        answer = page(method, above, start, None)
        last = int(answer["result"][-1]["ID"]) if answer["result"] else last
        sections["result"][key] = answer["result"]
        sections["result_total"][key] = answer["total"]
        if "next" in answer:
            sections["result_next"][key] = answer["next"]
    # PHP writes an empty array as a list.
    sections = {name: section or [] for name, section in sections.items()}
    return {"result": sections | {"result_time": []}}


class Portal(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "/batch" in self.path:
            commands = posted["cmd"]
            commands = commands if isinstance(commands, dict) else dict(enumerate(commands))
            answer = batch(commands, posted.get("halt"))
        else:
            above = int((posted.get("filter") or {}).get(">ID", (posted.get("filter") or {}).get(">id", 0)))
            start = max(0, int(posted.get("start") or 0))
            answer = page(self.path, above, start, posted.get("select"))
        content = json.dumps(answer | {"time": TIME}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
PY
cat >official.py <<'PY'
import sys

import requests
from b24pysdk import BitrixWebhook, Client
from fast_bitrix24 import Bitrix

# The SDK speaks HTTPS to a domain only: its requests are led to the loopback address.
send = requests.Session.send


def send_to_loopback(session, request, **options):
    request.url = request.url.replace("https://portal.example.com", sys.argv[1])
    return send(session, request, **options)


requests.Session.send = send_to_loopback
client = Client(BitrixWebhook(domain="portal.example.com", webhook_token="1/secret"))
calls = {
    "b24pysdk as_list": lambda: client.crm.contact.list(select=["ID"]).as_list().result,
    "b24pysdk as_list_fast": lambda: list(
        client.crm.contact.list(select=["ID"]).as_list_fast().result
    ),
    "fast_bitrix24 get_all": lambda: Bitrix(
        sys.argv[1] + "/rest/1/secret/", verbose=False
    ).get_all("crm.contact.list", params={"select": ["ID"]}),
}
for name, call in calls.items():
    try:
        print(f"{name}: {len(call())} of 230")
    except Exception as error:
        print(f"{name}: raised {type(error).__name__}")
PY
cat >official.mjs <<'JS'
import axios from "axios";

const http = axios.getAdapter("http");
axios.defaults.adapter = (config) =>
  http({ ...config, url: config.url.replace("https://portal.example.com", process.argv[2]) });
const { B24Hook } = await import("@bitrix24/b24jssdk");
const hook = B24Hook.fromWebhookUrl("https://portal.example.com/rest/1/secretsecret/");
const items = { method: "crm.item.list", params: { entityTypeId: 2 }, customKeyForResult: "items" };
const calls = {
  "contacts": { method: "crm.contact.list" },
  "contacts, NAME selected": { method: "crm.contact.list", params: { select: ["NAME"] } },
  "items": items,
  "items with idKey": { ...items, idKey: "id" },
};
for (const [name, options] of Object.entries(calls)) {
  const answer = await hook.actions.v2.callList.make(options);
  console.log(`b24jssdk callList, ${name}: ${answer.getData().length} of 230, isSuccess ${answer.isSuccess}`);
}
process.exit(0);
JS
run() {
  venv/bin/python portal.py "$1" >address &
  portal=$!
  for _ in $(seq 100); do
    [ ! -s address ] || break
    sleep 0.1
  done
  shift
  "$@" "$(cat address)" 2>/dev/null
  kill "$portal"
  : >address
}
seen=$(
  echo "no page is refused:"
  run -1 venv/bin/python official.py
  echo "the third page is refused:"
  run 100 venv/bin/python official.py
  echo "no page is refused:"
  run -1 node official.mjs
)
expected='no page is refused:
b24pysdk as_list: 230 of 230
b24pysdk as_list_fast: 230 of 230
fast_bitrix24 get_all: 230 of 230
the third page is refused:
b24pysdk as_list: 100 of 230
b24pysdk as_list_fast: 100 of 230
fast_bitrix24 get_all: raised ErrorInServerResponseException
no page is refused:
b24jssdk callList, contacts: 230 of 230, isSuccess true
b24jssdk callList, contacts, NAME selected: 50 of 230, isSuccess true
b24jssdk callList, items: 50 of 230, isSuccess true
b24jssdk callList, items with idKey: 230 of 230, isSuccess true'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
