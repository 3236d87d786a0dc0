"""Destinations that keep which events came: a quick one, a slow one, one that is dead for a while."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# One delivery after another, so at most a hundred a second.
SLOW_SECONDS = 0.01


@dataclass(eq=False)
class Destination:
    """An address; `ids` are the events that it answered 200. A dead one hangs up instead."""

    seconds: float = 0.0
    dead: bool = False
    ids: set[str] = field(default_factory=set)
    _one_by_one: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if outer.dead:
                    self.close_connection = True
                    return
                if outer.seconds:
                    with outer._one_by_one:
                        time.sleep(outer.seconds)
                outer.ids.add(self.headers["webhook-id"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                """Whoever posted was killed."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/bitrix"

    def __enter__(self) -> "Destination":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def destinations(*, dead: bool) -> dict[str, Destination]:
    all_destinations = {"quick": Destination(), "slow": Destination(seconds=SLOW_SECONDS)}
    return all_destinations | ({"dead": Destination(dead=True)} if dead else {})


def forward_to(destinations_by_name: Mapping[str, Destination]) -> str:
    """The setting."""
    return " ".join(destination.url for destination in destinations_by_name.values())
