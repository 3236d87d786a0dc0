#!/usr/bin/env bash
# bitrix24-rest 2.0.3 (Python): a phone loses its plus, a title ends at its "&".
#
# Expected: a client of a REST API encodes the values it sends. This one joins names and values
# into one text and hands that to aiohttp as `params`. aiohttp takes a text for a query that is
# encoded already, and corrects only what cannot stand in an address: it leaves "+" and "&", which
# PHP reads as a space and as the next parameter. So "+7 900 …" is stored as " 7 900 …" and
# "Romashka & Co" as "Romashka ". None and an empty list are stored as "None" and "[]".
# All of it is answered with HTTP 200. Everything stands in the address of a GET, also for `add`.
#
# Why it matters here: phones are what people are matched by, and in Russia they are written with +7.
# What follows: compare digits only, or use another client.
#
# Seen with aiohttp 3.14.5 on Python 3.11, read by PHP 8.2.33 (@php-wasm/node-8-2 3.1.56 on
# Node 20), 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  bitrix24-rest==2.0.3 aiohttp==3.14.5 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  @php-wasm/node-8-2@3.1.56 @php-wasm/universal@3.1.56 >/dev/null)

cd "$work"
cat >add.py <<'PY'
import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bitrix24 import Bitrix24


class Portal(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        print(self.path.partition("?")[2])
        content = b'{"result": 7}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=portal.serve_forever, daemon=True).start()
fields = {
    "TITLE": "Romashka & Co",
    "PHONE": [{"VALUE": "+7 900 000-00-00"}],
    "COMMENTS": None,
    "OBSERVERS": [],
}


async def main():
    bitrix = Bitrix24(f"http://127.0.0.1:{portal.server_port}/rest/1/secret")
    await bitrix.callMethod("crm.lead.add", {"fields": fields})


asyncio.run(main())
PY
cat >read.mjs <<'JS'
import { readFileSync } from "node:fs";
import { getPHPLoaderModule } from "@php-wasm/node-8-2";
import { PHP, loadPHPRuntime } from "@php-wasm/universal";

const php = new PHP(await loadPHPRuntime(await getPHPLoaderModule()));
const read = await php.run({
  code: "<?php parse_str(getenv('QUERY'), $read); echo json_encode($read);",
  env: { QUERY: readFileSync(0, "utf8").trim() },
});
console.log(read.text);
process.exit(0);
JS
seen=$(venv/bin/python add.py 2>/dev/null | node read.mjs)
expected='{"fields":{"TITLE":"Romashka ","PHONE":[{"VALUE":" 7 900 000-00-00"}],"COMMENTS":"None","OBSERVERS":"[]"},"Co":"","start":"0"}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
