"""Reads masks back: `<masked LENGTH FINGERPRINT>` in a captured request shows a value's state.

If a configured secret has that length and fingerprint, the mask stands for it, and the
secret is put back before the request is judged; any other mask becomes a stand-in of
its length, and the trace then shows the mask's own fingerprint.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from gateway.redaction import mask_of
from gateway.settings import Settings
from gateway.tools.explain.request import Request, utf8
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
    secrets = known_values(settings)
    stand_ins: dict[str, str] = {}

    def put_back(text: bytes, escape: _Escape) -> bytes:
        def value(match: re.Match[bytes]) -> bytes:
            length, print_of = int(match[1]), match[2].decode().lower()
            secret = secrets.get((length, print_of))
            if secret is not None:
                return escape(secret).encode("utf-8", "surrogateescape")
            stand_in = _stand_in(length, print_of)
            stand_ins[stand_in] = mask_of(length, print_of)
            return stand_in.encode()

        return _MASK.sub(value, text)

    target = put_back(utf8(request.target), _in_address)
    headers = tuple((name, put_back(value, str)) for name, value in request.headers)
    body = put_back(request.body, _in_json if request.body.lstrip()[:1] in (b"{", b"[") else _in_address)
    unmasked = replace(request, target=target.decode("utf-8", "surrogateescape"), headers=headers, body=body)
    return unmasked, stand_ins


def known_values(settings: Settings) -> dict[tuple[int, str], str]:
    """Configured secrets by length in bytes and fingerprint, except those too short to have one."""
    candidates = [token.decode("utf-8", "surrogateescape") for token in settings.tokens]
    candidates += [*settings.secrets(), settings.rest_webhook or ""]
    by_fingerprint = {}
    for text in candidates:
        value = text.encode("utf-8", "surrogateescape")
        if printed := fingerprint(value):
            by_fingerprint[len(value), printed] = text
    return by_fingerprint


def as_masked(traces: Iterable[Trace], stand_ins: Mapping[str, str]) -> tuple[Trace, ...]:
    """Traces of stand-ins with the fingerprints of their masks."""
    mask_prints = {fingerprint(text.encode()): mask[1:-1].split()[2] for text, mask in stand_ins.items()}
    return tuple(
        trace._replace(fingerprint=mask_prints[trace.fingerprint].replace("-", "") or None)
        if trace.fingerprint in mask_prints and trace.fingerprint is not None
        else trace
        for trace in traces
    )


def causes_as_masked(causes: Any, stand_ins: Mapping[str, str]) -> Any:
    """The causes with the stand-ins in their sentences replaced by masks and the masks' fingerprints."""
    mask_prints = {fingerprint(text.encode()): mask[1:-1].split()[2] for text, mask in stand_ins.items()}
    by_print = {of_text: of_mask for of_text, of_mask in mask_prints.items() if of_text is not None}
    return [
        {
            name: _FINGERPRINT.sub(lambda match: by_print.get(match[0], match[0]), text)
            for name, text in cause.items()
        }
        for cause in mask_again(causes, stand_ins)
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


def _stand_in(length: int, fingerprint: str) -> str:
    """A text of that length that looks like a webhook's token; an application's would be hex digits."""
    seed = "z" + fingerprint.replace("-", "0") + "masked"
    return (seed * (length // len(seed) + 1))[:length]


def _in_address(text: str) -> str:
    return quote(text, safe="", errors="surrogateescape")


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
