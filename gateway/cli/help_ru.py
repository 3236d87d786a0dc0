"""Translates the commands' help and click's own words into Russian, by their English texts.

A text that is missing here stays English; a test looks for such in the help of every command.
"""

# ruff: noqa: E501 — a sentence stands on one line

import copy
import re

import click

CLICK = {
    "Usage:": "Использование:",
    "Options": "Параметры",
    "Positional arguments": "Аргументы",
    "Commands": "Команды",
    "COMMAND [ARGS]...": "КОМАНДА [АРГУМЕНТЫ]...",
    "[OPTIONS]": "[ПАРАМЕТРЫ]",
    "Show this message and exit.": "Показать эту справку и выйти.",
    "Show the version and exit.": "Показать версию и выйти.",
    "No such option {name!r}.": "Нет такого параметра: {name!r}.",
    "[COMMAND] [ARGS]...": "[КОМАНДА] [АРГУМЕНТЫ]...",
    "%(prog)s, version %(version)s": "%(prog)s, версия %(version)s",
    "default: {default}": "по умолчанию: {default}",
    "required": "обязательно",
    "Error: {message}": "Ошибка: {message}",
    "Try '{command} {option}' for help.": "Справка: {command} {option}",
    "Invalid value: {message}": "Неверное значение: {message}",
    "Invalid value for {param_hint}: {message}": "Неверное значение {param_hint}: {message}",
    "Missing argument": "Не хватает аргумента",
    "Missing option": "Не хватает параметра",
    "Missing parameter": "Не хватает параметра",
    "Missing command.": "Назовите команду.",
    "No such command {name!r}.": "Нет такой команды: {name!r}.",
    "Option {name!r} does not take a value.": "Параметр {name!r} не принимает значения.",
    "Option {name!r} requires an argument.": "Параметру {name!r} нужно значение.",
    "Got unexpected extra argument ({args})": "Лишний аргумент: {args}",
    "Got unexpected extra arguments ({args})": "Лишние аргументы: {args}",
    "Did you mean {possibility}?": "Может быть, {possibility}?",
    "(Did you mean one of: {possibilities}?)": "Может быть, одно из: {possibilities}?",
    "{value!r} is not a valid {number_type}.": "{value!r} не число.",
    "{value} is not in the range {range}.": "{value} вне пределов {range}.",
    "{value!r} is not one of {choices}.": "{value!r} не из списка: {choices}.",
    "{value!r} is not {choice}.": "{value!r}: нужно {choice}.",
    "Could not open file {filename!r}: {message}": "Не открывается файл {filename!r}: {message}",
    "Aborted!": "Прервано.",
}

METAVARS = {
    "FILE": "ФАЙЛ",
    "NAME": "ИМЯ",
    "TIME": "ВРЕМЯ",
    "USER": "ПОЛЬЗОВАТЕЛЬ",
    "DOMAIN": "ПОРТАЛ",
    "PORTAL": "ПОРТАЛ",
    "PROJECT": "ПРОЕКТ",
    "DESTINATION": "КУДА",
    "EVENT": "СОБЫТИЕ",
    "ACCOUNT": "АККАУНТ",
    "KEY": "ИМЯ",
    "VALUE": "ЗНАЧЕНИЕ",
}

