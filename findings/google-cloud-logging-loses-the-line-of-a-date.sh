#!/usr/bin/env bash
# google-cloud-logging 3.17.0 (Python): a line whose `json_fields` hold a date, a Decimal or an error is not
# written, and one with a NaN is no JSON.
#
# Expected: StructuredLogHandler writes each record, with `str()` of what JSON does not know, as the handlers
# of other structured loggers do, or without the field. It calls `json.dumps` as it is: what JSON does not
# know raises, logging prints a traceback on stderr, and the line, its message and its severity
# included, is nowhere. In Cloud Logging the traceback is text lines without a severity.
# A NaN does not raise. It is written as NaN, which is not JSON. `severity` and `message` in `json_fields`
# are dropped without a word, and other fields that the handler has itself are not looked at.
#
# Why it matters here: rows and events have dates in them, and a failure is logged with the event and the
# error that caused it. That line is lost, and in tests, where ids and texts are logged, none is.
# What follows: `json.loads(json.dumps(fields, default=str))` before, or a formatter of one's own.
#
# Seen on Python 3.11, 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check google-cloud-logging==3.17.0 2>/dev/null

cd "$work"
cat >write.py <<'PY'
import io
import json
import logging
from datetime import date
from decimal import Decimal

from google.cloud.logging.handlers import StructuredLogHandler

stream = io.StringIO()
logger = logging.getLogger("deliveries")
logger.addHandler(StructuredLogHandler(stream=stream))
logger.setLevel(logging.INFO)
logger.propagate = False
logger.info("the handler's first line says what it is")


def refuse(constant):
    raise ValueError(constant)


cases = {
    "a text": {"id": "7405"},
    "a date": {"id": "7405", "due": date(2026, 11, 28)},
    "a Decimal": {"id": "7405", "sum": Decimal("10.50")},
    "an error": {"id": "7405", "error": ConnectionError("The portal is away")},
    "bytes": {"id": "7405", "body": b"event=ONUSERADD"},
    "NaN": {"id": "7405", "share": float("nan")},
    "a severity": {"id": "7405", "severity": "CRITICAL"},
}
for name, fields in cases.items():
    stream.seek(0)
    stream.truncate()
    logger.error("The delivery failed", extra={"json_fields": fields})
    line = stream.getvalue().strip()
    try:
        entry = json.loads(line, parse_constant=refuse) if line else None
        state = f"{entry['severity']}, {entry['message']}, id {entry['id']}" if entry else "nothing is written"
    except ValueError as error:
        state = f"the line is no JSON: {error}"
    print(f"{name}: {state}")
PY
seen=$(venv/bin/python write.py 2>errors)
seen="$seen
tracebacks on stderr: $(grep -c '^Traceback' errors)"
expected='a text: ERROR, The delivery failed, id 7405
a date: nothing is written
a Decimal: nothing is written
an error: nothing is written
bytes: nothing is written
NaN: the line is no JSON: NaN
a severity: ERROR, The delivery failed, id 7405
tracebacks on stderr: 4'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
