#!/usr/bin/env bash
# litequeue 0.9 (Python): an event that is given back is taken next, so nothing behind it is taken.
#
# Expected: `retry` puts a message back, and the queue goes on with the others, as with `put`, or it
# stops after some attempts. The place in the queue is the message's id, which holds the time of
# `put`; a retry keeps it, and attempts are neither counted nor delayed. One event that cannot
# succeed is popped again and again, and the others wait for as long as it fails. The size does not
# move. `retry` also takes a message that is done, and that one runs again, before all others.
#
# Why it matters here: an event about a person whom the portal does not know fails each time, and
# the events of everybody else stand behind it, with a worker that is busy and looks healthy.
# What follows: `put` its data again and mark the old one failed, with a count in the data.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check litequeue==0.9 2>/dev/null

cd "$work"
cat >retry.py <<'PY'
from litequeue import LiteQueue


def run(name, give_back):
    queue = LiteQueue(memory=True)
    for event in ("refused", "second", "third"):
        queue.put(event)
    taken = []
    for _ in range(6):
        message = queue.pop()
        if message is None:
            break
        taken.append(message.data)
        if message.data == "refused":
            give_back(queue, message)
        else:
            queue.done(message.message_id)
    print(f"{name}: taken {' '.join(taken)}")


def put_again(queue, message):
    queue.mark_failed(message.message_id)
    queue.put(message.data)


run("retry", lambda queue, message: queue.retry(message.message_id))
run("put", put_again)

queue = LiteQueue(memory=True)
for event in ("first", "second"):
    queue.put(event)
message = queue.pop()
queue.done(message.message_id)
queue.retry(message.message_id)
print("done and then given back:", queue.pop().data)
PY
seen=$(venv/bin/python retry.py)
expected='retry: taken refused refused refused refused refused refused
put: taken refused second third refused refused refused
done and then given back: first'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
