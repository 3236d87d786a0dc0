#!/usr/bin/env bash
# nestjs-google-pubsub-microservice 10.1.0 (npm): an event whose handler throws is acknowledged, and so is one
# that nobody handles, or that is still being handled.
#
# Expected: a transport for Pub/Sub acknowledges what was handled, and gives back what failed, so that Pub/Sub
# delivers it again and in the end puts it into the dead letter topic. The handler's promise is awaited, and
# its error is caught by Nest, which makes a stream of it and logs one line. The transport sees a handler that
# ended, and acknowledges. A handler that returns an Observable is acknowledged before it has ended. An event
# without a handler, as after a deployment that went wrong, is one more line in the log.
# `noAck: false` is the way out, and reads like its opposite: it leaves `ack` and `nack` to the handler, and then
# an event that nobody handles is neither acknowledged nor given back, and comes again for a week.
#
# Why it matters here: the portal is away for a minute, and the events of that minute are gone. The dead letter
# topic stays empty, whatever is set up on the subscription.
# What follows: `noAck: false`, with `ack` and `nack` of the message in the context, in an interceptor.
#
# Seen with NestJS 10.4.22 and @google-cloud/pubsub 4.11.0 on Node 20, 2026-11-28, with the client for Pub/Sub
# replaced by one in memory.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  nestjs-google-pubsub-microservice@10.1.0 @google-cloud/pubsub@4.11.0 @nestjs/common@10.4.22 \
  @nestjs/core@10.4.22 @nestjs/microservices@10.4.22 reflect-metadata@0.1.14 rxjs@7.8.2 >/dev/null)

cd "$work"
cat >fail.js <<'JS'
require("reflect-metadata");
const { EventEmitter } = require("node:events");
const { Controller, Module } = require("@nestjs/common");
const { NestFactory } = require("@nestjs/core");
const { EventPattern } = require("@nestjs/microservices");
const { GCPubSubServer } = require("nestjs-google-pubsub-microservice");
const { NEVER } = require("rxjs");

class People {
  async succeeds() {}
  async throws() {
    throw new Error("The portal is away");
  }
  neverEnds() {
    return NEVER;
  }
}
for (const name of Object.getOwnPropertyNames(People.prototype).slice(1))
  EventPattern(name)(People.prototype, name, Object.getOwnPropertyDescriptor(People.prototype, name));
Controller()(People);
class Application {}
Module({ controllers: [People] })(Application);

(async () => {
  for (const noAck of [undefined, false]) {
    const subscription = new EventEmitter();
    subscription.create = async () => {};
    const topic = { create: async () => {}, subscription: () => subscription };
    class InMemory extends GCPubSubServer {
      createClient() {
        return { topic: () => topic };
      }
    }
    const strategy = new InMemory({ topic: "people", subscription: "people", noAck });
    const application = await NestFactory.createMicroservice(Application, { strategy, logger: false });
    await application.listen();
    for (const pattern of ["succeeds", "throws", "neverEnds", "nobody's"]) {
      let end = "neither acknowledged nor given back";
      subscription.emit("message", {
        data: Buffer.from('{"ID":"7"}'),
        attributes: { pattern },
        ack: () => (end = "acknowledged"),
        nack: () => (end = "given back"),
      });
      await new Promise((resolve) => setTimeout(resolve, 1000));
      console.log(`noAck ${noAck ?? "by default"}, ${pattern}: ${end}`);
    }
  }
  process.exit(0);
})();
JS
seen=$(node fail.js)
expected="noAck by default, succeeds: acknowledged
noAck by default, throws: acknowledged
noAck by default, neverEnds: acknowledged
noAck by default, nobody's: acknowledged
noAck false, succeeds: neither acknowledged nor given back
noAck false, throws: neither acknowledged nor given back
noAck false, neverEnds: neither acknowledged nor given back
noAck false, nobody's: neither acknowledged nor given back"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
