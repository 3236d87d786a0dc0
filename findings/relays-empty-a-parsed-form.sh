#!/usr/bin/env bash
# A form goes through Express and a proxy that restores bodies: names arrive, nested values do not.
#
# Expected: two proxies of npm say that they restore a body which a parser in front of them has
# read, http-proxy-middleware by its own `fixRequestBody`, express-http-proxy by itself. So a form
# comes out as it went in, or the request fails.
# - http-proxy-middleware writes a name and an empty value for everything nested: `data=&auth=`.
# - express-http-proxy writes `data=[object Object]`. With `extended: false`, which keeps the names
#   whole, it joins a repeated name into one value: two departments are one named "1,5". It encodes
#   nothing, so that of a flat form "+7" arrives as " 7", and "Romashka & Co" ends at its "&".
# Content-Type and Content-Length are right, so the receiver answers 200 to what it can read.
# http-proxy-middleware is right with `extended: false`, and with flat forms.
#
# Why it matters here: `express.urlencoded({ extended: true })` is one line that any application
# has, and everything in a Bitrix24 event but its name is nested, the token included.
# What follows: put the proxy in front of the parsers.
#
# Seen with http-proxy-middleware 3.0.11, express-http-proxy 2.1.2 and Express 5.3.0 on Node 20,
# 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund \
  http-proxy-middleware@3.0.11 express-http-proxy@2.1.2 express@5.3.0 >/dev/null)

cd "$work"
cat >relay.js <<'JS'
const { createServer } = require("node:http");
const express = require("express");
const proxy = require("express-http-proxy");
const { createProxyMiddleware, fixRequestBody } = require("http-proxy-middleware");

const listen = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = (server) => `http://127.0.0.1:${server.address().port}`;
const headers = { "content-type": "application/x-www-form-urlencoded" };
const form = "event=ONUSERADD&data[ID]=7&data[ROLE][]=1&data[ROLE][]=5&auth[domain]=a.example";

const flat = "PHONE=%2B7+900&TITLE=Romashka+%26+Co";

const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => response.end(body));
});
(async () => {
  await listen(receiver);
  const target = address(receiver);
  const proxies = {
    "http-proxy-middleware": createProxyMiddleware({ target, on: { proxyReq: fixRequestBody } }),
    "express-http-proxy": proxy(target),
  };
  console.log(`sent: ${form}`);
  for (const extended of [true, false])
    for (const [name, middleware] of Object.entries(proxies)) {
      const relay = createServer(express().use(express.urlencoded({ extended }), middleware));
      await listen(relay);
      const answer = await fetch(address(relay), { method: "POST", headers, body: form });
      console.log(`${name}, extended ${extended}: ${answer.status} ${decodeURIComponent(await answer.text())}`);
      const second = await fetch(address(relay), { method: "POST", headers, body: flat });
      const fields = [...new URLSearchParams(await second.text())];
      console.log(`  a flat form: ${fields.map(([field, value]) => `${field} "${value}"`).join(", ")}`);
    }
  process.exit(0);
})();
JS
seen=$(node relay.js)
expected='sent: event=ONUSERADD&data[ID]=7&data[ROLE][]=1&data[ROLE][]=5&auth[domain]=a.example
http-proxy-middleware, extended true: 200 event=ONUSERADD&data=&auth=
  a flat form: PHONE "+7 900", TITLE "Romashka & Co"
express-http-proxy, extended true: 200 event=ONUSERADD&data=[object Object]&auth=[object Object]
  a flat form: PHONE " 7 900", TITLE "Romashka ",  Co ""
http-proxy-middleware, extended false: 200 event=ONUSERADD&data[ID]=7&data[ROLE][]=1&data[ROLE][]=5&auth[domain]=a.example
  a flat form: PHONE "+7 900", TITLE "Romashka & Co"
express-http-proxy, extended false: 200 event=ONUSERADD&data[ID]=7&data[ROLE][]=1,5&auth[domain]=a.example
  a flat form: PHONE " 7 900", TITLE "Romashka ",  Co ""'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
