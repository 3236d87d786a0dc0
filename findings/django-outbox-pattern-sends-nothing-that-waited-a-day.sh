#!/usr/bin/env bash
# django-outbox-pattern 3.2.1 (Python): what has waited in the outbox for a day is never sent.
#
# Expected: a row of an outbox is there until the broker has it. Each row has an `expires_at`, a day after
# it was written unless somebody sets another, and `publish` asks for the rows that have not expired:
# the others stay "scheduled", without an error, a line in the log or a place where they are counted,
# until they are deleted after thirty days. The decorator that writes the rows, `@publish`, has no
# parameter for it.
# A row that could not be sent in fifty attempts becomes "failed" and is not taken up again either.
#
# Why it matters here: the outbox is there for the case that the process which empties it is down, over a
# weekend for example. It starts again on Monday, sends what is newer than Sunday, and logs nothing.
# What follows: an alert on rows that are scheduled and expired, and a later `expires_at` in a Published
# class of your own (DEFAULT_PUBLISHED_CLASS).
#
# Seen with Django 5.2.19 on Python 3.11, 2026-11-27. The clock is not moved: the rows are dated back.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  django-outbox-pattern==3.2.1 Django==5.2.19 2>/dev/null

cd "$work"
cat >publish.py <<'PY'
import datetime
import logging

import django
from django.conf import settings

logging.basicConfig(level=logging.WARNING, format="log: %(message)s")
settings.configure(
    INSTALLED_APPS=["django_outbox_pattern"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DJANGO_OUTBOX_PATTERN={"DEFAULT_CONNECTION_CLASS": "broker.Broker", "DEFAULT_PRODUCER_WAITING_TIME": 0},
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db.models import F  # noqa: E402
from django_outbox_pattern.factories import factory_producer  # noqa: E402
from django_outbox_pattern.models import Published  # noqa: E402

call_command("migrate", verbosity=0)
for hours in (0, 23, 25):
    row = Published.objects.create(destination="people", body={"waited": f"{hours} h"})
    back = datetime.timedelta(hours=hours)
    Published.objects.filter(pk=row.pk).update(added=F("added") - back, expires_at=F("expires_at") - back)
producer = factory_producer()
for _ in range(3):
    producer.publish_message_from_database()
for row in Published.objects.order_by("-added"):
    print(f"{row.body['waited']}: {row.get_status_display()}")
PY
cat >broker.py <<'PY'
class Broker:
    """A broker that takes everything, in place of the STOMP connection."""

    def __init__(self, **_):
        self.connected = False

    def is_connected(self):
        return self.connected

    def connect(self, *_, **__):
        self.connected = True

    def disconnect(self):
        self.connected = False

    def send(self, body, **_):
        print("sent", body)

    def set_listener(self, *_):
        pass
PY
seen=$(venv/bin/python publish.py 2>&1)
printf '%s\n' "$seen"
expected='sent {"waited": "0 h"}
sent {"waited": "23 h"}
0 h: Succeeded
23 h: Succeeded
25 h: Schedule'
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
