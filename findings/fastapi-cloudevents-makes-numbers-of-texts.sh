#!/usr/bin/env bash
# fastapi-cloudevents 2.0.2 (Python): the text "7405" in an event's data arrives as the number 7405, and "null"
# as nothing.
#
# Expected: in structured mode `data` is JSON already, so a text is a text, as cloudevents, on which this
# package is built, returns it. The package takes each text under a JSON content type, or without one, for
# JSON that somebody forgot to parse, and parses it, once more for binary mode as well. "7405" is a
# number, "1e5" is 100000.0, "true" is True, "null" is None, and a text with an object in it, such as a
# body that was passed on for its signature, is the object. "007" and "+7 900 …", which are no JSON,
# stay texts: one field has several types, depending on its value. What is answered has the new type.
#
# Why it matters here: PHP writes all of Bitrix24's values as texts, and ids, phones and comments are
# compared as texts. A comment that reads "null" ends as an emptied one.
# What follows: put the text into an object (`{"value": "7405"}`): only the outermost text is parsed.
#
# Seen with fastapi 0.165.0, starlette 1.10.0, pydantic 2.14.4 and cloudevents 1.13.0 on Python 3.11, 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check fastapi-cloudevents==2.0.2 cloudevents==1.13.0 \
  fastapi==0.165.0 starlette==1.10.0 pydantic==2.14.4 httpx==0.28.1 2>/dev/null

cd "$work"
cat >receive.py <<'PY'
import json

from cloudevents.http import from_http
from fastapi import FastAPI
from fastapi.testclient import TestClient
from fastapi_cloudevents import CloudEvent, install_fastapi_cloudevents

app = install_fastapi_cloudevents(FastAPI())
received = []


@app.post("/")
async def receive(event: CloudEvent) -> CloudEvent:
    received.append(event.data)
    return event


client = TestClient(app)
attributes = {"specversion": "1.0", "id": "1", "source": "/portal", "type": "ONUSERADD"}
structured = {"content-type": "application/cloudevents+json"}
binary = {"content-type": "application/json"} | {f"ce-{name}": value for name, value in attributes.items()}
for text in ("7405", "007", "1e5", "+7 900 123-45-67", "null", "", "true", '{"ID": "7405"}'):
    body = json.dumps(attributes | {"data": text})
    client.post("/", content=body, headers=structured)
    print(f"{text!r}: cloudevents {from_http(structured, body).data!r}, fastapi-cloudevents {received[-1]!r}")
quoted = '"7405"'
client.post("/", content=quoted, headers=binary)
direct = from_http(binary, quoted).data
print(f"'7405' in binary mode: cloudevents {direct!r}, fastapi-cloudevents {received[-1]!r}")
client.post("/", content=json.dumps(attributes | {"data": {"value": "7405"}}), headers=structured)
print(f"in an object: fastapi-cloudevents {received[-1]!r}")
PY
seen=$(venv/bin/python receive.py 2>/dev/null)
expected=$(
  cat <<'TEXT'
'7405': cloudevents '7405', fastapi-cloudevents 7405
'007': cloudevents '007', fastapi-cloudevents '007'
'1e5': cloudevents '1e5', fastapi-cloudevents 100000.0
'+7 900 123-45-67': cloudevents '+7 900 123-45-67', fastapi-cloudevents '+7 900 123-45-67'
'null': cloudevents 'null', fastapi-cloudevents None
'': cloudevents None, fastapi-cloudevents None
'true': cloudevents 'true', fastapi-cloudevents True
'{"ID": "7405"}': cloudevents '{"ID": "7405"}', fastapi-cloudevents {'ID': '7405'}
'7405' in binary mode: cloudevents '7405', fastapi-cloudevents 7405
in an object: fastapi-cloudevents {'value': '7405'}
TEXT
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
