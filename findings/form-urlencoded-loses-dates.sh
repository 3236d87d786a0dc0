#!/usr/bin/env bash
# form-urlencoded 6.1.7 (npm): a date vanishes, a null becomes the word "null", and an empty list
# becomes a list of one.
#
# Expected: an encoder of nested forms treats a Date as JSON does, and null as empty or missing, as
# qs, axios, jQuery and PHP's http_build_query do. This one walks a Date as an object that has no
# names of its own, so the field is gone without a word; null is written as four letters, which
# PHP reads as a text that is neither empty nor null; and an empty list is written as a bare
# `LIST[]`, in which PHP reads one blank value. (PHP's own http_build_query drops an empty list.)
#
# Why it matters here: an emptied field and a field that was never filled decide whether a link is
# ended, and "null" is neither: it is a new value.
# What follows: `qs.stringify`.
#
# Seen on Node 20, beside qs 6.17.1, read by PHP 8.2.33 (@php-wasm/node-8-2 3.1.56), 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund form-urlencoded@6.1.7 qs@6.17.1 \
  @php-wasm/node-8-2@3.1.56 @php-wasm/universal@3.1.56 >/dev/null)

cd "$work"
cat >write-and-read.mjs <<'JS'
import { getPHPLoaderModule } from "@php-wasm/node-8-2";
import { PHP, loadPHPRuntime } from "@php-wasm/universal";
import formUrlencoded from "form-urlencoded";
import qs from "qs";

const php = new PHP(await loadPHPRuntime(await getPHPLoaderModule()));
const data = { ID: 7, UF_USR_TELEGRAM: null, DISMISSED: new Date(0), UF_DEPARTMENT: [] };
for (const [name, form] of [
  ["form-urlencoded", formUrlencoded({ data })],
  ["qs", qs.stringify({ data })],
]) {
  const read = await php.run({
    code: "<?php parse_str(getenv('FORM'), $read); echo json_encode($read['data']);",
    env: { FORM: form },
  });
  console.log(`${name}: ${decodeURIComponent(form)}`);
  console.log(`  PHP: ${read.text}`);
}
process.exit(0);
JS
seen=$(node write-and-read.mjs)
expected='form-urlencoded: data[ID]=7&data[UF_USR_TELEGRAM]=null&data[UF_DEPARTMENT][]
  PHP: {"ID":"7","UF_USR_TELEGRAM":"null","UF_DEPARTMENT":[""]}
qs: data[ID]=7&data[UF_USR_TELEGRAM]=&data[DISMISSED]=1970-01-01T00:00:00.000Z
  PHP: {"ID":"7","UF_USR_TELEGRAM":"","DISMISSED":"1970-01-01T00:00:00.000Z"}'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
