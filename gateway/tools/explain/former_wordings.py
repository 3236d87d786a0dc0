"""How sentences of the causes began in earlier editions, by key: a line that holds one is recognised by it.

Listed are sentences whose values are read from the line, up to the last of these values, and advice of variants
that have no `SAYS` of their own.
"""

FORMER_SAYS: dict[str, tuple[str, ...]] = {
    "SETTING_MISSING/portal": (
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN назван портал, а токена после «=» нет: {portals}. Такой элемент не",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN names a portal with no token after the “=”: {portals}. Such an item accepts",
    ),
    "SETTING_DECORATED": (
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} holds more than the token, copied along with it: {how}.",
    ),
    "SETTING_SHAPE": (
        "Пришёл токен обычного вида (32 строчные латинские буквы и цифры), а длина BITRIX24_OUTGOING_WEBHOOK_TOKEN — {length}: похоже, там не он.",
        "The request's token has the usual shape (32 lower-case letters and digits); BITRIX24_OUTGOING_WEBHOOK_TOKEN has {length} characters and is",
    ),
    "LIMIT_EXCEEDED": ("Тело запроса больше предела: пришло {came} байт, принимается до {allowed}.",),
    "LIMIT_EXCEEDED/query": (
        "Строка запроса (после ?) больше предела: пришло {came} байт или больше, принимается до {allowed}.",
    ),
    "BODY_COMPRESSED": (
        "Тело пришло сжатым ({how}), а сжатое шлюз не",
        "The body came compressed ({how}), and the gateway does",
    ),
    "BODY_MISDECLARED": (
        "Content-Type не описывает тело ({how}: объявлено → на деле),",
        "The Content-Type does not describe the body ({how}: declared → found), so",
    ),
    "TOKEN_ALTERED/setting": (
        "Токен запроса ({place}) и настроенный отличаются только этим: {how}; испорчен, судя по",
        "The request's token ({place}) and the configured one differ only in this: {how}; by its look, the",
    ),
    "TOKEN_LOOKALIKE": (
        "The token is the right one, except for letters of another alphabet that look Latin ({place}; {count} of them).",
    ),
    "TOKEN_LOOKALIKE/setting": (
        "Токен запроса ({place}) и настроенный",
        "The request's token ({place}) and the configured",
    ),
    "TOKEN_ELSEWHERE": (
        "Верный токен есть, но стоит не там, где его ищут: {place}.",
        "The right token is there, but in a place where it is not looked for: {place}.",
    ),
    "TOKEN_INCOMING_SECRET": ("В запросе ({place}) секрет ВХОДЯЩЕГО",),
    "TOKEN_APPLICATION": (
        "Токен ({place}) — 32 шестнадцатеричные цифры: так выглядит токен приложения из Маркета (локального приложения), а не исходящего вебхука (отпечаток {print}).",
        "The token ({place}) is 32 hex digits, as an application's token is, and not an outgoing webhook's (fingerprint {print}).",
    ),
    "TOKEN_OTHER_WEBHOOK": (
        "Токен ({place}) настоящего вида, но не из настроенных: отпечаток {print}, настроены {accepted}. Это другой вебхук",
        "The token ({place}) looks like a webhook's but is not one of the configured ones: fingerprint {print}, configured {accepted}. It is another webhook",
    ),
    "TOKEN_OTHER_WEBHOOK/place": (
        "Токен ({place}) того же вида, что настроенный, но не из настроенных: отпечаток {print}, настроены {accepted}. Это другой вебхук или",
        "The token ({place}) looks like a configured one but is none of them: fingerprint {print}, configured {accepted}. It is another webhook",
    ),
    "TOKEN_NOT_TEXT": (
        "The token's place holds a number, a list, an object, null or a file instead of a text: {place}.",
    ),
    "TOKEN_ABSENT": ("Nothing in the request could be a token. The sender: {sender}.",),
    "TOKEN_ABSENT/text": (
        "На месте токена ({place}) текст (байт: {length}), на токен вебхука не похожий. Отправитель: {sender}.",
        "The token's place ({place}) holds a text of {length} bytes that does not look like a webhook's token. The sender: {sender}.",
    ),
    "TOKEN_ABSENT/bot": (
        "В {place} стоит текст (байт: {length}), на токен исходящего",
        "{place} holds a text of {length} bytes that does not",
    ),
    "TOKEN_ABSENT/method": (
        "Метод {method}: события Битрикс24 приходят только методом POST. Отправитель: {sender}.",
        "Method {method}: Bitrix24's events come only by POST. The sender: {sender}.",
    ),
    "BODY_INCOMPLETE": (
        "Тело пришло не целиком: обещано {declared} байт (Content-Length), пришло {came}.",
        "The body is incomplete: Content-Length promised {declared} bytes, {came} came.",
    ),
    "BODY_INCOMPLETE/chunked": (
        "Тело пришло не целиком: передача частями (Transfer-Encoding) оборвалась, пришло {came} байт.",
        "The body is incomplete: its chunks (Transfer-Encoding: chunked) broke off after {came} bytes.",
    ),
    "BODY_INCOMPLETE/nothing": (
        "Обещано {declared} байт тела",
        "Content-Length promised {declared} bytes of body, and",
    ),
    "BODY_EMPTY/null": (
        "Тело запроса — текст {how}: отправителю нечего",
        "The body is the text {how}: its sender had",
    ),
    "BODY_PRINTED/text": ("A text came instead of an object ({place}): the contents were",),
    "BODY_PRINTED/keys": (
        "An object came as the names of its own fields, without their values ({place}): that is how Python's",
    ),
    "BODY_PRINTED/listed": (
        "Each value came as a printed list, ['…'] or […] ({place}): str(), fmt.Sprint()",
    ),
    "BODY_PRINTED/json": (
        "Пришло то, что начинается как JSON, но это не JSON ({place}): оно обрезано или",
        "What came begins as JSON does but is not JSON ({place}): it is cut short or",
    ),
    "BODY_NESTED/base64": ("Событие лежит целиком внутри одного поля ({how}), да ещё в base64: так",),
    "BODY_NESTED/part": (
        "Поле {how} пришло одной строкой",
        "The field {how} came as one text (a",
    ),
    "BODY_FLATTENED/renamed": (
        "Токен верный, но на верхнем уровне нет поля event: по дороге поля назвали иначе. Пришли: {keys}.",
        "The token is right, but there is no field event at the top level: something on the way renamed the fields. These came: {keys}.",
    ),
    "BODY_FLATTENED/pairs": ("The form came as a list of names and values ({how}), not as fields:",),
    "TOKEN_OTHER_PORTAL/unbound": (
        "Токен ({place}) настроен, но не закреплён ни за одним порталом, а событие с {theirs}: для этого портала",
        "The token ({place}) is configured, but bound to no portal, and the event is from {theirs}: a token of its own is",
    ),
    "BODY_PRINTED/http": (
        "Телом ({place}) пришёл целый",
        "A whole HTTP request printed as text came as the body ({place}): its line, its",
    ),
    "BODY_PRINTED/quoted": (
        "Каждое значение пришло в кавычках ({place}): так пишет",
        "Each value came in quotes ({place}): JSON.stringify or",
    ),
    "BODY_PRINTED/nothing": (
        "На месте {place} напечатано «пусто»",
        "A printed nothing (None, null, true) came ({place}): the program that",
    ),
}

