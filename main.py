"""The gateway's functions: what Google deploys, and what `python -m gateway serve` runs.

    Bitrix24 ──POST──▶ bitrix_webhook ──verified──▶ queue ──▶ on_user_update ─┐
    Scheduler ───────▶ resync_users ──observed────▶ (Pub/Sub)  ▶ on_user_add  ─┴▶ links ──find_link──▶ the bot
                                                      └──────▶ forward_event ──as Bitrix24 sends it──▶ the bot

No state lives here: functions-framework executes this file once for every function.
"""

import flask
import functions_framework
from cloudevents.http.event import CloudEvent

# Imported first: it keeps the garbage collector out of the imports that follow, and starts what can run
# beside them.
from gateway import startup  # isort: skip

startup.prepare()

from gateway import receiver  # noqa: E402

startup.start(receiver.respond)


@functions_framework.http
def bitrix_webhook(request: flask.Request) -> flask.Response:
    """Find the webhook's token, verify it, publish the event, answer."""
    return receiver.respond(request)


@functions_framework.cloud_event
def on_user_update(event: CloudEvent) -> None:
    """Keep a user's link right after `ONUSERUPDATE`, sent by the portal or found by polling."""
    from handlers import consume, users  # cold start

    consume(event, "ONUSERUPDATE", users.handle)


@functions_framework.cloud_event
def on_user_add(event: CloudEvent) -> None:
    """Link a new user after `ONUSERADD`."""
    from handlers import consume, users  # cold start

    consume(event, "ONUSERADD", users.handle)


@functions_framework.http
def resync_users(request: flask.Request) -> flask.typing.ResponseReturnValue:
    """Walk the portal's users and publish what changed; Cloud Scheduler calls it."""
    from gateway.portal import resync  # cold start

    return resync.respond(request)


@functions_framework.cloud_event
def forward_event(event: CloudEvent) -> None:
    """Deliver an event to a destination of `FORWARD_TO`, as Bitrix24 itself would post it."""
    import handlers  # cold start

    handlers.deliver(event)


@functions_framework.http
def find_link(request: flask.Request) -> flask.Response:
    """Tell a bot who a Telegram account is, or which account a Bitrix24 user has."""
    from gateway.receiver import find_link as links_api  # cold start

    return links_api.respond(request)
