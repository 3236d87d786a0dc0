"""Writes a row of the links, or of their history, as JSON and CSV, for people and bots."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from gateway.events import rfc3339
from gateway.links.model import HistoryRow, Link


def json_values(row: Link | HistoryRow) -> dict[str, Any]:
    """The row's values by name: numbers as numbers, times as RFC 3339."""
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value for name, value in asdict(row).items()
    }


def csv_values(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `json_values` as CSV writes them: `true` and `false`, as in JSON."""
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in row.items()}
