"""Who gets a message of the embedded queue: each consumer of the table, and each destination."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.functions import of_kind
from gateway.settings import Settings


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


def object_of(data: object) -> str | None:
    """The object that an event is about, by its id; None where it names none.

    Events of one object keep their order on the way to a destination.
    """
    if not isinstance(data, dict):
        return None
    for part in ("FIELDS_AFTER", "FIELDS_BEFORE", "FIELDS"):
        inner = data.get(part)
        if isinstance(inner, dict) and isinstance(inner.get("ID"), str | int):
            return str(inner["ID"])
    own = next((data[name] for name in ("ID", "id") if name in data), None)
    return str(own) if isinstance(own, str | int) else None
