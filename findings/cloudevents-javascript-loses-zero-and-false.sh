#!/usr/bin/env bash
# cloudevents 10.0.0 (JavaScript) reads a structured event whose data is 0, false or "" as empty.
#
# Expected: what `HTTP.structured` writes, `HTTP.toEvent` reads. It writes `"data":0` and reads an
# event without data: the reader copies a property only where its value is truthy, and drops it
# otherwise, so the event passes validation and `data` is undefined. Extensions go another way
# and keep their zeros. Python's two readers keep 0 and false.
#
# Why it matters here: PHP writes false as 0 and an emptied field as "", and a consumer that
# treats missing data as "nothing changed" never sees either.
# What follows: let data be an object.
#
# Seen on Node 20; Python's cloudevents 1.12.0 on Python 3.11 beside it, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check cloudevents==1.12.0 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund cloudevents@10.0.0 >/dev/null)

cd "$work"
cat >write.js <<'JS'
const { CloudEvent, HTTP } = require("cloudevents");
for (const data of [0, false, "", 1, { active: 0 }]) {
  const event = new CloudEvent({ id: "1", source: "/portal", type: "t", active: 0, data });
  const message = HTTP.structured(event);
  const read = HTTP.toEvent(message);
  console.log(
    JSON.stringify({
      headers: message.headers,
      body: message.body,
      javascript: JSON.stringify(read.data) ?? "undefined",
      extension: read.active,
    }),
  );
}
JS
cat >read.py <<'PY'
import json
import sys

from cloudevents.http import from_http

for line in sys.stdin:
    message = json.loads(line)
    sent = json.dumps(json.loads(message["body"])["data"])
    read = from_http(message["headers"], message["body"])
    print(f"sent {sent}: JavaScript {message['javascript']}, Python {read.data!r},", end=" ")
    print(f"extension {message['extension']}")
PY
seen=$(node write.js | venv/bin/python read.py)
expected='sent 0: JavaScript undefined, Python 0, extension 0
sent false: JavaScript undefined, Python False, extension 0
sent "": JavaScript undefined, Python None, extension 0
sent 1: JavaScript 1, Python 1, extension 0
sent {"active": 0}: JavaScript {"active":0}, Python {'"'active'"': 0}, extension 0'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
