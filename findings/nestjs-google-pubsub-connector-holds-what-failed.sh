#!/usr/bin/env bash
# @flosportsinc/nestjs-google-pubsub-connector 4.0.0 (npm): an event whose handler throws is neither acknowledged
# nor given back, so it comes again after an hour, and one whose handler returns an empty stream comes again too.
#
# Expected: what failed is given back, "nack strategies are guaranteed to run if any error is thrown", and is
# delivered again at once, or after the subscription's backoff. The strategy runs and looks at `autoNack`,
# which is false by default (`autoAck` is true). "Neither" is not "later" either: Google's client, below it,
# goes on telling Pub/Sub that a message is in hand until it is answered, for an hour. The
# subscription's deadline of ten seconds and its backoff do not count, and the event takes up one of the
# thousand places that the client has; when a thousand have failed, it asks for no more.
# A handler that returns an Observable without a value, as `EMPTY` or a filter does, has succeeded, and its event
# is not acknowledged: it is handled again each hour.
#
# Why it matters here: a dismissal that met a time-out of one second is delivered an hour late, or after the next
# restart. The log has the exception, and nothing on what became of the event.
# What follows: `autoNack: true`, with a dead letter topic and a backoff on the subscription.
#
# Seen with NestJS 10.4.22 and @google-cloud/pubsub 4.11.0 on Node 20, 2026-11-28, with messages in memory.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps \
  @flosportsinc/nestjs-google-pubsub-connector@4.0.0 @google-cloud/pubsub@4.11.0 @nestjs/common@10.4.22 \
  @nestjs/core@10.4.22 @nestjs/microservices@10.4.22 reflect-metadata@0.2.2 rxjs@7.8.2 >/dev/null)

cd "$work"
cat >fail.js <<'JS'
require("reflect-metadata");
const { EventEmitter } = require("node:events");
const { Controller, Module } = require("@nestjs/common");
const { NestFactory } = require("@nestjs/core");
const { GooglePubSubMessageHandler, GooglePubSubTransport } = require("@flosportsinc/nestjs-google-pubsub-connector");
const { LeaseManager } = require("@google-cloud/pubsub/build/src/lease-manager.js");
const { EMPTY, of, Subject } = require("rxjs");

class People {
  async succeeds() {}
  async throws() {
    throw new Error("The portal is away");
  }
  returnsNothing() {
    return EMPTY;
  }
}
const names = Object.getOwnPropertyNames(People.prototype).slice(1);
for (const name of names) {
  const descriptor = Object.getOwnPropertyDescriptor(People.prototype, name);
  GooglePubSubMessageHandler({ subscriptionName: name })(People.prototype, name, descriptor);
}
Controller()(People);
class Application {}
Module({ controllers: [People] })(Application);

(async () => {
  for (const autoNack of [undefined, true]) {
    const messages = Object.fromEntries(names.map((name) => [name, new Subject()]));
    const client = {
      subscriptionExists: () => of(true),
      getSubscription: (name) => ({ name }),
      listenForMessages: ({ name }) => messages[name],
    };
    const strategy = new GooglePubSubTransport({ client, autoNack });
    const application = await NestFactory.createMicroservice(Application, { strategy, logger: false });
    await application.listen();
    for (const name of names) {
      let end = "neither acknowledged nor given back";
      messages[name].next({
        data: Buffer.from('{"ID":"7"}'),
        attributes: {},
        ack: () => (end = "acknowledged"),
        nack: () => (end = "given back"),
      });
      await new Promise((resolve) => setTimeout(resolve, 1000));
      console.log(`autoNack ${autoNack ?? "by default"}, ${name}: ${end}`);
    }
  }
  const { maxExtensionMinutes, maxMessages } = new LeaseManager(new EventEmitter())._options;
  console.log(`Google's client keeps a message for ${maxExtensionMinutes} minutes, and ${maxMessages} at most`);
  process.exit(0);
})();
JS
seen=$(node fail.js)
expected="autoNack by default, succeeds: acknowledged
autoNack by default, throws: neither acknowledged nor given back
autoNack by default, returnsNothing: neither acknowledged nor given back
autoNack true, succeeds: acknowledged
autoNack true, throws: given back
autoNack true, returnsNothing: neither acknowledged nor given back
Google's client keeps a message for 60 minutes, and 1000 at most"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
