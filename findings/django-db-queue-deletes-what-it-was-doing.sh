#!/usr/bin/env bash
# django-db-queue 3.3.0 (Python): what a worker was doing when it was stopped is done by nobody, and is deleted
# with what is finished.
#
# Expected: SIGTERM lets the worker end its job, and a job that it cannot end in time is there for the next
# worker. The worker writes "STOPPING" into the job when the signal comes. If the job ends in time, this
# becomes "COMPLETE". If the process is killed before that, which is what systemd, Docker and Cloud Run
# do when their patience is over, it stays, and no worker looks for such jobs. `delete_old_jobs`, which is
# to be run from cron, deletes after a day what is complete, failed or stopping: then the event is nowhere.
# A job whose worker was killed without SIGTERM stays "PROCESSING", is not taken either, and is kept.
#
# Why it matters here: an event that waits for a slow portal is in hand on each deployment. It is neither
# waiting nor failed, so the length of the queue and the count of failures are right.
# What follows: set jobs in STOPPING and PROCESSING to READY before the worker starts, with one worker; and keep
# `delete_old_jobs` away from them.
#
# Seen with Django 5.2.19 on Python 3.11, 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check django-db-queue==3.3.0 Django==5.2.19 2>/dev/null

cd "$work"
cat >queue_settings.py <<'PY'
INSTALLED_APPS = ["django_dbq"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "queue.sqlite", "OPTIONS": {"timeout": 20}}
}
JOBS = {"deliver": {"tasks": ["events.deliver"]}}
SECRET_KEY = "made up"
USE_TZ = True
PY
cat >events.py <<'PY'
import time
from pathlib import Path


def deliver(job):
    """Take as long as the file of that name is there."""
    with open("started", "a") as file:
        file.write(job.workspace["event"] + "\n")
    while Path("portal-is-slow").exists():
        time.sleep(0.1)
PY
cat >stop.py <<'PY'
import io
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import django

django.setup()

from django.core.management import call_command
from django.utils import timezone
from django_dbq.models import Job


def wait(condition):
    """Wait until a condition is met, for half a minute at most."""
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)


def started():
    return Path("started").read_text().split() if Path("started").exists() else []


def work(event, *signals, slow=True):
    """Start a worker, and send it these signals while it handles the event."""
    Path("portal-is-slow").touch()
    Job.objects.create(name="deliver", workspace={"event": event})
    worker = subprocess.Popen([sys.executable, "-m", "django", "worker"], stdout=subprocess.DEVNULL)
    wait(lambda: event in started())
    for number in signals:
        worker.send_signal(number)
        if number == signal.SIGTERM:
            wait(lambda: Job.objects.filter(workspace__event=event, state="STOPPING").exists())
    if not slow:
        Path("portal-is-slow").unlink()
    if signal.SIGKILL not in signals:
        wait(lambda: Job.objects.filter(workspace__event=event, state="COMPLETE").exists())
        worker.kill()
    worker.wait()
    Path("portal-is-slow").unlink(missing_ok=True)


def states():
    return ", ".join(f"{job.workspace['event']} {job.state}" for job in Job.objects.order_by("created"))


call_command("migrate", verbosity=0)
work("ended", signal.SIGTERM, slow=False)
work("stopped", signal.SIGTERM, signal.SIGKILL)
work("killed", signal.SIGKILL)
print(f"after three workers: {states()}")
work("next", slow=False)
time.sleep(5)
print(f"after the next worker: {states()}")
print(f"started: {', '.join(started())}")
Job.objects.update(created=timezone.now() - timedelta(days=2))
call_command("delete_old_jobs", stdout=io.StringIO())
print(f"after two days: {states()}")
PY
export DJANGO_SETTINGS_MODULE=queue_settings PYTHONPATH=$work
seen=$(venv/bin/python stop.py 2>/dev/null)
expected='after three workers: ended COMPLETE, stopped STOPPING, killed PROCESSING
after the next worker: ended COMPLETE, stopped STOPPING, killed PROCESSING, next COMPLETE
started: ended, stopped, killed, next
after two days: killed PROCESSING'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
