"""Consumes events in a separate process: `python -m bench.consuming ours|bare DATABASE_URL WORKERS EVENTS`.

`bare` is the yardstick: the transaction that an event needs, written by hand with
SQLAlchemy Core, on the product's tables: remember the event's id, lock the rows that
may be concerned, write the link, write its history.
"""

import base64
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from cloudevents.http.event import CloudEvent
from sqlalchemy.dialects import postgresql, sqlite

from bench import bodies
from bench.instances import EventLost
from gateway.events import Message, read_message, webhook_message
from gateway.ingest.decode import decode
from gateway.links import open_store
from gateway.links.sql_engine import open_engine
from gateway.links.sql_schema import link_history, links, processed_events
from gateway.locations import sql_location, store_location

# What the product stores for a user without facts.
KNOWN = "[null, null, null, null, null, null]"
Consume = Callable[[CloudEvent], None]


def deliveries(count: int) -> list[CloudEvent]:
    """Pub/Sub's push requests of different users' events, as functions-framework hands them over."""
    events = []
    for body in bodies.numbered(0, count):
        message: Message = webhook_message(decode(body, bodies.FORM).fields, datetime.now(UTC), (), "")
        data = base64.b64encode(message.to_bytes()).decode()
        envelope = {"data": data, "attributes": message.attributes("query:token"), "messageId": "1"}
        attributes = {"type": "google.cloud.pubsub.topic.v1.messagePublished", "source": "//pubsub/bench"}
        events.append(CloudEvent(attributes, {"message": envelope}))
    return events


def ours(_database_url: str) -> Consume:
    """The product's consumer."""
    from handlers import consume, users

    return lambda event: consume(event, "ONUSERUPDATE", users.handle)


def bare(database_url: str) -> Consume:
    """The same transaction, written by hand."""
    engine = open_engine(sql_location(database_url))
    insert: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    remember = insert(processed_events).on_conflict_do_nothing()
    link = links.c
    by_user = sa.and_(link.portal == sa.bindparam("p"), link.bitrix_user_id == sa.bindparam("u"))
    by_account = sa.and_(link.portal == sa.bindparam("p"), link.telegram_id == sa.bindparam("t"))
    new_link, new_history = sa.insert(links), sa.insert(link_history)
    locked = sa.select(links).where(sa.or_(by_user, by_account)).with_for_update()

    def consume(event: CloudEvent) -> None:
        message = read_message(base64.b64decode(event.data["message"]["data"]))
        user, telegram = int(message.data["ID"]), int(message.data["UF_USR_TELEGRAM"])
        portal, now = message.portal.domain, datetime.now(UTC)
        with engine.begin() as connection:
            connection.execute(remember, {"event_id": message.event_id, "processed_at": now})
            if connection.execute(locked, {"p": portal, "u": user, "t": telegram}).all():
                raise AssertionError("every user is new here")
            row = {"portal": portal, "bitrix_user_id": user, "telegram_id": telegram}
            times = {"observed_at": now, "updated_at": now}
            connection.execute(new_link, row | times | {"active": True, "known": KNOWN})
            change = {
                "change": "linked",
                "event_id": message.event_id,
                "observed_at": now,
                "recorded_at": now,
            }
            connection.execute(new_history, row | change)

    return consume


def main(implementation: str, database_url: str, workers: int, count: int) -> None:
    os.environ.update(DATABASE_URL=database_url, K_SERVICE="bench")
    consume = {"ours": ours, "bare": bare}[implementation](database_url)
    warm_up, *events = deliveries(count + 1)
    consume(warm_up)
    shares = [events[number::workers] for number in range(workers)]
    threads = [
        threading.Thread(target=lambda share=share: [consume(event) for event in share]) for share in shares
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    committed = sum(1 for _ in open_store(store_location(database_url)).links())
    if implementation == "ours" and committed != count + 1:
        raise EventLost(f"{count + 1} events were consumed, but there are {committed} links")
    print(json.dumps({"rate": count / seconds}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
