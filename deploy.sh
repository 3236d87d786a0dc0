#!/usr/bin/env bash
# The gateway on Google Cloud: ./deploy.sh --help; the guide is docs/deploy.md.
#
# Reading order: main (at the end), deploy_all, then the steps it names. Three rules hold everywhere:
#   - `fetch` reads and `change` changes. A plan is a deployment whose `change` only prints.
#   - What could not be read is not absent: a failed read stops the script.
#   - A secret goes from the environment or a hidden prompt to gcloud's standard input, and nowhere else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

TOKEN=BITRIX24_OUTGOING_WEBHOOK_TOKEN # the receiver's secret
INCOMING=BITRIX24_WEBHOOK_TOKEN       # the consumers' and resync's; without it there is no resync
FUNCTIONS="on_user_update on_user_add resync_users bitrix_webhook" # in the order of deployment
OPTIONS="PROJECT REGION PREFIX RUNTIME MIN_INSTANCES MAX_INSTANCES CONCURRENCY MEMORY TIMEOUT SCHEDULE"
SETTINGS="$OPTIONS ALERT_CHANNELS BITRIX24_DOMAIN BITRIX24_TELEGRAM_FIELD_NAME LOG_LANGUAGE"
ROLES="receiver consumers resync push scheduler build" # a service account each
APIS="run cloudbuild artifactregistry pubsub firestore secretmanager cloudscheduler iam iamcredentials \
cloudresourcemanager logging monitoring storage"
EXPIRY_FIELD=expires_at # of the collection group processed_events; gateway/links/firestore_store.py writes it
OLDEST_GCLOUD=511       # the first one whose `run deploy` does all that is asked of it here

export CLOUDSDK_CORE_DISABLE_PROMPTS=1             # what is to be asked, this script asks
export CLOUDSDK_CORE_SHOULD_PROMPT_TO_ENABLE_API=0 # and it switches APIs on itself, in one place
export CLOUDSDK_CORE_DISABLE_FILE_LOGGING=1        # gcloud's own log would keep what it prints: secrets
export -n BITRIX24_OUTGOING_WEBHOOK_TOKEN BITRIX24_WEBHOOK_TOKEN # nothing that is started here inherits them

usage_en() {
  cat <<'EOF'
Usage: ./deploy.sh COMMAND [--project P] [--region R] [OPTION …]

  check                       is everything in place? changes nothing
  plan [FUNCTION …]           print the commands that deploy would run (= deploy --dry-run)
  deploy [FUNCTION …]         create or change what differs; all functions, or those named
  smoke                       ask the deployed functions, with real requests
  url                         print the address to paste into Bitrix24
  rotate SETTING [--finish]   change a secret without refusing an event
  alerts                      install the alerts of deploy/alerts
  destroy                     remove all but Firestore and the secrets

Functions: bitrix_webhook, on_user_update, on_user_add, resync_users.
Options are flags, environment variables (PROJECT, MIN_INSTANCES, …) or NAME=value lines of deploy.env,
in this order of precedence:
  --project, --region         no default
  --prefix b24                the beginning of every resource's name
  --runtime python312   --memory 512Mi   --concurrency 80   --min-instances 0   --max-instances 10
  --timeout 60                seconds a consumer may take
  --schedule '*/30 * * * *'   when resync_users polls the portal
  --yes                       ask nothing
  --dry-run                   print the changing commands and run none
Environment or deploy.env alone: BITRIX24_DOMAIN, BITRIX24_TELEGRAM_FIELD_NAME, LOG_LANGUAGE (ru or en),
ALERT_CHANNELS (notification channels, separated by commas).
Secrets, from the environment or a hidden prompt: BITRIX24_OUTGOING_WEBHOOK_TOKEN, BITRIX24_WEBHOOK_TOKEN.
Exit codes: 0 done, 1 something is wrong there, 2 wrong use.
EOF
}

usage_ru() {
  cat <<'EOF'
Использование: ./deploy.sh КОМАНДА [--project P] [--region R] [ПАРАМЕТР …]

  check                       всё ли на месте; ничего не меняет
  plan [ФУНКЦИЯ …]            напечатать команды, которые выполнит deploy (= deploy --dry-run)
  deploy [ФУНКЦИЯ …]          создать или изменить то, что отличается; все функции или названные
  smoke                       спросить развёрнутые функции настоящими запросами
  url                         напечатать адрес, который вставляют в Битрикс24
  rotate НАСТРОЙКА [--finish] сменить секрет, не отвергнув ни одного события
  alerts                      установить оповещения из deploy/alerts
  destroy                     удалить всё, кроме Firestore и секретов

Функции: bitrix_webhook, on_user_update, on_user_add, resync_users.
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
ALERT_CHANNELS (каналы уведомлений через запятую).
Секреты, из окружения или скрытым вводом: BITRIX24_OUTGOING_WEBHOOK_TOKEN, BITRIX24_WEBHOOK_TOKEN.
Коды выхода: 0 сделано, 1 что-то не так там, 2 неверный вызов.
EOF
}

# --- What is said ---------------------------------------------------------------------------------

english() { [[ ${LOG_LANGUAGE:-ru} == en ]]; }
say() { if english; then echo "$2"; else echo "$1"; fi >&2; } # RUSSIAN ENGLISH
step() { say "== $1" "== $2"; }
fail() { say "✖ $1" "✖ $2" && exit 1; }
problem() { PROBLEMS=$((PROBLEMS + 1)) && say "✖ $1" "✖ $2"; }
misuse() { say "✖ $1 См. ./deploy.sh --help" "✖ $2 See ./deploy.sh --help" && exit 2; }

quoted() { # WORD…: as one line of shell
  local word line=""
  for word in "$@"; do
    if [[ -z $word || $word == *[!a-zA-Z0-9_./:=@,+-]* ]]; then word="'${word//\'/\'\\\'\'}'"; fi
    line+=" $word"
  done
  echo "${line# }"
}

has() { [[ $'\n'$1$'\n' == *$'\n'"$2"$'\n'* ]]; } # LINES LINE

# --- Names ----------------------------------------------------------------------------------------

service_of() { echo "$PREFIX-${1//_/-}"; }                           # of a function; its subscription too
account_of() { echo "$PREFIX-$1@$PROJECT.iam.gserviceaccount.com"; } # of a role
secret_of() { echo "$PREFIX-$(tr '[:upper:]_' '[:lower:]-' <<<"$1")"; }
event_of() { tr -d _ <<<"$1" | tr '[:lower:]' '[:upper:]'; } # of a consumer: on_user_add → ONUSERADD
role_of() {
  case $1 in bitrix_webhook) echo receiver ;; resync_users) echo resync ;; *) echo consumers ;; esac
}

# --- Reading and changing -------------------------------------------------------------------------

planning() { [[ -n $DRY_RUN ]]; }

