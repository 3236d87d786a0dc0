"""Limits what a body may be made of; checked before the work is done."""

# Pairs of a form or a query, parts of a multipart body, leaves of JSON.
MAX_PARAMETERS = 1000
# Names on the way to a leaf.
MAX_LEVELS = 32


class TooComplex(Exception):
    """A body or query over the limits: `received` is how many there were (at least).

    `limit` is "parameters", "query_parameters" or "levels".
    """

    def __init__(self, limit: str, allowed: int, received: int) -> None:
        super().__init__(limit)
        self.limit = limit
        self.allowed = allowed
        self.received = received


def check(allowed: int, received: int, limit: str) -> None:
    """Raise `TooComplex` if more was received than is allowed."""
    if received > allowed:
        raise TooComplex(limit, allowed, received)
