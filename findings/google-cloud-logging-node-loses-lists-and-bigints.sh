#!/usr/bin/env bash
# @google-cloud/logging 11.4.0 (npm): a BigInt takes its whole line along on the way through stdout,
# and a list is sent to the API as nothing.
#
# Expected: `log` and `logSync` of one package, given the same entry, write the same entry, or raise.
# - A BigInt becomes a text on the way to the API. To stdout, which Google recommends for Cloud Run,
#   nothing is written for an entry that has one: the failure of JSON is swallowed.
# - A list, as data, is sent to the API without any payload; stdout has it.
# - An object is the payload itself by the API, and stands under `message` by stdout, so a search for
#   `jsonPayload.ID` finds the first kind only.
# - 0 and "" are taken for missing data: the metadata becomes the data, and the severity is gone.
#
# Why it matters here: ids of Telegram are BigInts as soon as they come from a column of a database,
# as with Prisma. The entries about people are missing, and those without an id are there.
# What follows: `String(id)` in everything that is logged, and an object as data.
#
# Seen on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  @google-cloud/logging@11.4.0 >/dev/null)

cd "$work"
cat >log.js <<'JS'
const { Writable } = require("node:stream");
const { Logging } = require("@google-cloud/logging");

// Without a server: an entry tells what it sends to the API, and stdout is a list here.
const lines = [];
const stdout = new Writable({
  write(line, _, done) {
    lines.push(line.toString());
    done();
  },
});
const logging = new Logging({ projectId: "project" });
const log = logging.log("events");
const logSync = logging.logSync("events", stdout);
// The first entry of a process comes with one about the package.
logSync.write(logSync.entry("start"));
const entries = {
  "an object": { event: "ONUSERADD", ID: 7 },
  "a BigInt": { event: "ONUSERADD", telegram: 5000000001n },
  "a list": ["ONUSERADD", 7],
  "a text": "ONUSERADD",
  "an empty text": "",
  zero: 0,
};
for (const [name, data] of Object.entries(entries)) {
  const { jsonPayload, textPayload, severity } = log.entry({ severity: "INFO" }, data).toJSON();
  const sent = JSON.stringify(jsonPayload?.fields ?? textPayload) ?? "nothing";
  console.log(`${name}, to the API: ${severity} ${sent}`);
  lines.length = 0;
  logSync.write(logSync.entry({ severity: "INFO" }, data));
  const written = lines.map((line) => JSON.parse(line));
  const texts = written.map((line) => `${line.severity} "message": ${JSON.stringify(line.message)}`);
  console.log(`${name}, to stdout: ${texts.at(-1) ?? "no line"}`);
}
process.exit(0);
JS
seen=$(node log.js 2>/dev/null)
expected='an object, to the API: INFO {"event":{"stringValue":"ONUSERADD"},"ID":{"numberValue":7}}
an object, to stdout: INFO "message": {"event":"ONUSERADD","ID":7}
a BigInt, to the API: INFO {"event":{"stringValue":"ONUSERADD"},"telegram":{"stringValue":"5000000001"}}
a BigInt, to stdout: no line
a list, to the API: INFO nothing
a list, to stdout: INFO "message": ["ONUSERADD",7]
a text, to the API: INFO "ONUSERADD"
a text, to stdout: INFO "message": "ONUSERADD"
an empty text, to the API: undefined {"severity":{"stringValue":"INFO"}}
an empty text, to stdout: undefined "message": {"severity":"INFO"}
zero, to the API: undefined {"severity":{"stringValue":"INFO"}}
zero, to stdout: undefined "message": {"severity":"INFO"}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
