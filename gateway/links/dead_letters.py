"""How dead letters are written down, the same in every store."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any


def to_json(value: Any) -> str:
    """JSON with every code point as it is, except lone surrogates: escaped, because UTF-8 can't hold them."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def letter_id(event_id: str, message: str) -> str:
    """A dead letter's id: the same message, put aside twice, is one dead letter."""
    return sha256(f"{event_id}\n{message}".encode()).hexdigest()


def handle(letter: str, recorded_at: datetime) -> str:
    """What removes the letter as it was read: put aside again meanwhile, it has another moment."""
    return f"{letter}~{recorded_at.isoformat()}"


def read_handle(text: str) -> tuple[str, datetime]:
    """The letter's id and moment; a moment that no letter has for what is no handle."""
    letter, _, moment = text.partition("~")
    try:
        return letter, datetime.fromisoformat(moment)
    except ValueError:
        return letter, datetime.fromtimestamp(0, UTC)
