"""Access tokens from a metadata server on loopback, and the one rule of which way is taken."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import google.auth
import google.auth.exceptions
import pytest

from gateway.errors import QueueUnavailable
from gateway.queues import google_token as ours
from gateway.queues.deadline_http import Shared
from gateway.queues.pubsub import PubSub
from tests.support.errors import raises


class Metadata(BaseHTTPRequestHandler):
    """Answers as Google's metadata server does, with a new token each time."""

    status: ClassVar[int] = 200
    answer: ClassVar[Any] = None
    seconds: ClassVar[int] = 3600
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers["Metadata-Flavor"])
        answer_body = self.answer or {"access_token": f"token-{len(self.asked)}", "expires_in": self.seconds}
        body = json.dumps(answer_body).encode()
        right = self.path == "/computeMetadata/v1/instance/service-accounts/default/token"
        self.send_response(self.status if right else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Silent."""


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Metadata]]:
    """A fresh metadata server, and an access token not yet got."""

    class Fresh(Metadata):
        asked: ClassVar[list[str | None]] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Fresh)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.server_port}")
    monkeypatch.setattr(ours, "_token", Shared(ours._fetch))
    yield Fresh
    server.shutdown()
    thread.join()
    server.server_close()


def soon() -> float:
    return time.monotonic() + 30


def test_the_token_is_asked_for_once_with_the_header(metadata: type[Metadata]) -> None:
    assert [ours.access_token(soon()) for _ in range(3)] == ["token-1"] * 3
    assert metadata.asked == ["Google"]


def test_a_refused_token_is_replaced(metadata: type[Metadata]) -> None:
    ours.access_token(soon())
    ours.forget_access_token()
    assert ours.access_token(soon()) == "token-2"


def test_the_token_is_renewed_before_it_expires(metadata: type[Metadata]) -> None:
    for seconds, fresh in [(3600, 3375.0), (300, 150.0), (10, 5.0)]:
        metadata.seconds = seconds
        _, for_fresh, for_good = ours._fetch()
        assert (for_fresh, for_good) == (fresh, seconds - 10)


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [(404, {}, "404"), (200, {"error": "no"}, "no access token"), (200, [1], "no access token")],
)
def test_a_missing_token_is_reported(
    metadata: type[Metadata], status: int, answer: object, says: str
) -> None:
    metadata.status, metadata.answer = status, answer
    with raises(ours.CredentialsError, match=says):
        ours.access_token(soon())


def test_publishing_without_a_token_is_unavailable(
    metadata: type[Metadata], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    metadata.status = 500
    with raises(QueueUnavailable, match="No access to Pub/Sub: the metadata server answered 500"):
        PubSub("p-1", "events").publish(b"{}", {}, 10)


def test_elsewhere_googles_library_finds_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_login(**_options: object) -> object:
        raise google.auth.exceptions.DefaultCredentialsError("canary")  # type: ignore[no-untyped-call]

    monkeypatch.delenv("GCE_METADATA_HOST", raising=False)
    monkeypatch.delenv("K_SERVICE", raising=False)
    monkeypatch.setattr(google.auth, "default", no_login)
    monkeypatch.setattr(ours, "_token", Shared(ours._fetch))
    with raises(ours.CredentialsError, match="gcloud auth application-default login"):
        ours.access_token(soon())
