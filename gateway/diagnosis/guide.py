"""Writes the guide "Why is the token not found" from the catalogue: `python -m gateway.diagnosis.guide [DIRECTORY]`.

One section per cause, in the diagnosis's order: what it means, what the log says,
what to do. A test compares the files under docs/ with what this makes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from gateway.diagnosis import GUIDE
from gateway.diagnosis.causes import DO, SAYS
from gateway.diagnosis.finding import CODES
from gateway.diagnosis.wording import alterations_in_words, phrase
from gateway.setting_values import WEBHOOK_PATH
from gateway.texts import Sentence
from verify import PLACES

TITLE = Sentence("Почему токен не найден", "Why is the token not found")
INTRO = Sentence(
    """Битрикс24 кладёт токен исходящего вебхука в одно место: в поле `auth[application_token]` тела формы.
Заголовок или `?token=` есть в запросе, только если их кто-то добавил. Шлюз проверяет все места по очереди и принимает
запрос, если хотя бы в одном из них стоит настроенный токен:

{places}

Если его нет ни в одном, в журнале появляется одна запись WARNING «⚠️ Неверный токен исходящего вебхука. Получен: …» с кодами
причин, самая вероятная первой; о каждом коде ниже есть раздел. Сами токены шлюз нигде не пишет, только длину и отпечаток
(первые 8 цифр SHA-256: `printf %s ТОКЕН | sha256sum`). С `make run` отказы видны и в браузере,
в [инспекторе](inspector.ru.md): ссылка на него печатается при запуске. Разобрать так же любой запрос, строку curl или запись журнала:

    ./b24 explain ФАЙЛ

![От отклонённого события до связанного пользователя: отказ, причина, исправленный токен, связь](pictures/terminal.ru.svg)

Где искать в Битрикс24: «Разработчикам → Интеграции», ваш исходящий вебхук, поле «Токен приложения».
Новый вебхук: «Разработчикам → Другое → Исходящий вебхук».""",
    """Bitrix24 puts an outgoing webhook's token in one place: the field `auth[application_token]` of the form body.
A header or `?token=` is in the request only if somebody added it. The gateway checks all places in turn and accepts a
request if a configured token is in at least one of them:

{places}

If none of them holds one, the log gets one WARNING record, "⚠️ Wrong outgoing webhook token. Received: …", with the codes of its
causes, the most likely first; each code has a section below. The gateway never writes a token anywhere, only its length and its
fingerprint (the first 8 digits of SHA-256: `printf %s TOKEN | sha256sum`). With `make run` you also see rejections in the
browser, in the [inspector](inspector.md): its link is printed at start-up. To analyse any request, curl line or log record in the same way:

    ./b24 explain FILE

![From a rejected event to a linked user: the rejection, its cause, the corrected token, the link](pictures/terminal.svg)

