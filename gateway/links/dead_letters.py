"""How every store writes dead letters down."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any


def to_json(value: Any) -> str:
    """JSON with every code point as it is, except lone surrogates: escaped, because UTF-8 can't hold them."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def letter_id(event_id: str, message: str, subscription: str) -> str:
    """A dead letter's id: the same message, put aside twice by one subscription, is one dead letter."""
    return sha256(f"{event_id}\n{message}\n{subscription}".encode()).hexdigest()


def letter_handle(letter: str, recorded_at: datetime) -> str:
    """The handle that removes the letter as it was read: one put aside again since has another moment."""
    return f"{letter}~{recorded_at.isoformat()}"


def read_handle(text: str) -> tuple[str, datetime]:
    """The letter's id and moment; for anything that is not a handle, a moment that no letter has."""
    letter, _, moment = text.partition("~")
    try:
        return letter, datetime.fromisoformat(moment)
    except ValueError:
        return letter, datetime.fromtimestamp(0, UTC)
