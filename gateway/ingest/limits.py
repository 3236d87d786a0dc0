"""What a body may be made of, checked before the work is done."""

MAX_PARAMETERS = 1000  # pairs of a form or a query, parts, leaves of JSON
MAX_LEVELS = 32  # names on the way to a leaf


class TooComplex(Exception):
    """A body or query over the limits: `came` is how many came (at least).

    `limit` is "parameters", "query_parameters" or "levels".
    """

    def __init__(self, limit: str, allowed: int, came: int) -> None:
        super().__init__(limit)
        self.limit = limit
        self.allowed = allowed
        self.came = came


def check(allowed: int, came: int, limit: str) -> None:
    """Raise `TooComplex` where more came than is allowed."""
    if came > allowed:
        raise TooComplex(limit, allowed, came)
