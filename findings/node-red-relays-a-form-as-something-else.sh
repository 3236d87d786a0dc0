#!/usr/bin/env bash
# Node-RED 4.1.15: "http in" wired to "http request" turns a form into JSON, or empties it.
#
# Expected: the two nodes, wired together, are the relay that the editor suggests, so a POST goes on
# as it came. A form is parsed on its way in, nested names included, and goes on as JSON. Who
# notices that and sets the content type of a form, as the node's help says, gets a form whose
# nested values are empty: `data=&auth=`. Both are answered 200.
#
# Why it matters here: a receiver of Bitrix24's events reads forms, and finds no token in JSON, or
# an empty one in the form. A flat test form passes in the second wiring.
# What follows: "Do not parse request body" in "http in", and the content type set by a function.
#
# Seen on Node 20, 2026-11-27. Installing Node-RED takes a minute.
set -euo pipefail
work=$(mktemp -d)
servers=()
cleanup() {
  [ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
(cd "$work" && npm install --silent --no-audit --no-fund node-red@4.1.15 >/dev/null)

cd "$work"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
receiver_port=$(free_port)
cat >receiver.js <<'JS'
require("node:http")
  .createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () =>
      response.end(`${request.headers["content-type"]}: ${decodeURIComponent(body)}`),
    );
  })
  .listen(+process.argv[2], "127.0.0.1");
JS
cat >flows.json <<JSON
[
  {"id": "tab", "type": "tab", "label": "relay"},
  {"id": "plain", "z": "tab", "type": "http in", "url": "/plain", "method": "post", "wires": [["out"]]},
  {"id": "typed", "z": "tab", "type": "http in", "url": "/typed", "method": "post", "wires": [["type"]]},
  {"id": "unparsed", "z": "tab", "type": "http in", "url": "/unparsed", "method": "post",
   "skipBodyParsing": true, "wires": [["type"]]},
  {"id": "type", "z": "tab", "type": "function", "outputs": 1, "wires": [["out"]],
   "func": "msg.headers = {'content-type': 'application/x-www-form-urlencoded'}; return msg;"},
  {"id": "out", "z": "tab", "type": "http request", "method": "POST", "ret": "txt", "paytoqs": "ignore",
   "url": "http://127.0.0.1:$receiver_port/", "headers": [], "wires": [["answer"]]},
  {"id": "answer", "z": "tab", "type": "http response", "headers": {}, "wires": []}
]
JSON
cat >settings.js <<JS
module.exports = {
  flowFile: "$work/flows.json",
  httpAdminRoot: false,
  logging: { console: { level: "off" } },
  telemetry: { enabled: false },
  uiHost: "127.0.0.1",
  uiPort: $port,
};
JS
node receiver.js "$receiver_port" &
servers+=($!)
node node_modules/node-red/red.js --settings settings.js --userDir "$work" >/dev/null 2>&1 &
servers+=($!)

form='event=ONUSERADD&data[ID]=7&auth[domain]=a.example'
post() { curl -s -w ' (%{http_code})' --data "$form" "http://127.0.0.1:$port/$1"; }
for _ in $(seq 120); do
  case $(post plain || true) in *"(200)") break ;; esac
  sleep 1
done
seen=$(
  echo "sent: $form"
  echo "as it is: $(post plain)"
  echo "with the type set: $(post typed)"
  echo "not parsed, with the type set: $(post unparsed)"
)
expected='sent: event=ONUSERADD&data[ID]=7&auth[domain]=a.example
as it is: application/json: {"event":"ONUSERADD","data":{"ID":"7"},"auth":{"domain":"a.example"}} (200)
with the type set: application/x-www-form-urlencoded: event=ONUSERADD&data=&auth= (200)
not parsed, with the type set: application/x-www-form-urlencoded: event=ONUSERADD&data[ID]=7&auth[domain]=a.example (200)'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
