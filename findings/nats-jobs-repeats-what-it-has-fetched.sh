#!/usr/bin/env bash
# nats-jobs 0.3.0 (npm): of six jobs of three seconds, the last three are run more than once.
#
# Expected: a job that is being worked on, or waits for its turn in the worker, is not given out again. The
# worker fetches ten messages each second, runs them one after another, and tells NATS "still working"
# for the one that it runs. NATS gives out again what was not confirmed ten seconds after it was
# fetched: with jobs of three seconds from the fourth on, although nothing failed. Each repetition waits
# behind the others, so that it is repeated too, and five deliveries are all that a message gets.
#
# Why it matters here: a portal that answers in three seconds instead of one turns a queue that was right into
# one that does everything two or three times, and only if more than three events come together.
# What follows: `batch: 1`, or an `ack_wait` of ten times the longest job in `consumerConfig`.
#
# Seen with nats 2.12.1 on Node 20 and nats-server 2.9.10 of Debian 12, 2026-11-27. `filterSubject` is given, since
# the worker does not start without it here.
set -euo pipefail
work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
(cd "$work" && npm install --silent --no-audit --no-fund nats-jobs@0.3.0 nats@2.12.1 >/dev/null)
(cd "$work" && apt-get download -qq nats-server 2>/dev/null && dpkg -x ./*.deb debian)

cd "$work"
cat >work.mjs <<'JS'
import { connect } from "nats";
import jobs from "nats-jobs";

const servers = `127.0.0.1:${process.argv[2]}`;
const processor = await jobs.jobProcessor({ servers });
const runs = {};
processor.start({
  stream: "events",
  filterSubject: "events",
  perform: async (message) => {
    const id = new TextDecoder().decode(message.data);
    runs[id] = (runs[id] ?? 0) + 1;
    await new Promise((resolve) => setTimeout(resolve, 3000));
  },
});
const connection = await connect({ servers });
await new Promise((resolve) => setTimeout(resolve, 500));
for (const id of ["1", "2", "3", "4", "5", "6"])
  await connection.jetstream().publish("events", new TextEncoder().encode(id));
await new Promise((resolve) => setTimeout(resolve, 30000));
const ids = (condition) => Object.keys(runs).filter((id) => condition(runs[id])).join(", ");
console.log(`run once: ${ids((count) => count === 1)}`);
console.log(`run more than once: ${ids((count) => count > 1)}`);
process.exit(0);
JS
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
debian/usr/sbin/nats-server -js -a 127.0.0.1 -p "$port" -sd "$work/store" >server.log 2>&1 &
server=$!
for _ in $(seq 100); do
  if grep -q 'Server is ready' server.log; then break; fi
  sleep 0.1
done
seen=$(node work.mjs "$port")
expected='run once: 1, 2, 3
run more than once: 4, 5, 6'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
