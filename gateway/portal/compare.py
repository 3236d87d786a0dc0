"""Compares the portal's users with the links, for a walk. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.links import user_record
from gateway.links.facts import same_account
from gateway.links.model import NO_ACCOUNT, Link
from gateway.links.telegram_account import parse_account

Users = Iterable[tuple[int, user_record.Record]]


def difference(
    user: int, row: user_record.Record, link: Link | None, telegram_field: str
) -> tuple[dict[str, Any], bool] | None:
    """The `data` of the message that makes the link agree with the row, and whether it ends the link.

    None where they agree, or where the row says nothing that is understood. A field
    that is missing says nothing; an account counts only for active users.
    """
    active = user_record.active(row)
    account = parse_account(row[telegram_field]) if telegram_field in row else None
    linked_account = link.account if link else NO_ACCOUNT
    linked_before = link is not None and link.active
    if active is False:
        differs = ends = linked_before or bool(linked_account)
    elif link is not None and not link.active and active is None:
        return None
    else:
        moved = account is not None and not same_account(account, linked_account)
        ends = moved and account == NO_ACCOUNT
        differs = moved or (link is not None and not link.active)
    if not differs:
        return None
    data: dict[str, Any] = {"ID": str(user)}
    if active is not None:
        data["ACTIVE"] = "Y" if active else "N"
    # In an event a null would say nothing.
    if telegram_field in row:
        data[telegram_field] = "" if account == NO_ACCOUNT else row[telegram_field]
    return data, ends


def merge(
    users: Users, links: Iterable[Link]
) -> Iterator[tuple[int, user_record.Record | None, Link | None]]:
    """Pair users with their links; both come in order of id."""
    waiting = iter(links)
    link = next(waiting, None)
    for user, row in users:
        while link is not None and link.bitrix_user_id < user:
            yield link.bitrix_user_id, None, link
            link = next(waiting, None)
        if link is not None and link.bitrix_user_id == user:
            yield user, row, link
            link = next(waiting, None)
        else:
            yield user, row, None
    while link is not None:
        yield link.bitrix_user_id, None, link
        link = next(waiting, None)
