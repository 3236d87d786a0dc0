"""The words of the overview."""

from gateway.texts import Sentence

WORDS: dict[str, Sentence] = {
    "CHART": Sentence("За 24 часа: принято, отложено, отклонено", "24 hours: accepted, put aside, rejected"),
    "CHART_LABEL": Sentence(
        "По часам: принято {accepted}, отклонено {refused}",
        "By the hour: {accepted} accepted, {refused} rejected",
    ),
    "BAR": Sentence(
        "{time}: принято {accepted}, отложено {aside}, отклонено {refused}",
        "{time}: {accepted} accepted, {aside} put aside, {refused} rejected",
    ),
    "CHART_NOW": Sentence("сейчас", "now"),
    "TILE_accepted": Sentence("Принято", "Accepted"),
    "TILE_refused": Sentence("Отклонено", "Rejected"),
    "TILE_queue": Sentence("Очередь", "Queue"),
    "TILE_polling": Sentence("Сверка", "Polling"),
    "LATEST": Sentence("последнее", "last"),
    "LATEST_REQUESTS": Sentence("Последние запросы", "Latest requests"),
    "ALL_REQUESTS": Sentence("Все запросы", "All requests"),
    "NONE_YET": Sentence("ещё ни одного", "none yet"),
    "ASIDE": Sentence("отложено {n}|отложено {n}|отложено {n}", "{n} put aside|{n} put aside"),
    "N_CAUSES": Sentence("{n} причина|{n} причины|{n} причин", "{n} cause|{n} causes"),
    "QUEUE_EMPTY": Sentence("ничего не ждёт", "nothing is waiting"),
    "QUEUE_SILENT": Sentence("не отвечает", "no answer"),
    "QUEUE_PUBSUB": Sentence("в Pub/Sub", "in Pub/Sub"),
    "OLDEST": Sentence("самое старое ждёт {age}", "the oldest has waited {age}"),
    "WORKER_WORKS": Sentence("обработчик работает", "the worker is running"),
    "WORKER_DEAD": Sentence("обработчик не работает", "the worker is not running"),
    "DUE": Sentence("через {age}", "in {age}"),
    "POLLING_OFF": Sentence("не настроена", "not set up"),
    "POLLING_HOW": Sentence(
        "задайте RESYNC_EVERY и входящий вебхук", "set RESYNC_EVERY and the incoming webhook"
    ),
    "LAST_ROUND": Sentence("последняя", "last"),
    "CHANGES": Sentence("{n} изменение|{n} изменения|{n} изменений", "{n} change|{n} changes"),
    "UNREADABLE": Sentence(
        "поле не читается у {n}|поле не читается у {n}|поле не читается у {n}",
        "{n} unreadable field|{n} unreadable fields",
    ),
    "DEST_up": Sentence("работает", "up"),
    "DEST_failing": Sentence("не принимает", "failing"),
    "DEST_unused": Sentence("ещё ничего не было", "nothing yet"),
    "WAITING": Sentence("ждёт {n}|ждут {n}|ждут {n}", "{n} waits|{n} wait"),
    "LAST_DELIVERED": Sentence("последняя доставка", "last delivered"),
    "FAILING_SINCE": Sentence("с последней доставки:", "since the last delivery:"),
    "NEVER_DELIVERED": Sentence("ещё ни одной доставки", "nothing delivered yet"),
    "AGE_s": Sentence("{n} с|{n} с|{n} с", "{n} s|{n} s"),
    "AGE_m": Sentence("{n} мин|{n} мин|{n} мин", "{n} min|{n} min"),
    "AGE_h": Sentence("{n} ч|{n} ч|{n} ч", "{n} h|{n} h"),
    "AGE_d": Sentence("{n} день|{n} дня|{n} дней", "{n} day|{n} days"),
    "WRONG": Sentence("Что сейчас не так", "What is wrong now"),
    "NOTHING_WRONG": Sentence("Всё в порядке.", "Nothing is wrong."),
    "LOOK": Sentence("Посмотреть", "Look"),
    "WRONG_worker": Sentence(
        "Обработчик очереди не работает: события принимаются и ждут. Он должен запуститься снова сам; если этого не произошло, перезапустите шлюз.",
        "The queue's worker is not running: events are accepted and wait. It should start again by itself; if it does not, restart the gateway.",
    ),
    "WRONG_unqueued": Sentence(
        "{n} событие не попало в очередь и сохранено. Вернуть в очередь: ./b24 replay|{n} события не попали в очередь и сохранены. Вернуть в очередь: ./b24 replay|{n} событий не попало в очередь, они сохранены. Вернуть в очередь: ./b24 replay",
        "{n} event did not reach the queue and is kept. Put it back: ./b24 replay|{n} events did not reach the queue and are kept. Put them back: ./b24 replay",
    ),
    "WRONG_dead": Sentence(
        "{n} событие не обработано и само не повторится. Устраните причину и верните в очередь.|{n} события не обработаны и сами не повторятся. Устраните причину и верните в очередь.|{n} событий не обработано, сами они не повторятся. Устраните причину и верните в очередь.",
        "{n} event could not be handled and will not be tried again by itself. Fix the cause and put it back on the queue.|{n} events could not be handled and will not be tried again by themselves. Fix the cause and put them back on the queue.",
    ),
    "WRONG_conflicts": Sentence(
        "{n} конфликт за сутки: один Telegram у двух пользователей. Исправьте поле у одного из них.|{n} конфликта за сутки: один Telegram у двух пользователей. Исправьте поле у одного из них.|{n} конфликтов за сутки: один Telegram у двух пользователей. Исправьте поле у одного из них.",
        "{n} conflict within a day: two users have one Telegram account. Correct the field of one of them.|{n} conflicts within a day: two users have one Telegram account. Correct the field of one of them.",
    ),
    "WRONG_silence": Sentence(
        "Больше суток ничего не приходит. Измените что-нибудь на портале и проверьте, что вебхук там включён, а адрес в нём прежний.",
        "Nothing has come for more than a day. Change something on the portal, and check that the webhook is on and its address has not changed.",
    ),
    "WRONG_destination": Sentence(
        "События не доставляются: {reason}. Шлюз повторяет попытки в течение суток; проверьте получателя.",
        "Events are not delivered: {reason}. The gateway keeps trying for a day; check the destination.",
    ),
    "WRONG_polling": Sentence(
        "Последняя сверка не удалась ({code}). Причина указана в журнале сервера; проверить настройки: ./b24 doctor",
        "The last round of polling failed ({code}). The server's log says why; to check the settings: ./b24 doctor",
    ),
    "WRONG_unreadable": Sentence(
        "У {n} пользователя в поле Telegram не номер, не @имя и не ссылка. Исправьте поле в Битрикс24.|У {n} пользователей в поле Telegram не номер, не @имя и не ссылка. Исправьте поле в Битрикс24.|У {n} пользователей в поле Telegram не номер, не @имя и не ссылка. Исправьте поле в Битрикс24.",
        "The Telegram field of {n} user holds no id, @name or link. Correct it in Bitrix24.|The Telegram field of {n} users holds no id, @name or link. Correct it in Bitrix24.",
    ),
    "SETUP": Sentence("Подключите Битрикс24", "Connect Bitrix24"),
    "SETUP_ADDRESS": Sentence("Адрес для исходящего вебхука:", "The address for the outgoing webhook:"),
    "COPY": Sentence("Скопировать", "Copy"),
    "SETUP_LOCAL": Sentence(
        "Это адрес на этой машине: Битрикс24 до него не достанет. Откройте туннель или настройте домен и задайте WEBHOOK_URL.",
        "This is an address on this machine, which Bitrix24 cannot reach. Open a tunnel or set up a domain, and set WEBHOOK_URL.",
    ),
    "SETUP_1": Sentence(
        "В Битрикс24: «Разработчикам → Другое → Исходящий вебхук». Вставьте адрес в поле 1.",
        "In Bitrix24: Developer resources → Other → Outbound webhook. Paste the address into field 1.",
    ),
    "SETUP_2": Sentence("Отметьте события в поле 2 и сохраните.", "Tick the events in field 2, and save."),
    "SETUP_3": Sentence(
        "Скопируйте «Токен приложения» (3) в BITRIX24_OUTGOING_WEBHOOK_TOKEN и перезапустите шлюз.",
        "Copy the application token (3) into BITRIX24_OUTGOING_WEBHOOK_TOKEN, and restart the gateway.",
    ),
    "SETUP_3_DONE": Sentence(
        "«Токен приложения» (3) в шлюзе уже настроен; сверьте его отпечаток в «Проверке», если события отклоняются.",
        "The application token (3) is configured already; compare its fingerprint in “Check” if events are rejected.",
    ),
    "WAITING_FIRST": Sentence("Ждём первый запрос…", "Waiting for the first request…"),
    "FIRST_CAME": Sentence("Первый запрос пришёл.", "The first request has come."),
    "TEST_NOTE": Sentence(
        "Пробное событие проходит весь путь с настоящим токеном и ничего не меняет.",
        "A test event goes all the way with the real token, and changes nothing.",
    ),
    "PICTURE": Sentence(
        "Форма исходящего вебхука в Битрикс24: адрес в первом поле, события во втором, токен в третьем",
        "Bitrix24's outgoing webhook form: the address in the first field, events in the second, the token in the third",
    ),
    "FORM_TITLE": Sentence("Исходящий вебхук", "Outbound webhook"),
    "FORM_URL": Sentence("URL вашего обработчика", "Your handler URL"),
    "FORM_EVENTS": Sentence("Генератор событий", "Event type"),
    "FORM_TOKEN": Sentence("Токен приложения", "Application token"),
    "FORM_SAVE": Sentence("Сохранить", "Save"),
}
