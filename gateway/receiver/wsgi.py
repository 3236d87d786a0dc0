"""A request as WSGI hands it over (PEP 3333): its head as the core reads it, its body within a bound."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import flask

from gateway.ingest.incoming import Incoming


def incoming_of(request: flask.Request) -> Incoming:
    """The request before its body is read."""
    environ = request.environ
    length = environ.get("CONTENT_LENGTH") or ""
    # The first digits tell enough of a length far over the limit; `int` refuses thousands of them.
    declared = int(length.lstrip("0")[:16] or 0) if length.isascii() and length.isdigit() else None
    return Incoming(
        method=request.method,
        path=environ.get("PATH_INFO", "/").encode("latin-1", "replace").decode("utf-8", "replace"),
        query=environ.get("QUERY_STRING", "").encode("latin-1", "replace"),
        headers=_Headers(environ),
        read=lambda limit: _read(request, declared, limit),
        declared_length=declared,
    )


def _read(request: flask.Request, declared: int | None, limit: int) -> bytes:
    """At most `limit` bytes of the body; what a sender cut off is read as far as it came.

    A body of a declared length is read as PEP 3333 says, without werkzeug's wrapping.
    """
    chunks: list[bytes] = []
    left = limit if declared is None else min(declared, limit)
    try:
        stream = request.stream if declared is None else request.environ["wsgi.input"]
        while left and (chunk := stream.read(left)):
            chunks.append(chunk)
            left -= len(chunk)
    except Exception:  # noqa: BLE001, S110 — broken chunks: gunicorn's own exception shows what came, token and all
        pass
    return b"".join(chunks)


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
