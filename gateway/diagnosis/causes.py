"""Every cause in words: what was seen (`SAYS`) and the next action (`DO`), in Russian and English.

A key is a code, or `CODE/variant` where a code has more than one sentence; a
variant that is missing falls back to its code's. `wording` fills in the fields.
"""

from gateway.diagnosis import printed
from gateway.texts import Sentence

SAYS: dict[str, Sentence] = {
    "SETTING_MISSING": Sentence(
        "Токен не настроен: BITRIX24_OUTGOING_WEBHOOK_TOKEN не задан, поэтому ничего не принимается.",
        "No token is configured: BITRIX24_OUTGOING_WEBHOOK_TOKEN is not set, so nothing is accepted.",
    ),
    "SETTING_MISSING/blank": Sentence(
        "Токен не настроен: в BITRIX24_OUTGOING_WEBHOOK_TOKEN только пробелы или запятые, поэтому ничего не принимается.",
        "No token is configured: BITRIX24_OUTGOING_WEBHOOK_TOKEN holds only white space or commas, so nothing is accepted.",
    ),
    "SETTING_MISSING/portal": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN указан портал, но после «=» нет токена: {portals}. Такая запись ни на что не влияет.",
        'BITRIX24_OUTGOING_WEBHOOK_TOKEN names a portal but has no token after the "=": {portals}. Such an entry has no effect.',
    ),
    "SETTING_PLACEHOLDER": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} осталась заготовка или пример вместо токена.",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} still holds a placeholder or an example instead of a token.",
    ),
    "SETTING_DECORATED": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} вместе с токеном скопировано лишнее: {how}.",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} holds more than the token: {how}.",
    ),
    "SETTING_URL": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} стоит адрес, а нужен только токен.",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} holds an address; put only the token there.",
    ),
    "SETTING_URL/portal": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} портал перед токеном записан не так, как нужно, и всё вместе считается токеном.",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} has the portal in front of the token in another form than is read, so all of it counts as the token.",
    ),
    "SETTING_INCOMING_SECRET": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} стоит секрет ВХОДЯЩЕГО вебхука (ID/СЕКРЕТ): исходящий вебхук его никогда не присылает.",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} holds the INCOMING webhook's secret (ID/SECRET): an outgoing webhook never sends it.",
    ),
    "SETTING_SHAPE": Sentence(
        "Пришёл токен обычного вида (32 строчные латинские буквы и цифры), а в BITRIX24_OUTGOING_WEBHOOK_TOKEN знаков: {length}. Похоже, там не токен вебхука.",
        "The request's token has the usual format (32 lower-case letters and digits), but the length of BITRIX24_OUTGOING_WEBHOOK_TOKEN is {length}: it is probably not a webhook's token.",
    ),
    "SETTING_SHAPE/characters": Sentence(
        "Пришёл токен обычного вида (32 строчные латинские буквы и цифры), а в BITRIX24_OUTGOING_WEBHOOK_TOKEN есть другие знаки: прописные, кириллица или знаки препинания.",
        "The request's token has the usual format (32 lower-case letters and digits), but BITRIX24_OUTGOING_WEBHOOK_TOKEN contains other characters: capitals, another alphabet or punctuation.",
    ),
    "SETTING_SHAPE/alphabet": Sentence(
        "В BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} рядом с латинскими буквами и цифрами стоят русские: они выглядят так же, но токен с ними другой.",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN{which} has Cyrillic letters among Latin ones and digits: they look the same, but with them it is another token.",
    ),
    "METHOD_GET": Sentence(
        "Запрос Битрикс24 пришёл методом {method} вместо POST: перенаправление по дороге превратило POST в {method}, и тело с токеном пропало.",
        "Bitrix24's request came as {method} instead of POST: a redirect on the way turned the POST into {method}, and the body with the token was lost.",
    ),
    "PATH_WRONG": Sentence(
        "{method} пришёл на адрес, который шлюз не слушает ({path}).",
        "The {method} came to a path that the gateway does not listen on ({path}).",
    ),
    "LIMIT_EXCEEDED": Sentence(
        "Тело запроса больше предела. Пришло байт: {came}, принимается до {allowed}.",
        "The body is over the limit: {came} bytes came, up to {allowed} are accepted.",
    ),
    "LIMIT_EXCEEDED/query": Sentence(
        "Строка запроса (после ?) больше предела. Пришло байт: {came} или больше, принимается до {allowed}.",
        "The query (after the ?) is over the limit: {came} bytes or more came, up to {allowed} are accepted.",
    ),
    "LIMIT_EXCEEDED/parameters": Sentence(
        "В теле больше полей, чем принимается: пришло {came} или больше, предел {allowed}.",
        "The body has too many fields: {came} or more came, the limit is {allowed}.",
    ),
    "LIMIT_EXCEEDED/query_parameters": Sentence(
        "В строке запроса (после ?) больше параметров, чем принимается: пришло {came}, предел {allowed}.",
        "The query (after the ?) has too many parameters: {came} came, the limit is {allowed}.",
    ),
    "LIMIT_EXCEEDED/levels": Sentence(
        "Вложенность тела больше предела: уровней {came} или больше, принимается до {allowed}.",
        "The body is nested too deep: {came} levels or more, the limit is {allowed}.",
    ),
    "BODY_EMPTY": Sentence(
        "POST пришёл без тела, а Битрикс24 передаёт токен именно в теле. Тело потерялось при перенаправлении или в прокси, либо отправитель его не послал.",
        "The POST came without a body, and the body is where Bitrix24 puts the token: a redirect or a proxy dropped it (or the sender did not send one).",
    ),
    "BODY_COMPRESSED": Sentence(
        "Тело пришло сжатым ({how}), а шлюз сжатые тела не распаковывает; сам Битрикс24 тело не сжимает.",
        "The body came compressed ({how}), and the gateway does not decompress bodies; Bitrix24 itself never compresses them.",
    ),
    "BODY_MISDECLARED": Sentence(
        "Content-Type не соответствует телу ({how}: объявлено → на деле), поэтому прочитать токен не удалось.",
        "The Content-Type does not match the body ({how}: declared → found), so the token in it could not be read.",
    ),
    "BODY_ENCODED_TWICE": Sentence(
        "Тело лишний раз закодировано (%XX): после раскодирования вместо скобок остались %5B и %5D.",
        "The body is percent-encoded once too often: after decoding, its brackets are still %5B and %5D.",
    ),
    "BODY_FLATTENED": Sentence(
        "Кто-то по дороге переписал скобки: вместо auth[application_token] пришло плоское имя ({how}).",
        "Something on the way rewrote the brackets: a flat name ({how}) came instead of auth[application_token].",
    ),
    "BODY_NESTED": Sentence(
        "Событие лежит целиком внутри одного поля ({how}), а не на верхнем уровне тела.",
        "The whole event is inside one field ({how}) instead of at the top level of the body.",
    ),
    "BODY_UNREADABLE": Sentence(
        "Тело — не JSON и не форма, прочитать его нельзя.",
        "The body is neither JSON nor a form; it can't be read.",
    ),
    "BODY_UNREADABLE/JSON": Sentence(
        "Тело начинается как JSON, но это не JSON: оно обрезано или испорчено.",
        "The body begins like JSON but is not valid JSON: it is cut short or broken.",
    ),
    "BODY_UNREADABLE/template": Sentence(
        "Вместо тела пришёл незаполненный шаблон: {{{{ … }}}} или ${{…}}.",
        "An unfilled template came instead of the body: {{{{ … }}}} or ${{…}}.",
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
        "Токен в запросе ({place}) отличается от настроенного только этим: {how}. Судя по виду, испорчен настроенный.",
        "The request's token ({place}) differs from the configured one only in this: {how}. Judging by its format, the configured one is damaged.",
    ),
    "TOKEN_LOOKALIKE": Sentence(
        "Токен верный, но в нём буквы другого алфавита, похожие на латинские ({place}; таких букв: {count}).",
        "The token is the right one, except for letters of another alphabet that look like Latin ones ({place}; such letters: {count}).",
    ),
    "TOKEN_LOOKALIKE/setting": Sentence(
        "Токен в запросе ({place}) отличается от настроенного только буквами другого алфавита. Судя по виду, они в настройке.",
        "The request's token ({place}) differs from the configured one only in letters of another alphabet. Most likely these are in the setting.",
    ),
    "TOKEN_ELSEWHERE": Sentence(
        "Верный токен в запросе есть, но в таком месте шлюз его не ищет: {place}.",
        "The request carries the right token, but in a place where the gateway does not look: {place}.",
    ),
    "TOKEN_ELSEWHERE/raw": Sentence(
        "Тело запроса — это один верный токен: ни имени поля, ни события в нём нет.",
        "The body is nothing but the right token: it has no field name and no event.",
    ),
    "TOKEN_ELSEWHERE/bytes": Sentence(
        "Верный токен есть в теле запроса, но не как значение поля: он в файле, в заголовке части multipart или после нулевого байта.",
        "The right token is in the body, but not as a field's value: it is in a file, in the header of a multipart part, or after a zero byte.",
    ),
    "TOKEN_INCOMING_SECRET": Sentence(
        "В запросе ({place}) секрет ВХОДЯЩЕГО вебхука, а он никогда не бывает токеном исходящего.",
        "The request ({place}) carries the INCOMING webhook's secret, which is never an outgoing webhook's token.",
    ),
    "TOKEN_OTHER_PORTAL": Sentence(
        "Событие с другого портала: auth.domain — {theirs}, а BITRIX24_DOMAIN — {mine}.",
        "The event is from another portal: auth.domain is {theirs}, but BITRIX24_DOMAIN is {mine}.",
    ),
    "TOKEN_APPLICATION": Sentence(
        "Токен ({place}) — 32 шестнадцатеричные цифры: так выглядит токен приложения (из Маркета или локального), а не исходящего вебхука (отпечаток {print}).",
        "The token ({place}) is 32 hex digits, which is the format of an application's token (from the Market, or a local application), not of an outgoing webhook's (fingerprint {print}).",
    ),
    "TOKEN_OTHER_WEBHOOK": Sentence(
        "Токен ({place}) похож на токен вебхука, но среди настроенных его нет: отпечаток {print}, настроены {accepted}. Это токен другого вебхука портала, или у вебхука сменился токен.",
        "The token ({place}) looks like a webhook's but is not one of the configured ones: fingerprint {print}, configured {accepted}. It belongs to another webhook of the portal, or the webhook's token has changed.",
    ),
    "TOKEN_OTHER_WEBHOOK/place": Sentence(
        "Токен ({place}) похож на настроенный, но среди настроенных его нет: отпечаток {print}, настроены {accepted}. Это токен другого вебхука или бота портала, или токен сменился.",
        "The token ({place}) looks like a configured one but is not one of them: fingerprint {print}, configured {accepted}. It belongs to another webhook or bot of the portal, or the token has changed.",
    ),
    "AUTHORIZATION_SCHEME/held": Sentence(
        "Верный токен стоит в Authorization, но со схемой {scheme} вместо Bearer.",
        "The right token is in Authorization, but with the scheme {scheme} instead of Bearer.",
    ),
    "AUTHORIZATION_SCHEME/held_bare": Sentence(
        "Верный токен стоит в Authorization, но без слова Bearer перед ним.",
        "The right token is in Authorization, but without the word Bearer before it.",
    ),
    "AUTHORIZATION_SCHEME/held_glued": Sentence(
        "Верный токен стоит в Authorization, но между словом Bearer и токеном должен быть один пробел и ничего больше.",
        "The right token is in Authorization, but between the word Bearer and the token there must be one space and nothing else.",
    ),
    "AUTHORIZATION_SCHEME/other_glued": Sentence(
        "В заголовке Authorization после слова Bearer нет пробела: нужен ровно один.",
        "In Authorization, no space follows the word Bearer: there must be exactly one.",
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
        "Authorization holds a JWT: an API gateway or Google's IAM put it there; it is not the webhook's token.",
    ),
    "TOKEN_BLANK": Sentence(
        "Место для токена есть, но оно пустое: {place}.",
        "There is a place for the token, but it is blank: {place}.",
    ),
    "TOKEN_REPEATED": Sentence(
        "Токен передан больше одного раза, а выбирать из нескольких шлюз не станет: {place}.",
        "The token was given more than once, and the gateway does not choose between several: {place}.",
    ),
    "TOKEN_REPEATED/header": Sentence(
        "В заголовке {place} запятая: это два значения, склеенные по дороге, а выбирать из них шлюз не станет.",
        "{place} holds a comma: two values were joined on the way, and the gateway does not choose between them.",
    ),
    "TOKEN_NOT_TEXT": Sentence(
        "На месте токена не текст, а число, список, объект, null или файл: {place}.",
        "The token's place holds a number, a list, an object, null or a file instead of text: {place}.",
    ),
    "TOKEN_NOT_TEXT/null": Sentence(
        "На месте токена null или undefined ({place}): переменная, из которой его взяли, пуста.",
        "The token's place holds null or undefined ({place}): the variable that it was taken from is empty.",
    ),
    "ROBOT_WITHOUT_TOKEN": Sentence(
        "Это робот «Исходящий вебхук» (есть document_id, нет event): токен он никогда не присылает.",
        'This is the automation rule "Outbound webhook" (document_id, no event): it never sends a token.',
    ),
    "AUTH_MISSING": Sentence(
        "Событие пришло без auth, а токен стоит в нём: так шлёт коробочный портал со своим провайдером событий, или auth убрали по дороге.",
        "The event came without auth, which holds the token: a self-hosted portal with its own event provider sends events like that, or something on the way removed auth.",
    ),
    "AUTH_MISSING/token": Sentence(
        "Событие пришло с auth, но без application_token в нём: токен убрали по дороге, или событие послал не исходящий вебхук.",
        "The event came with auth, but without application_token in it: something on the way removed the token, or the event was not sent by an outgoing webhook.",
    ),
    "TOKEN_ABSENT": Sentence(
        "Ничего похожего на токен в запросе нет. Отправитель: {sender}.",
        "Nothing in the request looks like a token. Sender: {sender}.",
    ),
    "TOKEN_ABSENT/text": Sentence(
        "На месте токена ({place}) текст, не похожий на токен вебхука (байт: {length}). Отправитель: {sender}.",
        "The token's place ({place}) holds text that does not look like a webhook's token (bytes: {length}). Sender: {sender}.",
    ),
    "TOKEN_ABSENT/bot": Sentence(
        "В {place} текст, не похожий на токен исходящего вебхука (байт: {length}): тот состоит из 32 строчных латинских букв и цифр.",
        "{place} holds text that does not look like an outgoing webhook's token (bytes: {length}): such a token is 32 lower-case letters and digits.",
    ),
    "TOKEN_ABSENT/placeholder": Sentence(
        "На месте токена ({place}) заготовка или незаданная переменная вместо значения.",
        "The token's place ({place}) holds a placeholder, or a variable that was not filled in.",
    ),
    "TOKEN_ABSENT/method": Sentence(
        "Метод запроса — {method}, а Битрикс24 шлёт события только методом POST. Отправитель: {sender}.",
        "The method is {method}, but Bitrix24 sends events only by POST. Sender: {sender}.",
    ),
    "BODY_INCOMPLETE": Sentence(
        "Тело пришло не целиком. Обещано байт (Content-Length): {declared}, пришло: {came}.",
        "The body is incomplete. Bytes promised by Content-Length: {declared}, received: {came}.",
    ),
    "BODY_INCOMPLETE/chunked": Sentence(
        "Тело пришло не целиком: передача частями (Transfer-Encoding) оборвалась. Пришло байт: {came}.",
        "The body is incomplete: the transfer (Transfer-Encoding: chunked) broke off. Bytes received: {came}.",
    ),
    "BODY_INCOMPLETE/nothing": Sentence(
        "Тело не пришло, хотя Content-Length — {declared}: посредник прочитал тело сам и не передал его дальше.",
        "No body came, although Content-Length is {declared}: something on the way read the body itself and did not pass it on.",
    ),
    "BODY_IN_QUERY": Sentence(
        "Событие стоит в адресе, после знака ?, а тело пустое: посредник передал поля как параметры адреса.",
        "The event is in the address, after the question mark, and the body is empty: something on the way turned the fields into query parameters.",
    ),
    "BODY_IN_QUERY/other": Sentence(
        "Событие стоит в адресе, после знака ?, а в теле другое: посредник передал поля события как параметры адреса.",
        "The event is in the address, after the question mark, and the body holds something else: something on the way turned the event's fields into query parameters.",
    ),
    "BODY_EMPTY/null": Sentence(
        "Всё тело запроса — {how}: отправителю нечего было передать, и он напечатал пустое значение.",
        "The whole body is {how}: the sender had nothing to pass on and printed an empty value.",
    ),
    "BODY_PRINTED": Sentence(
        "Вместо события пришла распечатка объекта из программы ({place}).",
        "A program's printout of an object came instead of the event ({place}).",
    ),
    "BODY_PRINTED/text": Sentence(
        "Вместо объекта пришёл текст ({place}): содержимое потеряно по дороге.",
        "Text came instead of an object ({place}): the contents were lost on the way.",
    ),
    "BODY_PRINTED/blank": Sentence(
        "Пришло пустым: {place}. Вложенные значения потерялись. Так пишут fixRequestBody (http-proxy-middleware) и querystring.stringify в Node.js, когда тело разобрано во вложенный объект.",
        "{place} came blank: the nested values are lost. That is what fixRequestBody (http-proxy-middleware) and Node.js's querystring.stringify write when the body was parsed into a nested object.",
    ),
    "BODY_PRINTED/keys": Sentence(
        "Вместо значений объекта пришли имена его же полей ({place}): так requests.post(data=…), aiohttp и urlencode(doseq=True) в Python пишут вложенный словарь.",
        "The names of an object's fields came instead of their values ({place}): that is how Python's requests.post(data=…), aiohttp and urlencode(doseq=True) write a nested dict.",
    ),
    "BODY_PRINTED/values": Sentence(
        "Пришли одни значения, без имён полей ({place}): так пишут Object.values(obj) в JavaScript, array_values($a) в PHP и list(d.values()) в Python.",
        "Values came without the names of their fields ({place}): that is what JavaScript's Object.values(obj), PHP's array_values($a) and Python's list(d.values()) write.",
    ),
    "BODY_PRINTED/listed": Sentence(
        "Каждое значение пришло напечатанным списком, ['…'] или […] ({place}): так пишут str(), fmt.Sprint() и toString(), когда у имени список значений (request.POST в Django, parse_qs, r.Form в Go, getParameterMap() в Java).",
        "Each value came as a printed list, ['…'] or […] ({place}): that is what str(), fmt.Sprint() and toString() write when a name has a list of values (Django's request.POST, parse_qs, Go's r.Form, Java's getParameterMap()).",
    ),
    "BODY_PRINTED/emptied": Sentence(
        "Поле {place} пришло пустым объектом, а у такого события в нём всегда есть поля: так JSON.stringify печатает Map, FormData и URLSearchParams.",
        "{place} came as an empty object, and this event always has fields there: that is what JSON.stringify prints of a Map, a FormData or URLSearchParams.",
    ),
    "BODY_PRINTED/object": Sentence(
        "Пришёл текст [object Object] ({place}): JavaScript напечатал объект. Так делают fetch(url, {{body: obj}}) и new URLSearchParams(obj) с вложенным объектом.",
        "The text [object Object] came ({place}): JavaScript printed an object. fetch(url, {{body: obj}}) does that, and so does new URLSearchParams(obj) with a nested object.",
    ),
    "BODY_PRINTED/array": Sentence(
        "Пришла распечатка массива PHP ({place}): print_r($_POST, true) или массив, подставленный как строка.",
        "A printed PHP array came ({place}): print_r($_POST, true), or an array used as a string.",
    ),
    "BODY_PRINTED/php": Sentence(
        "Пришла распечатка PHP ({place}): var_export, var_dump, dump или serialize вместо данных.",
        "A PHP printout came ({place}): var_export, var_dump, dump or serialize instead of the data.",
    ),
    "BODY_PRINTED/python": Sentence(
        "Пришёл напечатанный словарь Python ({place}): str(dict), или data= с вложенным словарём в httpx.",
        "A printed Python dict came ({place}): str(dict), or data= with a nested dict in httpx.",
    ),
    "BODY_PRINTED/bytes": Sentence(
        "Пришли напечатанные байты Python, b'…' ({place}): так печатает str(request.get_data()) (в Rust — {{:?}} для Bytes).",
        "Printed Python bytes came, b'…' ({place}): str(request.get_data()) prints that (in Rust, {{:?}} of Bytes).",
    ),
    "BODY_PRINTED/go": Sentence(
        "Пришла распечатка Go, map[…] или {{…}} ({place}): fmt.Sprint(r.Form), %v, %+v или %#v вместо данных.",
        "A Go printout came, map[…] or {{…}} ({place}): fmt.Sprint(r.Form), %v, %+v or %#v instead of the data.",
    ),
    "BODY_PRINTED/ruby": Sentence(
        "Пришёл напечатанный хеш Ruby ({place}): params.to_s или inspect вместо тела.",
        "A printed Ruby hash came ({place}): params.to_s or inspect instead of the body.",
    ),
    "BODY_PRINTED/java": Sentence(
        "Пришла распечатка Java, Kotlin или Groovy ({place}): toString() вместо данных.",
        "A printout of Java, Kotlin or Groovy came ({place}): toString() instead of the data.",
    ),
    "BODY_PRINTED/node": Sentence(
        "Пришла распечатка console.log или util.inspect из Node.js ({place}).",
        "A printout of Node.js's console.log or util.inspect came ({place}).",
    ),
    "BODY_PRINTED/buffer": Sentence(
        "Пришли байты тела, напечатанные числами ({place}): так печатаются Buffer и Uint8Array в Node.js, Vec<u8> в Rust.",
        "The body's bytes came printed as numbers ({place}): that is how Node.js prints a Buffer or a Uint8Array, and Rust a Vec<u8>.",
    ),
    "BODY_PRINTED/json": Sentence(
        "Пришёл текст, который начинается как JSON, но это не JSON ({place}): он обрезан или испорчен.",
        "What came begins like JSON but is not valid JSON ({place}): it is cut short or broken.",
    ),
    "BODY_PRINTED/empty": Sentence(
        "Тело — пустой объект JSON: так JSON.stringify печатает FormData, Map и URLSearchParams, их поля теряются.",
        "The body is an empty JSON object: that is what JSON.stringify prints of FormData, Map and URLSearchParams, whose fields are lost.",
    ),
    "BODY_PRINTED/list": Sentence(
        "Тело — пустой список JSON: события в нём нет.",
        "The body is an empty JSON list: there is no event in it.",
    ),
    "METHOD_GET/sent": Sentence(
        "Событие пришло методом {method}, а события принимаются только методом POST.",
        "The event came as {method}, and events are accepted by POST only.",
    ),
    "METHOD_GET/method": Sentence(
        "Токен верный, но метод — {method}, а события приходят только методом POST.",
        "The token is right, but the method is {method}, and events come by POST only.",
    ),
    "METHOD_GET/token": Sentence(
        "Запрос с токеном пришёл методом {method}, а события принимаются только методом POST.",
        "A request with a token came as {method}, and events are accepted by POST only.",
    ),
    "METHOD_GET/query": Sentence(
        "Событие пришло методом {method}, его поля стоят в адресе: отправитель не задал метод POST (в PHP — file_get_contents без method).",
        "The event came as {method}, with its fields in the address: the sender did not set the method POST (in PHP: file_get_contents without method).",
    ),
    "METHOD_GET/body": Sentence(
        "Событие пришло методом {method}, и тело пришло вместе с ним: перенаправление по дороге сменило метод, но не убрало тело.",
        "The event came as {method}, and its body came along: a redirect on the way changed the method and kept the body.",
    ),
    "BODY_NESTED/n8n": Sentence(
        "Пришёл элемент n8n целиком: событие лежит в его поле body ({how}).",
        "A whole n8n item came: the event is in its field body ({how}).",
    ),
    "BODY_NESTED/base64": Sentence(
        "Событие лежит целиком внутри одного поля ({how}), закодированное в base64: так передают тело API Gateway, Lambda, Pub/Sub и облачные функции Яндекса.",
        "The whole event is inside one field ({how}), encoded in base64: that is how API Gateway, Lambda, Pub/Sub and Yandex Cloud Functions pass a body on.",
    ),
    "BODY_NESTED/part": Sentence(
        "Поле {how} пришло одной строкой (в ней форма, JSON или base64), а не вложенными полями.",
        "The field {how} came as one string (with a form, JSON or base64 in it), not as nested fields.",
    ),
    "BODY_FLATTENED/data": Sentence(
        "Токен верный, но кто-то по дороге переписал скобки: поля data пришли под плоскими именами ({how}), а не как data[ID].",
        "The token is right, but something on the way rewrote the brackets: the fields of data came under flat names ({how}) instead of data[ID].",
    ),
    "BODY_FLATTENED/renamed": Sentence(
        "Токен верный, но на верхнем уровне нет поля event: по дороге поля переименовали. Поля верхнего уровня: {keys}.",
        "The token is right, but there is no field event at the top level: something on the way renamed the fields. Fields at the top level: {keys}.",
    ),
    "BODY_FLATTENED/pairs": Sentence(
        "Форма пришла списком имён и значений ({how}), а не полями: так пишут JSON.stringify([...form]), FormCollection в .NET и «parameters» в n8n.",
        "The form came as a list of names and values ({how}), not as fields: that is what JSON.stringify([...form]), .NET's FormCollection and n8n's \"parameters\" write.",
    ),
    "BODY_FLATTENED/event": Sentence(
        "Токен верный, но поле event — не имя события (текст от 1 до 100 знаков). Поля верхнего уровня: {keys}.",
        "The token is right, but the field event is not an event's name (a text of 1 to 100 characters). Fields at the top level: {keys}.",
    ),
    "BODY_UNREADABLE/domain": Sentence(
        "Токен верный, но auth.domain — не имя портала.",
        "The token is right, but auth.domain is not a portal's name.",
    ),
    "ROBOT_WITHOUT_TOKEN/verified": Sentence(
        "Это робот «Исходящий вебхук» (есть document_id, нет event). Токен в его адресе верный, но события в таком запросе нет, и в очередь ставить нечего.",
        'This is the automation rule "Outbound webhook" (document_id, no event). The token in its address is right, but such a request carries no event, so there is nothing to queue.',
    ),
    "TOKEN_OTHER_PORTAL/bound": Sentence(
        "Токен ({place}) настроен, но для другого портала: событие с {theirs}, а токен закреплён за {mine}.",
        "The token ({place}) is configured, but for another portal: the event is from {theirs}, and the token is bound to {mine}.",
    ),
    "TOKEN_OTHER_PORTAL/unbound": Sentence(
        "Токен ({place}) настроен, но не закреплён ни за одним порталом, а событие с {theirs}: за этим порталом закреплён другой токен, и принимается только тот.",
        "The token ({place}) is configured, but not bound to a portal, and the event is from {theirs}: another token is bound to that portal, and only that one is accepted for it.",
    ),
    "TOKEN_ABSENT/relay": Sentence(
        "Токена в запросе нет. Запрос прислал {sender}: значит, он не передал auth из события Битрикс24.",
        "There is no token in the request. It came from {sender}, which did not pass on the auth of Bitrix24's event.",
    ),
}

