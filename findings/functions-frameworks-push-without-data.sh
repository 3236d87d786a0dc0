#!/usr/bin/env bash
# A Pub/Sub push that has attributes and no data: one framework refuses it, the other calls the
# function with something that is no CloudEvent, and Pub/Sub takes that for success.
#
# Expected: Google's functions-framework turns the push into a CloudEvent in both languages, as it
# does with data. A message of attributes alone is valid; Pub/Sub asks for data or attributes.
# Python answers 400 and does not call the function, so Pub/Sub delivers it again until it expires
# or becomes a dead letter. Node calls the function with the push request itself, whose `type`,
# `id` and `data` are undefined, and answers 204: the message is acknowledged, whatever the
# function made of it.
#
# Why it matters here: "something changed" events need no data, so a publisher may leave it out.
# What follows: publish at least `{}`.
#
# Seen with functions-framework 3.10.2 on Python 3.11 and @google-cloud/functions-framework 5.0.5
# on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
servers=()
cleanup() {
  [ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check functions-framework==3.10.2 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  @google-cloud/functions-framework@5.0.5 >/dev/null)

cd "$work"
cat >main.py <<'PY'
import functions_framework


@functions_framework.cloud_event
def consume(event):
    with open("seen", "w") as file:
        file.write(f"type {event['type']}, id {event['id']}")
PY
cat >index.js <<'JS'
const { cloudEvent } = require("@google-cloud/functions-framework");
cloudEvent("consume", (event) => {
  const names = `names ${Object.keys(event)}`;
  const text = event.type ? `type ${event.type}, id ${event.id}` : `type ${event.type}, ${names}`;
  require("fs").writeFileSync("seen", text);
});
JS
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
python_port=$(free_port)
node_port=$(free_port)
venv/bin/functions-framework --target consume --signature-type cloudevent \
  --host 127.0.0.1 --port "$python_port" >/dev/null 2>&1 &
servers+=($!)
NODE_ENV=production node_modules/.bin/functions-framework --target=consume \
  --signature-type=cloudevent --port="$node_port" >/dev/null 2>&1 &
servers+=($!)
for port in "$python_port" "$node_port"; do
  for _ in $(seq 120); do
    if curl -s "http://127.0.0.1:$port/" >/dev/null; then break; fi
    sleep 1
  done
done

push() {
  local name=$1 port language status
  for port in "$python_port" "$node_port"; do
    rm -f seen
    status=$(curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -d "$2" \
      "http://127.0.0.1:$port/projects/p/topics/t")
    [ "$port" = "$python_port" ] && language=Python || language=Node
    printf '%s, %s: %s, %s\n' "$name" "$language" "$status" "$(cat seen 2>/dev/null || echo "not called")"
  done
}
seen=$(
  push "with data" '{"message": {"data": "e30=", "attributes": {"event": "ONUSERADD"}, "messageId": "7"}, "subscription": "projects/p/subscriptions/s"}'
  push "without" '{"message": {"attributes": {"event": "ONUSERADD"}, "messageId": "8"}, "subscription": "projects/p/subscriptions/s"}'
)
expected='with data, Python: 200, type google.cloud.pubsub.topic.v1.messagePublished, id 7
with data, Node: 204, type google.cloud.pubsub.topic.v1.messagePublished, id 7
without, Python: 400, not called
without, Node: 204, type undefined, names message,subscription'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
