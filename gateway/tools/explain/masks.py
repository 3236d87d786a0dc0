"""Masks read back: `<masked LENGTH FINGERPRINT>` in a captured request shows a value's state.

Where a configured secret has that length and fingerprint the mask was put over it,
and it is put back before the request is judged; any other mask becomes a stand-in of
its length, and the trace then tells the mask's own fingerprint.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from gateway.settings import Settings
from gateway.tools.explain.request import Request
from verify import Trace, fingerprint

_MASK = re.compile(
    rb"(?:<|%(?:25)*3C|\\u003c)masked(?: |\+|%(?:25)*20)(\d{1,7})(?: |\+|%(?:25)*20)([0-9a-f]{8}|-)"
    rb"(?:>|%(?:25)*3E|\\u003e)",
    re.IGNORECASE,
)
_FINGERPRINT = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8}(?![0-9A-Za-z])")
_Escape = Callable[[str], str]


def unmask(request: Request, settings: Settings) -> tuple[Request, dict[str, str]]:
    """The request with values in place of its masks, and the mask of every stand-in."""
    known = known_values(settings)
    stand_ins: dict[str, str] = {}

    def put_back(text: bytes, escape: _Escape) -> bytes:
        def value(found: re.Match[bytes]) -> bytes:
            length, shown = int(found[1]), found[2].decode().lower()
            secret = known.get((length, shown))
            if secret is not None:
                return escape(secret).encode("utf-8", "surrogateescape")
            stand_in = _stand_in(length, shown)
            stand_ins[stand_in] = f"<masked {length} {shown}>"
            return stand_in.encode()

        return _MASK.sub(value, text)

    target = put_back(request.target.encode("utf-8", "surrogateescape"), _in_address)
    headers = tuple((name, put_back(value, str)) for name, value in request.headers)
    body = put_back(request.body, _in_json if request.body.lstrip()[:1] in (b"{", b"[") else _in_address)
    unmasked = replace(request, target=target.decode("utf-8", "surrogateescape"), headers=headers, body=body)
    return unmasked, stand_ins


def known_values(settings: Settings) -> dict[tuple[int, str], str]:
    """Configured secrets by length in bytes and fingerprint; those too short for one look the same."""
    candidates = [token.decode("utf-8", "surrogateescape") for token in settings.tokens]
    candidates += [*settings.secrets(), settings.rest_webhook or ""]
    known = {}
    for text in candidates:
        value = text.encode("utf-8", "surrogateescape")
        if shown := fingerprint(value):
            known[len(value), shown] = text
    return known


def as_masked(traces: Iterable[Trace], stand_ins: Mapping[str, str]) -> tuple[Trace, ...]:
    """Traces of stand-ins with the fingerprints of their masks."""
    shown = {fingerprint(text.encode()): mask[1:-1].split()[2] for text, mask in stand_ins.items()}
    return tuple(
        seen._replace(fingerprint=shown[seen.fingerprint].replace("-", "") or None)
        if seen.fingerprint in shown and seen.fingerprint is not None
        else seen
        for seen in traces
    )


def causes_as_masked(causes: Any, stand_ins: Mapping[str, str]) -> Any:
    """The causes' sentences as they are about the masks: with each mask's own fingerprint."""
    shown = {fingerprint(text.encode()): mask[1:-1].split()[2] for text, mask in stand_ins.items()}
    prints = {of_text: of_mask for of_text, of_mask in shown.items() if of_text is not None}
    return [
        {
            name: _FINGERPRINT.sub(lambda found: prints.get(found[0], found[0]), text)
            for name, text in one.items()
        }
        for one in mask_again(causes, stand_ins)
    ]


def mask_again(value: Any, stand_ins: Mapping[str, str]) -> Any:
    """A decoded value with every stand-in in it turned back into its mask."""
    if isinstance(value, dict):
        return {name: mask_again(inner, stand_ins) for name, inner in value.items()}
    if isinstance(value, list):
        return [mask_again(inner, stand_ins) for inner in value]
    if isinstance(value, str):
        for text, mask in stand_ins.items():
            value = mask if value == text else value.replace(text, mask) if len(text) >= 16 else value
    return value


def _stand_in(length: int, shown: str) -> str:
    """A text of that length as a webhook's token looks: not of hex digits, as an application's."""
    seed = "z" + shown.replace("-", "0") + "masked"
    return (seed * (length // len(seed) + 1))[:length]


def _in_address(text: str) -> str:
    return quote(text, safe="", errors="surrogateescape")


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
