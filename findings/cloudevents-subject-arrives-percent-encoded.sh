#!/usr/bin/env bash
# A CloudEvent's subject with a space arrives percent-encoded: two of three SDKs do not decode it.
#
# Expected: SDKs of one standard agree on how an attribute becomes an HTTP header. CloudEvents 1.0
# wants space, quote, percent and everything outside ASCII percent-encoded. Python's cloudevents
# 2.2.0 does so and decodes; 1.12.0 of the same package and JavaScript's 10.0.0 do neither.
# So what 2.2.0 sends is read elsewhere with its percent signs, and what the others send as
# "100%25 done" is read by 2.2.0 as "100% done". In structured mode all of them agree.
#
# Why it matters here: a subject, or an extension such as the portal's name for a person, changes
# on the way, and an idempotency key made of it differs with the sender's SDK.
# What follows: keep attributes to letters, digits, "-", "." and "/", or use structured mode.
#
# Seen on Python 3.11 and Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 1.12.0 2.2.0; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q --disable-pip-version-check "cloudevents==$version" 2>/dev/null
done
(cd "$work" && npm install --silent --no-audit --no-fund cloudevents@10.0.0 >/dev/null)

cd "$work"
cat >one.py <<'PY'
import json
import sys

from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent, from_http

if sys.argv[1] == "write":
    for subject in sys.argv[2:]:
        event = CloudEvent({"id": "1", "source": "/portal", "type": "t", "subject": subject}, {})
        print(json.dumps(to_binary(event)[0]))
else:
    for line in sys.stdin:
        print(json.dumps(from_http(json.loads(line), b"{}")["subject"]))
PY
cat >two.py <<'PY'
import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent

if sys.argv[1] == "write":
    for subject in sys.argv[2:]:
        attributes = {"id": "1", "source": "/portal", "type": "t", "specversion": "1.0"}
        event = CloudEvent(attributes | {"subject": subject}, {})
        print(json.dumps(to_binary_event(event).headers))
else:
    for line in sys.stdin:
        print(json.dumps(from_http_event(HTTPMessage(json.loads(line), b"{}")).get_subject()))
PY
cat >three.js <<'JS'
const { CloudEvent, HTTP } = require("cloudevents");
if (process.argv[2] === "write") {
  for (const subject of process.argv.slice(3)) {
    const event = new CloudEvent({ id: "1", source: "/portal", type: "t", subject, data: {} });
    console.log(JSON.stringify(HTTP.binary(event).headers));
  }
} else {
  for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n"))
    console.log(JSON.stringify(HTTP.toEvent({ headers: JSON.parse(line), body: "{}" }).subject));
}
JS
python_1() { 1.12.0/bin/python one.py "$@"; }
python_2() { 2.2.0/bin/python two.py "$@"; }
javascript() { node three.js "$@"; }

seen=$(
  for writer in python_1 python_2 javascript; do
    "$writer" write 'deal 7' '100%25 done' >messages
    for reader in python_1 python_2 javascript; do
      printf '%s to %s: %s\n' "$writer" "$reader" "$("$reader" read <messages | paste -sd ' ')"
    done
  done
)
expected='python_1 to python_1: "deal 7" "100%25 done"
python_1 to python_2: "deal 7" "100% done"
python_1 to javascript: "deal 7" "100%25 done"
python_2 to python_1: "deal%207" "100%2525%20done"
python_2 to python_2: "deal 7" "100%25 done"
python_2 to javascript: "deal%207" "100%2525%20done"
javascript to python_1: "deal 7" "100%25 done"
javascript to python_2: "deal 7" "100% done"
javascript to javascript: "deal 7" "100%25 done"'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
