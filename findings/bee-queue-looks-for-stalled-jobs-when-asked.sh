#!/usr/bin/env bash
# bee-queue 2.0.0 (npm): the job of a worker that died is given to nobody, though `stallInterval` is 5 s.
#
# Expected: a queue whose settings have a `stallInterval`, five seconds by default, gives a job whose
# worker does not report for so long to another worker. The setting says how often a worker reports.
# Nobody looks at the reports unless a program calls `checkStalledJobs`, once or with an interval of
# its own, which the README says and no setting does. Until then the job is active for ever: it is
# neither waiting nor failed, `retries` do not concern it, and the others go on without it.
#
# Why it matters here: a worker that is killed by a deploy, or for its memory, loses the event that
# it had in hand, and the numbers that are usually watched, waiting and failed, are both 0.
# What follows: `checkStalledJobs(interval)` in one process, and an alarm on `active`.
#
# Seen with Debian 12's Redis 7.0.15 on Node 20, 2026-11-27. Needs apt's sources of Debian 12.
set -euo pipefail
work=$(mktemp -d)
redis=
cleanup() {
  [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
(cd "$work" && npm install --silent --no-audit --no-fund bee-queue@2.0.0 redis@3.1.2 >/dev/null)
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
const Queue = require("bee-queue");

const part = process.argv[2];
const redis = { path: `${__dirname}/redis.sock` };
const queue = new Queue("events", { redis, isWorker: part !== "add" });
const stop = async (handled) => {
  const { waiting, active, failed } = await queue.checkHealth();
  console.log(`${part}: handled ${handled.join(", ") || "nothing"}; waiting ${waiting}, active ${active}, failed ${failed}`);
  process.exit(0);
};
(async () => {
  if (part === "add") {
    for (const id of [7, 8]) await queue.createJob({ id }).retries(3).save();
    return stop([]);
  }
  if (part === "killed") return queue.process(1, () => process.kill(process.pid, "SIGKILL"));
  const handled = [];
  if (part === "asked") queue.checkStalledJobs(1000);
  queue.process(1, async (job) => handled.push(job.data.id));
  setTimeout(() => stop(handled), 15000);
})();
JS
seen=$(
  node run.js add
  node run.js killed || echo "killed with a job in hand"
  node run.js unasked
  node run.js asked
) 2>/dev/null
expected='add: handled nothing; waiting 2, active 0, failed 0
killed with a job in hand
unasked: handled 8; waiting 0, active 1, failed 0
asked: handled 7; waiting 0, active 0, failed 0'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
