#!/usr/bin/env bash
# picoquery 2.5.0 (npm): nested names are read as nested only while their brackets are not percent-encoded,
# and so it does not read what it has written itself.
#
# Expected: `data%5BID%5D=7` and `data[ID]=7` are the same form, as for PHP and qs, and `parse` reads what
# `stringify` wrote with the same options. The parser looks for brackets before it decodes the name.
# The writer encodes them, like PHP's http_build_query, axios, jQuery and curl with --data-urlencode. What
# arrives from any of those has no nesting: `data` is undefined, and the field is called "data[ID]". With
# `arrayRepeatSyntax: "bracket"` departments are under "ROLE[]", and a single one is a text.
# Names with dots, the default, are read back, and a form that somebody typed is read as expected.
#
# Why it matters here: Bitrix24 sends its events with encoded brackets. Tests are written with brackets that can
# be read, so they pass, and each real event is without data and without a token.
# What follows: leave `nesting` off and split the decoded names, or use qs.
#
# Seen with qs 6.17.1 on Node 20, 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts picoquery@2.5.0 qs@6.17.1 >/dev/null)

cd "$work"
cat >read.mjs <<'JS'
import { parse, stringify } from "picoquery";
import qs from "qs";

const options = { nesting: true, arrayRepeat: true, arrayRepeatSyntax: "bracket" };
const event = { data: { ID: "7" }, ROLE: ["1", "5"] };
const forms = [
  ["typed", "data[ID]=7&ROLE[]=1&ROLE[]=5"],
  ["encoded", "data%5BID%5D=7&ROLE%5B%5D=1&ROLE%5B%5D=5"],
];
for (const [name, form] of forms) {
  console.log(`${name}, qs: ${JSON.stringify(qs.parse(form))}`);
  for (const nestingSyntax of ["index", "js"])
    console.log(`${name}, ${nestingSyntax}: ${JSON.stringify(parse(form, { ...options, nestingSyntax }))}`);
}
for (const nestingSyntax of ["index", "js", "dot"]) {
  const all = { ...options, nestingSyntax };
  const written = stringify(event, all);
  console.log(`its own, ${nestingSyntax}: ${written} is read as ${JSON.stringify(parse(written, all))}`);
}
JS
seen=$(node read.mjs)
expected='typed, qs: {"data":{"ID":"7"},"ROLE":["1","5"]}
typed, index: {"data":{"ID":"7"},"ROLE":["1","5"]}
typed, js: {"data":{"ID":"7"},"ROLE":["1","5"]}
encoded, qs: {"data":{"ID":"7"},"ROLE":["1","5"]}
encoded, index: {"data[ID]":"7","ROLE[]":["1","5"]}
encoded, js: {"data[ID]":"7","ROLE[]":["1","5"]}
its own, index: data%5BID%5D=7&ROLE%5B%5D=1&ROLE%5B%5D=5 is read as {"data[ID]":"7","ROLE[]":["1","5"]}
its own, js: data.ID=7&ROLE%5B%5D=1&ROLE%5B%5D=5 is read as {"data":{"ID":"7"},"ROLE[]":["1","5"]}
its own, dot: data.ID=7&ROLE%5B%5D=1&ROLE%5B%5D=5 is read as {"data":{"ID":"7"},"ROLE[]":["1","5"]}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
