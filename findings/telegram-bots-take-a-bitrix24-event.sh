#!/usr/bin/env bash
# A Bitrix24 event that comes to a Telegram bot's own path: most libraries answer 200.
#
# Expected: a body without `update_id` is no update, so the bot's library refuses it, and whoever
# gave Bitrix24 the wrong address sees an error. By library and by format:
# - grammY behind Express's body parsers hands a form and JSON to the bot's handlers as an update.
# - telegraf does so with JSON; a form is the only one that is refused for what it is, with 415.
# - aiogram's handler takes JSON, answers 200 and fails in a background task; a form is a 500.
# The event comes as a form, or as JSON where a relay has read it and written it anew.
#
# Why it matters here: one host often serves the bot and the portal's events, the addresses look
# alike, and Bitrix24 does not send an event again. A green status there proves nothing.
# What follows: give the bot Telegram's secret token, so that a stranger's call is refused.
#
# Seen with grammY 1.46.0, telegraf 4.16.3 and Express 5.3.0 on Node 20, aiogram 3.31.0 with
# aiohttp 3.14.5 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check aiogram==3.31.0 aiohttp==3.14.5 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  grammy@1.46.0 telegraf@4.16.3 express@5.3.0 >/dev/null)

cd "$work"
cat >bots.js <<'JS'
const express = require("express");
const { Bot, webhookCallback } = require("grammy");
const { Telegraf } = require("telegraf");

const botInfo = { id: 1, is_bot: true, first_name: "bot", username: "example_bot" };
let handled;
const grammy = new Bot("1:token", { botInfo });
grammy.use((context) => (handled = JSON.stringify(context.update)));
const telegraf = new Telegraf("1:token");
telegraf.botInfo = botInfo;
telegraf.use((context) => (handled = JSON.stringify(context.update)));

const app = express();
app.use(telegraf.webhookCallback("/telegraf"));
app.use(express.json(), express.urlencoded({ extended: true }));
app.post("/grammy", webhookCallback(grammy, "express"));
const server = app.listen(0, "127.0.0.1", async () => {
  for (const library of ["grammy", "telegraf"])
    for (const [kind, body] of [
      ["application/x-www-form-urlencoded", "event=ONUSERADD&data[ID]=7"],
      ["application/json", '{"event":"ONUSERADD","data":{"ID":"7"}}'],
    ]) {
      handled = "nothing";
      const url = `http://127.0.0.1:${server.address().port}/${library}`;
      const answer = await fetch(url, { method: "POST", headers: { "content-type": kind }, body });
      console.log(`${library}, ${kind}: ${answer.status}, handled: ${handled}`);
    }
  process.exit(0);
});
JS
cat >bot.py <<'PY'
import asyncio

from aiogram import Bot, Dispatcher
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import ClientSession, web


async def main():
    bot, dispatcher = Bot("1:token"), Dispatcher()
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot).register(app, path="/aiogram")
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/aiogram"
    async with ClientSession() as session:
        for kind, body in (
            ("application/x-www-form-urlencoded", {"data": {"event": "ONUSERADD", "data[ID]": "7"}}),
            ("application/json", {"json": {"event": "ONUSERADD", "data": {"ID": "7"}}}),
        ):
            async with session.post(url, **body) as answer:
                print(f"aiogram, {kind}: {answer.status}")
    await runner.cleanup()
    await bot.session.close()


asyncio.run(main())
PY
seen=$(
  node bots.js
  venv/bin/python bot.py 2>/dev/null
)
expected='grammy, application/x-www-form-urlencoded: 200, handled: {"event":"ONUSERADD","data":{"ID":"7"}}
grammy, application/json: 200, handled: {"event":"ONUSERADD","data":{"ID":"7"}}
telegraf, application/x-www-form-urlencoded: 415, handled: nothing
telegraf, application/json: 200, handled: {"event":"ONUSERADD","data":{"ID":"7"}}
aiogram, application/x-www-form-urlencoded: 500
aiogram, application/json: 200'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
