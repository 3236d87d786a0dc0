#!/usr/bin/env bash
# http-build-query 0.8.1 (npm), "php's http_build_query() in JavaScript": null becomes an empty field,
# and the function of that name in locutus writes the word "undefined".
#
# Expected: a package of that name writes what PHP writes, and PHP leaves null out. This one writes
# `PHONE=`, also for a property that is undefined. locutus leaves null out, and writes
# `PHONE=undefined`. A Date is an object without properties for both and leaves nothing. Booleans,
# lists, also empty ones, and nested names are as in PHP.
#
# Why it matters here: a consumer that passes a Bitrix24 event on makes two things of one: a field
# that the event does not speak of, and a field that was emptied, which ends a link.
# What follows: go over the object first, with `JSON.parse(JSON.stringify(event))` and without nulls.
#
# Seen with locutus 2.0.39 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  http-build-query@0.8.1 locutus@2.0.39 >/dev/null)

cd "$work"
cat >write.js <<'JS'
const httpBuildQuery = require("http-build-query");
const locutus = require("locutus/php/url/http_build_query");

const events = [
  ["null", { data: { ID: 7, PHONE: null } }],
  ["undefined", { data: { ID: 7, PHONE: undefined } }],
  ["a null in a list", { ROLE: [1, null, 5] }],
  ["a date", { ID: 7, DATE: new Date(0) }],
  ["an empty list", { ID: 7, ROLE: [] }],
  ["booleans", { ACTIVE: true, ADMIN: false }],
];
for (const [name, event] of events)
  for (const [packageName, write] of [["http-build-query", httpBuildQuery], ["locutus", locutus]])
    console.log(`${name}, ${packageName}: ${decodeURIComponent(write(event))}`);
JS
seen=$(node write.js)
expected='null, http-build-query: data[ID]=7&data[PHONE]=
null, locutus: data[ID]=7
undefined, http-build-query: data[ID]=7&data[PHONE]=
undefined, locutus: data[ID]=7&data[PHONE]=undefined
a null in a list, http-build-query: ROLE[0]=1&ROLE[1]=&ROLE[2]=5
a null in a list, locutus: ROLE[0]=1&ROLE[2]=5
a date, http-build-query: ID=7
a date, locutus: ID=7
an empty list, http-build-query: ID=7
an empty list, locutus: ID=7
booleans, http-build-query: ACTIVE=1&ADMIN=0
booleans, locutus: ACTIVE=1&ADMIN=0'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
