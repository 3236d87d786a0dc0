#!/usr/bin/env bash
# django-webhook-subscriber 2.3.0 (Python): the third event that meets an outage switches its receiver off for
# good, and an event that is answered with 429 is not sent again.
#
# Expected: `auto_disable_after_failures`, 10 by default, gives up on a receiver that has failed for ten
# events. It counts attempts, and an event has four of them, three retries a minute apart: the second
# attempt of the third event is the tenth failure. From then on what waits for its retry is dropped,
# and each new event is skipped with one line at INFO. Nothing turns the receiver on again when it
# answers; the ten failures of a busy site come together within the first minute.
# - `max_retries: 3`, "max delivery attempts", is four attempts.
# - A status of 4xx is final, so 429 and 408, which ask the sender to come later, end the event at its first
#   attempt, `Retry-After` or not. They count as failures as well.
#
# Why it matters here: a restart of the receiver that takes a minute ends the synchronisation, and the sender's
# admin page is the only place that shows it.
# What follows: `auto_disable_after_failures=0`, answer 503 and never 429, and reconcile by polling.
#
# Seen with Django 5.2.19, celery 5.6.3 and requests 2.32.5 on Python 3.11, 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check django-webhook-subscriber==2.3.0 \
  Django==5.2.19 celery==5.6.3 requests==2.32.5 2>/dev/null

cd "$work"
cat >outage.py <<'PY'
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import django
from celery import Celery
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_webhook_subscriber"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "sender.sqlite"}},
    SECRET_KEY="made up",
    USE_TZ=True,
)
django.setup()
logging.disable(logging.CRITICAL)

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django_webhook_subscriber.delivery import send_webhooks
from django_webhook_subscriber.models import WebhookSubscriber, WebhookSubscription

# Celery runs each task at once, and a retry does not wait for its minute.
Celery("sender", set_as_current=True).conf.update(task_always_eager=True)
call_command("migrate", verbosity=0)
status, attempts = 503, 0


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        global attempts
        attempts += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


receiver = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()


def subscribe(name):
    subscriber = WebhookSubscriber.objects.create(
        name=name,
        target_url=f"http://127.0.0.1:{receiver.server_port}/{name}",
        content_type=ContentType.objects.get_for_model(Group),
    )
    WebhookSubscription.objects.create(subscriber=subscriber, event_name="added")
    return subscriber


def send(subscriber, answer):
    """Send one event to a receiver that answers so, and print how often it was tried."""
    global status, attempts
    status, attempts = answer, 0
    send_webhooks(Group(id=7, name="person 7"), "added")
    subscriber.refresh_from_db()
    print(f"answered with {answer}: attempts {attempts}, active {subscriber.is_active}")


outage = subscribe("outage")
for answer in (503, 503, 503, 200):
    send(outage, answer)
busy = subscribe("busy")
for answer in (503, 429, 408):
    send(busy, answer)
PY
seen=$(venv/bin/python outage.py 2>/dev/null)
expected='answered with 503: attempts 4, active True
answered with 503: attempts 4, active True
answered with 503: attempts 2, active False
answered with 200: attempts 0, active False
answered with 503: attempts 4, active True
answered with 429: attempts 1, active True
answered with 408: attempts 1, active True'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
