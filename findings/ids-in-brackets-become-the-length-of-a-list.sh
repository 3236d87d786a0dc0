#!/usr/bin/env bash
# Six packages of npm read `data[BOT][567][BOT_ID]=567` as a list of 568, of which 567 are empty.
#
# Expected: a number in brackets is a key, and a reader that makes lists of such keys does so where
# they count from 0, as Express's qs does (20 at most by default, and without holes). jquery-deparam,
# multer (by append-field), and lodash.set, set-value, object-path and dot-prop, which code calls for
# each field that busboy or formidable hand out flat, make an array on sight of a number and set its
# element with that index. In the program the holes hardly show: `Object.values` has one bot. In
# JSON each of them is a null, and so what a queue, a table or a relay keeps is a list of 568.
#
# Why it matters here: Bitrix24 uses ids as keys in the events of bots. Behind the queue the first
# bot is null, and the key, which was the bot's id, is the place in a list.
# What follows: qs with `parseArrays: false`, or a Map of the flat names.
#
# Seen with jquery-deparam 0.5.3, multer 2.5.0, append-field 2.0.0, lodash 4.18.1, set-value 4.1.0,
# object-path 0.11.8, dot-prop 10.2.0 and qs 6.17.1 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts jquery-deparam@0.5.3 \
  multer@2.5.0 append-field@2.0.0 lodash@4.18.1 set-value@4.1.0 object-path@0.11.8 dot-prop@10.2.0 \
  qs@6.17.1 express@5.3.0 >/dev/null)

cd "$work"
cat >read.mjs <<'JS'
import { createServer } from "node:http";
import { setProperty } from "dot-prop";
import express from "express";
import deparam from "jquery-deparam";
import lodash from "lodash";
import multer from "multer";
import objectPath from "object-path";
import qs from "qs";
import setValue from "set-value";

const form = "event=ONIMBOTMESSAGEADD&data[BOT][567][BOT_ID]=567&data[BOT][567][CODE]=echo";
const dotted = (name) => name.replaceAll("]", "").replaceAll("[", ".");
const setEach = (set) => () => {
  const body = {};
  for (const [name, value] of new URLSearchParams(form)) set(body, name, value);
  return body;
};

async function withMulter() {
  const application = express();
  application.post("/", multer().none(), (request, response) => response.json(request.body));
  const server = createServer(application);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const fields = new FormData();
  for (const [name, value] of new URLSearchParams(form)) fields.append(name, value);
  const address = `http://127.0.0.1:${server.address().port}/`;
  return (await fetch(address, { method: "POST", body: fields })).json();
}
const readers = {
  qs: () => qs.parse(form),
  "jquery-deparam": () => deparam(form),
  "multer (multipart)": withMulter,
  "lodash.set": setEach(lodash.set),
  "set-value": setEach((body, name, value) => setValue(body, dotted(name), value)),
  "object-path": setEach((body, name, value) => objectPath.set(body, dotted(name), value)),
  "dot-prop": setEach((body, name, value) => setProperty(body, dotted(name), value)),
};
for (const [name, read] of Object.entries(readers)) {
  const text = JSON.stringify((await read()).data.BOT);
  const bots = JSON.parse(text);
  const kind = Array.isArray(bots) ? `a list of ${bots.length}` : "an object";
  console.log(`${name}: ${kind}, the first of it is ${JSON.stringify(Object.values(bots)[0])}`);
}
process.exit(0);
JS
seen=$(node read.mjs)
expected='qs: an object, the first of it is {"BOT_ID":"567","CODE":"echo"}
jquery-deparam: a list of 568, the first of it is null
multer (multipart): a list of 568, the first of it is null
lodash.set: a list of 568, the first of it is null
set-value: a list of 568, the first of it is null
object-path: a list of 568, the first of it is null
dot-prop: a list of 568, the first of it is null'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
