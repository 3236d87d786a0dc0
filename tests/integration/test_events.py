"""`./b24 events` beside a running server: listed, shown, resent to one destination, followed."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.commands import run_command
from tests.support.deliveries import OTHER_TOKEN, TOKEN, form
from tests.support.processes import Running, Start, wait_for

# In seconds: a slow machine is no failure.
WITHIN = 60.0


class Bot(ThreadingHTTPServer):
    """A bot's handler that takes everything, and keeps the ids of what came."""

    daemon_threads = True

    def __init__(self) -> None:
        self.came: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.came.append(self.headers["webhook-id"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/bitrix"


@pytest.fixture
def bots() -> Iterator[tuple[Bot, Bot]]:
    started = (Bot(), Bot())
    for bot in started:
        threading.Thread(target=bot.serve_forever, daemon=True).start()
    yield started
    for bot in started:
        bot.shutdown()
        bot.server_close()


def b24(server: Running, *arguments: str) -> Any:
    process = run_command("events", *arguments, env=server.env)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout) if "--json" in arguments else process.stdout


def test_an_event_is_listed_shown_and_resent_to_one_destination(
    start_serve: Start, bots: tuple[Bot, Bot]
) -> None:
    first_bot, second_bot = bots
    server = start_serve(FORWARD_TO=f"{first_bot.url} {second_bot.url}", LOG_LANGUAGE="en")
    event_id = server.post(form()).json["event_id"]
    assert server.post(form(token=OTHER_TOKEN)).status == 403

    def settled() -> list[Any]:
        listed: list[Any] = b24(server, "--json", "--since", "1h")
        # The tag is read before the outcomes, which may have come in between.
        ready = len(listed) == 2 and len(listed[0]["outcomes"]) == 3 and listed[0]["tag"] == "linked"
        return listed if ready else []

    accepted, refused = wait_for(settled, WITHIN)
    assert (accepted["event_id"], accepted["tag"], accepted["users"]) == (event_id, "linked", [12])
    codes = sorted(outcome["code"] for outcome in accepted["outcomes"])
    assert codes == ["EVENT_FORWARDED", "EVENT_FORWARDED", "LINK_SYNCED"]
    assert (refused["status"], refused["causes"][0]["code"]) == (403, "TOKEN_OTHER_WEBHOOK")
    text = b24(server)
    assert f"linked: @ivan_petrov → user 12; delivered: {first_bot.url}" in text.replace(
        second_bot.url, first_bot.url
    )
    assert TOKEN not in text

    second_event_id = b24(server, "resend", accepted["id"], "--to", second_bot.url, "--json")["event_id"]
    wait_for(lambda: second_bot.came == [event_id, second_event_id], WITHIN)
    wait_for(lambda: len(b24(server, "show", second_event_id, "--json")["outcomes"]) == 4, WITHIN)
    assert first_bot.came == [event_id]


def test_new_events_are_followed(start_serve: Start) -> None:
    server = start_serve(LOG_LANGUAGE="en")
    command = [sys.executable, "-m", "gateway", "events", "--follow", "--json"]
    with subprocess.Popen(command, env=dict(server.env), stdout=subprocess.PIPE, text=True) as tool:
        assert server.post(form()).status == 200
        assert tool.stdout is not None
        event = json.loads(tool.stdout.readline())
        tool.terminate()
    assert (event["event"], event["status"]) == ("ONUSERUPDATE", 200)
