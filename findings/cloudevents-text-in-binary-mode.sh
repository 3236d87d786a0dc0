#!/usr/bin/env bash
# A text as a CloudEvent's data in binary mode: one SDK always quotes it, the others never do.
#
# Expected: the body follows the content type, so "7405" is quoted as JSON and a form is not.
# Python's cloudevents 1.12.0 puts JSON quotes around every text, whatever its type: a form that
# is carried under application/x-www-form-urlencoded arrives as "event=ONUSERADD&…", with the
# quotes, and its first name is `"event`. Its own reader takes them off again, so nobody who
# tests Python against Python sees them. Version 2.2.0 of the same package and the JavaScript SDK
# 10.0.0 quote nothing, whatever its type: the text "7405" leaves as the JSON number 7405, and
# both of Python's readers return an int, where structured mode keeps the text.
#
# Why it matters here: all of Bitrix24's values are texts, and its own format is a form.
# What follows: carry a form as bytes, and wrap a text in an object.
#
# Seen on Python 3.11 and Node 20, 2026-11-27. functions-framework 3.10.2 requires 1.x.
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
    for kind, data in json.loads(sys.argv[2]).items():
        event = CloudEvent(
            {"id": "1", "source": "/portal", "type": "t", "datacontenttype": kind}, data
        )
        headers, body = to_binary(event)
        print(json.dumps({"headers": headers, "body": body.decode()}))
else:
    for line in sys.stdin:
        message = json.loads(line)
        print(repr(from_http(message["headers"], message["body"].encode()).data))
PY
cat >two.py <<'PY'
import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent

if sys.argv[1] == "write":
    for kind, data in json.loads(sys.argv[2]).items():
        attributes = {"id": "1", "source": "/portal", "type": "t", "specversion": "1.0"}
        message = to_binary_event(CloudEvent(attributes | {"datacontenttype": kind}, data))
        print(json.dumps({"headers": message.headers, "body": message.body.decode()}))
else:
    for line in sys.stdin:
        message = json.loads(line)
        message = HTTPMessage(message["headers"], message["body"].encode())
        print(repr(from_http_event(message).get_data()))
PY
cat >three.js <<'JS'
const { CloudEvent, HTTP } = require("cloudevents");
if (process.argv[2] === "write") {
  for (const [kind, data] of Object.entries(JSON.parse(process.argv[3]))) {
    const attributes = { id: "1", source: "/portal", type: "t", datacontenttype: kind };
    console.log(JSON.stringify(HTTP.binary(new CloudEvent({ ...attributes, data }))));
  }
} else {
  for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n"))
    console.log(JSON.stringify(HTTP.toEvent(JSON.parse(line)).data));
}
JS
python_1() { 1.12.0/bin/python one.py "$@"; }
python_2() { 2.2.0/bin/python two.py "$@"; }
javascript() { node three.js "$@"; }

events='{"application/x-www-form-urlencoded": "event=ONUSERADD", "application/json": "7405"}'
seen=$(
  for writer in python_1 python_2 javascript; do
    "$writer" write "$events" >messages
    for reader in python_1 python_2 javascript; do
      printf '%s to %s: %s\n' "$writer" "$reader" "$("$reader" read <messages | paste -sd ' ')"
    done
  done
)
expected="python_1 to python_1: 'event=ONUSERADD' '7405'
python_1 to python_2: '\"event=ONUSERADD\"' '7405'
python_1 to javascript: \"\\\"event=ONUSERADD\\\"\" \"7405\"
python_2 to python_1: b'event=ONUSERADD' 7405
python_2 to python_2: 'event=ONUSERADD' 7405
python_2 to javascript: \"event=ONUSERADD\" \"7405\"
javascript to python_1: b'event=ONUSERADD' 7405
javascript to python_2: 'event=ONUSERADD' 7405
javascript to javascript: \"event=ONUSERADD\" \"7405\""
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
