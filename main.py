"""The gateway's functions: what Google deploys, and what `python -m gateway serve` runs.

    Bitrix24 ──POST──▶ bitrix_webhook ──verified──▶ queue ──▶ on_user_update ─┐
    Scheduler ───────▶ resync_users ──observed────▶ (Pub/Sub)  ▶ on_user_add  ─┴▶ links ──▶ the bot

No state lives here: functions-framework executes this file once for every function.
"""

import gc

import flask
import functions_framework
from cloudevents.http.event import CloudEvent

gc.disable()  # what is imported is no garbage; `startup.start` turns it on again

from gateway import receiver, startup  # noqa: E402

startup.start(receiver.respond)


@functions_framework.http
def bitrix_webhook(request: flask.Request) -> flask.Response:
    """Find the webhook's token, verify it, publish the event, answer."""
    return receiver.respond(request)


@functions_framework.cloud_event
def on_user_update(event: CloudEvent) -> None:
    """Keep a user's link right after `ONUSERUPDATE`, sent by the portal or found by polling."""
    import handlers  # the receiver starts without the store of links

    handlers.consume(event, "ONUSERUPDATE")


@functions_framework.cloud_event
def on_user_add(event: CloudEvent) -> None:
    """Link a new user after `ONUSERADD`."""
    import handlers

    handlers.consume(event, "ONUSERADD")


@functions_framework.http
def resync_users(request: flask.Request) -> flask.typing.ResponseReturnValue:
    """Walk the portal's users and publish what changed; Cloud Scheduler calls it."""
    from gateway.portal import resync  # the portal's SDK is for this function alone

    return resync.respond(request)
