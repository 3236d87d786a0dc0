#!/usr/bin/env bash
# bitrix24-library 0.1.2 (npm): of 5,200 contacts 2,600 are returned, as all of them, if the portal refuses the
# other pages; and it asks for all of them at the same moment.
#
# Expected: `batch` fetches the pages after the first by itself, which is what the library is for, and rejects
# when a command fails, as it does for the first pages. The errors of the later ones are not looked at:
# their rows are missing, and the promise resolves. Half a second is waited before each batch, but for
# all batches the same half second, so they go out together and meet the limits of the portal
# (QUERY_LIMIT_EXCEEDED, OPERATION_TIME_LIMIT) exactly where a list is long.
# The rows are in the order in which the batches came back.
#
# Why it matters here: a page in the portal that compares its contacts with another system deletes, or adds
# again, what it did not get.
# What follows: compare the number of rows with a `total` that you have asked for yourself.
#
# Seen on Node 20, 2026-11-27. BX24, which a browser loads from Bitrix24, is played here: a contact list of 5,200,
# whose pages above 2,600 are refused, and answers with `error()`, `data()` and `total()`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund bitrix24-library@0.1.2 >/dev/null)

cd "$work"
cat >list.mjs <<'JS'
const total = 5200;
let refusedFrom;
let times = [];
const page = (start) => Array.from({ length: Math.min(50, total - start) }, (_, index) => ({ ID: start + index }));
const BX24 = {
  init: (ready) => ready(),
  callBatch: (commands, answer) => {
    times.push(Date.now());
    const results = {};
    for (const [name, [, { start = 0 } = {}]] of Object.entries(commands)) {
      const refused = start >= refusedFrom;
      results[name] = {
        error: () => (refused ? { toString: () => "OPERATION_TIME_LIMIT" } : undefined),
        data: () => (refused ? undefined : page(start)),
        total: () => total,
      };
    }
    setTimeout(() => answer(results), 10);
  },
};
globalThis.window = { BX24 };
globalThis.document = { querySelector: () => ({ addEventListener: () => undefined }) };
console.group = console.info = () => undefined;
const { default: Bitrix24 } = await import("bitrix24-library");
const library = await Bitrix24.init();
for (refusedFrom of [Infinity, 2600, 0]) {
  times = [];
  const end = await library
    .createBatch()
    .batch({ contacts: ["crm.contact.list", { select: ["ID"] }] })
    .then(({ contacts }) => `resolved with ${contacts.length} of ${total}`, () => "rejected");
  const later = times.slice(1);
  const together = later.length && later.at(-1) - later[0] < 100 ? `, ${later.length} batches at one moment` : "";
  console.log(`pages refused from ${refusedFrom}: ${end}${together}`);
}
JS
seen=$(node list.mjs)
expected='pages refused from Infinity: resolved with 5200 of 5200, 3 batches at one moment
pages refused from 2600: resolved with 2600 of 5200, 3 batches at one moment
pages refused from 0: rejected'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
