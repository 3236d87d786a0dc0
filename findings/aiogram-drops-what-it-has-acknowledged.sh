#!/usr/bin/env bash
# aiogram 3.31.0 (Python): a bot that is stopped drops the updates that it has answered with 200.
#
# Expected: SIGTERM lets a web server end what it is doing, and an update that was not handled is
# sent again by Telegram. SimpleRequestHandler answers 200 before the handler runs, by default, and
# keeps the handler's task in a set that nobody waits for when the application shuts down: all
# handlers that are waiting for anything end there, the process ends with 0, and nothing is logged.
# With `handle_in_background=False` the same program, stopped in the same moment, ends all of them
# and answers after that.
#
# Why it matters here: a bot's handler is the one that calls Bitrix24, and a container is stopped
# with each deploy. What it was asked in those seconds is lost, and Telegram has its 200.
# What follows: `handle_in_background=False`, or store the update before the answer.
#
# Seen with aiohttp 3.14.5 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
servers=()
cleanup() {
  [ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  aiogram==3.31.0 aiohttp==3.14.5 2>/dev/null

cd "$work"
cat >bot.py <<'PY'
import asyncio
import sys

from aiogram import Bot, Dispatcher
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

port, background = int(sys.argv[1]), sys.argv[2] == "True"
bot, dispatcher = Bot("1:token"), Dispatcher()


def note(text):
    with open("seen", "a") as file:
        file.write(text + "\n")


@dispatcher.message()
async def handle(message):
    note("begun")
    await asyncio.sleep(10)
    note("ended")


app = web.Application()
handler = SimpleRequestHandler(dispatcher, bot, handle_in_background=background)
handler.register(app, path="/")
setup_application(app, dispatcher, bot=bot)
web.run_app(app, host="127.0.0.1", port=port, print=None)
PY
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
post() {
  curl -s -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' \
    -d '{"update_id": '"$1"', "message": {"message_id": '"$1"', "date": 1, "text": "hello",
         "chat": {"id": 1, "type": "private"}}}' "http://127.0.0.1:$port/"
}
count() { grep -c "$1" seen || true; }
run() {
  local number bot status posts=()
  port=$(free_port)
  : >seen
  venv/bin/python bot.py "$port" "$1" >log 2>&1 &
  bot=$!
  servers=("$bot")
  for _ in $(seq 120); do
    if curl -s "http://127.0.0.1:$port/" >/dev/null; then break; fi
    sleep 0.5
  done
  for number in 1 2 3; do
    post "$number" >"answer-$number" &
    posts+=($!)
  done
  for _ in $(seq 160); do
    [ "$(count begun)" != 3 ] || break
    sleep 0.05
  done
  kill -TERM "$bot"
  status=0
  wait "$bot" || status=$?
  servers=()
  wait "${posts[@]}" || true
  echo "handle_in_background=$1: answered $(sort -u answer-* | tr '\n' ' ')begun $(count begun), ended $(count ended), exit $status, logged $(wc -l <log) lines"
}
run True >first
run False >second
seen=$(cat first second)
expected='handle_in_background=True: answered 200 begun 3, ended 0, exit 0, logged 0 lines
handle_in_background=False: answered 200 begun 3, ended 3, exit 0, logged 0 lines'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
