"""The words of the links, of a person's page, and of forgetting a person."""

from gateway.texts import Sentence

WORDS: dict[str, Sentence] = {
    "LINKS_SEARCH": Sentence(
        "Имя, номер пользователя, Telegram ID или @имя  ( / )",
        "Name, user's number, Telegram id or @name  ( / )",
    ),
    "LINKS_SEARCH_LABEL": Sentence("Поиск по связям", "Search the links"),
    "LINKS_FIND": Sentence("Найти", "Find"),
    "LINKS_STATES": Sentence("Состояние связи", "State of the link"),
    "LINKS_ALL": Sentence("Все", "All"),
    "LINK_linked": Sentence("связан", "linked"),
    "LINK_by_name": Sentence("только по имени", "by name only"),
    "LINK_ended": Sentence("без связи", "not linked"),
    "LINK_inactive": Sentence("уволен или отключён", "dismissed or inactive"),
    "LINK_by_name_WHY": Sentence(
        "Известно только имя в Telegram, а имена переходят к другим. Впишите в поле Telegram числовой ID.",
        "Only the Telegram name is known, and names change hands. Put the numeric id into the Telegram field.",
    ),
    "LINK_STATE": Sentence("Состояние", "State"),
    "PORTAL": Sentence("Портал", "Portal"),
    "PERSON": Sentence("Пользователь", "User"),
    "PERSON_N": Sentence("Пользователь {user}", "User {user}"),
    "PERSON_REQUESTS": Sentence("Запросы о нём", "Requests about this user"),
    "OBSERVED": Sentence("Данные от", "As of"),
    "RECORDED": Sentence("Когда", "When"),
    "LINKS_MORE": Sentence("Следующие", "Next page"),
    "LINKS_NONE": Sentence(
        "Связей ещё нет. Они появятся с первым событием пользователя или после сверки.",
        "There are no links yet. They appear with a user's first event, or after a round of polling.",
    ),
    "LINKS_NOT_FOUND": Sentence(
        "Никого не найдено. Номер и @имя нужно вводить целиком; имя человека ищется по началу, и только если оно пришло в событии. Снимите отбор по состоянию или выберите другой портал.",
        "Nobody matches. Numbers and @names must be complete; a person's name is found by its beginning, and only if an event carried it. Remove the state filter, or choose another portal.",
    ),
    "HISTORY": Sentence("История", "History"),
    "HISTORY_NONE": Sentence("Связь ещё не менялась.", "The link has not changed yet."),
    "CHANGE_WHAT": Sentence("Что изменилось", "What changed"),
    "CHANGE_linked": Sentence("связан", "linked"),
    "CHANGE_replaced": Sentence("аккаунт заменён", "account replaced"),
    "CHANGE_unlinked": Sentence("связь снята", "unlinked"),
    "CHANGE_conflict": Sentence("конфликт: аккаунт у другого", "conflict: another user has the account"),
    "CHANGE_corrected": Sentence("исправлено", "corrected"),
    "BEFORE": Sentence("Было", "Before"),
    "NOW": Sentence("Стало", "Now"),
    "SOURCE": Sentence("Откуда", "Source"),
    "SOURCE_WEBHOOK": Sentence("вебхук: запрос", "webhook: the request"),
    "SOURCE_OTHER": Sentence(
        "сверка, пробное событие или старый запрос", "polling, a test event, or an old request"
    ),
    "FORGET": Sentence("Забыть человека", "Forget this person"),
    "FORGET_ASK": Sentence(
        "Стереть пользователя {user} портала {portal}: связь, историю, запросы о нём, недоставленное и сообщения в очереди? Отменить это будет нельзя. Бот перестанет его узнавать. Пока поле Telegram на портале заполнено, следующая сверка или следующее событие свяжет его снова.",
        "Erase user {user} of {portal}: link, history, requests, dead letters and messages on the queue? This cannot be undone. The bot will no longer recognise this person. While the Telegram field in the portal is filled in, the next round of polling or the next event links the person again.",
    ),
}