fetch() { # VARIABLE COMMAND…: what the reading command prints
  local variable=$1 answer pause
  shift
  if [[ -n $READ_ONLY ]] && ! is_enabled "$(api_of "$1")"; then # a new project: nothing is there yet
    printf -v "$variable" "" && return
  fi
  for pause in 5 10 20 40 0; do
    if answer=$(gcloud "$@" "--project=$PROJECT" 2>"$SCRATCH/error"); then
      printf -v "$variable" %s "$answer" && return
    fi
    if [[ -z $JUST_ENABLED || $pause == 0 ]] || ! grep -q 'has not been used' "$SCRATCH/error"; then break; fi
    say "API только что включён и ещё не отвечает; повтор через $pause с." \
      "The API has just been switched on and does not answer yet; trying again in $pause s."
    sleep "$pause"
  done
  cat "$SCRATCH/error" >&2
  fail "Прочитать не удалось: gcloud $1 $2. Это не значит, что там пусто, поэтому дальше ничего не сделано. Устраните причину, названную выше (обычно это права или сеть), и повторите." \
    "Could not read: gcloud $1 $2. That does not mean that nothing is there, so nothing more was done. Remove the cause named above (mostly a permission or the network), and run this again."
}

api_of() { # the API behind a gcloud command group
  case $1 in
    projects) echo cloudresourcemanager ;; secrets) echo secretmanager ;; scheduler) echo cloudscheduler ;;
    alpha) echo monitoring ;; *) echo "$1" ;;
  esac
}

is_enabled() { [[ " $ENABLED " == *" $1 "* || $1 == services ]]; }

change() { # COMMAND…: runs it with our standard input, or prints it in a plan
  if planning; then
    quoted gcloud "$@" "--project=$PROJECT"
  else
    quoted + gcloud "$@" >&2
    attempt "$@" || failed "$@"
  fi
}

attempt() { gcloud "$@" "--project=$PROJECT" 2>&1 >/dev/null | tee "$SCRATCH/error" >&2; }

failed() { # COMMAND…
  local ru="" en=""
  case "$*" in
    *--no-invoker-iam-check*)
      ru=" Если отказано в публичном доступе, его запрещает политика организации run.managed.requireInvokerIam: попросите исключение для этого проекта."
      en=" If public access was refused, the organisation's policy run.managed.requireInvokerIam forbids it: ask for an exception for this project." ;;
  esac
  case "$*" in
    "run deploy"*)
      ru=" Если упала сборка, её журнал по ссылке выше; прежняя версия функции продолжает работать.$ru"
      en=" If the build failed, its log is linked above; the function's previous version keeps serving.$en" ;;
    *@gcp-sa-pubsub*)
      ru=" Сервисный агент Pub/Sub не появился: проверьте, включён ли API pubsub.googleapis.com."
      en=" Pub/Sub's service agent has not appeared: see whether the API pubsub.googleapis.com is on." ;;
  esac
  fail "Не удалась команда: gcloud $1 $2 $3. Дальше ничего не сделано.$ru Устраните причину и повторите: сделанное не повторится." \
    "Failed: gcloud $1 $2 $3. Nothing after it was done.$en Remove the cause and run this again: what is done is not done twice."
}

create() { # EXISTING NAME GROUP ID FLAG…: `gcloud GROUP create ID FLAG…`, unless NAME is among the existing
  local existing=$1 name=$2 group
  read -ra group <<<"$3"
  if has "$existing" "$name"; then return; fi
  FRESH+=$'\n'"$3 $name" # its policy is known to be empty
  change "${group[@]}" create "${@:4}"
}

