#!/usr/bin/env bash
# pyTelegramBotAPI 4.37.1 (Python): in a webhook, what a handler raises reaches nobody, not even a log.
#
# Expected: `process_new_updates` in a web view, as the package's webhook examples have it, raises
# what the handler raised, so that the answer is 500 and Telegram sends the update again; or, since
# handlers run in threads, the failure is logged. Neither happens: the pool stores the exception
# for the polling loop to fetch, and without polling nobody fetches it. The package's logger writes
# nothing at INFO and above, and the view answers 200. The same bot with `threaded=False` raises in
# the view.
#
# Why it matters here: a bot's handler is the one that calls Bitrix24. While the portal is away the
# messages are lost one by one, and all that can be seen is successful requests.
# What follows: `threaded=False` behind a web server that has threads, or an `exception_handler`.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pyTelegramBotAPI==4.37.1 2>/dev/null

cd "$work"
cat >webhook.py <<'PY'
import logging
import threading
import time

import telebot

logged = []


class Keep(logging.Handler):
    def emit(self, record):
        logged.append(record.getMessage())


logging.getLogger().addHandler(Keep())
logging.getLogger().setLevel(logging.INFO)
telebot.logger.handlers[:] = [Keep()]
telebot.logger.setLevel(logging.INFO)
threading.excepthook = lambda arguments: logged.append(str(arguments.exc_value))
update = {
    "update_id": 1,
    "message": {"message_id": 1, "date": 1, "text": "hello", "chat": {"id": 1, "type": "private"}},
}


def view(bot):
    try:
        bot.process_new_updates([telebot.types.Update.de_json(update)])
    except ConnectionError:
        return 500
    return 200


for threaded in (True, False):
    bot = telebot.TeleBot("1:token", threaded=threaded)
    called = threading.Event()

    @bot.message_handler(func=lambda message: True)
    def handle(message):
        called.set()
        raise ConnectionError("the portal is away")

    status = view(bot)
    ran = called.wait(30)
    time.sleep(2)
    print(f"threaded={threaded}: handler called {ran}, answered {status}, logged {logged}")
PY
seen=$(venv/bin/python webhook.py 2>&1)
expected='threaded=True: handler called True, answered 200, logged []
threaded=False: handler called True, answered 500, logged []'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
