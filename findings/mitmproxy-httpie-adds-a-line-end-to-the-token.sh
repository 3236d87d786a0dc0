#!/usr/bin/env bash
# mitmproxy 11.0.2 (Python): a form that is exported for HTTPie ends with a line end more than it had.
#
# Expected: `export.clip httpie` writes a command that sends the recorded request. The body goes into
# it as a here-string, `<<< '…'`, to which the shell adds a line end, and HTTPie sends what it reads.
# In a form this belongs to the last value. In JSON it is nothing. The command for curl, made of the
# same flow, is right, and so are the HAR and the raw request.
#
# Why it matters here: the last field of a Bitrix24 event is its token, `auth[application_token]`, so
# each event that is sent again in this way is refused as one with a wrong token, whose length
# differs by one from the right one.
# What follows: the command for curl.
#
# Seen with HTTPie 3.2.4 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
python3 -m venv "$work/httpie"
"$work/venv/bin/pip" install -q --disable-pip-version-check mitmproxy==11.0.2 2>/dev/null
"$work/httpie/bin/pip" install -q --disable-pip-version-check httpie==3.2.4 2>/dev/null

cat >"$work/replay.py" <<'PY'
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from mitmproxy.addons.export import Export, formats
from mitmproxy.http import Request
from mitmproxy.test import taddons, tflow

FORM = "event=ONUSERADD&data%5BID%5D=7&auth%5Bapplication_token%5D=token"


class Receiver(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.server.body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
flow = tflow.tflow(resp=True)
flow.request = Request.make(
    "POST",
    f"http://127.0.0.1:{receiver.server_port}/",
    FORM,
    {"Content-Type": "application/x-www-form-urlencoded"},
)
environment = os.environ | {"PATH": f"{sys.argv[1]}:{os.environ['PATH']}", "HTTPIE_CONFIG_DIR": sys.argv[1]}
with taddons.context() as context:
    context.configure(Export())
    for name in ("curl", "httpie"):
        command = formats[name](flow)
        subprocess.run(["bash", "-c", command], env=environment, check=True, capture_output=True)
        token = parse_qs(receiver.body)["auth[application_token]"][0]
        print(f"{name}: {len(receiver.body)} of {len(FORM)} bytes, the token is {token!r}")
PY
seen=$("$work/venv/bin/python" "$work/replay.py" "$work/httpie/bin")
expected=$(
  cat <<'SEEN'
curl: 64 of 64 bytes, the token is 'token'
httpie: 65 of 64 bytes, the token is 'token\n'
SEEN
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
