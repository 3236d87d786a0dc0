#!/usr/bin/env bash
# b24api 0.4.1 (Python): the fourth command of a batch meets the limit, and the first three are done
# twice.
#
# Expected: a client that repeats what the portal refused with QUERY_LIMIT_EXCEEDED repeats what was
# refused. The limit is an answer of one command inside a batch too. The batch is sent so that it
# halts at the first error, and then the whole of it is sent again after five seconds, the commands
# before the refused one included. Those were carried out, and their results are in the answer.
# What is returned is right: one result for each command, of the second time, and a WARNING speaks of
# the fourth command. fast_bitrix24 raises, b24pysdk returns the errors beside the results, and
# neither sends such a batch again.
#
# Why it matters here: a batch of `crm.deal.add`, or of messages to people, is what batches are for
# when there is much to write, which is when the limit is met.
# What follows: only reading in `batch`, or an external id in each new element and a look for it.
#
# Seen with httpx 0.28.1 on Python 3.11 (0.4.1 is the newest that installs there), 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check b24api==0.4.1 httpx==0.28.1 \
  fast-depends==3.0.9 fast-bitrix24==1.8.14 aiohttp==3.14.5 b24pysdk==1.3.2 requests==2.34.2 2>/dev/null

cat >"$work/add.py" <<'PY'
import json
import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

TIME = {
    "start": 1,
    "finish": 2,
    "duration": 1,
    "processing": 1,
    "date_start": "2026-11-01T00:00:00+03:00",
    "date_finish": "2026-11-01T00:00:00+03:00",
    "operating": 0,
}
REFUSED = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
deals = []
batches = 0


class Portal(BaseHTTPRequestHandler):
    """Adds deals, and refuses the fourth command of the first batch."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        global batches
        batches += 1
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        commands = posted["cmd"] if isinstance(posted["cmd"], dict) else dict(enumerate(posted["cmd"]))
        results, errors = {}, {}
        for number, (key, command) in enumerate(commands.items(), 1):
            if batches == 1 and number == 4:
                errors[key] = REFUSED
                if posted["halt"]:
                    break
                continue
            deals.append(parse_qs(command.partition("?")[2])["fields[TITLE]"][0])
            results[key] = len(deals)
        sections = {"result": results, "result_error": errors, "result_total": {}, "result_next": {}}
        sections["result_time"] = dict.fromkeys(results, TIME)
        # PHP writes an empty array as a list.
        sections = {name: section or [] for name, section in sections.items()}
        content = json.dumps({"result": sections, "time": TIME}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=portal.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{portal.server_port}"
os.environ["bitrix24_api_webhook_url"] = f"{address}/rest/1/secret/"
os.environ["bitrix24_api_retry_delay"] = "0.1"
TITLES = ["a", "b", "c", "d", "e"]


def with_b24api():
    from b24api import Bitrix24

    logging.getLogger("b24api").disabled = True
    calls = [{"method": "crm.deal.add", "parameters": {"fields": {"TITLE": title}}} for title in TITLES]
    return list(Bitrix24().batch(calls))


def with_fast_bitrix24():
    from fast_bitrix24 import Bitrix

    bitrix = Bitrix(f"{address}/rest/1/secret/", verbose=False)
    return bitrix.call("crm.deal.add", [{"fields": {"TITLE": title}} for title in TITLES])


def with_b24pysdk():
    import requests
    from b24pysdk import BitrixWebhook, Client

    # The SDK speaks HTTPS to a domain only: its requests are led to the loopback address.
    send = requests.Session.send

    def send_to_loopback(session, request, **options):
        request.url = request.url.replace("https://portal.example.com", address)
        return send(session, request, **options)

    requests.Session.send = send_to_loopback
    client = Client(BitrixWebhook(domain="portal.example.com", webhook_token="1/secret"))
    calls = [client.crm.deal.add({"TITLE": title}) for title in TITLES]
    return client.call_batch(calls, halt=True).result


for add in (with_b24api, with_fast_bitrix24, with_b24pysdk):
    deals.clear()
    batches = 0
    try:
        add()
        end = "a success"
    except Exception as error:
        end = f"raised {type(error).__name__}"
    print(f"{add.__name__.removeprefix('with_')}: {batches} requests, deals {' '.join(deals)}, {end}")
PY
seen=$("$work/venv/bin/python" "$work/add.py" 2>/dev/null)
expected='b24api: 2 requests, deals a b c a b c d e, a success
fast_bitrix24: 1 requests, deals a b c e, raised ErrorInServerResponseException
b24pysdk: 1 requests, deals a b c, a success'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
