"""The words of polling."""

from gateway.texts import Sentence

WORDS: dict[str, Sentence] = {
    "POLL_NOT_SET": Sentence(
        "Входящий вебхук не задан, поэтому сверки нет. Задайте BITRIX24_WEBHOOK_TOKEN (его адрес целиком из Битрикс24) и перезапустите шлюз.",
        "No incoming webhook is set, so nothing is polled. Set BITRIX24_WEBHOOK_TOKEN (its whole address from Bitrix24) and restart the gateway.",
    ),
    "POLL_OFF": Sentence(
        "Сверка по расписанию не включена. Чтобы включить её, задайте RESYNC_EVERY=30m.",
        "Polling is not scheduled. To schedule it, set RESYNC_EVERY=30m.",
    ),
    "POLL_NEXT": Sentence("Следующая сверка:", "The next round:"),
    "POLL_NOW": Sentence("Сверить сейчас", "Run now"),
    "POLL_DRY": Sentence("Пробный прогон", "Dry run"),
    "POLL_RUNNING": Sentence("Сверка идёт.", "A round is running."),
    "POLL_SEEN": Sentence(
        "Проверен {n} пользователь.|Проверено {n} пользователя.|Проверено {n} пользователей.",
        "{n} user checked.|{n} users checked.",
    ),
    "POLL_CONFIRM": Sentence(
        "Снять {n} связь|Снять {n} связи|Снять {n} связей", "End {n} link|End {n} links"
    ),
    "POLL_CONFIRM_ASK": Sentence(
        "Снять {n} связь? Вместе с ней пропадёт доступ к боту.|Снять {n} связи? Вместе с ними пропадёт доступ к боту.|Снять {n} связей? Вместе с ними пропадёт доступ к боту.",
        "End {n} link? This person will lose access to the bot.|End {n} links? These people will lose access to the bot.",
    ),
    "POLL_UNREADABLE": Sentence("Поле Telegram не читается", "The Telegram field can't be read"),
    "POLL_UNREADABLE_DO": Sentence(
        "Там не Telegram ID, не @имя и не ссылка t.me. Исправьте поле в профилях на портале; связи пока прежние.",
        "It holds no Telegram id, @name or t.me link. Correct the field in the portal's profiles; the links stay as they are.",
    ),
    "POLL_CONFLICTS": Sentence("Конфликты", "Conflicts"),
    "POLL_CONFLICTS_DO": Sentence(
        "Эти пользователи остались без связи: тот же аккаунт позже указан у другого. Сверьте поле Telegram у обоих.",
        "These users lost their link: the same account was later given to another user. Compare the Telegram field of both.",
    ),
    "POLL_ROUNDS": Sentence("Сверки", "Rounds"),
    "POLL_NO_ROUNDS": Sentence("Сверок ещё не было.", "No rounds yet."),
    "POLL_WHEN": Sentence("Когда", "When"),
    "POLL_RESULT": Sentence("Итог", "Result"),
    "POLL_ROUND": Sentence("Сверка", "A round of polling"),
    "POLL_ALL": Sentence("Все сверки", "All rounds"),
    "POLL_FAILED": Sentence("Сверка не удалась", "The round failed"),
    "POLL_N_USERS": Sentence("{n} пользователь|{n} пользователя|{n} пользователей", "{n} user|{n} users"),
    "POLL_ENDED": Sentence(
        "снята {n} связь|сняты {n} связи|снято {n} связей", "{n} link ended|{n} links ended"
    ),
    "TAG_POLLING": Sentence("сверка", "polling"),
    "POLL_users": Sentence("Пользователей", "Users"),
    "POLL_published": Sentence("Изменений", "Changes"),
    "POLL_unlinked": Sentence("Снято связей", "Links ended"),
    "POLL_unreadable": Sentence("Поле не читается", "Unreadable fields"),
    "POLL_DONE": Sentence("выполнена", "done"),
    "POLL_FAILED_TAG": Sentence("не удалась", "failed"),
    "POLL_AT_RISK": Sentence(
        "остановлена: сняла бы {n} связь|остановлена: сняла бы {n} связи|остановлена: сняла бы {n} связей",
        "stopped: it would end {n} link|stopped: it would end {n} links",
    ),
}