_COPY_RU = "Скопируйте токен из Битрикс24 («Разработчикам → Интеграции», ваш исходящий вебхук, «Токен приложения»; новый вебхук: «Разработчикам → Другое → Исходящий вебхук»)"
_COPY_EN = 'Copy the token from Bitrix24 ("Developer resources → Integrations", your outgoing webhook, "Application token"; a new webhook: "Developer resources → Other → Outbound webhook")'

DO: dict[str, Sentence] = {
    "SETTING_MISSING": Sentence(
        _COPY_RU + " и задайте его: {setting}.",
        _COPY_EN + " and set it: {setting}.",
    ),
    "SETTING_PLACEHOLDER": Sentence(
        _COPY_RU + " и впишите его вместо заготовки: {setting}.",
        _COPY_EN + " and put it in place of the placeholder: {setting}.",
    ),
    "SETTING_DECORATED": Sentence(
        "Оставьте только токен: без кавычек, Bearer, имени переменной и пробелов; несколько токенов — через запятую: {setting}.",
        "Keep only the token: remove quotes, Bearer, the variable's name and spaces; separate several tokens by commas: {setting}.",
    ),
    "SETTING_URL": Sentence(
        _COPY_RU + " и впишите его вместо адреса: {setting}.",
        _COPY_EN + " and put it in place of the address: {setting}.",
    ),
    "SETTING_URL/portal": Sentence(
        "Запишите только имя портала, знак = и токен, без https:// и двоеточия: p.bitrix24.ru=ТОКЕН (порт, если он есть, от 1 до 65535: p.example.com:8443=ТОКЕН); если портал один, хватит токена: {setting}.",
        "Write only the portal's name, = and the token, without https:// or a colon: p.bitrix24.ru=TOKEN (a port, if there is one, from 1 to 65535: p.example.com:8443=TOKEN); with one portal, the token is enough: {setting}.",
    ),
    "SETTING_INCOMING_SECRET": Sentence(
        _COPY_RU
        + " и впишите его: {setting}. Секрет входящего вебхука (ID/СЕКРЕТ) относится к BITRIX24_WEBHOOK_TOKEN.",
        _COPY_EN
        + " and set it: {setting}. The incoming webhook's ID/SECRET belongs in BITRIX24_WEBHOOK_TOKEN.",
    ),
    "SETTING_SHAPE": Sentence(
        _COPY_RU + " целиком, кнопкой копирования, и впишите его: {setting}.",
        _COPY_EN + ", all of it, with the copy button, and set it: {setting}.",
    ),
    "METHOD_GET": Sentence(
        "Укажите в вебхуке конечный адрес, сразу с https:// и без перенаправлений: {url}. Проверить: curl -si -X POST АДРЕС не должен отвечать 301, 302, 303, 307 или 308.",
        "Give the webhook the final address, with https:// and no redirects: {url}. To check: curl -si -X POST ADDRESS must not answer 301, 302, 303, 307 or 308.",
    ),
    "PATH_WRONG": Sentence(
        "Укажите в Битрикс24 ровно такой адрес обработчика: {url}.",
        "Set the handler's address in Bitrix24 to exactly this: {url}.",
    ),
    "LIMIT_EXCEEDED": Sentence(
        "Выясните, кто шлёт такой запрос: события Битрикс24 намного меньше. Если тело кто-то пересылает, уберите там вложения и всё, чего Битрикс24 не присылал.",
        "Find out who sends this: Bitrix24's events are far smaller. If something forwards the body, have it drop attachments and everything else that Bitrix24 did not send.",
    ),
    "LIMIT_EXCEEDED/query": Sentence(
        "Уберите из адреса обработчика всё после ?, кроме token: событие Битрикс24 передаёт в теле.",
        "Remove everything after the ? except token from the handler's address: Bitrix24 sends the event in the body.",
    ),
    "LIMIT_EXCEEDED/query_parameters": Sentence(
        "Уберите из адреса обработчика всё после ?, кроме token: событие Битрикс24 передаёт в теле.",
        "Remove everything after the ? except token from the handler's address: Bitrix24 sends the event in the body.",
    ),
    "BODY_EMPTY": Sentence(
        "Укажите в вебхуке конечный адрес {url}, сразу с https://; если впереди прокси, включите в нём передачу тела POST. При перенаправлении в журнале прокси перед этим запросом стоит ответ 301/302; если его нет, тело теряет сам прокси.",
        "Give the webhook the final address {url}, beginning with https://; if there is a proxy in front of the gateway, have it pass the POST's body on. After a redirect the proxy's log shows a 301/302 right before this request; without one, the proxy itself drops the body.",
    ),
    "BODY_COMPRESSED": Sentence(
        "Выключите сжатие тела запроса у прокси или отправителя (заголовок Content-Encoding).",
        "Turn off the compression of request bodies at the proxy or the sender (the Content-Encoding header).",
    ),
    "BODY_MISDECLARED": Sentence(
        "Исправьте Content-Type у прокси или отправителя: Битрикс24 шлёт application/x-www-form-urlencoded в UTF-8. Передавайте заголовок и тело без изменений.",
        "Correct the Content-Type at the proxy or the sender: Bitrix24 sends application/x-www-form-urlencoded in UTF-8. Pass the header and the body on unchanged.",
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
        "Шлите содержимое этого поля как само тело запроса (в n8n, Make и подобных передавайте исходное тело, а не обёртку).",
        "Send that field's content as the body itself (in n8n, Make and the like: forward the original body, not a wrapper).",
    ),
    "BODY_UNREADABLE": Sentence(
        "Передавайте тело Битрикс24 без изменений: форма application/x-www-form-urlencoded или JSON в UTF-8. Чтобы увидеть, что приходит, задайте WEBHOOK_CAPTURE_UNTIL=30m и перезапустите шлюз.",
        "Pass Bitrix24's body on unchanged: a form (application/x-www-form-urlencoded) or JSON, in UTF-8. To see what comes, set WEBHOOK_CAPTURE_UNTIL=30m and restart the gateway.",
    ),
    "TOKEN_ALTERED": Sentence(
        "Вставьте токен заново, целиком и без изменений, туда, откуда он взялся в запросе (адрес обработчика, прокси, тест): {place}.",
        "Paste the token again, whole and unchanged, where the request gets it from (the handler's address, a proxy, a test): {place}.",
    ),
    "TOKEN_ALTERED/elsewhere": Sentence(
        "Вставьте токен заново, целиком и без изменений, и передавайте его в заголовке X-Bitrix-Token, а не в {place}: там шлюз его не ищет.",
        "Paste the token again, whole and unchanged, and send it in the header X-Bitrix-Token, not in {place}: the gateway does not look there.",
    ),
    "TOKEN_LOOKALIKE/elsewhere": Sentence(
        "Не набирайте токен вручную: скопируйте его из формы вебхука и передавайте в заголовке X-Bitrix-Token, а не в {place}: там шлюз его не ищет.",
        "Do not type the token: copy it from the webhook's form and send it in the header X-Bitrix-Token, not in {place}: the gateway does not look there.",
    ),
    "TOKEN_INCOMING_SECRET/elsewhere": Sentence(
        "Шлите токен исходящего вебхука («Разработчикам → Интеграции», «Токен приложения») в заголовке X-Bitrix-Token, а входящий вебхук создайте заново и старый удалите: его секрет побывал там, где ему не место ({place}).",
        'Send the outgoing webhook\'s token ("Developer resources → Integrations", "Application token") in the header X-Bitrix-Token. Replace the incoming webhook with a new one and delete the old one: its secret was sent where it does not belong ({place}).',
    ),
    "TOKEN_ALTERED/setting": Sentence(
        _COPY_RU + " и впишите его заново: {setting}.",
        _COPY_EN + " and set it again: {setting}.",
    ),
    "TOKEN_LOOKALIKE": Sentence(
        "Не набирайте токен вручную: скопируйте его из формы вебхука и вставьте туда, откуда он взялся в запросе: {place}.",
        "Do not type the token: copy it from the webhook's form and paste it where the request takes it from: {place}.",
    ),
    "TOKEN_LOOKALIKE/setting": Sentence(
        _COPY_RU + ", не набирая вручную, и впишите его заново: {setting}.",
        _COPY_EN + "; do not type it. Then set it again: {setting}.",
    ),
    "TOKEN_ELSEWHERE": Sentence(
        "Передавайте его там, где шлюз его ищет: в заголовке X-Bitrix-Token.",
        "Send it where the gateway looks for it: in the header X-Bitrix-Token.",
    ),
    "TOKEN_ELSEWHERE/header": Sentence(
        "Шлите сам токен, и больше ничего, в заголовке X-Bitrix-Token вместо {name} (или Authorization: Bearer ТОКЕН).",
        "Send the token, and nothing else, in the header X-Bitrix-Token instead of {name} (or Authorization: Bearer TOKEN).",
    ),
    "TOKEN_ELSEWHERE/query": Sentence(
        "Переименуйте параметр адреса {name} в token: {url}?token=ТОКЕН.",
        "Rename the query parameter {name} to token: {url}?token=TOKEN.",
    ),
    "TOKEN_ELSEWHERE/path": Sentence(
        "Перенесите токен из пути в параметр адреса token: {url}?token=ТОКЕН.",
        "Move the token from the path into the query parameter token: {url}?token=TOKEN.",
    ),
    "TOKEN_ELSEWHERE/cookie": Sentence(
        "Шлите токен не в Cookie, а в заголовке X-Bitrix-Token или в параметре адреса token.",
        "Send the token in the header X-Bitrix-Token or the query parameter token, not in a cookie.",
    ),
    "TOKEN_ELSEWHERE/body": Sentence(
        "Переименуйте поле {name} в auth[application_token] (так его называет Битрикс24) или в token на верхнем уровне.",
        "Rename the field {name} to auth[application_token] (Bitrix24's own name) or to token at the top level.",
    ),
    "TOKEN_INCOMING_SECRET": Sentence(
        "Поставьте вместо него токен исходящего вебхука («Разработчикам → Интеграции», «Токен приложения»), а входящий вебхук создайте заново и старый удалите: его секрет побывал там, где ему не место.",
        'Put the outgoing webhook\'s token there instead ("Developer resources → Integrations", "Application token"). Replace the incoming webhook with a new one and delete the old one: its secret was sent where it does not belong.',
    ),
    "TOKEN_OTHER_PORTAL": Sentence(
        "Если портал чужой, попросите убрать этот адрес из его исходящего вебхука. Если свой (второй или переименованный), поправьте BITRIX24_DOMAIN и добавьте токен этого портала через запятую: {setting}.",
        "If the portal is not yours, have this address removed from its outgoing webhook. If it is yours (a second one, or a renamed one), correct BITRIX24_DOMAIN and add that portal's token after a comma: {setting}.",
    ),
    "TOKEN_APPLICATION": Sentence(
        "Заведите исходящий вебхук («Разработчикам → Другое → Исходящий вебхук») вместо обработчика приложения или добавьте через запятую и токен приложения: {setting}.",
        "Create an outgoing webhook (\"Developer resources → Other → Outbound webhook\") instead of the application's handler, or accept the application's token too by adding it after a comma: {setting}.",
    ),
    "TOKEN_OTHER_WEBHOOK": Sentence(
        "Откройте «Разработчикам → Интеграции», найдите все исходящие вебхуки с адресом этого шлюза и перечислите через запятую «Токен приложения» каждого: {setting}. Если вебхук выключить и снова включить, его токен сменится; лишние вебхуки удалите. Если BITRIX24_DOMAIN не задан, проверьте и портал (auth.domain).",
        'Open "Developer resources → Integrations", find every outgoing webhook that has this gateway\'s address, and list the "Application token" of each, separated by commas: {setting}. Switching a webhook off and on changes its token; delete webhooks that you do not need. If BITRIX24_DOMAIN is not set, check the portal (auth.domain) too.',
    ),
    "AUTHORIZATION_SCHEME": Sentence(
        "Шлите Authorization: Bearer ТОКЕН или заголовок X-Bitrix-Token. Если этот Authorization нужен прокси, оставьте его, а токен передавайте в теле или в адресе: {url}?token=ТОКЕН.",
        "Send Authorization: Bearer TOKEN, or the header X-Bitrix-Token. If a proxy needs this Authorization, leave it and send the token in the body or the address: {url}?token=TOKEN.",
    ),
    "AUTHORIZATION_GATEWAY": Sentence(
        "JWT не трогайте, он нужен API-шлюзу. Проследите, чтобы тело Битрикс24 доходило целиком, или добавьте токен в адрес: {url}?token=ТОКЕН. На Cloud Run разрешите вызов без входа: ./deploy.sh deploy bitrix_webhook.",
        "Leave the JWT as it is: the API gateway needs it. Make sure that Bitrix24's body arrives whole, or add the token to the address: {url}?token=TOKEN. On Cloud Run, allow calls without sign-in: ./deploy.sh deploy bitrix_webhook.",
    ),
    "TOKEN_BLANK": Sentence(
        "Впишите туда токен или уберите это место совсем: {place}. Пустым оно бывает, когда в адресе или прокси подставлена незаданная переменная.",
        "Put the token there, or remove that place altogether: {place}. It is blank when the address or a proxy uses a variable that is not set.",
    ),
    "TOKEN_REPEATED": Sentence(
        "Оставьте в запросе один токен: уберите повтор из адреса обработчика, прокси или теста ({place}).",
        "Send only one token in the request: remove the duplicate from the handler's address, the proxy or the test ({place}).",
    ),
    "TOKEN_NOT_TEXT": Sentence(
        "Шлите токен одной строкой: в JSON в кавычках, в форме без [] после имени, не файлом ({place}).",
        "Send the token as one string: quoted in JSON, without [] after its name in a form, not as a file ({place}).",
    ),
    "TOKEN_NOT_TEXT/null": Sentence(
        "Заполните эту переменную токеном исходящего вебхука («Разработчикам → Интеграции», «Токен приложения»). Если вы пересылаете событие Битрикс24, читайте токен из поля auth[application_token] его формы ({place}).",
        'Fill this variable with the outgoing webhook\'s token ("Developer resources → Integrations", "Application token"). If you pass on an event from Bitrix24, read the token from the field auth[application_token] of its form ({place}).',
    ),
    "ROBOT_WITHOUT_TOKEN": Sentence(
        "Допишите токен в адрес самого робота: {url}?token=ТОКЕН. Робот событий не шлёт: для событий заведите «Разработчикам → Другое → Исходящий вебхук».",
        'Add the token to the address in the rule itself: {url}?token=TOKEN. The rule sends no events: to get these, create "Developer resources → Other → Outbound webhook".',
    ),
    "AUTH_MISSING": Sentence(
        "Если портал облачный, найдите, кто по дороге убирает auth (прокси, n8n, Make), и передавайте тело без изменений. Если портал коробочный и шлёт события сам, допишите токен в адрес обработчика: {url}?token=ТОКЕН.",
        "If the portal is in the cloud, find what removes auth on the way (a proxy, n8n, Make) and pass the body on unchanged. If it is a self-hosted portal with its own event provider, add the token to the handler's address: {url}?token=TOKEN.",
    ),
    "TOKEN_ABSENT": Sentence(
        "Если это не Битрикс24, ничего делать не нужно. Если проверяете сами: ./b24 trigger ONUSERADD отправляет правильное событие; адрес для вебхука: {url}.",
        "If this is not Bitrix24, there is nothing to do. If you are testing: ./b24 trigger ONUSERADD sends a valid event; the webhook's address is {url}.",
    ),
    "TOKEN_ABSENT/bot": Sentence(
        "Если это пробный запрос, поставьте туда токен исходящего вебхука («Разработчикам → Интеграции», «Токен приложения»). Если событие прислал ваш чат-бот, это его CLIENT_ID: добавьте его через запятую: {setting}.",
        'If this is a test, put the outgoing webhook\'s token there ("Developer resources → Integrations", "Application token"). If your chat bot sent the event, this is its CLIENT_ID: add it after a comma: {setting}.',
    ),
    "TOKEN_ABSENT/placeholder": Sentence(
        "Поставьте туда токен исходящего вебхука («Разработчикам → Интеграции», «Токен приложения»). Если в адресе, прокси или тесте стоит переменная, задайте её.",
        'Put the outgoing webhook\'s token there ("Developer resources → Integrations", "Application token"). If the address, the proxy or the test uses a variable, set it.',
    ),
    "TOKEN_ABSENT/text": Sentence(
        "Поставьте туда токен исходящего вебхука («Разработчикам → Интеграции», «Токен приложения»). Проверить: ./b24 trigger ONUSERADD.",
        'Put the outgoing webhook\'s token there ("Developer resources → Integrations", "Application token"). To check: ./b24 trigger ONUSERADD.',
    ),
    "TOKEN_ABSENT/method": Sentence(
        "Шлите POST на {url}. Чтобы проверить, что шлюз работает, отправьте GET на /health.",
        "Send a POST to {url}. To check that the gateway is up, send a GET to /health.",
    ),
    "BODY_INCOMPLETE": Sentence(
        "Найдите, что перед шлюзом меняет тело, не пересчитав Content-Length (в Node-RED уберите content-length из msg.headers), считает знаки вместо байт или обрывает передачу, и добейтесь, чтобы тело доходило целиком.",
        "Find what, in front of the gateway, changes the body without updating Content-Length (in Node-RED, remove content-length from msg.headers), counts characters instead of bytes, or breaks off the transfer; have it pass the whole body on.",
    ),
    "BODY_INCOMPLETE/chunked": Sentence(
        "Найдите, что перед шлюзом обрывает передачу (тайм-аут прокси, упавшая программа), и добейтесь, чтобы тело доходило целиком, до последней части.",
        "Find what breaks off the transfer in front of the gateway (a proxy's timeout, a program that crashed), and have it pass the whole body on, the last chunk included.",
    ),
    "BODY_INCOMPLETE/nothing": Sentence(
        "Поставьте прокси (http-proxy-middleware, httputil.ReverseProxy) до разбора тела: после express.urlencoded() или r.ParseForm() передавать уже нечего.",
        "Put the proxy (http-proxy-middleware, httputil.ReverseProxy) before whatever parses the body: after express.urlencoded() or r.ParseForm() there is nothing left to pass on.",
    ),
    "BODY_IN_QUERY": Sentence(
        "Отправляйте поля в теле: axios.post(url, new URLSearchParams(obj)) вместо params, requests.post(url, data=…) вместо params=, form_params вместо query в Guzzle.",
        "Send the fields in the body: axios.post(url, new URLSearchParams(obj)) instead of params, requests.post(url, data=…) instead of params=, form_params instead of query in Guzzle.",
    ),
    "BODY_EMPTY/null": Sentence(
        "Передавайте тело, которое прислал Битрикс24: программа, которая пересылает событие, его не прочитала, и переменная осталась пустой. Разбирайте форму: express.urlencoded(), request.form, $_POST.",
        "Pass on the body that Bitrix24 sent: the program that forwards the event did not read it, and its variable is empty. Parse the form: express.urlencoded(), request.form, $_POST.",
    ),
    "BODY_PRINTED": Sentence(
        'Передавайте тело байт в байт вместе с его Content-Type или отправляйте JSON: {{"event": …, "data": {{…}}, "auth": {{"application_token": …}}}}.',
        'Pass the body on byte for byte with its Content-Type, or send JSON: {{"event": …, "data": {{…}}, "auth": {{"application_token": …}}}}.',
    ),
    "BODY_PRINTED/blank": Sentence(
        "Поставьте прокси до разбора тела или разбирайте без вложения: express.urlencoded({{extended: false}}). Вложенный объект пишут qs.stringify(obj) и JSON.stringify(obj) с Content-Type: application/json.",
        "Put the proxy before the body parser, or parse without nesting: express.urlencoded({{extended: false}}). qs.stringify(obj) writes a nested object, and so does JSON.stringify(obj) with Content-Type: application/json.",
    ),
    "BODY_PRINTED/keys": Sentence(
        "Отправляйте requests.post(url, json=obj), session.post(url, json=obj) или исходное тело: data=request.get_data() с его Content-Type.",
        "Send requests.post(url, json=obj), session.post(url, json=obj), or the original body: data=request.get_data() with its Content-Type.",
    ),
    "BODY_PRINTED/values": Sentence(
        'Отправляйте сам объект, с именами полей: {{"data": {{"ID": …}}}} в JSON с Content-Type: application/json, или исходное тело байт в байт.',
        'Send the object itself, with the names of its fields: {{"data": {{"ID": …}}}} in JSON with Content-Type: application/json, or the original body byte for byte.',
    ),
    "BODY_PRINTED/listed": Sentence(
        "Кодируйте списки поэлементно: urllib.parse.urlencode(obj, doseq=True) в Python, r.PostForm.Encode() в Go, или передавайте исходное тело байт в байт с его Content-Type.",
        "Encode each item of a list: urllib.parse.urlencode(obj, doseq=True) in Python, r.PostForm.Encode() in Go, or pass the original body on byte for byte with its Content-Type.",
    ),
    "BODY_PRINTED/emptied": Sentence(
        "Отправляйте JSON.stringify(Object.fromEntries(map)) с Content-Type: application/json или исходное тело байт в байт.",
        "Send JSON.stringify(Object.fromEntries(map)) with Content-Type: application/json, or the original body byte for byte.",
    ),
    "BODY_PRINTED/object": Sentence(
        "Пишите fetch(url, {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, body: JSON.stringify(obj)}}) или axios.post(url, obj).",
        "Write fetch(url, {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, body: JSON.stringify(obj)}}), or axios.post(url, obj).",
    ),
    "BODY_PRINTED/array": Sentence(
        "Пишите http_build_query($_POST) или передавайте file_get_contents('php://input') как есть.",
        "Write http_build_query($_POST), or pass file_get_contents('php://input') on as it is.",
    ),
    "BODY_PRINTED/php": Sentence(
        "Пишите http_build_query($_POST) или json_encode($_POST) с Content-Type: application/json.",
        "Write http_build_query($_POST), or json_encode($_POST) with Content-Type: application/json.",
    ),
    "BODY_PRINTED/python": Sentence(
        "Пишите requests.post(url, json=obj) или httpx.post(url, json=obj); исходное тело — data=request.get_data() с его Content-Type.",
        "Write requests.post(url, json=obj) or httpx.post(url, json=obj); the original body is data=request.get_data() with its Content-Type.",
    ),
    "BODY_PRINTED/bytes": Sentence(
        "Передавайте сами байты: data=request.get_data() (без str) с заголовком Content-Type исходного запроса.",
        "Pass on the bytes themselves: data=request.get_data() (without str), with the original request's Content-Type.",
    ),
    "BODY_PRINTED/go": Sentence(
        "Пишите r.PostForm.Encode() или передавайте r.Body, не вызывая перед этим ParseForm.",
        "Write r.PostForm.Encode(), or pass r.Body on without calling ParseForm first.",
    ),
    "BODY_PRINTED/ruby": Sentence(
        "Пишите request.raw_post, params.to_query или params.to_json с Content-Type: application/json.",
        "Write request.raw_post, params.to_query, or params.to_json with Content-Type: application/json.",
    ),
    "BODY_PRINTED/java": Sentence(
        "Передавайте исходное тело (request.getInputStream()) или пишите JSON: objectMapper.writeValueAsString(map).",
        "Pass the original body on (request.getInputStream()), or write JSON: objectMapper.writeValueAsString(map).",
    ),
    "BODY_PRINTED/node": Sentence(
        "Пишите JSON.stringify(obj) с Content-Type: application/json.",
        "Write JSON.stringify(obj) with Content-Type: application/json.",
    ),
    "BODY_PRINTED/buffer": Sentence(
        "Передавайте сам Buffer: fetch(url, {{method: 'POST', body: buffer, headers: {{'Content-Type': исходный}}}}), без String() и JSON.stringify.",
        "Pass the Buffer itself: fetch(url, {{method: 'POST', body: buffer, headers: {{'Content-Type': the original one}}}}), without String() or JSON.stringify.",
    ),
    "BODY_PRINTED/empty": Sentence(
        "Отправляйте саму форму (body: formData) или JSON.stringify(Object.fromEntries(formData)).",
        "Send the form itself (body: formData), or JSON.stringify(Object.fromEntries(formData)).",
    ),
    "METHOD_GET/sent": Sentence(
        "Отправляйте тот же запрос методом POST на {url}.",
        "Send the same request by POST to {url}.",
    ),
    "METHOD_GET/method": Sentence(
        "Отправляйте POST на {url}.",
        "Send a POST to {url}.",
    ),
    "METHOD_GET/token": Sentence(
        "Отправляйте POST на {url}.",
        "Send a POST to {url}.",
    ),
    "METHOD_GET/query": Sentence(
        "Отправляйте POST, поля — в теле: в PHP 'method' => 'POST', 'header' => 'Content-Type: application/x-www-form-urlencoded', 'content' => http_build_query($_POST). Адрес: {url}.",
        "Send a POST with the fields in its body: in PHP 'method' => 'POST', 'header' => 'Content-Type: application/x-www-form-urlencoded', 'content' => http_build_query($_POST). The address: {url}.",
    ),
    "BODY_NESTED/n8n": Sentence(
        "В узле HTTP Request: Body Content Type — JSON, Specify Body — Using JSON, значение {{{{ $json.body }}}}. Или Form Urlencoded с теми же полями.",
        "In the HTTP Request node: Body Content Type: JSON, Specify Body: Using JSON, value {{{{ $json.body }}}}. Or Form Urlencoded with the same fields.",
    ),
    "BODY_NESTED/base64": Sentence(
        "Раскодируйте это поле (base64) и шлите результат как тело запроса, с исходным Content-Type: Buffer.from(event.body, 'base64'), base64.b64decode(event['body']).",
        "Decode that field (base64) and send the result as the body, with the original Content-Type: Buffer.from(event.body, 'base64'), base64.b64decode(event['body']).",
    ),
    "BODY_NESTED/part": Sentence(
        'Передавайте тело Битрикс24 байт в байт или вложенно: auth[application_token] в форме, {{"auth": {{"application_token": …}}}} в JSON.',
        'Pass Bitrix24\'s body on byte for byte, or send it nested: auth[application_token] in a form, {{"auth": {{"application_token": …}}}} in JSON.',
    ),
    "BODY_FLATTENED/data": Sentence(
        'Передавайте тело байт в байт или шлите вложенно: data[ID] в форме, {{"data": {{"ID": …}}}} в JSON.',
        'Pass the body on byte for byte, or send it nested: data[ID] in a form, {{"data": {{"ID": …}}}} in JSON.',
    ),
    "BODY_FLATTENED/renamed": Sentence(
        "Сохраните имена Битрикс24: event, data, ts, auth. Надёжнее всего передавать тело байт в байт.",
        "Keep Bitrix24's names: event, data, ts, auth. It is safest to pass the body on byte for byte.",
    ),
    "BODY_FLATTENED/pairs": Sentence(
        "Отправляйте объект с этими именами: JSON.stringify(Object.fromEntries(form)) с Content-Type: application/json, или саму форму, как она пришла.",
        "Send an object with these names: JSON.stringify(Object.fromEntries(form)) with Content-Type: application/json, or the form itself as it came.",
    ),
    "BODY_FLATTENED/event": Sentence(
        "Передавайте event так, как его прислал Битрикс24, например ONUSERADD.",
        "Pass event on as Bitrix24 sent it, for example ONUSERADD.",
    ),
    "BODY_UNREADABLE/template": Sentence(
        "Включите в этом поле режим выражения (в n8n — Expression вместо Fixed) или задайте переменную: телом должно стать исходное тело Битрикс24.",
        "Switch that field to an expression (in n8n: Expression instead of Fixed), or set the variable: the body has to be Bitrix24's original one.",
    ),
    "BODY_UNREADABLE/domain": Sentence(
        "Передавайте auth[domain] так, как его прислал Битрикс24: имя вида p.bitrix24.ru.",
        "Pass auth[domain] on as Bitrix24 sent it: a name like p.bitrix24.ru.",
    ),
    "ROBOT_WITHOUT_TOKEN/verified": Sentence(
        "Если боту нужны события, заведите «Разработчикам → Другое → Исходящий вебхук» и отметьте события там.",
        'If your bot needs events, create "Developer resources → Other → Outbound webhook" and tick the events there.',
    ),
    "TOKEN_OTHER_PORTAL/bound": Sentence(
        "Если портал {theirs} ваш, добавьте через запятую его токен, {theirs}=ТОКЕН: {setting}. Если чужой, попросите убрать адрес шлюза из его вебхука.",
        "If {theirs} is your portal, add its own token after a comma, {theirs}=TOKEN: {setting}. If it is not yours, have the gateway's address removed from its webhook.",
    ),
    "TOKEN_OTHER_PORTAL/unbound": Sentence(
        "Если это токен ещё одного вебхука портала {theirs}, закрепите и его, дописав {theirs}= перед ним: {setting}. Если это токен другого портала, поставьте в запрос токен, закреплённый за {theirs}.",
        "If this token belongs to another webhook of {theirs}, bind it too, by writing {theirs}= before it: {setting}. If it belongs to another portal, send the token that is bound to {theirs} in the request.",
    ),
    "TOKEN_ABSENT/relay": Sentence(
        "Настройте его так, чтобы он пересылал исходное тело целиком, вместе с auth: в n8n {{{{ $json.body }}}} как JSON, в Make и Zapier — необработанное тело.",
        "Set it up to pass on the whole original body, auth included: in n8n {{{{ $json.body }}}} as JSON, in Make and Zapier the raw body.",
    ),
}

SAYS |= printed.SAYS
DO |= printed.DO
