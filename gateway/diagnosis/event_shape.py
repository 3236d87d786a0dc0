"""Recognises what decoded fields are: an event, a robot's call, or a part of one; finds the token's texts."""

from typing import Any

from gateway.diagnosis.flattened import FLAT
from verify import BODY_PATHS


def token_texts(fields: Any) -> dict[str, str]:
    """The non-blank texts in the token's places of the body, by place."""
    texts = {}
    for place, path in BODY_PATHS.items():
        value = fields
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and value.strip():
            texts[place] = value
    return texts


def is_event(fields: Any) -> bool:
    """Whether this is a Bitrix24 event, with its keys in any case."""
    if not isinstance(fields, dict):
        return False
    names = {str(name).lower() for name in fields}
    auth = fields.get("auth")
    return "event" in names or (isinstance(auth, dict) and "domain" in auth and "document_id" not in names)


def is_whole(fields: Any) -> bool:
    """Whether this is an event or a robot's call by itself, and not just a part of one."""
    # An object with these two names is the queue's own message.
    if not isinstance(fields, dict) or {"schema", "event_id"} <= fields.keys():
        return False
    return isinstance(fields.get("event"), str) or is_robot(fields)


def is_robot(fields: Any) -> bool:
    """Whether this is what the automation rule "Исходящий вебхук" posts."""
    if not isinstance(fields, dict):
        return False
    names = [FLAT.sub("", str(name)).lower() for name in fields]
    return any(name.startswith("documentid") for name in names) and "event" not in names
