"""Every cause in words: what was seen (`SAYS`) and the next action (`DO`), in Russian and English.

A key is a code, or `CODE/variant` where a code has more than one sentence; a
variant that is missing falls back to its code's. `wording` fills in the fields.
"""

from gateway.texts import Sentence

SAYS: dict[str, Sentence] = {
    "SETTING_MISSING": Sentence(
        "Токен не настроен: BITRIX24_OUTGOING_WEBHOOK_TOKEN не задан, поэтому не принимается ничего.",
        "No token is configured: BITRIX24_OUTGOING_WEBHOOK_TOKEN is not set, so nothing is accepted.",
    ),
    "SETTING_MISSING/blank": Sentence(
        "Токен не настроен: в BITRIX24_OUTGOING_WEBHOOK_TOKEN только пробелы или запятые, поэтому не принимается ничего.",
        "No token is configured: BITRIX24_OUTGOING_WEBHOOK_TOKEN holds only white space or commas, so nothing is accepted.",
    ),
    "SETTING_PLACEHOLDER": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} осталась заготовка или пример вместо токена.",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} still holds a placeholder or an example instead of a token.",
    ),
    "SETTING_DECORATED": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} вместе с токеном скопировано лишнее: {how}.",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} holds more than the token, copied along with it: {how}.",
    ),
    "SETTING_URL": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} стоит адрес, а нужен только токен.",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} holds an address; it takes the token alone.",
    ),
    "SETTING_INCOMING_SECRET": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} стоит секрет ВХОДЯЩЕГО вебхука (ID/СЕКРЕТ): исходящий вебхук его никогда не присылает.",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} holds the INCOMING webhook's secret (ID/SECRET): an outgoing webhook never sends it.",
    ),
    "SETTING_SHAPE": Sentence(
        "Пришёл токен обычного вида (32 строчные латинские буквы и цифры), а длина BITRIX24_OUTGOING_WEBHOOK_TOKEN — {length}: похоже, там не он.",
        "The request's token has the usual shape (32 lower-case letters and digits); BITRIX24_OUTGOING_WEBHOOK_TOKEN has {length} characters and is probably something else.",
    ),
    "SETTING_SHAPE/characters": Sentence(
        "Пришёл токен обычного вида (32 строчные латинские буквы и цифры), а в BITRIX24_OUTGOING_WEBHOOK_TOKEN есть другие знаки: прописные, кириллица или знаки препинания.",
        "The request's token has the usual shape (32 lower-case letters and digits); BITRIX24_OUTGOING_WEBHOOK_TOKEN holds other characters: capitals, another alphabet or punctuation.",
    ),
    "METHOD_GET": Sentence(
        "Битрикс24 пришёл методом {method} вместо POST: перенаправление по дороге превратило POST в {method}, и тело с токеном пропало.",
        "Bitrix24 came with {method} instead of POST: a redirect on the way turned the POST into it, and the body with the token is gone.",
    ),
    "PATH_WRONG": Sentence(
        "{method} пришёл на адрес, который шлюз не слушает ({path}).",
        "The {method} came to a path that the gateway does not listen on ({path}).",
    ),
    "LIMIT_EXCEEDED": Sentence(
        "Тело запроса больше предела: пришло {came} байт, принимается до {allowed}.",
        "The body is over the limit: {came} bytes came, up to {allowed} are taken.",
    ),
    "LIMIT_EXCEEDED/query": Sentence(
        "Строка запроса (после ?) больше предела: пришло {came} байт, принимается до {allowed}.",
        "The query (after the ?) is over the limit: {came} bytes came, up to {allowed} are taken.",
    ),
    "LIMIT_EXCEEDED/parameters": Sentence(
        "В теле больше полей, чем принимается: пришло {came} или больше, предел {allowed}.",
        "The body has more fields than are taken: {came} or more came, the limit is {allowed}.",
    ),
    "LIMIT_EXCEEDED/levels": Sentence(
        "Вложенность тела больше предела: уровней {came} или больше, принимается до {allowed}.",
        "The body is nested deeper than is taken: {came} levels or more, the limit is {allowed}.",
    ),
    "BODY_EMPTY": Sentence(
        "POST пришёл без тела, а токен Битрикс24 стоит именно в теле: его потеряло перенаправление или прокси (или его не послал сам отправитель).",
        "The POST came without a body, which is where Bitrix24 puts the token: a redirect or a proxy dropped it (or the sender sent none).",
    ),
    "BODY_EMPTY/declared": Sentence(
        "Заголовок Content-Length обещал {declared} байт, а тело пришло пустым: его отбросил прокси по дороге.",
        "Content-Length promised {declared} bytes and the body came empty: a proxy on the way dropped it.",
    ),
    "BODY_COMPRESSED": Sentence(
        "Тело пришло сжатым ({how}), а сжатое шлюз не распаковывает; сам Битрикс24 тело не сжимает.",
        "The body came compressed ({how}), and the gateway does not unpack it; Bitrix24 itself never compresses.",
    ),
    "BODY_MISDECLARED": Sentence(
        "Content-Type не описывает тело ({how}: объявлено → на деле), поэтому токен в нём не прочитался.",
        "The Content-Type does not describe the body ({how}: declared → found), so the token in it was not read.",
    ),
    "BODY_ENCODED_TWICE": Sentence(
        "Тело закодировано (%XX) лишний раз: после одной раскодировки скобки остаются как %5B и %5D.",
        "The body is percent-encoded once too often: after decoding, brackets are still %5B and %5D.",
    ),
    "BODY_FLATTENED": Sentence(
        "Кто-то по дороге переписал скобки: вместо auth[application_token] пришло плоское имя ({how}).",
        "Something on the way rewrote the brackets: a flat name ({how}) came instead of auth[application_token].",
    ),
    "BODY_NESTED": Sentence(
        "Событие лежит целиком внутри одного поля ({how}), а не на верхнем уровне тела.",
        "The event stands inside one field ({how}) instead of at the top of the body.",
    ),
    "BODY_UNREADABLE": Sentence(
        "Тело — не JSON и не форма, прочитать его нельзя.",
        "The body is neither JSON nor a form; it can't be read.",
    ),
    "BODY_UNREADABLE/JSON": Sentence(
        "Тело начинается как JSON, но это не JSON: оно обрезано или испорчено.",
        "The body begins as JSON does, but is none: it is cut or broken.",
    ),
    "BODY_UNREADABLE/kind": Sentence(
        "Тело — не JSON и не форма ({how}), прочитать его нельзя.",
        "The body is neither JSON nor a form ({how}); it can't be read.",
    ),
    "TOKEN_ALTERED": Sentence(
        "Токен верный, но по дороге изменён ({place}): {how}.",
        "The token is the right one, but altered ({place}): {how}.",
    ),
    "TOKEN_ALTERED/setting": Sentence(
        "Токен запроса ({place}) и настроенный отличаются только этим: {how}; испорчен, судя по виду, настроенный.",
        "The request's token ({place}) and the configured one differ in this alone: {how}; by its look, the configured one is spoilt.",
    ),
    "TOKEN_LOOKALIKE": Sentence(
        "Токен верный, но в нём буквы другого алфавита, похожие на латинские ({place}; таких букв: {count}).",
        "The token is the right one but for letters of another alphabet that look Latin ({place}; so many: {count}).",
    ),
    "TOKEN_LOOKALIKE/setting": Sentence(
        "Токен запроса ({place}) и настроенный отличаются только буквами другого алфавита; судя по виду, они в настройке.",
        "The request's token ({place}) and the configured one differ in letters of another alphabet alone; by their look, those are in the setting.",
    ),
    "TOKEN_ELSEWHERE": Sentence(
        "Верный токен есть, но стоит не там, где его ищут: {place}.",
        "The right token is there, but in a place where it is not looked for: {place}.",
    ),
    "TOKEN_ELSEWHERE/raw": Sentence(
        "Верный токен есть, но он и есть всё тело запроса: ни имени поля, ни события.",
        "The right token is there, but it is the whole body: no field's name, no event.",
    ),
    "TOKEN_INCOMING_SECRET": Sentence(
        "В запросе ({place}) секрет ВХОДЯЩЕГО вебхука: это другой секрет, исходящим вебхуком он не бывает.",
        "The request ({place}) carries the INCOMING webhook's secret: another secret, never an outgoing webhook's token.",
    ),
    "TOKEN_OTHER_PORTAL": Sentence(
        "Событие с другого портала: auth.domain — {theirs}, а BITRIX24_DOMAIN — {mine}.",
        "The event is another portal's: auth.domain is {theirs}, BITRIX24_DOMAIN is {mine}.",
    ),
    "TOKEN_APPLICATION": Sentence(
        "Токен ({place}) — 32 шестнадцатеричные цифры: так выглядит токен приложения, а не исходящего вебхука (отпечаток {print}).",
        "The token ({place}) is 32 hex digits: what an application's token looks like, not an outgoing webhook's (fingerprint {print}).",
    ),
    "TOKEN_OTHER_WEBHOOK": Sentence(
        "Токен ({place}) настоящего вида, но не из настроенных: отпечаток {print}, настроены {accepted}. Это другой вебхук портала, или токен сменился.",
        "The token ({place}) has a webhook's shape but is none of the configured ones: fingerprint {print}, configured {accepted}. It is another webhook of the portal, or the token has changed.",
    ),
    "TOKEN_OTHER_WEBHOOK/place": Sentence(
        "Токен ({place}) стоит на своём месте, но не из настроенных: отпечаток {print}, настроены {accepted}. Это другой вебхук или бот портала, или токен сменился.",
        "The token ({place}) stands where it belongs but is none of the configured ones: fingerprint {print}, configured {accepted}. It is another webhook or bot of the portal, or the token has changed.",
    ),
    "AUTHORIZATION_SCHEME/held": Sentence(
        "Верный токен стоит в Authorization, но со схемой {scheme} вместо Bearer.",
        "The right token stands in Authorization, but with the scheme {scheme} instead of Bearer.",
    ),
    "AUTHORIZATION_SCHEME/held_bare": Sentence(
        "Верный токен стоит в Authorization, но без слова Bearer перед ним.",
        "The right token stands in Authorization, but without the word Bearer before it.",
    ),
    "AUTHORIZATION_SCHEME/held_glued": Sentence(
        "Верный токен стоит в Authorization, но после слова Bearer нужен один пробел и ничего больше.",
        "The right token stands in Authorization, but the word Bearer is followed by one space and nothing else.",
    ),
    "AUTHORIZATION_SCHEME/other_glued": Sentence(
        "Заголовок Authorization пришёл со словом Bearer, слитым с остальным: после него нужен один пробел.",
        "Authorization came with the word Bearer run together with the rest: it is followed by one space.",
    ),
    "AUTHORIZATION_SCHEME": Sentence(
        "Заголовок Authorization пришёл со схемой {scheme}, а токен читается только после Bearer; сам Битрикс24 этот заголовок не присылает.",
        "Authorization came with the scheme {scheme}; a token is read after Bearer only, and Bitrix24 itself never sends this header.",
    ),
    "AUTHORIZATION_SCHEME/other_bare": Sentence(
        "Заголовок Authorization пришёл без схемы, а токен читается только после Bearer; сам Битрикс24 этот заголовок не присылает.",
        "Authorization came without a scheme; a token is read after Bearer only, and Bitrix24 itself never sends this header.",
    ),
    "AUTHORIZATION_GATEWAY": Sentence(
        "В Authorization — JWT: его добавил API-шлюз или IAM Google, это не токен вебхука.",
        "Authorization holds a JWT: an API gateway or Google's IAM put it there, it is not the webhook's token.",
    ),
    "TOKEN_BLANK": Sentence(
        "Место для токена есть, но оно пустое: {place}.",
        "The token's place is there, but blank: {place}.",
    ),
    "TOKEN_REPEATED": Sentence(
        "Токен передан больше одного раза, а выбирать из нескольких шлюз не станет: {place}.",
        "The token was given more than once, and which one counts is not for the gateway to choose: {place}.",
    ),
    "TOKEN_REPEATED/header": Sentence(
        "В заголовке {place} запятая: это два значения, склеенные по дороге, а выбирать из них шлюз не станет.",
        "{place} holds a comma: two values joined on the way, and which one counts is not for the gateway to choose.",
    ),
    "TOKEN_NOT_TEXT": Sentence(
        "На месте токена не текст, а число, список, объект, null или файл: {place}.",
        "The token's place holds no text but a number, a list, an object, null or a file: {place}.",
    ),
    "ROBOT_WITHOUT_TOKEN": Sentence(
        "Это робот «Исходящий вебхук» (есть document_id, нет event): токена он не присылает никогда.",
        'This is the automation rule "Outbound webhook" (document_id, no event): it never sends a token.',
    ),
    "AUTH_MISSING": Sentence(
        "Событие пришло без auth, а токен стоит в нём: так шлёт коробочный портал со своим провайдером событий, или auth убрали по дороге.",
        "The event came without auth, where the token stands: a boxed portal with its own event provider sends it so, or something on the way removed it.",
    ),
    "AUTH_MISSING/token": Sentence(
        "Событие пришло с auth, но без application_token в нём: токен убрали по дороге, или событие послал не исходящий вебхук.",
        "The event came with auth, but without application_token in it: something on the way removed it, or no outgoing webhook sent the event.",
    ),
    "AUTH_MISSING/cut": Sentence(
        "Событие пришло без токена и короче, чем обещал Content-Length: тело обрезали по дороге, а auth стоит в его конце.",
        "The event came without its token and shorter than its Content-Length: the body was cut on the way, and auth stands at its end.",
    ),
    "TOKEN_ABSENT": Sentence(
        "Ничего похожего на токен в запросе нет. Отправитель: {sender}.",
        "Nothing in the request could be a token. The sender: {sender}.",
    ),
    "TOKEN_ABSENT/text": Sentence(
        "На месте токена ({place}) текст (байт: {length}), на токен вебхука не похожий. Отправитель: {sender}.",
        "The token's place ({place}) holds a text of {length} bytes that is not like a webhook's token. The sender: {sender}.",
    ),
    "TOKEN_ABSENT/placeholder": Sentence(
        "На месте токена ({place}) заготовка или незаданная переменная вместо значения.",
        "The token's place ({place}) holds a placeholder, or a variable that was not filled in.",
    ),
    "TOKEN_ABSENT/method": Sentence(
        "Метод {method}: события Битрикс24 приходят только методом POST. Отправитель: {sender}.",
        "Method {method}: Bitrix24's events come by POST alone. The sender: {sender}.",
    ),
}

