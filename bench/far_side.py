"""Plays the other side of the network: servers, each a separate process, that answer at once.

    python -m bench.far_side pubsub [CERTIFICATE]   Pub/Sub's REST API, over TLS with a certificate
    python -m bench.far_side metadata               Google's metadata server
    python -m bench.far_side portal USERS           a portal's user.get and batch
    python -m bench.far_side destination            a bot that accepts every event

Each prints its port. Pub/Sub's server and the bot count what they get: `GET /`
returns the number of messages and of different event ids.
"""

import asyncio
import json
import re
import ssl
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

# From the request line and the body to JSON.
Answer = Callable[[bytes, bytes], bytes]

_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")
_WEBHOOK_ID = re.compile(rb"(?i)webhook-id: *([0-9a-z]+)")
_EVENT_ID = re.compile(rb'"event_id": *"([0-9A-Za-z]+)"')
_AFTER = re.compile(r"(?:>|%3E)ID(?:\]|%5D|\")[\": =]*(\d+)")


class Server(asyncio.Protocol):
    """Speaks as much HTTP/1.1 as kept connections and bodies with a Content-Length need."""

    def __init__(self, answer: Answer) -> None:
        self._answer, self._received = answer, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            head, separator, rest = self._received.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if not separator or len(rest) < size:
                return
            body = self._answer(head, rest[:size])
            self._received = rest[size:]
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMetadata-Flavor: Google\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )


def pubsub() -> Answer:
    return _counting(lambda _head, body: _EVENT_ID.findall(body))


def destination() -> Answer:
    return _counting(lambda head, _body: _WEBHOOK_ID.findall(head))


def _counting(ids: Callable[[bytes, bytes], list[bytes]]) -> Answer:
    event_ids: set[bytes] = set()
    count = 0

    def answer(head: bytes, body: bytes) -> bytes:
        nonlocal count
        if head.startswith(b"GET"):
            return json.dumps({"messages": count, "different": len(event_ids)}).encode()
        count += 1
        event_ids.update(ids(head, body))
        return b'{"messageIds": ["%d"]}' % count

    return answer


def metadata() -> Answer:
    token = b'{"access_token": "ya29.bench", "expires_in": 3599, "token_type": "Bearer"}'
    account = {"aliases": ["default"], "email": "bench@example.com", "scopes": ["cloud-platform"]}

    def answer(head: bytes, _body: bytes) -> bytes:
        path = head.split(b" ")[1].decode()
        if "/token" in path:
            return token
        return b"bench" if path.endswith("project-id") else json.dumps(account).encode()

    return answer


def portal(users: int) -> Answer:
    """Pages of `user.get` beyond an id, fifty users each; a batch's commands follow one another."""

    @cache
    def page(after: int) -> str:
        return json.dumps([user(number) for number in range(after + 1, min(after + 50, users) + 1)])

    def answer(head: bytes, body: bytes) -> bytes:
        text = body.decode()
        after = int(match[1]) if (match := _AFTER.search(text)) else 0
        if b"/batch" not in head.split(b"\r\n")[0]:
            return f'{{"result": {page(after)}, "time": {{}}}}'.encode()
        names = list(json.loads(text)["cmd"])
        pages = ",".join(f'"{name}": {page(after + 50 * index)}' for index, name in enumerate(names))
        return f'{{"result": {{"result": {{{pages}}}, "result_error": [], "result_time": {{}}}}}}'.encode()

    return answer


def user(number: int) -> dict[str, Any]:
    """A row as `user.get` gives it: with all fields, as it has no parameter `select`."""
    empty = "SECOND_NAME PERSONAL_WWW PERSONAL_BIRTHDAY PERSONAL_PHOTO PERSONAL_MOBILE PERSONAL_CITY"
    return {
        "ID": str(number),
        "XML_ID": str(1_000_000 + number),
        "ACTIVE": True,
        "NAME": "Иван",
        "LAST_NAME": "Петров",
        "EMAIL": f"user{number}@example.com",
        "LAST_LOGIN": "2025-06-15T12:00:00+03:00",
        "DATE_REGISTER": "2024-01-10T03:00:00+03:00",
        "TIME_ZONE": "",
        "IS_ONLINE": "N",
        "TIMESTAMP_X": "2025-06-15T12:00:00+03:00",
        **dict.fromkeys(empty.split(), ""),
        "PERSONAL_GENDER": "M",
        "WORK_PHONE": "+7 900 000-00-00",
        "WORK_POSITION": "Менеджер по продажам",
        "UF_DEPARTMENT": [1],
        "UF_USR_TELEGRAM": str(10_000_000 + number) if number % 2 else "",
        "USER_TYPE": "employee",
    }


async def serve(answer: Answer, certificate: Path | None) -> None:
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Server, answer), "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main(kind: str, *more: str) -> None:
    kinds: dict[str, Callable[[], Answer]] = {
        "pubsub": pubsub,
        "metadata": metadata,
        "destination": destination,
        "portal": lambda: portal(int(more[0])),
    }
    certificate = Path(more[0]) if kind == "pubsub" and more else None
    asyncio.run(serve(kinds[kind](), certificate))


if __name__ == "__main__":
    main(*sys.argv[1:])
