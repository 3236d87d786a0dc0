# shellcheck shell=bash
# Everything that deploy.sh says, by key, in both languages. Facts are $1, $2, …

english() { [[ ${LOG_LANGUAGE:-ru} == en ]]; }
say() { text "$@" >&2; }
step() { echo "== $(text "$@")" >&2; }
good() { echo "✔ $(text "$@")" >&2; }
note() { echo "· $(text "$@")" >&2; }
warn() { echo "! $(text "$@")" >&2; }
problem() { PROBLEMS=$((PROBLEMS + 1)) && echo "✖ $(text "$@")" >&2; }
fail() { echo "✖ $(text "$@")" >&2 && exit 1; }
misuse() { echo "✖ $(text "$@") $(text SEE_HELP)" >&2 && exit 2; }

text() { # KEY FACT…
  local key=$1 ru en
  shift
  case $key in
    API_NOT_ANSWERING)
      ru="API только что включён и ещё не отвечает; повтор через $1 с."
      en="The API has just been switched on and does not answer yet; trying again in $1 s." ;;
    NOT_READ)
      ru="Прочитать не удалось: gcloud $1 $2. Это не значит, что там пусто, поэтому дальше ничего не сделано. Устраните причину, названную выше (обычно это права или сеть), и повторите."
      en="Could not read: gcloud $1 $2. That does not mean that nothing is there, so nothing more was done. Fix the cause named above (usually a permission or the network), and run this again." ;;
    FAILED)
      ru="Не удалась команда: gcloud $1 $2 $3. Дальше ничего не сделано.$4 Устраните причину и повторите: сделанное не повторится."
      en="Failed: gcloud $1 $2 $3. Nothing further was done.$4 Fix the cause and run this again: finished steps are not repeated." ;;
    ACCOUNT_NOT_KNOWN)
      ru="Google Cloud ещё не везде знает новую учётную запись; повтор через $1 с."
      en="The new account is not known everywhere yet; trying again in $1 s." ;;
    SECRET_DIFFERS)
      ru="$1: в Secret Manager сохранено другое значение, оно и остаётся в силе. Сменить: ./deploy.sh rotate $1"
      en="$1: Secret Manager holds another value, which stays in force. To change it: ./deploy.sh rotate $1" ;;
    SECRET_SHAPE)
      ru="$1: ожидается $2. С таким значением функции не запустятся: исправьте его."
      en="$1: expected $2. The functions do not start with this value: correct it." ;;
    EXPECTED_INCOMING)
      ru="адрес входящего вебхука целиком, как его показывает Битрикс24, или USER_ID/SECRET, две его части после /rest/"
      en="the incoming webhook's whole address, as Bitrix24 shows it, or USER_ID/SECRET, its two parts after /rest/" ;;
    EXPECTED_FORWARD_SECRET)
      ru="whsec_ и не меньше 16 байт в base64"
      en="whsec_ and at least 16 bytes in base64" ;;
    EXPECTED_LINKS_API_TOKEN)
      ru="не меньше 16 знаков без пробелов"
      en="16 characters or more, without spaces" ;;
    SECRET_MISSING)
      ru="$1 не сохранён в Secret Manager и не задан: задайте переменную окружения с этим именем."
      en="$1 is neither stored in Secret Manager nor given: set the environment variable of that name." ;;
    STEP_LOOK)
      ru="Что уже есть"
      en="What exists already" ;;
    NO_INCOMING)
      ru="$1 не задан: resync_users и его расписание не развёртываются, потерянные порталом события никто не найдёт. Задайте его и повторите deploy."
      en="$1 is not set: resync_users and its schedule are left out, and nothing will find the events that the portal lost. Set it and run deploy again." ;;
    STEP_APIS)
      ru="API"
      en="APIs" ;;
    STEP_ACCOUNTS)
      ru="Сервисные аккаунты"
      en="Service accounts" ;;
    STEP_STORE)
      ru="Firestore"
      en="Firestore" ;;
    STEP_SECRETS)
      ru="Секреты"
      en="Secrets" ;;
    STEP_PUBSUB)
      ru="Pub/Sub"
      en="Pub/Sub" ;;
    STEP_FUNCTION)
      ru="$1"
      en="$1" ;;
    NO_DOMAIN)
      ru="BITRIX24_DOMAIN не задан: без имени портала resync_users не сможет его опросить."
      en="BITRIX24_DOMAIN is not set: without the portal's name resync_users cannot poll it." ;;
    NOT_PUBLIC)
      ru="Публичный доступ к bitrix_webhook не появился: Битрикс24 получит 403. Чаще всего его запрещает политика организации run.managed.requireInvokerIam: попросите исключение для этого проекта и повторите."
      en="bitrix_webhook did not become public: Bitrix24 will get 403. The usual reason is the organisation's policy run.managed.requireInvokerIam: ask for an exception for this project and run this again." ;;
    DONE)
      ru="Готово. Адрес для Битрикс24 (Разработчикам → Другое → Исходящий вебхук → «URL вашего обработчика»):"
      en="Done. The address for Bitrix24 (Developer resources → Other → Outbound webhook → \"Your handler URL\"):" ;;
    DONE_SMOKE)
      ru="Проверьте настоящими запросами: ./deploy.sh smoke"
      en="Check it with real requests: ./deploy.sh smoke" ;;
    SUBSCRIPTION_DIFFERS)
      ru="Подписка $1 отличается там, где изменить её нельзя. Есть: $2; нужно: $3. Удалите её (gcloud pubsub subscriptions delete $1 --project=$4; недоставленные сообщения пропадут) и повторите deploy."
      en="Subscription $1 differs in what can't be updated. It has: $2; wanted: $3. Delete it (gcloud pubsub subscriptions delete $1 --project=$4; its undelivered messages are lost) and run deploy again." ;;
    SUBSCRIPTION_DRIFTED)
      ru="Настройки подписки $1 изменились, возвращаю нужные. Было: $2"
      en="The settings of subscription $1 have changed, restoring them. They were: $2" ;;
    NOBODY_LISTENS)
      ru="Ни один обработчик не слушает: события, принятые bitrix_webhook, пропали бы. Сначала: ./deploy.sh deploy $1"
      en="No consumer is listening: events that bitrix_webhook accepts would be lost. First run: ./deploy.sh deploy $1" ;;
    SOME_DO_NOT_LISTEN)
      ru="Не слушают и своих событий не получат:$1"
      en="These are not listening, and will miss their events:$1" ;;
    NO_RECEIVER)
      ru="bitrix_webhook ещё не развёрнут: ./deploy.sh deploy"
      en="bitrix_webhook is not deployed yet: ./deploy.sh deploy" ;;
    NOT_DEPLOYED)
      ru="$1 не развёрнут"
      en="$1 is not deployed" ;;
    SMOKE_RECEIVER)
      ru="$1: без токена 401 TOKEN_NOT_FOUND"
      en="$1: 401 TOKEN_NOT_FOUND without a token" ;;
    SMOKE_CLOSED)
      ru="$1: посторонним 403"
      en="$1: 403 to outsiders" ;;
    SMOKE_WRONG)
      ru="$1: ответ $2. Должно быть: 401 TOKEN_NOT_FOUND от bitrix_webhook без токена, 403 от остальных. Повторите ./deploy.sh deploy $1"
      en="$1: answered $2. Expected: 401 TOKEN_NOT_FOUND from bitrix_webhook without a token, 403 from the others. Run ./deploy.sh deploy $1 again" ;;
    PROJECT_READ)
      ru="проект $1"
      en="project $1" ;;
    NOTHING_DEPLOYED)
      ru="Ничего ещё не развёрнуто: это не ошибка. Что сделает deploy, покажет ./deploy.sh plan"
      en="Nothing is deployed yet, which is not an error. ./deploy.sh plan shows what deploy would do" ;;
    NO_DEAD_LETTERS)
      ru="подписка $1 (без неё недоставленное пропадает)"
      en="subscription $1 (without it dead letters are lost)" ;;
    PROBLEMS)
      ru="Неполадок: $1. Исправит ./deploy.sh deploy; что именно он сделает, покажет ./deploy.sh plan"
      en="Problems: $1. ./deploy.sh deploy fixes them; ./deploy.sh plan shows what it would do" ;;
    NOT_READY)
      ru="$1 не готов: последняя версия не запустилась"
      en="$1 is not ready: its last revision did not start" ;;
    CLOSED)
      ru="$1 закрыт для Битрикс24"
      en="$1 is closed to Bitrix24" ;;
    OPEN)
      ru="$1 открыт всем"
      en="$1 is open to everybody" ;;
    SUBSCRIPTION_WRONG)
      ru="Подписка $1 настроена неверно: $2"
      en="Subscription $1 is configured wrongly: $2" ;;
    NOT_STORED)
      ru="$1 ещё не сохранён: сначала ./deploy.sh deploy"
      en="$1 is not stored yet: first ./deploy.sh deploy" ;;
    NEW_VALUE_MISSING)
      ru="Новое значение $1 не задано: задайте переменную окружения с этим именем."
      en="The new value of $1 is not given: set the environment variable of that name." ;;
    ROTATED_TOKEN)
      ru="Принимаются и старый, и новый токены. Теперь в Битрикс24 удалите старый исходящий вебхук (Разработчикам → Интеграции), новый оставьте. Когда старый удалён: ./deploy.sh rotate $1 --finish"
      en="Both the old and the new token are accepted. Now delete the old outgoing webhook in Bitrix24 (Developer resources → Integrations) and keep the new one. When the old one is gone: ./deploy.sh rotate $1 --finish" ;;
    ROTATED_INCOMING)
      ru="Функции обращаются к порталу с новым вебхуком. Теперь в Битрикс24 удалите старый входящий вебхук (Разработчикам → Интеграции). Когда он удалён: ./deploy.sh rotate $1 --finish"
      en="The functions call the portal with the new webhook. Now delete the old incoming webhook in Bitrix24 (Developer resources → Integrations). When it is gone: ./deploy.sh rotate $1 --finish" ;;
    NOTHING_TO_FINISH)
      ru="Завершать нечего: у $1 одна действующая версия."
      en="Nothing to finish: $1 has one enabled version." ;;
    ROTATION_FINISHED)
      ru="Действует только новое значение $1; прежние версии отключены."
      en="Only the new value of $1 is in force; earlier versions are disabled." ;;
    ALERTS_THERE)
      ru="Оповещения на месте. Каналы: $1"
      en="The alerts are in place. Channels: $1" ;;
    DESTROYED)
      ru="Удалено. Остались база Firestore $1, секреты, архивы и образы сборок gcloud."
      en="Removed. Still there: the Firestore database $1, the secrets, gcloud's build archives and images." ;;
    DESTROY_ASKS)
      ru="destroy спрашивает подтверждение, а терминала нет: добавьте --yes."
      en="destroy asks for confirmation, but there is no terminal: add --yes." ;;
    DESTROY_SURE)
      ru="Удалить шлюз $1 из проекта $2 ($3)? Введите ID проекта:"
      en="Remove the gateway $1 from project $2 ($3)? Type the project's id:" ;;
    DESTROY_NOT)
      ru="Ничего не удалено."
      en="Nothing was removed." ;;
    UNKNOWN_FLAG)
      ru="Неизвестный флаг: $1."
      en="Unknown flag: $1." ;;
    FLAG_WITHOUT_VALUE)
      ru="После $1 нужно значение."
      en="$1 needs a value." ;;
    FILE_LINE)
      ru="deploy.env, строка $1: ожидается ИМЯ=значение, где ИМЯ одно из: $2. Секретам там не место: задайте их в окружении или введите, когда deploy спросит."
      en="deploy.env, line $1: expected NAME=value, where NAME is one of: $2. Secrets do not belong there: set them in the environment, or type them when deploy asks." ;;
    FILTER_APART)
      ru="deploy.env, строка $1: перед # стоит пробел, и он начинает комментарий. В FORWARD_TO пишите # с событиями сразу после адреса."
      en="deploy.env, line $1: the space before the # begins a comment. In FORWARD_TO, write the # and the events right after the address." ;;
    EXPECTED)
      ru="$1: ожидается $2."
      en="$1: expected $2." ;;
    NO_GCLOUD)
      ru="Не найден gcloud: установите Google Cloud SDK $1 или новее и войдите (gcloud auth login)."
      en="gcloud was not found: install Google Cloud SDK $1 or later and log in (gcloud auth login)." ;;
    OLD_GCLOUD)
      ru="Google Cloud SDK $1 слишком старый: нужен $2 или новее (gcloud components update)."
      en="Google Cloud SDK $1 is too old: $2 or later is needed (gcloud components update)." ;;
    NO_FILES)
      ru="Команда gcloud meta list-files-for-upload не назвала ни одного файла: выгружать нечего. Проверьте .gcloudignore и права на чтение каталога шлюза, затем повторите."
      en="The command gcloud meta list-files-for-upload listed no files, so there is nothing to upload. Check .gcloudignore and that the gateway's directory is readable, then run this again." ;;
    DOCKERFILE)
      ru="Рядом с deploy.sh лежит Dockerfile, с ним --base-image не работает: уберите его."
      en="There is a Dockerfile next to deploy.sh, and --base-image does not work with one: remove it." ;;
    NO_FUNCTION)
      ru="Нет функции $1; есть: $2."
      en="There is no function $1; the functions are: $2." ;;
    ROTATE_TAKES)
      ru="rotate принимает одну из настроек: $1."
      en="rotate accepts one of these settings: $1." ;;
    TOO_MUCH)
      ru="Лишний аргумент: $1."
      en="Unexpected argument: $1." ;;
    NO_COMMAND)
      ru="${1:+Нет команды «$1». }Есть команды: check, plan, deploy, smoke, url, rotate, alerts, destroy."
      en="${1:+There is no command \"$1\". }The commands are: check, plan, deploy, smoke, url, rotate, alerts, destroy." ;;
    FINISH_ROTATE)
      ru="--finish указывают только с rotate."
      en="--finish can only be used with rotate." ;;
    ABSENT)
      ru="её нет"
      en="absent" ;;
    NO_CHANNELS)
      ru="не заданы (ALERT_CHANNELS), видно только в консоли"
      en="none (ALERT_CHANNELS), so they show only in the console" ;;
    HINT_BUILD)
      ru="Если упала сборка, её журнал по ссылке выше; прежняя версия функции продолжает работать."
      en="If the build failed, its log is linked above; the function's previous version keeps serving." ;;
    HINT_AGENT)
      ru="Сервисный агент Pub/Sub не появился: проверьте, включён ли API pubsub.googleapis.com."
      en="Pub/Sub's service agent has not appeared: check that the API pubsub.googleapis.com is on." ;;
    HINT_PUBLIC)
      ru="Если отказано в публичном доступе, его запрещает политика организации run.managed.requireInvokerIam: попросите исключение для этого проекта."
      en="If public access was refused, the organisation's policy run.managed.requireInvokerIam forbids it: ask for an exception for this project." ;;
    EXPECTED_PROJECT)
      ru="ID проекта, а не его название: от 6 до 30 строчных букв, цифр и дефисов (--project, PROJECT или deploy.env)"
      en="the project's id, not its name: 6 to 30 lower-case letters, digits and hyphens (--project, PROJECT or deploy.env)" ;;
    EXPECTED_REGION)
      ru="регион, например europe-west1 (--region, REGION или deploy.env)"
      en="a region such as europe-west1 (--region, REGION or deploy.env)" ;;
    EXPECTED_PREFIX)
      ru="до 12 строчных букв, цифр и дефисов, сначала буква"
      en="up to 12 lower-case letters, digits and dashes, a letter first" ;;
    EXPECTED_RUNTIME)
      ru="python3NN"
      en="python3NN" ;;
    EXPECTED_MEMORY)
      ru="объём памяти, например 512Mi"
      en="a size such as 512Mi" ;;
    EXPECTED_CONCURRENCY)
      ru="число от 1 до 999"
      en="a number from 1 to 999" ;;
    EXPECTED_MIN_INSTANCES)
      ru="число"
      en="a number" ;;
    EXPECTED_MAX_INSTANCES)
      ru="число от 1"
      en="a number from 1" ;;
    EXPECTED_TIMEOUT)
      ru="число секунд от 1 до 599"
      en="seconds from 1 to 599" ;;
    EXPECTED_SCHEDULE)
      ru="расписание cron"
      en="a cron schedule" ;;
    EXPECTED_DOMAIN)
      ru="имя портала, например p.bitrix24.ru"
      en="the portal's name, such as p.bitrix24.ru" ;;
    EXPECTED_FIELD)
      ru="имя поля, например UF_USR_TELEGRAM"
      en="a field's name, such as UF_USR_TELEGRAM" ;;
    EXPECTED_LOG_LANGUAGE)
      ru="ru или en"
      en="ru or en" ;;
    SEE_HELP)
      ru="См. ./deploy.sh --help"
      en="See ./deploy.sh --help" ;;
    GCLOUD_THERE)
      ru="gcloud $1"
      en="gcloud $1" ;;
    LOGGED_IN)
      ru="вход: $1"
      en="logged in: $1" ;;
    NO_LOGIN)
      ru="gcloud не знает, кто вы, поэтому ничего не проверить. Войдите: gcloud auth login"
      en="gcloud does not know who you are, so nothing can be checked. Log in: gcloud auth login" ;;
    MISSING)
      ru="нет: $1"
      en="missing: $1" ;;
    API)
      ru="API $1"
      en="API $1" ;;
    APIS_ON)
      ru="все API включены"
      en="all APIs are on" ;;
    SECRET)
      ru="секрет $1"
      en="secret $1" ;;
    ACCOUNT)
      ru="сервисный аккаунт $1"
      en="service account $1" ;;
    STORE)
      ru="база Firestore $1"
      en="Firestore database $1" ;;
    TOPIC)
      ru="тема $1"
      en="topic $1" ;;
    SUBSCRIPTION)
      ru="подписка $1"
      en="subscription $1" ;;
    LOG_EXCLUSION)
      ru="исключение из журнала $1"
      en="log exclusion $1" ;;
    FUNCTION)
      ru="функция $1"
      en="function $1" ;;
    ALL_THERE)
      ru="Всё на месте. Проверить настоящими запросами: ./deploy.sh smoke"
      en="Everything is in place. Try it with real requests: ./deploy.sh smoke" ;;
    PLAN_OFFLINE)
      ru="План составлен без обращения к Google, для нового проекта $1 в регионе $2. Проект и регион задают --project и --region."
      en="This plan was made without asking Google, for a new project $1 in $2. To choose them: --project and --region." ;;
    OFFLINE_PLAN)
      ru="--offline указывают только с plan."
      en="--offline can only be used with plan." ;;
    NOT_WANTED)
      ru="функция $1 не развёртывается: для неё нужна настройка $2"
      en="function $1 is left out: it needs $2" ;;
    FUNCTION_NEEDS)
      ru="Для функции $1 нужна настройка $2: задайте переменную окружения с этим именем."
      en="Function $1 needs $2: set the environment variable of that name." ;;
    DESTINATION_GONE)
      ru="В FORWARD_TO больше нет такого получателя или у него другие события: подписка $1 удаляется вместе с тем, чего он по ней ещё не получил."
      en="FORWARD_TO no longer names this destination, or names other events for it: subscription $1 is deleted, together with everything it has not delivered yet." ;;
    EXPECTED_FORWARD_TO)
      ru="список адресов https://… через пробел, а не через запятую или точку с запятой; после # события (#ONTASK*,ONCRM*); без имени и пароля в адресе: для подписи есть FORWARD_SECRET"
      en="addresses https://… separated by spaces, not commas or semicolons, with the wanted events after # (#ONTASK*,ONCRM*); without a user name or password: FORWARD_SECRET signs deliveries" ;;
    ROTATED_OTHER)
      ru="Функции используют новое значение $1. Теперь передайте его остальным, кто им пользуется. Когда старым больше никто не пользуется: ./deploy.sh rotate $1 --finish"
      en="The functions use the new value of $1. Now give it to everyone else who uses it. When nobody uses the old one any more: ./deploy.sh rotate $1 --finish" ;;
    TOKEN_UNBOUND)
      ru="Прежний токен привязан к порталу $1, а новый нет: пока действуют оба, события этого портала отклонялись бы. Задайте новый так же: $1=ТОКЕН."
      en="The old token is bound to the portal $1, and the new one is not: while both are accepted, events from that portal would be rejected. Set the new one the same way: $1=TOKEN." ;;
    *) echo "deploy/lib/texts.sh has no text $key" >&2 && exit 70 ;;
  esac
  if english; then echo "$en"; else echo "$ru"; fi
}

