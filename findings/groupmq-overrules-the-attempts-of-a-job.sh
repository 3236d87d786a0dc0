#!/usr/bin/env bash
# groupmq 1.1.0 (npm): a job with `maxAttempts: 10` is tried three times and is gone; one with 1 is
# tried twice.
#
# Expected: the `maxAttempts` that a job is added with, which the README shows in its first example,
# says how often it is tried, and a job that has failed for good is kept in a list of failed jobs.
# The worker has a number as well (its option, or that of the queue, or 3) and stops at the smaller
# one; where the job's number is the smaller one, there is one attempt more than it says. After the
# last attempt the job is deleted with its data, since `keepFailed` is 0 by default; the counts of
# failed, waiting and delayed jobs are all 0.
#
# Why it matters here: ten attempts are there for a portal that is away for an hour, and the event is
# lost within seconds; one attempt is there for a call that must not be repeated, such as
# `crm.deal.add`, and there are two deals.
# What follows: the same `maxAttempts` on the job and on the worker, and `keepFailed`.
#
# Seen with ioredis 6.0.0 and Debian 12's Redis 7.0.15 on Node 20, 2026-11-27. Needs apt's sources
# of Debian 12.
set -euo pipefail
work=$(mktemp -d)
redis=
cleanup() {
  [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
(cd "$work" && npm install --silent --no-audit --no-fund groupmq@1.1.0 ioredis@6.0.0 >/dev/null)
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
cat >try.mjs <<'JS'
import { Queue, Worker } from "groupmq";
import { Redis } from "ioredis";

const redis = new Redis({ path: "redis.sock", maxRetriesPerRequest: null });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function run(name, jobAttempts, workerAttempts) {
  const queue = new Queue({ redis, namespace: name.replaceAll(" ", "-") });
  const job = await queue.add({ groupId: "person 7", data: { event: "ADD" }, maxAttempts: jobAttempts });
  let runs = 0;
  const worker = new Worker({
    queue,
    backoff: () => 50,
    ...(workerAttempts ? { maxAttempts: workerAttempts } : {}),
    handler: async () => {
      runs += 1;
      throw new Error("the portal is away");
    },
  });
  worker.on("error", () => {});
  worker.run();
  const until = Date.now() + 60000;
  const stored = async () => (await redis.keys(`*${job.id}*`)).length;
  while (await stored() && Date.now() < until) await pause(100);
  const { waiting, delayed, active, failed } = await queue.getJobCounts();
  console.log(
    `${name}: ${runs} runs; waiting ${waiting}, delayed ${delayed}, active ${active}, failed ${failed},` +
      ` keys of the job ${await stored()}`,
  );
}
await run("job 10", 10);
await run("job 10 and worker 10", 10, 10);
await run("job 1", 1);
await run("job 1 and worker 1", 1, 1);
await run("job 1 and worker 5", 1, 5);
process.exit(0);
JS
seen=$(node try.mjs 2>/dev/null)
expected='job 10: 3 runs; waiting 0, delayed 0, active 0, failed 0, keys of the job 0
job 10 and worker 10: 10 runs; waiting 0, delayed 0, active 0, failed 0, keys of the job 0
job 1: 2 runs; waiting 0, delayed 0, active 0, failed 0, keys of the job 0
job 1 and worker 1: 1 runs; waiting 0, delayed 0, active 0, failed 0, keys of the job 0
job 1 and worker 5: 2 runs; waiting 0, delayed 0, active 0, failed 0, keys of the job 0'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
