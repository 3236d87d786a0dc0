"""Puts flat names and lists of pairs back under `data` and `auth`, where they were before a middleman."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from gateway.ingest import php_form
from gateway.ingest.limits import MAX_PARAMETERS

# How many fields are tried as a body of their own.
MAX_FIELDS = 64
# What a flat name has between its levels.
FLAT = re.compile(r"[^A-Za-z0-9]+")


def unflattened(fields: Mapping[str, Any]) -> tuple[dict[str, Any], str] | None:
    """The fields with flat names put back under `auth` and `data`, and the place of the token; else None.

    Flat names are `auth.application_token`, `auth_application_token` or `auth[domain]`.
    """
    nested: dict[str, Any] = {}
    token_name = ""
    for name, value in fields.items():
        levels = FLAT.sub(" ", unquote(str(name)) if "%" in str(name) else str(name)).split()
        head = levels[0].lower() if levels else ""
        joined = "".join(levels).lower()
        if joined.endswith("authapplicationtoken") and head != "application":
            _branch(nested, "auth")["application_token"] = value
            token_name = str(name)
        elif head in ("auth", "data") and len(levels) > 1:
            _branch(nested, head).setdefault("_".join(levels[1:]).lower(), value)
        elif isinstance(value, str):
            nested.setdefault(str(name), value)
    auth = nested.get("auth")
    if token_name:
        return nested, f"body:{token_name}"
    if isinstance(auth, dict) and "token" in auth and ("domain" in auth or "member_id" in auth):
        return nested, next(
            f"body:{name}" for name in fields if FLAT.sub("", str(name)).lower() == "authtoken"
        )
    return None


def _branch(nested: dict[str, Any], name: str) -> dict[str, Any]:
    """The fields under `name`; they replace a text that was there, as in PHP."""
    if not isinstance(nested.get(name), dict):
        nested[name] = {}
    branch: dict[str, Any] = nested[name]
    return branch


def from_pairs(items: list[Any]) -> dict[str, Any] | None:
    """A form that came as a list of names and values: `{"name", "value"}`, .NET's `Key`, `[name, value]`."""
    pairs: list[tuple[str, Any]] = []
    for item in items[:MAX_PARAMETERS]:
        if isinstance(item, dict):
            lower = {str(name).lower(): value for name, value in list(item.items())[:MAX_FIELDS]}
            item = [lower.get("name", lower.get("key")), lower.get("value")]
        if not isinstance(item, list) or len(item) != 2 or not isinstance(item[0], str):
            return None
        value = item[1][0] if isinstance(item[1], list) and len(item[1]) == 1 else item[1]
        pairs.append((item[0], value))
    return php_form.nest(
        (php_form.split_name(name), value) for name, value in pairs if php_form.split_name(name)
    )


def with_pairs(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with `data` and `auth` as objects if they came as lists of names and values."""
    lists = {
        name: value for name, value in fields.items() if name in ("data", "auth") and isinstance(value, list)
    }
    return {**fields, **{name: from_pairs(value) or value for name, value in lists.items()}}