HELP = {
    "The Bitrix24 webhook gateway's tools.": "Инструменты шлюза вебхуков Битрикс24.",
    "Run everything on this machine: webhook, queue, worker.": "Запустить всё на этой машине: вебхук, очередь, обработчик.",
    "Put kept events and dead letters back on the queue.": "Вернуть в очередь сохранённые события и недоставленное.",
    "Look at dead letters, edit or delete them.": "Посмотреть, исправить или удалить недоставленное.",
    "Explain why a request is rejected: paste the request, a curl line or a log record.": "Объяснить, почему запрос отклонён: вставьте запрос, строку curl или запись журнала.",
    "Check the settings and a running gateway.": "Проверить настройки и работающий шлюз.",
    "Show what came and what came of it; resend an accepted event.": "Показать, что приходило и что с этим стало; повторить принятое событие.",
    "Open the inspector on this machine, with data from Cloud Logging.": "Открыть на этой машине инспектор с данными из Cloud Logging.",
    "Open the inspector on this machine, with data from a project's Cloud Logging, read with your own login: what the functions rejected, what came of each event, links, dead letters. `serve` has this page already.": "Открыть на этой машине инспектор с данными из Cloud Logging проекта, под вашей учётной записью: что отклонили функции, что стало с каждым событием, связи, недоставленное. У `serve` эта страница уже есть.",
    "Show why requests were rejected, grouped by cause.": "Показать, почему отклонялись запросы, с группировкой по причинам.",
    "Compare the portal's users with the links, and queue what changed.": "Сверить пользователей портала со связями и поставить изменения в очередь.",
    "Create the Telegram field in the portal's user profiles.": "Создать на портале поле Telegram в профилях пользователей.",
    "The field of user profiles that holds the Telegram account.": "Поле профиля, в котором записан аккаунт Telegram.",
    "Create the field in the portal (BITRIX24_TELEGRAM_FIELD_NAME, or UF_USR_TELEGRAM) through the incoming webhook. The webhook's owner must be an administrator, and its scopes must include user.userfield. A field that already exists is left as it is. Exit code 0: the field is there, 1: the portal refused, or has another field that looks like it, 2: the portal could not be asked.": "Создать поле на портале (BITRIX24_TELEGRAM_FIELD_NAME или UF_USR_TELEGRAM) через входящий вебхук. Владелец вебхука должен быть администратором, а у вебхука должно быть право user.userfield. Поле, которое уже есть, не меняется. Код возврата 0: поле есть, 1: портал отказал или там есть похожее поле, 2: портал не ответил.",
    "Create it even if a similar field exists.": "Создать, даже если похожее поле уже есть.",
    "Post an event as Bitrix24 would, with the token in any place.": "Отправить событие так же, как Битрикс24, с токеном в любом из мест.",
    "Show who is linked to whom.": "Показать, кто с кем связан.",
    "Run everything on this machine: webhook, queue, worker, polling, inspector page. Ends on Ctrl-C or SIGTERM.": "Запустить всё на этой машине: вебхук, очередь, обработчик, сверку, страницу инспектора. Завершается по Ctrl-C или SIGTERM.",
    "Put kept events and dead letters back on the queue, under their old event_id. With FILE (- for standard input): those in exported log entries instead. Safe to interrupt and to repeat: nothing is put back twice.": "Вернуть в очередь сохранённые события и недоставленное под прежним event_id. Если задан ФАЙЛ (- значит стандартный ввод), вернуть события из выгруженных записей журнала. Можно прерывать и повторять: дважды ничего не возвращается.",
    "Only this event; may be repeated.": "Только это событие; можно повторять.",
    "Only the event with this id; may be repeated.": "Только событие с этим номером; можно повторять.",
    "Only what was kept since this time: RFC 3339, or 30m, 2h, 7d ago.": "Только сохранённое с этого времени: RFC 3339, или 30m, 2h, 7d назад.",
    "Pub/Sub's subscription to dead letters (default: PREFIX-dead-letters).": "Подписка Pub/Sub с недоставленным (по умолчанию PREFIX-dead-letters).",
    "Print what would be put back; change nothing.": "Показать, что вернулось бы в очередь; ничего не менять.",
    "Print the events as JSON.": "Вывести события в JSON.",
    "Messages that a consumer could never handle (from DATABASE_URL) or that ran out of attempts (from QUEUE_URL), each with the reason. Without a sub-command: list them.": "Сообщения, которые нельзя обработать (из DATABASE_URL) или у которых кончились попытки (из QUEUE_URL), с причиной. Без подкоманды: список.",
    "Only this event.": "Только это событие.",
    "Print a list of JSON objects.": "Вывести список объектов JSON.",
    "Show one dead letter in full. ID: its id or event_id, or the beginning of either.": "Показать одно недоставленное сообщение целиком. ID: его номер или event_id, можно начало.",
    "Only the message, to edit it and pass it to `mend`.": "Только сообщение, чтобы исправить его и передать в mend.",
    "Put an edited message (JSON in FILE or on standard input) on the queue in place of a dead letter.": "Поставить в очередь исправленное сообщение (JSON из ФАЙЛ или стандартного ввода) вместо недоставленного.",
    "Delete dead letters for good: the given ones, or all with --all.": "Удалить недоставленное навсегда: названное, или всё с --all.",
    "All dead letters.": "Всё недоставленное.",
    "Explain whether a request would pass, where its token was looked for, why it was rejected and what to change. FILE (or standard input) holds a raw HTTP request, a curl command, a log record or a body.": "Объяснить, прошёл бы запрос, где искали токен, почему он отклонён и что изменить. В ФАЙЛ (или на стандартном вводе) — запрос HTTP, команда curl, запись журнала или тело.",
    "Print JSON.": "Вывести JSON.",
    "Check the settings, the queue, the store, the incoming webhook and a running gateway (WEBHOOK_URL, or URL), one line per check. Exit code 1: a check failed.": "Проверить настройки, очередь, хранилище, входящий вебхук и работающий шлюз (WEBHOOK_URL или URL), по строке на проверку. Код возврата 1: что-то не в порядке.",
    "The address of the running gateway; default: WEBHOOK_URL.": "Адрес работающего шлюза; по умолчанию WEBHOOK_URL.",
    "Read settings from FILE instead of .env.": "Читать настройки из ФАЙЛ вместо .env.",
    "Send the token even to a host other than WEBHOOK_URL's.": "Отправить токен, даже если хост не тот, что в WEBHOOK_URL.",
    "Show why requests were rejected, by cause, with the newest trace and what to do. From Cloud Logging if QUEUE_URL is pubsub:// (or PROJECT is given), else from the journal of this machine.": "Показать, почему запросы отклонялись: по причинам, с последним разбором и советом. Из Cloud Logging, если QUEUE_URL начинается с pubsub:// (или задан ПРОЕКТ), иначе из журнала этой машины.",
    "Show what came to this machine's gateway, oldest first: event, portal, user, and in one line why it was rejected or what came of it. From the journal (JOURNAL_URL).": "Показать, что приходило шлюзу на этой машине, сначала старое: событие, портал, пользователь и одной строкой, почему запрос отклонён или что с событием стало. Из журнала (JOURNAL_URL).",
    "Show one request in full.": "Показать один запрос целиком.",
    "Publish an accepted event again.": "Поставить принятое событие в очередь ещё раз.",
    "Show one dead letter in full.": "Показать одно недоставленное сообщение целиком.",
    "Put an edited message on the queue.": "Поставить в очередь исправленное сообщение.",
    "Delete dead letters for good.": "Удалить недоставленное навсегда.",
    "Erase a person everywhere.": "Стереть человека отовсюду.",
    "Create the field in the portal.": "Создать поле на портале.",
    "Only the gateway's own probes (doctor, trigger); other lists hide them.": "Только проверки самого шлюза (doctor, trigger); в других списках их нет.",
    "Only rejected requests.": "Только отклонённые запросы.",
    "Only this user: a Bitrix24 id, or the Telegram account that the event names.": "Только этот пользователь: номер в Битрикс24 или аккаунт Telegram, названный в событии.",
    "Only from this time on: RFC 3339, or 30m, 2h, 7d ago.": "Только с этого времени: RFC 3339, или 30m, 2h, 7d назад.",
    "Keep running, and print each new request as it comes.": "Не завершаться и показывать новые запросы по мере прихода.",
    "Print a list of JSON objects; with --follow, one per line.": "Вывести список объектов JSON; с --follow по объекту на строку.",
    "Show one request in full: where the token was looked for, why it was rejected, what came of it at each subscription. ID: its id or event_id, or at least the first 6 characters of either.": "Показать один запрос целиком: где искали токен, почему он отклонён, что стало с событием в каждой подписке. ID: его номер или event_id, можно начало, не короче 6 знаков.",
    "Publish an accepted event again under a new event_id, to all that want it or to one. A rejected request is never published.": "Поставить принятое событие в очередь ещё раз под новым event_id: для всех, кому оно нужно, или для одного получателя. Отклонённый запрос не публикуется никогда.",
    "Only to this one: an address of FORWARD_TO, or a subscription.": "Только этому получателю: адрес из FORWARD_TO или подписка.",
    "How far to look back.": "За какое время смотреть.",
    "Keep running, and print each new rejection as it comes.": "Не завершаться и показывать новые отказы по мере прихода.",
    "The Google Cloud project; default: from QUEUE_URL.": "Проект Google Cloud; по умолчанию из QUEUE_URL.",
    "The Google Cloud project; default: from QUEUE_URL, else from deploy.env.": "Проект Google Cloud; по умолчанию из QUEUE_URL, иначе из deploy.env.",
    "The --prefix given to deploy.sh; default: from QUEUE_URL or deploy.env, else b24.": "Значение --prefix из deploy.sh; по умолчанию из QUEUE_URL или deploy.env, иначе b24.",
    "Print JSON; with --follow, one rejection per line.": "Вывести JSON; с --follow по отказу на строку.",
    "Compare all users of the portal with the links, and queue what changed. An interrupted round continues where it stopped.": "Сверить всех пользователей портала со связями и поставить изменения в очередь. Прерванная сверка продолжится с того же места.",
    "Only users changed since then (2026-01-31T12:00:00Z, or 90m, 2h, 1d ago). Quick, but it does not see users who are gone.": "Только изменённые с этого времени (2026-01-31T12:00:00Z, или 90m, 2h, 1d назад). Быстро, но тех, кого больше нет, так не найти.",
    "Queue nothing; print how much would be queued.": "Ничего не ставить в очередь; показать, сколько изменений было бы.",
    "Let this round unlink up to N users, after it refused to unlink so many.": "Разрешить этой сверке снять до N связей, если она отказалась из-за их числа.",
    "Print the summary as JSON.": "Вывести итог в JSON.",
    "Post a realistic EVENT (ONUSERUPDATE, ONCRMDEALUPDATE, …) to a running gateway, with the configured token, and show the answer. Exit code 0: queued, 1: rejected, 2: nobody answered.": "Отправить правдоподобное событие СОБЫТИЕ (ONUSERUPDATE, ONCRMDEALUPDATE, …) работающему шлюзу с настроенным токеном и показать ответ. Код возврата 0: в очереди, 1: отклонено, 2: никто не ответил.",
    "List the events that the gateway knows.": "Показать события, которые знает шлюз.",
    "The gateway's address; default: the one that runs with these settings on this machine.": "Адрес шлюза; по умолчанию тот, что запущен с этими настройками на этой машине.",
    "Where to put the token.": "В какое место поставить токен.",
    "The event's data; may be repeated.": "Данные события; можно повторять.",
    "Send a random token, to see the rejection.": "Отправить случайный токен, чтобы увидеть отказ.",
    "Print the answer as JSON.": "Вывести ответ в JSON.",
    "The links in DATABASE_URL: which Telegram account is which Bitrix24 user. Users without an account are listed too: their link ended, or there never was one.": "Связи из DATABASE_URL: какой аккаунт Telegram у какого пользователя Битрикс24. Пользователи без аккаунта тоже в списке: связь снята или её не было.",
    "Only this portal.": "Только этот портал.",
    "Only this Bitrix24 user.": "Только этот пользователь Битрикс24.",
    "Only this Telegram account: an id, @name or t.me link.": "Только этот аккаунт Telegram: номер, @имя или ссылка t.me.",
    "Print the changes instead of the links, oldest first.": "Показать изменения вместо самих связей; сначала старые.",
    "Print CSV with a header row.": "Вывести CSV со строкой заголовков.",
    "Erase a person: link, history, dead letters, journal records and queued messages.": "Стереть человека: связь, историю, недоставленное, записи журнала и сообщения в очереди.",
    "Do not ask for confirmation.": "Не спрашивать подтверждения.",
    "everything that is kept": "всё сохранённое",
    "look first": "сначала посмотреть",
    "all of them, as they are": "всё как есть",
    "Examples:": "Примеры:",
    "Example:": "Пример:",
}


