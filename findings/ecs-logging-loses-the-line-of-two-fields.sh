#!/usr/bin/env bash
# ecs-logging 2.3.0 (Python): a line with the fields `event` and `event.action` is not written, and nor is one
# with a field called `log`.
#
# Expected: each record is written, as an ECS document or with a field left out. The formatter makes an
# object of names with dots and merges it with what is there: `event: "ONUSERADD"` beside `event.action`,
# or `log`, which it fills itself, is a conflict, and it raises. Logging prints a traceback on stderr and
# goes on: the line is nowhere in the log. The order of the fields does not matter.
# A field that is None is left out without a word, an empty one is not.
#
# Why it matters here: `event` is what everybody calls the name of a Bitrix24 event, and `event.action` is the
# name that ECS itself gives to the same thing. One is bound to the logger in the middleware, the other
# passed by the handler, so the lines that are lost are those that have both.
# What follows: names from ECS only, `event.action`, or names that are in no ECS group, `bitrix_event`.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check ecs-logging==2.3.0 2>/dev/null

cat >"$work/log.py" <<'PY'
import io
import json
import logging

import ecs_logging

lines = io.StringIO()
handler = logging.StreamHandler(lines)
handler.setFormatter(ecs_logging.StdlibFormatter())
logger = logging.getLogger("gateway")
logger.addHandler(handler)
for fields in (
    {"event": "ONUSERADD"},
    {"event.action": "ONUSERADD"},
    {"event": "ONUSERADD", "event.action": "added"},
    {"event.action": "added", "event": "ONUSERADD"},
    {"log": "delivery"},
    {"http": "POST", "http.request.id": "7"},
    {"person": None, "phone": ""},
):
    lines.seek(0)
    lines.truncate()
    logger.warning("received", extra=fields)
    written = json.loads(lines.getvalue() or "null")
    names = {name.partition(".")[0] for name in fields}
    kept = {name: written[name] for name in sorted(names) if name in written} if written else "no line"
    print(f"{fields}: {kept}")
PY
seen=$("$work/venv/bin/python" "$work/log.py" 2>/dev/null)
printf '%s\n' "$seen"
expected="{'event': 'ONUSERADD'}: {'event': 'ONUSERADD'}
{'event.action': 'ONUSERADD'}: {'event': {'action': 'ONUSERADD'}}
{'event': 'ONUSERADD', 'event.action': 'added'}: no line
{'event.action': 'added', 'event': 'ONUSERADD'}: no line
{'log': 'delivery'}: no line
{'http': 'POST', 'http.request.id': '7'}: no line
{'person': None, 'phone': ''}: {'phone': ''}"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
