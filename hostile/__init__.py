"""Tries what an attacker would try: `python -m hostile`, or `make hostile`.

First come the attacks of attacks.toml by kind (`slow`, `work`, `logs`, `proxies`). If all of them were
withstood, their results are written into docs/security.md and docs/security.ru.md. Then come the `inputs`,
a million of them. Hypothesis writes them for four targets: the HTTP function end to end (its queue
is a list, and what lands there goes through the consumer), the decoder, `verify` and the diagnosis.
Nothing may raise, no answer may be a 500, none may take a second of this process's time, and memory
stays bounded. Each round of 2,000 inputs is a separate run of Hypothesis, which remembers all it tried.
"""

import json
import os
import resource
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gateway.diagnosis import diagnose
from gateway.events import read_message
from gateway.ingest.decision import STATUS, judge
from gateway.ingest.decode import decode, decode_query, repeated_places
from gateway.ingest.incoming import MAX_BODY, Incoming
from gateway.ingest.limits import TooComplex
from gateway.redaction import SECRET_NAMES
from gateway.setting_values import WEBHOOK_PATH
from gateway.settings import load
from hostile import attacks
from tests.support.deliveries import AGENT, FORM, OTHER_TOKEN, PORTAL, TOKEN, delivery, form
from tests.support.processes import ROOT
from verify import PLACES, verify

ROUND = 2000
SECONDS = 1.0
SECRET = "s3cret0f1nc0m1ngw3bh00k"

NAMES = st.sampled_from(
    (
        *("event", "data", "auth", "token", "ts", "ID", "FIELDS", "ACTIVE", "UF_USR_TELEGRAM", "domain"),
        *(
            "application_token",
            "document_id",
            "member_id",
            "0",
            "1",
            "",
            " ",
            ".",
            "[",
            "]",
            "a[b",
            "\0",
            "[]",
        ),
    )
)
TEXTS = st.one_of(
    st.sampled_from([TOKEN, OTHER_TOKEN, TOKEN.upper(), f'"{TOKEN}"', TOKEN[:20], SECRET, PORTAL])
    | st.sampled_from(["ONUSERUPDATE", "ONTASKADD", "undefined", "12", "@ivan", "0", "N", "1e999", "\ud800"]),
    st.text(max_size=40),
    st.integers().map(str),
)


def _tree(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.lists(inner, max_size=5) | st.dictionaries(NAMES | st.text(max_size=8), inner, max_size=6)


TREES = st.recursive(TEXTS | st.none() | st.booleans() | st.integers() | st.floats(), _tree, max_leaves=30)


def _json(value: Any) -> bytes:
    # Lone surrogates are escapes, and NaN and Infinity are as Python writes them.
    return json.dumps(value).encode()


@st.composite
def _forms(draw: st.DrawFn) -> bytes:
    """A form of odd names and values, URL-encoded up to twice."""
    pairs = []
    for _ in range(draw(st.integers(0, 12))):
        name = draw(NAMES)
        for level in draw(st.lists(NAMES, max_size=draw(st.sampled_from([0, 1, 2, 40])))):
            name += f"[{level}]"
        value = draw(TEXTS)
        times = draw(st.integers(0, 2))
        pairs.append("=".join(_encoded(part, times) for part in (name, value)))
    return "&".join(pairs).encode("utf-8", "surrogatepass")


def _encoded(text: str, times: int) -> str:
    for _ in range(times):
        text = quote(text, errors="replace")
    return text


@st.composite
def _multiparts(draw: st.DrawFn) -> bytes:
    line = draw(st.sampled_from(["\r\n", "\n"]))
    body = ""
    for _ in range(draw(st.integers(0, 6))):
        file = draw(st.sampled_from(["", "", '; filename="f"']))
        head = f'--x{line}Content-Disposition: form-data; name="{draw(NAMES)}"{file}{line}{line}'
        body += head + draw(TEXTS) + line
    return (body + draw(st.sampled_from(["--x--", "--x", ""]))).encode("utf-8", "surrogatepass")


@st.composite
def _spoilt(draw: st.DrawFn, bodies: SearchStrategy[bytes]) -> bytes:
    """A body that is cut, holds something twice, or has a few bytes replaced."""
    body = draw(bodies)
    start, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
    return body[:start] + draw(st.binary(max_size=4) | st.just(body[start:end] * 2)) + body[end:]


REAL = st.sampled_from([form(), form(token=None), form("ONUSERADD", {"ID": "7"}), _json(delivery())])
FLAT_NAMES = st.builds(
    "{}{}".format, NAMES, st.sampled_from(["", "[]", "[0]", "[a]", "[][]", "[a][]", "[5]"])
)
FORMS_IN_JSON = st.dictionaries(FLAT_NAMES, TREES, max_size=6).map(_json)
WHOLE = _forms() | TREES.map(_json) | FORMS_IN_JSON | _multiparts() | REAL
NESTED = st.builds(
    lambda n, c: c * n, st.integers(1, 3000), st.sampled_from([b"[", b'{"a":', b"a[b]", b"%5B"])
)
BODIES = WHOLE | _spoilt(WHOLE) | st.binary(max_size=300) | NESTED
TYPES = st.sampled_from(
    (
        *(
            FORM,
            "application/json",
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            "text/plain",
            "",
        ),
        *("application/x+json; charset=\xff", "multipart/form-data; boundary=" + "x" * 300),
    )
) | st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=30)
LATIN = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["X-Bitrix-Token", "Authorization", "Cookie", "User-Agent", "Content-Encoding", "X-Token"]
    ),
    st.sampled_from(
        [TOKEN, f"Bearer {TOKEN}", f"bearer  {OTHER_TOKEN}", f"Basic {TOKEN}", AGENT, "gzip", ","]
    )
    | LATIN,
    max_size=3,
)
QUERIES = _forms().filter(lambda query: len(query) < 9000) | st.just(f"token={TOKEN}".encode())
PATHS = st.sampled_from([WEBHOOK_PATH, WEBHOOK_PATH + "/", "/", "//", f"/{TOKEN}", "/health", "/%00", "/x"])
METHODS = st.sampled_from(["POST"] * 8 + ["GET", "HEAD", "PUT", "OPTIONS", "TRACE", "ÖÄ"])


