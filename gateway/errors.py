"""Defines the few ways in which the gateway's own work can fail.

An error carries the key of its sentence and the facts that fill it. It is put into words once,
where somebody reads it: `gateway.texts.text_of`. No fact may be a payload, a secret or an address
with a password, because Flask prints whatever a function raises.
"""

import errno
import json
import os


def keyed(key: str, /, **facts: object) -> str:
    """A key and its facts on one line, in no language; `gateway.texts.reason_text` puts them into words."""
    return f"{key} {json.dumps(facts, ensure_ascii=False, default=_plain)}" if facts else key


def _plain(fact: object) -> str:
    """A fact in a form that JSON can hold; the system's errors without the path they happened at."""
    if not isinstance(fact, OSError):
        return str(fact)
    number = errno_of(fact)
    return fact.strerror or (os.strerror(number) if number else type(fact).__name__)


def errno_of(error: OSError) -> int | None:
    """The system's number of an error; some that Python raises have only a type."""
    if isinstance(error, TimeoutError):
        return errno.ETIMEDOUT
    return errno.ECONNRESET if isinstance(error, ConnectionResetError) else error.errno


def without_frames(failure: BaseException) -> None:
    """Drop the tracebacks of a failure and of its causes, for whoever keeps it: nobody reads them.

    Their frames hold all that was in hand, such as a request's body, and often the failure itself. It
    would then stay in memory until the garbage collector comes.
    """
    cause: BaseException | None = failure
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__context__


class GatewayError(Exception):
    """The root of everything the gateway raises on purpose: `key` names its sentence, `facts` fill it."""

    def __init__(self, key: str, /, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts

    def __str__(self) -> str:
        """What tracebacks show, and what is stored as the reason of a failure."""
        return keyed(self.key, **self.facts)


class SettingError(GatewayError):
    """A setting has a value that the gateway cannot work with; the start stops with exit code 2.

    `name` is the environment variable, and the sentence says what it expects; `hint` is the key of another
    sentence, about what was copied into the value by mistake. `others` are further wrong settings. The
    value is never part of the error, because it may be a secret.
    """

    def __init__(self, name: str, key: str, /, **facts: object) -> None:
        super().__init__(key, **facts)
        self.name = name
        self.hint = ""
        self.others: tuple[SettingError, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.name}: {super().__str__()}", *map(str, self.others)])


class PassingFailure(GatewayError):
    """Something outside did not answer; the same work may succeed later.

    Consumers let it propagate, so that the queue delivers again. Raise it `from None`,
    because the cause's text may carry an address. `retry_after` is in seconds, if the
    far side named a time. A failure without an attempt, as in a known outage, is not
    `counted` among the message's attempts.
    """

    def __init__(
        self, key: str, /, *, retry_after: float | None = None, counted: bool = True, **facts: object
    ) -> None:
        super().__init__(key, **facts)
        self.retry_after, self.counted = retry_after, counted


class QueueUnavailable(PassingFailure):
    """The queue did not accept a message in time."""


class QueueRefused(QueueUnavailable):
    """The queue answered, and would answer the same again: no topic, no permission, a malformed message."""


class StoreUnavailable(PassingFailure):
    """The store of links did not answer, or refused for now."""


class DeliveryFailed(PassingFailure):
    """A destination did not accept an event, or did not answer."""


class PortalUnavailable(PassingFailure):
    """The portal's REST did not answer, or is over its limits."""


class PortalSilent(PortalUnavailable):
    """The portal did not answer in time; asking again at once would delay everybody."""


class PortalError(GatewayError):
    """The portal answered, and the answer is wrong (scope, field, secret, an implausible page)."""


class PoisonMessage(GatewayError):
    """A message that can never succeed; it belongs to the dead letters."""
