#!/usr/bin/env bash
# Three GELF loggers of PyPI and npm, given a field called `id`, send everything but the id.
#
# Expected: each field of a log record becomes an additional field, whose name in GELF begins with an
# underscore. `_id` is reserved there, so a library has to do something about `id`: rename it, or
# refuse it. gelf-stream and gelfling make `__id` of it. graypy, pygelf and gelf-pro leave it out:
# the first two have it in their lists of the attributes that each of Python's records has, though
# none has an `id`. Nothing is raised or logged, and `ID` is sent by all of them. graygelf sends `_id`
# all the same, which the format forbids.
#
# Why it matters here: `extra={"id": 7405}` is how one logs which deal it was. The text of the record
# is there, and a search for the id finds nothing, so it seems that the event never came.
# What follows: a name of more than two letters, `deal_id`.
#
# Seen with graypy 2.1.0 and pygelf 0.4.3 on Python 3.11, gelf-stream 1.1.1, gelfling 0.3.1, graygelf
# 2.0.0 and gelf-pro 1.4.0 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check graypy==2.1.0 pygelf==0.4.3 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  gelf-stream@1.1.1 gelfling@0.3.1 graygelf@2.0.0 gelf-pro@1.4.0 >/dev/null)

cd "$work"
cat >log.py <<'PY'
import json
import logging
import socket
import zlib

import graypy
import pygelf

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
server.settimeout(30)
port = server.getsockname()[1]
handlers = {
    "graypy": graypy.GELFUDPHandler("127.0.0.1", port),
    "pygelf": pygelf.GelfUdpHandler(host="127.0.0.1", port=port, include_extra_fields=True),
}
for name, handler in handlers.items():
    logger = logging.Logger(name)
    logger.addHandler(handler)
    logger.info("deal was changed", extra={"id": 7405, "ID": 7405, "event": "ONCRMDEALUPDATE"})
    fields = json.loads(zlib.decompress(server.recv(65536)))
    print(f"{name}: {', '.join(sorted(field for field in fields if field.lower().strip('_') in ('id', 'event')))}")
PY
cat >log.js <<'JS'
const { createSocket } = require("node:dgram");
const zlib = require("node:zlib");
const server = createSocket("udp4");
const CHUNK_HEADER = 12;

function read(datagrams) {
  const chunked = datagrams[0].readUInt16BE() === 0x1e0f;
  const bytes = Buffer.concat(datagrams.map((part) => (chunked ? part.subarray(CHUNK_HEADER) : part)));
  return JSON.parse(bytes[0] === 0x7b ? bytes : zlib.unzipSync(bytes));
}

async function receive(send) {
  const datagrams = [];
  const complete = new Promise((resolve) => {
    server.on("message", (datagram) => {
      datagrams.push(datagram);
      const chunked = datagram.readUInt16BE() === 0x1e0f;
      if (!chunked || datagrams.length === datagram[11]) resolve();
    });
  });
  await send();
  await complete;
  server.removeAllListeners("message");
  datagrams.sort((first, second) => first[10] - second[10]);
  return read(datagrams);
}
server.bind(0, "127.0.0.1", async () => {
  const host = "127.0.0.1";
  const { port } = server.address();
  const fields = { id: 7405, ID: 7405, event: "ONCRMDEALUPDATE" };
  const loggers = {
    "gelf-stream": () => {
      const bunyan = { v: 0, level: 30, name: "a", hostname: "b", pid: 1, time: new Date(), msg: "changed" };
      require("gelf-stream").forBunyan(host, port).write({ ...bunyan, ...fields });
    },
    gelfling: () => require("gelfling")(host, port).send({ short_message: "changed", ...fields }),
    graygelf: () => require("graygelf")({ host, port }).info.a("changed", "", fields),
    "gelf-pro": () => {
      const logger = require("gelf-pro");
      logger.setConfig({ adapterName: "udp", adapterOptions: { host, port } });
      logger.info("changed", fields);
    },
  };
  for (const [name, send] of Object.entries(loggers)) {
    const names = Object.keys(await receive(send)).filter((field) => /^_+(id|event)$/i.test(field));
    console.log(`${name}: ${names.sort().join(", ")}`);
  }
  process.exit(0);
});
JS
seen=$(
  venv/bin/python log.py
  node log.js 2>/dev/null
)
expected='graypy: _ID, _event
pygelf: _ID, _event
gelf-stream: _ID, __id, _event
gelfling: _ID, __id, _event
graygelf: _ID, _event, _id
gelf-pro: _ID, _event'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
