#!/usr/bin/env bash
# django-webhook 0.0.15 and drf-hooks 0.1.3 (Python) tell the world of a person who was never added.
#
# Expected: a library that sends a webhook when a model is saved sends it when the transaction is
# committed, as Django's `on_commit` offers. Both send from the signal of `save`, in the middle of
# the transaction. If that is rolled back, the receiver was told of a row that does not exist, with
# an id that the next row gets. If it is committed, a receiver that asks back at once may find
# nothing yet. Tests see neither, since a test's own transaction is never committed.
#
# Why it matters here: a receiver that links the person by this id links somebody else by the same
# id a moment later, and no event ever takes the first one back.
# What follows: send from `transaction.on_commit`, or from a table that is written with the row.
#
# Seen with Django 5.2.19, djangorestframework 3.18.3, celery 5.7.0 (tasks run at once) and requests
# 2.34.2 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check django-webhook==0.0.15 drf-hooks==0.1.3 \
  django==5.2.19 djangorestframework==3.18.3 celery==5.7.0 requests==2.34.2 2>/dev/null

cd "$work"
cat >roll_back.py <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import django
from celery import Celery
from django.conf import settings
from django.core.management import call_command

told = []


class Receiver(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        person = posted.get("object") or posted["data"]["fields"] | {"id": posted["data"]["pk"]}
        told.append(f"{self.path[1:]}: {person['id']} is {person['name']}")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"

settings.configure(
    SECRET_KEY="secret",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "app.db"}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "django_webhook",
        "drf_hooks",
        "crm",
    ],
    DJANGO_WEBHOOK={"MODELS": ["crm.Person"], "USE_CACHE": False},
    HOOK_EVENTS={"person.added": "crm.Person.created+"},
    HOOK_THREADING=False,
)
celery = Celery("app", broker="memory://")
celery.conf.task_always_eager = True
celery.set_default()
django.setup()
call_command("migrate", verbosity=0)
call_command("migrate", run_syncdb=True, verbosity=0)

from crm.models import Person
from django.contrib.auth.models import User
from django.db import transaction
from django_webhook.models import Webhook, WebhookSecret, WebhookTopic
from drf_hooks.models import Hook

webhook = Webhook.objects.create(url=f"{address}/django-webhook")
webhook.topics.set([WebhookTopic.objects.get_or_create(name="crm.Person/create")[0]])
WebhookSecret.objects.create(webhook=webhook)
Hook.objects.create(
    user=User.objects.create(username="app"), event="person.added", target=f"{address}/drf-hooks"
)
try:
    with transaction.atomic():
        Person.objects.create(name="Anna")
        raise RuntimeError("The second row of this transaction cannot be written")
except RuntimeError:
    print(f"rolled back, people in the database: {Person.objects.count()}")
with transaction.atomic():
    Person.objects.create(name="Boris")
print(f"committed, people in the database: {list(Person.objects.values_list('id', 'name'))}")
print("\n".join(sorted(told)))
PY
mkdir crm
touch crm/__init__.py
cat >crm/models.py <<'PY'
from django.db import models


class Person(models.Model):
    name = models.TextField()
PY
seen=$(venv/bin/python -W ignore roll_back.py)
expected="rolled back, people in the database: 0
committed, people in the database: [(1, 'Boris')]
django-webhook: 1 is Anna
django-webhook: 1 is Boris
drf-hooks: 1 is Anna
drf-hooks: 1 is Boris"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
