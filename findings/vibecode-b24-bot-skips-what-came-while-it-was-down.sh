#!/usr/bin/env bash
# vibecode-b24-bot 0.2.0 (Python): each start of a Bitrix24 bot throws away what waited for it.
#
# Expected: a bot that polls a list of events, each with an offset, goes on after a restart where it
# stopped, or at the oldest one that is kept: that is what a list with offsets is for, and Telegram's
# libraries keep what waits unless they are told to drop it. This one asks for up to a thousand
# events when it starts, takes none of them to a handler, and begins behind them. A line at INFO has
# their number. There is no option, and the offset is stored nowhere. While it runs, an event whose
# handler raises is logged and passed over.
#
# Why it matters here: a deploy takes a minute, and the README has `--restart unless-stopped`. What
# people wrote to the bot in that minute, their numbers for linking included, is never answered.
# What follows: subclass the bot, with `_skip_old_events` that returns a stored offset.
#
# Seen with aiohttp 3.14.5 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  vibecode-b24-bot==0.2.0 aiohttp==3.14.5 2>/dev/null

cat >"$work/restart.py" <<'PY'
import asyncio
import logging

from aiohttp import web
from vibecode_b24_bot import Bot

logging.disable(logging.CRITICAL)
events = []
polled = asyncio.Event()


def write(text):
    number = len(events) + 1
    message = {"id": number, "text": text, "chatId": 1, "authorId": 7}
    person = {"id": 7, "name": "Anna", "bot": False}
    data = {"message": message, "chat": {"id": 1, "dialogId": "7"}, "user": person}
    events.append({"eventId": number, "type": "ONIMBOTV2MESSAGEADD", "data": data})


async def send_events(request):
    offset = int(request.query["offset"])
    waiting = [event for event in events if event["eventId"] > offset][: int(request.query["limit"])]
    last = waiting[-1]["eventId"] if waiting else offset
    # The bot asks for a thousand once, when it starts, and for a hundred each time after that.
    if request.query["limit"] == "100":
        polled.set()
    return web.json_response({"data": {"events": waiting, "lastEventId": last, "hasMore": False}})


async def send_bots(request):
    return web.json_response({"data": [{"code": "vibecode_bot", "botId": 1}]})


async def send_owner(request):
    return web.json_response({"data": {"portal": "portal.example.com"}})


async def run(address, name, wait_for):
    """Run a bot from its start until it has handled a message that comes when it polls."""
    bot, handled, done = Bot("key", poll_interval=0.05), [], asyncio.Event()
    bot.client.base_url = address

    @bot.on_message
    async def handle(message):
        handled.append(message.text)
        if message.text == wait_for:
            done.set()

    polled.clear()
    running = asyncio.create_task(bot.start())
    await asyncio.wait_for(polled.wait(), 30)
    write(wait_for)
    await asyncio.wait_for(done.wait(), 30)
    await bot.stop()
    await running
    print(f"{name}: handled {', '.join(handled)}")


async def main():
    application = web.Application()
    application.router.add_get("/me", send_owner)
    application.router.add_get("/bots", send_bots)
    application.router.add_get("/bots/1/events", send_events)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    await run(address, "the first run", "hello")
    for text in ("my number is 7405", "are you there?"):
        write(text)
    print("written while it was down: my number is 7405, are you there?")
    await run(address, "the second run", "hello again")
    await runner.cleanup()


asyncio.run(main())
PY
seen=$("$work/venv/bin/python" "$work/restart.py")
expected='the first run: handled hello
written while it was down: my number is 7405, are you there?
the second run: handled hello again'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
