"""Handles `ONUSERADD` and `ONUSERUPDATE`: keeps track of who is linked to which Telegram account.

Facts that shape this: a stock portal's `ONUSERADD` carries no custom fields, so
the account is read with `user.get`; an empty field unlinks, while a field that is
missing says nothing; events come late, twice and in any order.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.errors import PoisonMessage
from gateway.events import Message
from gateway.links import user_record
from gateway.links.facts import same_account
from gateway.links.model import Account, Changes, HistoryRow, Moment, Observation, Store
from gateway.links.telegram_account import parse_account
from gateway.outcome import Outcome
from gateway.texts import Notice
from handlers.context import Context

if TYPE_CHECKING:
    from gateway.portal.client import Portal

# A `ts` further ahead of its arrival than this is a wrong clock.
_AHEAD = timedelta(minutes=5)
# The earliest and the latest time that every store and RFC 3339 can hold.
_FIRST_SECOND = datetime(1000, 1, 1, tzinfo=UTC).timestamp()
_LAST_SECOND = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
# How many fields are named, whatever senders invent.
_MAX_WARNED_FIELDS = 20
_warned_fields: set[str] = set()
_log = logging.getLogger("gateway.consumer")
# Reasons why the portal could not be asked: their sentences also say whether the user has a link.
_NOT_ASKED = ("no_webhook", "other_portal")
_CHANGES = {
    "linked": "LINK_SYNCED",
    "replaced": "LINK_SYNCED",
    "corrected": "LINK_SYNCED",
    "unlinked": "LINK_ENDED",
    "conflict": "LINK_CONFLICT",
}


def handle(message: Message, context: Context) -> list[Outcome]:
    """Bring the links in line with what the message says about its users, in one transaction.

    The portal is asked for accounts that the message does not mention, where the
    message is of the settings' own portal. Raises
    `PoisonMessage` without a user's id, `PassingFailure` where store or portal do
    not answer, `PortalError` where the portal's answer is wrong.
    """
    people = [(user_record.user_id(record), record) for record in user_record.records(message.data)]
    if not people:
        raise PoisonMessage("REASON_NO_USER")
    reading = _Reading(message, context)
    observations = []
    for user, record in people:
        if user is None:
            raise PoisonMessage("REASON_NO_USER_ID")
        observations.append(reading.observation(user, record))
    portal = message.portal.domain
    informative = [
        observation
        for observation in observations
        if observation.account is not None or observation.active is not None
    ]
    changes = context.store.apply(portal, message.event_id, informative) if informative else Changes()
    if changes.repeated:
        return [_unchanged(observation.bitrix_user_id, "repeated") for observation in observations]
    changed = {row.bitrix_user_id for row in changes}
    without_change = [
        observation for observation in observations if observation.bitrix_user_id not in changed
    ]
    unchanged = [
        _explain_unchanged(observation, reading, context.store, portal) for observation in without_change
    ]
    return [_outcome(row) for row in changes] + unchanged


def _explain_unchanged(observation: Observation, reading: "_Reading", store: Store, portal: str) -> Outcome:
    """The outcome of an observation that changed nothing, with the first reason that fits."""
    link = store.get(portal, observation.bitrix_user_id)
    account = Account() if link is None else link.account
    if observation.account is None:
        reason = reading.why_no_account.get(observation.bitrix_user_id, "no_field")
    elif link is None or same_account(account, observation.account):
        inactive = link is not None and not link.active
        reason = "inactive" if inactive else "same" if observation.account else "empty"
    else:
        reason = "older" if link.active else "inactive"
    return _unchanged(observation.bitrix_user_id, reason, linked=bool(account))


def observed_at(message: Message) -> Moment:
    """When the message's data was true: its `ts`, or its arrival if `ts` is missing or well ahead of that."""
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
        # Its data came from the portal a moment ago.
        polled = message.source == "resync"
        self._portal = context.portal if own_portal and not polled else None
        self._moment = observed_at(message)
        self._fields = user_record.telegram_fields(settings.telegram_field)
        self._now = context.now
        # By user: the reason why neither the message nor the portal gave a readable account.
        self.why_no_account: dict[int, str] = {}
        self._why_not_asked = (
            "other_portal"
            if settings.domain and message.portal.domain != settings.domain
            else "no_webhook"
            if context.portal is None and not polled
            else "no_field"
        )

    def observation(self, user: int, record: user_record.Record) -> Observation:
        """What the message says about one user, completed by the portal where the message is silent."""
        active, active_at = user_record.active(record), self._moment
        field = next((name for name in self._fields if record.get(name) is not None), None)
        if field is not None:
            account = self._account(user, record[field])
            return _observation(user, account, self._moment, active, active_at)
        self.why_no_account[user] = self._why_not_asked
        self._warn_of_similar_fields(user, record)
        if self._portal is None:
            return _observation(user, None, self._moment, active, active_at)
        now = self._now().astimezone(UTC)
        fetched = _row_of(user, self._portal())
        asked_at = Moment(now, now)
        self.why_no_account[user] = "no_field" if fetched is not None else "not_shown"
        row = user_record.upper_keys(fetched) if fetched is not None else {}
        field = next((name for name in self._fields if name in row), None)
        account = None if field is None else self._account(user, row[field])
        if field is None:
            self._warn_of_similar_fields(user, row)
        active_now = user_record.active(row)
        if active_now is False or (active_now and (active is None or asked_at.key() >= active_at.key())):
            active, active_at = active_now, asked_at
        return _observation(user, account, asked_at, active, active_at)

    def _warn_of_similar_fields(self, user: int, record: user_record.Record) -> None:
        """Warn of a field that looks like Telegram's under another name, once per field and process."""
        for field in user_record.fields_like_telegram(record):
            if field not in _warned_fields and len(_warned_fields) < _MAX_WARNED_FIELDS:
                _warned_fields.add(field)
                notice = Notice("FIELD_LIKE_TELEGRAM", user=user, field=field)
                fields = {"code": "FIELD_LIKE_TELEGRAM", "field": field, "bitrix_user_id": user}
                _log.warning(notice, extra={"json_fields": fields})

    def _account(self, user: int, value: object) -> Account | None:
        account = parse_account(value)
        if account is None:
            self.why_no_account[user] = "unreadable"
        return account


