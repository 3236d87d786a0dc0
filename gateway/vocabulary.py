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
# A shorter beginning is like too many others: `ONAI*` is one letter from `ONI*`.
_SHORTEST_BEGINNING = 5


def most_like(name: str, candidates: Iterable[str], cutoff: float) -> str:
    """The known name that is most like `name`, "" if none is; `cutoff` is from 0, for any, to 1."""
    from difflib import get_close_matches  # cold start

    return "".join(get_close_matches(name.upper(), list(candidates), 1, cutoff))


def misspelt(patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Patterns of events that are surely mistyped, each with the one that was meant.

    The vendor has many more events than are known here, and some differ from these by a word: only
    a name that differs by a letter or two counts, and a beginning (`ONTSK*`) that differs by one.
    """
    for pattern in dict.fromkeys(patterns):
        if pattern in EVENTS:
            continue
        if pattern.endswith("*"):
            if beginning := _beginning_meant(pattern[:-1]):
                yield pattern, f"{beginning}*"
            continue
        like = most_like(pattern, EVENTS, 0.88)
        if like and abs(len(like) - len(pattern)) <= 1:
            yield pattern, like


def _beginning_meant(text: str) -> str:
    """The longest beginning of a known event from which `text` differs by one slip; "" if there is none."""
    if len(text) < _SHORTEST_BEGINNING or any(event.startswith(text) for event in EVENTS):
        return ""
    lengths = (len(text) + 1, len(text), len(text) - 1)
    beginnings = dict.fromkeys(event[:length] for length in lengths for event in EVENTS)
    return next((beginning for beginning in beginnings if _is_one_slip(text, beginning)), "")


def _is_one_slip(text: str, meant: str) -> bool:
    """Whether a letter of `meant` is missing in `text`, doubled, replaced or swapped with the next one.

    What differs at the end only may be another event's name: `ONIMBOTV2*` begins like `ONIMBOTDELETE`.
    """
    pairs = enumerate(zip(text, meant, strict=False))
    same = next((place for place, (letter, other) in pairs if letter != other), min(len(text), len(meant)))
    rest, meant_rest = text[same:], meant[same:]
    is_swapped = rest[:2] == meant_rest[1::-1] and rest[2:] == meant_rest[2:]
    is_missing = rest == meant_rest[1:]
    is_wrong = len(rest) > 2 and rest[1:] in (meant_rest, meant_rest[1:])
    return is_swapped or is_missing or is_wrong
