#!/usr/bin/env bash
# webhook 2.8.0 (Debian 12, adnanh/webhook): a wrong token, a command that fails and one that is not there are
# all answered with 200, and of two departments the command gets one.
#
# Expected: the server that runs a command for each delivery answers with an error if it did not run it or
# the command failed, so that the sender repeats the delivery or shows it as failed. It answers 200 at
# once and runs the command afterwards, beside the ones that still run; if a `trigger-rule` refuses the
# delivery, the answer is "Hook rules were not satisfied." with 200. A form's names are passed on with
# their brackets, so `auth[application_token]` can be checked, and with the first of several values:
# `entire-payload` too has one of two departments. Without `-verbose` it logs nothing of all this.
#
# Why it matters here: "our webhook answers 200" is how a connection is checked, by people and by monitoring.
# Bitrix24 sends nothing again in any case, and here nothing looks wrong either: a token that was pasted
# with a misprint is refused for ever, in green.
# What follows: `"trigger-rule-mismatch-http-response-code": 403` and
# `"include-command-output-in-response": true`, which waits for the command and answers 500 if it fails.
#
# Seen with webhook 2.8.0-4+b6 on Debian 12, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
(cd "$work" && apt-get download -qq webhook=2.8.0-4+b6 2>/dev/null && dpkg -x ./*.deb debian)

cd "$work"
cat >take <<'SH'
#!/bin/sh
echo "$1" >>calls
SH
chmod +x take
cat >hooks.json <<'JSON'
[
  {"id": "take", "execute-command": "WORK/take", "command-working-directory": "WORK",
   "pass-arguments-to-command": [{"source": "entire-payload"}]},
  {"id": "token", "execute-command": "WORK/take", "command-working-directory": "WORK",
   "trigger-rule": {"match": {"type": "value", "value": "right",
     "parameter": {"source": "payload", "name": "auth[application_token]"}}}},
  {"id": "fails", "execute-command": "/bin/false"},
  {"id": "missing", "execute-command": "WORK/not-there"},
  {"id": "waits", "execute-command": "/bin/false", "include-command-output-in-response": true}
]
JSON
sed -i "s#WORK#$work#g" hooks.json
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
debian/usr/bin/webhook -hooks hooks.json -ip 127.0.0.1 -port "$port" >webhook.log 2>&1 &
server=$!
for _ in $(seq 100); do
  if curl -s -o /dev/null "http://127.0.0.1:$port/"; then break; fi
  sleep 0.1
done
post() { curl -s -o answer -w '%{http_code}' -d "$2" "http://127.0.0.1:$port/hooks/$1"; }
seen=$(
  echo "a wrong token: $(post token 'auth[application_token]=wrong'), $(cat answer)"
  echo "a command that fails: $(post fails 'event=ONUSERADD')"
  echo "a command that is not there: $(post missing 'event=ONUSERADD')"
  echo "a command that fails and is waited for: $(post waits 'event=ONUSERADD')"
  echo "two departments: $(post take 'event=ONUSERADD&DEPT[]=1&DEPT[]=5')"
  for _ in $(seq 100); do
    [ ! -s calls ] || break
    sleep 0.1
  done
  echo "the command's payload: $(cat calls)"
)
expected='a wrong token: 200, Hook rules were not satisfied.
a command that fails: 200
a command that is not there: 200
a command that fails and is waited for: 500
two departments: 200
the command'"'"'s payload: {"DEPT[]":"1","event":"ONUSERADD"}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
