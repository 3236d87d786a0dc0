"""The words of the check."""

from gateway.texts import Sentence

WORDS: dict[str, Sentence] = {
    "CHECK_WHAT": Sentence(
        "Проверяются настройки, очередь, хранилище, входящий вебхук и доступность публичного адреса снаружи. Связи не меняются.",
        "This checks the settings, the queue, the store, the incoming webhook, and whether the public address can be reached from outside. No link changes.",
    ),
    "CHECK_RUN": Sentence("Проверить", "Run the check"),
    "CHECK_RUNNING": Sentence("Проверяю…", "Checking…"),
    "CHECK_ok": Sentence("в порядке", "ok"),
    "CHECK_failed": Sentence("ошибка", "failed"),
    "CHECK_skipped": Sentence("пропущено", "skipped"),
    "CHECK_ALL_OK": Sentence("Всё в порядке.", "Everything is in order."),
    "CHECK_FAILED": Sentence(
        "{n} ошибка: начните с первой.|{n} ошибки: начните с первой.|{n} ошибок: начните с первой.",
        "{n} check failed: start with it.|{n} checks failed: start with the first.",
    ),
    "CHECK_TEST": Sentence("Пробное событие", "A test event"),
    "CHECK_EVENT": Sentence("Какое событие", "Which event"),
    "CHECK_PROBE": Sentence("ничего не меняет", "changes nothing"),
    "CHECK_SEND": Sentence("Отправить", "Send"),
    "CHECK_TEST_WHAT": Sentence(
        "Проходит тот же путь, что и событие Битрикс24, с настроенным токеном. Событие задачи или сделки дойдёт и до получателей из FORWARD_TO. Связи ни одно из них не меняет.",
        "It takes the same path as an event from Bitrix24, with the configured token. A task or deal event also reaches the destinations in FORWARD_TO. None of them changes a link.",
    ),
    "CHECK_NO_TOKEN": Sentence(
        "Токен не настроен: отправлять нечего. Задайте BITRIX24_OUTGOING_WEBHOOK_TOKEN.",
        "No token is configured: there is nothing to send. Set BITRIX24_OUTGOING_WEBHOOK_TOKEN.",
    ),
    "CHECK_REQUEST": Sentence("запрос целиком", "the whole request"),
    "CHECK_WAITS": Sentence("Жду результата…", "Waiting for the result…"),
}
