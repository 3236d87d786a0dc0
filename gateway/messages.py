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
    # Queues, and what is kept when they fail.
    "QUEUE_FILE_FAILED": Sentence(
        "Очередь {path} не приняла или не отдала сообщение: {problem}. Проверьте место на диске, права на файл и каталог и не держит ли его другая программа",
        "The queue {path} did not take or give a message: {problem}. Check the free space, the rights to the file and its directory, and that no other program holds it",
    ),
    "PUBSUB_UNREACHABLE": Sentence(
        "Pub/Sub ({host}) не ответил: {problem}. Проверьте сеть и DNS (для эмулятора: запущен ли он на PUBSUB_EMULATOR_HOST)",
        "Pub/Sub ({host}) did not answer: {problem}. Check the network and the DNS (with the emulator: that it runs at PUBSUB_EMULATOR_HOST)",
    ),
    "PUBSUB_UNREADABLE": Sentence(
        "Ответ Pub/Sub не разобрать. Проверьте, что по этому адресу отвечает Pub/Sub, а не прокси",
        "Pub/Sub's answer can't be read. Check that Pub/Sub answers at this address, not a proxy",
    ),
    "PUBSUB_NO_CREDENTIALS": Sentence(
        "Нет доступа к Pub/Sub: {problem}",
        "No access to Pub/Sub: {problem}",
    ),
    "PUBSUB_FORBIDDEN": Sentence(
        "Pub/Sub отказал ({status}) для {resource}. Дайте сервисному аккаунту права на этот ресурс: ./deploy.sh deploy",
        "Pub/Sub refused ({status}) {resource}. Give the service account its role there: ./deploy.sh deploy",
    ),
    "PUBSUB_MISSING": Sentence(
        "В Pub/Sub нет {resource} ({status}). Проверьте QUEUE_URL; топики и подписки создаёт ./deploy.sh deploy",
        "Pub/Sub has no {resource} ({status}). Check QUEUE_URL; ./deploy.sh deploy creates topics and subscriptions",
    ),
    "PUBSUB_STATUS": Sentence(
        "Pub/Sub ответил {status} для {resource}. Если это повторяется, проверьте квоты и состояние Google Cloud",
        "Pub/Sub answered {status} for {resource}. If that goes on, check the quotas and Google Cloud's status",
    ),
    "EVENT_NOT_QUEUED": Sentence(
        "🛑 Событие {event} ({event_id}) не попало в очередь и сохранено целиком ({where}). Вернуть: python -m gateway replay",
        "🛑 Event {event} ({event_id}) did not reach the queue and is kept whole ({where}). Put it back: python -m gateway replay",
    ),
    "JOURNAL_FAILED": Sentence(
        "Журнал {path} недоступен: {problem}. Проверьте JOURNAL_URL, место на диске и права; события принимаются и без него",
        "The journal {path} can't be used: {problem}. Check JOURNAL_URL, the free space and the rights; events are taken all the same",
    ),
}


def say(key: str, language: str, /, **values: object) -> str:
    """The sentence `key` in `language` (`ru` or `en`), its fields filled from `values`."""
    sentence: str = getattr(SENTENCES[key], language)
    return sentence.format(**values)
