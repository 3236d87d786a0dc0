"""Describes a request before its body is read: what any host knows of it, and the limits for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.setting_values import WEBHOOK_PATH

MAX_QUERY = 8 * 1024  # bytes
# In bytes: a long bot message in Russian is 240 KB.
MAX_BODY = 512 * 1024
# Anyone can send this: it helps to explain a rejection, and never proves anything.
VENDOR_AGENT = "bitrix24"

ALLOWED = {"/": "GET, HEAD, POST", WEBHOOK_PATH: "GET, HEAD, POST", "/health": "GET, HEAD"}


class BodyBroken(Exception):
    """A body stopped before its end: its sender fell silent, went away, or sent broken chunks."""

    def __init__(self, received: bytes) -> None:
        super().__init__(len(received))
        self.received = received  # before the break


# Not frozen, because that would take five times as long to make.
@dataclass(slots=True)
class Incoming:
    """A request before its body is read.

    `headers` by lower-case name, repeated ones joined by a comma; `path` as sent,
    without query; `query` raw. `read(n)` returns at most n bytes of the body, or raises
    `BodyBroken`; `declared_length` is the Content-Length, None if there is none. `cut` is
    set if the body stopped before its end.
    """

    method: str
    path: str
    query: bytes = b""
    headers: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    read: Callable[[int], bytes] = field(default=lambda _limit: b"", repr=False)
    declared_length: int | None = None
    cut: bool = False

    def header(self, name: str) -> str:
        """A header's value as text, "" if there is none."""
        return self.headers.get(name, b"").decode("utf-8", "replace").strip()

    @property
    def route(self) -> str:
        """The path without slashes around it."""
        return "/" + self.path.strip("/")

    @property
    def from_bitrix24(self) -> bool:
        """Whether the User-Agent is Bitrix24's: a hint, because anyone can send it."""
        return VENDOR_AGENT in self.header("user-agent").lower()
