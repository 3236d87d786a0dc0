"""Every sentence an operator reads, in Russian and in English, each pair under one key.

Where there is something to do, a sentence ends by saying what. Values are filled in
by name; none of them is ever a secret.
"""

import errno
import json
import os
import re
import socket
from typing import Any, NamedTuple

from gateway.errors import GatewayError, SettingError, errno_of, keyed


class Sentence(NamedTuple):
    """One text in both languages; `str.format` fields by name, the same in both."""

    ru: str
    en: str

    def text(self, language: str) -> str:
        return self.ru if language == "ru" else self.en


SENTENCES: dict[str, Sentence] = {
    # A verified event that something on the way changed.
    "EVENT_ODD": Sentence(
        "Событие {event} принято, но по дороге его изменили: передавайте тело байт в байт.",
        "Event {event} is accepted, but something on the way changed it: pass the body on byte for byte.",
    ),
    "ODD_REPEATED": Sentence(
        "Имя пришло несколько раз, осталось последнее значение: {names}.",
        "A name came more than once, and only its last value is left: {names}.",
    ),
    "ODD_APPENDED": Sentence(
        "Имя кончается на [], а Битрикс24 так не пишет; номера элементов потеряны: {names}.",
        "A name ends in [], which Bitrix24 never writes; the items have lost their numbers: {names}.",
    ),
    "ODD_NOT_UTF8": Sentence(
        "Значение не в UTF-8, нечитаемые байты заменены: {names}.",
        "A value is not UTF-8; its unreadable bytes were replaced: {names}.",
    ),
    "ODD_MISREAD": Sentence(
        "Буквы испорчены, потому что посредник прочитал UTF-8 как Latin-1 и закодировал ещё раз: {names}.",
        "Letters are garbled, because something on the way read UTF-8 as Latin-1 and encoded it again: {names}.",
    ),
    "ODD_OF_USER": Sentence("{names} (пользователь {users})", "{names} (user {users})"),
    "ODD_LINE_END": Sentence(
        "Перевод строки или пробелы в конце тела отброшены.",
        "Line ends or spaces at the end of the body were dropped.",
    ),
    "ODD_NULL": Sentence(
        "Поле {field} пришло как null, а не пустым: связь не снята (пользователь {users}). Пустое поле отправляйте пустой строкой.",
        "The field {field} came as null, not empty: nobody was unlinked (user {users}). Send an empty field as an empty string.",
    ),
    # The well-known lines: operators search their logs for them, so their beginnings stay as they are.
    "TOKEN_REFUSED": Sentence(
        "⚠️ Неверный токен исходящего вебхука. Получен: {received}",
        "⚠️ Wrong outgoing webhook token. Received: {received}",
    ),
    "TOKEN_ALMOST": Sentence(
        "⚠️ Токен исходящего вебхука не принят. Получен: {received}",
        "⚠️ Outgoing webhook token not accepted. Received: {received}",
    ),
    "RECEIVED_OTHER": Sentence(
        "другой токен, знаков: {length}, отпечаток {fingerprint}",
        "another token, {length} characters, fingerprint {fingerprint}",
    ),
    "RECEIVED_OTHER/32": Sentence(
        "другой токен, 32 знака, отпечаток {fingerprint}",
        "another token, 32 characters, fingerprint {fingerprint}",
    ),
    "RECEIVED_ALMOST": Sentence(
        "байт: {length}, отпечаток {fingerprint}",
        "{length} bytes, fingerprint {fingerprint}",
    ),
    "RECEIVED_SHORT": Sentence(
        "другой текст, байт: {length}",
        "other text, bytes: {length}",
    ),
    "TOKEN_VERIFIED": Sentence(
        "✅ Токен исходящего вебхука проверен успешно",
        "✅ Outgoing webhook token verified",
    ),
    "LINK_SYNCED": Sentence(
        "✅ Синхронизировано из Bitrix24 (исходящий вебхук): Telegram ID {account} → Bitrix24 User ID {user}",
        "✅ Synced from Bitrix24 (outgoing webhook): Telegram ID {account} → Bitrix24 User ID {user}",
    ),
    "LINK_ENDED": Sentence(
        "Связь снята: Telegram ID {account} больше не пользователь Битрикс24 {user}",
        "Link ended: Telegram ID {account} is no longer Bitrix24 User ID {user}",
    ),
    "LINK_CONFLICT": Sentence(
        "⚠️ Конфликт: пользователь Битрикс24 {user} остался без Telegram ID {account}, потому что по более свежим данным этот аккаунт у другого пользователя. Проверьте поле Telegram у обоих",
        "⚠️ Conflict: Bitrix24 User ID {user} is left without Telegram ID {account}, because newer data gives the account to another user. Check the Telegram field of both",
    ),
    "LINK_UNCHANGED_SAME": Sentence(
        "Связь пользователя {user} не изменилась: в событии {event} то же, что уже известно",
        "The link of user {user} is unchanged: event {event} holds nothing new",
    ),
    "LINK_UNCHANGED_EMPTY": Sentence(
        "Пользователь {user} не связан: поле Telegram в его профиле пусто. Впишите туда Telegram ID, @имя или ссылку t.me",
        "User {user} is not linked: the Telegram field of the profile is empty. Enter a Telegram ID, @name or t.me link there",
    ),
    "LINK_UNCHANGED_OLDER": Sentence(
        "Связь пользователя {user} не изменилась: событие {event} старше того, что уже известно",
        "The link of user {user} is unchanged: event {event} is older than what is already known",
    ),
    "LINK_UNCHANGED_REPEATED": Sentence(
        "Связь пользователя {user} не изменилась: событие {event} уже обработано",
        "The link of user {user} is unchanged: event {event} has already been handled",
    ),
    "LINK_UNCHANGED_INACTIVE": Sentence(
        "Связи нет: пользователь {user} уволен или отключён в Битрикс24",
        "No link: user {user} is dismissed or inactive in Bitrix24",
    ),
    "LINK_UNCHANGED_NO_WEBHOOK": Sentence(
        "Пользователь {user} не связан: в событии {event} нет поля Telegram, а без входящего вебхука спросить портал нельзя. Задайте BITRIX24_WEBHOOK_TOKEN",
        "User {user} is not linked: event {event} carries no Telegram field, and without an incoming webhook the portal can't be asked. Set BITRIX24_WEBHOOK_TOKEN",
    ),
    "LINK_UNCHANGED_NO_WEBHOOK_LINKED": Sentence(
        "Связь пользователя {user} остаётся прежней: в событии {event} нет поля Telegram, а без входящего вебхука спросить портал нельзя. Задайте BITRIX24_WEBHOOK_TOKEN",
        "The link of user {user} stays as it is: event {event} carries no Telegram field, and without an incoming webhook the portal can't be asked. Set BITRIX24_WEBHOOK_TOKEN",
    ),
    "LINK_UNCHANGED_NO_FIELD": Sentence(
        "Связь пользователя {user} не изменилась: поля Telegram нет ни в событии {event}, ни в профиле. Проверьте BITRIX24_TELEGRAM_FIELD_NAME",
        "The link of user {user} is unchanged: neither event {event} nor the profile has the Telegram field. Check BITRIX24_TELEGRAM_FIELD_NAME",
    ),
    "LINK_UNCHANGED_NOT_SHOWN": Sentence(
        "Связь пользователя {user} не изменилась: входящий вебхук его не показывает. Проверьте права того, кто создал вебхук",
        "The link of user {user} is unchanged: the incoming webhook does not show this user. Check the rights of whoever created the webhook",
    ),
    "LINK_UNCHANGED_UNREADABLE": Sentence(
        "Связь пользователя {user} не изменилась: в поле Telegram не Telegram ID, не @имя и не ссылка t.me. Исправьте поле в Битрикс24",
        "The link of user {user} is unchanged: the Telegram field does not hold a Telegram ID, @name or t.me link. Correct the field in Bitrix24",
    ),
    "LINK_UNCHANGED_OTHER_PORTAL": Sentence(
        "Пользователь {user} не связан: событие {event} пришло не с того портала, к которому обращается входящий вебхук. Проверьте BITRIX24_DOMAIN",
        "User {user} is not linked: event {event} came from a different portal than the incoming webhook's. Check BITRIX24_DOMAIN",
    ),
    "LINK_UNCHANGED_OTHER_PORTAL_LINKED": Sentence(
        "Связь пользователя {user} остаётся прежней: в событии {event} нет поля Telegram, и пришло оно не с того портала, к которому обращается входящий вебхук. Проверьте BITRIX24_DOMAIN",
        "The link of user {user} stays as it is: event {event} carries no Telegram field and came from a different portal than the incoming webhook's. Check BITRIX24_DOMAIN",
    ),
    "FIELD_LIKE_TELEGRAM": Sentence(
        "⚠️ В данных пользователя {user} поля Telegram нет, но есть похожее: {field}. Если аккаунт в нём, задайте BITRIX24_TELEGRAM_FIELD_NAME={field} и перезапустите шлюз",
        "⚠️ The data of user {user} has no Telegram field, but has one with a similar name: {field}. If that field holds the account, set BITRIX24_TELEGRAM_FIELD_NAME={field} and restart the gateway",
    ),
    "EVENT_FORWARDED": Sentence(
        "➡️ Событие {event} доставлено: {destination}, ответ {status}, {ms} мс",
        "➡️ Event {event} delivered: {destination}, answer {status}, {ms} ms",
    ),
    "CONSUMER_FAILED": Sentence(
        "непредвиденный сбой обработчика ({kind}); подробности — выше в журнале",
        "a consumer failed unexpectedly ({kind}); the log above says where",
    ),
    "EVENT_IGNORED": Sentence(
        "Событие {event} принято, но никому не нужно: чтобы оно дошло до бота, укажите его в FORWARD_TO",
        "Event {event} is accepted, but nobody wants it: name it in FORWARD_TO to have it delivered to your bot",
    ),
    "EVENT_FAILED": Sentence(
        "⚠️ Событие {event} не обработано ({subscription}), попытка {attempt}: {reason}. Следующая через {next} с",
        "⚠️ Event {event} failed ({subscription}), attempt {attempt}: {reason}. Next attempt in {next} s",
    ),
    "EVENT_FAILED_PUSHED": Sentence(
        "⚠️ Событие {event} не обработано ({subscription}), попытка {attempt}: {reason}. Pub/Sub доставит его снова",
        "⚠️ Event {event} failed ({subscription}), attempt {attempt}: {reason}. Pub/Sub delivers it again",
    ),
    "EVENT_DEAD": Sentence(
        "🛑 Событие {event} не доставлено ({subscription}), попытки кончились: {reason}. Вернуть: ./b24 replay --event-id {event_id}",
        "🛑 Event {event} was not delivered ({subscription}) and is out of attempts: {reason}. Put it back: ./b24 replay --event-id {event_id}",
    ),
    "PORTAL_DIFFERS": Sentence(
        "⚠️ Событие пришло с портала {theirs}, а BITRIX24_DOMAIN — {mine}. Если портал переименовали, поправьте BITRIX24_DOMAIN; если порталов два, закрепите токены: ПОРТАЛ=ТОКЕН",
        "⚠️ An event came from {theirs}, but BITRIX24_DOMAIN is {mine}. If the portal was renamed, correct BITRIX24_DOMAIN; if there are two portals, bind the tokens: PORTAL=TOKEN",
    ),
    "CLOCK_DIFFERS": Sentence(
        "⚠️ Время события с портала {portal} опережает часы этой машины на {seconds} с, поэтому вместо него взято время приёма. Проверьте часы: timedatectl",
        "⚠️ An event of {portal} is dated {seconds} s later than this machine's clock; the time of its arrival is used instead. Check the clock: timedatectl",
    ),
    "NO_INCOMING_WEBHOOK": Sentence(
        "Входящий вебхук не задан (BITRIX24_WEBHOOK_TOKEN): обычный портал не присылает поле Telegram в событиях, поэтому связей не будет. Если вам нужен только FORWARD_TO, так и оставьте",
        "No incoming webhook is set (BITRIX24_WEBHOOK_TOKEN): a stock portal's events carry no Telegram field, so nobody will be linked. If FORWARD_TO is all you need, leave it as it is",
    ),
    "WORKER_ENDED": Sentence(
        "Обработчик очереди завершился (код {code}) и будет запущен снова через {seconds} с. Принятое не потеряно",
        "The queue's worker ended (code {code}); starting it again in {seconds} s. Nothing that was accepted is lost",
    ),
    "EVENT_PUT_ASIDE": Sentence(
        "🛑 Событие {event} обработать нельзя: {reason}. Оно сохранено. Чтобы исправить и вернуть: ./b24 dead-letters show {event_id} --message > letter.json, затем ./b24 dead-letters mend {event_id} letter.json; чтобы вернуть как есть: ./b24 replay --event-id {event_id}",
        "🛑 Event {event} can't be handled: {reason}. It is kept. To correct it and put it back: ./b24 dead-letters show {event_id} --message > letter.json, then ./b24 dead-letters mend {event_id} letter.json; to put it back as it is: ./b24 replay --event-id {event_id}",
    ),
    "LINKS_NO_FILE": Sentence(
        "Файла связей нет: {path}. Запустите шлюз (make run) или укажите боту тот же DATABASE_URL, что и шлюзу, полным путём: sqlite:////путь/links.db",
        "There is no links file: {path}. Start the gateway (make run), or give the bot the gateway's DATABASE_URL with an absolute path: sqlite:////path/links.db",
    ),
    "LINKS_OTHER_PORTAL": Sentence(
        "портал, у которого есть связи. У {portal} их нет, они есть у порталов: {portals}. Укажите один из них",
        "a portal that has links. {portal} has none; these have: {portals}. Name one of them",
    ),
    "LINKS_WHICH_PORTAL": Sentence(
        "портал, чьи связи нужны. Связи есть у порталов: {portals}. Укажите один из них",
        "the portal whose links you want. These portals have links: {portals}. Name one of them",
    ),
    "NO_LINKS": Sentence(
        "Таких связей нет. Если они должны быть: ./b24 rejections, затем ./b24 resync",
        "No such links. If you expected some: ./b24 rejections, then ./b24 resync",
    ),
    "NO_LINKS_YET": Sentence(
        "Таких связей пока нет, но в очереди ещё ждут события о пользователях: {count}. Повторите через минуту; если они всё ещё ждут: ./b24 doctor",
        "No such links yet, but events about users are still waiting on the queue: {count}. Try again in a minute; if they are still waiting: ./b24 doctor",
    ),
    "SINCE_EXPECTED": Sentence(
        "нужно 2026-01-31T12:00:00Z или 30m, 2h, 7d", "expected 2026-01-31T12:00:00Z, or 30m, 2h, 7d"
    ),
    "LINKS_JSON_OR_CSV": Sentence(
        "Укажите или --json, или --csv, не оба сразу", "Give either --json or --csv, not both"
    ),
    "LINKS_ACCOUNT_EXPECTED": Sentence(
        "нужен Telegram ID, @имя или ссылка t.me", "expected a Telegram ID, @name or t.me link"
    ),
    "LINKS_HEADING": Sentence(
        "портал, пользователь, Telegram, активен, данные от", "portal, user, telegram, active, observed"
    ),
    "LINKS_HISTORY_HEADING": Sentence(
        "записано, портал, пользователь, изменение, было, стало",
        "recorded, portal, user, change, before, now",
    ),
    "LINKS_CHANGE_LINKED": Sentence("связан", "linked"),
    "LINKS_CHANGE_REPLACED": Sentence("аккаунт заменён", "replaced"),
    "LINKS_CHANGE_UNLINKED": Sentence("связь снята", "unlinked"),
    "LINKS_CHANGE_CONFLICT": Sentence("конфликт", "conflict"),
    "LINKS_CHANGE_CORRECTED": Sentence("исправлено", "corrected"),
    "LINKS_NOT_FORGOTTEN": Sentence(
        "Ничего не стёрто. Чтобы стереть, ответьте «д» или добавьте --yes",
        "Nothing was erased. To erase, answer y, or add --yes",
    ),
    "LINKS_FORGET_ASK": Sentence(
        "Стереть пользователя {user} портала {portal}: связь, историю, наблюдения и события? Вернуть их будет нельзя",
        "Erase user {user} of {portal}: link, history, observations and events? This cannot be undone",
    ),
    "LINKS_FORGOTTEN": Sentence(
        "Данные пользователя {user} портала {portal} стёрты, удалено записей: {count}. Пока поле Telegram в профиле на портале заполнено, следующая сверка или событие свяжет его снова. Чтобы этого не случилось, очистите поле",
        "User {user} of {portal} is erased, records deleted: {count}. While the Telegram field in the profile on the portal is filled in, the next resync or event links the user again. To prevent that, clear the field",
    ),
    "LINKS_NOTHING_TO_FORGET": Sentence(
        "О пользователе {user} портала {portal} здесь нет ни одной записи, стирать нечего. Проверьте имя портала и номер пользователя: ./b24 links",
        "There is no record of user {user} of {portal} here, so nothing was erased. Check the portal's name and the user's ID: ./b24 links",
    ),
    # Queues, and what is kept when they fail.
    "QUEUE_FILE_FAILED": Sentence(
        "Файл очереди {path} не удаётся прочитать или записать: {problem}. Проверьте место на диске, права на файл и каталог и не занят ли файл другой программой",
        "The queue's file {path} can't be read or written: {problem}. Check the free disk space, the permissions of the file and its directory, and that no other program has locked it",
    ),
    "FILE_FAILED": Sentence(
        "Не удаётся прочитать или записать {path}: {problem}. Проверьте путь, права и место на диске",
        "Can't read or write {path}: {problem}. Check the path, the permissions and the free disk space",
    ),
    "OUTPUT_FAILED": Sentence(
        "Не удаётся записать вывод команды: {problem}. Проверьте место на диске или направьте вывод в другое место",
        "Can't write the command's output: {problem}. Check the free disk space, or send the output elsewhere",
    ),
    "FILE_DENIED": Sentence(
        "{path} принадлежит пользователю {owner}, а программа работает от имени {user}. Запустите её от имени {owner} (команду: sudo -u {owner} ./b24 …) или отдайте файл: chown {user} {path}",
        "{path} belongs to {owner}, and this program runs as {user}. Run it as {owner} (a command: sudo -u {owner} ./b24 …), or hand the file over: chown {user} {path}",
    ),
    "QUEUE_FILE_CORRUPT": Sentence(
        "Файл очереди {path} повреждён. Остановите шлюз; спасите ожидавшие события: sqlite3 {path} .recover | sqlite3 recovered.db (если sqlite3 отвечает «SQL logic error», как в Debian 12: sqlite3 {path} .dump | sed s/^ROLLBACK/COMMIT/ | sqlite3 recovered.db); уберите {path}, {path}-wal и {path}-shm в сторону, поставьте recovered.db на место {path} (или ничего) и запустите шлюз. Потеряться может только то, что ждало в очереди. Что пришло позже, сохранено; вернуть: ./b24 replay",
        'The queue\'s file {path} is corrupt. Stop the gateway; save the waiting events: sqlite3 {path} .recover | sqlite3 recovered.db (if sqlite3 answers "SQL logic error", as in Debian 12: sqlite3 {path} .dump | sed s/^ROLLBACK/COMMIT/ | sqlite3 recovered.db); move {path}, {path}-wal and {path}-shm away, put recovered.db in the place of {path} (or nothing), and start the gateway. Only what waited in the queue can be lost. What came later is kept; put it back: ./b24 replay',
    ),
    "QUEUE_FILE_FULL": Sentence(
        "На диске очереди {path} кончилось место. Освободите место, затем верните то, что пришло тем временем: ./b24 replay, а строки EVENT_NOT_QUEUED из лога: ./b24 replay LOGFILE",
        "The disk of the queue {path} is full. Free some space, then put back what came in the meantime: ./b24 replay, and the log's EVENT_NOT_QUEUED lines: ./b24 replay LOGFILE",
    ),
    "QUEUE_FILE_REPLACED": Sentence(
        "Файл очереди {path} убрали или подменили при работающем шлюзе. Новые события идут в новый файл; если старый нужен, остановите шлюз и верните его на место: в нём события, которые ждали",
        "The queue's file {path} was moved away or replaced while the gateway ran. New events go to the new file; if you need the old one, stop the gateway and put it back: it holds the events that were waiting",
    ),
    "PUBSUB_UNREACHABLE": Sentence(
        "Pub/Sub ({host}) не ответил: {problem}. Проверьте сеть и DNS (для эмулятора: запущен ли он на PUBSUB_EMULATOR_HOST)",
        "Pub/Sub ({host}) did not answer: {problem}. Check the network and DNS (for the emulator: that it is running at PUBSUB_EMULATOR_HOST)",
    ),
    "WIRE_FAILED": Sentence("{problem}", "{problem}"),
    "WIRE_NO_HTTP": Sentence(
        "пришёл не ответ HTTP или только его часть", "the answer is not HTTP, or is incomplete"
    ),
    "WIRE_TOO_LONG": Sentence("ответ слишком длинный", "the answer is too long"),
    "WIRE_NO_THREAD": Sentence("системе не хватает потоков", "the system is out of threads"),
    "WIRE_BAD_HEADER": Sentence("недопустимый заголовок HTTP", "this is not a valid HTTP header"),
    "WIRE_BAD_HOST": Sentence("недопустимое имя узла", "this is not a valid host name"),
    "PUBSUB_UNREADABLE": Sentence(
        "Ответ Pub/Sub не разобрать. Проверьте, что по этому адресу отвечает Pub/Sub, а не прокси",
        "Pub/Sub's answer can't be read. Check that Pub/Sub answers at this address, not a proxy",
    ),
    "PUBSUB_NO_CREDENTIALS": Sentence(
        "Нет доступа к Pub/Sub: {problem}",
        "No access to Pub/Sub: {problem}",
    ),
    "TOKEN_SERVER_STATUS": Sentence(
        "сервер метаданных ответил {status}; назначьте сервисный аккаунт сервису или машине, где работает шлюз",
        "the metadata server answered {status}; assign a service account to the service or machine that runs the gateway",
    ),
    "TOKEN_SERVER_UNREADABLE": Sentence(
        "в ответе сервера метаданных нет токена доступа; назначьте сервисный аккаунт сервису или машине, где работает шлюз",
        "the metadata server's answer holds no access token; assign a service account to the service or machine that runs the gateway",
    ),
    "TOKEN_SERVER_SILENT": Sentence(
        "сервер, выдающий токены доступа, не ответил ({problem}); проверьте сеть",
        "the server that issues access tokens did not answer ({problem}); check the network",
    ),
    "TOKEN_NO_LOGIN": Sentence(
        "{kind}; войдите (gcloud auth application-default login) или задайте GOOGLE_APPLICATION_CREDENTIALS",
        "{kind}; log in with `gcloud auth application-default login` or set GOOGLE_APPLICATION_CREDENTIALS",
    ),
    "PUBSUB_FORBIDDEN": Sentence(
        "Pub/Sub отказал в доступе к {resource} ({status}). Дайте сервисному аккаунту права на этот ресурс: ./deploy.sh deploy",
        "Pub/Sub denied access to {resource} ({status}). Give the service account its role on it: ./deploy.sh deploy",
    ),
    "PUBSUB_MISSING": Sentence(
        "В Pub/Sub нет {resource} ({status}). Проверьте QUEUE_URL; темы и подписки создаёт ./deploy.sh deploy",
        "Pub/Sub has no {resource} ({status}). Check QUEUE_URL; ./deploy.sh deploy creates topics and subscriptions",
    ),
    "PUBSUB_STATUS": Sentence(
        "Pub/Sub ответил {status} для {resource}. Если это повторяется, проверьте квоты и состояние Google Cloud",
        "Pub/Sub answered {status} for {resource}. If this persists, check the quotas and Google Cloud's status",
    ),
    "EVENT_NOT_QUEUED": Sentence(
        "🛑 Событие {event} ({event_id}) не попало в очередь и сохранено целиком ({where}). Вернуть: ./b24 replay",
        "🛑 Event {event} ({event_id}) did not reach the queue and is kept whole ({where}). Put it back: ./b24 replay",
    ),
    "EVENT_NOT_QUEUED_LOG": Sentence(
        "🛑 Событие {event} ({event_id}) не попало ни в очередь, ни в журнал и сохранено целиком в этой строке ({where}). Вернуть, когда очередь заработает: ./b24 replay LOGFILE, где LOGFILE — файл с этой строкой",
        "🛑 Event {event} ({event_id}) reached neither the queue nor the journal and is kept whole in this line ({where}). Put it back once the queue works: ./b24 replay LOGFILE, where LOGFILE is the file that holds this line",
    ),
    "REPLAY_TITLE": Sentence("Возвращаю в очередь", "Putting back on the queue"),
    "REPLAY_DONE": Sentence(
        "Возвращено в очередь: {count}; возвращено раньше и пропущено: {skipped}",
        "Put back on the queue: {count}; put back earlier and skipped: {skipped}",
    ),
    "REPLAY_WOULD": Sentence(
        "Было бы возвращено: {count}; возвращено раньше: {skipped}. Ничего не изменено",
        "Would be put back: {count}; put back earlier: {skipped}. Nothing was changed",
    ),
    "REPLAY_DAMAGED": Sentence(
        "Запись {id} в журнале повреждена и не возвращена; остальные возвращены. Посмотрите её: sqlite3 journal.db 'SELECT record FROM unqueued WHERE id = {id}'",
        "Record {id} of the journal is damaged and was not put back; the others were. Look at it: sqlite3 journal.db 'SELECT record FROM unqueued WHERE id = {id}'",
    ),
    "REPLAY_INCOMPLETE": Sentence(
        "Событие {event_id} найдено не целиком. Увеличьте --since или период выгрузки, чтобы нашлись все его части",
        "Not all parts of event {event_id} were found. Widen --since, or the period of the export, to include them all",
    ),
    "REPLAY_NO_RECORDS": Sentence(
        "В файле нет ни одной записи EVENT_NOT_QUEUED этого шлюза, возвращать из него нечего. Нужен файл с логом шлюза или выгрузка: gcloud logging read 'jsonPayload.code=\"EVENT_NOT_QUEUED\"' --format=json",
        "The file holds no EVENT_NOT_QUEUED record of this gateway, so there is nothing in it to put back. Give the file of the gateway's log, or an export: gcloud logging read 'jsonPayload.code=\"EVENT_NOT_QUEUED\"' --format=json",
    ),
    "REPLAY_UNSIGNED": Sentence(
        "Записей без верной подписи: {count}; они не возвращены, потому что подделать строку в логе может кто угодно. Если их записал этот же шлюз с прежним токеном, на время replay добавьте тот токен в BITRIX24_OUTGOING_WEBHOOK_TOKEN через запятую. Записи первой редакции не подписаны, их возвращает replay той же редакции",
        "Records without a valid signature: {count}; they were not put back, because anybody can get a line written into a log. If this gateway wrote them under an earlier token, add that token to BITRIX24_OUTGOING_WEBHOOK_TOKEN, after a comma, while you replay. Records of the first edition are not signed: put them back with that edition's replay",
    ),
    "DROP_TITLE": Sentence("Удаляю", "Dropping"),
    "DROP_WHICH": Sentence("Укажите номера или --all", "Give ids, or --all"),
    "NO_DEAD_LETTERS": Sentence("Недоставленного нет", "There are no dead letters"),
    "NO_SUCH_LETTER": Sentence(
        "Недоставленного сообщения {id} нет. Список: ./b24 dead-letters",
        "There is no dead letter {id}. List them: ./b24 dead-letters",
    ),
    "MANY_SUCH_LETTERS": Sentence(
        "Номеру {id} соответствует несколько сообщений: {ids}. Укажите одно",
        "Several dead letters match {id}: {ids}. Name one of them",
    ),
    "MEND_UNREADABLE": Sentence(
        "Исправленное сообщение не принято: {reason}. Возьмите за основу вывод ./b24 dead-letters show ID --message",
        "The corrected message was not accepted: {reason}. Start from what ./b24 dead-letters show ID --message prints",
    ),
    "MENDED": Sentence(
        "Исправленное событие {event} ({event_id}) возвращено в очередь",
        "The corrected event {event} ({event_id}) is back on the queue",
    ),
    "DROPPED": Sentence("Удалено сообщений: {count}", "Dead letters dropped: {count}"),
    "LOG_UNREADABLE": Sentence(
        "Журнал Cloud Logging проекта {project} не читается: {problem}. Выполните gcloud auth application-default login и проверьте роль roles/logging.viewer",
        "Cloud Logging of project {project} can't be read: {problem}. Run gcloud auth application-default login and check the role roles/logging.viewer",
    ),
    "JOURNAL_FAILED": Sentence(
        "Журнал {path} недоступен: {problem}. Проверьте JOURNAL_URL, место на диске и права; события принимаются и без него",
        "The journal {path} can't be used: {problem}. Check JOURNAL_URL, the free disk space and the permissions; events are accepted all the same",
    ),
    "JOURNAL_CORRUPT": Sentence(
        "Журнал {path} повреждён; события принимаются и без него. Остановите шлюз; спасите записи: sqlite3 {path} .recover | sqlite3 recovered.db (если sqlite3 отвечает «SQL logic error», как в Debian 12: sqlite3 {path} .dump | sed s/^ROLLBACK/COMMIT/ | sqlite3 recovered.db); уберите {path}, {path}-wal и {path}-shm в сторону, поставьте recovered.db на место {path} (или ничего), запустите шлюз и верните события, не попавшие в очередь: ./b24 replay. Остальное в журнале хранится только для просмотра",
        'The journal {path} is corrupt; events are accepted all the same. Stop the gateway; save what is in it: sqlite3 {path} .recover | sqlite3 recovered.db (if sqlite3 answers "SQL logic error", as in Debian 12: sqlite3 {path} .dump | sed s/^ROLLBACK/COMMIT/ | sqlite3 recovered.db); move {path}, {path}-wal and {path}-shm away, put recovered.db in the place of {path} (or nothing), start the gateway, and put back events that did not reach the queue: ./b24 replay. Everything else in the journal is only for people to read',
    ),
    "JOURNAL_BEHIND": Sentence(
        "Журнал не успевает записывать: пропущено записей {count}; сами события обработаны. Дайте шлюзу больше процессора или задайте JOURNAL_BODIES=off",
        "The journal can't keep up, records skipped: {count}; the events themselves are handled. Give the gateway more CPU, or set JOURNAL_BODIES=off",
    ),
    "JOURNAL_UNWRITTEN": Sentence(
        "В журнал не попало записей: {count}. {problem}",
        "Records that did not get into the journal: {count}. {problem}",
    ),
    "JOURNAL_FULL": Sentence(
        "На диске журнала {path} кончилось место; события принимаются и без него. Освободите место; события, которые тем временем не попали в очередь, остались в логе: ./b24 replay LOGFILE",
        "The disk of the journal {path} is full; events are accepted all the same. Free some space; events that did not reach the queue in the meantime are in the log: ./b24 replay LOGFILE",
    ),
    "JOURNAL_REPLACED": Sentence(
        "Файл журнала {path} убрали или подменили при работающем шлюзе. Записи идут в новый файл; если старый нужен, остановите шлюз, верните его на место и выполните ./b24 replay",
        "The journal's file {path} was moved away or replaced while the gateway ran. Records go to the new file; if you need the old one, stop the gateway, put it back, and run ./b24 replay",
    ),
    "REST_NOT_SET": Sentence(
        "не задан, а без него к порталу не обратиться. Впишите адрес входящего вебхука целиком, как его показывает Битрикс24",
        "not set, and without it the portal can't be asked. Set it to the whole address of the incoming webhook, as Bitrix24 shows it",
    ),
    "REST_NO_DOMAIN": Sentence(
        "не задан: в BITRIX24_WEBHOOK_TOKEN нет портала. Впишите домен портала или весь адрес входящего вебхука в BITRIX24_WEBHOOK_TOKEN",
        "not set, and BITRIX24_WEBHOOK_TOKEN names no portal. Set the portal's domain, or put the incoming webhook's whole address into BITRIX24_WEBHOOK_TOKEN",
    ),
    "REST_UNREACHABLE": Sentence(
        "Портал {domain} оборвал соединение без ответа. Проверьте BITRIX24_DOMAIN и сеть",
        "The portal {domain} closed the connection without an answer. Check BITRIX24_DOMAIN and the network",
    ),
    "REST_CERTIFICATE": Sentence(
        "Сертификат портала {domain} не прошёл проверку: просрочен, самоподписан, выдан на другое имя или нет промежуточного. Исправьте сертификат на портале; если корневой сертификат свой, укажите его в REQUESTS_CA_BUNDLE",
        "The certificate of the portal {domain} could not be verified: it is expired, self-signed, for another name, or the intermediate one is missing. Correct it on the portal; for a root certificate of your own set REQUESTS_CA_BUNDLE",
    ),
    "REST_NAME": Sentence(
        "Имя портала {domain} не найдено в DNS. Проверьте BITRIX24_DOMAIN и DNS на этой машине",
        "The name of the portal {domain} was not found in DNS. Check BITRIX24_DOMAIN and this machine's DNS",
    ),
    "REST_REFUSED": Sentence(
        "Портал {domain} не принимает соединений: сервер доступен, но порт закрыт. Проверьте порт в BITRIX24_DOMAIN и брандмауэр",
        "The portal {domain} refuses connections: the server can be reached, but the port is closed. Check the port in BITRIX24_DOMAIN and the firewall",
    ),
    "REST_SILENT": Sentence(
        "Портал {domain} не ответил за отведённое время. Проверьте, открывается ли он отсюда и не закрыт ли брандмауэром",
        "The portal {domain} did not answer in time. Check that it can be reached from here and that no firewall drops the connection",
    ),
    "REST_PROXY": Sentence(
        "Прокси из HTTPS_PROXY не соединил с порталом {domain}. Проверьте HTTPS_PROXY или добавьте портал в NO_PROXY",
        "The proxy in HTTPS_PROXY did not connect to the portal {domain}. Check HTTPS_PROXY, or add the portal to NO_PROXY",
    ),
    "REST_CLOSED": Sentence(
        "Портал временно закрыт (HTTP {status}): обслуживание, закрытый сайт коробочной версии или прокси перед порталом. Откройте портал в браузере",
        "The portal is temporarily closed (HTTP {status}): maintenance, a self-hosted portal whose site is closed, or a proxy in front of the portal. Open the portal in a browser",
    ),
    "REST_INTERNAL": Sentence(
        "Портал ответил на {method} внутренней ошибкой. Обычно она проходит; если нет, напишите в поддержку Битрикс24",
        "The portal answered {method} with an internal error. This usually passes; if it persists, contact Bitrix24's support",
    ),
    "REST_OVERLOAD": Sentence(
        "Битрикс24 вручную заблокировал REST этого портала (OVERLOAD_LIMIT); сама блокировка не снимется. Напишите в поддержку Битрикс24: снять её может только поддержка",
        "Bitrix24 has blocked this portal's REST by hand (OVERLOAD_LIMIT), and the block does not end by itself. Contact Bitrix24's support: only they can lift it",
    ),
    "REST_OWNER": Sentence(
        "Владелец входящего вебхука не может войти на портал: скорее всего, уволен. Создайте входящий вебхук от имени действующего администратора и задайте BITRIX24_WEBHOOK_TOKEN",
        "The incoming webhook's owner can't log in to the portal, most likely because they were dismissed. Create an incoming webhook as an active administrator, and set BITRIX24_WEBHOOK_TOKEN",
    ),
    "REST_UNNAMED": Sentence(
        "Портал ответил на {method} ошибкой без кода (HTTP {status}). Повторите; если ошибка останется, напишите в поддержку Битрикс24",
        "The portal answered {method} with an error that has no code (HTTP {status}). Try again; if it persists, contact Bitrix24's support",
    ),
    "REST_LIMIT": Sentence(
        "Портал ограничил запросы; следующий возможен через {seconds} с. Подождите: шлюз повторит запрос сам",
        "The portal has limited requests; the next one is possible in {seconds} s. Wait: the gateway repeats the request by itself",
    ),
    "REST_SCOPE": Sentence(
        "Входящему вебхуку не хватает прав для {method}. Отметьте в его форме «Пользователи (user)» и сохраните",
        "The incoming webhook lacks the rights for {method}. Tick “Users (user)” in its form and save it",
    ),
    "REST_SECRET": Sentence(
        "Портал не принял входящий вебхук ({code}). Скопируйте его адрес из Битрикс24 заново: BITRIX24_WEBHOOK_TOKEN — две части после /rest/",
        "The portal refused the incoming webhook ({code}). Copy its address from Bitrix24 again: BITRIX24_WEBHOOK_TOKEN is the two parts after /rest/",
    ),
    "REST_PLAN": Sentence(
        "На этом портале REST закрыт ({code}). Проверьте тариф и адрес портала",
        "REST is not available on this portal ({code}). Check the portal's plan and its address",
    ),
    "REST_REDIRECT": Sentence(
        "Портал перенаправляет на другой адрес (HTTP {status}), а туда секрет не отправляется. Укажите нынешний адрес портала в BITRIX24_DOMAIN",
        "The portal redirects to another address (HTTP {status}), and the secret is not sent there. Set BITRIX24_DOMAIN to the portal's current address",
    ),
    "REST_UNREADABLE": Sentence(
        "Ответ портала не похож на ответ REST (HTTP {status}). Проверьте, что BITRIX24_DOMAIN — адрес портала, и повторите",
        "The portal's answer does not look like REST (HTTP {status}). Check that BITRIX24_DOMAIN is the portal's address, and try again",
    ),
    "REST_ERROR": Sentence(
        "Портал ответил на {method} ошибкой {code} (HTTP {status}). Найдите её в документации REST и повторите",
        "The portal answered {method} with {code} (HTTP {status}). Look it up in the REST documentation, and try again",
    ),
    "REST_NO_USERS": Sentence(
        "В ответе портала нет списка пользователей с ID. Дайте входящему вебхуку право «Пользователи (user)» и повторите",
        "The portal's answer has no list of users with IDs. Give the incoming webhook the scope “Users (user)”, and try again",
    ),
    "REST_OTHER_USER": Sentence(
        "Портал вернул других пользователей вместо {user}: фильтр по ID отброшен. Дайте вебхуку право «Пользователи (user)»",
        "The portal returned other users instead of {user}: it dropped the filter by ID. Give the webhook the scope “Users (user)”",
    ),
    "REST_PAGE_LIES": Sentence(
        "Портал вернул не ту страницу пользователей (после ID {after}): фильтр или порядок отброшены. Ничего не изменено; дайте вебхуку право «Пользователи (user)»",
        "The portal returned the wrong page of users (after ID {after}): it dropped the filter or the order. Nothing was changed; give the webhook the scope “Users (user)”",
    ),
    "FIELD_CREATED": Sentence(
        "Поле {field} создано на портале {portal}. Впишите в него Telegram одного сотрудника и выполните: ./b24 resync",
        "The field {field} was created on {portal}. Enter one user's Telegram account in it, then run: ./b24 resync",
    ),
    "FIELD_EXISTS": Sentence(
        "Поле {field} на портале {portal} уже есть; ничего не изменено. Связать по нему пользователей: ./b24 resync",
        "The field {field} already exists on {portal}; nothing was changed. To link users by it: ./b24 resync",
    ),
    "FIELD_ALIKE": Sentence(
        "На портале уже есть похожее поле: {names}. Если Telegram вписывают туда, задайте BITRIX24_TELEGRAM_FIELD_NAME={first}; если нужно ещё одно поле, повторите с --anyway",
        "The portal already has a similar field: {names}. If that is where people put their Telegram account, set BITRIX24_TELEGRAM_FIELD_NAME={first}; if you want another field, repeat with --anyway",
    ),
    "FIELD_NAME_EXPECTED": Sentence(
        "создать через REST можно только поле, имя которого начинается с UF_USR_ (латинские буквы, цифры, _; до 50 знаков). Смените имя или создайте поле на портале вручную",
        "REST creates only fields whose name begins with UF_USR_ (Latin letters, digits, _; at most 50 characters). Change the name, or create the field in the portal by hand",
    ),
    "FIELD_SCOPE": Sentence(
        "Входящему вебхуку не хватает прав, чтобы создать поле. Отметьте в его форме «Пользовательские поля пользователей (user.userfield)», сохраните и повторите",
        "The incoming webhook may not create fields. Tick “User custom fields (user.userfield)” in its form, save it, and repeat",
    ),
    "FIELD_REFUSED": Sentence(
        "Портал не создал поле ({code}, HTTP {status}). Создавать поля может только вебхук администратора: создайте вебхук от имени администратора или заведите поле на портале вручную",
        "The portal did not create the field ({code}, HTTP {status}). Only an administrator's webhook may create fields: make the webhook as an administrator, or create the field in the portal by hand",
    ),
    "RESYNC_EMPTY": Sentence(
        "Портал не вернул ни одного пользователя, чего быть не может. Ничего не изменено; проверьте права входящего вебхука",
        "The portal returned no users at all, which can't be right. Nothing was changed; check the incoming webhook's rights",
    ),
    "RESYNC_DATE_IGNORED": Sentence(
        "Портал не понял дату в фильтре. Ничего не изменено; запустите полную сверку, без --since",
        "The portal did not understand the date in the filter. Nothing was changed; run a full resync, without --since",
    ),
    "RESYNC_FIELD_MISSING": Sentence(
        "У пользователей портала нет поля {field}. Ничего не изменено; проверьте BITRIX24_TELEGRAM_FIELD_NAME и право «user.userfield» или «user» вебхука",
        "The portal's users have no field {field}. Nothing was changed; check BITRIX24_TELEGRAM_FIELD_NAME, and the webhook's scope “user.userfield” or “user”",
    ),
    "RESYNC_GONE_FOUND": Sentence(
        "В списке пользователей, который вернул портал, нет некоторых из тех, кто на нём есть. Ничего не изменено; повторите сверку: ./b24 resync",
        "The portal's list of users lacks some who exist there. Nothing was changed; run the resync again: ./b24 resync",
    ),
    "RESYNC_RUNNING": Sentence(
        "Сверка уже идёт. Дождитесь её окончания: одновременно может идти только одна",
        "A resync is already running. Wait until it ends: only one can run at a time",
    ),
    "RESYNC_LOCK": Sentence(
        "Не удаётся открыть файл блокировки сверки: {path} ({problem}). Запустите сверку от имени владельца этого каталога; если на этом месте ссылка или каталог, удалите их",
        "The resync's lock file cannot be opened: {path} ({problem}). Run the resync as the owner of that directory; if a link or a directory is there, delete it",
    ),
    "RESYNC_NO_LOCKS": Sentence(
        "Файловая система с данными шлюза не поддерживает блокировку файлов ({problem}). Перенесите данные на локальный диск",
        "The file system of the gateway's data does not support file locks ({problem}). Move the data to a local disk",
    ),
    "RESYNC_STATE_UNKNOWN": Sentence(
        "Незаконченную сверку начала другая версия шлюза, и её состояние не читается, поэтому сверка начинается заново. Делать ничего не нужно",
        "Another version of the gateway began the unfinished resync, and its state cannot be read, so the resync starts over. There is nothing to do",
    ),
    "RESYNC_UNREADABLE": Sentence(
        "У пользователя Битрикс24 {user} в поле {field} не Telegram ID, не @имя и не ссылка t.me: связь не изменена. Исправьте поле в Битрикс24",
        "The field {field} of Bitrix24 user {user} does not hold a Telegram ID, @name or t.me link: the link was not changed. Correct the field in Bitrix24",
    ),
    "RESYNC_DONE": Sentence(
        "Сверка с {portal} закончена. Пользователей: {users}, изменений: {published}, из них связей снято: {unlinked}",
        "Resync with {portal} done. Users: {users}, changes: {published}, of these unlinked: {unlinked}",
    ),
    "LINKS_AT_RISK": Sentence(
        "Сверка сняла бы связей: {count} из {linked}. Нет в списке портала: {missing}, с пустым полем: {emptied}, уволены: {dismissed} (пользователи {users}). Ни одна связь не снята. Проверьте, что владелец входящего вебхука — администратор и права вебхука не изменились; если всё верно: ./b24 resync --confirm {count}",
        "The resync would end {count} of {linked} links. Missing from the portal's list: {missing}, with an emptied field: {emptied}, dismissed: {dismissed} (users {users}). None was ended. Check that the incoming webhook's owner is an administrator and that its scopes have not changed; if everything is right: ./b24 resync --confirm {count}",
    ),
    "RESYNC_FAILED": Sentence(
        "Сверка с порталом не удалась: {problem}",
        "The resync with the portal failed: {problem}",
    ),
    # What the HTTP function answers, and what the log says of the same code.
    "SHORT_SECRET": Sentence(
        "{setting}: секрет короче 16 байт. Из событий он убирается только по имени поля, а не по значению; "
        "задайте секрет длиннее, если можете",
        "{setting}: the secret is shorter than 16 bytes. It is removed from events only by the field's name, not "
        "by its value; set a longer one if you can",
    ),
    "ANSWER_EVENT_QUEUED": Sentence(
        "Событие принято и поставлено в очередь", "The event is verified and queued"
    ),
    "ANSWER_OK": Sentence(
        "Шлюз работает. События принимаются методом POST", "The gateway is up. Send events by POST"
    ),
    "ANSWER_METHOD_GET": Sentence(
        "⚠️ Битрикс24 прислал GET вместо POST", "⚠️ Bitrix24 sent a GET instead of a POST"
    ),
    "ANSWER_NOT_FOUND": Sentence(
        "Такого пути нет. Адрес вебхука заканчивается на /api/bitrix/webhook",
        "No such path. The webhook's address ends in /api/bitrix/webhook",
    ),
    "ANSWER_METHOD_NOT_ALLOWED": Sentence(
        "Этот метод здесь не принимается. События присылают методом POST",
        "This method is not accepted here. Send events by POST",
    ),
    "ANSWER_LINKS_METHOD": Sentence(
        "Этот запрос отправляют методом GET: /api/links?telegram_id=…",
        "Send this request by GET: /api/links?telegram_id=…",
    ),
    "ANSWER_QUERY_TOO_LONG": Sentence(
        "Строка запроса длиннее 8 КиБ. Сократите адрес обработчика",
        "The query is longer than 8 KiB. Shorten the handler's address",
    ),
    "ANSWER_LINKS_UNAUTHORIZED": Sentence(
        "Нужен заголовок Authorization: Bearer и значение LINKS_API_TOKEN",
        "Send the header Authorization: Bearer with the value of LINKS_API_TOKEN",
    ),
    "ANSWER_LINKS_QUESTION": Sentence(
        "Запрашивайте /api/links?telegram_id=ЧИСЛО, /api/links?telegram_username=ИМЯ или /api/links/ПОЛЬЗОВАТЕЛЬ",
        "Request /api/links?telegram_id=NUMBER, /api/links?telegram_username=NAME or /api/links/USER",
    ),
    "ANSWER_LINKS_UNAVAILABLE": Sentence(
        "База связей не отвечает: повторите запрос позже",
        "The database of links does not answer: try again later",
    ),
    "ANSWER_BODY_INCOMPLETE": Sentence(
        "Тело запроса пришло не целиком. Отправляйте его полностью",
        "The request's body is incomplete. Send the whole body",
    ),
    "ANSWER_BODY_TOO_LARGE": Sentence(
        "Тело запроса больше 512 КиБ. Уменьшите его",
        "The body is larger than 512 KiB. Make it smaller",
    ),
    "ANSWER_BODY_TOO_COMPLEX": Sentence(
        "В теле или в строке запроса больше 1000 параметров, или в теле больше 32 уровней. Упростите их",
        "The body or the query has more than 1,000 parameters, or the body more than 32 levels. Simplify them",
    ),
    "ANSWER_HTTP_INVALID": Sentence(
        "Это не запрос HTTP/1.1, или его заголовки больше 64 КБ. Проверьте, чем его отправляют",
        "This is not an HTTP/1.1 request, or its headers are larger than 64 KB. Check what sends it",
    ),
    "ANSWER_TOKEN_NOT_CONFIGURED": Sentence(
        "Токен не настроен, поэтому ничего не принимается. Задайте BITRIX24_OUTGOING_WEBHOOK_TOKEN",
        "No token is configured, so nothing is accepted. Set BITRIX24_OUTGOING_WEBHOOK_TOKEN",
    ),
    "ANSWER_TOKEN_NOT_FOUND": Sentence(
        "Токен исходящего вебхука не найден. Причина — в журнале шлюза",
        "No outgoing webhook token was found. The gateway's log says why",
    ),
    "ANSWER_TOKEN_MISMATCH": Sentence(
        "Токен исходящего вебхука не подходит. Причина — в журнале шлюза",
        "The outgoing webhook token is not right. The gateway's log says why",
    ),
    "ANSWER_EVENT_INVALID": Sentence(
        "Токен верный, но это не событие Битрикс24. Неверное поле названо в field",
        "The token is right, but this is not a Bitrix24 event. The wrong field is named in `field`",
    ),
    "ANSWER_QUEUE_UNAVAILABLE_LOG": Sentence(
        "Очередь не приняла событие. Событие сохранено в логе шлюза; вернуть его: ./b24 replay LOGFILE, где LOGFILE — файл этого лога",
        "The queue did not accept the event. The event is kept in the gateway's log; put it back: ./b24 replay LOGFILE, where LOGFILE is the file of that log",
    ),
    "ANSWER_QUEUE_UNAVAILABLE": Sentence(
        "Очередь не приняла событие. Событие сохранено; вернуть его: ./b24 replay",
        "The queue did not accept the event. The event is kept; put it back: ./b24 replay",
    ),
    "ROBOT_ANSWER": Sentence(
        "Это вызов робота «Исходящий вебхук»: в нём есть document_id, но нет события. Если нужны события, заведите "
        "исходящий вебхук: «Разработчикам → Другое → Исходящий вебхук»",
        "This is a call of the automation rule “Outbound webhook”: it has document_id, but no event. "
        "To get events, create an outgoing webhook: “Developer resources → Other → Outbound webhook”",
    ),
    # The start.
    "STARTED": Sentence(
        "Шлюз {version} запущен. Принимаемых токенов: {count} (отпечатки: {prints}). Адрес для Битрикс24: {address}",
        "The gateway {version} has started. Accepted tokens: {count} (fingerprints: {prints}). Address for Bitrix24: {address}",
    ),
    "ADDRESS_UNKNOWN": Sentence(
        "публичный адрес этого сервера + /api/bitrix/webhook (задайте WEBHOOK_URL)",
        "this server's public address + /api/bitrix/webhook (set WEBHOOK_URL)",
    ),
    # What the error of a wrong setting says after the setting's name.
    "EXPECTED_INCOMING": Sentence(
        "ожидается адрес входящего вебхука целиком, как его показывает Битрикс24, или USER_ID/SECRET — две его части после /rest/",
        "expected the incoming webhook's whole address, as Bitrix24 shows it, or USER_ID/SECRET, its two parts after /rest/",
    ),
    "EXPECTED_FIELD": Sentence(
        "ожидается имя поля пользователя, например UF_USR_TELEGRAM",
        "expected the name of a user field, such as UF_USR_TELEGRAM",
    ),
    "EXPECTED_WHOLE": Sentence(
        "ожидается целое число от {low} до {high}", "expected a whole number from {low} to {high}"
    ),
    "EXPECTED_ONE_OF": Sentence("ожидается одно из: {allowed}", "expected one of: {allowed}"),
    "EXPECTED_FORM": Sentence("ожидается {form}", "expected {form}"),
    "EXPECTED_DOMAIN": Sentence(
        "ожидается имя портала, например p.bitrix24.ru",
        "expected the portal's host name, such as p.bitrix24.ru",
    ),
    "EXPECTED_ADDRESS": Sentence(
        "ожидается публичный адрес без параметров, например https://hooks.example.com",
        "expected the public address without a query, such as https://hooks.example.com",
    ),
    "EXPECTED_PASSWORD": Sentence("ожидается не меньше 12 знаков", "expected 12 characters or more"),
    "EXPECTED_LIBPQ": Sentence(
        "параметра {parameter} у PostgreSQL (libpq) нет. Уберите его из адреса",
        "PostgreSQL (libpq) has no parameter {parameter}. Remove it from the address",
    ),
    "EXPECTED_OTHER_FILE": Sentence(
        "ожидается отдельный файл: этот уже занят настройкой {other}",
        "expected a separate file: {other} already uses this one",
    ),
    "EXPECTED_OWN_FILE": Sentence(
        "ожидается свой файл: этот создан для {other}. Проверьте, не перепутаны ли адреса",
        "expected a file of its own: this one was made for {other}. Check that the two are not mixed up",
    ),
    "EXPECTED_POSTGRES": Sentence(
        "ожидается postgresql://USER:PASSWORD@HOST/NAME; знаки @ : / ? # % в имени и пароле пишутся как %40 %3A %2F %3F %23 %25",
        "expected postgresql://USER:PASSWORD@HOST/NAME; in the user and the password write @ : / ? # % as %40 %3A %2F %3F %23 %25",
    ),
    "VALUE_QUOTED": Sentence(
        "Кавычки стали частью значения: уберите их",
        "The quotes are part of the value: remove them",
    ),
    "VALUE_COMMENTED": Sentence(
        "Знак # и всё за ним стали частью значения: перенесите комментарий на отдельную строку",
        "The # and everything after it are part of the value: put the comment on a line of its own",
    ),
    "VALUE_FILTER_APART": Sentence(
        "События пишут сразу после адреса: уберите пробел перед #",
        "Write the events right after the address: remove the space before the #",
    ),
    "VALUE_CYRILLIC": Sentence(
        "В значении есть русские буквы, похожие на латинские: наберите его заново латиницей",
        "The value has Cyrillic letters that look like Latin ones: type it again in Latin letters",
    ),
    "ENV_NOT_A_FILE": Sentence(
        "{path} — не файл, настройки из него не читаются. Docker создаёт на этом месте каталог, если файла не было: удалите его и запишите настройки в файл",
        "{path} is not a file, so no settings are read from it. Docker makes a directory there if the file was missing: delete it, and put the settings into a file",
    ),
    "ENV_TWICE": Sentence(
        "{name} стоит в файле {path} несколько раз (строки {lines}), действует последняя. Оставьте одну",
        "{name} is in {path} more than once (lines {lines}), and the last one counts. Keep only one",
    ),
    "ENV_FILTER_APART": Sentence(
        "FORWARD_TO (строка {lines} файла {path}): # здесь начинает комментарий, поэтому нужные события не прочитаны и по адресу уходят все. Пишите # с событиями сразу после адреса, без пробела и внутри тех же кавычек",
        "FORWARD_TO (line {lines} of {path}): the # begins a comment here, so the wanted events were not read and the address gets all events. Write the # and the events right after the address, without a space and within the same quotes",
    ),
    "ENV_LINE": Sentence(
        "Строка {lines} файла {path} не читается и пропущена. Нужно ИМЯ=значение; проверьте кавычки",
        "Line {lines} of {path} cannot be read and was skipped. Write NAME=value, and close every quote",
    ),
    "ENV_LINES": Sentence(
        "Строки {lines} файла {path} не читаются и пропущены. Нужно ИМЯ=значение; проверьте кавычки",
        "Lines {lines} of {path} cannot be read and were skipped. Write NAME=value, and close every quote",
    ),
    "SETTINGS_PORTALS_DIFFER": Sentence(
        "BITRIX24_DOMAIN называет портал {domain}, а адрес в BITRIX24_WEBHOOK_TOKEN — {address}. Шлюз будет обращаться к {domain}; исправьте ту настройку, которая неверна",
        "BITRIX24_DOMAIN names the portal {domain}, but the address in BITRIX24_WEBHOOK_TOKEN names {address}. The gateway will ask {domain}; correct whichever setting is wrong",
    ),
    "UNKNOWN_SETTING": Sentence(
        "У шлюза нет настройки {name}, она ни на что не влияет. Все настройки перечислены в .env.example",
        "{name} is not a setting of the gateway, and has no effect. All settings are listed in .env.example",
    ),
    "UNKNOWN_SETTING_LIKE": Sentence(
        "У шлюза нет настройки {name}, она ни на что не влияет. Возможно, имелась в виду {like}",
        "{name} is not a setting of the gateway, and has no effect. Perhaps {like} was meant",
    ),
    "UNKNOWN_EVENT_LIKE": Sentence(
        "FORWARD_TO: события {event} нет среди известных. Возможно, имелось в виду {like}",
        "FORWARD_TO: {event} is not among the known events. Perhaps {like} was meant",
    ),
    "EXPECTED_FORWARD_TO": Sentence(
        "ожидается список адресов через пробел, а не через запятую или точку с запятой; после # — нужные события (https://bot.example.com/bitrix#ONTASK*,ONCRM*); http:// — только внутри своей сети",
        "expected addresses separated by spaces, not commas or semicolons, with the wanted events after # (https://bot.example.com/bitrix#ONTASK*,ONCRM*); http:// only inside your own network",
    ),
    "EXPECTED_FORWARD_SECRET": Sentence(
        "ожидается whsec_ и не меньше 16 байт в base64: python3 -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(24)).decode())\"",
        "expected whsec_ and at least 16 bytes in base64: python3 -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(24)).decode())\"",
    ),
    "EXPECTED_API_TOKEN": Sentence(
        "ожидается не меньше 16 знаков, без пробелов",
        "expected 16 characters or more, without spaces",
    ),
    "EXPECTED_TIME": Sentence(
        "ожидается срок не больше часа, например 30m, или время RFC 3339 с часовым поясом, не дальше часа вперёд, например 2026-01-31T12:00:00Z",
        "expected a span of at most an hour, such as 30m, or an RFC 3339 time with its zone, at most an hour ahead, such as 2026-01-31T12:00:00Z",
    ),
    "EXPECTED_EVERY": Sentence(
        "ожидается целое число и s, m или h, например 30m",
        "expected a whole number and s, m or h, such as 30m",
    ),
    "EXPECTED_UTF8": Sentence(
        "файл не читается: ожидается текст в UTF-8. Сохраните его в этой кодировке",
        "can't be read: expected a text file in UTF-8. Save it in this encoding",
    ),
    "EXPECTED_READABLE": Sentence(
        "файл не читается: {problem}. Он принадлежит пользователю {owner}: выполните команду от его имени (sudo -u {owner} ./b24 …)",
        "can't be read: {problem}. The file belongs to {owner}: run the command as that user (sudo -u {owner} ./b24 …)",
    ),
    "EXPECTED_HOST": Sentence(
        "ожидается адрес этой машины: 127.0.0.1, 0.0.0.0 (все) или ::",
        "expected an address of this machine: 127.0.0.1, 0.0.0.0 (all of them) or ::",
    ),
    "EXPECTED_EMULATOR": Sentence(
        "ожидается ХОСТ:ПОРТ, например 127.0.0.1:8085", "expected HOST:PORT, such as 127.0.0.1:8085"
    ),
    "EXPECTED_WRITABLE_FOLDER": Sentence(
        "не удаётся создать {path}: нет прав на запись в {parent}. Дайте права на {parent} или задайте другой путь",
        "{path} can't be created: {parent} is not writable. Give write access to {parent} or set another path",
    ),
    "EXPECTED_FREE_PORT": Sentence(
        "не удаётся слушать {address}: {problem}. Если это уже запущенный шлюз, второй не нужен; если нет, освободите порт или задайте другой",
        "cannot listen on {address}: {problem}. If the gateway already runs there, no second one is needed; if not, free the port or set another one",
    ),
    "EXPECTED_ALLOWED_PORT": Sentence(
        "не удаётся слушать {address}: {problem}. Задайте порт от 1024: порты ниже доступны только администратору",
        "cannot listen on {address}: {problem}. Set a port from 1024 up: only root listens below",
    ),
    # `trigger`.
    "TRIGGER_STRANGER": Sentence(
        "Это адрес не этой машины и не WEBHOOK_URL по HTTPS, поэтому токен туда не отправлен. Если адрес ваш, добавьте --send-token",
        "The address is neither this machine's nor WEBHOOK_URL over HTTPS, so the token was not sent. If the address "
        "is yours, add --send-token",
    ),
    "PROBE_REFUSED": Sentence(
        "Проверочный запрос самого шлюза (doctor или trigger) отклонён",
        "One of the gateway's own probes (doctor or trigger) was rejected",
    ),
    "PROBE_IGNORED": Sentence(
        "Проверочный запрос самого шлюза (doctor или trigger): событие {event} принято и никому не передано, потому что такие события никому не нужны. Делать ничего не нужно",
        "One of the gateway's own probes (doctor or trigger): event {event} was accepted and delivered to nobody, because nobody wants such events. There is nothing to do",
    ),
    "TRIGGER_WRONG": Sentence(
        "Так и должно быть: токен был случайный, и шлюз его отклонил. Уберите --wrong-token, чтобы событие прошло",
        "As it should be: the token was a random one, and the gateway rejected it. Remove --wrong-token to let the event pass",
    ),
    "TRIGGER_UNKNOWN": Sentence(
        "Шлюз не знает у Битрикс24 события {event}; оно отправляется как есть. Список известных: ./b24 trigger --list",
        "{event} is not one of the Bitrix24 events that the gateway knows; sending it as it is. List them: ./b24 trigger --list",
    ),
    "TRIGGER_NO_EVENT": Sentence(
        "Назовите событие, например: ./b24 trigger ONUSERADD. Список: ./b24 trigger --list",
        "Name an event, for example: ./b24 trigger ONUSERADD. List them: ./b24 trigger --list",
    ),
    "TRIGGER_DATA": Sentence(
        "нужно ИМЯ=ЗНАЧЕНИЕ, например ID=12, а не {given}",
        "expected KEY=VALUE, such as ID=12, not {given}",
    ),
    "TRIGGER_WAITED": Sentence(
        "За {seconds} с событие не обработано. Посмотрите чуть позже, что с ним стало: ./b24 events show {event_id}",
        "The event was not handled within {seconds} s. See a little later what came of it: ./b24 events show {event_id}",
    ),
    "TRIGGER_NOBODY": Sentence(
        "{url} не отвечает ({problem}). Запустите шлюз (make run) или проверьте адрес",
        "{url} does not answer ({problem}). Start the gateway (make run) or check the address",
    ),
    # What became of a request, in a row of a list.
    "TAG_ACCEPTED": Sentence("принято", "accepted"),
    "TAG_LINKED": Sentence("принято", "accepted"),
    "TAG_FORWARDED": Sentence("принято", "accepted"),
    "TAG_UNLINKED": Sentence("связь снята", "link ended"),
    "TAG_CONFLICT": Sentence("конфликт", "conflict"),
    "TAG_UNCHANGED": Sentence("без изменений", "unchanged"),
    "TAG_IGNORED": Sentence("никому не нужно", "unwanted"),
    "TAG_FAILED": Sentence("повторяется", "retrying"),
    "TAG_ASIDE": Sentence("отложено", "put aside"),
    "TAG_DEAD": Sentence("не доставлено", "not delivered"),
    "TAG_NOT_QUEUED": Sentence("не в очереди", "not queued"),
    "TAG_REFUSED": Sentence("отказ {status}", "rejected {status}"),
    "TAG_PROBE": Sentence("проверка", "probe"),
    "CAME_NOT_YET": Sentence("ждёт в очереди", "waiting on the queue"),
    "CAME_NOT_RECORDED": Sentence(
        "принято первой редакцией шлюза: что с ним стало, она не записывала",
        "received by the gateway's first edition, which did not record what came of it",
    ),
    "CAME_NOT_QUEUED": Sentence(
        "в очередь не попало, сохранено целиком; вернуть: ./b24 replay",
        "did not reach the queue and is kept whole; put it back: ./b24 replay",
    ),
    "CAME_LINK_SYNCED": Sentence("связь: {account} → пользователь {user}", "linked: {account} → user {user}"),
    "CAME_LINK_ENDED": Sentence("связь пользователя {user} снята", "the link of user {user} ended"),
    "CAME_LINK_CONFLICT": Sentence(
        "конфликт: пользователь {user} остался без связи, потому что аккаунт у другого; проверьте поле Telegram у обоих",
        "conflict: user {user} is left without a link, because another user has the account; check the Telegram field of both",
    ),
    "CAME_UNCHANGED_SAME": Sentence("пользователь {user}: уже известно", "user {user}: already known"),
    "CAME_UNCHANGED_EMPTY": Sentence(
        "пользователь {user} не связан: поле Telegram пусто, заполните его в Битрикс24",
        "user {user} is not linked: the Telegram field is empty, fill it in Bitrix24",
    ),
    "CAME_UNCHANGED_OLDER": Sentence(
        "пользователь {user}: событие старше того, что известно",
        "user {user}: the event is older than what is known",
    ),
    "CAME_UNCHANGED_REPEATED": Sentence(
        "пользователь {user}: повтор, уже обработано", "user {user}: a duplicate, already handled"
    ),
    "CAME_UNCHANGED_INACTIVE": Sentence(
        "пользователь {user} уволен или отключён", "user {user} is dismissed or inactive"
    ),
    "CAME_UNCHANGED_NO_WEBHOOK": Sentence(
        "пользователь {user} не связан: поля Telegram в событии нет, задайте BITRIX24_WEBHOOK_TOKEN",
        "user {user} is not linked: the event has no Telegram field, set BITRIX24_WEBHOOK_TOKEN",
    ),
    "CAME_UNCHANGED_NO_WEBHOOK_LINKED": Sentence(
        "связь пользователя {user} остаётся прежней: поля Telegram в событии нет, задайте BITRIX24_WEBHOOK_TOKEN",
        "the link of user {user} stays as it is: the event has no Telegram field, set BITRIX24_WEBHOOK_TOKEN",
    ),
    "CAME_UNCHANGED_NO_FIELD": Sentence(
        "пользователь {user}: поля Telegram нет ни в событии, ни в профиле, проверьте BITRIX24_TELEGRAM_FIELD_NAME",
        "user {user}: neither the event nor the profile has the Telegram field, check BITRIX24_TELEGRAM_FIELD_NAME",
    ),
    "CAME_UNCHANGED_NOT_SHOWN": Sentence(
        "пользователь {user}: входящий вебхук его не показывает, проверьте права владельца вебхука",
        "user {user}: the incoming webhook does not show this user, check the rights of the webhook's owner",
    ),
    "CAME_UNCHANGED_UNREADABLE": Sentence(
        "пользователь {user}: поле Telegram не читается, исправьте его в Битрикс24",
        "user {user}: the Telegram field can't be read, correct it in Bitrix24",
    ),
    "CAME_UNCHANGED_OTHER_PORTAL": Sentence(
        "пользователь {user} не связан: событие другого портала, проверьте BITRIX24_DOMAIN",
        "user {user} is not linked: the event is from another portal, check BITRIX24_DOMAIN",
    ),
    "CAME_UNCHANGED_OTHER_PORTAL_LINKED": Sentence(
        "связь пользователя {user} остаётся прежней: событие другого портала, проверьте BITRIX24_DOMAIN",
        "the link of user {user} stays as it is: the event is from another portal, check BITRIX24_DOMAIN",
    ),
    "CAME_EVENT_FORWARDED": Sentence(
        "доставлено: {destination}, ответ {status}, {ms} мс",
        "delivered: {destination}, answer {status}, {ms} ms",
    ),
    "CAME_EVENT_IGNORED": Sentence(
        "никому не нужно: чтобы дошло до бота, укажите событие в FORWARD_TO",
        "nobody wants it: name it in FORWARD_TO to have it delivered to your bot",
    ),
    "CAME_PROBE_IGNORED": Sentence(
        "проверка: никому не передана, потому что такие события никому не нужны",
        "a probe: delivered to nobody, because nobody wants such events",
    ),
    "CAME_EVENT_FAILED": Sentence(
        "{subscription}: попытка {attempt}, {reason}; следующая через {next} с",
        "{subscription}: attempt {attempt}, {reason}; next attempt in {next} s",
    ),
    "CAME_AGAIN": Sentence(
        "попытка {attempt}: {reason}; следующая через {next} с",
        "attempt {attempt}: {reason}; next attempt in {next} s",
    ),
    "CAME_EVENT_FAILED_PUSHED": Sentence(
        "{subscription}: попытка {attempt}, {reason}; Pub/Sub доставит снова",
        "{subscription}: attempt {attempt}, {reason}; Pub/Sub delivers it again",
    ),
    "CAME_EVENT_DEAD": Sentence(
        "{subscription}: не доставлено, {reason}; вернуть: ./b24 replay --event-id {event_id}",
        "{subscription}: not delivered, {reason}; put it back: ./b24 replay --event-id {event_id}",
    ),
    "CAME_EVENT_PUT_ASIDE": Sentence(
        "отложено: {reason}; исправить: ./b24 dead-letters show {event_id}",
        "put aside: {reason}; to correct it: ./b24 dead-letters show {event_id}",
    ),
    "CAME_EVENT_REQUEUED": Sentence("возвращено в очередь вручную", "put back on the queue by hand"),
    # Why a message is a dead letter.
    "REASON_NO_USER": Sentence("в data нет пользователя", "no user in data"),
    "REASON_NO_USER_ID": Sentence(
        "у пользователя нет ID (целого числа от 1)", "the user has no ID (a whole number from 1)"
    ),
    "REASON_NO_DATA": Sentence("данные сообщения не в base64", "the message's data is not base64"),
    "REASON_NUL": Sentence(
        "в event_id или в имени портала нулевой байт", "event_id or the portal's name holds a NUL byte"
    ),
    "REASON_SCHEMA": Sentence(
        "это не сообщение шлюза (схема 1), ошибка в полях: {fields}",
        "not a message of the gateway (schema 1), wrong fields: {fields}",
    ),
    "REASON_GONE": Sentence(
        "{destination} ответил 410: такие события ему больше не нужны",
        "{destination} answered 410: it no longer wants such events",
    ),
    "REASON_ATTEMPTS": Sentence("{subscription}: попытки кончились", "{subscription}: out of attempts"),
    "REASON_NO_WORKER": Sentence(
        "обработчик каждый раз завершался, не закончив", "the worker ended each time before finishing"
    ),
    "REASON_ANSWERED_REDIRECT": Sentence(
        "{destination} ответил {status}: перенаправления не выполняются, укажите в FORWARD_TO конечный адрес",
        "{destination} answered {status}: redirects are not followed, set the final address in FORWARD_TO",
    ),
    "REASON_ANSWERED_DENIED": Sentence(
        "{destination} ответил {status}: он ждёт другой токен. Настройте у него первый токен из BITRIX24_OUTGOING_WEBHOOK_TOKEN: с ним идут все доставки",
        "{destination} answered {status}: it expects another token. Configure the first token of BITRIX24_OUTGOING_WEBHOOK_TOKEN there: all deliveries carry it",
    ),
    "REASON_ANSWERED_NO_PATH": Sentence(
        "{destination} ответил {status}: по этому адресу нет обработчика POST, проверьте путь в FORWARD_TO",
        "{destination} answered {status}: there is no POST handler at this address, check the path in FORWARD_TO",
    ),
    "REASON_ANSWERED": Sentence("{destination} ответил {status}", "{destination} answered {status}"),
    "REASON_BUSY": Sentence(
        "{destination} занят предыдущими доставками (одновременно их не больше {limit}): очередь повторит доставку сама. Если это надолго, ускорьте ответы этого адреса",
        "{destination} is busy with earlier deliveries (at most {limit} at once): the queue delivers again by itself. If this lasts, make that address answer faster",
    ),
    "REASON_NO_ANSWER": Sentence(
        "{destination} не ответил: {problem}", "{destination} did not answer: {problem}"
    ),
    "INSPECTOR_OVER_CLOUD": Sentence(
        "Инспектор проекта {project}: {url}\nСобытия сюда не отправляйте: здесь только страница. Ctrl-C завершает",
        "The inspector of {project}: {url}\nDo not send events here: this is only the page. Press Ctrl-C to stop it",
    ),
    "INSPECTOR_WHICH_PROJECT": Sentence(
        "Укажите проект: ./b24 inspector --project ПРОЕКТ",
        "Name the project: ./b24 inspector --project PROJECT",
    ),
    # `events`.
    "EVENTS_NONE": Sentence(
        "За это время ничего не пришло. Смотрите раньше (--since 7d) или отправьте пробное событие: ./b24 trigger ONUSERUPDATE (его показывает --probes)",
        "Nothing came in that time. Look further back (--since 7d), or send a test event: ./b24 trigger ONUSERUPDATE (--probes lists it)",
    ),
    "EVENTS_NONE_LIKE": Sentence(
        "За это время таких запросов не было. Смотрите раньше (--since 7d) или все: ./b24 events",
        "No such request came in that time. Look further back (--since 7d), or at all of them: ./b24 events",
    ),
    "EVENTS_NO_SUCH": Sentence(
        "Запроса {id} в журнале нет, или с этих знаков начинаются номера нескольких. Список: ./b24 events --since 7d",
        "The journal has no request {id}, or several whose ids begin so. List them: ./b24 events --since 7d",
    ),
    "EVENTS_ID_SHORT": Sentence(
        "{id}: слишком коротко. Укажите номер запроса или хотя бы {least} первых знаков. Список: ./b24 events --since 7d",
        "{id} is too short. Give the request's id, or at least its first {least} characters. List them: ./b24 events --since 7d",
    ),
    "EVENTS_REFUSED": Sentence(
        "Запрос {id} отклонён: непроверенное в очередь не ставится никогда. Устраните причину (./b24 events show {id}) и повторите событие в Битрикс24",
        "Request {id} was rejected, and what is not verified is never queued. Fix the cause (./b24 events show {id}) and have Bitrix24 send the event again",
    ),
    "EVENTS_NOT_QUEUED": Sentence(
        "Событие запроса {id} не попало в очередь и сохранено. Вернуть: ./b24 replay --event-id {event_id}",
        "The event of request {id} did not reach the queue and is kept. Put it back: ./b24 replay --event-id {event_id}",
    ),
    "EVENTS_NO_MESSAGE": Sentence(
        "Сообщение запроса {id} не сохранено: это проверка самого шлюза или запись прежней версии. Отправьте новое: ./b24 trigger {event}",
        "The message of request {id} is not kept: it is one of the gateway's own probes, or a record of an earlier version. Send a new one: ./b24 trigger {event}",
    ),
    "EVENTS_NO_DESTINATION": Sentence(
        "Получателя {name} нет, или событие {event} ему не нужно. Укажите в --to одного из тех, кому оно нужно: {names}",
        "There is no destination {name}, or it does not want {event}. With --to, name one that wants it: {names}",
    ),
    "EVENTS_TO_PUBSUB": Sentence(
        "В Pub/Sub нельзя опубликовать для одной подписки. Повторите событие для всех (без --to) или верните недоставленное этому получателю: ./b24 replay --subscription ПОДПИСКА",
        "Pub/Sub can't publish to a single subscription. Resend the event to all (without --to), or put back what this destination missed: ./b24 replay --subscription SUBSCRIPTION",
    ),
    "EVENTS_RESENT": Sentence(
        "Событие {event} снова в очереди под номером {event_id}. Что с ним станет: ./b24 events show {event_id}",
        "Event {event} is on the queue again as {event_id}. To see what comes of it: ./b24 events show {event_id}",
    ),
    "EVENTS_PART_MESSAGE": Sentence("Сообщение", "message"),
    "EVENTS_PART_HEADERS": Sentence("Заголовки", "headers"),
    "EVENTS_PART_QUERY": Sentence("Параметры адреса", "query"),
    "EVENTS_PART_BODY": Sentence("Тело", "body"),
    "EVENTS_CAME": Sentence("Что с ним стало", "What came of it"),
    "EVENTS_RESENDS": Sentence("Повторено {at} как {event_id}", "Resent {at} as {event_id}"),
    "EVENTS_EQUAL": Sentence(
        "одинаковых: {count}; это время последнего, а номер — первого, {at}",
        "{count} identical; this is the last one's time, and the id is that of the first, {at}",
    ),
    # The store of links.
    "STORE_SILENT": Sentence(
        "База связей не ответила ({problem}). Проверьте DATABASE_URL и запущена ли база",
        "The links database did not answer ({problem}). Check DATABASE_URL, and that the database is running",
    ),
    "STORE_PASSWORD": Sentence(
        "PostgreSQL не пустил: неверные пользователь или пароль либо pg_hba.conf не разрешает вход отсюда. Исправьте DATABASE_URL или pg_hba.conf",
        "PostgreSQL refused the login: the user or password is wrong, or pg_hba.conf does not allow it from this address. Correct DATABASE_URL or pg_hba.conf",
    ),
    "STORE_NO_DATABASE": Sentence(
        "Такой базы данных на сервере нет. Создайте её (createdb) или исправьте имя в конце DATABASE_URL",
        "The server has no such database. Create it (createdb), or correct the name at the end of DATABASE_URL",
    ),
    "STORE_SSL": Sentence(
        "Соединение с PostgreSQL по SSL не удалось. Задайте в DATABASE_URL sslmode, которого требует сервер; для verify-full нужен и sslrootcert",
        "The SSL connection to PostgreSQL failed. Set sslmode in DATABASE_URL as the server requires; verify-full also needs sslrootcert",
    ),
    "STORE_RIGHTS": Sentence(
        "Пользователю базы связей не хватает прав. Дайте ему CREATE и USAGE на схему и права на её таблицы",
        "The links database user lacks privileges. Grant CREATE and USAGE on the schema, and privileges on its tables",
    ),
    "STORE_READ_ONLY": Sentence(
        "База связей открыта только на чтение. Укажите основной сервер, не реплику (target_session_attrs=read-write), или исправьте права на файл",
        "The links database is read-only. Name the primary, not a replica (target_session_attrs=read-write), or correct the file's permissions",
    ),
    "STORE_SLOTS": Sentence(
        "У PostgreSQL кончились соединения. Увеличьте max_connections, закройте лишние программы или поставьте PgBouncer",
        "PostgreSQL has no connections left. Raise max_connections, stop programs that hold them, or use PgBouncer",
    ),
    "STORE_STATEMENT_POOLING": Sentence(
        "PgBouncer работает в режиме statement, в нём нет транзакций. Задайте pool_mode = transaction",
        "PgBouncer runs in statement mode, which has no transactions. Set pool_mode = transaction",
    ),
    "STORE_NAME": Sentence(
        "Имя сервера из DATABASE_URL не найдено в DNS. Исправьте имя или DNS",
        "The server named in DATABASE_URL was not found in DNS. Correct the name, or fix DNS",
    ),
    "STORE_REFUSED": Sentence(
        "По адресу из DATABASE_URL никто не принимает соединений. Запустите PostgreSQL или исправьте хост и порт",
        "Nothing accepts connections at the address in DATABASE_URL. Start PostgreSQL, or correct the host and port",
    ),
    "STORE_FULL": Sentence(
        "На диске базы связей кончилось место. Освободите его: события дождутся в очереди",
        "The disk that holds the links database is full. Free some space: events wait in the queue",
    ),
    "STORE_CORRUPT": Sentence(
        "Файл связей {path} повреждён; события ждут в очереди. Остановите шлюз; спасите связи: sqlite3 {path} .recover | sqlite3 recovered.db (если sqlite3 отвечает «SQL logic error», как в Debian 12: sqlite3 {path} .dump | sed s/^ROLLBACK/COMMIT/ | sqlite3 recovered.db); уберите {path}, {path}-wal и {path}-shm в сторону, поставьте recovered.db на место {path} и запустите шлюз. Чего не удалось спасти, вернёт сверка: ./b24 resync",
        'The links file {path} is corrupt; events wait in the queue. Stop the gateway; recover the links: sqlite3 {path} .recover | sqlite3 recovered.db (if sqlite3 answers "SQL logic error", as in Debian 12: sqlite3 {path} .dump | sed s/^ROLLBACK/COMMIT/ | sqlite3 recovered.db); move {path}, {path}-wal and {path}-shm away, put recovered.db in place of {path}, and start the gateway. Polling brings back what could not be recovered: ./b24 resync',
    ),
    "STORE_REPLACED": Sentence(
        "Файл связей {path} убрали или подменили при работающем шлюзе; события ждут в очереди. Верните файл на место и перезапустите шлюз; без этого файла он начнёт без единой связи",
        "The links file {path} was moved away or replaced while the gateway was running; events wait in the queue. Put the file back and restart the gateway; without it the gateway starts with no links",
    ),
    "STORE_CLOSED": Sentence(
        "Базу связей не удаётся открыть: {problem}. Проверьте DATABASE_URL и права на файл",
        "The links database can't be opened: {problem}. Check DATABASE_URL and the file's permissions",
    ),
    "STORE_LOCKED": Sentence(
        "База связей занята другой программой. Закройте эту программу",
        "The links database is locked by another program. Close that program",
    ),
    "STORE_CROWDED": Sentence(
        "Firestore: слишком много одновременных записей одних и тех же связей. Шлюз повторит сам",
        "Firestore: too many simultaneous writes to the same links. The gateway tries again by itself",
    ),
    "STORE_NEWER": Sentence(
        "там данные версии {version}, а программа знает версии только до {known}. Обновите программу",
        "its data has version {version}, but this program only knows versions up to {known}. Update the program",
    ),
    "FIRESTORE_SILENT": Sentence(
        "Firestore не ответил ({problem}). Шлюз повторит сам; если это надолго, проверьте сеть и https://status.cloud.google.com",
        "Firestore did not answer ({problem}). The gateway tries again by itself; if this continues, check the network and https://status.cloud.google.com",
    ),
    "FIRESTORE_EMULATOR": Sentence(
        "Эмулятор Firestore не отвечает ({problem}). Запустите его: make emulators; для настоящей базы уберите FIRESTORE_EMULATOR_HOST",
        "The Firestore emulator does not answer ({problem}). Start it: make emulators; for a real database unset FIRESTORE_EMULATOR_HOST",
    ),
    "FIRESTORE_RIGHTS": Sentence(
        "У учётной записи нет прав на Firestore ({problem}). Дайте ей роль roles/datastore.user: ./deploy.sh deploy или gcloud projects add-iam-policy-binding",
        "The account has no access to Firestore ({problem}). Give it the role roles/datastore.user: ./deploy.sh deploy, or gcloud projects add-iam-policy-binding",
    ),
    "FIRESTORE_API_OFF": Sentence(
        "В проекте выключен Cloud Firestore API ({problem}). Включите: gcloud services enable firestore.googleapis.com",
        "The project's Cloud Firestore API is off ({problem}). Enable it: gcloud services enable firestore.googleapis.com",
    ),
    "FIRESTORE_PROJECT": Sentence(
        "Проекта из DATABASE_URL нет, или учётная запись его не видит ({problem}). Исправьте DATABASE_URL: firestore://ПРОЕКТ/БАЗА; имена проектов покажет gcloud projects list",
        "The project in DATABASE_URL does not exist, or the account can't see it ({problem}). Correct DATABASE_URL: firestore://PROJECT/DATABASE; gcloud projects list shows the projects",
    ),
    "FIRESTORE_NO_DATABASE": Sentence(
        "Базы Firestore из DATABASE_URL в проекте нет ({problem}). Создайте её: gcloud firestore databases create, или исправьте имя: firestore://ПРОЕКТ/БАЗА",
        "The Firestore database in DATABASE_URL does not exist in the project ({problem}). Create it: gcloud firestore databases create, or correct the name: firestore://PROJECT/DATABASE",
    ),
    "FIRESTORE_MODE": Sentence(
        "База из DATABASE_URL — в режиме Datastore ({problem}), а шлюзу нужен Native. Создайте другую: gcloud firestore databases create --type=firestore-native",
        "The database in DATABASE_URL is in Datastore mode ({problem}), and the gateway needs Native. Create another: gcloud firestore databases create --type=firestore-native",
    ),
    "FIRESTORE_LOGIN": Sentence(
        "Нет действующих учётных данных Google ({problem}). Войдите: gcloud auth application-default login, или проверьте GOOGLE_APPLICATION_CREDENTIALS",
        "There are no valid Google credentials ({problem}). Log in: gcloud auth application-default login, or check GOOGLE_APPLICATION_CREDENTIALS",
    ),
    "FIRESTORE_QUOTA": Sentence(
        "Квота Firestore исчерпана ({problem}). Шлюз повторит сам; расход и бесплатную квоту покажет консоль: Firestore → Usage",
        "Firestore's quota is used up ({problem}). The gateway tries again by itself; the console shows the usage and the free quota: Firestore → Usage",
    ),
    # `serve`.
    "ENV_READABLE": Sentence(
        "Файл {path} с секретами читают и другие пользователи этой машины. Закройте его: chmod 600 {path}",
        "Other users of this machine can read {path}, which holds secrets. Make it private: chmod 600 {path}",
    ),
    "HTTP_REASON_LINE": Sentence("в начале нет строки запроса", "it does not begin with a request line"),
    "HTTP_REASON_HEADERS": Sentence("заголовков больше {most}", "it has more than {most} headers"),
    "HTTP_REASON_HEAD": Sentence("заголовки больше {most} байт", "its headers exceed {most} bytes"),
    "HTTP_REASON_LENGTHS": Sentence(
        "Content-Length вместе с Transfer-Encoding", "it has both Content-Length and Transfer-Encoding"
    ),
    "HTTP_REASON_LINE_ENDS": Sentence(
        "строка заголовков кончается не парой CR LF", "a header line does not end in CR LF"
    ),
    "HTTP_REASON_NO_HOST": Sentence("нет заголовка Host", "it has no Host header"),
    "HTTP_REASON_HOSTS": Sentence("заголовков Host несколько", "it has several Host headers"),
    "HTTP_REASON_HEADER": Sentence(
        "строка заголовка не вида «Имя: значение» или содержит управляющие символы",
        "a header line is not of the form NAME: VALUE, or contains control characters",
    ),
    "HTTP_REASON_LENGTH": Sentence(
        "Content-Length не число или указан по-разному",
        "its Content-Length is not a number, or two of them differ",
    ),
    "HTTP_REASON_ENCODING": Sentence(
        "Transfer-Encoding неизвестен или указан дважды", "its Transfer-Encoding is unknown, or given twice"
    ),
    "HTTP_REASON_LONG_LINE": Sentence("адрес слишком длинный", "its address is too long"),
    "HTTP_REASON_MANY": Sentence("заголовки слишком большие", "its headers are too large"),
    "HTTP_REASON_CHUNKS": Sentence("части тела размечены неверно", "its chunked body is malformed"),
    "HTTP_REASON_LIBRARY": Sentence("заголовки нарушают правила HTTP", "its headers break the rules of HTTP"),
    "HTTP_REFUSED": Sentence(
        "Пришёл не запрос HTTP: {problem}. Если его шлёт ваш прокси, проверьте настройки прокси",
        "What came is not an HTTP request: {problem}. If your proxy sends it, check the proxy's settings",
    ),
    "HTTP_SURPLUS": Sentence(
        "Перед запросом пропущены лишние байты ({bytes}): Content-Length предыдущего запроса меньше его тела. Исправьте отправителя: длину считают в байтах, не в знаках",
        "Skipped surplus bytes before a request ({bytes}): the previous request's Content-Length is smaller than its body. Fix the sender: the length is counted in bytes, not characters",
    ),
    "HTTP_CONNECTIONS": Sentence(
        "Открытых соединений уже {limit}, это предел: закрываются те, что дольше всех молчат. Если это не атака, увеличьте ulimit -n",
        "The limit of {limit} open connections is reached: those that have been silent longest are closed. If this is not an attack, raise ulimit -n",
    ),
    "HTTP_MEMORY": Sentence(
        "Недосланные запросы заняли {limit} МБ, поэтому самые старые оборваны. Посмотрите в инспекторе, кто их шлёт",
        "Unfinished requests filled {limit} MB, so the oldest were cut off. The inspector shows who sends them",
    ),
    "HTTP_UNFINISHED": Sentence(
        "Оборванных запросов больше, чем шлюз успевает разобрать: у части записаны только заголовки. Посмотрите в инспекторе, кто их шлёт",
        "Requests break off faster than they can be processed, so only the headers of some are recorded. The inspector shows who sends them",
    ),
    "HTTP_THREADS": Sentence(
        "Система не даёт больше потоков: запросы ждут друг друга. Увеличьте ulimit -u или предел задач службы (TasksMax)",
        "The system allows no more threads: requests wait for one another. Raise ulimit -u, or the service's TasksMax",
    ),
    "NO_THREADS": Sentence(
        "Система не даёт шлюзу ни одного потока. Увеличьте ulimit -u, предел памяти (ulimit -v) или предел задач службы (TasksMax) и запустите шлюз снова",
        "The system does not let the gateway start a single thread. Raise ulimit -u, the memory limit (ulimit -v) or the service's TasksMax, and start the gateway again",
    ),
    "HTTP_FAILED": Sentence(
        "Сбой сервера HTTP: {problem}. Обновите шлюз; если повторится, сообщите разработчикам",
        "The HTTP server failed: {problem}. Update the gateway; if it happens again, tell its developers",
    ),
    "THREAD_FAILED": Sentence(
        "Часть шлюза остановилась ({name}): {problem}. Перезапустите шлюз; если повторится, сообщите разработчикам",
        "A part of the gateway has stopped ({name}): {problem}. Restart the gateway; if it happens again, tell its developers",
    ),
    "LOG_LINES_DROPPED": Sentence(
        "Пропущено строк журнала: {count}, потому что их никто не читал. Проверьте, кто читает поток ошибок шлюза",
        "Log lines dropped: {count}, because nothing was reading them. Check what reads the gateway's standard error",
    ),
    "LOG_LIBRARY_LINES_DROPPED": Sentence(
        "Пропущено строк библиотеки {library}: {count}, потому что за минуту она написала больше {limit}. Причину ищите в её строках выше",
        "Log lines of the library {library} dropped: {count}, because it wrote more than {limit} in a minute. Its lines above show why",
    ),
    "SERVING": Sentence(
        "Слушаем {url} (Ctrl-C — остановить). Что приходит: {inspector}",
        "Listening on {url} (Ctrl-C to stop). What comes in: {inspector}",
    ),
    "STOPPED": Sentence(
        "Шлюз остановлен: начатые запросы отвечены, принятое сохранено",
        "The gateway has stopped: requests in flight are answered, what was accepted is kept",
    ),
    "FRONT_TITLE": Sentence("Шлюз вебхуков Битрикс24", "Bitrix24 webhook gateway"),
    "FRONT_UP": Sentence(
        "Шлюз {version} работает. События Битрикс24 он принимает запросами POST на {path}: этот адрес и вставьте в форму исходящего вебхука.",
        "The gateway {version} is up. It accepts Bitrix24's events by POST at {path}: paste that address into the outgoing webhook's form.",
    ),
    "FRONT_INSPECTOR": Sentence(
        "Инспектор: что приходит и почему отклонено", "Inspector: what comes in, and why it was rejected"
    ),
    "FRONT_LOG": Sentence(
        "Ссылка с ключом к инспектору напечатана при запуске; если задан INSPECTOR_PASSWORD, инспектор спросит пароль.",
        "The link with the inspector's key was printed at start-up; if INSPECTOR_PASSWORD is set, the inspector asks for the password.",
    ),
    "CLI_DID_YOU_MEAN": Sentence("Может быть, {name}?", "Did you mean {name}?"),
    "INSPECTOR_TITLE": Sentence("Инспектор вебхуков", "Webhook inspector"),
    "INSPECTOR_ASKS": Sentence(
        "Введите пароль инспектора: значение INSPECTOR_PASSWORD",
        "Enter the inspector's password: the value of INSPECTOR_PASSWORD",
    ),
    "INSPECTOR_WRONG_PASSWORD": Sentence(
        "Пароль не подошёл. Введите значение INSPECTOR_PASSWORD",
        "Wrong password. Enter the value of INSPECTOR_PASSWORD",
    ),
    "INSPECTOR_OPEN": Sentence("Открыть", "Open"),
    "INSPECTOR_CLOSED": Sentence(
        "Инспектор закрыт. Откройте ссылку с ключом, которую шлюз напечатал при запуске (/inspector?key=…), или задайте INSPECTOR_PASSWORD и перезапустите шлюз",
        "The inspector is closed. Open the link with the key that the gateway printed at start-up (/inspector?key=…), or set INSPECTOR_PASSWORD and restart the gateway",
    ),
    "INSPECTOR_LOCKED": Sentence(
        "Слишком много неверных паролей. Подождите минуту и введите значение INSPECTOR_PASSWORD",
        "Too many wrong passwords. Wait a minute, then enter the value of INSPECTOR_PASSWORD",
    ),
    "INSPECTOR_REFUSED_ENTRY": Sentence(
        "В инспектор не пустили: неверный ключ или пароль с адреса {sender}. Если это не вы, проверьте, кому доступен инспектор",
        "The inspector did not open: wrong key or password from {sender}. If that was not you, check who can reach the inspector",
    ),
    "RESYNC_WOULD": Sentence(
        "Пробная сверка с {portal}, ничего не записано. Пользователей: {users}, изменений было бы: {published}, из них отвязок: {unlinked}",
        "Dry run with {portal}, nothing was queued. Users: {users}, changes that would be queued: {published}, of which unlinking: {unlinked}",
    ),
    "POLL_WITHOUT_WEBHOOK": Sentence(
        "RESYNC_EVERY задан, а входящий вебхук — нет: сверки не будет. Задайте BITRIX24_DOMAIN и BITRIX24_WEBHOOK_TOKEN",
        "RESYNC_EVERY is set, but the incoming webhook is not, so nothing is polled. Set BITRIX24_DOMAIN and BITRIX24_WEBHOOK_TOKEN",
    ),
    "POLL_FAILED": Sentence(
        "Сверка пользователей не удалась ({status}). Причину покажет ./b24 resync",
        "Polling users failed ({status}). To see why: ./b24 resync",
    ),
    "NO_VOLUME": Sentence(
        "{name} указывает на файл вне тома Railway: при следующем деплое он исчезнет. Подключите том "
        "или задайте другой адрес",
        "{name} points to a file outside a Railway volume: the next deploy removes it. Attach a volume "
        "or set another address",
    ),
    "CAPTURED": Sentence(
        "Запрос записан (WEBHOOK_CAPTURE_UNTIL)", "A request was captured (WEBHOOK_CAPTURE_UNTIL)"
    ),
    # `explain`: input that it can't read, and what it read the rest as.
    "PASTED_UNKNOWN": Sentence(
        "Не удаётся прочитать. Вставьте HTTP-запрос целиком (POST /api/bitrix/webhook …), команду curl, запись журнала шлюза (строку или JSON, в том числе из Cloud Logging) или тело запроса (форма, JSON, multipart)",
        "This can't be read. Paste one of these: a whole HTTP request (POST /api/bitrix/webhook …), a curl command, a record of the gateway's log (a line or JSON, also from Cloud Logging) or a request body (form, JSON, multipart)",
    ),
    "PASTED_TAKES": Sentence(
        "Вставьте HTTP-запрос целиком, команду curl, запись журнала шлюза или тело запроса",
        "Paste one of these: a whole HTTP request, a curl command, a record of the gateway's log or a request body",
    ),
    "PASTED_NO_REFUSAL": Sentence(
        "Эта запись журнала — не об ответе на запрос. Вставьте запись с полями code и causes",
        "This log record is not about an answer to a request. Paste one that has the fields code and causes",
    ),
    "PASTED_REQUEST": Sentence(
        "Это не похоже на HTTP-запрос ({problem}). Скопируйте его целиком, от строки «POST /api/bitrix/webhook HTTP/1.1» до тела",
        "This does not look like an HTTP request ({problem}). Copy all of it, from the line “POST /api/bitrix/webhook HTTP/1.1” to the body",
    ),
    "PASTED_CURL_QUOTE": Sentence(
        "В команде curl не закрыта кавычка. Скопируйте команду целиком",
        "A quote in the curl command is not closed. Copy the whole command",
    ),
    "PASTED_CURL_ADDRESS": Sentence(
        "В команде curl нет адреса. Скопируйте команду целиком",
        "The curl command has no address. Copy the whole command",
    ),
    "PASTED_CURL_FILE": Sentence(
        "Команда curl берёт данные из файла ({file}), а explain его не открывает. Вставьте содержимое вместо @имени",
        "The curl command takes its data from a file ({file}), which explain does not open. Put the file's content in place of @name",
    ),
    "PASTED_POWERSHELL": Sentence(
        "Это команда PowerShell, а не запрос. В инструментах разработчика браузера выберите «Копировать как cURL (bash)» и вставьте это, или найдите отказ: ./b24 rejections",
        "This is a PowerShell command, not a request. In the browser's developer tools choose “Copy as cURL (bash)” and paste that, or find the rejection: ./b24 rejections",
    ),
    "PASTED_FETCH": Sentence(
        "Это вызов fetch из JavaScript, а не запрос. В инструментах разработчика браузера выберите «Копировать как cURL (bash)» и вставьте это, или найдите отказ: ./b24 rejections",
        "This is a JavaScript fetch call, not a request. In the browser's developer tools choose “Copy as cURL (bash)” and paste that, or find the rejection: ./b24 rejections",
    ),
    "PASTED_SCRIPT": Sentence(
        "Это команда или код, а не запрос. Вставьте то же командой curl, или сам запрос: его покажут ./b24 rejections и WEBHOOK_CAPTURE_UNTIL",
        "This is a command or code, not a request. Paste an equivalent curl command, or the request itself: ./b24 rejections and WEBHOOK_CAPTURE_UNTIL show it",
    ),
    "PASTED_FORM_DATA": Sentence(
        "Это таблица полей (Form Data) из браузера, по ней не видно, что пришло на самом деле. В той же строке выберите «Копировать как cURL (bash)» или «view source» и вставьте это",
        "This is the browser's table of fields (Form Data), which does not show what really came. On the same request choose “Copy as cURL (bash)” or “view source”, and paste that",
    ),
    "PASTED_CURL_VERBOSE": Sentence(
        "Это вывод curl -v: тела запроса в нём нет. Вставьте саму команду curl или вывод curl --trace-ascii -",
        "This is the output of curl -v, which does not show the request body. Paste the curl command itself, or the output of curl --trace-ascii -",
    ),
    "PASTED_DEPTH": Sentence(
        "console.log напечатал [Object] вместо auth, поэтому токена здесь не видно. Напечатайте JSON.stringify(obj) или console.dir(obj, {{depth: null}}) и вставьте это",
        "console.log printed [Object] in place of auth, so the token cannot be seen here. Print JSON.stringify(obj) or console.dir(obj, {{depth: null}}), and paste that",
    ),
    "PASTED_PRINT_R": Sentence(
        "В этом print_r одно из значений похоже на конец массива, поэтому неясно, где стоит токен. Напечатайте json_encode($_POST) и вставьте это",
        "A value in this print_r looks like the end of an array, so it is not clear where the token stands. Print json_encode($_POST), and paste that",
    ),
    "PASTED_ACCESS_LOG": Sentence(
        "Это строка журнала доступа веб-сервера: в ней нет ни заголовков, ни тела, где стоит токен. Причину отказа покажет ./b24 rejections, а весь запрос — WEBHOOK_CAPTURE_UNTIL",
        "This is a line of a web server's access log: it holds neither the headers nor the body, where the token is. ./b24 rejections tells why the request was rejected, and WEBHOOK_CAPTURE_UNTIL shows the whole request",
    ),
    "PASTED_ANSWER": Sentence(
        "Это ответ шлюза, а не запрос. Что пришло и почему отказано, покажут ./b24 rejections или ./b24 events show ID (request_id из ответа)",
        "This is the gateway's answer, not a request. ./b24 rejections shows what came and why it was rejected, and so does ./b24 events show ID (the answer's request_id)",
    ),
    "PASTED_OTHER_ANSWER": Sentence(
        "Это ответ прокси или веб-сервера, а не запрос и не ответ шлюза. Дошёл ли запрос до шлюза и что в нём было, покажут ./b24 rejections и ./b24 events; если его там нет, проверьте, куда прокси его передаёт",
        "This is an answer from a proxy or a web server, neither a request nor the gateway's answer. ./b24 rejections and ./b24 events show whether the request reached the gateway and what was in it; if it is not there, check where the proxy sends it",
    ),
    "PASTED_LOG_LINE": Sentence(
        "Это строка журнала шлюза, но не об отказе: запроса в ней нет. Список запросов покажут ./b24 events и ./b24 rejections, один запрос целиком — ./b24 events show ID",
        "This is a line of the gateway's log, but not about a rejection: there is no request in it. ./b24 events and ./b24 rejections list the requests; to see one in full: ./b24 events show ID",
    ),
    "PASTED_CUT_LINE": Sentence(
        "Это только начало строки журнала шлюза: конец, в котором указаны коды, обрезан (так делает systemctl status). Скопируйте строку целиком: journalctl -u bitrix24-gateway --no-pager; или посмотрите ./b24 rejections",
        "This is only the beginning of a line of the gateway's log: its end, which holds the codes, was cut off, as systemctl status does. Copy the whole line: journalctl -u bitrix24-gateway --no-pager; or see ./b24 rejections",
    ),
    "PASTED_INCOMING": Sentence(
        "Это адрес ВХОДЯЩЕГО вебхука: по нему обращаются к порталу, а к шлюзу с ним не приходят. В нём секрет, впишите его только в BITRIX24_WEBHOOK_TOKEN. Адрес шлюза для исходящего вебхука: https://ВАШ-АДРЕС/api/bitrix/webhook",
        "This is an INCOMING webhook's address: it is for requests to the portal, and nothing comes to the gateway by it. It holds a secret, so put it only into BITRIX24_WEBHOOK_TOKEN. The gateway's address for an outgoing webhook: https://YOUR-ADDRESS/api/bitrix/webhook",
    ),
    "PASTED_SETTINGS": Sentence(
        "Это файл настроек (.env), а не запрос. Проверить его: ./b24 doctor --env ФАЙЛ",
        "This is a file of settings (.env), not a request. To check it: ./b24 doctor --env FILE",
    ),
    "PASTED_OWN_OUTPUT": Sentence(
        "Это вывод команды шлюза (events, rejections, dead-letters, links, doctor) или сообщение очереди, а не запрос: токена в нём нет. Запрос целиком и причина отказа: ./b24 events show ID; проверить его с нынешними настройками: ./b24 events show ID --json | ./b24 explain",
        "This is the output of a gateway command (events, rejections, dead-letters, links, doctor), or a message from the queue, not a request: it holds no token. To see a request in full, and why it was rejected: ./b24 events show ID; to check it against the current settings: ./b24 events show ID --json | ./b24 explain",
    ),
    "PASTED_ENVIRONMENT": Sentence(
        "Это окружение Postman (переменные), а не запрос. Откройте запрос, нажмите Code (</>) → cURL и вставьте это",
        "This is a Postman environment (variables), not a request. Open the request, choose Code (</>) → cURL and paste that",
    ),
    "PASTED_NO_REQUEST_IN": Sentence(
        "Это файл {kind}, но запросов в нём нет. Сохраните его заново, когда запрос уже виден в списке",
        "This is a {kind} file, but there is no request in it. Save it again once the list shows the request",
    ),
    "PASTED_BASE64": Sentence(
        "Тело в этом файле помечено как base64, но это не base64. Скопируйте файл целиком",
        "The body in this file is marked as base64, but is not base64. Copy the whole file",
    ),
    "OLD_BOT_LINE": Sentence(
        "Это строка старого бота. «Получен: None» значит, что он искал токен в заголовке, параметрах адреса и полях верхнего уровня, а Битрикс24 кладёт его в тело формы: auth[application_token]. Токен, скорее всего, пришёл. Шлюз ищет его и там. Чтобы увидеть сам запрос, вставьте строки журнала выше этой («Тело запроса …») или отправьте событие шлюзу: ./b24 trigger ONUSERADD",
        "This is the old bot's line. “Получен: None” means that it looked for the token in a header, the query and the top-level fields, while Bitrix24 puts it into the form body: auth[application_token]. The token most likely did come. The gateway looks there too. To see the request itself, paste the log lines above this one (“Тело запроса …”) or send the gateway an event: ./b24 trigger ONUSERADD",
    ),
    "OLD_BOT_LINE_WRONG": Sentence(
        "Это строка старого бота. «Получен: …» с началом токена значит, что токен пришёл, но не тот, который настроен: другой вебхук портала, или токен сменился. Сверьте «Токен приложения» исходящего вебхука с BITRIX24_OUTGOING_WEBHOOK_TOKEN, затем отправьте событие шлюзу: ./b24 trigger ONUSERADD",
        "This is the old bot's line. “Получен: …” with the beginning of a token means that a token came, but not the configured one: it belongs to another webhook of the portal, or the token has changed. Compare “Application token” of the outgoing webhook with BITRIX24_OUTGOING_WEBHOOK_TOKEN, then send the gateway an event: ./b24 trigger ONUSERADD",
    ),
    "READ_AS": Sentence("Прочитано как: {kind}", "Read as: {kind}"),
    "READ_AS_address": Sentence(
        "адрес; проверено, что будет с событием без токена, если его туда отправить",
        "an address; checked as if an event without a token had been sent to it",
    ),
    "READ_AS_token": Sentence(
        "один токен; проверен так, будто событие пришло с ним в auth[application_token]",
        "a token; checked as if an event had come with it in auth[application_token]",
    ),
    "READ_AS_curl": Sentence("команда curl", "a curl command"),
    "READ_AS_raw_request": Sentence("HTTP-запрос", "an HTTP request"),
    "READ_AS_record": Sentence("запись журнала шлюза", "a record of the gateway's log"),
    "READ_AS_log_line": Sentence("строка журнала шлюза", "a line of the gateway's log"),
    "READ_AS_tcpdump": Sentence("вывод tcpdump", "tcpdump output"),
    "READ_AS_tcp_stream": Sentence(
        "поток TCP: запрос и то, что вокруг", "a TCP stream: a request, and what surrounds it"
    ),
    "READ_AS_old_bot_log": Sentence("журнал старого бота", "the old bot's log"),
    "READ_AS_old_bot_line": Sentence("строка старого бота", "a line from the old bot"),
    "READ_AS_headers_and_body": Sentence("заголовки и тело", "headers and a body"),
    "READ_AS_form_on_lines": Sentence(
        "тело формы, поля на отдельных строках", "a form body, one field per line"
    ),
    "READ_AS_form_names": Sentence(
        "имена и значения формы в распечатке программы", "a form's names and values in a program's printout"
    ),
    "READ_AS_form_in_text": Sentence("тело формы внутри другого текста", "a form body inside other text"),
    "READ_AS_function_event": Sentence("событие облачной функции", "a cloud function's event"),
    "READ_AS_recorded_request": Sentence("запрос, записанный в JSON", "a request recorded as JSON"),
    "READ_AS_print_r": Sentence("вывод print_r из PHP", "PHP print_r output"),
    "READ_AS_var_export": Sentence("вывод var_export из PHP", "PHP var_export output"),
    "READ_AS_var_dump": Sentence("вывод var_dump из PHP", "PHP var_dump output"),
    "READ_AS_php_array": Sentence("массив PHP", "a PHP array"),
    "READ_AS_multidict": Sentence(
        "распечатка формы из Python (MultiDict)", "a form printed by Python (MultiDict)"
    ),
    "READ_AS_serialize": Sentence("вывод serialize из PHP", "PHP serialize output"),
    "READ_AS_ruby": Sentence("распечатка хеша Ruby", "a printed Ruby hash"),
    "READ_AS_perl": Sentence("вывод Data::Dumper из Perl", "Perl Data::Dumper output"),
    "READ_AS_elixir": Sentence("распечатка карты Elixir", "a printed Elixir map"),
    "READ_AS_r": Sentence("распечатка списка R", "a printed R list"),
    "READ_AS_go": Sentence("распечатка из Go", "Go fmt output"),
    "READ_AS_java": Sentence("распечатка объекта Java или Kotlin", "a printed Java or Kotlin object"),
    "READ_AS_groovy": Sentence("распечатка карты Groovy", "a printed Groovy map"),
    "READ_AS_scala": Sentence("распечатка Map из Scala", "a printed Scala Map"),
    "READ_AS_csharp": Sentence("распечатка объекта .NET", "a printed .NET object"),
    "READ_AS_powershell": Sentence("распечатка объекта PowerShell", "a printed PowerShell object"),
    "READ_AS_swift": Sentence("распечатка словаря Swift", "a printed Swift dictionary"),
    "READ_AS_dart": Sentence("распечатка Map из Dart", "a printed Dart Map"),
    "READ_AS_rust": Sentence("вывод Debug из Rust", "Rust Debug output"),
    "READ_AS_entries": Sentence("распечатка словаря .NET", "a printed .NET dictionary"),
    "READ_AS_erlang": Sentence("распечатка из Erlang", "a printed Erlang term"),
    "READ_AS_clojure": Sentence("распечатка карты Clojure", "a printed Clojure map"),
    "READ_AS_json_in_text": Sentence("JSON внутри другого текста", "JSON inside other text"),
    "READ_AS_logged": Sentence("событие в журнале другой программы", "an event inside another program's log"),
    "READ_AS_jmeter": Sentence("запрос из JMeter", "a JMeter request"),
    "READ_AS_http_client": Sentence("вывод http.client из Python", "Python http.client output"),
    "READ_AS_bruno": Sentence("Bruno", "Bruno"),
    "READ_AS_curl_trace": Sentence("вывод curl --trace-ascii", "curl --trace-ascii output"),
    "READ_AS_audit_log": Sentence("журнал аудита ModSecurity", "a ModSecurity audit log"),
    "READ_AS_base64": Sentence(
        "тело в base64, здесь раскодировано; шлюзу оно должно приходить уже раскодированным",
        "a body in base64, decoded here; it has to reach the gateway decoded",
    ),
    "READ_AS_hex_dump": Sentence("шестнадцатеричный дамп", "a hex dump"),
    "READ_AS_insomnia": Sentence("Insomnia", "Insomnia"),
    "READ_AS_node-red": Sentence("сообщение Node-RED", "a Node-RED message"),
    "READ_AS_python": Sentence("распечатка словаря Python", "a printed Python dict"),
    "READ_AS_console.log": Sentence("вывод console.log", "console.log output"),
    "READ_AS_body": Sentence("тело запроса", "a request body"),
    "READ_AS_har": Sentence("HAR", "HAR"),
    "READ_AS_postman": Sentence("Postman", "Postman"),
    "READ_AS_webhook.site": Sentence("webhook.site", "webhook.site"),
    "READ_AS_ngrok": Sentence("ngrok", "ngrok"),
    "READ_AS_n8n": Sentence("n8n", "n8n"),
    "PASTED_NO_FILE": Sentence(
        "Не удаётся прочитать {file}: {problem}. Проверьте имя файла; сам запрос вставьте после ./b24 explain и нажмите Ctrl-D",
        "{file} can't be read: {problem}. Check the file name; to paste the request itself, run ./b24 explain, paste it, and press Ctrl-D",
    ),
    "PASTED_EMPTY_FILE": Sentence(
        "Файл {file} пуст. Сохраните в него запрос, команду curl или запись журнала целиком",
        "{file} is empty. Save a whole request, a curl command or a log record in it",
    ),
    "PASTE_NOW": Sentence(
        "Вставьте запрос, команду curl или запись журнала и завершите ввод (Ctrl-D; в Windows Ctrl-Z и Enter)",
        "Paste a request, a curl command or a log record and end the input (Ctrl-D; on Windows Ctrl-Z and Enter)",
    ),
    "EXPLAIN_PASSES": Sentence(
        "✅ Запрос проходит: {answer}. Токен найден в {place}",
        "✅ The request passes: {answer}. The token was found in {place}",
    ),
    "EXPLAIN_HEALTH": Sentence(
        "✅ Это только проверка, что сервер работает ({answer}): события приходят методом POST",
        "✅ This is only a health check ({answer}): events come only by POST",
    ),
    "EXPLAIN_REFUSED": Sentence(
        "❌ Запрос не проходит: {answer}. Что делать:", "❌ The request does not pass: {answer}. What to do:"
    ),
    "EXPLAIN_RECORDED": Sentence(
        "❌ По записи журнала запрос не прошёл: {answer}. Что делать:",
        "❌ According to the log record, the request did not pass: {answer}. What to do:",
    ),
    "EXPLAIN_GUIDE": Sentence("Подробнее: {section}", "More about it: {section}"),
    "EXPLAIN_ACCEPTED": Sentence(
        "Принимаемых токенов: {count} (отпечатки: {prints})",
        "Accepted tokens: {count} (fingerprints: {prints})",
    ),
    "EXPLAIN_UNREAD": Sentence("не читалось", "not read"),
    "EXPLAIN_PLACES": Sentence(
        "Где искали токен, по порядку (тело: {decoded_as})",
        "Where the token was looked for, in order (body: {decoded_as})",
    ),
    "EXPLAIN_PLACE": Sentence("место", "place"),
    "EXPLAIN_STATE": Sentence("что там", "what is there"),
    "EXPLAIN_LENGTH": Sentence("байт", "bytes"),
    "EXPLAIN_FINGERPRINT": Sentence("отпечаток", "fingerprint"),
    "STATE_MATCH": Sentence("верный токен", "the right token"),
    "STATE_MISMATCH": Sentence("другое значение", "another value"),
    "STATE_MALFORMED": Sentence("повтор или не текст", "repeated, or not text"),
    "STATE_BLANK": Sentence("пусто", "blank"),
    "STATE_ABSENT": Sentence("нет", "absent"),
    "REJECTIONS_NONE": Sentence(
        "Отказов за это время не было. За больший срок: --since 7d",
        "Nothing was rejected in that time. To look further back: --since 7d",
    ),
    # `doctor`: what it saw, and (`_DO`) what to do.
    "DOCTOR_LABEL_settings": Sentence("настройки", "settings"),
    "DOCTOR_LABEL_token": Sentence("токен", "token"),
    "DOCTOR_LABEL_queue": Sentence("очередь", "queue"),
    "DOCTOR_LABEL_store": Sentence("хранилище связей", "store"),
    "DOCTOR_LABEL_dead letters": Sentence("недоставленное", "dead letters"),
    "DOCTOR_LABEL_destinations": Sentence("получатели", "destinations"),
    "DOCTOR_LABEL_portal": Sentence("портал", "portal"),
    "DOCTOR_LABEL_incoming webhook": Sentence("входящий вебхук", "incoming webhook"),
    "DOCTOR_LABEL_telegram field": Sentence("поле Telegram", "Telegram field"),
    "DOCTOR_LABEL_last delivery": Sentence("последнее событие", "last delivery"),
    "DOCTOR_LABEL_address": Sentence("адрес", "address"),
    "DOCTOR_LABEL_public address": Sentence("публичный адрес", "public address"),
    "DOCTOR_LABEL_name": Sentence("имя", "name"),
    "DOCTOR_LABEL_certificate": Sentence("сертификат", "certificate"),
    "DOCTOR_LABEL_connection": Sentence("соединение", "connection"),
    "DOCTOR_LABEL_redirects": Sentence("перенаправления", "redirects"),
    "DOCTOR_LABEL_path": Sentence("путь", "path"),
    "DOCTOR_LABEL_health": Sentence("состояние", "health"),
    "DOCTOR_LABEL_inspector": Sentence("инспектор", "inspector"),
    "DOCTOR_LABEL_large body": Sentence("большое тело", "large body"),
    "DOCTOR_LABEL_places": Sentence("места токена", "places"),
    "DOCTOR_LABEL_files": Sentence("файлы", "files"),
    "DOCTOR_SUMMARY": Sentence(
        "Не в порядке: {count}. Начните с первого, {first}: {do}",
        "Problems: {count}. Start with the first, {first}: {do}",
    ),
    "DOCTOR_SUMMARY_OK": Sentence(
        "Всё, что проверено, в порядке. Отправить событие: ./b24 trigger ONUSERADD",
        "Every check that ran passed. To send an event: ./b24 trigger ONUSERADD",
    ),
    "DOCTOR_OTHERS": Sentence(
        "случайный токен не принят нигде (проверено мест: {count})",
        "a random token is accepted nowhere (places tried: {count})",
    ),
    "DOCTOR_DEAD_LETTERS": Sentence("недоставленных сообщений: {count}", "dead letters: {count}"),
    "DOCTOR_DEAD_LETTERS_DO": Sentence(
        "Посмотрите их: ./b24 dead-letters; вернуть в очередь: ./b24 replay",
        "Look at them: ./b24 dead-letters; put them back on the queue: ./b24 replay",
    ),
    "DOCTOR_DESTINATION_FAILS": Sentence(
        "{address} не принимает события; ждут повтора: {count}, последняя ошибка: {reason}",
        "{address} does not accept events; waiting for another attempt: {count}; last error: {reason}",
    ),
    "DOCTOR_DESTINATION_FAILS_DO": Sentence(
        "Проверьте, что получатель отвечает 2xx за 15 с; шлюз повторит сам в течение суток. Что стало с событием: ./b24 events show ID",
        "Check that it answers 2xx within 15 s; the gateway keeps trying by itself for a day. To see what came of an event: ./b24 events show ID",
    ),
    "DOCTOR_DESTINATIONS": Sentence(
        "отказов нет (получателей: {count})", "none is failing (destinations: {count})"
    ),
    "DOCTOR_EVENT_LIKE": Sentence(
        "события {event} нет среди известных; может быть, {like}",
        "{event} is not among the known events; perhaps {like}",
    ),
    "DOCTOR_EVENT_LIKE_DO": Sentence(
        "Исправьте имя события в FORWARD_TO и перезапустите шлюз",
        "Correct the event's name in FORWARD_TO, and restart the gateway",
    ),
    "DOCTOR_OTHER_PORTAL": Sentence(
        "события приходят с {theirs}, а BITRIX24_DOMAIN — {mine}",
        "events come from {theirs}, but BITRIX24_DOMAIN is {mine}",
    ),
    "DOCTOR_OTHER_PORTAL_DO": Sentence(
        "Если портал переименовали, поправьте BITRIX24_DOMAIN; если порталов два, закрепите токены: ПОРТАЛ=ТОКЕН",
        "If the portal was renamed, correct BITRIX24_DOMAIN; if there are two portals, bind the tokens: PORTAL=TOKEN",
    ),
    "DOCTOR_NO_DEAD_LETTERS": Sentence("нет", "none"),
    "DOCTOR_POST_TO_GET": Sentence(
        "POST на {path} дошёл до шлюза как GET", "the POST to {path} reached the gateway as a GET"
    ),
    "DOCTOR_POST_TO_GET_DO": Sentence(
        "Уберите в прокси то, что меняет метод (перенаправление внутри прокси, proxy_method)",
        "Remove what changes the method in the proxy (an internal redirect, proxy_method)",
    ),
    "DOCTOR_BASIC": Sentence(
        "перед шлюзом стоит вход по паролю (basic auth)",
        "something in front of the gateway asks for a password (basic auth)",
    ),
    "DOCTOR_BASIC_DO": Sentence(
        "Снимите пароль с пути вебхука: Битрикс24 его не знает, а шлюз проверяет токен сам",
        "Remove the password from the webhook's path: Bitrix24 does not know it, and the gateway verifies the token itself",
    ),
    "DOCTOR_BRACKETS": Sentence(
        "без скобок в теле запрос проходит, со скобками нет ({answer}): его режет фильтр (WAF)",
        "a body without brackets passes, one with brackets does not ({answer}): a filter (WAF) blocks it",
    ),
    "DOCTOR_BRACKETS_DO": Sentence(
        "Исключите путь вебхука из правил фильтра: события Битрикс24 полны скобок",
        "Exempt the webhook's path from the filter's rules: Bitrix24's events are full of brackets",
    ),
    "DOCTOR_PATH_CHANGED": Sentence(
        "адрес верный ({path}), но до шлюза доходит другой путь",
        "the address is right ({path}), but another path reaches the gateway",
    ),
    "DOCTOR_PATH_CHANGED_DO": Sentence(
        "Прокси должен передавать путь без изменений; в nginx: proxy_pass без пути и косой черты в конце",
        "Make the proxy pass the path on unchanged; in nginx: proxy_pass without a path or a trailing slash",
    ),
    "DOCTOR_CACHED": Sentence(
        "ответ пришёл из кэша, а не от шлюза", "the answer came from a cache, not from the gateway"
    ),
    "DOCTOR_CACHED_DO": Sentence(
        "Выключите кэш для этого адреса: кэш отвечает и тогда, когда шлюз не работает",
        "Turn off caching for this address: a cache answers even when the gateway is down",
    ),
    "DOCTOR_INSPECTOR_OPEN": Sentence(
        "/inspector открыт снаружи без ключа и пароля",
        "/inspector is open from outside, without a key or a password",
    ),
    "DOCTOR_INSPECTOR_OPEN_DO": Sentence(
        "Закройте /inspector в прокси или задайте INSPECTOR_PASSWORD (12 знаков и больше)",
        "Close /inspector in the proxy, or set INSPECTOR_PASSWORD (12 characters or more)",
    ),
    "DOCTOR_INSPECTOR_CLOSED": Sentence("снаружи закрыт", "closed to outsiders"),
    "DOCTOR_LARGE_BODY": Sentence("тело в {size} КБ доходит", "a body of {size} KB gets through"),
    "DOCTOR_BODY_LIMITED": Sentence(
        "тело в {size} КБ прокси не пропускает ({answer})",
        "a proxy does not let a body of {size} KB through ({answer})",
    ),
    "DOCTOR_BODY_LIMITED_DO": Sentence(
        "Поднимите предел прокси до 1 МБ; в nginx: client_max_body_size 1m",
        "Raise the proxy's limit to 1 MB; in nginx: client_max_body_size 1m",
    ),
    "DOCTOR_BODY_LOST": Sentence(
        "тело в {size} КБ до шлюза не дошло ({answer})",
        "a body of {size} KB did not reach the gateway ({answer})",
    ),
    "DOCTOR_BODY_LOST_DO": Sentence(
        "Проверьте пределы и тайм-ауты прокси перед шлюзом",
        "Check the limits and timeouts of the proxy in front of the gateway",
    ),
    "DOCTOR_OTHER_DIRECTORY": Sentence(
        "адрес принимает события, а файла очереди здесь нет ({path}): сервер работает в другом каталоге или на другой машине",
        "the address accepts events, but the queue's file is not here ({path}): the server runs in another directory or on another machine",
    ),
    "DOCTOR_OTHER_DIRECTORY_DO": Sentence(
        "Запустите doctor в каталоге сервера, или задайте QUEUE_URL, DATABASE_URL и JOURNAL_URL полными путями",
        "Run doctor in the server's directory, or set QUEUE_URL, DATABASE_URL and JOURNAL_URL to absolute paths",
    ),
    "DOCTOR_AGAIN": Sentence("Исправьте это и запустите doctor ещё раз", "Fix this and run doctor again"),
    "DOCTOR_URL": Sentence(
        "--url: нужен адрес вида https://hooks.example.com, без имени и пароля",
        "--url: expected an address such as https://hooks.example.com, without user and password",
    ),
    "DOCTOR_ENV": Sentence(
        "--env: файл {file} не читается. Проверьте его имя",
        "--env: the file {file} can't be read. Check its name",
    ),
    "DOCTOR_UNREADABLE_DO": Sentence(
        "Запустите doctor от имени пользователя {owner} или дайте права на чтение файла {name}",
        "Run doctor as {owner}, or give your user permission to read {name}",
    ),
    "DOCTOR_SETTING_DO": Sentence(
        "Исправьте {name}: с таким значением шлюз не запустится",
        "Correct {name}: the gateway will not start with this value",
    ),
    "DOCTOR_SETTINGS": Sentence(
        "прочитаны; очередь {queue}, портал {portal}", "read; queue {queue}, portal {portal}"
    ),
    "DOCTOR_SETTINGS_NO_PORTAL": Sentence(
        "прочитаны; очередь {queue}, портал не задан", "read; queue {queue}, no portal set"
    ),
    "DOCTOR_TOKEN": Sentence(
        "принимаемых токенов: {count} (отпечатки: {prints})",
        "accepted tokens: {count} (fingerprints: {prints})",
    ),
    "DOCTOR_PUBSUB": Sentence("тема есть: {url}", "the topic exists: {url}"),
    "DOCTOR_QUEUE": Sentence(
        "{path}: событий в очереди {depth}, самое старое ждёт {age} с",
        "{path}: events waiting: {depth}, the oldest for {age} s",
    ),
    "DOCTOR_QUEUE_EMPTY": Sentence("{path}: ничего не ждёт", "{path}: nothing is waiting"),
    "DOCTOR_QUEUE_LATE": Sentence(
        "{path}: событий в очереди {depth}, самое старое ждёт {age} с",
        "{path}: events waiting: {depth}, the oldest for {age} s",
    ),
    "DOCTOR_QUEUE_LATE_DO": Sentence(
        "Их никто не разбирает: запустите ./b24 serve и посмотрите его журнал",
        "Nothing is processing them: run ./b24 serve and look at its log",
    ),
    "DOCTOR_FILE_LATER": Sentence(
        "{path} ещё нет; его создаст первый запуск", "{path} does not exist yet; the first start creates it"
    ),
    "DOCTOR_FILE_NEVER": Sentence(
        "{path} создать нельзя: нет прав на запись в {parent}",
        "{path} can't be created: {parent} is not writable",
    ),
    "DOCTOR_FILE_NEVER_DO": Sentence(
        "Дайте права на {parent} или задайте другой путь", "Give write access to {parent} or set another path"
    ),
    "DOCTOR_STORE": Sentence("отвечает ({kind})", "answers ({kind})"),
    "DOCTOR_NO_REST": Sentence(
        "входящий вебхук не задан (BITRIX24_DOMAIN, BITRIX24_WEBHOOK_TOKEN)",
        "no incoming webhook is set (BITRIX24_DOMAIN, BITRIX24_WEBHOOK_TOKEN)",
    ),
    "DOCTOR_NO_REST_DO": Sentence(
        "Задайте его, если шлюз должен читать пользователей: поле Telegram в событиях не приходит",
        "Set it if the gateway is to read users: events do not carry the Telegram field",
    ),
    "DOCTOR_SCOPES": Sentence("{portal} отвечает; права: {scopes}", "{portal} answers; scopes: {scopes}"),
    "DOCTOR_SCOPES_MISSING": Sentence(
        "{portal} отвечает, но прав не хватает; у вебхука есть только: {scopes}",
        "{portal} answers, but scopes are missing; the webhook has only: {scopes}",
    ),
    "DOCTOR_SCOPES_MISSING_DO": Sentence(
        "Отметьте во входящем вебхуке право user (или user_basic и user.userfield)",
        "Tick the scope user in the incoming webhook (or user_basic and user.userfield)",
    ),
    "DOCTOR_FIELD": Sentence("поле {field} есть", "the field {field} exists"),
    "DOCTOR_FIELD_MISSING": Sentence(
        "у пользователей нет поля {field}; есть: {others}", "users have no field {field}; they have: {others}"
    ),
    "DOCTOR_FIELD_MISSING_DO": Sentence(
        "Создайте это поле (./b24 field create) или впишите имя имеющегося в BITRIX24_TELEGRAM_FIELD_NAME",
        "Create this field (./b24 field create), or put the name of an existing one into BITRIX24_TELEGRAM_FIELD_NAME",
    ),
    "DOCTOR_CLOUD_LOG": Sentence(
        "события идут через Pub/Sub, журнала на этой машине нет",
        "events go through Pub/Sub; there is no journal on this machine",
    ),
    "DOCTOR_DELIVERY": Sentence(
        "последнее проверенное событие: {event}, {at}", "the last verified event: {event}, {at}"
    ),
    "DOCTOR_NO_DELIVERY": Sentence("проверенных событий ещё не было", "no verified event has come yet"),
    "DOCTOR_NO_DELIVERY_DO": Sentence(
        "Измените что-нибудь в Битрикс24; если событие не придёт: ./b24 rejections",
        "Change something in Bitrix24; if no event comes: ./b24 rejections",
    ),
    "DOCTOR_NO_ADDRESS": Sentence(
        "публичный адрес не задан (WEBHOOK_URL)", "no public address is set (WEBHOOK_URL)"
    ),
    "DOCTOR_NO_ADDRESS_DO": Sentence(
        "Задайте WEBHOOK_URL, чтобы проверить и его, или выполните ./b24 doctor --url https://ВАШ-АДРЕС",
        "Set WEBHOOK_URL to check it too, or run ./b24 doctor --url https://YOUR-ADDRESS",
    ),
    "DOCTOR_LOOPBACK": Sentence(
        "{address} доступен только с этой машины", "{address} can be reached only from this machine"
    ),
    "DOCTOR_LOOPBACK_DO": Sentence(
        "Битрикс24 нужен публичный адрес https://: откройте туннель или настройте домен",
        "Bitrix24 needs a public https:// address: open a tunnel or set up a domain",
    ),
    "DOCTOR_PLAIN_HTTP": Sentence("{address}: без HTTPS", "{address}: no HTTPS"),
    "DOCTOR_PLAIN_HTTP_DO": Sentence(
        "Битрикс24 нужен HTTPS с действительным сертификатом: впишите адрес https://",
        "Bitrix24 needs HTTPS with a valid certificate: give an https:// address",
    ),
    "DOCTOR_NO_DOT": Sentence("в имени {host} нет точки", "the host {host} has no dot"),
    "DOCTOR_NO_DOT_DO": Sentence(
        "Битрикс24 нужно полное имя, вида hooks.example.com",
        "Bitrix24 needs a full name such as hooks.example.com",
    ),
    "DOCTOR_TOO_LONG": Sentence("длина адреса в знаках: {length}", "the address is {length} characters long"),
    "DOCTOR_TOO_LONG_DO": Sentence(
        "Битрикс24 принимает адреса не длиннее {limit} знаков вместе с параметрами: сократите его",
        "Bitrix24 accepts at most {limit} characters, including the query: shorten it",
    ),
    "DOCTOR_PUBLIC": Sentence("{address} подходит для Битрикс24", "{address} is suitable for Bitrix24"),
    "DOCTOR_PUBLIC_DO": Sentence(
        "Вставьте его в исходящий вебхук. В демо-режиме портала исходящие вебхуки не работают",
        "Paste it into the outgoing webhook. Outgoing webhooks do not work while the portal is in demo mode",
    ),
    "DOCTOR_NAME": Sentence("{host} → {addresses}", "{host} → {addresses}"),
    "DOCTOR_NO_NAME": Sentence("имя {host} не находится", "the name {host} was not found"),
    "DOCTOR_NO_NAME_DO": Sentence("Проверьте имя и запись DNS", "Check the name and its DNS record"),
    "DOCTOR_NO_TLS": Sentence("{address}: без HTTPS", "{address}: no HTTPS"),
    "DOCTOR_NO_TLS_DO": Sentence(
        "Битрикс24 принимает адрес обработчика только с https://: поставьте перед шлюзом TLS (Caddy, nginx) или туннель",
        "Bitrix24 accepts only https:// handler addresses: put TLS (Caddy, nginx) or a tunnel in front of the gateway",
    ),
    "DOCTOR_BAD_CERTIFICATE": Sentence("{problem}", "{problem}"),
    "DOCTOR_BAD_CERTIFICATE_DO": Sentence(
        "Битрикс24 его тоже не примет: выпустите сертификат для этого имени, с полной цепочкой",
        "Bitrix24 will not accept it either: get a certificate for this name, with the full chain",
    ),
    "DOCTOR_NO_CONNECTION": Sentence(
        "{address} не отвечает: {problem}", "{address} does not answer: {problem}"
    ),
    "DOCTOR_NO_CONNECTION_DO": Sentence(
        "Проверьте, что сервер запущен и порт открыт", "Check that the server is running and its port is open"
    ),
    "DOCTOR_CERTIFICATE": Sentence("действителен ещё {days} дн.", "valid; days left: {days}"),
    "DOCTOR_CERTIFICATE_ENDS": Sentence("действителен ещё {days} дн.", "valid; days left: {days}"),
    "DOCTOR_CERTIFICATE_ENDS_DO": Sentence("Скоро истечёт: продлите его", "It expires soon: renew it"),
    "DOCTOR_NO_REDIRECT": Sentence("перенаправлений нет", "none"),
    "DOCTOR_REDIRECT": Sentence("ответ {status} перенаправляет на {to}", "answer {status} redirects to {to}"),
    "DOCTOR_REDIRECT_DO": Sentence(
        "Перенаправление превращает POST в GET и теряет тело с токеном: укажите в Битрикс24 конечный адрес",
        "A redirect turns the POST into a GET and drops the body with the token: give Bitrix24 the final address",
    ),
    "DOCTOR_PATH": Sentence("шлюз отвечает по пути {path}", "the gateway listens on {path}"),
    "DOCTOR_PATH_WRONG": Sentence("шлюз не отвечает по пути {path}", "the gateway does not listen on {path}"),
    "DOCTOR_PATH_WRONG_DO": Sentence("Укажите путь {right}", "Use the path {right}"),
    "DOCTOR_THERE_NO_TOKEN": Sentence(
        "на этом сервере токен не настроен", "no token is configured on that server"
    ),
    "DOCTOR_THERE_NO_TOKEN_DO": Sentence(
        "Задайте там BITRIX24_OUTGOING_WEBHOOK_TOKEN и перезапустите",
        "Set BITRIX24_OUTGOING_WEBHOOK_TOKEN there and restart it",
    ),
    "DOCTOR_CLOSED": Sentence(
        "403 ещё до шлюза: доступ закрыт", "something in front of the gateway answers 403: access is denied"
    ),
    "DOCTOR_CLOSED_DO": Sentence(
        "Откройте адрес для всех: в Cloud Run разрешите вызовы без аутентификации (./deploy.sh deploy), в прокси снимите правило",
        "Open the address to everybody: in Cloud Run allow unauthenticated calls (./deploy.sh deploy), in a proxy remove the rule",
    ),
    "DOCTOR_STRANGE": Sentence("неожиданный ответ: {answer}", "an unexpected answer: {answer}"),
    "DOCTOR_STRANGE_DO": Sentence(
        "Проверьте, что сервер запущен и по этому адресу отвечает шлюз, а не прокси или другая программа",
        "Check that the server is running, and that the gateway answers at this address, not a proxy or another program",
    ),
    "DOCTOR_HEALTH": Sentence(
        "сервер работает, токен настроен, очередь {queue}", "up, a token is configured, queue {queue}"
    ),
    "DOCTOR_UNHEALTHY": Sentence(
        "GET отвечает не так, как шлюз: {answer}", "GET does not answer as the gateway does: {answer}"
    ),
    "DOCTOR_UNHEALTHY_DO": Sentence(
        "Проверьте, что сервер запущен и по этому адресу отвечает шлюз",
        "Check that the server is running and that the gateway answers at this address",
    ),
    "DOCTOR_WRONG_REFUSED": Sentence("случайный токен отклонён", "a random token is rejected"),
    "DOCTOR_WRONG_DROPPED": Sentence(
        "случайный токен до шлюза не дошёл ({answer}); Битрикс24 это место не использует",
        "a random token did not reach the gateway ({answer}); Bitrix24 does not use this place",
    ),
    "DOCTOR_WRONG_ACCEPTED": Sentence(
        "случайный токен ПРИНЯТ ({answer})", "a random token is ACCEPTED ({answer})"
    ),
    "DOCTOR_WRONG_ACCEPTED_DO": Sentence(
        "Там не этот шлюз, или проверка токена отключена: не давайте этот адрес Битрикс24, пока не исправите",
        "That is not this gateway, or it does not verify tokens: do not give this address to Bitrix24 until that is fixed",
    ),
    "DOCTOR_ANSWERS_DIFFER": Sentence(
        "ответы на неверные токены различаются", "the answers to wrong tokens differ"
    ),
    "DOCTOR_ANSWERS_DIFFER_DO": Sentence(
        "Ответ не должен подсказывать, где ищут токен: обновите шлюз на том сервере",
        "An answer must not hint at where the token is looked for: update the gateway on that server",
    ),
    "DOCTOR_NO_TOKEN_HERE": Sentence(
        "здесь токен не настроен: послать нечего", "no token is configured here: nothing to send"
    ),
    "DOCTOR_NO_TOKEN_HERE_DO": Sentence(
        "Задайте BITRIX24_OUTGOING_WEBHOOK_TOKEN", "Set BITRIX24_OUTGOING_WEBHOOK_TOKEN"
    ),
    "DOCTOR_TOKEN_IN_CLEAR": Sentence(
        "токен не послан: без HTTPS его увидит любой",
        "the token was not sent: without HTTPS anybody can see it",
    ),
    "DOCTOR_TOKEN_IN_CLEAR_DO": Sentence("Проверьте адрес https://", "Check the https:// address"),
    "DOCTOR_STRANGER": Sentence(
        "токен не послан: {host} — не адрес из WEBHOOK_URL",
        "the token was not sent: {host} is not the host in WEBHOOK_URL",
    ),
    "DOCTOR_STRANGER_DO": Sentence(
        "Если адрес ваш, впишите его в WEBHOOK_URL или добавьте --send-token",
        "If the address is yours, set it as WEBHOOK_URL or add --send-token",
    ),
    "DOCTOR_RIGHT_QUEUED": Sentence(
        "токен {print} принят, пробное событие в очереди",
        "the token {print} is accepted, a probe event is queued",
    ),
    "DOCTOR_RIGHT_MISMATCH": Sentence(
        "тот сервер не принимает токен {print} ({answer})", "that server rejects the token {print} ({answer})"
    ),
    "DOCTOR_RIGHT_MISMATCH_DO": Sentence(
        "Там настроен другой токен: задайте тот же и перезапустите сервер",
        "Another token is configured there: set the same one and restart the server",
    ),
    "DOCTOR_RIGHT_LOST": Sentence(
        "токен {print} не дошёл: тело потеряно по дороге ({answer})",
        "the token {print} did not arrive: the body was lost on the way ({answer})",
    ),
    "DOCTOR_RIGHT_LOST_DO": Sentence(
        "Проверьте прокси перед шлюзом: он должен передавать тело POST без изменений",
        "Check the proxy in front of the gateway: it must pass a POST's body on unchanged",
    ),
    "DOCTOR_RIGHT_QUEUE": Sentence(
        "токен {print} верный, но очередь не ответила ({answer})",
        "the token {print} is right, but the queue did not answer ({answer})",
    ),
    "DOCTOR_RIGHT_QUEUE_DO": Sentence(
        "Посмотрите журнал сервера: там сказано, что с очередью",
        "Look at the server log: it says what is wrong with the queue",
    ),
    # `make emulators`.
    "EMULATORS_READY": Sentence(
        "Эмуляторы и функции работают. Адрес вебхука: {address}\n"
        "Сверка с порталом: curl -X POST {resync}\n"
        "Для инструментов в другом терминале: set -a; . {file}; set +a\n"
        "Журналы: var/emulators/. Остановить всё: Ctrl-C.",
        "The emulators and the functions are running. The webhook's address: {address}\n"
        "To poll the portal: curl -X POST {resync}\n"
        "For the tools in another terminal: set -a; . {file}; set +a\n"
        "Logs: var/emulators/. Ctrl-C stops everything.",
    ),
    "EMULATORS_MISSING": Sentence(
        "Не найден {part}: нужны Google Cloud SDK с компонентами pubsub-emulator и cloud-firestore-emulator "
        "и Java 11 или новее",
        "{part} was not found: the emulators need the Google Cloud SDK with its components pubsub-emulator and "
        "cloud-firestore-emulator, and Java 11 or later",
    ),
    "EMULATORS_REFUSED": Sentence(
        "Эмулятор Pub/Sub не создал {path}: {problem}. Посмотрите var/emulators/, затем запустите снова",
        "The Pub/Sub emulator did not create {path}: {problem}. Look in var/emulators/, then start again",
    ),
    "EMULATORS_SLOW": Sentence(
        "{name} не ответил за две минуты. Посмотрите {log}",
        "{name} did not answer within two minutes. Look at {log}",
    ),
    "EMULATORS_ENDED": Sentence(
        "{name} завершился сам. Посмотрите {log}, устраните причину и запустите снова",
        "{name} exited by itself. Look at {log}, fix the cause and start again",
    ),
}

