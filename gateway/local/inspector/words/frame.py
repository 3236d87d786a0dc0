"""The words around every view."""

from gateway.texts import Sentence

WORDS: dict[str, Sentence] = {
    "PRODUCT": Sentence("Шлюз Битрикс24", "Bitrix24 gateway"),
    "TITLE": Sentence("Инспектор", "Inspector"),
    "SKIP": Sentence("К содержимому", "Skip to the content"),
    "NAV": Sentence("Разделы", "Views"),
    "NAV_overview": Sentence("Обзор", "Overview"),
    "NAV_requests": Sentence("Запросы", "Requests"),
    "NAV_links": Sentence("Связи", "Links"),
    "NAV_dead": Sentence("Недоставленное", "Dead letters"),
    "NAV_polling": Sentence("Сверка", "Polling"),
    "NAV_explain": Sentence("Разбор", "Explain"),
    "NAV_check": Sentence("Проверка", "Check"),
    "NAV_guide": Sentence("Руководство", "Guide"),
    "LANGUAGE": Sentence("Язык", "Language"),
    "CHANGE": Sentence("Сменить", "Change"),
    "UPDATED": Sentence("обновлено {n} с назад", "updated {n} s ago"),
    "LOST": Sentence("нет связи со шлюзом, пробуем снова", "connection lost, trying again"),
    "PAUSED": Sentence("обновление остановлено", "updates paused"),
    "UTC_HERE": Sentence("время вашего компьютера ({zone})", "your computer's time ({zone})"),
    "TODAY": Sentence("Сегодня", "Today"),
    "YESTERDAY": Sentence("Вчера", "Yesterday"),
    "COPIED": Sentence("Скопировано", "Copied"),
    "CLOSE": Sentence("Закрыть", "Close"),
    "NEW_REFUSED": Sentence(
        "{n} новый отказ|{n} новых отказа|{n} новых отказов", "{n} new rejection|{n} new rejections"
    ),
    "KEYS": Sentence("Клавиши", "Keys"),
    "KEY_j": Sentence("следующая запись", "next record"),
    "KEY_k": Sentence("предыдущая запись", "previous record"),
    "KEY_Enter": Sentence("открыть запись", "open the record"),
    "KEY_Esc": Sentence("назад к списку, закрыть", "back to the list, close"),
    "KEY_/": Sentence("поиск", "search"),
    "KEY_c": Sentence("скопировать как curl", "copy as curl"),
    "KEY_r": Sentence("повторить: отправить ещё раз или проверить", "repeat: resend it, or check it again"),
    "KEY_?": Sentence("все клавиши", "all keys"),
    "KEY_G": Sentence("перейти в раздел «{view}»", "go to “{view}”"),
    "KEYS_g": Sentence("затем буква: перейти в раздел", "then a letter: go to a view"),
    "KEPT": Sentence(
        "хранится 7 дней, до 10 000 записей каждого вида",
        "kept for 7 days, up to 10,000 records of each kind",
    ),
    "NOT_OWN": Sentence(
        "Форма отправлена не с этой страницы, или сеанс истёк. Обновите страницу и повторите.",
        "The form was not sent by this page, or your session has expired. Reload the page and try again.",
    ),
    "NOTHING_HERE": Sentence(
        "Такой страницы или записи нет: запись уже могла быть удалена. Вернитесь к списку запросов.",
        "There is no such page or record: the record may have been removed already. Go back to the requests.",
    ),
    "FAILED": Sentence("Не получилось", "This did not work"),
}
