"""The words of the dead letters."""

from gateway.texts import Sentence

WORDS: dict[str, Sentence] = {
    "DEAD_NONE": Sentence(
        "Недоставленного нет: все события обработаны.", "Everything was handled: there are no dead letters."
    ),
    "DEAD_WHAT": Sentence(
        "Эти события приняты, но их не удалось обработать или доставить. Устраните причину и верните их в очередь; повреждённые сначала исправьте.",
        "These events were accepted, but could not be handled or delivered. Fix the cause and put them back on the queue; correct a damaged event first.",
    ),
    "DEAD_MORE": Sentence(
        "Показаны первые 100. Остальные появятся, когда эти будут разобраны; вернуть сразу все: ./b24 replay",
        "These are the first 100. The others appear once these are dealt with; to put all of them back at once: ./b24 replay",
    ),
    "DEAD_EVENT": Sentence("Событие", "Event"),
    "DEAD_WHY": Sentence("Почему", "Why"),
    "DEAD_WHEN": Sentence("Когда", "When"),
    "DEAD_SOURCE": Sentence("Откуда", "Source"),
    "DEAD_CHOOSE": Sentence("Выбрать", "Select"),
    "DEAD_NOT_QUEUED": Sentence(
        "очередь не приняла событие вовремя", "the queue did not accept the event in time"
    ),
    "DEAD_FROM_store": Sentence("отложено обработчиком", "put aside by a consumer"),
    "DEAD_FROM_queue": Sentence("попытки исчерпаны", "out of attempts"),
    "DEAD_FROM_journal": Sentence("не попало в очередь", "never queued"),
    "DEAD_FROM_log": Sentence("не попало в очередь", "never queued"),
    "DEAD_FROM_file": Sentence("из файла", "from a file"),
    "DEAD_OPEN": Sentence("Исправить", "Edit"),
    "DEAD_REQUEUE": Sentence("Вернуть в очередь", "Requeue"),
    "DEAD_REQUEUE_CHOSEN": Sentence("Вернуть выбранные", "Requeue selected"),
    "DEAD_REQUEUE_ALL": Sentence("Вернуть все показанные", "Requeue all shown"),
    "DEAD_DELETE": Sentence("Удалить", "Delete"),
    "DEAD_DELETE_CHOSEN": Sentence("Удалить выбранные", "Delete selected"),
    "DEAD_DELETE_ASK": Sentence(
        "Удалить навсегда? Событие не будет обработано, Битрикс24 его не повторит.",
        "Delete for good? The event will not be handled, and Bitrix24 will not send it again.",
    ),
    "DEAD_SAVE": Sentence("Исправить и вернуть в очередь", "Save and requeue"),
    "DEAD_MESSAGE": Sentence("Сообщение (JSON)", "The message (JSON)"),
    "DEAD_REQUEST": Sentence("Запрос, которым оно пришло", "The request that brought it"),
    "DEAD_ATTEMPTS": Sentence("попыток: {n}", "attempts: {n}"),
    "DEAD_REQUEUED": Sentence(
        "Возвращено в очередь: {n}. Результат появится ниже.",
        "Put back on the queue: {n}. The result appears below.",
    ),
    "DEAD_DELETED": Sentence("Удалено: {n}.", "Deleted: {n}."),
    "DEAD_CHOSEN_NONE": Sentence(
        "Ничего не изменено: выберите событие, которое ещё есть в списке.",
        "Nothing was changed: select an event that is still in the list.",
    ),
    "DEAD_PUT_BACK": Sentence("Что стало с возвращёнными событиями", "What came of the requeued events"),
    "DEAD_WAITS": Sentence("ждёт в очереди", "waiting on the queue"),
    "MEND_REFUSED": Sentence(
        "Исправленное сообщение не принято: {reason}. Исправьте и отправьте ещё раз.",
        "The edited message was not accepted: {reason}. Correct it, and save again.",
    ),
}
