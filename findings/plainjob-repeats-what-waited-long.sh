#!/usr/bin/env bash
# plainjob 0.0.14 (npm): a job that waited longer than the timeout is run twice, however fast it is.
#
# Expected: the queue's `timeout` is for jobs whose worker has died: one that has been in work for so
# long (30 minutes by default) goes back to the queue. The time is counted from when the job was
# due, not from when a worker took it. So a job that has waited longer than the timeout has timed
# out in the moment it is taken, and the next maintenance (each minute) hands it to a second worker
# while the first is at it. The same job, taken without having waited, runs once.
#
# Why it matters here: after an outage of half an hour, in the portal or in the worker, the whole
# backlog is of this age. What takes a moment to deliver is delivered twice, just when the load is
# highest; with the usual empty queue it never happens.
# What follows: a timeout longer than any outage, and an idempotent handler.
#
# Seen with better-sqlite3 12.11.1 on Node 20, with a timeout of 4 seconds, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund plainjob@0.0.14 better-sqlite3@12.11.1 >/dev/null)

cd "$work"
cat >wait.mjs <<'JS'
import Database from "better-sqlite3";
import { better, defineQueue, defineWorker } from "plainjob";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const logger = { debug() {}, info() {}, warn() {}, error() {} };

async function run(name, waited) {
  const queue = defineQueue({
    connection: better(new Database(`${name}.db`)),
    logger,
    timeout: 4000,
    maintenanceInterval: 250,
  });
  let begun = 0;
  const handle = async () => {
    begun += 1;
    await pause(1500);
  };
  queue.add("event", { id: 1 });
  await pause(waited);
  const workers = [1, 2].map(() => defineWorker("event", handle, { queue, logger, pollIntervall: 50 }));
  const running = workers.map((worker) => worker.start());
  await pause(3500);
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all(running);
  queue.close();
  console.log(`${name}: runs of one job: ${begun > 1 ? "two or more" : begun}`);
}
await run("taken at once", 0);
await run("waited 5 seconds", 5000);
JS
seen=$(node wait.mjs)
expected='taken at once: runs of one job: 1
waited 5 seconds: runs of one job: two or more'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
