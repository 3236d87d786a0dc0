#!/usr/bin/env bash
# gcp-storage-emulator 2026.7.19 (PyPI): an object that may be created once only is created by everybody.
#
# Expected: `if_generation_match=0` lets an upload succeed only if no object of that name is there, and a
# later upload that names a generation succeed only if nobody has written meanwhile. That is how a
# function without a database claims an event, or keeps a cursor: Cloud Storage answers 412, and the
# client raises PreconditionFailed. The emulator reads none of the conditions, of uploads, copies and
# deletes, and answers 200 to each.
#
# Why it matters here: a test that two deliveries of one event meet is written against the emulator, sees
# two claims, and is either "mended" with a check before the upload, which is a race in production,
# or was never able to fail: the code without the condition passes the same tests.
# What follows: test the claim with a double that knows generations, and the rest with the emulator.
#
# Seen with google-cloud-storage 3.17.1 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  gcp-storage-emulator==2026.7.19 google-cloud-storage==3.17.1 2>/dev/null

cat >"$work/claim.py" <<'PY'
import os
import socket

from gcp_storage_emulator.server import create_server

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
os.environ["STORAGE_EMULATOR_HOST"] = f"http://127.0.0.1:{port}"

from google.api_core.exceptions import PreconditionFailed  # noqa: E402
from google.auth.credentials import AnonymousCredentials  # noqa: E402
from google.cloud import storage  # noqa: E402

server = create_server("127.0.0.1", port, in_memory=True)
server.start()


def attempt(name, call, *arguments, **conditions):
    try:
        call(*arguments, **conditions)
        print(f"{name}: done")
    except PreconditionFailed:
        print(f"{name}: refused")


try:
    bucket = storage.Client(project="p", credentials=AnonymousCredentials()).create_bucket("events")
    for worker in ("first", "second"):
        claim = bucket.blob("claims/ONUSERADD-7")
        attempt(f"the {worker} worker's claim", claim.upload_from_string, worker, if_generation_match=0)
    print("claimed by:", bucket.blob("claims/ONUSERADD-7").download_as_text())
    cursor = bucket.blob("cursor")
    cursor.upload_from_string("100")
    read = cursor.generation
    bucket.blob("cursor").upload_from_string("200")
    attempt("a cursor that somebody moved on", cursor.upload_from_string, "101", if_generation_match=read)
    print("cursor:", bucket.blob("cursor").download_as_text())
    attempt("a delete of another generation", cursor.delete, if_generation_match=1)
finally:
    server.stop()
PY
seen=$("$work/venv/bin/python" "$work/claim.py" 2>/dev/null)
printf '%s\n' "$seen"
expected="the first worker's claim: done
the second worker's claim: done
claimed by: second
a cursor that somebody moved on: done
cursor: 101
a delete of another generation: done"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
