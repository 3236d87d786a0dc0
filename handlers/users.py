"""Users: who is linked to which Telegram account. Events `ONUSERADD` and `ONUSERUPDATE`.

Facts that shape this: a stock portal's `ONUSERADD` carries no custom fields, so
the account is read with `user.get`; an empty field unlinks, while a field that is
not there says nothing; events come late, twice and in any order.
"""

import logging
from datetime import UTC, datetime, timedelta

from gateway.errors import PoisonMessage
from gateway.events import Message
from gateway.links import user_record
from gateway.links.model import Account, HistoryRow, Moment, Observation
from gateway.links.telegram_account import parse_account
from gateway.texts import say
from handlers.context import Context

_AHEAD = timedelta(minutes=5)  # a `ts` further ahead of its arrival is a wrong clock
_FIRST_SECOND = datetime(1000, 1, 1, tzinfo=UTC).timestamp()  # what every store and RFC 3339 can hold
_LAST_SECOND = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_CHANGES = {
    "linked": ("LINK_SYNCED", logging.INFO),
    "replaced": ("LINK_SYNCED", logging.INFO),
    "unlinked": ("LINK_ENDED", logging.INFO),
    "conflict": ("LINK_CONFLICT", logging.WARNING),
}
_log = logging.getLogger("gateway.users")


def handle(message: Message, context: Context) -> None:
    """Bring the links in line with what the message says about its users, in one transaction.

    The portal is asked for accounts that the message does not mention, where the
    message is of the settings' own portal. Raises
    `PoisonMessage` without a user's id, `PassingFailure` where store or portal do
    not answer, `PortalError` where the portal's answer is wrong.
    """
    people = [(user_record.user_id(record), record) for record in user_record.records(message.data)]
    if not people:
        raise PoisonMessage("no user in data")
    reading = _Reading(message, context)
    observations = []
    for user, record in people:
        if user is None:
            raise PoisonMessage("a user without an ID that is a whole number from 1")
        observations.append(reading.observation(user, record))
    observations = [seen for seen in observations if seen.account is not None or seen.active is not None]
    if observations:
        for row in context.store.apply(message.portal.domain, message.event_id, observations):
            _tell(row, context.settings.language)


def observed_at(message: Message) -> Moment:
    """When what the message carried was true: its `ts`, unless that is missing or lies well ahead."""
    received = message.received_at.astimezone(UTC)
    at = received
    if message.ts is not None and message.ts < _LAST_SECOND:
        stamped = datetime.fromtimestamp(max(message.ts, _FIRST_SECOND), UTC)
        at = stamped if stamped <= received + _AHEAD else received
    return Moment(at, received)


class _Reading:
    """Reads observations out of one message, asking the portal where the message is silent."""

    def __init__(self, message: Message, context: Context) -> None:
        settings = context.settings
        own_portal = bool(settings.domain) and message.portal.domain == settings.domain
        polled = message.source == "resync"  # its data came from the portal a moment ago
        self._fetch_user = context.fetch_user if own_portal and not polled else None
        self._moment = observed_at(message)
        self._fields = user_record.telegram_fields(settings.telegram_field)
        self._language = settings.language
        self._now = context.now

    def observation(self, user: int, record: user_record.Record) -> Observation:
        active, active_at = user_record.active(record), self._moment
        field = next((name for name in self._fields if record.get(name) is not None), None)
        if field is not None:
            return self._seen(
                user, self._account(user, field, record[field]), self._moment, active, active_at
            )
        if self._fetch_user is None:
            return self._seen(user, None, self._moment, active, active_at)
        asked = self._now().astimezone(UTC)
        found = self._fetch_user(user)
        asked_at = Moment(asked, asked)
        row = user_record.upper_keys(found) if found is not None else {}
        field = next((name for name in self._fields if name in row), None)
        account = None if field is None else self._account(user, field, row[field])
        still = user_record.active(row)
        if still is False or (still and (active is None or asked_at.key() >= active_at.key())):
            active, active_at = still, asked_at
        return self._seen(user, account, asked_at, active, active_at)

    def _account(self, user: int, field: str, value: object) -> Account | None:
        account = parse_account(value)
        if account is None:
            said = say("RESYNC_UNREADABLE", self._language, user=user, field=field)
            _log.warning(said, extra={"json_fields": {"code": "RESYNC_UNREADABLE", "bitrix_user_id": user}})
        return account

    @staticmethod
    def _seen(
        user: int, account: Account | None, account_at: Moment, active: bool | None, active_at: Moment
    ) -> Observation:
        return Observation(
            bitrix_user_id=user,
            account=account,
            account_at=None if account is None else account_at,
            active=active,
            active_at=None if active is None else active_at,
        )


def _tell(row: HistoryRow, language: str) -> None:
    code, level = _CHANGES[row.change]
    account = _shown(row.telegram_id, row.telegram_username)
    previous = _shown(row.previous_telegram_id, row.previous_telegram_username)
    said = say(code, language, account=account or previous, user=row.bitrix_user_id)
    details = {
        "code": code,
        "change": row.change,
        "event_id": row.event_id,
        "bitrix_user_id": row.bitrix_user_id,
    }
    _log.log(level, said, extra={"json_fields": details})


def _shown(telegram_id: int | None, telegram_username: str | None) -> str:
    if telegram_id is not None:
        return str(telegram_id)
    return f"@{telegram_username}" if telegram_username else ""
