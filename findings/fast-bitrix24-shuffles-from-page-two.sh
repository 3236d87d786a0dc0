#!/usr/bin/env bash
# fast_bitrix24: `get_all` asks the portal for rows in the order of their ids, and shuffles them.
#
# Expected: a method that adds `order: {"ID": "ASC"}` to every request, and forbids an order of
# one's own, returns rows in this order. It does for up to fifty rows. As soon as there is a
# second page, all rows go through a Python set of their pickles, to drop repeated ones, so they
# come out in the order of hashes that Python draws anew for each process.
#
# Why it matters here: "take the last row's id and go on from there" skips people on portals of
# more than fifty, each time others; a test with a fixed PYTHONHASHSEED, or fewer rows, is green.
# What follows: sort what it returns.
#
# Seen with fast_bitrix24 1.8.14 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  fast-bitrix24==1.8.14 aiohttp==3.14.5 2>/dev/null

cd "$work"
cat >walk.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fast_bitrix24 import Bitrix

rows = [{"ID": str(number)} for number in range(1, int(sys.argv[1]) + 1)]
asked = []


class Portal(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "cmd" in body:
            ((name, command),) = body["cmd"].items()
            asked.append("order[ID]=ASC" in command)
            result = {"result": {name: rows[50:]}, "result_error": [], "result_next": []}
            answer = {"result": result | {"result_total": {name: len(rows)}}}
        else:
            asked.append(body["order"] == {"ID": "ASC"})
            answer = {"result": rows[:50], "total": len(rows)}
            answer |= {"next": 50} if len(rows) > 50 else {}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=portal.serve_forever, daemon=True).start()
bitrix = Bitrix(f"http://127.0.0.1:{portal.server_port}/rest/1/secret/", verbose=False)
returned = [int(row["ID"]) for row in bitrix.get_all("user.get")]
in_order = "in order" if returned == sorted(returned) else "not in order"
whole = len(returned) == len(rows) and set(returned) == set(range(1, len(rows) + 1))
print(f"{len(rows)} rows, asked for by ID: {all(asked)}, all there: {whole}, {in_order}")
PY
seen=$(
  for hash_seed in 1 2; do
    PYTHONHASHSEED=$hash_seed venv/bin/python walk.py 50 2>/dev/null
    PYTHONHASHSEED=$hash_seed venv/bin/python walk.py 60 2>/dev/null
  done
)
expected='50 rows, asked for by ID: True, all there: True, in order
60 rows, asked for by ID: True, all there: True, not in order
50 rows, asked for by ID: True, all there: True, in order
60 rows, asked for by ID: True, all there: True, not in order'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
