#!/usr/bin/env bash
# postman-code-generators 2.1.1 (npm): Postman's "code" button loses a department in some languages
# and a phone's plus in others.
#
# Expected: the snippets that Postman writes for one request make the same request, in any language.
# - Where the form becomes an object of the language, a repeated name stands in it twice, and the
#   language keeps the last without a word: axios, Node's own client, jQuery, and what is read below,
#   not run: Guzzle and pecl_http of PHP and a map in Rust.
# - OkHttp (Java, Kotlin), NSURLSession and Unirest for Node get the text of the form with its values
#   as they are: "+7" is a space and a 7 for the receiver. NSURLSession's ends a value at its "&".
# Right are curl, Python, Go, HTTP and others that get the encoded text.
#
# Why it matters here: a recorded event is replayed from such a snippet. It is answered 200, and the
# person is in one department, or has a phone without its plus.
# What follows: the snippet for curl.
#
# Seen with postman-collection 5.3.1 and axios 1.21.1, and qs 6.17.1 in axios's snippet, on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  postman-code-generators@2.1.1 postman-collection@5.3.1 axios@1.21.1 qs@6.17.1 >/dev/null)

cd "$work"
cat >write.js <<'JS'
const { execFile } = require("node:child_process");
const { writeFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { promisify } = require("node:util");
const { convert } = require("postman-code-generators");
const { Request } = require("postman-collection");

const run = promisify(execFile);
const form = [
  ["ID", "7"],
  ["ROLE[]", "1"],
  ["ROLE[]", "5"],
  ["PHONE", "+7 900"],
  ["TITLE", "a&b"],
];
let body;
const receiver = createServer((request, response) => {
  body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => response.end("{}"));
});
const runnable = [
  ["curl", "cURL", "bash", "snippet.sh"],
  ["python", "http.client", "python3", "snippet.py"],
  ["javascript", "Fetch", "node", "snippet.js"],
  ["nodejs", "Native", "node", "snippet.js"],
  ["nodejs", "Axios", "node", "snippet.js"],
];
const readable = [
  ["javascript", "jQuery"],
  ["php", "Guzzle"],
  ["php", "pecl_http"],
  ["rust", "reqwest"],
  ["java", "OkHttp"],
  ["kotlin", "OkHttp"],
  ["nodejs", "Unirest"],
  ["objective-c", "NSURLSession"],
];
receiver.listen(0, "127.0.0.1", async () => {
  const host = `127.0.0.1:${receiver.address().port}`;
  const urlencoded = form.map(([key, value]) => ({ key, value }));
  const request = new Request({ method: "POST", url: `http://${host}/`, body: { mode: "urlencoded", urlencoded } });
  const write = (...target) =>
    new Promise((resolve, reject) => {
      convert(...target, request, {}, (error, snippet) => (error ? reject(error) : resolve(snippet)));
    });
  console.log(`the form: ${form.map((pair) => pair.join("=")).join(" ")}`);
  for (const [language, variant, command, file] of runnable) {
    writeFileSync(file, await write(language, variant));
    await run(command, [file]);
    const fields = [...new URLSearchParams(body)].map((pair) => pair.join("="));
    console.log(`${language} ${variant}, run: ${fields.join(" ")}`);
  }
  for (const [language, variant] of readable) {
    const lines = (await write(language, variant)).split("\n");
    for (const line of lines.filter((text) => /ROLE|PHONE|TITLE/.test(text)))
      console.log(`${language} ${variant}: ${line.trim()}`);
  }
  process.exit(0);
});
JS
seen=$(node write.js)
expected=$(
  cat <<'SEEN'
the form: ID=7 ROLE[]=1 ROLE[]=5 PHONE=+7 900 TITLE=a&b
curl cURL, run: ID=7 ROLE[]=1 ROLE[]=5 PHONE=+7 900 TITLE=a&b
python http.client, run: ID=7 ROLE[]=1 ROLE[]=5 PHONE=+7 900 TITLE=a&b
javascript Fetch, run: ID=7 ROLE[]=1 ROLE[]=5 PHONE=+7 900 TITLE=a&b
nodejs Native, run: ID=7 ROLE[]=5 PHONE=+7 900 TITLE=a&b
nodejs Axios, run: ID=7 ROLE[]=5 PHONE=+7 900 TITLE=a&b
javascript jQuery: "ROLE[]": "1",
javascript jQuery: "ROLE[]": "5",
javascript jQuery: "PHONE": "+7 900",
javascript jQuery: "TITLE": "a&b"
php Guzzle: 'ROLE[]' => '1',
php Guzzle: 'ROLE[]' => '5',
php Guzzle: 'PHONE' => '+7 900',
php Guzzle: 'TITLE' => 'a&b'
php pecl_http: 'ROLE[]' => '1',
php pecl_http: 'ROLE[]' => '5',
php pecl_http: 'PHONE' => '+7 900',
php pecl_http: 'TITLE' => 'a&b')));$request->setBody($body);
rust reqwest: params.insert("ROLE[]", "1");
rust reqwest: params.insert("ROLE[]", "5");
rust reqwest: params.insert("PHONE", "+7 900");
rust reqwest: params.insert("TITLE", "a&b");
java OkHttp: RequestBody body = RequestBody.create(mediaType, "ID=7&ROLE[]=1&ROLE[]=5&PHONE=+7 900&TITLE=a%26b");
kotlin OkHttp: val body = "ID=7&ROLE[]=1&ROLE[]=5&PHONE=+7 900&TITLE=a%26b".toRequestBody(mediaType)
nodejs Unirest: .send('ROLE[]=1')
nodejs Unirest: .send('ROLE[]=5')
nodejs Unirest: .send('PHONE=+7 900')
nodejs Unirest: .send('TITLE=a%26b')
objective-c NSURLSession: [postData appendData:[@"&ROLE[]=1" dataUsingEncoding:NSUTF8StringEncoding]];
objective-c NSURLSession: [postData appendData:[@"&ROLE[]=5" dataUsingEncoding:NSUTF8StringEncoding]];
objective-c NSURLSession: [postData appendData:[@"&PHONE=+7 900" dataUsingEncoding:NSUTF8StringEncoding]];
objective-c NSURLSession: [postData appendData:[@"&TITLE=a&b" dataUsingEncoding:NSUTF8StringEncoding]];
SEEN
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
