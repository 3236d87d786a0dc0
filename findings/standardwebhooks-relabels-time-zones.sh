#!/usr/bin/env bash
# standardwebhooks 1.1.0 (Python) relabels a moment in another time zone as UTC before it signs.
#
# `Webhook.sign(msg_id, timestamp, data)` takes a `datetime` and calls `.replace(tzinfo=utc)`
# on it, which keeps the clock's face and changes the moment. So two `datetime`s that are
# equal, one in UTC and one in Moscow's zone, are signed differently, and the signature made
# from the second is refused by the same class's `verify`, although both name this second.
# The JavaScript package 1.1.1 signs the moment itself.
#
# What follows: give `sign` a moment in UTC, or sign the text of the header yourself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check standardwebhooks==1.1.0 2>/dev/null

seen=$("$work/venv/bin/python" - <<'PY'
from datetime import UTC, datetime, timedelta, timezone

from standardwebhooks import Webhook, WebhookVerificationError

hook = Webhook("whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQ=")
body = '{"event":"ONUSERADD"}'
now = datetime.now(UTC).replace(microsecond=0)
moscow = now.astimezone(timezone(timedelta(hours=3)))
print("the moments are equal:", now == moscow)
for name, moment in (("UTC", now), ("Moscow", moscow)):
    headers = {
        "webhook-id": "1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": hook.sign("1", moment, body),
    }
    try:
        hook.verify(body, headers)
        print(name + ": verified")
    except WebhookVerificationError as error:
        print(name + ":", error)
PY
)
expected='the moments are equal: True
UTC: verified
Moscow: No matching signature found'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
