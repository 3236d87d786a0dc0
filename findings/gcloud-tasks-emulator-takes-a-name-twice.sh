#!/usr/bin/env bash
# gcloud-tasks-emulator 0.6.2 (PyPI): a task's name, which Cloud Tasks accepts once, is accepted each
# time, and a queue's retry settings mean nothing.
#
# Expected: a stand-in for Cloud Tasks refuses a name that is taken (Cloud Tasks answers
# ALREADY_EXISTS, for some time after the task has run as well), since names are what a caller uses
# to add an event once. The emulator looks a queue up by its name, and not a task: both are created
# and both run. `max_attempts` and `min_backoff` are taken with the queue and not read: a handler
# that fails is called some ten times a second, until it succeeds.
#
# Why it matters here: code that adds each delivery under its event's id runs duplicates in the
# emulator, though it is right. Code that does not expect ALREADY_EXISTS passes, and answers 500 to
# the sender's first repetition in production. A test of what happens after the last attempt hangs.
# What follows: refuse a name that is known in a wrapper of your own, in tests.
#
# Seen with google-cloud-tasks 2.23.0, grpcio 1.85.3 and protobuf 4.25.9 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check gcloud-tasks-emulator==0.6.2 \
  google-cloud-tasks==2.23.0 grpcio==1.85.3 protobuf==4.25.9 'setuptools<80' 2>/dev/null

cd "$work"
cat >add_tasks.py <<'PY'
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from gcloud_tasks_emulator.server import create_server
from google.api_core.exceptions import AlreadyExists
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

calls = []


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        calls.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        succeeds = calls[-1] != "fails" or calls.count("fails") == 8
        self.send_response(200 if succeeds else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()


handler = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=handler.serve_forever, daemon=True).start()
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
emulator = create_server("127.0.0.1", port)
emulator.start()
channel = grpc.insecure_channel(f"127.0.0.1:{port}")
grpc.channel_ready_future(channel).result(timeout=30)
client = CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
location = "projects/demo/locations/europe"
queue = f"{location}/queues/events"
client.create_queue(
    parent=location,
    queue={"name": queue, "retry_config": {"max_attempts": 2, "min_backoff": {"seconds": 60}}},
)


def add(body, name=""):
    request = {"url": f"http://127.0.0.1:{handler.server_port}/", "body": body.encode()}
    try:
        client.create_task(parent=queue, task={"http_request": request, "name": name})
        return "created"
    except AlreadyExists:
        return "refused"


def wait_for(body, count):
    until = time.monotonic() + 30
    while calls.count(body) < count and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(1)
    return calls.count(body)


name = f"{queue}/tasks/event-7"
print(f"one name, twice: {add('named', name)}, {add('named', name)}; calls: {wait_for('named', 2)}")
again = add("named", name)
print(f"the same name after it has run: {again}; calls: {wait_for('named', 3)}")
add("fails")
print(f"two attempts, a minute apart: calls within half a minute: {wait_for('fails', 8)}")
sys.stdout.flush()
os._exit(0)
PY
seen=$(timeout 180 venv/bin/python add_tasks.py 2>/dev/null) || true
expected='one name, twice: created, created; calls: 2
the same name after it has run: created; calls: 3
two attempts, a minute apart: calls within half a minute: 8'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
