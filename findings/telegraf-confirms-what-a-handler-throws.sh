#!/usr/bin/env bash
# telegraf 4.16.3 (npm): behind a webhook a handler that throws is answered with 200, and the process ends.
#
# Expected: an update whose handler threw is answered with an error, so that Telegram delivers it again,
# as grammY's `webhookCallback` does. telegraf ends the answer in a `finally`, with the 200 that it had
# from the start, and then passes the error on to the caller. Who that is decides the rest:
# - `http.createServer(bot.webhookCallback())`, Express 4 and `bot.launch({ webhook })` wait for no promise,
#   so it is an unhandled rejection, and Node ends the process with all that was in work in it;
# - Express 5 hands the error to its error handlers, which come too late to change the answer.
# With `bot.catch`, the usual cure, the process goes on, and the answer is 200 still.
#
# Why it matters here: Telegram keeps what it saw no 200 for and sends it again, which is the only
# queue that such a bot has. "The table is locked" loses the update, and the bot that is started anew
# does not get it.
# What follows: a view of your own that parses the body, awaits `bot.handleUpdate(update)` without the
# response, and answers 500 if that raises.
#
# Seen with Express 5.3.0 and grammy 1.46.0 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
bot=
cleanup() {
  [ -z "$bot" ] || kill "$bot" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
(cd "$work" && npm install --silent --no-audit --no-fund \
  telegraf@4.16.3 express@5.3.0 grammy@1.46.0 >/dev/null)

cd "$work"
cat >bot.mjs <<'JS'
import fs from "node:fs";
import { createServer } from "node:http";
import express from "express";
import { Bot, webhookCallback } from "grammy";
import { Telegraf } from "telegraf";

const me = { id: 1, is_bot: true, first_name: "B", username: "b_bot" };
const handler = async () => {
  throw new Error("the table is locked");
};
const telegraf = () => {
  const bot = new Telegraf("1:token");
  bot.botInfo = me;
  bot.on("message", handler);
  return bot;
};
const withExpress = (use) => {
  const app = express();
  use(app);
  app.use((error, request, response, next) => {
    if (response.headersSent) console.log("too late for an error handler");
    else response.sendStatus(500);
  });
  return app;
};
const servers = {
  http: () => telegraf().webhookCallback("/"),
  catch: () => telegraf().catch(() => undefined).webhookCallback("/"),
  express: () => withExpress((app) => app.use(telegraf().webhookCallback("/"))),
  view: () =>
    withExpress((app) => {
      const bot = telegraf();
      app.post("/", express.json(), async (request, response) => {
        await bot.handleUpdate(request.body);
        response.end();
      });
    }),
  grammy: () => {
    const bot = new Bot("1:token", { botInfo: me });
    bot.on("message", handler);
    return withExpress((app) => app.use(express.json(), webhookCallback(bot, "express")));
  },
};
process.on("exit", () => console.log("the process ended"));
const server = createServer(servers[process.argv[2]]());
server.listen(0, "127.0.0.1", () => fs.writeFileSync("port", String(server.address().port)));
JS
cat >update.json <<'JSON'
{"update_id": 1, "message": {"message_id": 1, "date": 1, "text": "hello",
 "from": {"id": 5, "is_bot": false, "first_name": "A"}, "chat": {"id": 5, "type": "private", "first_name": "A"}}}
JSON
handle() {
  rm -f port
  node bot.mjs "$1" >log 2>/dev/null &
  bot=$!
  for _ in $(seq 100); do
    [ ! -s port ] || break
    sleep 0.1
  done
  printf 'answered with %s' "$(curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
    --data-binary @update.json "http://127.0.0.1:$(cat port)/")"
  # What ends the process does so within the same moment; one that goes on is waited for in vain.
  for _ in $(seq 10); do
    kill -0 "$bot" 2>/dev/null || break
    sleep 0.1
  done
  kill "$bot" 2>/dev/null || true
  wait "$bot" 2>/dev/null || true
  bot=
  while IFS= read -r line; do printf ', %s' "$line"; done <log
  echo
}
seen=$(
  printf 'telegraf, http: ' && handle http
  printf 'telegraf, http, bot.catch: ' && handle catch
  printf 'telegraf, Express 5: ' && handle express
  printf 'telegraf, own view: ' && handle view
  printf 'grammY, Express 5: ' && handle grammy
)
expected='telegraf, http: answered with 200, the process ended
telegraf, http, bot.catch: answered with 200
telegraf, Express 5: answered with 200, too late for an error handler
telegraf, own view: answered with 500
grammY, Express 5: answered with 500'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
