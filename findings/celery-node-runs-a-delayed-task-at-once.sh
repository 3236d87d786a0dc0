#!/usr/bin/env bash
# celery-node 0.5.9 (npm) beside celery 5.7.0 (Python): a task for "in an hour" is run at once, and one that has
# expired is run as well.
#
# Expected: a worker of celery, in whatever language, holds a task until its `eta` and drops it after its
# `expires`, as Python's does. The worker in Node has both in the message's headers and looks at neither.
# It takes all tasks from the queue as fast as they come, and each handler gets the named arguments as
# one more argument at the end, so `(text, more = "nothing")` has `{}` as `more`.
#
# Why it matters here: Python puts "try again in ten minutes", `countdown=600`, into a queue that a worker in
# Node reads: the portal that asked for a pause is called again in the same second.
# What follows: keep delays on the side of Python, in a task that only passes on to the queue of Node.
#
# Seen with redis 7.4.1 on Python 3.11 and ioredis 4.31.0 on Node 20, Redis 7.0 of Debian 12, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
redis=
cleanup() {
  [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check celery==5.7.0 redis==7.4.1 packaging==26.4 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund celery-node@0.5.9 >/dev/null)
(cd "$work" && apt-get download -qq redis-tools liblua5.1-0 lua-cjson lua-bitop libjemalloc2 \
  liblzf1 libhiredis0.14 2>/dev/null &&
  for package in *.deb; do dpkg -x "$package" debian; done)

cd "$work"
libraries=$work/debian/usr/lib/$(uname -m)-linux-gnu
cp debian/usr/bin/redis-check-rdb redis-server # The same program under the name of the server.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
LD_LIBRARY_PATH=$libraries ./redis-server --bind 127.0.0.1 --port "$port" --save '' >redis.log &
redis=$!
for _ in $(seq 100); do
  [ -z "$(grep 'Ready to accept' redis.log)" ] || break
  sleep 0.1
done
cat >tasks.py <<'PY'
import sys
from datetime import datetime, timedelta, timezone

from celery import Celery

app = Celery(broker=sys.argv[1], backend=sys.argv[1])
now = datetime.now(timezone.utc)
app.send_task("call", ["in an hour"], countdown=3600)
app.send_task("call", ["expired an hour ago"], expires=now - timedelta(hours=1))
app.send_task("call", ["the last"])
PY
cat >worker.js <<'JS'
const { createWorker } = require("celery-node");

console.info = () => undefined;
const worker = createWorker(process.argv[2], process.argv[2]);
worker.register("call", async (text, more = "nothing") => {
  console.log(`${text}: called, second argument ${JSON.stringify(more)}`);
  // What is to come is given five seconds.
  if (text === "the last") setTimeout(() => process.exit(0), 5000);
});
worker.start();
JS
venv/bin/python tasks.py "redis://127.0.0.1:$port/0"
seen=$(node worker.js "redis://127.0.0.1:$port/0" 2>/dev/null)
printf '%s\n' "$seen"
expected='in an hour: called, second argument {}
expired an hour ago: called, second argument {}
the last: called, second argument {}'
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
