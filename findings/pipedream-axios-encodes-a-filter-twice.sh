#!/usr/bin/env bash
# @pipedream/platform 3.4.0 (npm): a filter in the address of a request is encoded twice, and of two
# fields to select one is left.
#
# Expected: `axios` of the package, which Pipedream's steps call, is axios with better errors. It
# takes the query out of the address first and gives it to axios as `params`. Values are decoded on
# the way and names are not, so `filter%5BID%5D` arrives as `filter%255BID%255D`. The same happens to
# an unencoded `filter[>ID]`, since URL encodes the ">" and leaves the brackets; `filter[ID]` is
# right. Of a repeated name the last value is left, and a "+" that stands for a space arrives as a
# plus. axios itself leaves an address as it is, except that it encodes what has to be.
#
# Why it matters here: Bitrix24 ignores a filter it does not know and returns the first rows of all,
# with HTTP 200, so "the person with this Telegram id" is whoever comes first.
# What follows: put the query into `params`, or post it, and compare the field in each row.
#
# Seen beside axios 1.21.1 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  @pipedream/platform@3.4.0 axios@1.21.1 >/dev/null)

cd "$work"
cat >ask.js <<'JS'
const { createServer } = require("node:http");
const plain = require("axios");
const { axios } = require("@pipedream/platform");

const portal = createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify([...new URLSearchParams(request.url.split("?")[1])]));
});
const queries = [
  "filter[ID]=7",
  "filter[>ID]=7",
  "filter%5BID%5D=7",
  "select[]=ID&select[]=NAME",
  "NAME=Anna+Maria",
  "PHONE=%2B7",
];
portal.listen(0, "127.0.0.1", async () => {
  const address = `http://127.0.0.1:${portal.address().port}/rest/1/secret/user.get`;
  for (const query of queries) {
    const show = (pairs) => pairs.map(([name, value]) => `${name} is "${value}"`).join(", ");
    console.log(query);
    console.log(`  axios: ${show((await plain.get(`${address}?${query}`)).data)}`);
    console.log(`  @pipedream/platform: ${show(await axios({}, { url: `${address}?${query}` }))}`);
  }
  process.exit(0);
});
JS
seen=$(node ask.js)
expected='filter[ID]=7
  axios: filter[ID] is "7"
  @pipedream/platform: filter[ID] is "7"
filter[>ID]=7
  axios: filter[>ID] is "7"
  @pipedream/platform: filter[%3EID] is "7"
filter%5BID%5D=7
  axios: filter[ID] is "7"
  @pipedream/platform: filter%5BID%5D is "7"
select[]=ID&select[]=NAME
  axios: select[] is "ID", select[] is "NAME"
  @pipedream/platform: select[] is "NAME"
NAME=Anna+Maria
  axios: NAME is "Anna Maria"
  @pipedream/platform: NAME is "Anna+Maria"
PHONE=%2B7
  axios: PHONE is "+7"
  @pipedream/platform: PHONE is "+7"'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
