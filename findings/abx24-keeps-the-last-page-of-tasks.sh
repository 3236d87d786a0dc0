#!/usr/bin/env bash
# abx24 1.1.2 (Python) fetches all pages of `tasks.task.list` and returns the last one.
#
# Expected: a client that follows `next` by itself puts the pages together, or returns them one by
# one. abx24 does so where a result is a list. Bitrix24's newer methods wrap the list in an object
# (`tasks`, `items`), and two such objects are merged as dicts: the later page replaces the earlier
# one, as a success. The number of requests is right, and so is a list of one page. bitrix24-rest,
# of which it is a fork, joins the rows since its version 2.
#
# Why it matters here: of 120 tasks 20 are there, and a comparison with them ends the links of the
# others.
# What follows: compare the number of rows with `total`, or page by hand.
#
# Seen with aiohttp 3.14.5 on Python 3.11, beside bitrix24-rest 2.0.3, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
install() {
  python3 -m venv "$work/$1"
  "$work/$1/bin/pip" install -q --disable-pip-version-check "${@:2}" 2>/dev/null
}
install abx24 abx24==1.1.2 aiohttp==3.14.5
install bitrix24-rest bitrix24-rest==2.0.3 aiohttp==3.14.5

cd "$work"
cat >read.py <<'PY'
import asyncio
import json
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

warnings.simplefilter("ignore")
requests = 0


class Portal(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        global requests
        requests += 1
        fields = parse_qs(urlsplit(self.path).query)
        total = 120 if fields["filter[GROUP_ID]"] == ["7"] else 40
        start = int(fields.get("start", ["0"])[0])
        rows = [{"id": str(number)} for number in range(start + 1, min(start + 50, total) + 1)]
        wrapped = {"user.get": rows, "tasks.task.list": {"tasks": rows}}
        method = urlsplit(self.path).path.rsplit("/", 1)[1].removesuffix(".json")
        answer = {"result": wrapped[method], "total": total}
        answer |= {"next": start + 50} if start + 50 < total else {}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=portal.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{portal.server_port}/rest/1/secret"
name = sys.argv[1]


def call(method, group):
    if name == "abx24":
        from abx24 import Bitrix24

        return asyncio.run(Bitrix24(address).call_method(method, filter={"GROUP_ID": group}))
    from bitrix24 import Bitrix24

    return Bitrix24(address).callMethod(method, {"filter": {"GROUP_ID": group}})


for method, group, total in (("user.get", 7, 120), ("tasks.task.list", 7, 120), ("tasks.task.list", 8, 40)):
    requests = 0
    rows = call(method, group)
    rows = rows if isinstance(rows, list) else rows["tasks"]
    print(f"{name}, {method}: {len(rows)} of {total} rows in {requests} requests")
PY
seen=$(for name in abx24 bitrix24-rest; do "$name/bin/python" read.py "$name"; done)
expected='abx24, user.get: 120 of 120 rows in 3 requests
abx24, tasks.task.list: 20 of 120 rows in 3 requests
abx24, tasks.task.list: 40 of 40 rows in 1 requests
bitrix24-rest, user.get: 120 of 120 rows in 3 requests
bitrix24-rest, tasks.task.list: 120 of 120 rows in 3 requests
bitrix24-rest, tasks.task.list: 40 of 40 rows in 1 requests'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
