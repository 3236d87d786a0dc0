#!/usr/bin/env bash
# express-idempotency 1.0.6 (npm): a handler that threw is "still in progress" for ever.
#
# Expected: a key is held while its request runs. The package forgets it when the answer is a
# failure, so that the sender can repeat, and keeps the answer when it is a success. It knows of an
# answer by `res.send` alone. Express answers a handler that threw without `send`, so the key stays
# taken, and every repetition gets 409 and does not run, though `res.status(500).send()` in the same
# place frees it. A success that is answered by `res.end()` is in progress for ever as well.
# After a success by `send`, a repetition gets the first answer and the handler runs too: that is
# for the handler to ask (`isHit`, in the README).
#
# Why it matters here: a handler throws because the portal is away. The sender repeats for hours,
# as it should, and is refused each time: the event is lost by what was to protect it.
# What follows: an error handler that answers by `send`, or ids kept where the work is stored.
#
# Seen with Express 4.22.3 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund express-idempotency@1.0.6 express@4.22.3 >/dev/null)

cd "$work"
cat >repeat.js <<'JS'
const express = require("express");
const { idempotency } = require("express-idempotency");

const runs = { "/throws": 0, "/sends-500": 0, "/ends": 0, "/sends": 0 };
const app = express();
app.set("env", "test");
app.use(express.json(), idempotency());
app.post(Object.keys(runs), (request, response) => {
  const first = ++runs[request.path] === 1;
  if (response.headersSent) return;
  if (first && request.path === "/throws") throw new Error("the portal is away");
  if (first && request.path === "/sends-500") return response.status(500).send("no");
  if (request.path === "/ends") return response.end("ok");
  response.send("ok");
});
const server = app.listen(0, "127.0.0.1", async () => {
  for (const path of Object.keys(runs)) {
    const answers = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`, {
        method: "POST",
        body: '{"ID": 1}',
        headers: { "content-type": "application/json", "idempotency-key": `event-${path}` },
      });
      await answer.text();
      answers.push(answer.status);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    console.log(`${path}: answered ${answers}, handler ran ${runs[path]}`);
  }
  process.exit(0);
});
JS
seen=$(node repeat.js 2>/dev/null)
expected='/throws: answered 500,409,409, handler ran 1
/sends-500: answered 500,200,200, handler ran 3
/ends: answered 200,409,409, handler ran 1
/sends: answered 200,200,200, handler ran 3'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
