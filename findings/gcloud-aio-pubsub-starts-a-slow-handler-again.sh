#!/usr/bin/env bash
# gcloud-aio-pubsub 8.0.0 (Python): a handler that takes longer than the subscription's ten seconds is started
# again beside itself, and confirms with an id that no longer counts.
#
# Expected: a subscriber tells Pub/Sub that a message is still being worked on, as Google's own clients do
# for up to an hour, so that the acknowledgement deadline, ten seconds by default, is one for the death of
# the process and not for the work. This client never asks for more time; its nack is off by default too.
# What takes twelve seconds is delivered again after ten, and runs twice at the same time; when the first
# ends, its acknowledgement is too late and ignored, so a handler that is always slower never ends.
#
# Why it matters here: a portal that is slow today makes each event be handled many times at once, which
# makes it slower. Moving from Google's client to this one, for asyncio, changes no line that says so.
# What follows: an ackDeadlineSeconds of 600 on the subscription, and a timeout in the handler below it.
#
# Seen with aiohttp 3.14.5 on Python 3.11, 2026-11-27. Pub/Sub is played here: it gives a message out again
# ten seconds after it was pulled, until it is acknowledged with the newest id.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check gcloud-aio-pubsub==8.0.0 aiohttp==3.14.5 2>/dev/null

cat >"$work/subscribe.py" <<'PY'
import asyncio
import logging
import os
import socket
import time

from aiohttp import web

logging.disable(logging.CRITICAL)
SUBSCRIPTION = "projects/p/subscriptions/s"
message = {"data": "e30=", "messageId": "7", "publishTime": "2026-11-01T00:00:00Z", "attributes": {}}
deliveries = []
requests = set()
acknowledged = []


async def pubsub(request):
    method = request.path.rpartition(":")[2] if ":" in request.path else "get"
    requests.add(method)
    if method == "pull":
        if not deliveries or (not acknowledged and time.monotonic() - deliveries[-1] >= 10):
            deliveries.append(time.monotonic())
            received = {"ackId": f"ack-{len(deliveries)}", "message": message}
            return web.json_response({"receivedMessages": [received]})
        await asyncio.sleep(0.2)
        return web.json_response({})
    if method == "acknowledge":
        ids = (await request.json())["ackIds"]
        if f"ack-{len(deliveries)}" in ids and time.monotonic() - deliveries[-1] < 10:
            acknowledged.extend(ids)
        else:
            print("an acknowledgement came too late")
        return web.json_response({})
    return web.json_response({"name": SUBSCRIPTION, "ackDeadlineSeconds": 10})


running = 0
most = 0
ended = 0


async def handle(received):
    global running, most, ended
    running += 1
    most = max(most, running)
    await asyncio.sleep(12)
    running -= 1
    ended += 1


async def main():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ["PUBSUB_EMULATOR_HOST"] = f"127.0.0.1:{port}"
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", pubsub)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()

    from gcloud.aio.pubsub import SubscriberClient, subscribe

    async with SubscriberClient() as client:
        task = asyncio.create_task(
            subscribe(SUBSCRIPTION, handle, client, num_producers=1, ack_window=0.1, num_tasks_per_consumer=5)
        )
        while ended < 2 and not task.done():
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        print(f"one message: delivered {len(deliveries)} times, {most} at once, acknowledged {len(acknowledged)}")
        print("asked for more time:", "modifyAckDeadline" in requests)
        task.cancel()
    os._exit(0)


asyncio.run(main())
PY
seen=$(timeout 100 "$work/venv/bin/python" -u "$work/subscribe.py")
printf '%s\n' "$seen"
expected='an acknowledgement came too late
an acknowledgement came too late
one message: delivered 3 times, 2 at once, acknowledged 0
asked for more time: False'
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
