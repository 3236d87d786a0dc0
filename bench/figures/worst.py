"""What the most expensive requests within the limits cost, in healthy events: anybody can send them."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from bench import bodies
from bench.parts import Bench
from bench.sample import Result, alternate
from gateway.diagnosis import diagnose
from gateway.ingest.decision import Judgement, judge
from gateway.ingest.incoming import MAX_BODY, Incoming
from gateway.receiver.capture import capture_record
from gateway.settings import Settings, load

FORM, JSON, MULTIPART = bodies.FORM, "application/json", "multipart/form-data; boundary=b"
FIELDS = range(1000)
# In healthy events: the contract's bounds.
JUDGED, EXPLAINED = 500.0, 2500.0


def filled(unit: bytes) -> bytes:
    """`unit` again and again, up to the limit."""
    return unit * (MAX_BODY // len(unit))


def form_of(name: str, value: bytes) -> bytes:
    """A thousand parameters of one kind; `{}` in the name is each one's number."""
    return b"&".join(name.format(number).encode() + b"=" + value for number in FIELDS)


def parts_of(more: bytes, name: bytes = b"") -> bytes:
    """As many parts as are allowed, `more` in the head of each, and at the end of its name `name`."""
    head = b'--b\r\nContent-Disposition: form-data; name="a%d' + name + b'"' + more + b"\r\n\r\nx\r\n"
    return (b"".join(head % n for n in FIELDS) + b"--b--\r\n")[:MAX_BODY]


REQUESTS: dict[str, tuple[bytes, str]] = {
    "names of []": (form_of("a[]", b"1"), FORM),
    "32 levels": (form_of("a{}" + "[x]" * 31, b"%41"), FORM),
    "32 levels of []": (form_of("a" + "[]" * 31, b"1"), FORM),
    "empty parameters": (b"a=1" + b"&" * (MAX_BODY - 3), FORM),
    "encoded letters": (b"a=" + b"%D0%B9" * (MAX_BODY // 6 - 1), FORM),
    "stray percents": (b"a=" + filled(b"%G")[2:], FORM),
    "bytes of no UTF-8": (form_of("a{}", b"%FF" * 160), FORM),
    "numbers in JSON": (b"[" + filled(b"1,")[4:] + b"1]", JSON),
    "objects in JSON": (b"[" + filled(b"{},")[6:] + b"{}]", JSON),
    "names given twice in JSON": (b"{" + filled(b'"a":1,')[12:] + b'"b":1}', JSON),
    "texts of JSON in JSON": (json.dumps({"data": json.dumps({"a": [1] * 990})}).encode(), JSON),
    "fields that are events": (form_of("a{}", b'{"event":"E","auth":{"application_token":""}}'), FORM),
    "fields that are forms": (form_of("a{}", b"event%3DE%26auth%5Btoken%5D%3Dx" + b"%26" * 90), FORM),
    "fields of ligatures": (form_of("a{}", "\ufdfa".encode() * 160), FORM),
    "fields encoded often": (form_of("a{}", b"%2525" * 100), FORM),
    "stray percents and bytes of no UTF-8": (b"a=" + filled(b"%G%FF")[6:], FORM),
    "stray percents in names": (b"&".join(b"%G" * 250 + b"%d=1" % n for n in FIELDS), FORM),
    "names of no UTF-8": (b"&".join(b"\xff" * 500 + b"%d=1" % n for n in FIELDS), FORM),
    "32 levels of lists": (form_of("a{}" + "[0]" * 31, b"1"), FORM),
    "texts of JSON beside names": (b"&".join([b'auth={"a":[1,2,3]}'] * 998) + b"&auth[token]=1", FORM),
    "32 levels of JSON": (b"[" + b",".join([b'{"0":' * 30 + b"1" + b"}" * 30] * 1000) + b"]", JSON),
    "fractions in JSON": (b"[" + filled(b"1.5,")[4:] + b"1]", JSON),
    "objects given twice in JSON": (b"{" + filled(b'"a":{"x":1},')[12:] + b'"a":1}', JSON),
    "names of a form in JSON": (json.dumps({f"data[{n}]" + "[]" * 30: "1" for n in FIELDS}).encode(), JSON),
    "attributes of a part": (parts_of(b"; a=b" * 80), MULTIPART),
    "semicolons in a part's head": (parts_of(b";" * 480), MULTIPART),
    "headers of many parts": (parts_of(b"\r\nX: y" * 60), MULTIPART),
    "32 levels in parts": (parts_of(b"", b"[x]" * 31), MULTIPART),
    "many parts": (parts_of(b""), MULTIPART),
    "backslashes in names of parts": (parts_of(b"", rb"\\" * 220), MULTIPART),
    "objects without end, as a form": (filled(b"{="), FORM),
    "headers of a part": (
        b"--b\r\n" + filled(b'Content-Disposition: form-data; name="a"\r\n')[50:],
        MULTIPART,
    ),
}


def dearest_requests(bench: Bench) -> Iterator[Result]:
    rounds = bench.rounds(9, 3)
    now = datetime.now(UTC)
    until = (now + timedelta(minutes=50)).isoformat()
    settings = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": bodies.TOKEN, "WEBHOOK_CAPTURE_UNTIL": until}, None)

    small = bodies.event()

    ways: list[tuple[Callable[..., Judgement], float, str]] = [
        (_judged, JUDGED, "judged"),
        (_explained, EXPLAINED, "judged, diagnosed and captured"),
    ]
    for works, aim, title in ways:
        run = partial(works, settings=settings, now=now)
        name = max(REQUESTS, key=lambda name: _microseconds(partial(run, *REQUESTS[name]), 1))
        figures = alternate(
            rounds,
            worst=partial(_microseconds, partial(run, *REQUESTS[name]), 1),
            healthy=partial(_microseconds, partial(_judged, small, FORM, settings, now), 300),
        )
        yield Result(
            figure=f"CPU of the dearest request, {title}",
            what=f"of {len(REQUESTS)} within the limits: {name}",
            yardstick_is="a healthy event",
            unit="µs",
            ours=figures["worst"],
            yardstick=figures["healthy"],
            aim=aim,
        )


def _judged(body: bytes, content_type: str, settings: Settings, now: datetime) -> Judgement:
    headers = {"content-type": content_type.encode(), "user-agent": b"Bitrix24 Webhook Engine"}
    incoming = Incoming("POST", "/api/bitrix/webhook", b"", headers, lambda limit: body[:limit], len(body))
    return judge(incoming, settings, now)


def _explained(body: bytes, content_type: str, settings: Settings, now: datetime) -> Judgement:
    judgement = _judged(body, content_type, settings, now)
    diagnose(judgement, settings)
    capture_record(judgement.incoming, judgement.body, settings, judgement, now)
    return judgement


def _microseconds(work: Callable[[], object], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - started) / calls * 1e6