_COPY_RU = "Скопируйте токен из Битрикс24 («Разработчикам → Интеграции», ваш исходящий вебхук, «Токен приложения»; новый: «Разработчикам → Другое → Исходящий вебхук»)"
_COPY_EN = 'Copy the token from Bitrix24 ("Developer resources → Integrations", your outbound webhook, "Application token"; a new one: "Developer resources → Other → Outbound webhook")'

DO: dict[str, Sentence] = {
    "SETTING_MISSING": Sentence(
        _COPY_RU + " и задайте его: {setting}.",
        _COPY_EN + " and set it: {setting}.",
    ),
    "SETTING_PLACEHOLDER": Sentence(
        _COPY_RU + " и впишите его вместо заготовки: {setting}.",
        _COPY_EN + " and put it in the placeholder's stead: {setting}.",
    ),
    "SETTING_DECORATED": Sentence(
        "Оставьте только токен: без кавычек, Bearer, имени переменной и пробелов; несколько токенов — через запятую: {setting}.",
        "Leave the token alone: no quotes, no Bearer, no variable's name, no white space; several tokens are separated by commas: {setting}.",
    ),
    "SETTING_URL": Sentence(
        _COPY_RU + " и впишите его вместо адреса: {setting}.",
        _COPY_EN + " and put it in the address's stead: {setting}.",
    ),
    "SETTING_INCOMING_SECRET": Sentence(
        _COPY_RU
        + " и впишите его: {setting}. Секрет входящего вебхука (ID/СЕКРЕТ) относится к BITRIX24_WEBHOOK_TOKEN.",
        _COPY_EN
        + " and set it: {setting}. The incoming webhook's ID/SECRET belongs into BITRIX24_WEBHOOK_TOKEN.",
    ),
    "SETTING_SHAPE": Sentence(
        _COPY_RU + " целиком, кнопкой копирования, и впишите его: {setting}.",
        _COPY_EN + ", whole and by its copy button, and set it: {setting}.",
    ),
    "METHOD_GET": Sentence(
        "Укажите в вебхуке конечный адрес, сразу с https:// и без перенаправлений: {url}. Проверить: curl -si -X POST АДРЕС не должен отвечать 301, 302, 303, 307 или 308.",
        "Give the webhook the final address, with https:// and no redirects: {url}. To check: curl -si -X POST ADDRESS must not answer 301, 302, 303, 307 or 308.",
    ),
    "PATH_WRONG": Sentence(
        "Укажите в Битрикс24 адрес обработчика ровно так: {url}.",
        "Give Bitrix24 exactly this handler address: {url}.",
    ),
    "LIMIT_EXCEEDED": Sentence(
        "Посмотрите, кто шлёт такой запрос: событие Битрикс24 столько не занимает. Уберите вложения и лишнее из тела у того, кто пересылает.",
        "See who sends this: no event of Bitrix24's takes that much. Take attachments and everything extra out where the body is forwarded.",
    ),
    "LIMIT_EXCEEDED/query": Sentence(
        "Уберите из адреса обработчика всё после ?, кроме token: событие Битрикс24 идёт в теле.",
        "Take everything after the ? but token out of the handler's address: Bitrix24's event travels in the body.",
    ),
    "BODY_EMPTY": Sentence(
        "Укажите в вебхуке конечный адрес {url}, сразу с https://; если впереди прокси, включите в нём передачу тела POST. При перенаправлении в журнале прокси перед этим запросом стоит ответ 301/302; если его нет, тело теряет сам прокси.",
        "Give the webhook the final address {url}, with https:// at once; where a proxy stands before the gateway, let it pass the POST's body. After a redirect the proxy's log shows a 301/302 right before this request; without one, the proxy itself drops the body.",
    ),
    "BODY_COMPRESSED": Sentence(
        "Выключите сжатие тела запроса у прокси или отправителя (заголовок Content-Encoding).",
        "Turn off the compression of request bodies at the proxy or the sender (the header Content-Encoding).",
    ),
    "BODY_MISDECLARED": Sentence(
        "Исправьте Content-Type у прокси или отправителя: Битрикс24 шлёт application/x-www-form-urlencoded в UTF-8, передавайте заголовок и тело как пришли.",
        "Correct the Content-Type at the proxy or the sender: Bitrix24 sends application/x-www-form-urlencoded in UTF-8; pass header and body on as they came.",
    ),
    "BODY_ENCODED_TWICE": Sentence(
        "Передавайте тело байт в байт, не кодируя его повторно (в curl: --data вместо --data-urlencode).",
        "Pass the body on byte for byte, without encoding it again (in curl: --data instead of --data-urlencode).",
    ),
    "BODY_FLATTENED": Sentence(
        'Передавайте тело байт в байт или шлите вложенно: auth[application_token] в форме, {{"auth": {{"application_token": …}}}} в JSON.',
        'Pass the body on byte for byte, or send it nested: auth[application_token] in a form, {{"auth": {{"application_token": …}}}} in JSON.',
    ),
    "BODY_NESTED": Sentence(
        "Шлите содержимое этого поля самим телом запроса (в n8n, Make и подобных: передать исходное тело, а не обёртку).",
        "Send that field's content as the body itself (in n8n, Make and the like: forward the original body, not a wrapper).",
    ),
    "BODY_UNREADABLE": Sentence(
        "Передавайте тело Битрикс24 без изменений: форма application/x-www-form-urlencoded или JSON в UTF-8. Что пришло, покажет WEBHOOK_CAPTURE_UNTIL.",
        "Pass Bitrix24's body on unchanged: a form, application/x-www-form-urlencoded, or JSON in UTF-8. WEBHOOK_CAPTURE_UNTIL shows what came.",
    ),
    "TOKEN_ALTERED": Sentence(
        "Вставьте токен заново, целиком и без изменений, туда, откуда он взялся в запросе (адрес обработчика, прокси, тест): {place}.",
        "Paste the token anew, whole and unchanged, where the request has it from (the handler's address, a proxy, a test): {place}.",
    ),
    "TOKEN_ALTERED/setting": Sentence(
        _COPY_RU + " и впишите его заново: {setting}.",
        _COPY_EN + " and set it anew: {setting}.",
    ),
    "TOKEN_LOOKALIKE": Sentence(
        "Не набирайте токен руками: скопируйте его из формы вебхука и вставьте туда, откуда он взялся в запросе: {place}.",
        "Do not type the token: copy it from the webhook's form and paste it where the request has it from: {place}.",
    ),
    "TOKEN_LOOKALIKE/setting": Sentence(
        _COPY_RU + ", не набирая руками, и впишите его заново: {setting}.",
        _COPY_EN + ", without typing, and set it anew: {setting}.",
    ),
    "TOKEN_ELSEWHERE": Sentence(
        "Назовите его так, как шлюз его ищет: заголовок X-Bitrix-Token.",
        "Name it as the gateway looks for it: the header X-Bitrix-Token.",
    ),
    "TOKEN_ELSEWHERE/header": Sentence(
        "Переименуйте заголовок {name} в X-Bitrix-Token (или шлите Authorization: Bearer ТОКЕН).",
        "Rename the header {name} to X-Bitrix-Token (or send Authorization: Bearer TOKEN).",
    ),
    "TOKEN_ELSEWHERE/query": Sentence(
        "Переименуйте параметр адреса {name} в token: {url}?token=ТОКЕН.",
        "Rename the address's parameter {name} to token: {url}?token=TOKEN.",
    ),
    "TOKEN_ELSEWHERE/path": Sentence(
        "Перенесите токен из пути в параметр token: {url}?token=ТОКЕН.",
        "Move the token from the path into the parameter token: {url}?token=TOKEN.",
    ),
    "TOKEN_ELSEWHERE/cookie": Sentence(
        "Шлите токен не в Cookie, а заголовком X-Bitrix-Token или параметром token в адресе.",
        "Send the token not as a cookie but in the header X-Bitrix-Token or as the address's parameter token.",
    ),
    "TOKEN_ELSEWHERE/body": Sentence(
        "Переименуйте поле {name} в auth[application_token] (так его называет Битрикс24) или в token на верхнем уровне.",
        "Rename the field {name} to auth[application_token] (Bitrix24's own name) or to token at the top level.",
    ),
    "TOKEN_INCOMING_SECRET": Sentence(
        "Поставьте вместо него токен исходящего вебхука («Разработчикам → Интеграции», «Токен приложения»), а входящий вебхук перевыпустите: его секрет побывал там, где не должен.",
        'Put the outgoing webhook\'s token there ("Developer resources → Integrations", "Application token"), and renew the incoming webhook: its secret has travelled where it should not.',
    ),
    "TOKEN_OTHER_PORTAL": Sentence(
        "Если портал чужой, уберите на нём этот адрес из исходящего вебхука. Если свой (второй или переименованный), добавьте его токен через запятую: {setting}; и поправьте BITRIX24_DOMAIN.",
        "If the portal is not yours, remove this address from its outbound webhook. If it is (a second one, or renamed), add its token after a comma: {setting}; and correct BITRIX24_DOMAIN.",
    ),
    "TOKEN_APPLICATION": Sentence(
        "Заведите исходящий вебхук («Разработчикам → Другое → Исходящий вебхук») вместо обработчика приложения, или примите и токен приложения: добавьте его через запятую: {setting}.",
        "Create an outbound webhook (\"Developer resources → Other → Outbound webhook\") instead of the application's handler, or accept the application's token too: add it after a comma: {setting}.",
    ),
    "TOKEN_OTHER_WEBHOOK": Sentence(
        "Откройте «Разработчикам → Интеграции», сверьте «Токен приложения» у каждого исходящего вебхука с адресом этого шлюза и перечислите все через запятую: {setting}. Выключение и включение вебхука меняет токен; лишний вебхук удалите. Если BITRIX24_DOMAIN не задан, сверьте и портал (auth.domain).",
        'Open "Developer resources → Integrations", compare "Application token" of every outbound webhook that has this gateway\'s address, and list them all, separated by commas: {setting}. Switching a webhook off and on changes its token; delete what is not needed. Where BITRIX24_DOMAIN is not set, compare the portal (auth.domain) too.',
    ),
    "AUTHORIZATION_SCHEME": Sentence(
        "Шлите Authorization: Bearer ТОКЕН или заголовок X-Bitrix-Token. Если этот Authorization нужен прокси, оставьте его, а токен передайте в теле или в адресе: {url}?token=ТОКЕН.",
        "Send Authorization: Bearer TOKEN, or the header X-Bitrix-Token. If a proxy needs this Authorization, leave it and pass the token in the body or the address: {url}?token=TOKEN.",
    ),
    "AUTHORIZATION_GATEWAY": Sentence(
        "Оставьте JWT шлюзу и проследите, чтобы тело Битрикс24 доходило целиком, или добавьте токен в адрес: {url}?token=ТОКЕН. Для Cloud Run разрешите вызов без входа: ./deploy.sh deploy bitrix_webhook.",
        "Leave the JWT to the API gateway and see that Bitrix24's body arrives whole, or add the token to the address: {url}?token=TOKEN. On Cloud Run allow calls without sign-in: ./deploy.sh deploy bitrix_webhook.",
    ),
    "TOKEN_BLANK": Sentence(
        "Впишите токен в это место или уберите место совсем: {place}. Пусто бывает, когда в адресе или прокси подставлена незаданная переменная.",
        "Put the token there or remove the place: {place}. It is blank where an address or a proxy uses a variable that is not set.",
    ),
    "TOKEN_REPEATED": Sentence(
        "Оставьте в запросе один токен: уберите повтор из адреса обработчика, прокси или теста ({place}).",
        "Leave one token in the request: remove the repetition from the handler's address, the proxy or the test ({place}).",
    ),
    "TOKEN_NOT_TEXT": Sentence(
        "Шлите токен одной строкой: в JSON в кавычках, в форме без [] после имени, не файлом ({place}).",
        "Send the token as one text: quoted in JSON, without [] after its name in a form, not as a file ({place}).",
    ),
    "ROBOT_WITHOUT_TOKEN": Sentence(
        "Допишите токен в адрес самого робота: {url}?token=ТОКЕН. Робот событий не шлёт: для событий заведите «Разработчикам → Другое → Исходящий вебхук».",
        'Add the token to the address in the rule itself: {url}?token=TOKEN. The rule sends no events: for those create "Developer resources → Other → Outbound webhook".',
    ),
    "AUTH_MISSING": Sentence(
        "Допишите токен в адрес обработчика: {url}?token=ТОКЕН. Если портал облачный, найдите, кто по дороге меняет тело (прокси, n8n, Make), и передавайте его без изменений.",
        "Add the token to the handler's address: {url}?token=TOKEN. If the portal is in the cloud, find what changes the body on the way (a proxy, n8n, Make) and pass it on unchanged.",
    ),
    "AUTH_MISSING/cut": Sentence(
        "Поднимите предел размера тела у прокси перед шлюзом, чтобы тело доходило целиком.",
        "Raise the limit on bodies of the proxy before the gateway, so that the body arrives whole.",
    ),
    "TOKEN_ABSENT": Sentence(
        "Если это не Битрикс24, ничего делать не нужно. Если проверяете сами: python -m gateway trigger ONUSERADD шлёт верное событие; адрес для вебхука: {url}.",
        "If it is not Bitrix24, there is nothing to do. To try it yourself: python -m gateway trigger ONUSERADD sends a right event; the address for the webhook: {url}.",
    ),
    "TOKEN_ABSENT/placeholder": Sentence(
        "Поставьте туда сам токен исходящего вебхука («Разработчикам → Интеграции», «Токен приложения»), а переменную в адресе, прокси или тесте задайте.",
        'Put the outgoing webhook\'s token itself there ("Developer resources → Integrations", "Application token"), and set the variable that the address, the proxy or the test uses.',
    ),
    "TOKEN_ABSENT/text": Sentence(
        "Поставьте туда токен исходящего вебхука («Разработчикам → Интеграции», «Токен приложения»). Проверить: python -m gateway trigger ONUSERADD.",
        'Put the outgoing webhook\'s token there ("Developer resources → Integrations", "Application token"). To check: python -m gateway trigger ONUSERADD.',
    ),
    "TOKEN_ABSENT/method": Sentence(
        "Шлите POST на {url}; работоспособность проверяйте методом GET на /health.",
        "Send a POST to {url}; check liveness by a GET on /health.",
    ),
}
