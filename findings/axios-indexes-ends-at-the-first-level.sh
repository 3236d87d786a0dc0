#!/usr/bin/env bash
# axios 1.21.1: the option `indexes` is obeyed for lists at the top of a form and nowhere below.
#
# Expected: `formSerializer: { indexes: … }` (and `paramsSerializer`, which shares the code) says
# how lists are written: null repeats the name, false adds `[]`, true adds the index. It says so
# for a list that is a value of the object itself. A list one level deeper gets its indices
# whatever the option says, so one form holds both spellings, and the default is different at the
# top and below it. null and undefined are left out at every level.
#
# Why it matters here: events keep all lists under `data`, so a receiver that wants `[]` (or
# repeated names) never gets them from axios, and tests of the option with a flat object pass.
# By luck it is the indices that PHP reads right; `indexes: null` at the top loses all but the
# last value there.
#
# Seen on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund axios@1.21.1 >/dev/null)

cd "$work"
cat >write.js <<'JS'
const { createServer } = require("node:http");
const axios = require("axios");

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => response.end(body || request.url.slice(2)));
});
server.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  const event = { TOP: [1, 5], data: { BELOW: [1, 5], EMPTIED: null } };
  for (const indexes of [null, false, true]) {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const posted = await axios.post(url, event, { headers, formSerializer: { indexes } });
    console.log(`form,  ${indexes}:`, decodeURIComponent(posted.data));
    const got = await axios.get(url, { params: event, paramsSerializer: { indexes } });
    console.log(`query, ${indexes}:`, decodeURIComponent(got.data));
  }
  process.exit(0);
});
JS
seen=$(node write.js)
expected='form,  null: TOP=1&TOP=5&data[BELOW][0]=1&data[BELOW][1]=5
query, null: TOP=1&TOP=5&data[BELOW][0]=1&data[BELOW][1]=5
form,  false: TOP[]=1&TOP[]=5&data[BELOW][0]=1&data[BELOW][1]=5
query, false: TOP[]=1&TOP[]=5&data[BELOW][0]=1&data[BELOW][1]=5
form,  true: TOP[0]=1&TOP[1]=5&data[BELOW][0]=1&data[BELOW][1]=5
query, true: TOP[0]=1&TOP[1]=5&data[BELOW][0]=1&data[BELOW][1]=5'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
