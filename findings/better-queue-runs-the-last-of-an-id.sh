#!/usr/bin/env bash
# better-queue 3.8.12 (npm): of three events about person 7, the queue runs the last.
#
# Expected: a queue runs what is pushed. This one looks for a property `id` in each task without
# being asked to, and takes a task with the id of a waiting one for a newer edition of it, which
# replaces the waiting one (its README has a sentence on it, under merging). The callbacks of all
# three are called, without an error, as for tasks that ran. Tasks that have no `id`, or have it
# as `ID`, all run.
#
# Why it matters here: `{ id, event }` is how most people write an event about a person, and an
# addition that is followed by a change and a dismissal within one burst is a dismissal only. With
# a test of one event at a time, or a fast handler, each of them runs.
# What follows: `{ id: (task, done) => done(null, deliveryId(task)) }`, or another name.
#
# Seen on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund better-queue@3.8.12 >/dev/null)

cd "$work"
cat >burst.js <<'JS'
const Queue = require("better-queue");

function burst(name, property) {
  return new Promise((resolve) => {
    const ran = [];
    const finished = [];
    const queue = new Queue((task, done) => {
      ran.push(task.event);
      done();
    });
    queue.on("drain", () => {
      setTimeout(() => resolve(console.log(`${name}: ran ${ran}; called back ${finished}`)), 200);
    });
    for (const event of ["ADD", "UPDATE", "DISMISS"])
      queue.push({ [property]: 7, event }, () => finished.push(event));
  });
}
(async () => {
  await burst("id", "id");
  await burst("ID", "ID");
  process.exit(0);
})();
JS
seen=$(node burst.js)
expected='id: ran DISMISS; called back ADD,UPDATE,DISMISS
ID: ran ADD,UPDATE,DISMISS; called back ADD,UPDATE,DISMISS'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
