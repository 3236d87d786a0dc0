#!/usr/bin/env bash
# @firestore-emulator/server 0.3.15 (npm): transactions that meet each other are all committed.
#
# Expected: an emulator is there to show what happens when two deliveries of one event meet: in
# Firestore one transaction is committed, and the other is run again and finds the first. This one
# applies the writes of a commit in the order they come and looks neither at what a transaction has
# read nor at a precondition of `lastUpdateTime`. Two claims of one event both succeed, of three
# increments one is left, and a write on top of a version that is gone goes through. `create` alone
# is refused the second time, as in Firestore, but the transaction then fails and is not repeated.
#
# Why it matters here: it is the emulator of npm that needs no Java. Right code and code without a
# transaction do the same in it, so a test of duplicates proves nothing in either direction.
# What follows: claim an event by `create`, and run the test of two deliveries against Firestore.
#
# Seen with @google-cloud/firestore 8.7.1 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund \
  @firestore-emulator/server@0.3.15 @google-cloud/firestore@8.7.1 >/dev/null)

cd "$work"
cat >meet.mjs <<'JS'
import { FirestoreServer } from "@firestore-emulator/server";
import { Firestore } from "@google-cloud/firestore";
import { createServer } from "node:net";

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const server = new FirestoreServer();
await server.start(port);
process.env.FIRESTORE_EMULATOR_HOST = `127.0.0.1:${port}`;
const db = new Firestore({ projectId: "demo" });

// Lets a number of transactions read before any of them writes, on their first run.
const meet = (count) => {
  let waiting = [];
  return () =>
    new Promise((resolve) => {
      if (waiting === null) return resolve();
      waiting.push(resolve);
      if (waiting.length < count) return;
      waiting.forEach((go) => go());
      waiting = null;
    });
};
const claim = (write) => {
  const ready = meet(2);
  return () =>
    db
      .runTransaction(async (transaction) => {
        const event = db.doc(`events/${write}`);
        if ((await transaction.get(event)).exists) return "was claimed";
        await ready();
        transaction[write](event, { handled: true });
        return "claimed";
      })
      .catch((error) => `failed with code ${error.code}`);
};
for (const write of ["set", "create"]) {
  const one = claim(write);
  console.log(`two claims by ${write}: ${(await Promise.all([one(), one()])).sort().join(", ")}`);
}
const ready = meet(3);
const counter = db.doc("counters/events");
const add = () =>
  db.runTransaction(async (transaction) => {
    const count = (await transaction.get(counter)).data()?.count ?? 0;
    await ready();
    transaction.set(counter, { count: count + 1 });
  });
await Promise.all([add(), add(), add()]);
console.log(`three increments: ${(await counter.get()).data().count}`);

const link = db.doc("links/7");
await link.set({ department: 1 });
const read = await link.get();
await link.set({ department: 5 });
const late = await link
  .update({ department: 2 }, { lastUpdateTime: read.updateTime })
  .then(() => "written", (error) => `refused with code ${error.code}`);
console.log(`an update of a version that is gone: ${late}`);
process.exit(0);
JS
seen=$(node meet.mjs 2>/dev/null)
expected='two claims by set: claimed, claimed
two claims by create: claimed, failed with code 6
three increments: 1
an update of a version that is gone: written'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