def in_russian(command: click.Command) -> click.Command:
    """A copy of the command with its help in Russian, including its sub-commands."""
    return _translate(copy.deepcopy(command))


def _translate(command: click.Command) -> click.Command:
    command.help = _russian(command.help)
    command.short_help = _russian(command.short_help)
    command.epilog = _epilog(command.epilog)
    # Click makes the option --help once per command, in the language of that moment.
    command._help_option = None
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            parameter.help = _russian(parameter.help)
        if parameter.metavar or isinstance(parameter, click.Argument):
            metavar = parameter.make_metavar(click.Context(command))
            parameter.metavar = re.sub(r"[A-Z]+", lambda word: METAVARS.get(word[0], word[0]), metavar)
    if command.options_metavar == "[OPTIONS]":
        command.options_metavar = CLICK["[OPTIONS]"]
    if isinstance(command, click.Group):
        command.subcommand_metavar = CLICK.get(command.subcommand_metavar, command.subcommand_metavar)
        for inner in command.commands.values():
            _translate(inner)
    return command


def translate_click(language: str) -> None:
    """Translate click's own words, for which gettext has no Russian catalogue."""
    translations = CLICK if language == "ru" else {}
    for module in (
        click.core,
        click.decorators,
        click.exceptions,
        click.formatting,
        click.parser,
        click.types,
    ):
        names = vars(module)
        if "_" in names:
            names["_"] = lambda text: translations.get(text, text)
        if "ngettext" in names:
            names["ngettext"] = lambda singular, plural, count: translations.get(
                text := singular if count == 1 else plural, text
            )


def _russian(text: str | None) -> str | None:
    return (HELP | CLICK).get(" ".join(text.split()), text) if text else text


def _epilog(text: str | None) -> str | None:
    for name in (
        "Examples:",
        "Example:",
        "everything that is kept",
        "look first",
        "all of them, as they are",
    ):
        text = text.replace(name, HELP[name]) if text else text
    return text
