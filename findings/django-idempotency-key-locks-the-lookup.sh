#!/usr/bin/env bash
# django-idempotency-key 1.3.0 (Python): with its lock on, two requests with one key both run.
#
# Expected: the middleware has a lock, on by default, so that the same request cannot run twice at
# once: the second waits, or gets the 423 that the package has for this. The lock is held while the
# key is looked up and released before the view is called; the key is stored after the view. So a
# repetition that arrives while the first is at work finds nothing and runs. After the end of the
# first it is refused with 409, as it should be, which is what a test of two requests in a row sees.
# The key is also hashed with the body: the same key with one more field in the body runs as new.
#
# Why it matters here: a sender repeats what has not been answered in time, so the first request is
# still running whenever it matters. Bitrix24's events carry `ts`, and relays add fields of their own.
# What follows: insert the event's id under a unique constraint, in one transaction with the work.
#
# Seen with Django 5.2.19 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  django-idempotency-key==1.3.0 Django==5.2.19 djangorestframework==3.18.3 2>/dev/null

cd "$work"
cat >repeat.py <<'PY'
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import django
from django.conf import settings

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="for this run",
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["idempotency_key.middleware.IdempotencyKeyMiddleware"],
)
django.setup()
logging.disable(logging.CRITICAL)

from django.http import HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402

runs = []
both = threading.Barrier(2)


def view(request):
    runs.append(request.path)
    if request.path == "/at-once" and len(runs) <= 2:
        try:
            both.wait(15)
        except threading.BrokenBarrierError:
            pass
    return HttpResponse("ok")


urlpatterns = [path("at-once", view), path("in-a-row", view)]
client = Client()
client.post("/in-a-row", "{}", content_type="application/json", headers={"Idempotency-Key": "0"})
runs.clear()


def post(address, body):
    headers = {"Idempotency-Key": "event-1"}
    answer = client.post(address, body, content_type="application/json", headers=headers)
    return answer.status_code


with ThreadPoolExecutor(2) as pool:
    answers = list(pool.map(post, ["/at-once"] * 2, ['{"ID": 1}'] * 2))
print(f"at once: {answers}, runs: {len(runs)}")
runs.clear()
answers = [post("/in-a-row", '{"ID": 1}') for _ in range(2)]
print(f"in a row: {answers}, runs: {len(runs)}")
more = post("/in-a-row", '{"ID": 1, "ts": 2}')
print(f"with a field more: {more}, runs: {len(runs)}")
PY
seen=$(venv/bin/python repeat.py)
expected='at once: [200, 200], runs: 2
in a row: [200, 409], runs: 1
with a field more: 200, runs: 2'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
