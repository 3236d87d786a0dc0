"""docs/bot.md: its three bots as printed, before a running gateway; Telegram is played on loopback.

python-telegram-bot and aiogram are the real libraries. Only where they look for
Telegram is changed, by a few lines before the page's code runs.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.support.deliveries import TOKEN, form
from tests.support.installed import installed
from tests.support.pages import blocks
from tests.support.processes import ROOT, Start, free_port, wait_for

# The token of a second webhook; the bot knows only the first one's.
NEWER = "n3w9x2m8q1w7e5r4t6y0u1i2o3p4a5s6"
LINKS_TOKEN = "a-token-for-the-bot-32-characters"
CHAT = 4242
SECONDS = 120.0

RUN = "runpy.run_path(sys.argv[1], run_name='__main__')"
PTB = f"""
import os, runpy, sys
from telegram.ext import ApplicationBuilder
build = ApplicationBuilder.build
ApplicationBuilder.build = lambda self: build(self.base_url(os.environ["TELEGRAM_API"] + "/bot"))
{RUN}
"""
AIOGRAM = f"""
import functools, os, runpy, sys
from aiogram.client import bot
from aiogram.client.telegram import TelegramAPIServer
server = TelegramAPIServer.from_base(os.environ["TELEGRAM_API"])
bot.AiohttpSession = functools.partial(bot.AiohttpSession, api=server)
{RUN}
"""


def code(page: str) -> dict[str, str]:
    """The page's bots by the library that they stand on."""
    code_blocks = [block for block in blocks(f"docs/{page}") if block.kind in ("python", "js")]
    names = {"telegram.ext": "telegram", "aiogram": "aiogram", "fetch(": "node"}
    return {name: block.text for block in code_blocks for word, name in names.items() if word in block.text}


def test_the_code_is_the_same_in_both_languages() -> None:
    """Without its sentences and comments."""
    sentences = re.compile(r'"""[^"]*"""|"(?:\\.|[^"\n])*"|\'(?:\\.|[^\'\n])*\'|`[^`]*`|# .*')
    english, russian = (
        {name: sentences.sub("", text) for name, text in code(page).items()}
        for page in ("bot.md", "bot.ru.md")
    )
    assert english == russian
    assert set(english) == {"telegram", "aiogram", "node"}


class Telegram(ThreadingHTTPServer):
    """The Bot API as far as these bots use it; each bot is known by its token."""

    daemon_threads = True

    def __init__(self) -> None:
        self.updates: dict[str, list[dict[str, Any]]] = {}
        self.sent: list[tuple[str, int, str]] = []
        self._count = 0
        super().__init__(("127.0.0.1", 0), _BotApi)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asks(self, token: str, person: int, username: str | None = None) -> str:
        """Somebody writes /whoami to a bot; what the bot answers."""
        self._count += 1
        sender = {"id": person, "is_bot": False, "first_name": "A"} | (
            {"username": username} if username else {}
        )
        message = {
            "message_id": self._count,
            "date": 1750000000,
            "chat": {"id": person, "type": "private", "first_name": "A"},
            "from": sender,
            "text": "/whoami",
            "entities": [{"type": "bot_command", "offset": 0, "length": 7}],
        }
        before = len(self.sent)
        self.updates.setdefault(token, []).append({"update_id": self._count, "message": message})
        return wait_for(lambda: self.answer(token, person, before), SECONDS)

    def answer(self, token: str, chat: int, after: int = 0) -> str:
        return next((text for bot, to, text in self.sent[after:] if (bot, to) == (token, chat)), "")