# The operating system words its errors in English only: these are the Russian texts of those that operators meet.
OS_ERRORS: dict[int, str] = {
    errno.ENOENT: "нет такого файла или папки",
    errno.EACCES: "нет прав доступа",
    errno.EPERM: "нет прав доступа",
    errno.EISDIR: "это папка, а не файл",
    errno.ENOTDIR: "часть пути не папка",
    errno.EEXIST: "файл уже есть",
    errno.ENOSPC: "нет места на диске",
    errno.EROFS: "диск только для чтения",
    errno.EIO: "ошибка диска",
    errno.EMFILE: "открыто слишком много файлов",
    errno.EADDRINUSE: "адрес уже занят",
    errno.EADDRNOTAVAIL: "на этой машине нет такого адреса",
    errno.ECONNREFUSED: "соединение отклонено",
    errno.ECONNRESET: "соединение разорвано",
    errno.EPIPE: "соединение закрыто",
    errno.EPROTO: "ответ не по HTTP",
    errno.ETIMEDOUT: "время ожидания вышло",
    errno.EHOSTUNREACH: "узел недоступен",
    errno.ENETUNREACH: "сеть недоступна",
    socket.EAI_NONAME: "такого имени нет в DNS",
    socket.EAI_AGAIN: "сервер имён DNS не отвечает",
}