def _observation(
    user: int, account: Account | None, account_at: Moment, active: bool | None, active_at: Moment
) -> Observation:
    """An observation, whose moments are None for what it says nothing about."""
    return Observation(
        bitrix_user_id=user,
        account=account,
        account_at=None if account is None else account_at,
        active=active,
        active_at=None if active is None else active_at,
    )


def _row_of(user: int, portal: "Portal") -> user_record.Record | None:
    """The user's row of `user.get`; None where the portal shows no such user."""
    from gateway.portal.client import DoubtfulAnswer  # cold start

    try:
        return portal.user(user)
    except DoubtfulAnswer as error:
        # Only other people's rows came: asking again would bring no others.
        _log.warning(error, extra={"json_fields": {"code": "REST_OTHER_USER"}})
        return None


def _outcome(row: HistoryRow) -> Outcome:
    account = str(row.account or row.previous)
    return Outcome(
        _CHANGES[row.change],
        bitrix_user_id=row.bitrix_user_id,
        values={"account": account},
        facts={"change": row.change, "account": account},
    )


def _unchanged(user: int, reason: str, linked: bool = False) -> Outcome:
    if linked and reason in _NOT_ASKED:
        text = f"LINK_UNCHANGED_{reason.upper()}_LINKED"
        return Outcome("LINK_UNCHANGED", reason, user, text, facts={"linked": True})
    return Outcome("LINK_UNCHANGED", reason, user, f"LINK_UNCHANGED_{reason.upper()}")
