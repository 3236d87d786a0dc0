#!/usr/bin/env bash
# cloudevents 10.0.0 (JavaScript) reads a Content-Type in one spelling only.
#
# Expected: media types are compared without their case, and a parameter's optional space means
# nothing. The SDK looks the whole header up in a table. With "; charset=utf-8", in exactly these
# letters, data is parsed; without the space, or with UTF-8 in capitals, a binary event's data is
# a text and nothing is raised, and a structured event is refused as "invalid content type",
# although its reader has just recognised it by the header's beginning. Python's SDK, the peer
# beside it, reads all of them, and so do types that end in "+json".
#
# Why it matters here: the header is written by whoever is in between: a proxy, a framework, a
# function host. `event.data.ID` is undefined for one sender and right for another.
# What follows: set Content-Type yourself, and parse data that is a text.
#
# Seen on Node 20; Python's cloudevents 1.12.0 on Python 3.11 beside it, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check cloudevents==1.12.0 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund cloudevents@10.0.0 >/dev/null)

cd "$work"
cat >read.js <<'JS'
const { HTTP } = require("cloudevents");
const binary = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/portal", "ce-type": "t" };
const event = { specversion: "1.0", id: "1", source: "/portal", type: "t", data: { ID: "7" } };
for (const kind of process.argv.slice(2)) {
  const structured = kind.includes("cloudevents");
  const headers = { ...(structured ? {} : binary), "content-type": kind };
  const body = JSON.stringify(structured ? event : event.data);
  let read;
  try {
    read = typeof HTTP.toEvent({ headers, body }).data;
  } catch (error) {
    read = error.message.startsWith("invalid content type") ? "refused" : error.message;
  }
  console.log(JSON.stringify({ kind, headers, body, read }));
}
JS
cat >read.py <<'PY'
import json
import sys

from cloudevents.http import from_http

for line in sys.stdin:
    message = json.loads(line)
    data = from_http(message["headers"], message["body"]).data
    print(f"{message['kind']}: JavaScript {message['read']}, Python {type(data).__name__}")
PY
seen=$(node read.js application/json 'application/json; charset=utf-8' \
  'application/json;charset=utf-8' 'application/json; charset=UTF-8' application/vnd.portal+json \
  'application/cloudevents+json; charset=utf-8' 'application/cloudevents+json; charset=UTF-8' \
  | venv/bin/python read.py)
expected='application/json: JavaScript object, Python dict
application/json; charset=utf-8: JavaScript object, Python dict
application/json;charset=utf-8: JavaScript string, Python dict
application/json; charset=UTF-8: JavaScript string, Python dict
application/vnd.portal+json: JavaScript string, Python dict
application/cloudevents+json; charset=utf-8: JavaScript object, Python dict
application/cloudevents+json; charset=UTF-8: JavaScript refused, Python dict'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
