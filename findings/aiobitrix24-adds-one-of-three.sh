#!/usr/bin/env bash
# aiobitrix24 0.4.4 (Python): of three items in one `batch_create` the portal is asked to add the last one,
# and what is emptied or switched off becomes "0" in a batch.
#
# Expected: `CRMItem(fields)` is complete without a name, since `name` is "" by default, so three of them
# make three commands. The name is the key of the command in `batch`: items without a name replace each
# other before anything is sent. The call raises nothing and returns a list of one.
# In the same commands each value that is false in Python, "" and None included, is written as "0", whereas
# `bx24.request` writes the same fields as they are. A title that is emptied is "0" from then on.
#
# Why it matters here: an import works in the test, with one item, and then adds a fiftieth of the
# list; a field that was emptied looks filled to each filter, and a phone "0" is dialled.
# What follows: give each item a name of its own, compare the number that comes back, and leave out of a
# batch what is empty.
#
# Seen with httpx 0.28.1 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check aiobitrix24==0.4.4 httpx==0.28.1 2>/dev/null

cat >"$work/create.py" <<'PY'
import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from aiobitrix24 import bx24
from aiobitrix24._crm import CRMItem

added = []


class Portal(BaseHTTPRequestHandler):
    """Adds what each command of a batch, or a single call, asks for."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        results = {}
        for name, command in body.get("cmd", {}).items():
            fields = dict(parse_qsl(urlsplit(command).query, keep_blank_values=True))
            added.append({key.removeprefix("fields[")[:-1]: value for key, value in fields.items() if "[" in key})
            results[name] = {"item": {"id": len(added)}}
        if "cmd" not in body:
            added.append(body["fields"])
        answer = json.dumps({"result": {"result": results, "result_error": []}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


async def main(url):
    bx24.url(url)
    bx24.timeout(0)
    items = [CRMItem({"title": title}) for title in ("one", "two", "three")]
    created = await CRMItem.batch_create(128, items)
    print(f"three items without names: added {[item['title'] for item in added]}, returned {len(created)}")
    added.clear()
    items = [CRMItem({"title": title}, name=title) for title in ("one", "two", "three")]
    created = await CRMItem.batch_create(128, items)
    print(f"three items with names: added {[item['title'] for item in added]}, returned {len(created)}")
    fields = {"title": "", "opened": False, "contactId": None}
    for way in ("a batch", "a request"):
        added.clear()
        if way == "a batch":
            await CRMItem.batch_create(128, [CRMItem(fields, name="a")])
        else:
            await bx24.request("crm.item.add", {"entityTypeId": 128, "fields": fields})
        print(f"emptied in {way}: {added[0]}")


server = HTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=server.serve_forever, daemon=True).start()
asyncio.run(main(f"http://127.0.0.1:{server.server_port}/"))
PY
seen=$("$work/venv/bin/python" "$work/create.py")
expected="three items without names: added ['three'], returned 1
three items with names: added ['one', 'two', 'three'], returned 3
emptied in a batch: {'title': '0', 'opened': '0', 'contactId': '0'}
emptied in a request: {'title': '', 'opened': False, 'contactId': None}"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
