#!/usr/bin/env bash
# PyBitrix 1.2.7 (Python): the second `callBatch` asks with the filters of the first and its own.
#
# Expected: a call does not change what it is given. `callBatch` appends its `batch_params` to the
# commands in the caller's dict. A dict that is made once and used for each round, which is why names
# and parameters are two arguments, grows: the second command has two "?", of which PHP counts the
# first. The new filter belongs to the last value of the old one and is not seen as a filter.
#
# Why it matters here: "what is new after 50" asks for what is after the text "0?filter[>ID]=50",
# which is 0 where PHP makes a number of it: each round gets the first page again, or nothing, as a
# success. The first round, and so a test, is right.
# What follows: `dict(COMMANDS)` in each call.
#
# Seen with requests 2.34.2 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check PyBitrix==1.2.7 requests==2.34.2 2>/dev/null

cat >"$work/poll.py" <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from pybitrix import PyBitrix


class Portal(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, _, query = posted["cmd"]["deals"].partition("?")
        print(f"  the portal reads {parse_qsl(query)}")
        content = b'{"result": {"result": {"deals": []}, "result_error": []}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=portal.serve_forever, daemon=True).start()
bitrix = PyBitrix(inbound_hook=f"http://127.0.0.1:{portal.server_port}/rest/1/secret")
COMMANDS = {"deals": "crm.deal.list"}
for last in (0, 50, 100):
    print(f"what is new after {last}:")
    bitrix.callBatch(COMMANDS, {"deals": [f"filter[>ID]={last}"]})
print(f"the commands: {COMMANDS}")
PY
seen=$("$work/venv/bin/python" "$work/poll.py")
expected=$(
  cat <<'SEEN'
what is new after 0:
  the portal reads [('filter[>ID]', '0')]
what is new after 50:
  the portal reads [('filter[>ID]', '0?filter[>ID]=50')]
what is new after 100:
  the portal reads [('filter[>ID]', '0?filter[>ID]=50?filter[>ID]=100')]
the commands: {'deals': 'crm.deal.list?filter[>ID]=0?filter[>ID]=50?filter[>ID]=100'}
SEEN
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
