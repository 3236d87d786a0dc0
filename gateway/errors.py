"""The few ways in which the gateway's own work can fail.

Every message is a sentence for an operator. None carries a payload, an address
with a password or a secret: Flask prints whatever a function raises.
"""


class GatewayError(Exception):
    """The root of everything the gateway raises on purpose."""


class SettingError(GatewayError):
    """A setting has a value the gateway cannot work with; the start stops, exit code 2.

    `name` is the environment variable, `expected` says what it takes; `others` are further
    wrong settings, a line of the message each. No value is ever part of it: it may be a secret.
    """

    def __init__(self, name: str, expected: str, *others: "SettingError") -> None:
        super().__init__("\n".join([f"{name}: {expected}", *map(str, others)]))
        self.name = name
        self.expected = expected
        self.others = others


class PassingFailure(GatewayError):
    """Something outside did not answer; the same work may succeed later.

    Consumers let it through, so that the queue delivers again. Raise it
    `from None`: the cause's text may carry an address. `retry_after` is in
    seconds, where the far side named a time.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueUnavailable(PassingFailure):
    """The queue did not take a message in time."""


class QueueRefused(QueueUnavailable):
    """The queue answered, and would answer the same again: no topic, no permission, a malformed message."""


class StoreUnavailable(PassingFailure):
    """The store of links did not answer, or refused for now."""


class DeliveryFailed(PassingFailure):
    """A destination did not take an event; `answer` is its status, or what came in place of one."""

    def __init__(self, destination: str, answer: str, retry_after: float | None = None) -> None:
        super().__init__(f"{destination}: {answer}", retry_after)
        self.destination = destination
        self.answer = answer


class PortalUnavailable(PassingFailure):
    """The portal's REST did not answer, or is over its limits."""


class PortalSilent(PortalUnavailable):
    """The portal did not answer in time; asking again at once would hold everybody up."""


class PortalError(GatewayError):
    """The portal answered, and the answer is wrong (scope, field, secret, a page that lies)."""


class PoisonMessage(GatewayError):
    """A message that can never succeed; it belongs to the dead letters, with `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
