"""Cloud Logging's far side on loopback, and Google's own client talking to it."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest


class CloudLogging(BaseHTTPRequestHandler):
    """Answers `entries:list`, one entry a page, as the API pages long answers."""

    entries: ClassVar[list[dict[str, Any]]] = []
    asked: ClassVar[list[dict[str, Any]]] = []
    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(request)
        start = int(request.get("pageToken") or 0)
        page: dict[str, Any] = {"entries": self.entries[start : start + 1]}
        if start + 1 < len(self.entries):
            page["nextPageToken"] = str(start + 1)
        body = json.dumps(page if self.status == 200 else {"error": {"message": "canary"}}).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Silent."""


@pytest.fixture
def logging_api() -> Iterator[tuple[type[CloudLogging], Any]]:
    """A far side that speaks Cloud Logging's REST, and Google's own client talking to it."""
    # Every process of a test run imports this module, and few of them need what takes longest to import.
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import logging as cloud

    class Fresh(CloudLogging):
        asked: ClassVar[list[dict[str, Any]]] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Fresh)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    client = cloud.Client(  # type: ignore[no-untyped-call]
        project="p-1234",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": f"http://127.0.0.1:{server.server_port}"},
        _use_grpc=False,
    )
    yield Fresh, client
    client.close()  # type: ignore[no-untyped-call]
    server.shutdown()
    thread.join()
    server.server_close()