Where to look in Bitrix24: "Developer resources → Integrations", your outgoing webhook, "Application token".
A new webhook: "Developer resources → Other → Outbound webhook".""",
)
SEEN = Sentence("Запись говорит", "The log says")
ACTION = Sentence("Что сделать", "What to do")

WHY: dict[str, Sentence] = {
    "METHOD_GET": Sentence(
        "Адрес вебхука перенаправляет: с http:// на https://, с домена на www, на косую черту в конце. Клиент повторяет запрос как GET, и тело теряется. Шлюз сам никогда не перенаправляет.",
        "The webhook's address redirects: from http:// to https://, from the domain to www, to a trailing slash. The client repeats the request as a GET, and the body is lost. The gateway itself never redirects.",
    ),
    "PATH_WRONG": Sentence(
        "Шлюз слушает `/` и `/api/bitrix/webhook`; на остальных путях ответ 404, и тело не читается.",
        "The gateway listens on `/` and `/api/bitrix/webhook`; elsewhere it answers 404 and does not read the body.",
    ),
    "LIMIT_EXCEEDED": Sentence(
        "Пределы: тело 512 КиБ, строка запроса 8 КиБ, 1000 полей, 32 уровня вложенности. События Битрикс24 намного меньше.",
        "The limits: a body of 512 KiB, a query of 8 KiB, 1,000 fields, 32 levels of nesting. Bitrix24's events are far smaller.",
    ),
    "SETTING_MISSING": Sentence(
        "Без настроенного токена ничего не принимается, и отключить проверку нельзя.",
        "Without a configured token nothing is accepted, and verification cannot be switched off.",
    ),
    "SETTING_PLACEHOLDER": Sentence(
        "Настройку скопировали из примера вместе с заготовкой (`your_token_here`, `changeme`, `<token>`, имя самой переменной, нераскрытое `${…}`).",
        "The setting was copied from an example, placeholder included (`your_token_here`, `changeme`, `<token>`, the variable's own name, an unexpanded `${…}`).",
    ),
    "SETTING_DECORATED": Sentence(
        "Хранилища секретов и панели хостинга хранят значение буквально: кавычки, `Bearer `, `ИМЯ=` и пробелы внутри становятся частью токена. Пробелы по краям шлюз убирает сам.",
        "Secret stores and hosting panels keep a value literally: quotes, `Bearer `, `NAME=` and inner white space become part of the token. White space at the ends is removed by the gateway.",
    ),
    "SETTING_URL": Sentence(
        "Адрес обработчика или адрес входящего вебхука (`https://ПОРТАЛ/rest/…`) — не токен. Токен — отдельное поле формы исходящего вебхука.",
        "The handler's address, or the incoming webhook's (`https://PORTAL/rest/…`), is not a token. The token is a separate field in the outgoing webhook's form.",
    ),
    "SETTING_INCOMING_SECRET": Sentence(
        "Входящий вебхук — для запросов к порталу, исходящий — для событий от портала. У них разные секреты.",
        "An incoming webhook is for requests to the portal, an outgoing one for events from it. Their secrets differ.",
    ),
    "SETTING_SHAPE": Sentence(
        "Токены исходящих вебхуков обычно состоят из 32 знаков `[a-z0-9]`. Шлюз принимает любые (у ботов бывают другие), но если пришёл обычный, а настроен необычный, скорее всего ошибка в настройке.",
        "Outgoing webhooks' tokens are usually 32 characters of `[a-z0-9]`. The gateway accepts any (bots have others), but when a usual one comes and an unusual one is configured, the setting is probably wrong.",
    ),
    "BODY_EMPTY": Sentence(
        "Перенаправление превращает POST в запрос без тела; прокси, который читает тело сам, может не передать его дальше.",
        "A redirect turns a POST into a request without a body; a proxy that reads the body itself may not pass it on.",
    ),
    "BODY_INCOMPLETE": Sentence(
        "Посредник обещает в Content-Length больше, чем отправляет: он уже прочитал тело, изменил его, не пересчитав длину, или посчитал знаки вместо байт. Бывает и так, что отправитель замолчал посреди тела. Через 20 секунд шлюз отвечает 408 и записывает то, что пришло.",
        "Something on the way promises more in Content-Length than it sends: it has already read the body, changed it without updating the length, or counted characters instead of bytes. Or the sender fell silent in the middle. After 20 seconds the gateway answers 408 and records what came.",
    ),
    "BODY_IN_QUERY": Sentence(
        "Поля формы стали параметрами адреса: axios `params`, requests `params=`, Guzzle `query`. В адресе шлюз ищет только `token`, потому что адреса попадают в журналы прокси.",
        "The form's fields became query parameters: axios `params`, requests `params=`, Guzzle `query`. In the address the gateway looks only for `token`, because addresses end up in proxies' logs.",
    ),
    "BODY_PRINTED": Sentence(
        "Программа, которая пересылает событие, напечатала объект, вместо того чтобы закодировать его: вложенные `data` и `auth` пришли пустыми или превратились в `[object Object]`, `Array`, словарь Python или имена своих же полей. Прочитать из этого событие нельзя, и в очередь оно не ставится даже с верным токеном.",
        "The program that passes the event on printed an object instead of encoding it: the nested `data` and `auth` came blank, as `[object Object]`, `Array`, a Python dict, or the names of their own fields. No event can be read from that, so it is not queued even if the token is right.",
    ),
    "BODY_COMPRESSED": Sentence(
        "Шлюз намеренно не распаковывает сжатые тела, чтобы никто не мог прислать «zip-бомбу». Сжимает тело прокси, а не Битрикс24.",
        "Compressed bodies are deliberately not unpacked, so that nobody can send a decompression bomb. It is a proxy that compresses, not Bitrix24.",
    ),
    "BODY_MISDECLARED": Sentence(
        "Тело разбирается по Content-Type, а если он не подходит — по виду тела. Здесь не помогло ни то, ни другое: например, тело в UTF-16 или multipart с лишним текстом впереди.",
        "A body is parsed by its Content-Type and, where that does not fit, by what it looks like. Here neither helped: the body is in UTF-16, for example, or is multipart with other text in front of it.",
    ),
    "BODY_ENCODED_TWICE": Sentence(
        "Посредник взял уже закодированную форму и закодировал её ещё раз.",
        "Something on the way took the encoded form and encoded it once more.",
    ),
    "BODY_FLATTENED": Sentence(
        "Посредник (n8n, Make, API-шлюз, свой скрипт) разобрал форму и собрал заново без вложенности.",
        "Something on the way (n8n, Make, an API gateway, a script) took the form apart and put it back together without its nesting.",
    ),
    "BODY_NESTED": Sentence(
        "Посредник завернул исходное тело в своё: `payload={…}`, `{\"body\": \"event=…\"}`, список из одного события.",
        "Something on the way wrapped the original body in its own: `payload={…}`, `{\"body\": \"event=…\"}`, a list of one event.",
    ),
    "BODY_UNREADABLE": Sentence(
        "Шлюз читает формы, multipart и JSON в UTF-8. XML, обрезанный JSON, base64 и распечатку массива он не читает.",
        "The gateway reads forms, multipart and JSON in UTF-8. It does not read XML, truncated JSON, base64 or a printed array.",
    ),
    "TOKEN_ALTERED": Sentence(
        "Токен сравнивается побайтно. Перевод строки из хранилища секретов, кавычки из документа, прописные буквы, обрезанный хвост делают его другим. Запись называет, что именно изменено, если совпали хотя бы 16 знаков и половина токена.",
        "Tokens are compared byte by byte. A line break from a secret store, quotes from a document, capitals or a missing end make it a different token. The record names what was altered if at least 16 characters and half the token match.",
    ),
    "TOKEN_LOOKALIKE": Sentence(
        "Русская «с» и латинская «c» выглядят одинаково, а байты у них разные. Так бывает, когда токен набирали вручную или его изменила автозамена.",
        "A Cyrillic «с» and a Latin «c» look the same but are different bytes. This happens when a token was typed by hand or changed by autocorrect.",
    ),
    "TOKEN_ELSEWHERE": Sentence(
        "Шлюз ищет токен только в местах, перечисленных выше. Старый бот принимал его ещё в `secret`, `auth_token`, `webhook_token` и в пути; если адрес остался от него, токен стоит там.",
        "The gateway looks only in the places listed above. The old bot also accepted `secret`, `auth_token`, `webhook_token` and the path; an address left over from it still has the token there.",
    ),
    "TOKEN_INCOMING_SECRET": Sentence(
        "Секрет из адреса `https://ПОРТАЛ/rest/ID/СЕКРЕТ/` даёт доступ к порталу. В событиях ему не место.",
        "The secret of `https://PORTAL/rest/ID/SECRET/` gives access to the portal. It does not belong in events.",
    ),
    "TOKEN_OTHER_PORTAL": Sentence(
        "У каждого вебхука на каждом портале свой токен. Портал события указан в auth.domain.",
        "Each webhook of each portal has its own token. An event names its portal in auth.domain.",
    ),
    "TOKEN_APPLICATION": Sentence(
        "У событий приложения свой токен: обычно 32 шестнадцатеричные цифры, отдельный для каждого портала и приложения; он меняется вместе с ключом приложения (client_secret).",
        "An application's events have a token of their own: usually 32 hex digits, a separate one for each portal and application; it changes with the application's client_secret.",
    ),
    "AUTHORIZATION_SCHEME": Sentence(
        "Authorization добавляет прокси (Basic), API-шлюз или тест. Читается только `Authorization: Bearer ТОКЕН`.",
        "A proxy (Basic), an API gateway or a test adds Authorization. Only `Authorization: Bearer TOKEN` is read.",
    ),
    "AUTHORIZATION_GATEWAY": Sentence(
        "Google IAM и API-шлюзы подписывают запрос своим JWT. Сам по себе он не мешает: верный токен в теле всё равно принимается. Запрос отклонён потому, что токена в теле нет.",
        "Google's IAM and API gateways sign requests with a JWT. The JWT itself does no harm: a right token in the body is accepted all the same. The request was rejected because its body holds no such token.",
    ),
    "TOKEN_OTHER_WEBHOOK": Sentence(
        "У каждого исходящего вебхука свой токен. Частые случаи: на портале два вебхука с этим адресом, а настроен один; вебхук выключили и включили; вебхук пересоздали. Чтобы сменить токен без простоя, на время укажите оба через запятую.",
        "Every outgoing webhook has its own token. Common cases: the portal has two webhooks with this address, and only one token is configured; a webhook was switched off and on; a webhook was created again. To rotate a token without downtime, configure both for a while, separated by a comma.",
    ),
    "TOKEN_BLANK": Sentence(
        "Место названо верно, а значения нет: в адресе или в прокси подставилась пустая переменная.",
        "The place has the right name but holds nothing: a variable in the address or the proxy is empty.",
    ),
    "TOKEN_REPEATED": Sentence(
        "Два значения в одном месте: параметр дописан дважды или прокси добавил свой заголовок к уже имевшемуся.",
        "Two values came in one place: a parameter was added twice, or a proxy added its header to one that was already there.",
    ),
    "TOKEN_NOT_TEXT": Sentence(
        "Токен — одна строка. `token[]=…`, `{\"token\": 123}`, `{\"token\": [\"…\"]}` и файл в multipart — не строка.",
        "A token is one string. `token[]=…`, `{\"token\": 123}`, `{\"token\": [\"…\"]}` and a file in multipart are not strings.",
    ),
    "ROBOT_WITHOUT_TOKEN": Sentence(
        "Робот и исходящий вебхук называются одинаково, но робот шлёт только document_id и auth без токена. Опознать его можно лишь по `?token=` в его адресе.",
        "The automation rule has the same name as the webhook, but sends only document_id and auth without a token. Only `?token=` in its address can identify it.",
    ),
    "AUTH_MISSING": Sentence(
        "Токен стоит в auth. Без auth шлёт коробочный портал со своим провайдером событий; в остальных случаях auth теряется по дороге, чаще всего вместе с концом тела.",
        "The token is in auth. A self-hosted portal with its own event provider sends events without it; in all other cases auth was lost on the way, usually together with the end of the body.",
    ),
    "TOKEN_ABSENT": Sentence(
        "Запросы приходят не только от Битрикс24: их шлют мониторинги, браузеры, сканеры, чужие вебхуки и вы сами, когда проверяете.",
        "Requests come not only from Bitrix24 but from uptime monitors, browsers, scanners, other services' webhooks and your own tests.",
    ),
}  # fmt: skip


_PLACES = {
    "TOKEN_ELSEWHERE": "header:X-Api-Key",
    "TOKEN_ELSEWHERE/query": "query:secret",
    "TOKEN_ELSEWHERE/body": "body:auth.secret",
    "TOKEN_ALTERED/elsewhere": "query:secret",
    "TOKEN_LOOKALIKE/elsewhere": "query:secret",
    "TOKEN_INCOMING_SECRET/elsewhere": "query:secret",
    "BODY_PRINTED": "body:auth",
    "TOKEN_INCOMING_SECRET": "query:token",
    "TOKEN_BLANK": "query:token",
    "TOKEN_REPEATED": "query:token",
    "TOKEN_REPEATED/header": "header:X-Bitrix-Token",
    "TOKEN_ABSENT": "header:X-Bitrix-Token",
    "": "body:auth.application_token",
}
_HOWS = {
    "BODY_COMPRESSED": ("gzip",),
    "BODY_MISDECLARED": ("form → UTF-16",),
    "BODY_FLATTENED": ("body:auth_application_token",),
    "BODY_NESTED": ("body:payload",),
    "BODY_UNREADABLE": ("XML",),
    "BODY_EMPTY": ("null",),
    "SETTING_DECORATED": ("quotes", "NAME="),
    "": ("white space", "case"),
}
_LIMITS = {
    "query": (9000, 8192),
    "parameters": (1001, 1000),
    "query_parameters": (1001, 1000),
    "levels": (33, 32),
    "": (600000, 524288),
}


def examples(key: str, language: str) -> dict[str, object]:
    """Values for the guide's sentences, of a code or `CODE/variant`."""
    code, _, variant = key.partition("/")
    place = _PLACES.get(key) or _PLACES.get(code) or _PLACES[""]
    received, allowed = _LIMITS.get(variant) or _LIMITS[""]
    received = 512 if code == "BODY_INCOMPLETE" else received
    return {
        "how": alterations_in_words(_HOWS.get(code) or _HOWS[""], language),
        "place": place,
        "name": place.partition(":")[2],
        "which": "",
        "method": {"METHOD_GET": "GET", "PATH_WRONG": "POST"}.get(code, "PUT"),
        "path": "/bitrix/webhook",
        "sender": "n8n" if variant == "relay" else phrase("sender/browser", language),
        "setting": phrase("setting/local", language),
        "url": phrase("url/unknown", language) + WEBHOOK_PATH,
        "accepted": "3fc9b689",
        "print": "9f86d081",
        "portals": "p.bitrix24.ru",
        "theirs": "other.bitrix24.ru",
        "mine": "p.bitrix24.ru",
        "scheme": "Token",
        "allowed": allowed,
        "came": received,
        "declared": 812,
        "keys": "eventName, payload, auth",
        "length": 24,
        "count": 1,
    }


def render(language: str) -> str:
    """The whole guide in one language."""
    places = "\n".join(f"{number}. `{place}`" for number, place in enumerate(PLACES, 1))
    sections = "\n".join(_section(code, language) for code in CODES)
    return f"# {TITLE.text(language)}\n\n{INTRO.text(language).format(places=places)}\n\n{sections}"


def _section(code: str, language: str) -> str:
    says = "\n".join(f"> {text}" for text in _texts(SAYS, code, language))
    actions = "\n".join(f"- {text}" for text in _texts(DO, code, language))
    parts = [f"## {code}", WHY[code].text(language), f"{SEEN.text(language)}:", says.replace("\n", "\n>\n")]
    return "\n\n".join([*parts, f"{ACTION.text(language)}:", actions]) + "\n"


def _texts(table: dict[str, Sentence], code: str, language: str) -> Iterator[str]:
    for key, sentence in table.items():
        if key.partition("/")[0] == code:
            yield sentence.text(language).format_map(examples(key, language))


def main(directory: Path) -> None:
    """Write both guides below `directory`."""
    for language, name in GUIDE.items():
        (directory / name).write_text(render(language), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
