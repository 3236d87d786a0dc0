#!/usr/bin/env bash
# @octokit/webhooks 14.2.0 (npm): a handler that fails after nine seconds was confirmed already, and
# the log has nothing.
#
# Expected: the middleware answers when the handlers have ended: 200, or 500 with a line in the log.
# A sender that does not wait so long sees a time-out. After nine seconds the middleware answers 202
# by itself, while the handlers go on. If one of them fails then, the answer is out, and the failure
# is dropped before the line that logs it; `onError` alone hears of it, and it is optional. The same
# handler that fails sooner is a 500 and an entry in the log. (`timeout` sets the nine seconds.)
#
# Why it matters here: nine seconds is what a call to a portal takes when it is about to fail. The
# failures that matter are all late ones, and the list of deliveries shows them as successes.
# What follows: store the event, answer, and let a queue call the portal; and register `onError`.
#
# Seen on Node 20, 2026-11-27, with a `timeout` of one second and with the default.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund @octokit/webhooks@14.2.0 >/dev/null)

cd "$work"
cat >receive.mjs <<'JS'
import { createServer } from "node:http";
import { Webhooks, createNodeMiddleware } from "@octokit/webhooks";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function deliver(name, after, options) {
  const logged = [];
  const quiet = () => {};
  const log = { debug: quiet, info: quiet, warn: quiet, error: (entry) => logged.push(entry) };
  const webhooks = new Webhooks({ secret: "secret", log });
  let failed;
  const ended = new Promise((resolve) => {
    failed = resolve;
  });
  webhooks.on("push", async () => {
    await pause(after);
    failed();
    throw new Error("The portal is away");
  });
  const server = createServer(createNodeMiddleware(webhooks, { path: "/", log, ...options }));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const body = JSON.stringify({ ref: "refs/heads/main" });
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "x-github-event": "push",
      "x-github-delivery": "1",
      "x-hub-signature-256": await webhooks.sign(body),
    },
  });
  await ended;
  await pause(1000);
  console.log(`${name}: answered ${answer.status}, entries in the log: ${logged.length}`);
  server.close();
}
await Promise.all([
  deliver("fails at once, default timeout", 0, {}),
  deliver("fails after 11 seconds, default timeout", 11000, {}),
  deliver("fails after 4 seconds, timeout of 1", 4000, { timeout: 1000 }),
]);
process.exit(0);
JS
seen=$(node receive.mjs | sort)
expected='fails after 11 seconds, default timeout: answered 202, entries in the log: 0
fails after 4 seconds, timeout of 1: answered 202, entries in the log: 0
fails at once, default timeout: answered 500, entries in the log: 1'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