class _BotApi(BaseHTTPRequestHandler):
    server: Telegram

    def do_POST(self) -> None:
        token, method = self.path.removeprefix("/bot").split("/")
        values = self._values()
        result: Any = True
        if method == "getMe":
            result = {"id": 1, "is_bot": True, "first_name": "Bot", "username": "a_bot"}
        elif method == "getUpdates":
            waiting, self.server.updates[token] = self.server.updates.get(token, []), []
            result = waiting
            if not waiting:
                # The real one waits longer before it says that there is nothing.
                threading.Event().wait(0.1)
        elif method == "sendMessage":
            chat, text = int(values["chat_id"]), str(values["text"])
            self.server.sent.append((token, chat, text))
            result = {
                "message_id": 1,
                "date": 1750000000,
                "chat": {"id": chat, "type": "private"},
                "text": text,
            }
        body = json.dumps({"ok": True, "result": result}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def _values(self) -> dict[str, Any]:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("application/json"):
            return dict(json.loads(body))
        if kind.startswith("multipart/form-data"):
            message: Any = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
            return {
                part.get_param("name", header="content-disposition"): part.get_payload(decode=True).decode()
                for part in message.get_payload()
            }
        return dict(parse_qsl(body.decode()))

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    played = Telegram()
    yield played
    played.shutdown()
    played.server_close()


@pytest.fixture(scope="module")
def libraries() -> Path:
    """The bots' libraries: in a folder of their own, because aiogram wants an older pydantic than ours."""
    pins = ROOT / "tests/support/bots/requirements.txt"

    def install(folder: Path) -> bool:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
        pip += ["--target", str(folder), "-r", str(pins)]
        return subprocess.run(pip, capture_output=True, check=False).returncode == 0

    folder = installed("bots", pins, install)
    if folder is None:
        pytest.skip("pip installs nothing here")
    return folder


def test_the_bots_as_printed(telegram: Telegram, start_serve: Start, libraries: Path, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    bot_port = free_port()
    gateway = start_serve(
        BITRIX24_OUTGOING_WEBHOOK_TOKEN=f"{TOKEN},{NEWER}",
        BITRIX24_DOMAIN="portal.bitrix24.ru",
        LINKS_API_TOKEN=LINKS_TOKEN,
        FORWARD_TO=f"http://127.0.0.1:{bot_port}/bitrix#ONTASK*",
    )
    for user, account in ((7, "700"), (8, "@Eight_8")):
        assert gateway.post(form(data={"ID": str(user), "UF_USR_TELEGRAM": account})).status == 200
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": f"{ROOT}:{libraries}",
        "DATABASE_URL": gateway.env["DATABASE_URL"],
        "BITRIX24_DOMAIN": "portal.bitrix24.ru",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
        "LINKS_API_TOKEN": LINKS_TOKEN,
        "GATEWAY": f"http://127.0.0.1:{gateway.port}",
        "BOT_PORT": str(bot_port),
        "TELEGRAM_API": telegram.url,
        "TELEGRAM_CHAT": str(CHAT),
    }
    # The page's own question, until both users are linked.
    question = next(
        block.text for block in blocks("docs/bot.md") if "/api/links?" in block.text and block.kind == "sh"
    )
    question = question.replace(":8080/", f":{gateway.port}/")

    def answer_to(what: str) -> Any:
        command = question.replace("telegram_id=123456789", what)
        process = subprocess.run(
            ["bash", "-euc", command], env=env, capture_output=True, text=True, check=True
        )
        return json.loads(process.stdout)

    assert answer_to("telegram_id=123456789") == {"link": None, "by_name_only": False}
    assert wait_for(lambda: answer_to("telegram_id=700")["link"], SECONDS)["bitrix_user_id"] == 7
    assert wait_for(lambda: answer_to("telegram_username=eight_8")["link"], SECONDS)["bitrix_user_id"] == 8

    commands = {
        "telegram": [sys.executable, "-c", PTB],
        "aiogram": [sys.executable, "-c", AIOGRAM],
        "node": ["node"],
    }
    tokens = {name: f"{number}:{name}" for number, name in enumerate(commands, 1)}
    bots = []
    for name, text in code("bot.md").items():
        file = tmp_path / (f"{name}.cjs" if name == "node" else f"{name}_bot.py")
        file.write_text(text)
        bots.append(
            subprocess.Popen(
                [*commands[name], str(file)], cwd=tmp_path, env=env | {"TELEGRAM_BOT_TOKEN": tokens[name]}
            )
        )
    try:
        for token in tokens.values():
            assert telegram.asks(token, 700) == "You are Bitrix24 user 7."
            assert telegram.asks(token, 701) == "I don't know you."
        assert "only know your @name" in telegram.asks(tokens["telegram"], 702, "eight_8")

        # The event comes by the newer webhook; the bot checks the token it has always had.
        body = form(event="ONTASKADD", data={"FIELDS_AFTER": {"ID": "55"}}, token=NEWER)
        assert gateway.post(body).status == 200
        assert wait_for(lambda: telegram.answer(tokens["aiogram"], CHAT), SECONDS) == "ONTASKADD 55"

        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(60) == 0
        for name in ("aiogram", "node"):
            assert telegram.asks(tokens[name], 700).startswith("I can't look you up just now")
        # This bot reads the store itself.
        assert telegram.asks(tokens["telegram"], 700) == "You are Bitrix24 user 7."
    finally:
        for bot in bots:
            bot.kill()
            bot.wait(60)
