#!/usr/bin/env bash
# mock-firestore 0.11.0 (Python): `create` in a transaction stores nothing and refuses nothing.
#
# Expected: in Firestore a transaction's `create` fails if the document is there, which is the short
# way to claim an event once. The stand-in has the method, with an empty body: the transaction is
# committed without an error, any number of times, and no document exists afterwards. A document
# that was set with no fields, which is enough as a mark, does not exist either. `set` with a field
# is kept, so the rest of a test looks right.
#
# Why it matters here: a test of duplicates is what such a stand-in is for. In it all deliveries of
# an event are the first one, and the code that is right fails the test; or the test is changed to
# `set`, which in Firestore refuses nothing.
# What follows: a claim is tested against a server that has transactions.
#
# Seen with the transactions of google-cloud-firestore 2.34.1 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  mock-firestore==0.11.0 google-cloud-firestore==2.34.1 2>/dev/null

cd "$work"
cat >claim.py <<'PY'
from google.cloud import firestore
from mockfirestore import MockFirestore

db = MockFirestore()


@firestore.transactional
def claim(transaction, write, event, fields):
    getattr(transaction, write)(event, fields)


for write, fields in (("create", {"handled": True}), ("set", {"handled": True}), ("set", {})):
    event = db.collection("events").document(f"{write}-{len(fields)}")
    claimed = 0
    for _ in range(3):
        claim(db.transaction(), write, event, fields)
        claimed += 1
    print(f"{write} of {fields}: committed {claimed} times, exists: {event.get().exists}")
PY
seen=$(venv/bin/python claim.py 2>/dev/null)
expected="create of {'handled': True}: committed 3 times, exists: False
set of {'handled': True}: committed 3 times, exists: True
set of {}: committed 3 times, exists: False"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
