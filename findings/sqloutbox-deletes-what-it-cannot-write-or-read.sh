#!/usr/bin/env bash
# sqloutbox 0.6.0 (Python): an event with a date in it is not put into the outbox, and one that an older worker
# does not know is taken out of it and deleted.
#
# Expected: an outbox takes an event or raises, so that the transaction that it belongs to is rolled back, and
# keeps what it could not deliver. `OutboxWorker._push` writes the event's dataclass as JSON: a date, a
# Decimal or a UUID makes it log a warning and return, as after success. If a worker's `_decode` raises,
# which is what it does for a name that came with the next version, the row counts as corrupt, is
# confirmed and deleted, with an error in the log that says so and without its content.
#
# Why it matters here: the two are the first things that happen to an outbox: somebody adds a field with a date,
# and the writer is deployed before the worker. Both lose events for good, in the part of the system
# that is there so that none is lost.
# The documentation of `_decode` says that it deletes, and the one of `_push` that it queues.
# What follows: an `_encode` of your own that raises, and a `_decode` that returns the unknown as it is.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check sqloutbox==0.6.0 2>/dev/null

cat >"$work/push.py" <<'PY'
import asyncio
import logging
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqloutbox import Outbox, OutboxWorker

logging.basicConfig(format="log: %(levelname)s %(message).60s", stream=sys.stdout)


@dataclass
class Added:
    person: int
    since: object


KNOWN = {"added": Added}
sent = []


class Worker(OutboxWorker):
    def _decode(self, tag, data):
        return KNOWN[tag](**data)

    async def _remote_write(self, batch):
        sent.extend(tag for _, tag, _ in batch)
        return [seq for seq, _, _ in batch]


async def main():
    outbox = Outbox(db_path=Path(sys.argv[1]), namespace="people")

    def waiting():
        return [row.tag for row in outbox.fetch_unsynced()]

    worker = Worker(outbox, flush_interval=0.2)
    worker._push("added", Added(7, date(2026, 11, 1)))
    print("pushed with a date, waiting:", waiting())
    worker._push("added", Added(7, "2026-11-01"))
    worker._push("transferred", Added(7, "2026-11-01"))
    print("pushed two more, waiting:", waiting())
    for _ in range(100):
        await asyncio.sleep(0.1)
        if not waiting():
            break
    print("sent:", sent)
    print("waiting:", waiting())


asyncio.run(main())
PY
seen=$("$work/venv/bin/python" "$work/push.py" "$work/outbox.db")
expected="log: WARNING outbox[people]: encode failed — event dropped: Object of typ
pushed with a date, waiting: []
pushed two more, waiting: ['added', 'transferred']
log: ERROR outbox[people]: corrupt row seq=2 tag=transferred — force-de
sent: ['added']
waiting: []"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
