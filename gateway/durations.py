"""Reads a length of time as people write it: a whole number and its unit, such as 30m, 2h or 7d."""

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")


def duration(text: str) -> timedelta | None:
    """The length of time that `text` names, at least one of its units; None if it names none."""
    match = _DURATION.fullmatch(text.strip())
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
