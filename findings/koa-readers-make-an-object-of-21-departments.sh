#!/usr/bin/env bash
# Three body readers of Koa: a person's twenty-first department turns the list into an object.
#
# Expected: a form's list is an array, however long, as in Express. The readers of Koa, and Fastify's
# with qs as its README shows, hand the form to qs as it is, whose limit for lists is 20 entries: a
# longer one becomes an object with the numbers as names, in the spelling with indices, which PHP
# writes, and by now in the one with `[]` as well. Nothing is raised. It has no `length` and no
# `map`, and `for … of` raises. Express measures the form first and raises the limit to fit.
#
# Why it matters here: `if (departments.length)` is false for the people who have the most. Products
# of a deal, and rows of a table, are such lists too, and no test has twenty-one of them.
# What follows: set qs's `arrayLimit`, in the option `queryString` of Koa's readers.
#
# Seen with koa 3.3.0, koa-bodyparser 4.4.1, @koa/bodyparser 6.1.0, koa-body 8.0.1, @fastify/formbody
# 9.0.1 with fastify 5.12.8, Express 5.3.0 and qs 6.17.1 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/package.json" <<'JSON'
{
  "dependencies": {
    "@fastify/formbody": "9.0.1",
    "@koa/bodyparser": "6.1.0",
    "express": "5.3.0",
    "fastify": "5.12.8",
    "koa": "3.3.0",
    "koa-body": "8.0.1",
    "koa-bodyparser": "4.4.1",
    "qs": "6.17.1"
  },
  "overrides": { "qs": "6.17.1" }
}
JSON
(cd "$work" && npm install --silent --no-audit --no-fund >/dev/null)

cd "$work"
cat >read.js <<'JS'
const { createServer } = require("node:http");
const formbody = require("@fastify/formbody");
const { bodyParser } = require("@koa/bodyparser");
const express = require("express");
const fastify = require("fastify");
const Koa = require("koa");
const { koaBody } = require("koa-body");
const koaBodyparser = require("koa-bodyparser");
const qs = require("qs");

const withKoa = (reader) => async () => {
  const app = new Koa();
  app.use(reader());
  app.use((context) => {
    context.body = JSON.stringify(context.request.body);
  });
  return app.callback();
};
const readers = {
  "koa-bodyparser": withKoa(koaBodyparser),
  "@koa/bodyparser": withKoa(bodyParser),
  "koa-body": withKoa(koaBody),
  "@fastify/formbody with qs": async () => {
    const app = fastify();
    app.register(formbody, { parser: (form) => qs.parse(form) });
    app.post("/", async (request) => JSON.stringify(request.body));
    await app.ready();
    return app.routing;
  },
  Express: async () => {
    const app = express();
    app.use(express.urlencoded({ extended: true }));
    app.post("/", (request, response) => response.send(JSON.stringify(request.body)));
    return app;
  },
};
const form = (count, name) =>
  Array.from({ length: count }, (_, index) => `${name(index)}=${index + 1}`).join("&");
const spellings = {
  indices: (index) => `data[FIELDS][UF_DEPARTMENT][${index}]`,
  "[]": () => "data[FIELDS][UF_DEPARTMENT][]",
};
(async () => {
  for (const [name, make] of Object.entries(readers)) {
    const server = createServer(await make());
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    for (const [spelling, write] of Object.entries(spellings)) {
      const kinds = [];
      for (const count of [20, 21]) {
        const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, {
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: form(count, write),
        });
        const departments = JSON.parse(await answer.text()).data.FIELDS.UF_DEPARTMENT;
        kinds.push(`${count} are ${Array.isArray(departments) ? "an array" : "an object"}`);
      }
      console.log(`${name}, ${spelling}: ${kinds.join(", ")}`);
    }
  }
  process.exit(0);
})();
JS
seen=$(node read.js)
expected='koa-bodyparser, indices: 20 are an array, 21 are an object
koa-bodyparser, []: 20 are an array, 21 are an object
@koa/bodyparser, indices: 20 are an array, 21 are an object
@koa/bodyparser, []: 20 are an array, 21 are an object
koa-body, indices: 20 are an array, 21 are an object
koa-body, []: 20 are an array, 21 are an object
@fastify/formbody with qs, indices: 20 are an array, 21 are an object
@fastify/formbody with qs, []: 20 are an array, 21 are an object
Express, indices: 20 are an array, 21 are an array
Express, []: 20 are an array, 21 are an array'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
