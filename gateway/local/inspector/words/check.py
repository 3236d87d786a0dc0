"""Check."""

from gateway.texts import Sentence

WORDS: dict[str, Sentence] = {
    "CHECK_WHAT": Sentence(
        "Проверка смотрит настройки, очередь, хранилище, входящий вебхук и публичный адрес снаружи. Связей она не меняет.",
        "The check looks at the settings, the queue, the store, the incoming webhook, and the public address from outside. It changes no link.",
    ),
    "CHECK_RUN": Sentence("Проверить", "Run the check"),
    "CHECK_RUNNING": Sentence("Проверяю…", "Checking…"),
    "CHECK_ok": Sentence("в порядке", "ok"),
    "CHECK_failed": Sentence("ошибка", "failed"),
    "CHECK_skipped": Sentence("пропущено", "skipped"),
    "CHECK_ALL_OK": Sentence("Всё в порядке.", "Everything is in order."),
    "CHECK_FAILED": Sentence(
        "{n} ошибка: начните с первой.|{n} ошибки: начните с первой.|{n} ошибок: начните с первой.",
        "{n} check failed: begin with it.|{n} checks failed: begin with the first.",
    ),
    "CHECK_TEST": Sentence("Пробное событие", "A test event"),
    "CHECK_EVENT": Sentence("Какое событие", "Which event"),
    "CHECK_PROBE": Sentence("ничего не меняет", "changes nothing"),
    "CHECK_SEND": Sentence("Отправить", "Send"),
    "CHECK_TEST_WHAT": Sentence(
        "Идёт тем же путём, что и событие Битрикс24, с настроенным токеном. Событие задачи или сделки дойдёт и до получателей из FORWARD_TO; связей не меняет ни одно.",
        "It goes the way of an event of Bitrix24, with the configured token. A task's or deal's event also reaches the destinations of FORWARD_TO; none changes a link.",
    ),
    "CHECK_NO_TOKEN": Sentence(
        "Токен не настроен: отправлять нечего. Задайте BITRIX24_OUTGOING_WEBHOOK_TOKEN.",
        "No token is configured: there is nothing to send. Set BITRIX24_OUTGOING_WEBHOOK_TOKEN.",
    ),
    "CHECK_REQUEST": Sentence("запрос целиком", "the whole request"),
    "CHECK_WAITS": Sentence("Жду, что с ним станет…", "Waiting for what comes of it…"),
}
