#!/usr/bin/env bash
# pyTelegramBotAPI 4.37.1 (Python): "/start" that Telegram delivers twice is taken for the answer to
# the question that its first delivery asked; in a group anybody's next message is.
#
# Expected: `register_next_step_handler`, with which the package's examples ask for a name and an age,
# takes the next message of that person. It takes the next message in that chat, whoever wrote it and
# whatever it is: a command, although a handler for that command exists, and an update whose
# `update_id` was handled before. The next step then ends, so the real answer goes to whoever
# handles the rest. Telegram sends an update again when it saw no 200 in time. In aiogram, the state
# belongs to a person in a chat and handlers are tried in their order, so that "/start" asks again.
#
# Why it matters here: "what is your number in Bitrix24?" is how an account is linked. What gets
# stored is "/start", or the number of a colleague who wrote first.
# What follows: check in the step who wrote, and that it is no command, and ask again otherwise.
#
# Seen with aiogram 3.31.0 beside it on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  pyTelegramBotAPI==4.37.1 aiogram==3.31.0 2>/dev/null

cat >"$work/ask.py" <<'PY'
import asyncio

import telebot
from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import Update as AiogramUpdate


def update(number, text, person=5, chat=5):
    message = {
        "message_id": number,
        "date": 1,
        "text": text,
        "from": {"id": person, "is_bot": False, "first_name": "A"},
        "chat": {"id": chat, "type": "private" if chat > 0 else "group", "title": "a"},
    }
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    return {"update_id": number, "message": message}


def with_telebot(updates):
    bot = telebot.TeleBot("1:token", threaded=False)
    links = []

    def link(message):
        links.append(f"{message.text!r} of {message.from_user.id} is linked")

    @bot.message_handler(commands=["start"])
    def start(message):
        bot.register_next_step_handler(message, link)

    @bot.message_handler(func=lambda message: True)
    def rest(message):
        links.append(f"{message.text!r} of {message.from_user.id} is not understood")

    for value in updates:
        bot.process_new_updates([telebot.types.Update.de_json(value)])
    return links


class Linking(StatesGroup):
    number = State()


def with_aiogram(updates):
    bot, dispatcher, links = Bot("1:token"), Dispatcher(), []

    @dispatcher.message(Command("start"))
    async def start(message, state):
        await state.set_state(Linking.number)

    @dispatcher.message(Linking.number)
    async def link(message, state):
        await state.clear()
        links.append(f"{message.text!r} of {message.from_user.id} is linked")

    @dispatcher.message()
    async def rest(message):
        links.append(f"{message.text!r} of {message.from_user.id} is not understood")

    async def main():
        for value in updates:
            await dispatcher.feed_update(bot, AiogramUpdate.model_validate(value))
        await bot.session.close()

    asyncio.run(main())
    return links


CASES = {
    "one delivery": [update(1, "/start"), update(2, "7405")],
    "two deliveries": [update(1, "/start"), update(1, "/start"), update(2, "7405")],
    "a group": [update(1, "/start", 5, -1), update(2, "7", 6, -1), update(3, "7405", 5, -1)],
}
for case, updates in CASES.items():
    for handle in (with_telebot, with_aiogram):
        print(f"{case}, {handle.__name__.removeprefix('with_')}: {', '.join(handle(updates))}")
PY
seen=$("$work/venv/bin/python" "$work/ask.py")
expected=$(
  cat <<'SEEN'
one delivery, telebot: '7405' of 5 is linked
one delivery, aiogram: '7405' of 5 is linked
two deliveries, telebot: '/start' of 5 is linked, '7405' of 5 is not understood
two deliveries, aiogram: '7405' of 5 is linked
a group, telebot: '7' of 6 is linked, '7405' of 5 is not understood
a group, aiogram: '7' of 6 is not understood, '7405' of 5 is linked
SEEN
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
