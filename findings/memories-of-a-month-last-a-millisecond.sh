#!/usr/bin/env bash
# Three caches of npm, told to keep an event's id for 25 days, forget it after a millisecond.
#
# Expected: a time to live is a number of milliseconds, and a longer one lasts longer. memory-cache,
# ttl and expiry-map hand it to setTimeout, which holds 24.8 days at most and takes anything above
# for 1. Nothing is raised; Node prints one warning for the process, about a timer and not about a
# cache. 24 days are right with all of them, and @isaacs/ttlcache and node-cache are right with 25.
#
# Why it matters here: such a cache is the usual memory of deliveries that were handled. Somebody
# who raises a week to a month, so as to be safe, switches duplicates on, and each test that looks
# within a millisecond passes.
# What follows: keep ids in a table, or ask the cache after a second, with the real number.
#
# Seen with memory-cache 0.2.0, ttl 1.3.1, expiry-map 2.0.0, @isaacs/ttlcache 2.1.5 and node-cache
# 5.1.2 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund memory-cache@0.2.0 ttl@1.3.1 \
  expiry-map@2.0.0 @isaacs/ttlcache@2.1.5 node-cache@5.1.2 >/dev/null)

cd "$work"
cat >remember.js <<'JS'
const { TTLCache } = require("@isaacs/ttlcache");
const ExpiryMap = require("expiry-map");
const { Cache: MemoryCache } = require("memory-cache");
const NodeCache = require("node-cache");
const Ttl = require("ttl");

const makers = {
  "memory-cache": (ttl) => {
    const cache = new MemoryCache();
    return { set: () => cache.put("id", "handled", ttl), get: () => cache.get("id") };
  },
  ttl: (ttl) => {
    const cache = new Ttl({ ttl });
    return { set: () => cache.put("id", "handled"), get: () => cache.get("id") };
  },
  "expiry-map": (ttl) => {
    const cache = new (ExpiryMap.default ?? ExpiryMap)(ttl);
    return { set: () => cache.set("id", "handled"), get: () => cache.get("id") };
  },
  "@isaacs/ttlcache": (ttl) => {
    const cache = new TTLCache({ ttl });
    return { set: () => cache.set("id", "handled"), get: () => cache.get("id") };
  },
  "node-cache": (ttl) => {
    const cache = new NodeCache({ stdTTL: ttl / 1000 });
    return { set: () => cache.set("id", "handled"), get: () => cache.get("id") };
  },
};
const day = 24 * 60 * 60 * 1000;
const caches = Object.entries(makers).map(([name, make]) => [name, make(24 * day), make(25 * day)]);
for (const [, ...pair] of caches) for (const cache of pair) cache.set();
setTimeout(() => {
  for (const [name, shorter, longer] of caches)
    console.log(`${name}: 24 days ${shorter.get() ?? "forgotten"}, 25 days ${longer.get() ?? "forgotten"}`);
  process.exit(0);
}, 1000);
JS
seen=$(node remember.js 2>/dev/null)
expected='memory-cache: 24 days handled, 25 days forgotten
ttl: 24 days handled, 25 days forgotten
expiry-map: 24 days handled, 25 days forgotten
@isaacs/ttlcache: 24 days handled, 25 days handled
node-cache: 24 days handled, 25 days handled'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