usage_en() {
  cat <<EOF
Usage: ./deploy.sh COMMAND [--project P] [--region R] [OPTION …]

  check                       list what is in place and what is missing; change nothing
  plan [FUNCTION …]           print the commands that deploy would run (= deploy --dry-run);
                              with --offline for a new project, without gcloud or a login
  deploy [FUNCTION …]         create or change what differs; all functions, or those named
  smoke                       try the deployed functions with real requests
  url                         print the address to paste into Bitrix24
  rotate SETTING [--finish]   change a secret without rejecting an event
  alerts                      install the alerts of deploy/alerts
  destroy                     remove everything except Firestore and the secrets

Functions: $(listed receiver consumer); with BITRIX24_WEBHOOK_TOKEN $(listed schedule), with
FORWARD_TO $(listed forwarder), with LINKS_API_TOKEN $(listed private).
Options are flags, environment variables (PROJECT, MIN_INSTANCES, …) or NAME=value lines of deploy.env,
in this order of precedence:
  --project, --region         no default
  --prefix b24                what every resource's name begins with
  --runtime python312   --memory 512Mi   --concurrency 80   --min-instances 0   --max-instances 10
  --timeout 60                how many seconds a consumer may run
  --schedule '*/30 * * * *'   when resync_users polls the portal
  --yes                       do not ask for confirmation
  --dry-run                   print the changing commands and run none
Only in the environment or deploy.env: BITRIX24_DOMAIN, BITRIX24_TELEGRAM_FIELD_NAME, LOG_LANGUAGE (ru or en),
FORWARD_TO, ALERT_CHANNELS (notification channels, separated by commas).
Secrets, from the environment or a hidden prompt: BITRIX24_OUTGOING_WEBHOOK_TOKEN, BITRIX24_WEBHOOK_TOKEN,
FORWARD_SECRET, LINKS_API_TOKEN, DATABASE_URL (postgresql://…, instead of Firestore).
Exit codes: 0 done, 1 a problem was found or a step failed, 2 wrong use.
EOF
}

usage_ru() {
  cat <<EOF
Использование: ./deploy.sh КОМАНДА [--project P] [--region R] [ПАРАМЕТР …]

  check                       показать, что на месте и чего нет; ничего не менять
  plan [ФУНКЦИЯ …]            напечатать команды, которые выполнит deploy (= deploy --dry-run);
                              с --offline для нового проекта, без gcloud и без входа
  deploy [ФУНКЦИЯ …]          создать или изменить то, что отличается; все функции или названные
  smoke                       проверить развёрнутые функции настоящими запросами
  url                         напечатать адрес, который вставляют в Битрикс24
  rotate НАСТРОЙКА [--finish] сменить секрет, не отклонив ни одного события
  alerts                      установить оповещения из deploy/alerts
  destroy                     удалить всё, кроме Firestore и секретов

Функции: $(listed receiver consumer); если задан BITRIX24_WEBHOOK_TOKEN, ещё $(listed schedule),
если FORWARD_TO, $(listed forwarder), если LINKS_API_TOKEN, $(listed private).
Параметры: флаги, переменные окружения (PROJECT, MIN_INSTANCES, …) или строки ИМЯ=значение в deploy.env;
что названо раньше, то главнее:
  --project, --region         без значения по умолчанию
  --prefix b24                начало имени каждого ресурса
  --runtime python312   --memory 512Mi   --concurrency 80   --min-instances 0   --max-instances 10
  --timeout 60                сколько секунд может работать обработчик события
  --schedule '*/30 * * * *'   когда resync_users опрашивает портал
  --yes                       ни о чём не спрашивать
  --dry-run                   напечатать изменяющие команды, не выполняя
Только окружение или deploy.env: BITRIX24_DOMAIN, BITRIX24_TELEGRAM_FIELD_NAME, LOG_LANGUAGE (ru или en),
FORWARD_TO, ALERT_CHANNELS (каналы уведомлений через запятую).
Секреты, из окружения или скрытым вводом: BITRIX24_OUTGOING_WEBHOOK_TOKEN, BITRIX24_WEBHOOK_TOKEN,
FORWARD_SECRET, LINKS_API_TOKEN, DATABASE_URL (postgresql://… вместо Firestore).
Коды выхода: 0 сделано, 1 найдена неполадка или шаг не удался, 2 неверный вызов.
EOF
}
