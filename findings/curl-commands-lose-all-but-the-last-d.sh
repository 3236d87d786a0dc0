#!/usr/bin/env bash
# A curl command with a `-d` for each field, or `--data-urlencode`: five readers of npm and PyPI
# make another request of it than curl does.
#
# Expected: what reads a curl command makes the request that curl would send. A recorded event is
# written with one `-d` (or, as Postman's export does, one `--data-urlencode`) for each field.
# - uncurl and curlparser (Python) and @scrape-do/curl-parser keep the last `-d` only. The Python
#   ones exit at `--data-urlencode`; the third says GET where curl posts.
# - parse-curl joins all `-d`, and makes a GET without a body of `--data-urlencode` and
#   `--data-raw`, which is what browsers copy.
# - curl-to-postmanv2, Postman's own, reads `--data-urlencode` as encoded already: "+7 900" becomes
#   " 7 900", and "a&b" ends at the "&" and begins another field.
# The body is right with all of them for one `-d` that holds the whole form.
#
# Why it matters here: an event is replayed from such a command, and the lost fields are the token
# and the ids. What follows: record a delivery with one `--data-binary @file`, and replay with curl.
#
# Seen with uncurl 0.0.11 and curlparser 0.1.0 on Python 3.11, @scrape-do/curl-parser 0.3.0,
# parse-curl 0.2.6 and curl-to-postmanv2 1.8.4 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  uncurl==0.0.11 curlparser==0.1.0 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  @scrape-do/curl-parser@0.3.0 parse-curl@0.2.6 curl-to-postmanv2@1.8.4 >/dev/null)

cd "$work"
cat >commands.json <<'JSON'
{
  "one -d": "curl 'https://gateway.example/' -d 'event=ONUSERADD&ID=7&PHONE=%2B7'",
  "three -d": "curl 'https://gateway.example/' -d 'event=ONUSERADD' -d 'ID=7' -d 'PHONE=%2B7'",
  "--data-raw": "curl 'https://gateway.example/' --data-raw 'event=ONUSERADD&ID=7&PHONE=%2B7'",
  "--data-urlencode": "curl 'https://gateway.example/' --data-urlencode 'event=ONUSERADD' --data-urlencode 'PHONE=+7 900' --data-urlencode 'TITLE=a&b'"
}
JSON
cat >read.py <<'PY'
import json
import re

import curlparser
import uncurl

with open("commands.json") as file:
    commands = json.load(file)
for name, command in commands.items():
    for reader in (uncurl, curlparser):
        try:
            request = reader.parse(command)
        except SystemExit:
            print(f"{name}, {reader.__name__}: exits")
            continue
        if reader is uncurl:
            method = re.match(r"requests\.(\w+)", request)[1].upper()
            body = re.search(r"data='(.*)'", request)[1]
        else:
            method, body = request.method, request.data
        print(f"{name}, {reader.__name__}: {method} {body}")
PY
cat >read.js <<'JS'
const { parse } = require("@scrape-do/curl-parser");
const { convert } = require("curl-to-postmanv2");
const parseCurl = require("parse-curl");

const postman = (command) =>
  new Promise((resolve, reject) => {
    convert({ type: "string", data: command }, (error, answer) => {
      if (error || !answer.result) return reject(error ?? answer.reason);
      const { method, body } = answer.output[0].data;
      resolve(`${method} ${JSON.stringify(body.urlencoded.map(({ key, value }) => [key, value]))}`);
    });
  });
(async () => {
  for (const [name, command] of Object.entries(require("./commands.json"))) {
    const scrapeDo = parse(command);
    console.log(`${name}, @scrape-do/curl-parser: ${scrapeDo.method} ${scrapeDo.body}`);
    const parsed = parseCurl(command);
    console.log(`${name}, parse-curl: ${parsed.method} ${parsed.body}`);
    console.log(`${name}, curl-to-postmanv2: ${await postman(command)}`);
  }
})();
JS
seen=$(
  venv/bin/python read.py 2>/dev/null
  node read.js
)
expected='one -d, uncurl: POST event=ONUSERADD&ID=7&PHONE=%2B7
one -d, curlparser: POST event=ONUSERADD&ID=7&PHONE=%2B7
three -d, uncurl: POST PHONE=%2B7
three -d, curlparser: POST PHONE=%2B7
--data-raw, uncurl: POST event=ONUSERADD&ID=7&PHONE=%2B7
--data-raw, curlparser: POST event=ONUSERADD&ID=7&PHONE=%2B7
--data-urlencode, uncurl: exits
--data-urlencode, curlparser: exits
one -d, @scrape-do/curl-parser: get event=ONUSERADD&ID=7&PHONE=%2B7
one -d, parse-curl: POST event=ONUSERADD&ID=7&PHONE=%2B7
one -d, curl-to-postmanv2: POST [["event","ONUSERADD"],["ID","7"],["PHONE","+7"]]
three -d, @scrape-do/curl-parser: get PHONE=%2B7
three -d, parse-curl: POST event=ONUSERADD&ID=7&PHONE=%2B7
three -d, curl-to-postmanv2: POST [["event","ONUSERADD"],["ID","7"],["PHONE","+7"]]
--data-raw, @scrape-do/curl-parser: get event=ONUSERADD&ID=7&PHONE=%2B7
--data-raw, parse-curl: GET undefined
--data-raw, curl-to-postmanv2: POST [["event","ONUSERADD"],["ID","7"],["PHONE","+7"]]
--data-urlencode, @scrape-do/curl-parser: get event=ONUSERADD&PHONE=+7 900&TITLE=a&b
--data-urlencode, parse-curl: GET undefined
--data-urlencode, curl-to-postmanv2: POST [["event","ONUSERADD"],["PHONE"," 7 900"],["TITLE","a"],["b",""]]'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
