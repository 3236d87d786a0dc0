#!/usr/bin/env bash
# sqs-consumer (npm): a handler that returns nothing deletes its message in version 13 and has it
# delivered again in version 14; one that returns what it saved repeats it in both.
#
# Expected: a handler that ends well is done with its message, and one that throws is not, whatever it
# returns. The package looks at what is returned:
# - nothing: taken for success up to 13.0.0 and for "leave it in the queue" from 14 on. Nothing raises
#   and nothing is logged, except for `null`;
# - an object: compared with the message by `MessageId`. A handler that ends in `return saved` leaves its
#   message in the queue, in each version;
# - anything else, such as `true`: as nothing.
# Batches are alike. `alwaysAcknowledge` is the old meaning.
#
# Why it matters here: each event is handled until its queue's `maxReceiveCount` is used up, and is a dead
# letter then, although it was handled well each time. The first example of the readme returns nothing, in 14
# as in 13; what that means now stands in a list further down.
# What follows: `return message`, and a test that looks at the queue.
#
# Seen with @aws-sdk/client-sqs 3.1175.0 on Node 20, 2026-11-27. The queue here is a list of one message.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --legacy-peer-deps \
  old@npm:sqs-consumer@13.0.0 new@npm:sqs-consumer@14.2.8 @aws-sdk/client-sqs@3.1175.0 >/dev/null)

cd "$work"
cat >consume.mjs <<'JS'
import { Consumer as New } from "new";
import { Consumer as Old } from "old";

// A queue whose message can be received again at once, until it is deleted.
const queue = () => {
  const sqs = { deleted: false, received: 0 };
  sqs.send = async (command) => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (command.constructor.name.startsWith("DeleteMessage")) sqs.deleted = true;
    if (!command.constructor.name.startsWith("ReceiveMessage") || sqs.deleted) return {};
    sqs.received += 1;
    return { Messages: [{ MessageId: "m-1", ReceiptHandle: `r-${sqs.received}`, Body: "event" }] };
  };
  return sqs;
};
const handlers = {
  "returns nothing": () => undefined,
  "returns true": () => true,
  "returns what it saved": () => ({ id: 7 }),
  "returns the message": (message) => message,
  "alwaysAcknowledge, returns nothing": () => undefined,
};
for (const [name, result] of Object.entries(handlers)) {
  for (const [version, Consumer] of [["13.0.0", Old], ["14.2.8", New]]) {
    const sqs = queue();
    const notes = [];
    console.warn = () => notes.push("a warning");
    const consumer = Consumer.create({
      queueUrl: "https://sqs.us-east-1.amazonaws.com/1/events",
      sqs,
      alwaysAcknowledge: name.startsWith("always"),
      handleMessage: async (message) => result(message),
    });
    for (const event of ["error", "processing_error", "timeout_error"])
      consumer.on(event, (error) => notes.push(error.message));
    consumer.start();
    while (!sqs.deleted && sqs.received < 5) await new Promise((resolve) => setTimeout(resolve, 10));
    consumer.stop();
    const end = sqs.deleted ? "deleted after 1" : "delivered again and again";
    console.log(`${name}, ${version}: ${end}${notes.length ? `, ${notes[0]}` : ""}`);
  }
}
process.exit(0);
JS
seen=$(node consume.mjs)
expected='returns nothing, 13.0.0: deleted after 1
returns nothing, 14.2.8: delivered again and again
returns true, 13.0.0: deleted after 1
returns true, 14.2.8: delivered again and again
returns what it saved, 13.0.0: delivered again and again
returns what it saved, 14.2.8: delivered again and again
returns the message, 13.0.0: deleted after 1
returns the message, 14.2.8: deleted after 1
alwaysAcknowledge, returns nothing, 13.0.0: deleted after 1
alwaysAcknowledge, returns nothing, 14.2.8: deleted after 1'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
