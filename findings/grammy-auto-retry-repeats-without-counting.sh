#!/usr/bin/env bash
# @grammyjs/auto-retry 2.0.2 (npm): `maxRetryAttempts: 1` sends a message three times, and would go on.
#
# Expected: the number of attempts is a number of attempts. It counts answers that say "too many requests" or
# 500. A request that ends without an answer is repeated inside, by a loop of its own without a number,
# after three seconds, then six, up to an hour, for as long as the process lives. Telegram may have sent
# the message each time: what got lost is the answer.
# `rethrowHttpErrors: true` ends that loop; it is off by default, and its name is the only hint.
#
# Why it matters here: a notification goes out several times while the network is bad, and the handler that
# waits for it neither ends nor raises: a function is billed until its host ends it, and Telegram
# delivers the update again meanwhile.
# What follows: `autoRetry({ maxRetryAttempts: 1, maxDelaySeconds: 5, rethrowHttpErrors: true })`.
#
# Seen with grammy 1.46.0 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund grammy@1.46.0 @grammyjs/auto-retry@2.0.2 >/dev/null)

cd "$work"
cat >send.mjs <<'JS'
import { createServer } from "node:http";
import { autoRetry } from "@grammyjs/auto-retry";
import { Bot } from "grammy";

let sent = 0;
let end;
// A Bot API that sends each message; the answer to the first two is lost, or is 500.
const api = createServer(async (request, response) => {
  await request.toArray();
  sent += 1;
  response.setHeader("content-type", "application/json").setHeader("connection", "close");
  if (sent > 2) return response.end(JSON.stringify({ ok: true, result: { message_id: sent } }));
  if (end === "no answer") return request.socket.destroy();
  response.writeHead(500).end(JSON.stringify({ ok: false, error_code: 500, description: "Internal Server Error" }));
});
await new Promise((resolve) => api.listen(0, "127.0.0.1", resolve));
const apiRoot = `http://127.0.0.1:${api.address().port}`;
const measure = async (name, options) => {
  const bot = new Bot("1:token", { client: { apiRoot } });
  bot.api.config.use(autoRetry(options));
  sent = 0;
  const outcome = await bot.api.sendMessage(5, "Your number is 7405.").then(() => "sent", () => "raised");
  console.log(`${end}, ${name}: ${outcome} after ${sent}`);
};
end = "500";
await measure("maxRetryAttempts of 1", { maxRetryAttempts: 1 });
end = "no answer";
await measure("maxRetryAttempts of 1", { maxRetryAttempts: 1 });
await measure("and rethrowHttpErrors", { maxRetryAttempts: 1, rethrowHttpErrors: true });
process.exit(0);
JS
seen=$(node send.mjs 2>/dev/null)
printf '%s\n' "$seen"
expected='500, maxRetryAttempts of 1: raised after 2
no answer, maxRetryAttempts of 1: sent after 3
no answer, and rethrowHttpErrors: raised after 1'
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
