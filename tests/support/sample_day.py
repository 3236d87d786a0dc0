"""A day of a gateway, for pictures and tests of the page: accepted, put aside, rejected, polled."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from gateway.ingest.decision import judge
from gateway.ingest.incoming import Incoming
from gateway.ingest.php_form import build_query
from gateway.journal import Journal, NewRequest, Report
from gateway.local.recorder import Recorder
from gateway.receiver import Answered
from gateway.settings import Settings
from tests.support.deliveries import AGENT, FORM, OTHER_TOKEN, TOKEN, delivery

# Accepted events an hour, the oldest hour first.
HOURS = (18, 22, 14, 10, 8, 4, 3, 4, 12, 28, 38, 42, 36, 40, 34, 29, 33, 18, 8, 4, 6, 9, 12, 7)
NAMES = ("ivan_petrov", "olga_smirnova", "pavel_belov", "anna_kuznetsova", "dmitry_volkov", "maria_orlova")
EVENTS = ("ONUSERUPDATE", "ONTASKUPDATE", "ONCRMDEALUPDATE", "ONTASKCOMMENTADD", "ONUSERADD")
# Of the gateway whose day it is.
SETTINGS = {
    "BITRIX24_DOMAIN": "p.bitrix24.ru",
    "BITRIX24_WEBHOOK_TOKEN": "1/abcdefabcdefabcdefabcd",
    "WEBHOOK_URL": "https://hooks.example.com",
    "FORWARD_TO": "https://bot.example.com/bitrix",
    "RESYNC_EVERY": "1h",
}
SENDER = "185.26.122.10"
SCANNER = "45.148.10.7"


def fill(journal: Journal, settings: Settings, now: float, portal: str = "p.bitrix24.ru") -> None:
    """Write the day that ends at `now`, by the recorder's own way of writing."""
    recorder = Recorder(settings, journal)
    dice = random.Random(24)
    items: list[Any] = []
    for at, body, sender in sorted(_day(now, portal, dice), key=lambda moment: moment[0]):
        headers = {
            "content-type": FORM.encode(),
            "user-agent": (AGENT if sender == SENDER else "curl/8.5").encode(),
        }
        incoming = Incoming("POST", "/api/bitrix/webhook", headers=headers, read=BytesIO(body).read)
        judgement = judge(incoming, settings, datetime.fromtimestamp(at, UTC))
        environ = {"REMOTE_ADDR": sender}
        answer = Answered(judgement, dice.randbytes(8).hex(), judgement.status, environ, 0.0)
        request = recorder._new_request(at, answer, dice.uniform(0.002, 0.009))
        journal.add_requests([request])
        items.extend(_outcomes(request, at, settings, dice))
        if len(items) > 100:
            journal.write(items)
            items = []
    round_ = {
        "code": "RESYNC_DONE",
        "portal": portal,
        "users": 5000,
        "published": 3,
        "unlinked": 1,
        "unreadable": 2,
    }
    items.append(Report("round", now - 2880, round_ | {"unreadable_users": [17, 204], "requests": 101}))
    journal.write(items)


def _day(now: float, portal: str, dice: random.Random) -> Iterator[tuple[float, bytes, str]]:
    def body(event: str, data: Any, at: float, token: str | None = TOKEN) -> bytes:
        return build_query(delivery(event, data, token, ts=int(at), domain=portal))

    for back, count in enumerate(reversed(HOURS)):
        for _ in range(count):
            at = now - back * 3600 - dice.uniform(60, 3500)
            user, event = dice.randrange(10, 90), dice.choices(EVENTS, (5, 8, 8, 4, 1))[0]
            if event.startswith("ONUSER"):
                account = NAMES[user % len(NAMES)]
                first, last = account.title().split("_")
                data: Any = {"ID": str(user), "NAME": first, "LAST_NAME": last}
                data |= {"UF_USR_TELEGRAM": f"@{account}"} if event == "ONUSERUPDATE" else {}
            else:
                data = {"FIELDS_AFTER": {"ID": str(dice.randrange(1000, 9000))}}
            yield at, body(event, data, at), SENDER
    # Another webhook's token comes every minute or two.
    for index in range(21):
        at = now - 30 - index * 85
        yield (
            at,
            body("ONUSERUPDATE", {"ID": "12", "UF_USR_TELEGRAM": "@ivan_petrov"}, 1_750_000_000, OTHER_TOKEN),
            SENDER,
        )
    yield now - 780, b"a=1", SCANNER
    yield now - 2430, body("ONUSERADD", {"NAME": "Без номера"}, now - 2430), SENDER
    yield (
        now - 1400,
        body("ONUSERUPDATE", {"ID": "12", "UF_USR_TELEGRAM": "@ivan_petrov"}, now - 1400),
        SENDER,
    )


def _outcomes(request: NewRequest, at: float, settings: Settings, dice: random.Random) -> Iterator[Report]:
    if request.kind != "accepted":
        return
    fields: dict[str, Any] = {"event": request.event, "event_id": request.event_id, "portal": request.portal}
    users = request.record["users"]
    subscription = {"ONUSERUPDATE": "on-user-update", "ONUSERADD": "on-user-add"}.get(request.event)
    if subscription and not users:
        reason = "REASON_NO_USER_ID"
        yield Report(
            "outcome",
            at + 0.02,
            fields | {"code": "EVENT_PUT_ASIDE", "reason": reason, "subscription": subscription},
        )
    elif subscription == "on-user-update":
        code = "LINK_SYNCED" if dice.random() < 0.7 else "LINK_UNCHANGED"
        reason = "" if code == "LINK_SYNCED" else "same"
        yield Report(
            "outcome",
            at + 0.02,
            fields
            | {"code": code, "reason": reason, "subscription": subscription, "bitrix_user_id": users[0]},
        )
    elif subscription:
        yield Report(
            "outcome",
            at + 0.02,
            fields
            | {
                "code": "LINK_UNCHANGED",
                "reason": "no_webhook",
                "subscription": subscription,
                "bitrix_user_id": users[0],
            },
        )
    wanting = [destination for destination in settings.destinations if destination.wants(request.event)]
    if not subscription and not wanting:
        yield Report("outcome", at, fields | {"code": "EVENT_IGNORED", "reason": "", "subscription": ""})
    for destination in settings.destinations:
        if destination.wants(request.event):
            facts = {"destination": destination.printable_url, "status": 200, "ms": dice.randrange(12, 90)}
            name = f"forward-event-{destination.id}"
            yield Report(
                "outcome",
                at + 0.1,
                fields | facts | {"code": "EVENT_FORWARDED", "subscription": name, "bitrix_user_id": None},
            )
