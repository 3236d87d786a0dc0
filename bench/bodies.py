"""Builds the events that are sent: realistic, different in each request, and before the clock starts."""

from collections.abc import Iterator
from typing import Any

from tests.support.deliveries import AGENT, FORM, TOKEN, form

__all__ = ["FORM", "TEN_TIMES", "TOKEN", "event", "latin_event", "numbered", "requests"]

# People in an event whose body is ten times as long as one person's.
TEN_TIMES = 17

# The template's placeholder for an event's own number, always with as many digits.
_NUMBER = 10**9


def person(number: int) -> dict[str, Any]:
    """A user as `ONUSERUPDATE` carries one: seven of the event's fifteen keys."""
    return {
        "ID": str(number),
        "ACTIVE": "1",
        "NAME": "Иван",
        "LAST_NAME": "Петров",
        "EMAIL": "ivan.petrov@example.com",
        "WORK_POSITION": "Менеджер по продажам",
        "UF_USR_TELEGRAM": str(number),
    }


def event(number: int = _NUMBER, people: int = 1) -> bytes:
    """A delivery of fifteen keys; with several people, of eight and seven for each."""
    data: Any = person(number)
    return form(data=data if people == 1 else [person(number + index) for index in range(people)])


def latin_event(number: int = _NUMBER) -> bytes:
    """The same delivery in letters that need no percent-encoding, which costs less to decode."""
    latin = {"NAME": "Ivan", "LAST_NAME": "Petrov", "WORK_POSITION": "Sales manager"}
    return form(data=person(number) | latin)


def numbered(first: int, count: int) -> Iterator[bytes]:
    """`count` bodies of one length, each with a user of its own."""
    template = event()
    for number in range(first, first + count):
        yield template.replace(b"%d" % _NUMBER, b"%d" % (_NUMBER + number))


def requests(first: int, count: int, path: str = "/api/bitrix/webhook") -> list[bytes]:
    """`count` whole HTTP requests of different events, as Bitrix24's engine sends them."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {AGENT}\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {len(event())}\r\n\r\n"
    ).encode()
    return [head + body for body in numbered(first, count)]
