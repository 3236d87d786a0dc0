#!/usr/bin/env bash
# google-cloud-logging 3.17.0: a log line whose text is a JSON object has three shapes, or none.
#
# Expected: `logger.info("%s", body)` writes an entry whose message is the body. The structured
# handler parses the text first. If it is an object, its keys become the entry's own fields and
# there is no message; if the record also has `json_fields`, the object stands under `message`,
# which is then no text; "{}" leaves nothing at all; a list, or one character before the brace,
# stays a text. So a search for `jsonPayload.message:"ONUSERADD"` finds some of the lines that one
# statement wrote.
#
# Why it matters here: what a gateway logs about a request is often the JSON that was posted, and
# the sender decides the shape of the entry.
# What follows: put a word before what comes from outside, or into a named field.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check google-cloud-logging==3.17.0 2>/dev/null

seen=$("$work/venv/bin/python" - <<'PY'
import io
import json
import logging

from google.cloud.logging_v2.handlers import StructuredLogHandler

written = io.StringIO()
logger = logging.getLogger("gateway")
logger.propagate = False
logger.setLevel(logging.INFO)
logger.addHandler(StructuredLogHandler(stream=written, project_id="p"))
# The library writes an entry about itself before the first record.
logger.info("first")
for body, fields in (
    ('{"event":"ONUSERADD"}', None),
    ('{"event":"ONUSERADD"}', {"portal": "p"}),
    ("{}", None),
    ('["ONUSERADD"]', None),
    ('body: {"event":"ONUSERADD"}', None),
):
    written.seek(0)
    written.truncate()
    logger.info("%s", body, extra={"json_fields": fields} if fields else {})
    entry = json.loads(written.getvalue())
    own = {name: entry[name] for name in entry if name in ("message", "event", "portal")}
    print(f"{body}{' with json_fields' if fields else ''} -> {json.dumps(own)}")
PY
)
expected='{"event":"ONUSERADD"} -> {"event": "ONUSERADD"}
{"event":"ONUSERADD"} with json_fields -> {"portal": "p", "message": {"event": "ONUSERADD"}}
{} -> {}
["ONUSERADD"] -> {"message": "[\"ONUSERADD\"]"}
body: {"event":"ONUSERADD"} -> {"message": "body: {\"event\":\"ONUSERADD\"}"}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
