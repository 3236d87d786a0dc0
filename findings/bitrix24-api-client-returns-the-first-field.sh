#!/usr/bin/env bash
# bitrix24-api-client 0.1.2 (Python): a deal comes back as its id, and a `batch` without its errors.
#
# Expected: `call_method` returns what stands under `result`. If that is an object, the client
# returns the value of its first key, whichever that is. It is meant for `{"items": […]}` and right
# there. `crm.deal.get` and `user.current` give the id, a text, and no other field. Of a `batch`,
# whose first key is `result`, the part with the results is left: `result_error`, in which Bitrix24
# says which commands failed, is gone, so that a batch with a failure looks like one without, but
# shorter. An empty object raises IndexError.
#
# Why it matters here: a deal that is compared or stored as a whole is a number from then on, and
# commands of a batch that were refused are not tried again.
# What follows: give the client a `response_formatter` of your own that returns `result`.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  bitrix24-api-client==0.1.2 requests==2.34.2 2>/dev/null

cat >"$work/call.py" <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bitrix24_client import Bitrix24Client

REFUSED = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
ANSWERS = {
    "crm.item.list": {"items": [{"id": 1}, {"id": 2}]},
    "crm.deal.get": {"ID": "7405", "TITLE": "Romashka", "STAGE_ID": "WON"},
    "user.current": {"ID": "7", "ACTIVE": True, "NAME": "Anna"},
    "batch": {"result": {"first": 1}, "result_error": {"second": REFUSED}, "result_next": []},
}


class Portal(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        content = json.dumps({"result": ANSWERS[self.path.rsplit("/", 1)[1]]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=portal.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{portal.server_port}"
with Bitrix24Client(base_url=address, access_token="secret", user_id=1) as client:
    for method, answer in ANSWERS.items():
        print(f"{method}: {json.dumps(answer)}")
        print(f"  is returned as {json.dumps(client.call_method(method))}")
PY
seen=$("$work/venv/bin/python" "$work/call.py")
expected='crm.item.list: {"items": [{"id": 1}, {"id": 2}]}
  is returned as [{"id": 1}, {"id": 2}]
crm.deal.get: {"ID": "7405", "TITLE": "Romashka", "STAGE_ID": "WON"}
  is returned as "7405"
user.current: {"ID": "7", "ACTIVE": true, "NAME": "Anna"}
  is returned as "7"
batch: {"result": {"first": 1}, "result_error": {"second": {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}}, "result_next": []}
  is returned as {"first": 1}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
