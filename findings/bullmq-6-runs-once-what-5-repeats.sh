#!/usr/bin/env bash
# bullmq 6.7.0 (npm): `add` with `repeat` makes a job that runs once, without an error; in version 5 it repeats.
#
# Expected: what was removed raises, or repeats as before. Version 6 has `upsertJobScheduler` for jobs that
# repeat. `queue.add("poll", {}, { repeat: { every: 60000 } })`, the form of versions 3 to 5, is accepted,
# stored in the job's options, and means nothing: the job runs once. Nothing is raised or logged.
# Of schedules that version 5 has left in Redis nothing is said here.
#
# Why it matters here: the job that repeats is the one that fetches what webhooks have missed. It runs right
# after the deployment, in view of whoever deployed, and that is the last time.
# What follows: search for `repeat:` before the upgrade, and alert on the age of the last run.
#
# Seen with bullmq 5.81.5 beside it and ioredis 6.0.0 on Node 20, Redis 7.0 of Debian 12, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
redis=
cleanup() {
  [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  five@npm:bullmq@5.81.5 six@npm:bullmq@6.7.0 ioredis@6.0.0 >/dev/null)
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
cat >repeat.mjs <<'JS'
import * as five from "five";
import * as six from "six";

const connection = { path: process.argv[2], maxRetriesPerRequest: null };
const measure = async (name, { Queue, Worker }, schedule) => {
  const queue = new Queue(name, { connection });
  let runs = 0;
  const worker = new Worker(name, async () => (runs += 1), { connection });
  let end = "no error";
  await schedule(queue).catch((error) => (end = error.message));
  const waited = Date.now() + 15000;
  while (runs < 3 && Date.now() < waited) await new Promise((resolve) => setTimeout(resolve, 50));
  console.log(`${name}: ${runs < 3 ? `${runs} run` : "repeated"}, ${end}`);
  await worker.close(true);
  await queue.close();
};
const add = (queue) => queue.add("poll", {}, { repeat: { every: 1000 } });
await measure("5, add", five, add);
await measure("6, add", six, add);
await measure("6, upsertJobScheduler", six, (queue) =>
  queue.upsertJobScheduler("poll", { every: 1000 }, { name: "poll" }),
);
process.exit(0);
JS
seen=$(node repeat.mjs "$work/redis.sock" 2>/dev/null)
expected='5, add: repeated, no error
6, add: 1 run, no error
6, upsertJobScheduler: repeated, no error'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
