"""Reads what an event's `data` says about users, whatever shape the sender gave it. Pure.

Bitrix24's documentation shows users flat in `data`; operators' portals send them
under `data[FIELDS]`, and at times as a list of one or several.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_USER_ID = re.compile(r"[0-9]{1,32}")
# Our Firestore store orders users by 16 digits.
MAX_USER_ID = 10**16 - 1
_LIKE_TELEGRAM = re.compile(r"(?:[A-Z0-9]+_)*(?:TELEGRAM[A-Z0-9]*|TG)(?:_[A-Z0-9]+)*")
_ACTIVE = {"1": True, "y": True, "true": True, "0": False, "n": False, "false": False}

Record = dict[str, Any]


def records(data: object) -> list[Record]:
    """The users in `data`, each with its keys in upper case; empty if there are none.

    A user is in `data`, in its `FIELDS`, or in a list in either place. What
    is beside `FIELDS` belongs to the user too, and `FIELDS` takes precedence over it.
    """
    return list(_records(data, 4))


def _records(data: object, depth: int) -> Iterator[Record]:
    if isinstance(data, list) and depth:
        for item in data:
            yield from _records(item, depth - 1)
    elif isinstance(data, Mapping):
        record = upper_keys(data)
        fields = record.pop("FIELDS", None)
        if isinstance(fields, Mapping) and depth:
            record |= next(_records(fields, depth - 1), {})
        if isinstance(fields, list) and fields and "ID" not in record:
            yield from _records(fields, depth - 1)
        elif record:
            yield record


def upper_keys(row: Mapping[str, Any]) -> Record:
    """`row` with its keys in upper case; of keys that differ only in case, the first counts."""
    names = "".join(map(str, row))
    # Portals write upper case, and polling copies a hundred thousand users.
    if names == names.upper():
        return dict(row)
    record: Record = {}
    for key, value in row.items():
        record.setdefault(str(key).upper(), value)
    return record


def user_id(record: Record) -> int | None:
    """The user's id: a whole number from 1, as a number or as ASCII digits."""
    value = record.get("ID")
    if isinstance(value, str) and _USER_ID.fullmatch(value.strip()):
        value = int(value)
    is_valid = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_USER_ID
    return value if is_valid else None


def user_of(event: str, data: object) -> int | None:
    """The user that a user event is about; None for other events, and if it names several or none."""
    if not event.upper().startswith("ONUSER"):
        return None
    users = {user_id(record) for record in records(data)}
    return users.pop() if len(users) == 1 else None


def user_of_message(event: str, message: bytes) -> int | None:
    """`user_of` for a queue message's bytes; None too if they are not a message."""
    try:
        data = json.loads(message).get("data")
    except (ValueError, AttributeError, RecursionError):
        return None
    return user_of(event, data)


def active(record: Record) -> bool | None:
    """The user's active state; None if the record says nothing about it that is understood."""
    value = record.get("ACTIVE")
    if isinstance(value, bool | int | str):
        return _ACTIVE.get(str(value).strip().lower())
    return None


def telegram_fields(configured: str) -> tuple[str, ...]:
    """The fields that may hold the Telegram account, in the order in which they are looked at."""
    return tuple(dict.fromkeys((configured.upper(), "UF_USR_TELEGRAM", "TELEGRAM_ID", "TELEGRAM")))


def fields_like_telegram(record: Record) -> list[str]:
    """Fields that hold something and look like Telegram's by their names, as in `UF_TELEGRAM_ID`."""
    return [
        name for name, value in record.items() if value and len(name) <= 50 and _LIKE_TELEGRAM.fullmatch(name)
    ]


def is_about(message: object, portal: str, bitrix_user_id: int) -> bool:
    """Whether a queue message (as JSON values) is about this user of this portal."""
    if not isinstance(message, Mapping):
        return False
    origin = message.get("portal")
    domain = origin.get("domain") if isinstance(origin, Mapping) else None
    people = records(message.get("data"))
    return domain == portal and any(user_id(person) == bitrix_user_id for person in people)