# What is wrong with a certificate, by OpenSSL's numbers:
# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/#error-codes
CERTIFICATE_ERRORS = {
    9: "сертификат ещё не действует",
    10: "срок действия сертификата истёк",
    18: "сертификат самоподписанный",
    19: "в цепочке самоподписанный сертификат",
    20: "цепочка сертификатов неполна или её корню не доверяют",
    21: "цепочка сертификатов неполна",
    62: "сертификат выдан на другое имя",
    64: "сертификат выдан на другой IP-адрес",
}


# glibc's texts of the resolver's numbers, which are not among the system's.
_RESOLVERS = {
    socket.EAI_NONAME: "Name or service not known",
    socket.EAI_AGAIN: "Temporary failure in name resolution",
}


# SQLite's words, and the kinds of libraries' errors, whose own texts may quote a secret.
_LIBRARIES = {
    "unable to open database file": Sentence(
        "файл базы данных не открывается", "unable to open database file"
    ),
    "attempt to write a readonly database": Sentence(
        "файл базы данных только для чтения", "attempt to write a readonly database"
    ),
    "database is locked": Sentence("файл базы данных занят другой программой", "database is locked"),
    "database or disk is full": Sentence("нет места на диске", "database or disk is full"),
    "disk I/O error": Sentence("ошибка диска", "disk I/O error"),
    "OperationalError": Sentence("соединение не удалось или оборвалось", "the connection failed or broke"),
    "InterfaceError": Sentence("соединение оборвалось", "the connection broke"),
    "DefaultCredentialsError": Sentence("учётные данные не найдены", "no credentials were found"),
    "RefreshError": Sentence("учётные данные не действуют", "the credentials are not valid"),
    "TransportError": Sentence("соединение не удалось", "the connection failed"),
    "ServiceUnavailable": Sentence("служба недоступна", "the service is unavailable"),
    "RetryError": Sentence("время ожидания вышло", "it timed out"),
    "GatewayTimeout": Sentence("время ожидания вышло", "it timed out"),
    "DeadlineExceeded": Sentence("время ожидания вышло", "it timed out"),
    "Forbidden": Sentence("доступ запрещён", "access is denied"),
    "PermissionDenied": Sentence("доступ запрещён", "access is denied"),
    "NotFound": Sentence("не найдено", "not found"),
    "Unauthorized": Sentence("учётные данные не приняты", "the credentials were not accepted"),
    "TooManyRequests": Sentence("слишком много запросов", "too many requests"),
    "ResourceExhausted": Sentence("слишком много запросов", "too many requests"),
    "BadRequest": Sentence("запрос не принят", "the request was not accepted"),
    "FailedPrecondition": Sentence("запрос не принят", "the request was not accepted"),
    "ConnectionError": Sentence("соединение не удалось", "the connection failed"),
}
# `str` of an error of the system's: the number and the path are no help to anybody.
_OS_ERROR = re.compile(r"\[Errno -?\d+\] ([^:\[\]]+)(?:: ['\"][^\n]*)?")
# What dead letters of the first edition keep as their reason.
_FIRST_EDITION = {
    "no user in data": "REASON_NO_USER",
    "a user without an ID that is a whole number from 1": "REASON_NO_USER_ID",
    "no data in base64": "REASON_NO_DATA",
    "an event_id or portal with a NUL": "REASON_NUL",
}
_FIRST_EDITION_FACTS = (
    (re.compile(r"not a message of schema 1: (?P<fields>.+)", re.DOTALL), "REASON_SCHEMA"),
    (re.compile(r"(?P<destination>\S+): 410 Gone"), "REASON_GONE"),
)


