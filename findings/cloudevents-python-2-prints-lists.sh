#!/usr/bin/env bash
# cloudevents 2.2.0 (Python) writes a list as Python prints it, under application/json.
#
# Expected: `to_binary_event` serialises any JSON value as JSON where the content type is JSON;
# the package's own structured mode does. In binary mode only dicts become JSON: a list goes out
# with Python's single quotes, True and None inside, and a bare False as "False". JavaScript's SDK
# raises a SyntaxError; Python's own reader raises nothing and hands the consumer a text instead
# of the list, since it gives back as text what it cannot parse.
# The 1.x API of the same package (1.12.0, which functions-framework 3.10.2 requires) writes JSON.
#
# Why it matters here: a batch of events, or a list of departments, is a valid CloudEvent's data.
# What follows: put lists into an object, or give `data` as bytes that are JSON already.
#
# Seen with Python's cloudevents 2.2.0 on Python 3.11 and npm's cloudevents 10.0.0 on Node 20,
# 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check cloudevents==2.2.0 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund cloudevents@10.0.0 >/dev/null)

cd "$work"
cat >write.py <<'PY'
import json

from cloudevents.core.bindings.http import from_http_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

for data in ([1, "5", True, None], False, {"departments": [1, "5", True, None]}):
    attributes = {"id": "1", "source": "/portal", "type": "ONUSERADD", "specversion": "1.0"}
    event = CloudEvent(attributes | {"datacontenttype": "application/json"}, data)
    structured = json.loads(to_structured_event(event).body)["data"]
    binary = to_binary_event(event)
    print(
        json.dumps(
            {
                "headers": binary.headers,
                "body": binary.body.decode(),
                "structured": json.dumps(structured),
                "python": repr(from_http_event(binary).get_data()),
            }
        )
    )
PY
cat >read.js <<'JS'
const { HTTP } = require("cloudevents");
for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
  const { headers, body, structured, python } = JSON.parse(line);
  let read;
  try {
    read = JSON.stringify(HTTP.toEvent({ headers, body }).data);
  } catch (error) {
    read = error.name;
  }
  console.log(`structured: ${structured}\nbinary:     ${body}`);
  console.log(`  Python reads:     ${python}\n  JavaScript reads: ${read}`);
}
JS
seen=$(venv/bin/python write.py | node read.js)
expected='structured: [1, "5", true, null]
binary:     [1, '"'5'"', True, None]
  Python reads:     "[1, '"'5'"', True, None]"
  JavaScript reads: SyntaxError
structured: false
binary:     False
  Python reads:     '"'False'"'
  JavaScript reads: "False"
structured: {"departments": [1, "5", true, null]}
binary:     {"departments": [1, "5", true, null]}
  Python reads:     {'"'departments': [1, '5', True, None]"'}
  JavaScript reads: {"departments":[1,"5",true,null]}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
