#!/usr/bin/env bash
# fluent-logger 0.11.1 (Python): a record with a date in it becomes a record that says "Can't output
# to log", and `emit` returns True.
#
# Expected: what cannot be written raises, or is written as text, or `emit` returns False, as it does
# when the connection fails. For a value that msgpack does not know, a date, a Decimal or a number
# above 64 bits, the package sends another record in the place of this one, with a traceback and
# without the event. The reason stands in `last_error`. By way of logging more is lost: a text that is
# a JSON object has no `message` any more, names of a dict that are numbers are left out, and `extra`
# is not looked at, nor is the level, unless a format names them.
#
# Why it matters here: an event with its time, logged as a dict, is not in the log, and neither its
# portal nor its id can be searched for, whereas the counts of records are right.
# What follows: `json.loads(json.dumps(record, default=str))` first, and a `fmt` with each field.
#
# Seen with msgpack 1.2.4 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  fluent-logger==0.11.1 msgpack==1.2.4 2>/dev/null

cat >"$work/log.py" <<'PY'
import datetime
import logging
import socket
import threading
from decimal import Decimal

import msgpack
from fluent.handler import FluentHandler, FluentRecordFormatter
from fluent.sender import FluentSender

server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]
records = []
arrived = threading.Condition()


def read(connection):
    unpacker = msgpack.Unpacker(strict_map_key=False)
    while received := connection.recv(65536):
        unpacker.feed(received)
        for _, _, record in unpacker:
            with arrived:
                records.append(record)
                arrived.notify()


def accept():
    while True:
        connection, _ = server.accept()
        threading.Thread(target=read, args=(connection,), daemon=True).start()


def next_record():
    with arrived:
        assert arrived.wait_for(lambda: records, 30)
        record = records.pop(0)
    return {name: value for name, value in record.items() if not name.startswith("sys_") and name != "traceback"}


threading.Thread(target=accept, daemon=True).start()
sender = FluentSender("gateway", host="127.0.0.1", port=port)
for name, value in {
    "a text": "2026-11-27",
    "a date": datetime.date(2026, 11, 27),
    "a Decimal": Decimal("1.5"),
    "a large number": 2**64,
}.items():
    returned = sender.emit("events", {"event": "ONUSERADD", "ID": 7, "value": value})
    print(f"{name}: emit returned {returned}, sent {next_record()}")

handler = FluentHandler("gateway", host="127.0.0.1", port=port)
handler.setFormatter(FluentRecordFormatter())
logger = logging.Logger("gateway")
logger.addHandler(handler)
for message, extra in (
    ("received", None),
    ("received", {"ID": 7}),
    ('{"event": "ONUSERADD"}', None),
    ("{}", None),
    ({7405: "changed", "event": "ONCRMDEALUPDATE"}, None),
):
    logger.error(message, extra=extra)
    print(f"logged {message!r}, extra {extra}: sent {next_record()}")
PY
seen=$("$work/venv/bin/python" "$work/log.py")
expected=$(
  cat <<'SEEN'
a text: emit returned True, sent {'event': 'ONUSERADD', 'ID': 7, 'value': '2026-11-27'}
a date: emit returned True, sent {'level': 'CRITICAL', 'message': "Can't output to log"}
a Decimal: emit returned True, sent {'level': 'CRITICAL', 'message': "Can't output to log"}
a large number: emit returned True, sent {'level': 'CRITICAL', 'message': "Can't output to log"}
logged 'received', extra None: sent {'message': 'received'}
logged 'received', extra {'ID': 7}: sent {'message': 'received'}
logged '{"event": "ONUSERADD"}', extra None: sent {'event': 'ONUSERADD'}
logged '{}', extra None: sent {}
logged {7405: 'changed', 'event': 'ONCRMDEALUPDATE'}, extra None: sent {'event': 'ONCRMDEALUPDATE'}
SEEN
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
