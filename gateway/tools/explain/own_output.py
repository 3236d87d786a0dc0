"""Recognises what the gateway's own commands print, so that it is never judged as a request.

Nothing of it holds a token: judged as a body, it would get a verdict about what never arrived.
What holds a whole request, `events show --json`, is read as one elsewhere.
"""

import json
import re

# A row of `events` or the head of `events show`; a row of `rejections`.
_ROW = re.compile(
    r"\s*(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  [0-9a-f]{16}  \S"
    r"|(?:\d{1,9} × )?[A-Z_]{4,40}  [A-Z_]{4,40}  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
)
_KEYS = (
    # A message of the queue.
    {"schema", "event_id", "received_at", "portal"},
    # `rejections`, with `--follow` too; `dead-letters`, `links`, `links --history` and `doctor`.
    {"cause", "detail", "says", "do"},
    {"event_id", "reason", "attempts", "message"},
    {"bitrix_user_id", "telegram_id", "observed_at"},
    {"check", "result", "saw"},
)


def is_own_output(text: str) -> bool:
    """Whether a command of ours printed `text`, in words or as JSON."""
    first_keys = _first_keys(text)
    return _ROW.match(text) is not None or any(keys <= first_keys for keys in _KEYS)


def _first_keys(text: str) -> set[str]:
    """The names of the JSON object that `text` begins with, or of the first one in a list; else none."""
    start = len(text) - len(text.lstrip())
    if text[start : start + 1] not in ("{", "["):
        return set()
    try:
        value = json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return set()
    first = value[0] if isinstance(value, list) and value else value
    return set(first) if isinstance(first, dict) else set()
