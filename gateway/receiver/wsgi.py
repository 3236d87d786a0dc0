"""Turns a WSGI request (PEP 3333) into the core's `Incoming`, whose body is read within a bound."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import flask

from gateway.ingest.incoming import Incoming
from gateway.receiver.body_deadline import body_deadline


def incoming_of(request: flask.Request) -> Incoming:
    """The request before its body is read."""
    environ = request.environ
    length = environ.get("CONTENT_LENGTH") or ""
    # The first digits are enough for a length far over the limit; `int` refuses thousands of digits.
    declared = int(length.lstrip("0")[:16] or 0) if length.isascii() and length.isdigit() else None
    incoming = Incoming(
        method=request.method,
        path=environ.get("PATH_INFO", "/").encode("latin-1", "replace").decode("utf-8", "replace"),
        query=environ.get("QUERY_STRING", "").encode("latin-1", "replace"),
        headers=_Headers(environ),
        declared_length=declared,
        # `serve` says that the sender fell silent, went away, or promised fewer bytes than it sent.
        cut="gateway.body_ended" in environ or "gateway.body_surplus" in environ,
    )
    incoming.read = lambda limit: _read(request, incoming, limit)
    return incoming


def _read(request: flask.Request, incoming: Incoming, limit: int) -> bytes:
    """At most `limit` bytes of the body; a body that broke off is read as far as it came.

    A body of a declared length is read as PEP 3333 says, without werkzeug's wrapping.
    """
    environ, declared = request.environ, incoming.declared_length
    chunks: list[bytes] = []
    remaining = limit if declared is None else min(declared, limit)
    try:
        stream = request.stream if declared is None else environ["wsgi.input"]
        with body_deadline(environ):
            while remaining and (chunk := _read_some(stream, remaining, incoming)):
                chunks.append(chunk)
                remaining -= len(chunk)
    except Exception:  # noqa: BLE001 — gunicorn's own exceptions show what came, token and all
        incoming.cut = True
    return b"".join(chunks)


def _read_some(stream: Any, size: int, incoming: Incoming) -> bytes:
    if incoming.cut:
        return bytes(stream.read(size))
    try:
        return bytes(stream.read(size))
    except Exception:  # noqa: BLE001 — broken chunks: a second read returns what came before the break
        incoming.cut = True
        return bytes(stream.read(size))


@lru_cache(maxsize=64)
def _wsgi_name(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


class _Headers(Mapping[str, bytes]):
    """The request's headers by lower-case name, straight from WSGI (PEP 3333: latin-1 texts)."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> bytes:
        return str(self._environ[_wsgi_name(name)]).encode("latin-1", "replace")

    def __contains__(self, name: object) -> bool:  # `Mapping`'s own raises and catches an exception
        return isinstance(name, str) and _wsgi_name(name) in self._environ

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401 — this is `get`

    def __iter__(self) -> Iterator[str]:
        if self._environ.get("CONTENT_TYPE"):
            yield "content-type"
        for key in self._environ:
            if key.startswith("HTTP_"):
                yield key[5:].lower().replace("_", "-")

    def __len__(self) -> int:
        return sum(1 for _ in self)
