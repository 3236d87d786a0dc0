#!/usr/bin/env bash
# python-telegram-bot 22.8: DictPersistence turns the text "007" as a key into the number 7, and two
# links of a person into one.
#
# Expected: what was stored in `user_data` is there after a restart, as far as JSON can say it, so
# that texts stay texts. The class restores the ids of users and chats, which JSON has made texts
# of, and tries the same with the keys inside: each one that looks like a number becomes one, also
# with leading zeros, a sign or spaces. Texts and numbers that meet this way become one entry, and
# the later one is kept. Keys one level deeper go the other way: numbers come back as texts.
# `bot_data` is restored as JSON has it. PicklePersistence keeps all of them.
#
# Why it matters here: Bitrix24 writes every id as a text, so `user_data["7405"]` is what a link is
# stored under, and after a restart `"7405" in user_data` is false. Nothing is raised or logged.
# What follows: PicklePersistence, a database, or keys that do not look like numbers.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check python-telegram-bot==22.8 2>/dev/null

cd "$work"
cat >restart.py <<'PY'
import asyncio

from telegram.ext import DictPersistence, PicklePersistence

LINKS = {"7405": "a deal", "007": "a person", "7": "another", "+8": "plus", "by id": {7: "x"}}


async def store(persistence):
    await persistence.update_user_data(100, dict(LINKS))
    await persistence.update_chat_data(100, dict(LINKS))
    await persistence.update_bot_data(dict(LINKS))
    await persistence.flush()


async def show(name, persistence):
    print(f"{name}, user_data:", (await persistence.get_user_data())[100])
    print(f"{name}, chat_data:", (await persistence.get_chat_data())[100])
    print(f"{name}, bot_data:", await persistence.get_bot_data())


async def main():
    before = DictPersistence()
    await store(before)
    after = DictPersistence(
        user_data_json=before.user_data_json,
        chat_data_json=before.chat_data_json,
        bot_data_json=before.bot_data_json,
    )
    await show("DictPersistence", after)
    await store(PicklePersistence("links.pickle"))
    await show("PicklePersistence", PicklePersistence("links.pickle"))


asyncio.run(main())
PY
seen=$(venv/bin/python restart.py)
expected=$(
  cat <<'SEEN'
DictPersistence, user_data: {7405: 'a deal', 7: 'another', 8: 'plus', 'by id': {'7': 'x'}}
DictPersistence, chat_data: {7405: 'a deal', 7: 'another', 8: 'plus', 'by id': {'7': 'x'}}
DictPersistence, bot_data: {'7405': 'a deal', '007': 'a person', '7': 'another', '+8': 'plus', 'by id': {'7': 'x'}}
PicklePersistence, user_data: {'7405': 'a deal', '007': 'a person', '7': 'another', '+8': 'plus', 'by id': {7: 'x'}}
PicklePersistence, chat_data: {'7405': 'a deal', '007': 'a person', '7': 'another', '+8': 'plus', 'by id': {7: 'x'}}
PicklePersistence, bot_data: {'7405': 'a deal', '007': 'a person', '7': 'another', '+8': 'plus', 'by id': {7: 'x'}}
SEEN
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
