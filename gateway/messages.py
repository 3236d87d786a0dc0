"""Every sentence an operator reads, in Russian and in English, under one key.

A sentence ends in what to do next, where there is something to do. Values are
filled in by name; none of them is ever a secret.
"""

from typing import NamedTuple


class Sentence(NamedTuple):
    """One text in both languages; `str.format` fields by name, the same in both."""

    ru: str
    en: str


SENTENCES: dict[str, Sentence] = {
    # The well-known lines: operators search their logs for them, so their beginnings stay as they are.
    "TOKEN_REFUSED": Sentence(
        "⚠️ Неверный токен исходящего вебхука. Получен: {received}",
        "⚠️ Wrong outgoing webhook token. Received: {received}",
    ),
    "TOKEN_VERIFIED": Sentence(
        "✅ Токен исходящего вебхука проверен успешно",
        "✅ Outgoing webhook token verified",
    ),
    "LINK_SYNCED": Sentence(
        "✅ Синхронизировано из Bitrix24 (исходящий вебхук): Telegram ID {account} → Bitrix24 User ID {user}",
        "✅ Synced from Bitrix24 (outgoing webhook): Telegram ID {account} → Bitrix24 User ID {user}",
    ),
}


def say(key: str, language: str, /, **values: object) -> str:
    """The sentence `key` in `language` (`ru` or `en`), its fields filled from `values`."""
    sentence: str = getattr(SENTENCES[key], language)
    return sentence.format(**values)
