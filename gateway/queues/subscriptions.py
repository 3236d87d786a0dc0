"""Says who gets a message of the embedded queue: each consumer of the table, and each destination."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.functions import of_kind
from gateway.settings import Settings

# What was done to the object; a smart process's events may end in its type (ONCRMDYNAMICITEMADD_128).
_VERB = re.compile(r"(?:ADD|UPDATE|DELETE|MOVETOCATEGORY)(?:_\d+)?\Z")


@dataclass(frozen=True)
class Subscription:
    """`name` as on Google Cloud, without the prefix; `ordered`: messages of one object keep their order."""

    name: str
    wants: Callable[[str], bool]
    ordered: bool = False


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """All of them, consumers first."""
    consumers = [
        Subscription(function.subscription, _exactly(function.event)) for function in of_kind("consumer")
    ]
    forwarders = [
        Subscription(f"{function.subscription}-{destination.id}", destination.wants, ordered=True)
        for function in of_kind("forwarder")
        for destination in settings.destinations
    ]
    return (*consumers, *forwarders)


def _exactly(event: str) -> Callable[[str], bool]:
    return lambda name: name == event


def object_of(portal: str, event: str, data: object) -> str | None:
    """The object that an event is about: portal, kind and id; None where the event names no id.

    Events of one object keep their order on the way to a destination. An id is unique only
    within its kind, which is the event's name without the verb.
    """
    object_id = _id_in(data)
    return (
        None
        if object_id is None
        else " ".join(filter(None, (portal, _VERB.sub("", event.upper()), object_id)))
    )


def _id_in(data: object) -> str | None:
    if not isinstance(data, dict):
        return None
    for part in ("FIELDS_AFTER", "FIELDS_BEFORE", "FIELDS"):
        inner = data.get(part)
        if isinstance(inner, dict) and isinstance(inner.get("ID"), str | int):
            return str(inner["ID"])
    object_id = next((data[name] for name in ("ID", "id") if name in data), None)
    return str(object_id) if isinstance(object_id, str | int) else None
