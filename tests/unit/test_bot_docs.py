"""The bot of the documentation, run against real links; only Telegram itself is played."""

import asyncio
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from gateway.errors import StoreUnavailable
from gateway.links import open_store
from gateway.links.model import Account, Moment, Observation
from gateway.locations import store_location

DOCS = Path(__file__).parents[2] / "docs"


def code(name: str) -> str:
    """The bot that reads the store itself; all three run for real in tests/system/test_bot_page.py."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
    return next(block for block in blocks if "gateway.links" in block)


@pytest.fixture
def bot(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """The example's names, after a user with a number and one with a name were linked."""
    url = f"sqlite:///{tmp_path}/links.db"
    store = open_store(store_location(url))
    at = Moment(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    for user, account in ((7, Account(telegram_id=700)), (8, Account(telegram_username="Eight"))):
        store.apply("p.bitrix24.ru", f"event {user}", [Observation(user, account, at, True, at)])
    store.close()
    for name in ("telegram", "telegram.ext"):
        played = ModuleType(name)
        played.__dict__.update(
            dict.fromkeys(("Update", "Application", "CommandHandler", "ContextTypes"), MagicMock())
        )
        monkeypatch.setitem(sys.modules, name, played)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("BITRIX24_DOMAIN", "p.bitrix24.ru")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "x")
    names: dict[str, Any] = {"__name__": "bot"}
    exec(code(request.param), names)  # noqa: S102 — it is the documentation that is tested
    yield names
    names["people"].close()


def ask(bot: dict[str, Any], number: int, username: str | None) -> str:
    printed: list[str] = []

    async def reply_text(text: str) -> None:
        printed.append(text)

    update = SimpleNamespace(
        effective_user=SimpleNamespace(id=number, username=username),
        effective_message=SimpleNamespace(reply_text=reply_text),
    )
    asyncio.run(bot["whoami"](update, None))
    return printed[0]


@pytest.mark.parametrize(
    ("bot", "stranger", "by_name", "later"),
    [
        ("bot.md", "don't know", "only know your @name", "in a minute"),
        ("bot.ru.md", "не знаю", "только ваше @имя", "через минуту"),
    ],
    indirect=["bot"],
)
def test_the_bot_of_the_documentation(bot: dict[str, Any], stranger: str, by_name: str, later: str) -> None:
    assert "7" in ask(bot, 700, "whoever")
    assert stranger in ask(bot, 701, None)
    assert by_name in ask(bot, 702, "eight")
    people = MagicMock()
    people.of_telegram.side_effect = StoreUnavailable("down")
    bot["people"], opened = people, bot["people"]
    assert later in ask(bot, 700, None)
    bot["people"] = opened
    assert opened.of_user(7).telegram_id == 700
    assert [row.bitrix_user_id for row in opened.changes(datetime(2026, 1, 1, tzinfo=UTC))] == [7, 8]
