#!/usr/bin/env bash
# @grammyjs/conversations 2.1.1 (npm): inside a conversation the bot's auto-retry is not there, and "too many
# requests" ends the conversation.
#
# Expected: `bot.api.config.use(autoRetry())` is for all that the bot sends, and so is any other function
# that is put there to throttle, log or change calls. A conversation gets a context with an API of
# its own, which has none of them: the same `ctx.reply` that waits and repeats in a handler raises in a
# conversation, and the conversation is over, with what the person has answered so far.
# What was set when the bot was made, such as the address of the API, is there. `plugins` of
# `conversations()`, a middleware that installs the function on `ctx.api`, brings it back.
#
# Why it matters here: 429 comes when many people are written to, in the middle of "what is your number?".
# A test of auto-retry, in a handler, passes.
# What follows: `conversations({ plugins: [(ctx, next) => (ctx.api.config.use(autoRetry()), next())] })`.
#
# Seen with grammy 1.46.0 and @grammyjs/auto-retry 2.0.2 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund \
  grammy@1.46.0 @grammyjs/auto-retry@2.0.2 @grammyjs/conversations@2.1.1 >/dev/null)

cd "$work"
cat >talk.mjs <<'JS'
import { createServer } from "node:http";
import { autoRetry } from "@grammyjs/auto-retry";
import { conversations, createConversation } from "@grammyjs/conversations";
import { Bot } from "grammy";

let requests = 0;
// A Bot API that answers "too many requests" to the first of two.
const api = createServer(async (request, response) => {
  await request.toArray();
  requests += 1;
  response.setHeader("content-type", "application/json").setHeader("connection", "close");
  const busy = { ok: false, error_code: 429, description: "Too Many Requests", parameters: { retry_after: 1 } };
  const sent = { ok: true, result: { message_id: 1, date: 1, chat: { id: 5, type: "private" } } };
  response.end(JSON.stringify(requests === 1 ? busy : sent));
});
await new Promise((resolve) => api.listen(0, "127.0.0.1", resolve));
const apiRoot = `http://127.0.0.1:${api.address().port}`;
const botInfo = { id: 1, is_bot: true, first_name: "B", username: "b_bot" };
const update = {
  update_id: 1,
  message: {
    message_id: 1,
    date: 1,
    text: "hello",
    from: { id: 5, is_bot: false, first_name: "A" },
    chat: { id: 5, type: "private", first_name: "A" },
  },
};
const measure = async (name, prepare) => {
  const bot = new Bot("1:token", { botInfo, client: { apiRoot } });
  bot.api.config.use(autoRetry());
  prepare(bot);
  requests = 0;
  const end = await bot.handleUpdate(update).then(() => "sent", ({ error }) => `raised ${error.error_code}`);
  console.log(`${name}: ${end} after ${requests}`);
};
const ask = async (conversation, ctx) => {
  await ctx.reply("Your number?");
  await conversation.waitFor("message:text");
};
const converse = (bot, options) => {
  bot.use(conversations(options), createConversation(ask));
  bot.on("message", (ctx) => ctx.conversation.enter("ask"));
};
const install = (ctx, next) => {
  ctx.api.config.use(autoRetry());
  return next();
};
await measure("a handler", (bot) => bot.on("message", (ctx) => ctx.reply("Your number?")));
await measure("a conversation", (bot) => converse(bot));
await measure("a conversation with a plugin", (bot) => converse(bot, { plugins: [install] }));
process.exit(0);
JS
seen=$(node talk.mjs 2>/dev/null)
expected='a handler: sent after 2
a conversation: raised 429 after 1
a conversation with a plugin: sent after 2'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