def os_problem(error: OSError, language: str) -> str:
    """The operating system's text for `error` in `language`; the error's type if it has no text."""
    # It is OpenSSL's error, and its numbers are not the system's.
    if hasattr(error, "library"):
        return _tls_problem(error, language)
    number = errno_of(error)
    russian = OS_ERRORS.get(number or 0) if language == "ru" else None
    return russian or error.strerror or (os.strerror(number) if number else type(error).__name__)


def _tls_problem(error: Any, language: str) -> str:
    problem = getattr(error, "verify_message", "")
    if problem and language == "ru":
        return CERTIFICATE_ERRORS.get(error.verify_code, f"сертификат не прошёл проверку ({problem})")
    if problem:
        return f"the certificate is not accepted: {problem}"
    return f"TLS: {getattr(error, 'reason', '') or type(error).__name__}"


def os_texts_in(text: str, language: str) -> str:
    """A library's `text`, with the system's errors that it quotes put into `language`."""
    if text in _LIBRARIES:
        return _LIBRARIES[text].text(language)
    text = _OS_ERROR.sub(r"\1", text)
    for number, russian in OS_ERRORS.items() if language == "ru" else ():
        text = text.replace(_RESOLVERS.get(number) or os.strerror(number), russian)
    return text


def say(key: str, language: str, /, **values: object) -> str:
    """The sentence of `key` in `language` (`ru` or `en`), its fields filled in from `values`.

    A value that is itself a notice or an error, ours or the system's, is put into words first.
    """
    worded = {name: _worded(name, value, language) for name, value in values.items()}
    return SENTENCES[key].text(language).format(**worded)


