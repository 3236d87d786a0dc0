"""The words of the list of requests, and of a request's own page."""

from gateway.texts import Sentence

WORDS: dict[str, Sentence] = {
    "NO_EVENT": Sentence("{method} без события", "{method} without an event"),
    "USER": Sentence("польз.\N{NO-BREAK SPACE}{user}", "user\N{NO-BREAK SPACE}{user}"),
    "WITH_PRINT": Sentence("{title} (отпечаток {print})", "{title} (fingerprint {print})"),
    "PROBE_PASSED": Sentence(
        "проверка самого шлюза: токен принят, событие в очереди, ничего не меняет",
        "the gateway's own probe: its token is accepted, its event is queued and changes nothing",
    ),
    "CAME_DEAD_LETTER": Sentence("{reason} · в «Недоставленном»", "{reason} · in the dead letters"),
    "FOLDED": Sentence("×{n} с|×{n} с|×{n} с", "×{n} since|×{n} since"),
    "SEARCH": Sentence(
        "Пользователь, @имя, событие, отпечаток, request_id…  ( / )",
        "User, @name, event, fingerprint, request_id…  ( / )",
    ),
    "SEARCH_LABEL": Sentence("Поиск по запросам", "Search the requests"),
    "SEARCH_HINT": Sentence(
        "Искать можно по номеру, имени и фамилии пользователя, @имени, событию, порталу, адресу, request_id, event_id и отпечатку: целиком или по первым знакам, не меньше шести.",
        "Search by a user's id, first or last name, @name, event, portal, address, request_id, event_id or fingerprint: in full, or by at least the first six characters.",
    ),
    "CHIPS": Sentence("Какие запросы", "Which requests"),
    "SHOW_all": Sentence("Все", "All"),
    "SHOW_refused": Sentence("Отклонённые", "Rejected"),
    "SHOW_accepted": Sentence("Принятые", "Accepted"),
    "SHOW_aside": Sentence("Отложенные", "Put aside"),
    "SHOW_not_queued": Sentence("Не в очереди", "Not queued"),
    "PROBES_HIDDEN": Sentence("Проверки doctor скрыты", "Doctor's probes are hidden"),
    "PROBES_SHOWN": Sentence("Проверки doctor показаны", "Doctor's probes are shown"),
    "PERIOD": Sentence("За какое время", "Period"),
    "PERIOD_1h": Sentence("1 час", "1 hour"),
    "PERIOD_24h": Sentence("24 часа", "24 hours"),
    "PERIOD_7d": Sentence("7 дней", "7 days"),
    "FILTERS": Sentence("Фильтры", "Filters"),
    "ANY_CAUSE": Sentence("Все причины", "All causes"),
    "ANY_EVENT": Sentence("Все события", "All events"),
    "ANY_PORTAL": Sentence("Все порталы", "All portals"),
    "ANY_TO": Sentence("Все получатели", "All destinations"),
    "HOUR": Sentence("Час с", "The hour from"),
    "FIND": Sentence("Найти", "Find"),
    "RECORD": Sentence("Записывать запросы целиком: 30 мин", "Record full requests: 30 min"),
    "RECORDING": Sentence("Запросы записываются целиком: остановить", "Recording full requests: stop"),
    "SEND_TEST": Sentence("Отправить пробное", "Send a test event"),
    "OLDER": Sentence("Показать ещё 50", "Show 50 more"),
    "OLDER_PAGE": Sentence("Более старые: на следующей странице", "Older ones: on the next page"),
    "NEWER": Sentence(
        "{n} новый: показать|{n} новых: показать|{n} новых: показать", "{n} new: show it|{n} new: show them"
    ),
    "NOTHING_YET": Sentence(
        "За 24 часа ничего не пришло. Адрес для Битрикс24 — в обзоре.",
        "Nothing has come in the last 24 hours. The address for Bitrix24 is in the overview.",
    ),
    "NOTHING_FOUND": Sentence(
        "По этому запросу ничего нет. Снимите часть фильтров или посмотрите за 7 дней.",
        "Nothing matches. Remove some of the filters, or look at 7 days.",
    ),
    "SHOW_WEEK": Sentence("Все запросы за 7 дней", "All requests of the last 7 days"),
    "CHOOSE": Sentence(
        "Выберите запрос: щелчком или клавишами j и k.",
        "Select a request with a click, or with the keys j and k.",
    ),
    "KEYS_jk": Sentence("следующий, предыдущий", "next, previous"),
    "KEYS_r": Sentence("повторить", "again"),
    "BACK": Sentence("К списку запросов", "Back to the requests"),
    "FROM": Sentence("от {address}", "from {address}"),
    "BYTES": Sentence("{n} байт|{n} байта|{n} байт", "{n} byte|{n} bytes"),
    "MS": Sentence("мс", "ms"),
    "REQUEST_ID": Sentence("запрос", "request"),
    "GUIDE": Sentence("руководство", "guide"),
    "RESEND": Sentence("Отправить ещё раз", "Resend"),
    "RESEND_TO": Sentence("Кому отправить", "Resend to"),
    "TO_ALL": Sentence("всем", "to all"),
    "JUDGE": Sentence("Проверить ещё раз", "Check again"),
    "COPY_CURL": Sentence("Скопировать как curl", "Copy as curl"),
    "COPY_LINK": Sentence("Скопировать ссылку", "Copy link"),
    "COPY_SUPPORT": Sentence("Скопировать для поддержки", "Copy for support"),
    "MORE_SUCH": Sentence("Другие с этой причиной", "Others with this cause"),
    "SENT": Sentence("Событие снова в очереди", "The event is on the queue again"),
    "SENT_AS": Sentence("Новый номер события:", "Its new event_id:"),
    "TODAY_PASSES": Sentence(
        "С нынешними настройками такой запрос прошёл бы", "With the current settings this request would pass"
    ),
    "TODAY_REFUSED": Sentence(
        "С нынешними настройками такой запрос отклонили бы: {status} {code}",
        "With the current settings this request would be rejected: {status} {code}",
    ),
    "TODAY_NOTHING": Sentence(
        "Это только проверка: отклонённый запрос в очередь не попадает. Повторите действие в Битрикс24, чтобы событие пришло снова.",
        "This is only a check: a rejected request is not put on the queue. Repeat the action in Bitrix24, so that the event comes again.",
    ),
    "TAB_CAME": Sentence("Что было дальше", "What came of it"),
    "TAB_PLACES": Sentence("Где искали токен", "Where the token was looked for"),
    "TAB_FIELDS": Sentence("Поля", "Fields"),
    "TAB_HEADERS": Sentence("Заголовки", "Headers"),
    "TAB_BODY": Sentence("Тело как пришло", "Body as it came"),
    "EMPTY_PLACES": Sentence(
        "ещё {n} место пусто|ещё {n} места пусты|ещё {n} мест пусты",
        "{n} more place is empty|{n} more places are empty",
    ),
    "MASKED": Sentence(
        "Секреты заменены: <masked ДЛИНА ОТПЕЧАТОК>.", "Secrets are masked: <masked LENGTH FINGERPRINT>."
    ),
    "CUT": Sentence("Показаны первые 16 384 знака.", "The first 16,384 characters are shown."),
    "NO_BODY": Sentence("(тела нет)", "(no body)"),
    "BODY_NOT_KEPT": Sentence(
        "Заголовки и тело не сохранены: JOURNAL_BODIES хранит их только у отклонённых. Задайте JOURNAL_BODIES=on или нажмите «Записывать запросы целиком» над списком.",
        "Headers and body are not kept: JOURNAL_BODIES keeps them only for rejected requests. Set JOURNAL_BODIES=on, or press “Record full requests” above the list.",
    ),
    "WHEN": Sentence("когда", "when"),
    "WHERE_TO": Sentence("кто получил", "who got it"),
    "RESULT": Sentence("что вышло", "what came of it"),
    "ATTEMPTS": Sentence("попыток", "attempts"),
    "RECEIVER": Sentence("приём", "receiver"),
    "RESENT_TAG": Sentence("повтор", "resent"),
    "RESENT_AS": Sentence("Отправлено ещё раз", "Resent"),
    "NOTHING_CAME": Sentence(
        "Дальше не пошло: запрос отклонён.", "It went no further: the request was rejected."
    ),
    "LINK_OF": Sentence("Связь пользователя {user}", "The link of user {user}"),
    "THIS_EVENT": Sentence("это событие", "this event"),
    "HISTORY_linked": Sentence("{account} → пользователь {user}", "{account} → user {user}"),
    "HISTORY_replaced": Sentence(
        "{account} → пользователь {user}, вместо {previous}", "{account} → user {user}, instead of {previous}"
    ),
    "HISTORY_corrected": Sentence(
        "исправлено: {account} → пользователь {user}", "corrected: {account} → user {user}"
    ),
    "HISTORY_unlinked": Sentence("связь с {previous} снята", "the link with {previous} ended"),
    "HISTORY_conflict": Sentence(
        "связь с {previous} снята: аккаунт у другого пользователя",
        "the link with {previous} ended: another user has the account",
    ),
}
