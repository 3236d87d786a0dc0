#!/usr/bin/env bash
# django-jaiminho 2.2.1 (Python): an outbox that stores an event after it could not be sent, and not
# before; what a killed process had to send is nowhere.
#
# Expected: an outbox writes the event into its table in the transaction of the data, sends it after
# the commit, and a relay sends what was left over. With the default settings nothing is written in
# the transaction: the sending function runs after the commit, and only if it raises is the event
# stored for the relay. If the process ends in between, the data are there and the event is not.
# `PERSIST_ALL_EVENTS` stores it first; the README has the setting, and speed as the reason for its
# default. Of what raises, AttributeError counts as hopeless, with either setting: the event is
# deleted, or never stored. This is meant for a function that no longer exists (the README warns of
# renamed ones), and is also what a call on an answer that is None raises.
#
# Why it matters here: the seconds after a commit are those in which a deploy stops the process, and
# an outbox is installed for them alone. A portal's odd answer is no reason to drop the event either.
# What follows: `PERSIST_ALL_EVENTS: True` and `NON_RETRYABLE_EXCEPTIONS: ()`.
#
# Seen with Django 5.2.19 and SQLite on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  django-jaiminho==2.2.1 Django==5.2.19 2>/dev/null

cd "$work"
cat >shop.py <<'PY'
import os
import sys

import django
from django.conf import settings

case, part, *options = sys.argv[1:]
config = {"DEFAULT_CAPTURE_EXCEPTION": None}
if "persist" in options:
    config["PERSIST_ALL_EVENTS"] = True
settings.configure(
    SECRET_KEY="not a secret",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "jaiminho"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{case}.db"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    JAIMINHO_CONFIG=config,
    LOGGING_CONFIG=None,
    USE_TZ=True,
)
django.setup()
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction
from jaiminho.models import Event
from jaiminho.relayer import EventRelayer

import sender

if part == "request":
    call_command("migrate", verbosity=0)
    try:
        with transaction.atomic():
            Group.objects.create(name="person 7")
            sender.send({"event": "ADD"})
    except Exception:
        pass
else:
    stored = Event.objects.count()
    EventRelayer().relay()
    print(f"{case}: committed {Group.objects.count()}, in the outbox {stored}, sent by the relay {len(sender.sent)}")
PY
cat >sender.py <<'PY'
import os
import sys

from jaiminho.send import save_to_outbox

case, part = sys.argv[1:3]
sent = []


@save_to_outbox
def send(event):
    if part == "request":
        if "killed" in case:
            os._exit(1)
        if "away" in case:
            raise ConnectionError("The portal is away")
        if "odd" in case:
            answer = None
            answer.get("result")
    sent.append(event)
PY
seen=$(
  for case in "portal away" "odd answer" "killed"; do
    for option in default persist; do
      venv/bin/python shop.py "$case, $option" request "$option" || true
      venv/bin/python shop.py "$case, $option" relay "$option"
    done
  done 2>errors
)
expected='portal away, default: committed 1, in the outbox 1, sent by the relay 1
portal away, persist: committed 1, in the outbox 1, sent by the relay 1
odd answer, default: committed 1, in the outbox 0, sent by the relay 0
odd answer, persist: committed 1, in the outbox 0, sent by the relay 0
killed, default: committed 1, in the outbox 0, sent by the relay 0
killed, persist: committed 1, in the outbox 1, sent by the relay 1'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
