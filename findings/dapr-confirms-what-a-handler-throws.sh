#!/usr/bin/env bash
# @dapr/dapr 3.18.0 (npm): an event whose handler throws is answered with SUCCESS, and Dapr drops it.
#
# Expected: a subscriber's handler that throws has the event delivered again, as it is where a
# handler of one's own answers 500. The SDK catches the error, logs one line at ERROR with the route
# and the error's text, and answers 200 with {"status":"SUCCESS"}. Only a handler that returns
# `DaprPubSubStatusEnum.RETRY` gets the event again; `return false` is a success as well.
# Where the event's data is 0, false or "", the handler gets the whole envelope in its place, so that
# `data` is an object with `specversion` for this one event.
#
# Why it matters here: the handler calls Bitrix24, and a portal that is away throws. The broker, the
# retry policy and the dead letter topic are all configured, and none of them ever sees a failure.
# What follows: a wrapper around each handler that catches and returns RETRY.
#
# Seen with express 4.22.3 on Node 20, 2026-11-27. The requests are those that Dapr's sidecar sends;
# no sidecar is needed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund @dapr/dapr@3.18.0 express@4.22.3 >/dev/null)

cd "$work"
cat >deliver.js <<'JS'
const { DaprPubSubStatusEnum, DaprServer } = require("@dapr/dapr");
const express = require("express");

const logged = [];
const write = (...parts) => logged.push(parts.join(" "));
const logger = { service: { error: write, warn() {}, info() {}, verbose() {}, debug() {} } };
const app = express();
const dapr = new DaprServer({ serverHttp: app, clientOptions: { logger }, logger });
const handlers = {
  throws: async () => {
    throw new Error("the portal is away");
  },
  "returns-false": async () => false,
  "asks-for-a-retry": async () => DaprPubSubStatusEnum.RETRY,
  "keeps-data": async (data) => {
    kept = data;
  },
};
let kept;

(async () => {
  for (const [topic, handler] of Object.entries(handlers)) await dapr.pubsub.subscribe("bus", topic, handler);
  const server = app.listen(0, "127.0.0.1", async () => {
    async function post(topic, data) {
      const answer = await fetch(`http://127.0.0.1:${server.address().port}/bus--${topic}--default`, {
        method: "POST",
        headers: { "content-type": "application/cloudevents+json" },
        body: JSON.stringify({ specversion: "1.0", id: "1", source: "gateway", type: "event", data }),
      });
      return `${answer.status} ${await answer.text()}`;
    }
    for (const topic of ["throws", "returns-false", "asks-for-a-retry"])
      console.log(`${topic}: ${await post(topic, { ID: 7 })}`);
    console.log(`lines at ERROR: ${logged.length}`);
    for (const data of [{ ID: 7 }, [], 1, 0, false, ""]) {
      await post("keeps-data", data);
      const whole = JSON.stringify(kept) === JSON.stringify(data);
      console.log(`data ${JSON.stringify(data)}: ${whole ? "as it was" : `an object with ${Object.keys(kept)}`}`);
    }
    process.exit(0);
  });
})();
JS
seen=$(node deliver.js 2>/dev/null)
expected='throws: 200 {"status":"SUCCESS"}
returns-false: 200 {"status":"SUCCESS"}
asks-for-a-retry: 200 {"status":"RETRY"}
lines at ERROR: 1
data {"ID":7}: as it was
data []: as it was
data 1: as it was
data 0: an object with specversion,id,source,type,data
data false: an object with specversion,id,source,type,data
data "": an object with specversion,id,source,type,data'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
