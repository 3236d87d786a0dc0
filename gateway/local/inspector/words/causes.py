"""Names each cause in a few words, for a row or a heading; what to do is in `gateway.diagnosis.causes`."""

from gateway.texts import Sentence

TITLES: dict[str, Sentence] = {
    "SETTING_MISSING": Sentence("Токен в шлюзе не настроен", "No token is configured"),
    "SETTING_PLACEHOLDER": Sentence("В настройке заготовка вместо токена", "The setting holds a placeholder"),
    "SETTING_DECORATED": Sentence(
        "В настройке лишнее вокруг токена", "The setting holds more than the token"
    ),
    "SETTING_URL": Sentence("В настройке адрес вместо токена", "The setting holds an address"),
    "SETTING_INCOMING_SECRET": Sentence(
        "В настройке секрет входящего вебхука", "The setting holds the incoming webhook's secret"
    ),
    "SETTING_SHAPE": Sentence(
        "Настроенный токен не похож на токен", "The configured token does not look like one"
    ),
    "METHOD_GET": Sentence("GET вместо POST: перенаправление", "GET instead of POST: a redirect"),
    "PATH_WRONG": Sentence("Не тот путь в адресе", "Wrong path in the address"),
    "LIMIT_EXCEEDED": Sentence("Слишком большой запрос", "Request over a limit"),
    "BODY_EMPTY": Sentence("Тело пустое", "Empty body"),
    "BODY_COMPRESSED": Sentence("Тело сжато", "Compressed body"),
    "BODY_MISDECLARED": Sentence(
        "Content-Type не соответствует телу", "Content-Type does not describe the body"
    ),
    "BODY_ENCODED_TWICE": Sentence("Тело закодировано дважды", "Body encoded twice"),
    "BODY_FLATTENED": Sentence("Скобки в именах полей изменены", "Brackets in field names were rewritten"),
    "BODY_NESTED": Sentence("Событие внутри одного поля", "The event is inside one field"),
    "BODY_UNREADABLE": Sentence("Тело не читается", "Unreadable body"),
    "BODY_INCOMPLETE": Sentence("Тело пришло не целиком", "Incomplete body"),
    "BODY_PRINTED": Sentence("Вместо тела распечатка программы", "A program's printout instead of the body"),
    "BODY_IN_QUERY": Sentence("Событие в адресе, а не в теле", "The event is in the query"),
    "TOKEN_BLANK": Sentence("Вместо токена пустое место", "A blank instead of the token"),
    "TOKEN_REPEATED": Sentence("Токен указан дважды", "The token is given twice"),
    "TOKEN_NOT_TEXT": Sentence("На месте токена не текст", "The token's place holds no text"),
    "TOKEN_ELSEWHERE": Sentence("Верный токен, но не в том месте", "The right token in the wrong place"),
    "TOKEN_ALTERED": Sentence("Токен изменён по дороге", "The token was altered on the way"),
    "TOKEN_LOOKALIKE": Sentence(
        "В токене буквы другого алфавита", "Letters of another alphabet in the token"
    ),
    "TOKEN_INCOMING_SECRET": Sentence(
        "Прислан секрет входящего вебхука", "The incoming webhook's secret was sent"
    ),
    "TOKEN_OTHER_PORTAL": Sentence("Токен другого портала", "Another portal's token"),
    "TOKEN_APPLICATION": Sentence(
        "Токен приложения, а не вебхука", "An application's token, not a webhook's"
    ),
    "TOKEN_OTHER_WEBHOOK": Sentence("Токен другого вебхука", "Another webhook's token"),
    "AUTHORIZATION_SCHEME": Sentence("В Authorization не Bearer", "Authorization without Bearer"),
    "AUTHORIZATION_GATEWAY": Sentence(
        "Authorization добавил посредник", "An intermediary added Authorization"
    ),
    "ROBOT_WITHOUT_TOKEN": Sentence("Робот без токена", "A robot without a token"),
    "AUTH_MISSING": Sentence(
        "В событии нет auth или токена в нём", "The event has no auth, or no token in it"
    ),
    "TOKEN_ABSENT": Sentence("Токена нет", "No token"),
}
WORDS: dict[str, Sentence] = {f"CAUSE_{code}": title for code, title in TITLES.items()}
WORDS["WRONG_METHOD"] = Sentence("Не тот метод", "Wrong method")
