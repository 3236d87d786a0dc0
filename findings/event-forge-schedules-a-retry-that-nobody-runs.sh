#!/usr/bin/env bash
# event-forge 1.5.0 (Python): its inbox writes down when a failed event is to be tried again, confirms it
# to RabbitMQ, and never tries it again.
#
# Expected: with `enable_retry=True` an event whose handler raised is handled again when its time has
# come. The row gets the status "failed" and the time, and the consumer acknowledges the message,
# since the inbox has it. There is no code that reads the time: `start_retry_polling()`, which the
# README calls, does not exist. Only if the sender happens to send the same message again is it run.
# - An event that nothing is registered for is stored as "processed", and its repetition is refused as
#   a duplicate when the handler is there, a deploy later.
# - A second delivery of a message that is being handled counts as a crashed one: it is handled at the
#   same time as the first.
#
# Why it matters here: an inbox is added so that an event is handled once, whatever happens. With this
# one the events of a portal that is away for a minute stay in a table that nobody looks at.
# What follows: a task of one's own that reads failed rows, and an alarm on their number.
#
# Seen with SQLAlchemy 2.1.9, aiosqlite 0.22.1 and aio-pika 10.2.1 on Python 3.11, 2026-11-27. The
# consumer is the package's; the message that it gets stands for one of RabbitMQ.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check event-forge==1.5.0 SQLAlchemy==2.1.9 \
  aiosqlite==0.22.1 greenlet==3.5.6 aio-pika==10.2.1 2>/dev/null

cd "$work"
cat >inbox.py <<'PY'
import asyncio
import json
import logging

from event_forge import InboxConfig, InboxService
from event_forge.consumers.aio_pika_consumer import AioPikaConsumer
from event_forge.repositories.sqlalchemy import Base, InboxMessageEntity, SQLAlchemyInboxRepository
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

logging.disable(logging.CRITICAL)


class Message:
    """What the consumer uses of a message of RabbitMQ."""

    def __init__(self, message_id, event_type):
        self.message_id = message_id
        self.headers = {"x-event-type": event_type}
        self.body = json.dumps({"payload": {"person": 7}}).encode()
        self.answer = "nothing"

    async def ack(self):
        self.answer = "ack"

    async def nack(self, requeue):
        self.answer = "nack"


async def main():
    engine = create_async_engine("sqlite+aiosqlite:///inbox.db")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    inbox = InboxService(
        SQLAlchemyInboxRepository(sessions), InboxConfig(enable_retry=True, backoff_base_seconds=1)
    )
    consumer = AioPikaConsumer(url="amqp://unused/", inbox_service=inbox, queue_name="events")
    calls = []

    async def receive(message_id, event_type):
        message = Message(message_id, event_type)
        await consumer._on_message(message)
        return message.answer

    async def status(message_id):
        async with sessions() as session:
            query = select(InboxMessageEntity).where(InboxMessageEntity.message_id == message_id)
            row = (await session.execute(query)).scalar_one()
            return f"{row.status}{', with a time for the retry' if row.scheduled_at else ''}"

    async def fails_once(message):
        calls.append(message.event_type)
        if calls.count(message.event_type) == 1:
            raise ConnectionError("The portal is away")

    async def slow(message):
        calls.append(message.event_type)
        await asyncio.sleep(2)

    inbox.register_handler("user.added", fails_once)
    inbox.register_handler("user.changed", slow)
    answer = await receive("1", "user.added")
    await asyncio.sleep(6)
    print(f"failed, six seconds later: {answer}, calls {calls.count('user.added')}, {await status('1')}")
    print(f"start_retry_polling: {'there' if hasattr(inbox, 'start_retry_polling') else 'missing'}")

    answer = await receive("2", "user.dismissed")
    print(f"without a handler: {answer}, {await status('2')}")
    inbox.register_handler("user.dismissed", slow)
    answer = await receive("2", "user.dismissed")
    print(f"sent again when it has one: {answer}, calls {calls.count('user.dismissed')}")

    first = asyncio.create_task(receive("3", "user.changed"))
    while "user.changed" not in calls:
        await asyncio.sleep(0.05)
    second = await receive("3", "user.changed")
    print(f"twice at the same time: {await first}, {second}, calls {calls.count('user.changed')}")
    await engine.dispose()


asyncio.run(main())
PY
seen=$(venv/bin/python inbox.py 2>/dev/null)
expected='failed, six seconds later: ack, calls 1, failed, with a time for the retry
start_retry_polling: missing
without a handler: ack, processed
sent again when it has one: ack, calls 0
twice at the same time: ack, ack, calls 2'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
