"""Reads a Telegram account from a Bitrix24 field, in one way for events, `user.get` and polling."""

import re

from gateway.links.model import NO_ACCOUNT, Account

# Telegram promises ids of at most 52 significant bits.
MAX_TELEGRAM_ID = 2**52

_ID = re.compile(r"[0-9]{1,32}")
_NAME = re.compile(r"@([A-Za-z0-9_]{4,32})")
_LINK = re.compile(
    r"(?:https?://)?(?:www\.)?(?:t|telegram)\.me/([a-z0-9_]{4,32})/?(?:\?.*)?", re.ASCII | re.IGNORECASE
)


def parse_account(value: object) -> Account | None:
    """The account a field's value names; `NO_ACCOUNT` where it is empty, None where it is not understood.

    Understood are a numeric id (ASCII digits or a JSON integer, 1 … 2^52), `@name`
    and a link to `t.me` or `telegram.me`, with or without a scheme and `www.`; a multiple
    field is a list of one such value, and `[]` or `false` where it is empty. A bare name,
    a phone number or an invitation link is not an account, and changes nothing.
    A value of None is empty, as `user.get` means it; in an event it means absent, so
    callers that read events check for it first.
    """
    if value is None or value is False or value == []:
        return NO_ACCOUNT
    if isinstance(value, list):
        return parse_account(value[0]) if len(value) == 1 and isinstance(value[0], str | int) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return _by_id(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not text:
        return NO_ACCOUNT
    if _ID.fullmatch(text):
        return _by_id(int(text))
    match = _NAME.fullmatch(text) or _LINK.fullmatch(text)
    return Account(telegram_username=match[1]) if match else None


def as_searched(text: str) -> str:
    """The `@name` that `text` is a link to, as the journal writes accounts; any other text as it is."""
    account = parse_account(text)
    return str(account) if account and account.telegram_username else text


def _by_id(number: int) -> Account | None:
    return Account(telegram_id=number) if 1 <= number <= MAX_TELEGRAM_ID else None