class Notice:
    """A sentence for the log, as its key and facts: the log's handler puts it into words, as it does errors.

    That way the code that logs needs to know no language.
    """

    def __init__(self, key: str, /, **facts: object) -> None:
        self.key = key
        self.facts = facts

    def __str__(self) -> str:
        return keyed(self.key, **self.facts)


def text_of(error: GatewayError | Notice, language: str) -> str:
    """The sentence of an error or a notice in `language`; several wrong settings get a line each.

    Where the catalogue lacks the key, or the sentence a fact, it is the key and the facts: an event whose
    outcome has no sentence is handled all the same, and must not be delivered again for that.
    """
    try:
        sentence = say(error.key, language, **error.facts)
    except (KeyError, IndexError, ValueError):
        sentence = keyed(error.key, **error.facts)
    if isinstance(error, SettingError):
        hint = f". {say(error.hint, language)}" if error.hint else ""
        first = f"{error.name}: {sentence}{hint}"
        return "\n".join([first, *(text_of(other, language) for other in error.others)])
    return sentence


def stored_notice(reason: str) -> Notice | str:
    """The notice that a stored key and its facts stand for (see `errors.keyed`); any other text as it is."""
    key, _, facts = reason.partition(" ")
    if key not in SENTENCES:
        return _first_edition(reason)
    try:
        values = json.loads(facts) if facts else {}
        return Notice(
            key,
            **{
                name: stored_notice(value) if isinstance(value, str) else value
                for name, value in values.items()
            },
        )
    except (ValueError, AttributeError):
        return reason


def _first_edition(reason: str) -> Notice | str:
    if reason in _FIRST_EDITION:
        return Notice(_FIRST_EDITION[reason])
    matches = ((pattern.fullmatch(reason), key) for pattern, key in _FIRST_EDITION_FACTS)
    return next((Notice(key, **match.groupdict()) for match, key in matches if match), reason)


def reason_text(reason: str, language: str) -> str:
    """The sentence of a stored reason."""
    notice = stored_notice(reason)
    # The system's own words were stored in English.
    return os_texts_in(text_of(notice, language) if isinstance(notice, Notice) else notice, language)


def _worded(name: str, value: object, language: str) -> object:
    if isinstance(value, OSError):
        return os_problem(value, language)
    if name in ("problem", "kind") and isinstance(value, str):
        return os_texts_in(value, language)
    return text_of(value, language) if isinstance(value, GatewayError | Notice) else value


def state_key(state: str, length: int | None) -> str:
    """The key of the words for a place's `state`: a blank is malformed too, but has words of its own."""
    return "STATE_BLANK" if state == "malformed" and length == 0 else f"STATE_{state.upper()}"
