#!/usr/bin/env bash
# One webhook secret, two keys: standardwebhooks 1.1.0 (Python) and 1.1.1 (JavaScript).
#
# A secret written in the URL-safe alphabet of base64, as Python's secrets.token_urlsafe and
# many password managers make it, holds "-" and "_". Python's class drops both characters in
# silence and works with another, shorter key: it signs and verifies its own signatures, and
# agrees with nobody who decoded the secret whole. JavaScript's class refuses the secret.
# So a pair of services in two languages, given one secret, fails in one and not in the other,
# and the one that does not fail reports nothing.
#
# What follows: refuse such a secret where it is configured.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check standardwebhooks==1.1.0 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund standardwebhooks@1.1.1 >/dev/null)

cd "$work"
seen=$(
  venv/bin/python - <<'PY'
import base64
import hashlib
import hmac
from datetime import UTC, datetime

from standardwebhooks import Webhook

secret = "c2Vj-mV0_WRvLW5vdC11c2UtdGhpcy1zZWNyZXQt"
moment = datetime(2026, 1, 1, tzinfo=UTC)
made = Webhook(secret).sign("1", moment, "{}")
text = f"1.{int(moment.timestamp())}.{{}}".encode()


def signed_with(key: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


whole = base64.urlsafe_b64decode(secret)
dropped = base64.b64decode(secret.replace("-", "").replace("_", "") + "==")
print("Python: the key of the whole secret:", made == signed_with(whole))
print("Python: the key without - and _:", made == signed_with(dropped))
print("bytes of the key:", len(whole), "and", len(dropped))
PY
  node -e '
    const { Webhook } = require("standardwebhooks");
    try { new Webhook("c2Vj-mV0_WRvLW5vdC11c2UtdGhpcy1zZWNyZXQt"); console.log("JavaScript: taken"); }
    catch (error) { console.log("JavaScript: " + error.message); }'
)
expected='Python: the key of the whole secret: False
Python: the key without - and _: True
bytes of the key: 30 and 28
JavaScript: Base64Coder: incorrect characters for decoding'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
