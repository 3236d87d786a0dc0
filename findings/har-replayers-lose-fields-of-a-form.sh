#!/usr/bin/env bash
# Three tools that send a HAR's requests again: an emptied field is not sent, or two departments are
# one.
#
# Expected: what replays a HAR file sends the fields that stand in it, in their order.
# - fetch-har puts `params` into a form by `set` and leaves out what is empty: of a repeated name the
#   last value is sent, and "this field was emptied" is not sent at all. It prefers `params` to
#   `text`, so a file that has both, as a browser's has, loses them too.
# - har-to-k6 makes one value of a repeated name, "1,5". It warns in the console where `text` is
#   there and differs from that.
# - @har-sdk/postman, from Postman's form to a HAR, writes `params` whole and `text` with the last
#   value of a repeated name.
# All are right with `text` alone, and with names that have an index, as PHP writes them.
#
# Why it matters here: a replayed event takes departments away from a person and does not empty a
# field that the first one emptied; both are answered 200.
# What follows: replay the text.
#
# Seen with fetch-har 11.1.1, har-to-k6 0.14.16 and @har-sdk/postman 2.4.4 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  fetch-har@11.1.1 har-to-k6@0.14.16 @har-sdk/postman@2.4.4 >/dev/null)

cd "$work"
cat >replay.mjs <<'JS'
import { createServer } from "node:http";
import harSdkPostman from "@har-sdk/postman";
import fetchHar from "fetch-har";
import harToK6 from "har-to-k6";

const mimeType = "application/x-www-form-urlencoded";
const text = "ID=7&ROLE%5B%5D=1&ROLE%5B%5D=5&PHONE=&UF%5B0%5D=a&UF%5B1%5D=b";
const params = [...new URLSearchParams(text)].map(([name, value]) => ({ name, value }));
const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => response.end(body));
});
await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${receiver.address().port}/`;

console.log(`recorded: ${decodeURIComponent(text)}`);
for (const [place, postData] of Object.entries({
  text: { mimeType, text },
  params: { mimeType, params },
  both: { mimeType, text, params },
})) {
  const headers = [{ name: "Content-Type", value: mimeType }];
  const unused = { queryString: [], cookies: [], headersSize: -1, bodySize: -1 };
  const request = { method: "POST", url, httpVersion: "HTTP/1.1", headers, postData, ...unused };
  const entry = { startedDateTime: "2026-11-27T00:00:00Z", request };
  const log = { version: "1.2", creator: { name: "recorder", version: "1" }, entries: [entry] };
  const answer = await fetchHar({ log });
  console.log(`from ${place}, fetch-har: ${decodeURIComponent(await answer.text())}`);
  const { main } = await harToK6.liHARToK6Script({ log });
  console.log(`from ${place}, har-to-k6: ${decodeURIComponent(/'(ID=.*)'/.exec(main)[1])}`);
}
const collection = {
  info: {
    name: "recorded",
    schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
  },
  item: [
    {
      name: "event",
      request: {
        method: "POST",
        url,
        header: [],
        body: { mode: "urlencoded", urlencoded: params.map(({ name, value }) => ({ key: name, value })) },
      },
    },
  ],
};
const [{ postData }] = await harSdkPostman.postman2har(collection);
const pairs = postData.params.map(({ name, value }) => `${name}=${value}`);
console.log(`@har-sdk/postman, params: ${pairs.join("&")}`);
console.log(`@har-sdk/postman, text: ${decodeURIComponent(postData.text)}`);
process.exit(0);
JS
seen=$(node replay.mjs 2>/dev/null)
expected='recorded: ID=7&ROLE[]=1&ROLE[]=5&PHONE=&UF[0]=a&UF[1]=b
from text, fetch-har: ID=7&ROLE[]=1&ROLE[]=5&PHONE=&UF[0]=a&UF[1]=b
from text, har-to-k6: ID=7&ROLE[]=1&ROLE[]=5&PHONE=&UF[0]=a&UF[1]=b
from params, fetch-har: ID=7&ROLE[]=5&UF[0]=a&UF[1]=b
from params, har-to-k6: ID=7&ROLE[]=1,5&PHONE=&UF[0]=a&UF[1]=b
from both, fetch-har: ID=7&ROLE[]=5&UF[0]=a&UF[1]=b
from both, har-to-k6: ID=7&ROLE[]=1,5&PHONE=&UF[0]=a&UF[1]=b
@har-sdk/postman, params: ID=7&ROLE[]=1&ROLE[]=5&PHONE=&UF[0]=a&UF[1]=b
@har-sdk/postman, text: ID=7&ROLE[]=5&PHONE=&UF[0]=a&UF[1]=b'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
