#!/usr/bin/env bash
# undici 7.30.2 (npm): its `fetch` posts a FormData that is not its own as the text "[object FormData]", Node's
# own FormData included.
#
# Expected: undici is what Node's `fetch` is made of, so a program that imports `fetch` from the package, for a
# proxy or a newer version, sends what it sent before. The package has its own class FormData, and an object
# of another class is written as a text: the global FormData of Node, of the same name, and that of
# formdata-node, which form libraries return. The body is "[object FormData]", as text/plain. Nothing
# is raised. The other way round, Node's `fetch` sends all three. `request` of the same package raises for
# the two that it does not know.
#
# Why it matters here: a receiver that answers 200 to whatever it is sent, as webhook receivers do, has lost the
# event; one that reads forms answers 401, since it finds no token, which looks like a wrong token.
# What follows: import `FormData` from where `fetch` comes from, or call the package's `install()`, which
# replaces all of them; or send a URLSearchParams, which is understood everywhere.
#
# Seen with formdata-node 6.0.3 on Node 20.20.2, 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  undici@7.30.2 formdata-node@6.0.3 >/dev/null)

cd "$work"
cat >post.mjs <<'JS'
import { createServer } from "node:http";
import { FormData as NodeFormData } from "formdata-node";
import { fetch as undiciFetch, FormData as UndiciFormData, request as undiciRequest } from "undici";

const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const [type] = request.headers["content-type"].split(";");
    response.end(`${type}, ${body.includes('name="event"') ? "with the field" : body}`);
  });
});
await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${receiver.address().port}/`;

const classes = { "Node's": FormData, "undici's": UndiciFormData, "formdata-node's": NodeFormData };
const clients = {
  "Node's fetch": async (body) => (await fetch(url, { method: "POST", body })).text(),
  "undici's fetch": async (body) => (await undiciFetch(url, { method: "POST", body })).text(),
  "undici's request": async (body) => (await undiciRequest(url, { method: "POST", body })).body.text(),
};
for (const [client, post] of Object.entries(clients))
  for (const [name, Form] of Object.entries(classes)) {
    const form = new Form();
    form.set("event", "ONUSERADD");
    const seen = await post(form).catch((error) => `raises ${error.name}`);
    console.log(`${client}, ${name} FormData: ${seen}`);
  }
const body = new URLSearchParams({ event: "ONUSERADD" });
console.log(`undici's fetch, URLSearchParams: ${await clients["undici's fetch"](body)}`);
process.exit(0);
JS
seen=$(node post.mjs 2>/dev/null)
expected=$(
  cat <<'TEXT'
Node's fetch, Node's FormData: multipart/form-data, with the field
Node's fetch, undici's FormData: multipart/form-data, with the field
Node's fetch, formdata-node's FormData: multipart/form-data, with the field
undici's fetch, Node's FormData: text/plain, [object FormData]
undici's fetch, undici's FormData: multipart/form-data, with the field
undici's fetch, formdata-node's FormData: text/plain, [object FormData]
undici's request, Node's FormData: raises TypeError
undici's request, undici's FormData: multipart/form-data, with the field
undici's request, formdata-node's FormData: raises TypeError
undici's fetch, URLSearchParams: application/x-www-form-urlencoded, event=ONUSERADD
TEXT
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
