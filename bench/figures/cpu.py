"""CPU of one event, from the body's bytes to the message's, without host and network."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qsl

from bench import bodies
from bench.parts import Bench
from bench.sample import Result, alternate
from gateway.events import webhook_message
from gateway.ingest.decode import decode, decode_query, repeated_places
from verify import verify

TOKENS = (bodies.TOKEN.encode(),)
SECRETS = (bodies.TOKEN,)
HEADERS = {"content-type": bodies.FORM.encode(), "user-agent": b"Bitrix24 Webhook Engine"}
NOW = datetime.now(UTC)


def whole_way(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Verify, decode, model and message: what the function does between reading and publishing."""
    query, token_repeated = decode_query(b"")
    payload = decode(body, bodies.FORM)
    repeated = repeated_places(payload, token_repeated)
    verdict = verify(HEADERS, query, payload.fields, TOKENS, repeated)
    message = webhook_message(payload.fields, NOW, SECRETS, "")
    return message.to_bytes(), message.attributes(verdict.place or "")


def one_event(bench: Bench) -> Iterator[Result]:
    rounds, calls = bench.rounds(60, 10), 300
    for letters, small in (("Latin", bodies.latin_event()), ("Cyrillic", bodies.event())):
        text = small.decode()
        figures = alternate(
            rounds,
            ours=partial(_microseconds, partial(whole_way, small), calls),
            parse_qsl=partial(_microseconds, partial(parse_qsl, text), calls),
        )
        yield Result(
            figure=f"CPU of an event, {letters}",
            what="verify, decode, model, message: 15 keys",
            yardstick_is="parse_qsl",
            unit="µs",
            ours=figures["ours"],
            yardstick=figures["parse_qsl"],
            aim=2.0,
        )
    small, large = bodies.event(), bodies.event(people=bodies.TEN_TIMES)
    figures = alternate(
        rounds,
        large=partial(_microseconds, partial(whole_way, large), calls // 10),
        small=partial(_microseconds, partial(whole_way, small), calls),
    )
    title = f"the same for {len(large) / len(small):.0f} × the body"
    yield Result(
        figure="CPU of a large event",
        what=title,
        yardstick_is="one body",
        unit="µs",
        ours=figures["large"],
        yardstick=figures["small"],
        aim=12.0,
    )


def _microseconds(work: Callable[[], object], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - started) / calls * 1e6
