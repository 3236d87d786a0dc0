#!/usr/bin/env bash
# httpsnippet (npm) and two forks of it: a form that a HAR file has as text is posted empty.
#
# Expected: HAR 1.2 has two places for a body, `text` and `params`, and calls them mutually exclusive,
# so a form may be in either. For JSON and plain text httpsnippet reads `text`. For a form it reads
# `params` and overwrites `text` with what it finds there, so that without `params` every snippet, in
# every language, posts nothing. The content type is right, nothing is raised, and the HAR is valid:
# httpsnippet validates it first. With `params` the form is whole, except that the snippets for fetch
# call `set` for each field, so of a repeated name the last value is left; and @readme's snippet for
# PHP writes `data[ROLE][]` as `data[ROLE][][0]` and `data[ROLE][][1]`.
#
# Why it matters here: a recorded delivery is replayed as a snippet, the gateway answers that the
# token is missing, and the search begins at the gateway.
# What follows: write both into a HAR file, and replay with the snippet for curl.
#
# Seen with httpsnippet 3.0.10, @hoppscotch/httpsnippet 3.0.9 and @readme/httpsnippet 11.1.0 on
# Node 20, the snippets run by curl and Node, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
receiver=
cleanup() {
  [ -z "$receiver" ] || kill "$receiver" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts httpsnippet@3.0.10 \
  @hoppscotch/httpsnippet@3.0.9 @readme/httpsnippet@11.1.0 >/dev/null)

cd "$work"
cat >receive.mjs <<'JS'
import { createServer } from "node:http";
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => response.end(JSON.stringify(decodeURIComponent(body))));
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
JS
cat >write.mjs <<'JS'
import { writeFileSync } from "node:fs";

const [packageName, url] = process.argv.slice(2);
const { HTTPSnippet } = await import(packageName);
const mimeType = "application/x-www-form-urlencoded";
const text = "event=ONUSERADD&data%5BROLE%5D%5B%5D=1&data%5BROLE%5D%5B%5D=5";
const params = [...new URLSearchParams(text)].map(([name, value]) => ({ name, value }));
const bodies = { text: { mimeType, text }, params: { mimeType, params } };
for (const [place, postData] of Object.entries(bodies)) {
  const headers = [{ name: "content-type", value: mimeType }];
  const unused = { queryString: [], cookies: [], headersSize: -1, bodySize: -1 };
  const request = { method: "POST", url, httpVersion: "HTTP/1.1", headers, postData, ...unused };
  const convert = async (...target) => String(await new HTTPSnippet(request).convert(...target));
  writeFileSync(`${place}.sh`, await convert("shell", "curl"));
  // Node has fetch by itself, and a file with `require` has no `await` outside of a function.
  const fetching = (await convert("node", "fetch")).replace("require('node-fetch')", "globalThis.fetch");
  writeFileSync(`${place}.cjs`, `(async () => {\n${fetching}\n})();`);
  writeFileSync(`${place}.php`, await convert("php", "curl"));
}
JS
node receive.mjs >address &
receiver=$!
for _ in $(seq 100); do
  [ -s address ] && break
  sleep 0.1
done
seen=$(
  for package in httpsnippet @hoppscotch/httpsnippet @readme/httpsnippet; do
    node write.mjs "$package" "$(cat address)"
    for place in text params; do
      echo "$package, from $place, curl: $(bash "$place.sh" 2>/dev/null)"
      echo "$package, from $place, fetch: \"$(node "$place.cjs" 2>/dev/null)\""
      echo "$package, from $place, PHP: $(grep POSTFIELDS "$place.php" | sed 's/.*=> \(".*"\).*/\1/; s/%5B/[/g; s/%5D/]/g')"
    done
  done
)
expected='httpsnippet, from text, curl: ""
httpsnippet, from text, fetch: ""
httpsnippet, from text, PHP: ""
httpsnippet, from params, curl: "event=ONUSERADD&data[ROLE][]=1&data[ROLE][]=5"
httpsnippet, from params, fetch: "event=ONUSERADD&data[ROLE][]=5"
httpsnippet, from params, PHP: "event=ONUSERADD&data[ROLE][]=1&data[ROLE][]=5"
@hoppscotch/httpsnippet, from text, curl: ""
@hoppscotch/httpsnippet, from text, fetch: ""
@hoppscotch/httpsnippet, from text, PHP: ""
@hoppscotch/httpsnippet, from params, curl: "event=ONUSERADD&data[ROLE][]=1&data[ROLE][]=5"
@hoppscotch/httpsnippet, from params, fetch: "event=ONUSERADD&data[ROLE][]=5"
@hoppscotch/httpsnippet, from params, PHP: "event=ONUSERADD&data[ROLE][]=1&data[ROLE][]=5"
@readme/httpsnippet, from text, curl: ""
@readme/httpsnippet, from text, fetch: ""
@readme/httpsnippet, from text, PHP: ""
@readme/httpsnippet, from params, curl: "event=ONUSERADD&data[ROLE][]=1&data[ROLE][]=5"
@readme/httpsnippet, from params, fetch: "event=ONUSERADD&data[ROLE][]=5"
@readme/httpsnippet, from params, PHP: "event=ONUSERADD&data[ROLE][][0]=1&data[ROLE][][1]=5"'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
