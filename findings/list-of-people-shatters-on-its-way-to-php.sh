#!/usr/bin/env bash
# Two people in a list, written as a form by three libraries of npm: PHP reads four people, or one.
#
# Expected: an encoder of nested forms writes a list of objects so that a reader of the same
# bracket notation gets it back. Three do not, with their defaults:
# - object-to-formdata and needle write `ROWS[][ID]` and `ROWS[][NAME]`. For PHP each `[]` begins
#   another row, so two people with two fields are four rows of one field. qs, the reader of
#   Express, makes one row of the same text, whose fields are lists.
# - superagent writes no brackets for a list at all: `ROWS[ID]=7&…&ROWS[ID]=8`. PHP keeps the
#   last person, qs one with lists for fields. A list of plain values loses all but its last too.
# All of them are right for a list of one, and the first two for lists of plain values, which is
# what such code is tried with. qs, axios and form-urlencoded write the index and are read right.
#
# Why it matters here: Bitrix24 and its handlers are PHP, and relays in Node write the form anew.
# What follows: pass the body on as it came; else `qs.stringify`, or `{ indices: true }`.
#
# Seen with object-to-formdata 4.5.1, needle 3.5.0, superagent 10.4.2 and qs 6.17.1 on Node 20,
# read by PHP 8.2.33 (@php-wasm/node-8-2 3.1.56), 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund object-to-formdata@4.5.1 needle@3.5.0 \
  superagent@10.4.2 qs@6.17.1 @php-wasm/node-8-2@3.1.56 @php-wasm/universal@3.1.56 >/dev/null)

cd "$work"
cat >write-and-read.mjs <<'JS'
import { createServer } from "node:http";
import { getPHPLoaderModule } from "@php-wasm/node-8-2";
import { PHP, loadPHPRuntime } from "@php-wasm/universal";
import needle from "needle";
import { serialize } from "object-to-formdata";
import qs from "qs";
import superagent from "superagent";

const php = new PHP(await loadPHPRuntime(await getPHPLoaderModule()));
const event = {
  ROWS: [
    { ID: 7, NAME: "Anna" },
    { ID: 8, NAME: "Boris" },
  ],
  DEPARTMENTS: [1, 5],
};

let body;
const server = createServer((request, response) => {
  body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => response.end());
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

const writers = {
  "object-to-formdata": async () => new URLSearchParams(serialize(event)).toString(),
  needle: async () => (await needle("post", url, event), body),
  superagent: async () => (await superagent.post(url).type("form").send(event), body),
  qs: async () => qs.stringify(event),
};
for (const [name, write] of Object.entries(writers)) {
  const form = await write();
  const read = await php.run({
    code: "<?php parse_str(getenv('FORM'), $read); echo json_encode($read);",
    env: { FORM: form },
  });
  console.log(`${name}: ${decodeURIComponent(form)}`);
  console.log(`  PHP: ${read.text}`);
  console.log(`  qs:  ${JSON.stringify(qs.parse(form))}`);
}
process.exit(0);
JS
seen=$(node write-and-read.mjs)
expected='object-to-formdata: ROWS[][ID]=7&ROWS[][NAME]=Anna&ROWS[][ID]=8&ROWS[][NAME]=Boris&DEPARTMENTS[]=1&DEPARTMENTS[]=5
  PHP: {"ROWS":[{"ID":"7"},{"NAME":"Anna"},{"ID":"8"},{"NAME":"Boris"}],"DEPARTMENTS":["1","5"]}
  qs:  {"ROWS":[{"ID":["7","8"],"NAME":["Anna","Boris"]}],"DEPARTMENTS":["1","5"]}
needle: ROWS[][ID]=7&ROWS[][NAME]=Anna&ROWS[][ID]=8&ROWS[][NAME]=Boris&DEPARTMENTS[]=1&DEPARTMENTS[]=5
  PHP: {"ROWS":[{"ID":"7"},{"NAME":"Anna"},{"ID":"8"},{"NAME":"Boris"}],"DEPARTMENTS":["1","5"]}
  qs:  {"ROWS":[{"ID":["7","8"],"NAME":["Anna","Boris"]}],"DEPARTMENTS":["1","5"]}
superagent: ROWS[ID]=7&ROWS[NAME]=Anna&ROWS[ID]=8&ROWS[NAME]=Boris&DEPARTMENTS=1&DEPARTMENTS=5
  PHP: {"ROWS":{"ID":"8","NAME":"Boris"},"DEPARTMENTS":"5"}
  qs:  {"ROWS":{"ID":["7","8"],"NAME":["Anna","Boris"]},"DEPARTMENTS":["1","5"]}
qs: ROWS[0][ID]=7&ROWS[0][NAME]=Anna&ROWS[1][ID]=8&ROWS[1][NAME]=Boris&DEPARTMENTS[0]=1&DEPARTMENTS[1]=5
  PHP: {"ROWS":[{"ID":"7","NAME":"Anna"},{"ID":"8","NAME":"Boris"}],"DEPARTMENTS":["1","5"]}
  qs:  {"ROWS":[{"ID":"7","NAME":"Anna"},{"ID":"8","NAME":"Boris"}],"DEPARTMENTS":["1","5"]}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
