#!/usr/bin/env bash
# fast_bitrix24: a filter such as {"=STATUS_ID": ["NEW", "WON"]} is gone from the second page on.
#
# Expected: the library percent-encodes what it writes into `batch`, so the comparison prefixes of
# Bitrix24's filters (=, >=, !=) survive. It does encode the name of a filter that holds one
# value. The name of a filter that holds a list goes into the query string as it is, and PHP ends
# a parameter's name at the first "=": the field becomes a parameter `filter_` of its own.
# Bitrix24 ignores unknown parameters, so every later page holds rows that were never asked for.
# A "%" at the front of a name (Bitrix24's LIKE) makes the library's printf-style template raise
# ValueError or TypeError, which no list of up to fifty rows shows: page one goes out as JSON.
#
# Why it matters here: a job that passed its tests on a small portal reads the wrong people on a
# large one, or stops there. What follows: check the filtered field on every row that comes back.
#
# Seen with fast_bitrix24 1.8.14 on Python 3.11, read by PHP 8.2.33 (@php-wasm/node-8-2 3.1.56 on
# Node 20), 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  fast-bitrix24==1.8.14 aiohttp==3.14.5 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  @php-wasm/node-8-2@3.1.56 @php-wasm/universal@3.1.56 >/dev/null)

cd "$work"
cat >ask.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fast_bitrix24 import Bitrix

asked = []


class Portal(BaseHTTPRequestHandler):
    """A portal whose list has sixty rows: a page of fifty, then a page of ten."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked.append(body)
        if "cmd" in body:
            (name,) = body["cmd"]
            result = {"result": {name: [{"ID": str(i)} for i in range(51, 61)]}, "result_error": []}
            answer = {"result": result | {"result_total": {name: 60}, "result_next": []}}
        else:
            rows = [{"ID": str(i)} for i in range(1, 51)]
            answer = {"result": rows, "next": 50, "total": 60}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=portal.serve_forever, daemon=True).start()
bitrix = Bitrix(f"http://127.0.0.1:{portal.server_port}/rest/1/secret/", verbose=False)
for wanted in (
    {"=STATUS_ID": "NEW"},
    {"=STATUS_ID": ["NEW", "WON"]},
    {"%TITLE": "repair"},
    {"%TITLE": ["repair", "delivery"]},
):
    asked.clear()
    try:
        rows = len(bitrix.get_all("crm.lead.list", {"filter": wanted}))
        (command,) = asked[1]["cmd"].values()
        seen = {"query": command.split("?")[1].split("&order")[0], "rows": rows}
    except ValueError as error:
        seen = {"raised": f"ValueError: {error}"}
    print(json.dumps({"wanted": wanted, "page_one": asked[0]["filter"], "later": seen}), flush=True)
PY
cat >read.mjs <<'JS'
import { createInterface } from "node:readline";
import { getPHPLoaderModule } from "@php-wasm/node-8-2";
import { PHP, loadPHPRuntime } from "@php-wasm/universal";

const php = new PHP(await loadPHPRuntime(await getPHPLoaderModule()));
for await (const line of createInterface({ input: process.stdin })) {
  const { wanted, page_one, later } = JSON.parse(line);
  console.log("wanted:  ", JSON.stringify(wanted));
  console.log("page one:", JSON.stringify(page_one));
  if (later.raised) {
    console.log("page two:", later.raised);
    continue;
  }
  const read = await php.run({
    code: "<?php parse_str(getenv('QUERY'), $read); echo json_encode($read);",
    env: { QUERY: later.query },
  });
  console.log("page two:", read.text, `(${later.rows} rows)`);
}
process.exit(0);
JS
seen=$(venv/bin/python ask.py 2>/dev/null | node read.mjs)
expected='wanted:   {"=STATUS_ID":"NEW"}
page one: {"=STATUS_ID":"NEW"}
page two: {"filter":{"=STATUS_ID":"NEW"}} (60 rows)
wanted:   {"=STATUS_ID":["NEW","WON"]}
page one: {"=STATUS_ID":["NEW","WON"]}
page two: {"filter_":"STATUS_ID][1]=WON"} (60 rows)
wanted:   {"%TITLE":"repair"}
page one: {"%TITLE":"repair"}
page two: {"filter":{"%TITLE":"repair"}} (60 rows)
wanted:   {"%TITLE":["repair","delivery"]}
page one: {"%TITLE":["repair","delivery"]}
page two: ValueError: unsupported format character '"'T'"' (0x54) at index 8'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
