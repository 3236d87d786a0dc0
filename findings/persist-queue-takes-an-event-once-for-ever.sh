#!/usr/bin/env bash
# persist-queue 1.1.0 (Python): UniqueAckQ refuses an event that was handled before, without a word.
#
# Expected: a queue that keeps its entries unique drops an entry that is waiting already, and takes
# it again once it has been handled. The package's UniqueQ does. UniqueAckQ, the one for consumers
# that acknowledge, compares with every entry it has ever stored, those that are being handled and
# those that were acknowledged included: `put` returns None instead of a number and nothing is
# raised. `clear_acked_data()`, which reads like the way out, keeps the newest thousand.
#
# Why it matters here: "user 7 was changed" is the same event each time. The first change is
# handled, and all later ones are lost, up to a thousand other events later if the table is cleared
# and for ever if not. One that comes while the first is being handled is lost too.
# What follows: put a delivery's own id and time into the entry, or use SQLiteAckQueue.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check persist-queue==1.1.0 2>/dev/null

cd "$work"
cat >queues.py <<'PY'
from persistqueue import UniqueAckQ, UniqueQ

event = {"event": "ONUSERUPDATE", "ID": "7"}

plain = UniqueQ("unique")
plain.put(event)
plain.get()
print("UniqueQ, again after get:", plain.put(event), "waiting:", plain.size)

queue = UniqueAckQ("unique-ack")
print("UniqueAckQ, first:", queue.put(event))
handled = queue.get()
print("UniqueAckQ, again while it is handled:", queue.put(event), "waiting:", queue.size)
queue.ack(handled)
print("UniqueAckQ, again after ack:", queue.put(event), "waiting:", queue.size)
queue.clear_acked_data()
print("UniqueAckQ, again after clear_acked_data:", queue.put(event), "waiting:", queue.size)
queue.clear_acked_data(keep_latest=0)
print("UniqueAckQ, again after keep_latest=0:", queue.put(event), "waiting:", queue.size)
PY
seen=$(venv/bin/python queues.py)
expected='UniqueQ, again after get: 2 waiting: 1
UniqueAckQ, first: 1
UniqueAckQ, again while it is handled: None waiting: 0
UniqueAckQ, again after ack: None waiting: 0
UniqueAckQ, again after clear_acked_data: None waiting: 0
UniqueAckQ, again after keep_latest=0: 2 waiting: 1'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
