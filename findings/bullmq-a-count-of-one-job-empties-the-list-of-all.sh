#!/usr/bin/env bash
# bullmq 6.7.0 (npm): one job's `removeOnComplete: { count: 1 }` removes the records of all jobs, and an event
# whose id was used before is taken again.
#
# Expected: an option of a job is about that job. `removeOnComplete: true` is; with a count or an age, the job
# that has it trims the whole list of what the queue has completed, when it completes. A `jobId` is
# refused for as long as its job is in the queue, completed or not, so that list is also the memory
# of what was handled. Another job, of another name, empties it.
#
# Why it matters here: `jobId: "deal-7-update-3"` is how a repeated delivery is recognised, with records that are
# kept for a day. A job for the weekly report, added with a count of its own because its results are
# large, ends that day.
# What follows: a queue of its own for jobs with another retention, or ids that are kept elsewhere.
#
# Seen with ioredis 6.0.0 on Node 20, Redis 7.0 of Debian 12, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
redis=
cleanup() {
  [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts bullmq@6.7.0 ioredis@6.0.0 >/dev/null)
(cd "$work" && apt-get download -qq redis-tools liblua5.1-0 lua-cjson lua-bitop libjemalloc2 \
  liblzf1 libhiredis0.14 2>/dev/null &&
  for package in *.deb; do dpkg -x "$package" debian; done)

cd "$work"
libraries=$work/debian/usr/lib/$(uname -m)-linux-gnu
cp debian/usr/bin/redis-check-rdb redis-server # The same program under the name of the server.
LD_LIBRARY_PATH=$libraries ./redis-server --port 0 --unixsocket "$work/redis.sock" --save '' >redis.log &
redis=$!
for _ in $(seq 100); do
  [ ! -S redis.sock ] || break
  sleep 0.1
done
cat >trim.mjs <<'JS'
import { Queue, QueueEvents, Worker } from "bullmq";

const connection = { path: process.argv[2], maxRetriesPerRequest: null };
const measure = async (name, options) => {
  const queue = new Queue(name, { connection });
  const events = new QueueEvents(name, { connection });
  await events.waitUntilReady();
  let deals = 0;
  const worker = new Worker(name, async (job) => (job.name === "deal" ? (deals += 1) : 0), { connection });
  const run = async (job, jobOptions) => (await queue.add(job, {}, jobOptions)).waitUntilFinished(events, 20000);
  const deal = { jobId: "deal-7-update-3", removeOnComplete: { age: 86400 } };
  await run("deal", deal);
  await run("deal", deal);
  if (options) await run("report", options).catch(() => undefined);
  await run("deal", deal);
  console.log(`${name}: the deal ran ${deals} times`);
  await Promise.all([worker.close(true), events.close(), queue.close()]);
};
await measure("no other job");
await measure("a report that removes itself", { removeOnComplete: true });
await measure("a report with a count of 1", { removeOnComplete: { count: 1 } });
process.exit(0);
JS
seen=$(node trim.mjs "$work/redis.sock" 2>/dev/null)
expected='no other job: the deal ran 1 times
a report that removes itself: the deal ran 1 times
a report with a count of 1: the deal ran 2 times'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
