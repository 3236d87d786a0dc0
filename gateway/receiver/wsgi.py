"""Turns a WSGI request (PEP 3333) into the core's `Incoming`, whose body is read within a bound."""

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

import flask

from gateway.ingest.incoming import BodyBroken, Incoming
from gateway.receiver.body_deadline import BodyDeadline

# `serve` keeps headers with an underscore under this and their name: WSGI has no key for them.
UNDERSCORED = "gateway.header."


def incoming_of(request: flask.Request) -> Incoming:
    """The request before its body is read."""
    environ = request.environ
    length = environ.get("CONTENT_LENGTH") or ""
    # The first digits are enough for a length far over the limit; `int` refuses thousands of digits.
    declared = int(length.lstrip("0")[:16] or 0) if length.isascii() and length.isdigit() else None
    return Incoming(
        method=request.method,
        path=environ.get("PATH_INFO", "/").encode("latin-1", "replace").decode("utf-8", "replace"),
        query=environ.get("QUERY_STRING", "").encode("latin-1", "replace"),
        headers=_Headers(environ),
        read=partial(_read, request, declared),
        declared_length=declared,
        # `serve` says that the sender fell silent, went away, or promised fewer bytes than it sent.
        cut="gateway.body_ended" in environ or "gateway.body_surplus" in environ,
    )


def _read(request: flask.Request, declared: int | None, limit: int) -> bytes:
    """At most `limit` bytes of the body. Raises `BodyBroken`, which has what came before the break.

    A body of a declared length is read as PEP 3333 says, without werkzeug's wrapping.
    """
    chunks: list[bytes] = []
    remaining = limit if declared is None else min(declared, limit)
    is_broken = False
    with BodyDeadline(request.environ):
        while remaining:
            try:
                stream = request.stream if declared is None else request.environ["wsgi.input"]
                chunk = bytes(stream.read(remaining))
            except Exception:  # noqa: BLE001 — gunicorn's own exceptions show what came, token and all
                if is_broken:
                    break
                # The chunks are broken: a second read returns what came before the break.
                is_broken = True
                continue
            if not chunk:
                break
            chunks.append(chunk)
            remaining -= len(chunk)
    if is_broken:
        raise BodyBroken(b"".join(chunks))
    return b"".join(chunks)


@lru_cache(maxsize=64)
def _wsgi_name(header: str) -> str:
    if "_" in header:
        return UNDERSCORED + header
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


class _Headers(Mapping[str, bytes]):
    """The request's headers by lower-case name, straight from WSGI (PEP 3333: latin-1 texts)."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> bytes:
        return str(self._environ[_wsgi_name(name)]).encode("latin-1", "replace")

    # `Mapping`'s own raises and catches an exception for each header that is missing.
    def get(self, name: str, default: Any = None) -> Any:
        value = self._environ.get(_wsgi_name(name))
        return default if value is None else str(value).encode("latin-1", "replace")

    def __iter__(self) -> Iterator[str]:
        if self._environ.get("CONTENT_TYPE"):
            yield "content-type"
        for key in self._environ:
            if key.startswith("HTTP_"):
                yield key[5:].lower().replace("_", "-")
            elif key.startswith(UNDERSCORED):
                yield key.removeprefix(UNDERSCORED)

    def __len__(self) -> int:
        return sum(1 for _ in self)
