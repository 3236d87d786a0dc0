#!/usr/bin/env bash
# http-message-signatures of npm (1.0.6) signs a request to `…?data[ID]=7`; the package of that name on PyPI
# (3.0.0) does not verify it, whatever was signed.
#
# Expected: two implementations of RFC 9421 verify each other's requests, and they do, for the path, the
# query, the authority, headers and digests. Square brackets in a query are not allowed by RFC 3986, and
# much sends them: browsers, `fetch` of Node, PHP, curl with `-g` (requests encodes them). The package of
# PyPI raises "Invalid URL" before it looks at what was signed, so a signature of the content type
# alone is lost as well.
#
# Why it matters here: bracketed names are how Bitrix24, PHP and qs write anything nested. Signatures that are
# tested with `?id=7` work, and the first delivery with a nested parameter is "not authentic".
# What follows: percent-encode brackets where you sign, and on the receiver's side verify the target as it
# came only if it was signed so; an encoded copy of a raw one has another `@query`.
#
# Seen with requests 2.34.2 on Python 3.11 and on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  http-message-signatures==3.0.0 requests==2.34.2 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund http-message-signatures@1.0.6 >/dev/null)

cd "$work"
cat >sign.mjs <<'JS'
import { createSigner, httpbis } from "http-message-signatures";

const key = createSigner(Buffer.from("secret"), "hmac-sha256", "sender");
const queries = { "one name": "id=7", "encoded brackets": "data%5BID%5D=7", "brackets": "data[ID]=7" };
const requests = [];
for (const [name, query] of Object.entries(queries)) {
  for (const field of ["@query", "content-type"]) {
    const url = new URL(`https://example.com/events?${query}`).href;
    const message = { method: "POST", url, headers: { "content-type": "application/json" } };
    const signed = await httpbis.signMessage({ key, fields: [field], params: ["created", "keyid"] }, message);
    requests.push({ name: `${name}, ${field}`, url, headers: signed.headers });
  }
}
console.log(JSON.stringify(requests));
JS
cat >verify.py <<'PY'
import json
import sys

import requests
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms


class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        return b"secret"


class Message:
    def __init__(self, url, headers):
        self.method, self.url, self.headers = "POST", url, headers


settings = {"signature_algorithm": algorithms.HMAC_SHA256, "key_resolver": Keys()}
for request in json.load(sys.stdin):
    try:
        HTTPMessageVerifier(**settings).verify(Message(request["url"], request["headers"]))
        end = "verified"
    except Exception as error:
        end = str(error).partition(":")[0]
    print(f"{request['name']}: {end}")
prepared = requests.Request("POST", "https://example.com/events?data[ID]=7").prepare()
print("requests sends", prepared.url.partition("?")[2])
PY
seen=$(node sign.mjs | venv/bin/python verify.py)
expected='one name, @query: verified
one name, content-type: verified
encoded brackets, @query: verified
encoded brackets, content-type: verified
brackets, @query: Invalid URL
brackets, content-type: Invalid URL
requests sends data%5BID%5D=7'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