@contextmanager
def _timed() -> Any:
    began = time.thread_time()
    yield
    seconds = time.thread_time() - began
    assert seconds < SECONDS, f"took {seconds:.2f} s"


def _incoming(
    method: str, path: str, query: bytes, body: bytes, kind: str, headers: Mapping[str, str]
) -> Incoming:
    raw = {name.lower(): value.encode("latin-1") for name, value in headers.items()}
    raw["content-type"] = kind.encode("latin-1")
    return Incoming(method, path, query, raw, lambda limit: body[:limit], len(body))


def check_decoder(body: bytes, kind: str, query: bytes) -> None:
    """Check that the decoder raises only `TooComplex`, and yields JSON without lone surrogates."""
    with _timed():
        decode_query(query)
        try:
            payload = decode(body, kind)
        except TooComplex as error:
            assert error.received > error.allowed  # noqa: PT017 — the only exception there may be
            return
    json.dumps(payload.fields, allow_nan=False, ensure_ascii=False).encode("utf-8")


def check_verify(body: Any, query: Any, headers: dict[str, bytes]) -> None:
    """Check that any values in any place give a verdict, true only with an accepted token."""
    with _timed():
        verdict = verify(headers, query, body, (TOKEN.encode(),))
    assert [trace.place for trace in verdict.places] == list(PLACES)
    request_text = repr((body, query, headers))
    assert not verdict.verified or TOKEN in request_text
    assert TOKEN not in repr(verdict)


SETTINGS = load(
    {
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
        "BITRIX24_WEBHOOK_TOKEN": f"1/{SECRET}",
        "BITRIX24_DOMAIN": "p.bitrix24.ru",
    },
    dotenv=None,
)


def check_diagnosis(
    method: str, path: str, query: bytes, body: bytes, kind: str, headers: Mapping[str, str]
) -> None:
    """Check that only refusals have causes, and that no cause holds a secret."""
    with _timed():
        judgement = judge(_incoming(method, path, query, body, kind, headers), SETTINGS, datetime.now(UTC))
        repeated_places(judgement.payload, False)
        causes = diagnose(judgement, SETTINGS)
    assert bool(causes) <= judgement.refused
    if judgement.code.startswith("TOKEN_"):
        assert causes
    causes_text = json.dumps([cause.to_json() for cause in causes], ensure_ascii=False)
    assert TOKEN not in causes_text
    assert SECRET not in causes_text