FORMER_DO: dict[str, tuple[str, ...]] = {
    "TOKEN_ALTERED/elsewhere": (
        "Вставьте токен заново, целиком и без изменений, и туда, где шлюз его ищет: заголовок X-Bitrix-Token вместо {place}.",
        "Paste the token again, whole and unchanged, and put it where the gateway looks for it: the header X-Bitrix-Token in place of {place}.",
    ),
    "TOKEN_LOOKALIKE/elsewhere": (
        "Не набирайте токен руками: скопируйте его из формы вебхука и шлите там, где шлюз его ищет: заголовок X-Bitrix-Token вместо {place}.",
        "Do not type the token: copy it from the webhook's form and send it where the gateway looks for it: the header X-Bitrix-Token in place of {place}.",
    ),
    "TOKEN_INCOMING_SECRET/elsewhere": (
        "Шлите токен исходящего вебхука («Разработчикам → Интеграции», «Токен приложения») заголовком X-Bitrix-Token, а входящий вебхук перевыпустите: его секрет побывал там, где не должен ({place}).",
        'Send the outgoing webhook\'s token ("Developer resources → Integrations", "Application token") in the header X-Bitrix-Token, and renew the incoming webhook: its secret has travelled where it should not ({place}).',
    ),
    "TOKEN_LOOKALIKE": (
        "Не набирайте токен руками: скопируйте его из формы вебхука и вставьте туда, откуда он взялся в запросе: {place}.",
    ),
    "TOKEN_ELSEWHERE/header": (
        "Шлите сам токен, и больше ничего, заголовком X-Bitrix-Token вместо {name} (или Authorization:",
        "Send the token, and nothing else, in the header X-Bitrix-Token in place of {name} (or Authorization:",
    ),
    "TOKEN_ELSEWHERE/query": ("Rename the address's parameter {name} to token:",),
    "TOKEN_ELSEWHERE/path": (
        "Перенесите токен из пути в параметр token:",
        "Move the token from the path into the parameter token:",
    ),
    "TOKEN_ELSEWHERE/cookie": (
        "Шлите токен не в Cookie, а заголовком X-Bitrix-Token или параметром token в адресе.",
        "Send the token not as a cookie but in the header X-Bitrix-Token or as the address's parameter token.",
    ),
    "TOKEN_BLANK": (
        "Впишите токен в это место или уберите место совсем: {place}. Пусто бывает, когда в",
        "Put the token there or remove the place: {place}. It is blank when an",
    ),
    "TOKEN_REPEATED": (
        "Leave one token in the request: remove the repetition from the handler's address, the proxy or the test ({place}).",
    ),
    "TOKEN_NOT_TEXT": (
        "Send the token as one text: quoted in JSON, without [] after its name in a form, not as a file ({place}).",
    ),
    "TOKEN_OTHER_PORTAL/bound": (
        "Если портал {theirs} ваш, добавьте через запятую его токен, {theirs}=ТОКЕН:",
        "If {theirs} is your portal, add its own token after a comma, {theirs}=TOKEN:",
    ),
    "TOKEN_OTHER_PORTAL/unbound": (
        "Если этот токен — от ещё одного вебхука портала {theirs}, закрепите и его, напишите {theirs}= перед ним: {setting}. Если он от другого портала, поставьте в запрос токен, закреплённый за {theirs}.",
        "If this token is that of one more webhook of {theirs}, bind it too, by writing {theirs}= before it: {setting}. If it is another portal's, have the request carry the token that is bound to {theirs}.",
    ),
}
