#!/usr/bin/env bash
# django-tasks-db 0.13.0 (Python): a task with `run_after` overtakes everything that is waiting when its time
# comes, and of two events about a person the later is handled first.
#
# Expected: of the tasks that may run, the one that has waited longest runs first, whether it was put
# off or not. Tasks are sorted by `run_after` and only then by the time they were enqueued, and a task
# without `run_after` is stored with the year 9999 there. So it waits behind each task that was put
# off and is due, even by no more than "now", however much later that one was enqueued. Priorities come
# before this. With an empty queue, as in tests, the order is right, since each task runs alone.
#
# Why it matters here: an event that is deferred by a few seconds, to let a burst settle or to try again
# later, is handled before the events of the same person that wait in a long queue: a dismissal before
# the addition. While deferred tasks keep coming due faster than a worker is, no other task runs at all.
# What follows: give every task a `run_after`, `timezone.now()` where it is due at once.
#
# Seen with django-tasks 0.12.0 and Django 5.2.19 on Python 3.11, 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  django-tasks-db==0.13.0 django-tasks==0.12.0 Django==5.2.19 2>/dev/null

cd "$work"
cat >events.py <<'PY'
from django_tasks import task

handled = []


@task
def deliver(event):
    handled.append(event)
PY
cat >order.py <<'PY'
from datetime import timedelta

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django_tasks", "django_tasks_db"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "queue.sqlite"}},
    TASKS={"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
    SECRET_KEY="made up",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command
from django.utils import timezone
from events import deliver, handled

call_command("migrate", verbosity=0)


def enqueue(event, after=None):
    """Put an event into the queue, to be run `after` so many seconds, or without `run_after`."""
    task = deliver if after is None else deliver.using(run_after=timezone.now() + timedelta(seconds=after))
    task.enqueue(event)


def work():
    """Handle all that is waiting, and return it in the order in which it was handled."""
    handled.clear()
    call_command("db_worker", batch=True, startup_delay=False, interval=0, verbosity=0)
    return ", ".join(handled)


enqueue("ADD")
enqueue("UPDATE")
enqueue("DISMISS, put off by 0 s", after=0)
print(f"some are put off: {work()}")
enqueue("ADD", after=0)
enqueue("UPDATE", after=0)
enqueue("DISMISS, put off by 0 s", after=0)
print(f"all are put off: {work()}")
enqueue("ADD")
enqueue("UPDATE")
enqueue("DISMISS")
print(f"none is put off: {work()}")
PY
seen=$(venv/bin/python order.py)
expected='some are put off: DISMISS, put off by 0 s, ADD, UPDATE
all are put off: ADD, UPDATE, DISMISS, put off by 0 s
none is put off: ADD, UPDATE, DISMISS'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
