"""Finds the known name that a mistyped one is most like; lists the vendor's events."""

from collections.abc import Iterable, Iterator

_USERS = ("USERADD", "USERUPDATE")
_TASKS = ("TASKADD", "TASKUPDATE", "TASKDELETE", "TASKCOMMENTADD", "TASKCOMMENTUPDATE", "TASKCOMMENTDELETE")
_ENTITIES = ("LEAD", "DEAL", "CONTACT", "COMPANY", "QUOTE", "ACTIVITY", "DYNAMICITEM")
_CRM = tuple(f"CRM{entity}{action}" for entity in _ENTITIES for action in ("ADD", "UPDATE", "DELETE"))
_CALENDAR = ("CALENDARENTRYADD", "CALENDARENTRYUPDATE", "CALENDARENTRYDELETE")
_BOTS = ("IMBOTMESSAGEADD", "IMBOTJOINCHAT", "IMBOTDELETE", "IMCOMMANDADD")
_CALLS = ("VOXIMPLANTCALLINIT", "VOXIMPLANTCALLSTART", "VOXIMPLANTCALLEND")
_OTHERS = ("APPINSTALL", "APPUNINSTALL", "APPUPDATE", "SALEORDERSAVED")
# The vendor's events that outgoing webhooks and applications most often subscribe to.
EVENTS = tuple(f"ON{name}" for name in (*_USERS, *_TASKS, *_CRM, *_CALENDAR, *_BOTS, *_CALLS, *_OTHERS))


def most_like(name: str, candidates: Iterable[str], cutoff: float) -> str:
    """The known name that is most like `name`, "" if none is; `cutoff` is from 0, for any, to 1."""
    from difflib import get_close_matches  # cold start

    return "".join(get_close_matches(name.upper(), list(candidates), 1, cutoff))


def misspelt(patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names of events that are surely mistyped, each with the known event that was meant.

    The vendor has many more events than are known here, and some differ from these by a word: only
    a name that differs by a letter or two counts.
    """
    for pattern in dict.fromkeys(patterns):
        if pattern in EVENTS or pattern.endswith("*"):
            continue
        like = most_like(pattern, EVENTS, 0.88)
        if like and abs(len(like) - len(pattern)) <= 1:
            yield pattern, like
