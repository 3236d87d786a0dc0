"""The product's function, with the name `pubsub.googleapis.com` resolved to loopback."""

import os
import socket
from typing import Any

_real = socket.getaddrinfo


def _getaddrinfo(host: Any, port: Any, *more: Any, **options: Any) -> Any:
    if host == "pubsub.googleapis.com":
        host, port = "127.0.0.1", int(os.environ["BENCH_PUBSUB_PORT"])
    return _real(host, port, *more, **options)


socket.getaddrinfo = _getaddrinfo

from main import bitrix_webhook  # noqa: E402 — after the resolver is replaced

__all__ = ["bitrix_webhook"]
