#!/usr/bin/env bash
# Google's functions-framework in Python and in Node: one valid CloudEvent, two different datas.
#
# Expected: the same CloudEvent, posted to the same function in two languages, has the same data.
# - A form: Python hands over its bytes; Node a nested object, and the event's datacontenttype,
#   which would tell why, is gone.
# - A JSON text, `"7405"`: Python hands it over; Node answers 400 and never calls the function
#   (Express reads objects and lists only).
# - text/plain: Python hands over its bytes; Node answers 500 before the function.
# - Structured with `data_base64`: Python decodes it; in Node `data` is undefined.
#
# Why it matters here: a queue redelivers what is answered 400 and 500, for days, and the message
# itself is right. What follows: let data be a JSON object, in a consumer of any language.
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
        file.write(f"{event.data!r} of {event.get_attributes().get('datacontenttype')}")
PY
cat >index.js <<'JS'
const { cloudEvent } = require("@google-cloud/functions-framework");
cloudEvent("consume", (event) => {
  const data = JSON.stringify(event.data);
  require("fs").writeFileSync("seen", `${data} of ${event.datacontenttype}`);
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

post() {
  local name=$1 port
  shift
  for port in "$python_port" "$node_port"; do
    rm -f seen
    status=$(curl -s -o /dev/null -w '%{http_code}' "$@" "http://127.0.0.1:$port/")
    [ "$port" = "$python_port" ] && language=Python || language=Node
    printf '%s, %s: %s, %s\n' "$name" "$language" "$status" "$(cat seen 2>/dev/null || echo "not called")"
  done
}
binary=(-H 'ce-specversion: 1.0' -H 'ce-id: 1' -H 'ce-source: /portal' -H 'ce-type: t')
seen=$(
  post "an object" "${binary[@]}" -H 'Content-Type: application/json' -d '{"ID":"7"}'
  post "a form" "${binary[@]}" -d 'event=A&data[ID]=7'
  post "a JSON text" "${binary[@]}" -H 'Content-Type: application/json' -d '"7405"'
  post "plain text" "${binary[@]}" -H 'Content-Type: text/plain' -d 'hello'
  post "base64" -H 'Content-Type: application/cloudevents+json' \
    -d '{"specversion":"1.0","id":"1","source":"/portal","type":"t","data_base64":"ZXZlbnQ9QQ=="}'
)
expected='an object, Python: 200, {'"'ID': '7'"'} of application/json
an object, Node: 204, {"ID":"7"} of undefined
a form, Python: 200, b'"'event=A&data[ID]=7'"' of application/x-www-form-urlencoded
a form, Node: 204, {"event":"A","data":{"ID":"7"}} of undefined
a JSON text, Python: 200, '"'7405'"' of application/json
a JSON text, Node: 400, not called
plain text, Python: 200, b'"'hello'"' of text/plain
plain text, Node: 500, not called
base64, Python: 200, b'"'event=A'"' of None
base64, Node: 204, undefined of undefined'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
