#!/usr/bin/env bash
# A signed delivery with an empty body: JavaScript's standardwebhooks verifies it, Python's raises.
#
# Both sign the empty text and both find the signature right. JavaScript's `verify` (1.1.1) then
# returns undefined. Python's (1.1.0) parses the body as JSON after the signature was found right,
# so a delivery whose signature matches ends in json.JSONDecodeError, which is no
# WebhookVerificationError: a handler that catches the class's own error answers 500.
# With json_parse=False it returns None for a right signature, as it does for nothing at all.
#
# What follows: a consumer in Python passes json_parse=False and parses the body itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check standardwebhooks==1.1.0 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund standardwebhooks@1.1.1 >/dev/null)

cd "$work"
seen=$(
  venv/bin/python - <<'PY'
from datetime import UTC, datetime

from standardwebhooks import Webhook

hook = Webhook("c2VjcmV0LXNlY3JldC1zZWNyZXQ=")
now = datetime.now(UTC)
headers = {
    "webhook-id": "1",
    "webhook-timestamp": str(int(now.timestamp())),
    "webhook-signature": hook.sign("1", now, ""),
}
try:
    print("Python:", hook.verify("", headers))
except Exception as error:
    print("Python:", type(error).__name__)
print("Python, json_parse=False:", hook.verify("", headers, json_parse=False))
PY
  node -e '
    const { Webhook } = require("standardwebhooks");
    const hook = new Webhook("c2VjcmV0LXNlY3JldC1zZWNyZXQ=");
    const now = new Date();
    console.log("JavaScript:", hook.verify("", {
      "webhook-id": "1",
      "webhook-timestamp": String(Math.floor(now / 1000)),
      "webhook-signature": hook.sign("1", now, ""),
    }));'
)
expected='Python: JSONDecodeError
Python, json_parse=False: None
JavaScript: undefined'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
