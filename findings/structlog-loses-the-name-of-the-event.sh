#!/usr/bin/env bash
# structlog 26.1.0 (Python): `bind(event="ONUSERADD")` is gone from every line that is logged after it.
#
# Expected: what is bound to a logger, or to the context, is in each entry, or the name is refused.
# structlog's own text of a line is called `event`, so the text replaces the bound value, without a
# word. EventRenamer, which calls the text `message` and which many take for the cure, renames it
# after that; its second argument, `replace_by`, restores a value that was bound as `_event`, and
# not one that was bound as `event`. Only a call that gives both, `info("…", event=…)`, raises.
#
# Why it matters here: the field that names what came from Bitrix24 is called `event`, and it is the
# first thing that a consumer binds. The entries have the person's id, and not what happened.
# What follows: bind it under another name, such as `event_name`.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check structlog==26.1.0 2>/dev/null

cat >"$work/log.py" <<'PY'
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars
from structlog.processors import EventRenamer, JSONRenderer


def configure(*processors):
    structlog.reset_defaults()
    structlog.configure(processors=[merge_contextvars, *processors, JSONRenderer()])


def show(name, write):
    print(name, end=": ")
    try:
        write()
    except TypeError:
        print("raised TypeError")


renamings = {"default": [], "message": [EventRenamer("message")],
             "message, _event": [EventRenamer("message", "_event")]}
for name, renaming in renamings.items():
    configure(*renaming)
    log = structlog.get_logger()
    show(f"{name}: bound", lambda: log.bind(event="ONUSERADD", ID=7).info("received"))
    bind_contextvars(event="ONUSERADD", ID=7)
    show(f"{name}: in the context", lambda: log.info("received"))
    clear_contextvars()
    show(f"{name}: bound as _event", lambda: log.bind(_event="ONUSERADD", ID=7).info("received"))
    show(f"{name}: in the call", lambda: log.info("received", event="ONUSERADD", ID=7))
PY
seen=$("$work/venv/bin/python" "$work/log.py")
expected='default: bound: {"event": "received", "ID": 7}
default: in the context: {"event": "received", "ID": 7}
default: bound as _event: {"_event": "ONUSERADD", "ID": 7, "event": "received"}
default: in the call: raised TypeError
message: bound: {"ID": 7, "message": "received"}
message: in the context: {"ID": 7, "message": "received"}
message: bound as _event: {"_event": "ONUSERADD", "ID": 7, "message": "received"}
message: in the call: raised TypeError
message, _event: bound: {"ID": 7, "message": "received"}
message, _event: in the context: {"ID": 7, "message": "received"}
message, _event: bound as _event: {"ID": 7, "message": "received", "event": "ONUSERADD"}
message, _event: in the call: raised TypeError'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
