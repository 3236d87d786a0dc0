#!/usr/bin/env bash
# queue 7.0.0 (npm): one event that fails takes all that wait behind it out of the queue, silently.
#
# Expected: a job that fails is that job's matter, as in p-queue, fastq or better-queue, or at least
# until the queue is stopped by whoever listens for its error. Here the package listens for its own
# "error" and empties the queue; a listener of yours is called as well and cannot prevent it. With
# `autostart`, which suits a server because `start()` returns a promise for one round only, nobody
# waits for the end: nothing is raised or printed. What is pushed afterwards runs, so the queue
# looks healthy, and its length is 0.
#
# Why it matters here: the queue stands between a webhook's 200 and the slow call to Bitrix24, and
# one refusal of the portal drops the events of other people that were confirmed to the sender.
# What follows: no job may fail: catch within the job and push it again, or use another package.
#
# Seen on Node 20 beside p-queue 9.3.5, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund queue@7.0.0 p-queue@9.3.5 >/dev/null)

cd "$work"
cat >fail.mjs <<'JS'
import PQueue from "p-queue";
import Queue from "queue";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function run(name, push, size) {
  const ran = [];
  for (const event of ["ADD 1", "ADD 2", "ADD 3", "ADD 4"]) {
    push(async () => {
      await pause(20);
      if (event === "ADD 2") throw new Error("the portal refused");
      ran.push(event);
    });
  }
  await pause(1000);
  console.log(`${name}: ran ${ran}; waiting ${size()}`);
  push(async () => ran.push("ADD 5"));
  await pause(200);
  console.log(`${name}: ran ${ran}`);
}

process.on("unhandledRejection", (error) => console.log("unhandled:", error.message));
for (const listen of [false, true]) {
  const queue = new Queue({ concurrency: 1, autostart: true });
  if (listen) queue.addEventListener("error", (event) => console.log("heard:", event.detail.error.message));
  await run("queue", (job) => queue.push(job), () => queue.length);
}
const other = new PQueue({ concurrency: 1 });
await run("p-queue", (job) => other.add(job).catch(() => {}), () => other.size);
JS
seen=$(node fail.mjs 2>&1)
expected='queue: ran ADD 1; waiting 0
queue: ran ADD 1,ADD 5
heard: the portal refused
queue: ran ADD 1; waiting 0
queue: ran ADD 1,ADD 5
p-queue: ran ADD 1,ADD 3,ADD 4; waiting 0
p-queue: ran ADD 1,ADD 3,ADD 4,ADD 5'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