grant() { # GROUP RESOURCE ROLE ACCOUNT [FLAG…]: a binding, unless it stands already
  local group policy="" flags=("${@:5}") pause
  read -ra group <<<"$1"
  if [[ $1 == projects && $# == 4 ]]; then flags=(--condition=None); fi
  if ! has "$FRESH" "$1 $2"; then
    policy_of "$1" "$2"
    policy=$POLICY
  fi
  if has "$policy" "$3 serviceAccount:$4"; then return; fi
  if [[ $4 == "$AGENT" && -z $AGENT_CREATED ]]; then
    AGENT_CREATED=1
    change beta services identity create --service=pubsub.googleapis.com
  fi
  local command=("${group[@]}" add-iam-policy-binding "$2" "--role=$3" "--member=serviceAccount:$4"
    ${flags[@]+"${flags[@]}"})
  if [[ $1 == "run services" ]]; then command+=("--region=$REGION"); fi
  if planning; then change "${command[@]}" && return; fi
  quoted + gcloud "${command[@]}" >&2
  for pause in 2 4 8 16 30 0; do # a new account is not known everywhere at once
    if attempt "${command[@]}"; then return; fi
    if [[ $pause == 0 ]] || ! grep -qE 'does not exist|concurrent policy' "$SCRATCH/error"; then break; fi
    say "Новая учётная запись ещё не разошлась по Google Cloud; повтор через $pause с." \
      "The new account is not known everywhere yet; trying again in $pause s."
    sleep "$pause"
  done
  failed "${command[@]}"
}

policy_of() { # GROUP RESOURCE → POLICY: lines "ROLE MEMBER"; the last one read is kept
  local group flags=()
  if [[ ${POLICY_OF:-} == "$1 $2" ]]; then return; fi
  read -ra group <<<"$1"
  if [[ $1 == "run services" ]]; then flags=("--region=$REGION"); fi
  fetch POLICY "${group[@]}" get-iam-policy "$2" ${flags[@]+"${flags[@]}"} --flatten='bindings[].members' \
    --format='value[separator=" "](bindings.role,bindings.members)'
  POLICY_OF="$1 $2"
}

# --- Secrets --------------------------------------------------------------------------------------

trimmed() { # TEXT
  local text="${1#"${1%%[![:space:]]*}"}"
  printf %s "${text%"${text##*[![:space:]]}"}"
}

hold() { printf -v "$1_$2" %s "$3"; } # what is known of a setting: hold version SETTING 3; held version SETTING
held() { local name="$1_$2" && printf %s "${!name:-}"; }

read_versions() { # SETTING: holds `versions`, the enabled ones, newest first, and `version`, the newest
  local listed="" enabled
  if has "$SECRETS" "$(secret_of "$1")"; then
    fetch listed secrets versions list "$(secret_of "$1")" \
      --format='value[separator=" "](name.basename(),state)'
  fi
  enabled=$(awk 'tolower($2) == "enabled" {print $1}' <<<"$listed" | sort -rn)
  hold versions "$1" "$enabled"
  hold version "$1" "${enabled%%$'\n'*}"
}

read_value() { # VARIABLE SETTING VERSION
  fetch "$1" secrets versions access "$3" "--secret=$(secret_of "$2")"
}

ask_for() { # SETTING → GIVEN, from the environment or the hidden prompt; empty if from neither
  GIVEN=$(trimmed "${!1:-}")
  if [[ -n $GIVEN || -n $YES || ! -t 0 ]]; then return; fi
  IFS= read -rsp "$1: " GIVEN && echo >&2
  GIVEN=$(trimmed "$GIVEN")
}

decide_secret() { # SETTING required|optional: what is stored, or a value to store; before anything is changed
  local stored=""
  read_versions "$1"
  if [[ -n $(held version "$1") ]]; then
    GIVEN=$(trimmed "${!1:-}")
    if [[ -z $GIVEN ]]; then return; fi
    read_value stored "$1" "$(held version "$1")"
    if [[ $(trimmed "$stored") != "$GIVEN" ]]; then
      say "! $1: в Secret Manager другое значение; оно и остаётся. Сменить: ./deploy.sh rotate $1" \
        "! $1: Secret Manager holds another value, and keeps it. To change it: ./deploy.sh rotate $1"
    fi
    return
  fi
  if [[ $2 == optional ]]; then GIVEN=$(trimmed "${!1:-}"); elif ! planning; then ask_for "$1"; fi
  hold value "$1" "$GIVEN"
  if [[ $2 == required && -z $GIVEN ]] && ! planning; then
    misuse "$1 не сохранён в Secret Manager и не задан: задайте переменную окружения с этим именем." \
      "$1 is neither stored in Secret Manager nor given: set the environment variable of that name."
  fi
}

store_secret() { # SETTING ACCOUNT…: the secret, its first version, and who may read it
  local name account
  name=$(secret_of "$1")
  create "$SECRETS" "$name" secrets "$name" --replication-policy=automatic
  if [[ -z $(held version "$1") ]]; then add_version "$1" "$(held value "$1")"; fi
  for account in "${@:2}"; do
    grant secrets "$name" roles/secretmanager.secretAccessor "$account"
  done
}

add_version() { # SETTING VALUE
  change secrets versions add "$(secret_of "$1")" --data-file=- < <(printf %s "$2")
  if planning; then hold version "$1" VERSION && return; fi
  SECRETS+=$'\n'$(secret_of "$1")
  read_versions "$1"
}

# --- The steps of a deployment --------------------------------------------------------------------

deploy_all() { # FUNCTION…, none of them named: all
  local name
  step "Что уже есть" "What is there already"
  look_around
  decide_secrets "$@"
  enable_apis
  create_accounts
  create_store
  create_secrets
  create_topics
  read_services
  for name in $FUNCTIONS; do
    if [[ $# == 0 || " $* " == *" $name "* ]]; then "deploy_$(role_of "$name")" "$name"; fi
  done
  if ! planning; then farewell; fi
}

look_around() { # which APIs are on, who Pub/Sub's agent is, what is stored
  local listed number
  fetch listed services list --enabled --format='value(config.name,name.basename())'
  ENABLED=$(tr '\n\t' '  ' <<<"${listed//.googleapis.com/}")
  if [[ -n $READ_ONLY ]] && ! is_enabled cloudresourcemanager; then
    number=$(gcloud projects describe "$PROJECT" --format='value(projectNumber)' 2>/dev/null) || number=""
  else
    fetch number projects describe "$PROJECT" --format='value(projectNumber)'
  fi
  AGENT="service-${number:-PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
  if is_enabled secretmanager; then read_secrets; fi
}

read_secrets() { fetch SECRETS secrets list --format='value(name.basename())'; }

decide_secrets() { # FUNCTION…: before anything is changed
  local need=optional
  if [[ " $* " == *" resync_users "* ]]; then need=required; fi
  decide_secret $TOKEN required
  decide_secret $INCOMING $need
  WITH_INCOMING=$(held version $INCOMING)$(held value $INCOMING)
  if [[ -z $WITH_INCOMING ]]; then
    say "! $INCOMING не задан: resync_users и его расписание не развёртываются, потерянные порталом события никто не найдёт. Задайте его и повторите deploy." \
      "! $INCOMING is not given: resync_users and its schedule are left out, and nobody will find the events that the portal lost. Set it and run deploy again."
  fi
}

enable_apis() {
  local api missing=()
  step "API" "APIs"
  for api in $APIS; do
    if ! is_enabled "$api"; then missing+=("$api.googleapis.com"); fi
  done
  if [[ ${#missing[@]} -gt 0 ]]; then
    change services enable "${missing[@]}"
    if ! planning; then JUST_ENABLED=1 && look_around; fi
  fi
}

create_accounts() { # one a role, and what they may do in the project itself
  local accounts role roles="receiver consumers push build"
  step "Сервисные аккаунты" "Service accounts"
  if [[ -n $WITH_INCOMING ]]; then roles+=" resync scheduler"; fi
  fetch accounts iam service-accounts list --format='value(email)'
  for role in $roles; do
    create "$accounts" "$(account_of "$role")" "iam service-accounts" "$PREFIX-$role" \
      "--display-name=Bitrix24 gateway: $role"
  done
  grant projects "$PROJECT" roles/run.builder "$(account_of build)"
  for role in consumers ${WITH_INCOMING:+resync}; do
    grant projects "$PROJECT" roles/datastore.user "$(account_of "$role")" "--condition=$STORE_CONDITION"
  done
  grant "iam service-accounts" "$(account_of push)" roles/iam.serviceAccountTokenCreator "$AGENT"
}

create_store() {
  local databases fields=""
  step "Firestore" "Firestore"
  fetch databases firestore databases list --format='value(name.basename())'
  if has "$databases" "$DATABASE"; then
    fetch fields firestore fields ttls list "--database=$DATABASE" --collection-group=processed_events \
      --format='value(name.basename())'
  else
    change firestore databases create "--database=$DATABASE" "--location=$REGION" --type=firestore-native \
      --delete-protection
  fi
  if ! has "$fields" "$EXPIRY_FIELD"; then
    change firestore fields ttls update "$EXPIRY_FIELD" --collection-group=processed_events \
      "--database=$DATABASE" --enable-ttl --async
  fi
}

create_secrets() {
  step "Секреты" "Secrets"
  store_secret $TOKEN "$(account_of receiver)"
  if [[ -n $WITH_INCOMING ]]; then
    store_secret $INCOMING "$(account_of consumers)" "$(account_of resync)"
  fi
}

create_topics() {
  local topics
  step "Pub/Sub" "Pub/Sub"
  fetch topics pubsub topics list --format='value(name.basename())'
  read_subscriptions
  create "$topics" "$TOPIC" "pubsub topics" "$TOPIC"
  grant "pubsub topics" "$TOPIC" roles/pubsub.publisher "$(account_of receiver)"
  if [[ -n $WITH_INCOMING ]]; then
    grant "pubsub topics" "$TOPIC" roles/pubsub.publisher "$(account_of resync)"
  fi
  create "$topics" "$DEAD" "pubsub topics" "$DEAD"
  grant "pubsub topics" "$DEAD" roles/pubsub.publisher "$AGENT"
  # Without a subscription of its own, what reaches the dead-letter topic vanishes.
  create "$(cut -d'|' -f1 <<<"$SUBSCRIPTIONS")" "$DEAD" "pubsub subscriptions" "$DEAD" "--topic=$DEAD" \
    --expiration-period=never --message-retention-duration=31d --ack-deadline=60
}

deploy_consumers() { # FUNCTION
  local service
  service=$(service_of "$1")
  step "$1" "$1"
  deploy_function "$1" "$TIMEOUT" --invoker-iam-check --no-allow-unauthenticated
  grant "run services" "$service" roles/run.invoker "$(account_of push)"
  subscribe "$1"
  grant "pubsub subscriptions" "$service" roles/pubsub.subscriber "$AGENT"
}

deploy_resync() {
  if [[ -z $WITH_INCOMING ]]; then return; fi
  step resync_users resync_users
  if [[ -z ${BITRIX24_DOMAIN:-$(running resync_users BITRIX24_DOMAIN)} ]]; then
    say "! BITRIX24_DOMAIN не задан: без имени портала resync_users не сможет его опросить." \
      "! BITRIX24_DOMAIN is not set: without the portal's name resync_users cannot poll it."
  fi
  deploy_function resync_users 1800 --invoker-iam-check --no-allow-unauthenticated
  grant "run services" "$(service_of resync_users)" roles/run.invoker "$(account_of scheduler)"
  schedule_resync
}

deploy_receiver() { # last: nothing may be published before somebody listens
  step bitrix_webhook bitrix_webhook
  require_listeners
  exclude_tokens_from_logs
  deploy_function bitrix_webhook 10 --no-invoker-iam-check
  if ! planning && ! is_public bitrix_webhook; then
    fail "Публичный доступ к bitrix_webhook не появился: Битрикс24 получит 403. Чаще всего его запрещает политика организации run.managed.requireInvokerIam: попросите исключение для этого проекта и повторите." \
      "bitrix_webhook did not become public: Bitrix24 will get 403. Mostly the organisation's policy run.managed.requireInvokerIam forbids it: ask for an exception for this project and run this again."
  fi
}

farewell() {
  if [[ -z $(url_of bitrix_webhook) ]]; then return; fi
  say "✔ Готово. Адрес для Битрикс24 (Разработчикам → Другое → Исходящий вебхук → «URL вашего обработчика»):" \
    "✔ Done. The address for Bitrix24 (Developer resources → Other → Outbound webhook → \"Your handler URL\"):"
  echo "$(url_of bitrix_webhook)/api/bitrix/webhook"
  say "Проверьте настоящими запросами: ./deploy.sh smoke" "Make sure with real requests: ./deploy.sh smoke"
}

# --- Cloud Run ------------------------------------------------------------------------------------

read_services() { # SERVICES: a line "NAME|URL|CONDITIONS|PUBLIC|…" for each variable of each service
  local env='spec.template.spec.containers[0].env' fields
  fields="metadata.name,status.url,status.conditions.status.list()"
  fields+=",metadata.annotations.'run.googleapis.com/invoker-iam-disabled',metadata.labels.deployed"
  fields+=",spec.template.spec.serviceAccountName,spec.template.spec.timeoutSeconds"
  fields+=",spec.template.spec.containerConcurrency"
  fields+=",$env.name,$env.value,$env.valueFrom.secretKeyRef.name,$env.valueFrom.secretKeyRef.key"
  fetch SERVICES run services list "--region=$REGION" "--flatten=${env}[]" "--format=value[separator='|']($fields)"
}

live() { # FUNCTION: its lines in SERVICES
  awk -F'|' -v service="$(service_of "$1")" '$1 == service' <<<"$SERVICES"
}

url_of() { live "$1" | awk -F'|' 'NR == 1 {print $2}'; } # FUNCTION
is_ready() { live "$1" | awk -F'|' 'END {exit !(NR && $3 !~ /False|Unknown/)}'; }
is_public() { live "$1" | awk -F'|' 'END {exit !(tolower($4) == "true")}'; }
pinned() { live "$1" | awk -F'|' -v name="$2" '$9 == name {print $12}'; }  # FUNCTION SETTING: a version
running() { live "$1" | awk -F'|' -v name="$2" '$9 == name {print $10}'; } # FUNCTION SETTING: a value

environment_of() { # FUNCTION: lines "NAME|VALUE|SECRET|VERSION", sorted
  local name value
  {
    echo "THREADS|$CONCURRENCY||" # as many as requests at once, or a stalled queue lines them up
    if [[ $1 != on_* ]]; then echo "QUEUE_URL|pubsub://$PROJECT/$TOPIC||"; fi
    if [[ $1 != bitrix_webhook ]]; then echo "DATABASE_URL|firestore://$PROJECT/$DATABASE||"; fi
    for name in BITRIX24_DOMAIN BITRIX24_TELEGRAM_FIELD_NAME LOG_LANGUAGE; do
      value=${!name:-$(running "$1" "$name")} # what is not given stays as it runs
      if [[ -n $value ]]; then echo "$name|$value||"; fi
    done
    if [[ $1 == bitrix_webhook ]]; then
      echo "$TOKEN||$(secret_of $TOKEN)|$(held version $TOKEN)"
    elif [[ -n $WITH_INCOMING ]]; then
      echo "$INCOMING||$(secret_of $INCOMING)|$(held version $INCOMING)"
    fi
  } | LC_ALL=C sort
}

deploy_function() { # FUNCTION TIMEOUT ACCESS-FLAG…: unless what runs is what is wanted
  local service account env variables secrets label
  service=$(service_of "$1")
  account=$(account_of "$(role_of "$1")")
  env=$(environment_of "$1")
  variables=$(awk -F'|' '$3 == "" {print $1 "=" $2}' <<<"$env" | paste -sd, -)
  secrets=$(awk -F'|' '$3 != "" {print $1 "=" $3 ":" $4}' <<<"$env" | paste -sd, -)
  if [[ -n $secrets ]]; then secrets=--set-secrets=$secrets; else secrets=--clear-secrets; fi
  local build=(--source=. "--function=$1" "--base-image=$RUNTIME" "--memory=$MEMORY"
    "--min-instances=$MIN_INSTANCES" "--max-instances=$MAX_INSTANCES"
    "--build-service-account=projects/$PROJECT/serviceAccounts/$(account_of build)")
  if [[ -z $SOURCE ]]; then SOURCE=$(source_digest); fi
  label=$(digest <<<"$SOURCE ${build[*]}") # of what `read_services` does not show
  if runs_as_wanted "$1" "$label|$account|$2|$CONCURRENCY" "$env" "${@:3}"; then return; fi
  if [[ -z $(url_of "$1") ]]; then FRESH+=$'\n'"run services $service"; fi
  change run deploy "$service" "${build[@]}" "--region=$REGION" "--service-account=$account" "--timeout=$2" \
    "--concurrency=$CONCURRENCY" "--set-env-vars=$variables" "$secrets" "${@:3}" "--labels=deployed=$label"
  if ! planning; then read_services; fi
}

runs_as_wanted() { # FUNCTION "LABEL|ACCOUNT|TIMEOUT|CONCURRENCY" ENVIRONMENT ACCESS-FLAG…
  local wanted
  wanted=$(awk -v facts="$2" '{print facts "|" $0}' <<<"$3")
  if [[ $4 == --no-invoker-iam-check ]]; then is_public "$1" || return 1; else ! is_public "$1" || return 1; fi
  is_ready "$1" && [[ $(live "$1" | cut -d'|' -f5- | LC_ALL=C sort) == "$wanted" ]]
}

source_digest() { # of all that would be uploaded
  local files file
  files=$(gcloud meta list-files-for-upload . | LC_ALL=C sort)
  while IFS= read -r file; do echo "$file" && cat "$file"; done <<<"$files" | digest
}

digest() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c1-16; }

# --- Subscriptions, schedule, logs ----------------------------------------------------------------

read_subscriptions() { # SUBSCRIPTIONS: a line each, as `subscribe` wants it
  local fields="name.basename(),topic.basename(),filter,pushConfig.pushEndpoint"
  fields+=",pushConfig.oidcToken.serviceAccountEmail,pushConfig.oidcToken.audience"
  fields+=",deadLetterPolicy.deadLetterTopic.basename(),deadLetterPolicy.maxDeliveryAttempts"
  fields+=",ackDeadlineSeconds,retryPolicy.minimumBackoff,retryPolicy.maximumBackoff,expirationPolicy.ttl"
  fetch SUBSCRIPTIONS pubsub subscriptions list "--format=value[separator='|']($fields)"
}

subscription() { awk -F'|' -v name="$1" '$1 == name' <<<"$SUBSCRIPTIONS"; } # NAME: its line

subscribe() { # CONSUMER
  local name url filter found wanted immutable flags
  name=$(service_of "$1")
  url=$(url_of "$1")
  url=${url:-https://ADDRESS-OF-$name}
  filter="attributes.event = \"$(event_of "$1")\""
  flags=("--push-endpoint=$url/projects/$PROJECT/topics/$TOPIC" # the topic becomes the CloudEvent's source
    "--push-auth-service-account=$(account_of push)" "--push-auth-token-audience=$url"
    "--dead-letter-topic=$DEAD" --max-delivery-attempts=10 "--ack-deadline=$ACK_DEADLINE"
    --min-retry-delay=10s --max-retry-delay=600s --expiration-period=never)
  wanted="$name|$TOPIC|$filter|$url/projects/$PROJECT/topics/$TOPIC|$(account_of push)|$url|$DEAD|10"
  wanted+="|$ACK_DEADLINE|10s|600s|"
  immutable="$name|$TOPIC|$filter|"
  found=$(subscription "$name")
  if [[ -z $found ]]; then
    FRESH+=$'\n'"pubsub subscriptions $name"
    change pubsub subscriptions create "$name" "--topic=$TOPIC" "--message-filter=$filter" "${flags[@]}"
  elif [[ $found != "$immutable"* ]]; then
    fail "Подписка $name отличается там, где изменить её нельзя. Есть: $(cut -d'|' -f2-3 <<<"$found"); нужно: $TOPIC|$filter. Удалите её (gcloud pubsub subscriptions delete $name --project=$PROJECT; недоставленные сообщения пропадут) и повторите deploy." \
      "Subscription $name differs in what can't be updated. It has: $(cut -d'|' -f2-3 <<<"$found"); wanted: $TOPIC|$filter. Delete it (gcloud pubsub subscriptions delete $name --project=$PROJECT; its undelivered messages are lost) and run deploy again."
  elif [[ $found != "$wanted" ]]; then
    say "! Подписка $name изменилась, возвращаю как надо. Было: $found" "! Subscription $name has drifted, putting it right. It was: $found"
    change pubsub subscriptions update "$name" "${flags[@]}"
  fi
  LISTENING+=" $1"
}

require_listeners() {
  local consumer absent=""
  for consumer in on_user_update on_user_add; do
    if [[ " $LISTENING " != *" $consumer "* ]]; then
      if [[ -n $(subscription "$(service_of $consumer)") ]]; then LISTENING+=" $consumer"; else absent+=" $consumer"; fi
    fi
  done
  if [[ -z ${LISTENING// /} ]]; then
    fail "Ни один обработчик не слушает: события, принятые bitrix_webhook, пропали бы. Сначала: ./deploy.sh deploy on_user_update on_user_add" \
      "No consumer listens: what bitrix_webhook accepts would be lost. First: ./deploy.sh deploy on_user_update on_user_add"
  elif [[ -n $absent ]]; then
    say "! Не слушают и своих событий не получат:$absent" "! Not listening, and missing their events:$absent"
  fi
}

schedule_resync() {
  local job url jobs found wanted flags verb=update
  job=$(service_of resync_users)
  url=$(url_of resync_users)
  url=${url:-https://ADDRESS-OF-$job}
  fetch jobs scheduler jobs list "--location=$REGION" \
    --format="value[separator='|'](name.basename(),schedule,httpTarget.uri,httpTarget.oidcToken.serviceAccountEmail,httpTarget.oidcToken.audience,attemptDeadline)"
  found=$(awk -F'|' -v name="$job" '$1 == name' <<<"$jobs")
  wanted="$job|$SCHEDULE|$url/|$(account_of scheduler)|$url|1800s"
  if [[ $found == "$wanted" ]]; then return; fi
  if [[ -z $found ]]; then verb=create; fi
  flags=("--schedule=$SCHEDULE" "--uri=$url/" --http-method=POST "--attempt-deadline=1800s"
    "--oidc-service-account-email=$(account_of scheduler)" "--oidc-token-audience=$url")
  change scheduler jobs "$verb" http "$job" "--location=$REGION" "${flags[@]}"
}

exclude_tokens_from_logs() { # a robot's only place for its token is the address, which Cloud Run logs
  local filter found verb=add
  filter="resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"$(service_of bitrix_webhook)\""
  filter+=" AND httpRequest.requestUrl=~\"[?&]token=\""
  fetch found logging sinks describe _Default --flatten='exclusions[]' \
    --format="value[separator='|'](exclusions.name,exclusions.filter)"
  if has "$found" "$EXCLUSION|$filter"; then return; fi
  if [[ $'\n'$found == *$'\n'"$EXCLUSION|"* ]]; then verb=update; fi
  change logging sinks update _Default "--$verb-exclusion=name=$EXCLUSION,filter=$filter"
}

# --- Other commands -------------------------------------------------------------------------------

show_url() {
  read_services
  if [[ -z $(url_of bitrix_webhook) ]]; then
    fail "bitrix_webhook ещё не развёрнут: ./deploy.sh deploy" "bitrix_webhook is not deployed yet: ./deploy.sh deploy"
  fi
  echo "$(url_of bitrix_webhook)/api/bitrix/webhook"
}

smoke() { # real requests: the only proof that Google's side lets in whom it should
  local name url status
  read_services
  for name in $FUNCTIONS; do
    url=$(url_of "$name")
    if [[ -z $url && $name == resync_users ]]; then continue; fi
    if [[ -z $url ]]; then problem "$name не развёрнут" "$name is not deployed" && continue; fi
    if [[ $name == bitrix_webhook ]]; then url+=/api/bitrix/webhook; fi
    status=$(curl --silent --max-time 30 --output "$SCRATCH/body" --write-out '%{http_code}' --data '' "$url" || true)
    if [[ $name == bitrix_webhook && $status == 401 ]] && grep -q TOKEN_NOT_FOUND "$SCRATCH/body"; then
      say "✔ $name: без токена 401 TOKEN_NOT_FOUND" "✔ $name: 401 TOKEN_NOT_FOUND without a token"
    elif [[ $name != bitrix_webhook && $status == 403 ]]; then
      say "✔ $name: посторонним 403" "✔ $name: 403 to strangers"
    else
      problem "$name: ответ $status. Ждут 401 TOKEN_NOT_FOUND от bitrix_webhook без токена, 403 от остальных. Повторите ./deploy.sh deploy $name" \
        "$name: answered $status. Expected: 401 TOKEN_NOT_FOUND from bitrix_webhook without a token, 403 from the others. Run ./deploy.sh deploy $name again"
    fi
  done
  [[ $PROBLEMS == 0 ]]
}

check() {
  local api name
  look_around
  say "✔ gcloud $GCLOUD, проект $PROJECT доступен" "✔ gcloud $GCLOUD, project $PROJECT can be read"
  read_services
  read_subscriptions
  if [[ -z $SERVICES || $'\n'$SERVICES != *$'\n'"$PREFIX-"* ]]; then
    say "✔ Ничего ещё не развёрнуто; что сделает deploy, покажет ./deploy.sh plan" \
      "✔ Nothing is deployed yet; ./deploy.sh plan shows what deploy would do"
    return
  fi
  for api in $APIS; do
    if ! is_enabled "$api"; then problem "API $api.googleapis.com выключен" "API $api.googleapis.com is off"; fi
  done
  for name in $FUNCTIONS; do check_function "$name"; done
  if [[ -z $(subscription "$DEAD") ]]; then
    problem "Нет подписки $DEAD: недоставленные сообщения пропадают" "No subscription $DEAD: dead letters vanish"
  fi
  if [[ $PROBLEMS != 0 ]]; then
    fail "Что не так: $PROBLEMS. Исправит ./deploy.sh deploy; что именно он сделает, покажет ./deploy.sh plan" \
      "Problems: $PROBLEMS. ./deploy.sh deploy puts it right; ./deploy.sh plan shows what it would do"
  fi
}

check_function() { # FUNCTION
  local line service
  service=$(service_of "$1")
  if [[ -z $(url_of "$1") ]]; then
    if [[ $1 == resync_users ]]; then
      say "· resync_users не развёрнут: без $INCOMING его нет" "· resync_users is not deployed: it takes $INCOMING"
    else
      problem "$1 не развёрнут" "$1 is not deployed"
    fi
    return
  fi
  if ! is_ready "$1"; then problem "$1 не готов: последняя версия не запустилась" "$1 is not ready: its last revision did not start"; fi
  if [[ $1 == bitrix_webhook ]]; then
    if ! is_public "$1"; then problem "$1 закрыт для Битрикс24" "$1 is closed to Bitrix24"; fi
  elif is_public "$1"; then
    problem "$1 открыт всем" "$1 is open to everybody"
  fi
  if [[ $1 == on_* ]]; then
    line=$(subscription "$service")
    if [[ $line != "$service|$TOPIC|attributes.event = \"$(event_of "$1")\"|$(url_of "$1")/"*"|$DEAD|"*"|" ]]; then
      problem "Подписка $service не та: ${line:-её нет}" "Subscription $service is not as it should be: ${line:-absent}"
    fi
  fi
  if [[ $PROBLEMS == 0 ]]; then say "✔ $1" "✔ $1"; fi
}

rotate() { # SETTING
  read_secrets
  read_versions "$1"
  if [[ -z $(held version "$1") ]]; then
    fail "$1 ещё не сохранён: сначала ./deploy.sh deploy" "$1 is not stored yet: first ./deploy.sh deploy"
  fi
  read_services
  if [[ -n $FINISH ]]; then finish_rotation "$1"; else start_rotation "$1"; fi
}

start_rotation() { # SETTING
  local stored new
  ask_for "$1"
  if [[ -z $GIVEN ]]; then
    misuse "Новое значение $1 не задано: задайте переменную окружения с этим именем." \
      "The new value of $1 is not given: set the environment variable of that name."
  fi
  read_value stored "$1" "$(held version "$1")"
  new=$GIVEN
  if [[ $1 == "$TOKEN" ]]; then new=$(accept_both "$stored" "$GIVEN"); fi
  if [[ $new != "$stored" ]]; then add_version "$1" "$new"; fi
  roll "$1"
  if [[ $1 == "$TOKEN" ]]; then
    say "✔ Принимаются и старый, и новый токены. Теперь в Битрикс24 удалите старый исходящий вебхук (Разработчикам → Интеграции), новый оставьте. Когда старый удалён: ./deploy.sh rotate $1 --finish" \
      "✔ Both the old and the new token are accepted. Now delete the old outbound webhook in Bitrix24 (Developer resources → Integrations) and leave the new one. When the old one is gone: ./deploy.sh rotate $1 --finish"
  else
    say "✔ Функции обращаются к порталу с новым вебхуком. Теперь в Битрикс24 удалите старый входящий вебхук (Разработчикам → Интеграции). Когда он удалён: ./deploy.sh rotate $1 --finish" \
      "✔ The functions call the portal with the new webhook. Now delete the old inbound webhook in Bitrix24 (Developer resources → Integrations). When it is gone: ./deploy.sh rotate $1 --finish"
  fi
}

accept_both() { # STORED NEW, lists with commas: the kept tokens, the new ones, then those that --finish drops
  local token kept="" added="" dropped="" stored=",${1// /}," new=",${2// /},"
  while IFS= read -r token; do
    if [[ -z $token ]]; then continue; fi
    if [[ $stored != *",$token,"* ]]; then added+=",$token"; else kept+=",$token"; fi
  done < <(tr , '\n' <<<"$new")
  if [[ -z $added ]]; then printf %s "$1" && return; fi # accepted already: a repeated call goes on from here
  while IFS= read -r token; do
    if [[ -n $token && $new != *",$token,"* ]]; then dropped+=",$token"; fi
  done < <(tr , '\n' <<<"$stored")
  token="$kept$added$dropped"
  printf %s "${token#,}"
}

finish_rotation() { # SETTING: newest version without the old tokens; older versions disabled
  local versions previous newest before keep version
  versions=$(held versions "$1")
  previous=$(sed -n 2p <<<"$versions")
  if [[ -z $previous ]]; then
    say "✔ Завершать нечего: у $1 одна действующая версия." "✔ Nothing to finish: $1 has one enabled version."
    return
  fi
  if [[ $1 == "$TOKEN" ]]; then
    read_value newest "$1" "$(held version "$1")"
    read_value before "$1" "$previous"
    keep=$(drop_old "$newest" "$before")
    if [[ $keep != "$newest" ]]; then add_version "$1" "$keep"; fi
  fi
  roll "$1"
  for version in $versions; do
    if [[ $version != "$(held version "$1")" ]]; then
      change secrets versions disable "$version" "--secret=$(secret_of "$1")"
    fi
  done
  say "✔ Действует только новое значение $1; прежние версии отключены." \
    "✔ Only the new value of $1 is in force; the versions before it are disabled."
}

drop_old() { # NEWEST BEFORE: what `accept_both` put last, after the last token that was not there before
  local token keep="" pending=""
  while IFS= read -r token; do
    pending+=",$token"
    if [[ ",$2," != *",$token,"* ]]; then keep+=$pending pending=""; fi
  done < <(tr , '\n' <<<"$1")
  keep=${keep#,}
  printf %s "${keep:-$1}"
}

roll() { # SETTING: its newest version into every function that holds it
  local name secret version
  secret=$(secret_of "$1")
  version=$(held version "$1")
  for name in $FUNCTIONS; do
    if [[ -n $(pinned "$name" "$1") && $(pinned "$name" "$1") != "$version" ]]; then
      change run services update "$(service_of "$name")" "--region=$REGION" "--update-secrets=$1=$secret:$version"
    fi
  done
}

alerts() { # the files of deploy/alerts: the log-based metrics first, as the policies stand on them
  local file text metrics policies found
  fetch metrics logging metrics list --format="value[separator='|'](name,description)"
  fetch policies alpha monitoring policies list \
    --format="value[separator='|'](displayName,name,userLabels.content)"
  for file in deploy/alerts/metrics/*.yaml; do
    text=$(rendered "$file")
    found=$(awk -F'|' -v name="$(alert_name "$file")" '$1 == name' <<<"$metrics")
    if [[ -z $found ]]; then
      change logging metrics create "$(alert_name "$file")" --config-from-file=- <<<"$text"
    elif [[ $found != *"$(content_of "$text")"* ]]; then
      change logging metrics update "$(alert_name "$file")" --config-from-file=- <<<"$text"
    fi
  done
  for file in deploy/alerts/policies/*.yaml; do
    text=$(rendered "$file")
    found=$(awk -F'|' -v name="$(alert_name "$file")" '$1 == name' <<<"$policies")
    if [[ -z $found ]]; then
      change alpha monitoring policies create --policy-from-file=- <<<"$text"
    elif [[ $found != *"|$(content_of "$text")" ]]; then
      change alpha monitoring policies update "$(cut -d'|' -f2 <<<"$found")" --policy-from-file=- <<<"$text"
    fi
  done
  if planning; then return; fi
  say "✔ Оповещения на месте. Каналы: ${ALERT_CHANNELS:-не заданы (ALERT_CHANNELS), видно только в консоли}" \
    "✔ The alerts are in place. Channels: ${ALERT_CHANNELS:-none (ALERT_CHANNELS), so they show in the console alone}"
}

alert_name() { echo "$PREFIX-$(basename "$1" .yaml)"; } # FILE
content_of() { sed -n 's/.*\(content-[0-9a-f]*\).*/\1/p' <<<"$1" | head -1; } # RENDERED

rendered() { # FILE: with this deployment's names, and a digest of the text to know it again
  local text
  text=$(sed -e "s|@PREFIX@|$PREFIX|g; s|@METRIC@|${PREFIX//-/_}|g; s|@CHANNELS@|[${ALERT_CHANNELS:-}]|g" "$1")
  echo "${text//@CONTENT@/content-$(digest <<<"$text")}"
}

destroy() {
  local role name listed
  confirm_destruction
  read_secrets
  read_services
  read_subscriptions
  for name in bitrix_webhook resync_users on_user_update on_user_add; do # the one that publishes goes first
    if [[ -n $(url_of "$name") ]]; then change run services delete "$(service_of "$name")" "--region=$REGION"; fi
  done
  fetch listed scheduler jobs list "--location=$REGION" --format='value(name.basename())'
  remove "$listed" "$(service_of resync_users)" scheduler jobs delete "--location=$REGION"
  listed=$(cut -d'|' -f1 <<<"$SUBSCRIPTIONS")
  for name in "$(service_of on_user_update)" "$(service_of on_user_add)" "$DEAD"; do
    remove "$listed" "$name" pubsub subscriptions delete
  done
  fetch listed pubsub topics list --format='value(name.basename())'
  for name in "$TOPIC" "$DEAD"; do remove "$listed" "$name" pubsub topics delete; done
  revoke_roles
  fetch listed iam service-accounts list --format='value(email)'
  for role in $ROLES; do remove "$listed" "$(account_of "$role")" iam service-accounts delete; done
  fetch listed logging sinks describe _Default --flatten='exclusions[]' --format='value(exclusions.name)'
  if has "$listed" "$EXCLUSION"; then change logging sinks update _Default "--remove-exclusions=$EXCLUSION"; fi
  remove_alerts
  if planning; then return; fi
  say "✔ Удалено. Остались база Firestore $DATABASE, секреты, архивы и образы сборок gcloud." \
    "✔ Removed. What stays: the Firestore database $DATABASE, the secrets, gcloud's archives and images."
}

confirm_destruction() {
  local answer
  if [[ -n $YES ]] || planning; then return; fi
  if [[ ! -t 0 ]]; then
    misuse "destroy спрашивает подтверждение, а терминала нет: добавьте --yes." \
      "destroy asks for a confirmation, and there is no terminal: add --yes."
  fi
  say "Удалить шлюз $PREFIX из проекта $PROJECT ($REGION)? Введите имя проекта:" \
    "Remove the gateway $PREFIX from project $PROJECT ($REGION)? Type the project's name:"
  read -r answer
  if [[ $answer != "$PROJECT" ]]; then fail "Ничего не удалено." "Nothing was removed."; fi
}

remove() { # EXISTING NAME COMMAND… [FLAG…]: NAME follows the command's words
  local words=() flags=() word
  if ! has "$1" "$2"; then return; fi
  for word in "${@:3}"; do
    if [[ $word == --* ]]; then flags+=("$word"); else words+=("$word"); fi
  done
  change "${words[@]}" "$2" ${flags[@]+"${flags[@]}"}
}

revoke_roles() { # what the deletions above leave behind
  local role setting
  revoke projects "$PROJECT" roles/run.builder "$(account_of build)" --all
  for role in consumers resync; do
    revoke projects "$PROJECT" roles/datastore.user "$(account_of "$role")" --all
  done
  for setting in $TOKEN $INCOMING; do
    if ! has "$SECRETS" "$(secret_of "$setting")"; then continue; fi
    for role in receiver consumers resync; do
      revoke secrets "$(secret_of "$setting")" roles/secretmanager.secretAccessor "$(account_of "$role")"
    done
  done
}

revoke() { # GROUP RESOURCE ROLE ACCOUNT [FLAG…]
  policy_of "$1" "$2"
  if ! has "$POLICY" "$3 serviceAccount:$4"; then return; fi
  change "$1" remove-iam-policy-binding "$2" "--role=$3" "--member=serviceAccount:$4" "${@:5}"
}

remove_alerts() {
  local listed name gateway
  fetch listed alpha monitoring policies list --format="value[separator='|'](name,userLabels.gateway)"
  while IFS='|' read -r name gateway; do
    if [[ $gateway == "$PREFIX" ]]; then change alpha monitoring policies delete "$name" </dev/null; fi
  done <<<"$listed"
  fetch listed logging metrics list --format='value(name)'
  for name in deploy/alerts/metrics/*.yaml; do
    remove "$listed" "$(alert_name "$name")" logging metrics delete
  done
}

# --- The command line -----------------------------------------------------------------------------

read_command_line() { # WORD…: COMMAND and WORDS, the switches, and the options as FLAG_NAME
  local word flag name
  while [[ $# -gt 0 ]]; do
    word=$1
    shift
    case $word in
      -h | --help) if english; then usage_en; else usage_ru; fi && exit 0 ;;
      --yes) YES=1 ;;
      --dry-run) DRY_RUN=1 ;;
      --finish) FINISH=1 ;;
      -*)
        flag=${word%%=*}
        name=$(tr '[:lower:]-' '[:upper:]_' <<<"${flag#--}")
        if [[ " $OPTIONS " != *" $name "* ]]; then misuse "Неизвестный флаг: $flag." "Unknown flag: $flag."; fi
        if [[ $word != *=* ]]; then
          if [[ $# == 0 ]]; then misuse "Нет значения после $flag." "$flag lacks its value."; fi
          word=$flag=$1
          shift
        fi
        hold FLAG "$name" "${word#*=}"
        ;;
      *) if [[ -z $COMMAND ]]; then COMMAND=$word; else WORDS+=("$word"); fi ;;
    esac
  done
  if [[ $COMMAND == plan || (-z $COMMAND && -n $DRY_RUN) ]]; then COMMAND=deploy DRY_RUN=1; fi
}

read_settings() { # the flags above the environment above deploy.env
  local name value line number=0
  for name in $OPTIONS; do
    value=$(held FLAG "$name")
    if [[ -n $value ]]; then printf -v "$name" %s "$value"; fi
  done
  if [[ ! -f deploy.env ]]; then return; fi
  while IFS= read -r line || [[ -n $line ]]; do
    number=$((number + 1))
    line=$(trimmed "$line")
    if [[ -z $line || $line == \#* ]]; then continue; fi
    name=${line%%=*}
    if [[ $line != *=* || " $SETTINGS " != *" $name "* ]]; then
      misuse "deploy.env, строка $number: ожидается ИМЯ=значение, имя из: $SETTINGS. Секретам там не место." \
        "deploy.env, line $number: expected NAME=value, a name of: $SETTINGS. Secrets do not belong there."
    fi
    value=${line#*=}
    value=${value#[\"\']}
    if [[ -z ${!name:-} ]]; then printf -v "$name" %s "${value%[\"\']}"; fi
  done <deploy.env
}

expect() { # NAME PATTERN RUSSIAN ENGLISH: the value of a setting, or wrong use
  if [[ ! ${!1:-} =~ ^$2$ ]]; then misuse "$1: ожидается $3." "$1: expected $4."; fi
}

settle() { # defaults, forms, and the names that follow from them
  RUNTIME=${RUNTIME:-python312} MEMORY=${MEMORY:-512Mi} CONCURRENCY=${CONCURRENCY:-80} TIMEOUT=${TIMEOUT:-60}
  MIN_INSTANCES=${MIN_INSTANCES:-0} MAX_INSTANCES=${MAX_INSTANCES:-10} SCHEDULE=${SCHEDULE:-*/30 * * * *}
  PREFIX=${PREFIX:-b24}
  expect PROJECT '[a-z][a-z0-9-]{4,28}[a-z0-9]' "имя проекта (--project, PROJECT или deploy.env)" "the project's id (--project, PROJECT or deploy.env)"
  expect REGION '[a-z]+-[a-z]+[0-9]+' "регион, например europe-west1 (--region, REGION или deploy.env)" "a region such as europe-west1 (--region, REGION or deploy.env)"
  expect PREFIX '[a-z][a-z0-9-]{0,11}' "до 12 строчных букв, цифр и дефисов, сначала буква" "up to 12 lower-case letters, digits and dashes, a letter first"
  expect RUNTIME 'python3[0-9]+' "python3NN" "python3NN"
  expect MEMORY '[0-9]+[MG]i' "объём памяти, например 512Mi" "a size such as 512Mi"
  expect CONCURRENCY '[1-9][0-9]{0,2}' "число от 1 до 999" "a number from 1 to 999"
  expect MIN_INSTANCES '[0-9]{1,3}' "число" "a number"
  expect MAX_INSTANCES '[1-9][0-9]{0,3}' "число от 1" "a number from 1"
  expect TIMEOUT '([1-9][0-9]?|[1-5][0-9][0-9])' "число секунд от 1 до 599" "seconds from 1 to 599"
  expect SCHEDULE '[^|]+' "расписание cron" "a cron schedule"
  expect BITRIX24_DOMAIN '[A-Za-z0-9.:/-]*' "имя портала, например p.bitrix24.ru" "the portal's name, such as p.bitrix24.ru"
  expect BITRIX24_TELEGRAM_FIELD_NAME '[A-Za-z0-9_]*' "имя поля, например UF_USR_TELEGRAM" "a field's name, such as UF_USR_TELEGRAM"
  expect LOG_LANGUAGE '(ru|en|)' "ru или en" "ru or en"
  ACK_DEADLINE=$((TIMEOUT < 10 ? 10 : TIMEOUT > 590 ? 600 : TIMEOUT + 10))
  TOPIC=$PREFIX-events DEAD=$PREFIX-dead-letters DATABASE=$PREFIX-links EXCLUSION=$PREFIX-token-in-address
  STORE_CONDITION="expression=resource.name==\"projects/$PROJECT/databases/$DATABASE\",title=$DATABASE"
}

require_gcloud() {
  if ! command -v gcloud >/dev/null; then
    fail "Не найден gcloud: установите Google Cloud SDK $OLDEST_GCLOUD или новее и войдите (gcloud auth login)." \
      "gcloud is not there: install Google Cloud SDK $OLDEST_GCLOUD or later and log in (gcloud auth login)."
  fi
  GCLOUD=$(gcloud version --format='value("Google Cloud SDK")')
  if [[ ! $GCLOUD =~ ^[0-9]+ || ${GCLOUD%%.*} -lt $OLDEST_GCLOUD ]]; then
    fail "Google Cloud SDK ${GCLOUD:-?} слишком старый: нужен $OLDEST_GCLOUD или новее (gcloud components update)." \
      "Google Cloud SDK ${GCLOUD:-?} is too old: $OLDEST_GCLOUD or later is needed (gcloud components update)."
  fi
  if [[ -e Dockerfile ]]; then
    fail "Рядом с deploy.sh лежит Dockerfile, с ним --base-image не работает: уберите его." \
      "There is a Dockerfile beside deploy.sh, and --base-image does not work with one: remove it."
  fi
}

check_words() { # the words after the command
  local word
  case $COMMAND in
    deploy)
      for word in ${WORDS[@]+"${WORDS[@]}"}; do
        if [[ " $FUNCTIONS " != *" $word "* ]]; then
          misuse "Нет функции $word; есть: $FUNCTIONS." "There is no function $word; there are: $FUNCTIONS."
        fi
      done ;;
    rotate)
      if [[ ${#WORDS[@]} != 1 || (${WORDS[0]} != "$TOKEN" && ${WORDS[0]} != "$INCOMING") ]]; then
        misuse "rotate ждёт $TOKEN или $INCOMING." "rotate takes $TOKEN or $INCOMING."
      fi ;;
    check | smoke | url | alerts | destroy)
      if [[ ${#WORDS[@]} != 0 ]]; then misuse "Лишнее: ${WORDS[*]}." "Too much: ${WORDS[*]}."; fi ;;
    *) misuse "Нет команды «$COMMAND»." "There is no command \"$COMMAND\"." ;;
  esac
  if [[ -n $FINISH && $COMMAND != rotate ]]; then misuse "--finish бывает у rotate." "--finish goes with rotate."; fi
}

main() { # WORD…
  COMMAND="" WORDS=() YES="" DRY_RUN="" FINISH="" READ_ONLY="" PROBLEMS=0
  ENABLED="" JUST_ENABLED="" SECRETS="" FRESH="" AGENT_CREATED="" LISTENING="" SOURCE="" POLICY="" POLICY_OF="" GIVEN=""
  read_command_line "$@"
  read_settings
  check_words
  settle
  SCRATCH=$(mktemp -d)
  trap 'rm -rf "$SCRATCH"' EXIT
  require_gcloud
  if [[ $COMMAND == check || ($COMMAND == deploy && -n $DRY_RUN) ]]; then READ_ONLY=1; fi
  case $COMMAND in
    deploy) deploy_all ${WORDS[@]+"${WORDS[@]}"} ;;
    rotate) rotate "${WORDS[0]}" ;;
    url) show_url ;;
    *) "$COMMAND" ;;
  esac
}

main "$@"