class Function:
    """The HTTP function behind WSGI, its queue a list; what is queued goes to a consumer at once."""

    def __init__(self, directory: Path) -> None:
        os.environ.update(
            BITRIX24_OUTGOING_WEBHOOK_TOKEN=TOKEN,
            DATABASE_URL=f"sqlite:///{directory}/links.db",
            QUEUE_URL=f"sqlite:///{directory}/queue.db",
            JOURNAL_URL=f"sqlite:///{directory}/journal.db",
        )
        import functions_framework

        from gateway import receiver

        self._queued: list[tuple[bytes, Mapping[str, str]]] = []
        receiver._publisher.cache_clear()
        self._receiver, self._publisher = receiver, receiver._publisher
        receiver._publisher = lambda: self  # type: ignore[assignment]
        app: Any = functions_framework.create_app("bitrix_webhook", str(ROOT / "main.py"))  # type: ignore[no-untyped-call]
        self.client = app.test_client()

    def publish(self, data: bytes, attributes: Mapping[str, str], timeout: float) -> str:
        self._queued.append((data, attributes))
        return "1"

    def wants(self, event: str) -> bool:
        return bool(event)

    def close(self) -> None:
        from handlers import close

        self._receiver._publisher = self._publisher
        close()

    def check(
        self, method: str, path: str, query: bytes, body: bytes, kind: str, headers: Mapping[str, str]
    ) -> None:
        self._queued.clear()
        environ = {
            "QUERY_STRING": query.decode("latin-1"),
            "REQUEST_METHOD": method.encode().decode("latin-1"),
            "PATH_INFO": path,
            "CONTENT_TYPE": kind,
        }
        with _timed():
            answer = self.client.open(
                "/", method=method, data=body, headers=dict(headers), environ_overrides=environ
            )
            answer_body = b"" if method == "HEAD" else answer.get_data()
        assert answer.status_code in STATUS.values(), (answer.status_code, answer_body)
        if answer_body:
            assert STATUS[json.loads(answer_body)["code"]] == answer.status_code
        assert TOKEN.encode() not in answer_body
        assert (answer.status_code == 200 and method == "POST") == bool(self._queued)
        for data, attributes in self._queued:
            self._handle(data, attributes)

    def _handle(self, data: bytes, attributes: Mapping[str, str]) -> None:
        """Check that what is queued holds no secret, can be read, and is handled or put aside."""
        from cloudevents.http import CloudEvent

        from handlers import consume, users

        assert TOKEN.encode() not in data
        assert not set(SECRET_NAMES) & {key.lower() for key in _keys(json.loads(data)["data"])}
        assert read_message(data).event == attributes["event"]
        message = {"data": b64encode(data).decode(), "attributes": attributes, "messageId": "1"}
        kind = {"type": "google.cloud.pubsub.topic.v1.messagePublished", "source": "//pubsub"}
        with _timed():
            for name in ("ONUSERUPDATE", "ONUSERADD"):
                consume(CloudEvent(kind, {"message": message}), name, users.handle)


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


REQUEST = {
    "method": METHODS,
    "path": PATHS,
    "query": QUERIES,
    "body": BODIES,
    "kind": TYPES,
    "headers": HEADERS,
}
VALUES = TREES | st.dictionaries(NAMES, TREES, max_size=6)
RAW = st.sampled_from([TOKEN.encode(), b"Bearer " + TOKEN.encode(), b"Bearer"]) | st.binary(max_size=60)
TOKEN_HEADERS = st.dictionaries(st.sampled_from(["x-bitrix-token", "authorization"]), RAW)


def targets(function: Function) -> dict[str, tuple[Callable[..., None], dict[str, SearchStrategy[Any]]]]:
    """List the functions under attack, each with its inputs."""
    return {
        "http": (function.check, REQUEST),
        "decoder": (check_decoder, {"body": BODIES, "kind": TYPES, "query": QUERIES}),
        "verify": (check_verify, {"body": VALUES, "query": VALUES, "headers": TOKEN_HEADERS}),
        "diagnosis": (check_diagnosis, REQUEST),
    }


def attack(check: Callable[..., None], inputs: dict[str, SearchStrategy[Any]], count: int, seed: int) -> None:
    """Try `count` inputs; a failing one is made as small as possible and raised."""
    from hypothesis import seed as seeded

    def try_one(**values: Any) -> None:
        check(**values)

    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_settings = settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=slow,
    )
    seeded(seed)(run_settings(given(**inputs)(try_one)))()


@click.command(help=__doc__)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([*attacks.KINDS, "inputs"]),
    help="Try only this kind; may be given several times.",
)
@click.option(
    "--inputs", default=1_000_000, show_default=True, help="How many inputs, over all targets together."
)
@click.option("--seed", type=int, help="Repeat the inputs of the run that printed this seed.")
def main(kinds: tuple[str, ...], inputs: int, seed: int | None) -> None:
    results = attacks.run(kinds or attacks.KINDS)
    if not all(result.held for result in results):
        sys.exit(1)
    if set(kinds or attacks.KINDS) >= set(attacks.KINDS):
        attacks.write(results)
    if not kinds or "inputs" in kinds:
        attack_with_inputs(inputs, seed)


def attack_with_inputs(inputs: int, seed: int | None) -> None:
    import logging

    seed = int.from_bytes(os.urandom(3), "big") if seed is None else seed
    print(f"seed {seed}, {inputs} inputs, bodies up to {MAX_BODY} bytes: tests/system/test_hostile.py")
    began, inputs_done, first = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as directory:
        function = Function(Path(directory))
        # The wording of rejections is tested elsewhere.
        logging.disable(logging.CRITICAL)
        attacked = targets(function)
        while inputs_done < inputs:
            for number, (name, (check, strategies)) in enumerate(attacked.items()):
                attack(
                    check,
                    strategies,
                    min(ROUND, max(inputs // len(attacked), 1)),
                    seed + inputs_done + number,
                )
                inputs_done += ROUND
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
                first = first or memory
                print(
                    f"{time.monotonic() - began:7.0f} s  {inputs_done:8}  {name}: fine, {memory} MB",
                    flush=True,
                )
        function.close()
    attacks.write_inputs(inputs_done)
    if memory > first + 300:
        sys.exit(f"memory grew from {first} to {memory} MB")
