"""Reads `--since`: a moment, or how long ago."""

from datetime import UTC, datetime

import click

from gateway.durations import duration
from gateway.settings import language
from gateway.texts import say

of_the_last_day = click.option(
    "--since",
    metavar="TIME",
    default="24h",
    show_default=True,
    help="Only from this time on: RFC 3339, or 30m, 2h, 7d ago.",
)


def parse_since(text: str) -> datetime:
    """A time in RFC 3339 with its zone, or how long ago: `30m`, `2h`, `7d`. Raises `click.BadParameter`."""
    ago = duration(text)
    try:
        moment = datetime.fromisoformat(text.strip()) if ago is None else datetime.now(UTC) - ago
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.BadParameter(say("SINCE_EXPECTED", language()), param_hint="--since")
    return moment
