#!/usr/bin/env bash
# bullmq 6.7.0 (npm): an event whose worker was killed twice is failed, with most of its ten attempts left.
#
# Expected: `attempts: 10` is ten attempts, whatever ended them. A handler that throws uses up one of
# the ten. A worker that dies is counted elsewhere: the job "stalled", and more than one stall
# (`maxStalledCount`, a number of the worker and not of the job) makes it fail for good, without
# `backoff` and without the attempts that are left. The third worker does not run it, and puts it
# into the list of failed jobs with "job stalled more than allowable limit".
#
# Why it matters here: two deploys within a minute, both with the same event in hand, and the event is
# out, although the third worker would have handled it.
# What follows: `maxStalledCount` as high as `attempts`, and failed jobs retried by their reason.
#
# Seen with ioredis 6.0.0 and Debian 12's Redis 7.0.15 on Node 20, 2026-11-27, with a lock of one second
# in place of the default of thirty. Needs apt's sources of Debian 12.
set -euo pipefail
work=$(mktemp -d)
redis=
cleanup() {
  [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
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
cat >run.js <<'JS'
const { Queue, Worker } = require("bullmq");

const [part, name, maxStalledCount] = process.argv.slice(2);
const connection = { path: `${__dirname}/redis.sock` };
const queue = new Queue(name, { connection });
const options = { connection, lockDuration: 1000, stalledInterval: 500 };
if (maxStalledCount) options.maxStalledCount = Number(maxStalledCount);

async function main() {
  if (part === "add") await queue.add("event", { id: 7 }, { jobId: "seven", attempts: 10 });
  setTimeout(() => process.exit(1), 90000).unref();
  if (part === "throw" || part === "kill") {
    await new Promise((resolve) => {
      const worker = new Worker(name, async () => {
        if (part === "kill") process.kill(process.pid, "SIGKILL");
        throw new Error("the portal is away");
      }, options);
      worker.on("failed", () => worker.close(true).then(resolve));
    });
  }
  if (part === "work") {
    let ran = 0;
    new Worker(name, async () => { ran += 1; }, options);
    let state;
    for (const until = Date.now() + 60000; Date.now() < until; ) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      state = await (await queue.getJob("seven")).getState();
      if (state === "completed" || state === "failed") break;
    }
    const job = await queue.getJob("seven");
    const left = job.attemptsMade <= 5 ? "most attempts are left" : "few attempts are left";
    const reason = state === "failed" ? `, "${job.failedReason}"` : "";
    console.log(`${name}: ran ${ran}, ${state}${reason}, ${left}`);
  }
  process.exit(0);
}
main();
JS
seen=$(
  for part in add throw throw throw work; do node run.js $part "threw three times"; done
  for part in add kill work; do node run.js $part "killed once" || true; done
  for part in add kill kill work; do node run.js $part "killed twice" || true; done
  for part in add kill kill work; do node run.js $part "killed twice, maxStalledCount 10" 10 || true; done
) 2>/dev/null
expected='threw three times: ran 1, completed, most attempts are left
killed once: ran 1, completed, most attempts are left
killed twice: ran 0, failed, "job stalled more than allowable limit", most attempts are left
killed twice, maxStalledCount 10: ran 1, completed, most attempts are left'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
