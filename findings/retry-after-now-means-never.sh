#!/usr/bin/env bash
# Told to come back at once, retry-axios never does; told to wait longer than its timeout, axios-retry
# does not wait at all.
#
# Expected: a client that obeys `Retry-After` waits for so long and sends again, as it does without
# the header. Two packages for axios turn the header into the end of all attempts.
# - retry-axios gives up where the wait is not above zero: for `0`, and for a date that has come by
#   the time it is read, which is any date on a machine whose clock is a little ahead.
# - axios-retry takes the wait from the request's `timeout`, which is left over for the next attempt
#   (`shouldResetTimeout` is off). If nothing is left, it raises at once, and does not wait first.
# Without `timeout` it is right. got is right in all cases; make-fetch-happen obeys none of them.
#
# Why it matters here: the header comes from a portal or proxy that is busy and says so correctly.
# The client that was told when to come back reports a failure after its first attempt.
# What follows: read the number of attempts in the log, and set `shouldResetTimeout`.
#
# Seen with axios 1.21.1, retry-axios 4.0.3, axios-retry 4.5.0, got 14.6.6 and make-fetch-happen
# 15.0.6 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund axios@1.21.1 retry-axios@4.0.3 \
  axios-retry@4.5.0 got@14.6.6 make-fetch-happen@15.0.6 >/dev/null)

cd "$work"
cat >retry.mjs <<'JS'
import { createServer } from "node:http";
import axios from "axios";
import axiosRetry from "axios-retry";
import got from "got";
import fetch from "make-fetch-happen";
import * as rax from "retry-axios";

let retryAfter;
let times = [];
const server = createServer((request, response) => {
  request.resume();
  times.push(Date.now());
  if (times.length > 1) return response.end("taken");
  response.writeHead(503, retryAfter === undefined ? {} : { "retry-after": retryAfter() }).end();
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

const withAxiosRetry = (options) => {
  const client = axios.create(options);
  axiosRetry(client, { retries: 3 });
  return () => client.put(url, "event");
};
const withRetryAxios = () => {
  const client = axios.create();
  rax.attach(client);
  return client.put(url, "event", { raxConfig: { instance: client } });
};
const clients = {
  "retry-axios": withRetryAxios,
  "axios-retry, timeout of 2 s": withAxiosRetry({ timeout: 2000 }),
  "axios-retry, no timeout": withAxiosRetry(),
  got: () => got.put(url, { body: "event" }),
  "make-fetch-happen": () => fetch(url, { method: "PUT", body: "event", retry: 3 }),
};
const seconds = (count) => () => new Date(Date.now() + count * 1000).toUTCString();
const headers = {
  "no Retry-After": undefined,
  "Retry-After: 0": () => "0",
  "a date of 2 s ago": seconds(-2),
  "Retry-After: 4": () => "4",
  "a date in 5 s": seconds(5),
};
for (const [header, value] of Object.entries(headers)) {
  for (const [name, send] of Object.entries(clients)) {
    retryAfter = value;
    times = [];
    const end = await send().then(() => "delivered", () => "gave up");
    const waited = times[1] - times[0] > 3500 ? ", waited" : "";
    console.log(`${header}, ${name}: ${end} after ${times.length}${waited}`);
  }
}
process.exit(0);
JS
seen=$(node retry.mjs 2>/dev/null)
expected='no Retry-After, retry-axios: delivered after 2
no Retry-After, axios-retry, timeout of 2 s: delivered after 2
no Retry-After, axios-retry, no timeout: delivered after 2
no Retry-After, got: delivered after 2
no Retry-After, make-fetch-happen: delivered after 2
Retry-After: 0, retry-axios: gave up after 1
Retry-After: 0, axios-retry, timeout of 2 s: delivered after 2
Retry-After: 0, axios-retry, no timeout: delivered after 2
Retry-After: 0, got: delivered after 2
Retry-After: 0, make-fetch-happen: delivered after 2
a date of 2 s ago, retry-axios: gave up after 1
a date of 2 s ago, axios-retry, timeout of 2 s: delivered after 2
a date of 2 s ago, axios-retry, no timeout: delivered after 2
a date of 2 s ago, got: delivered after 2
a date of 2 s ago, make-fetch-happen: delivered after 2
Retry-After: 4, retry-axios: delivered after 2, waited
Retry-After: 4, axios-retry, timeout of 2 s: gave up after 1
Retry-After: 4, axios-retry, no timeout: delivered after 2, waited
Retry-After: 4, got: delivered after 2, waited
Retry-After: 4, make-fetch-happen: delivered after 2
a date in 5 s, retry-axios: delivered after 2, waited
a date in 5 s, axios-retry, timeout of 2 s: gave up after 1
a date in 5 s, axios-retry, no timeout: delivered after 2, waited
a date in 5 s, got: delivered after 2, waited
a date in 5 s, make-fetch-happen: delivered after 2'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
