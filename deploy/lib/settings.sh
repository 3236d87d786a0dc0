# shellcheck shell=bash
# The settings, checked, with defaults: the command line wins over the environment, that over deploy.env.

OPTIONS="PROJECT REGION PREFIX RUNTIME MIN_INSTANCES MAX_INSTANCES CONCURRENCY MEMORY TIMEOUT SCHEDULE"
SETTINGS="$OPTIONS ALERT_CHANNELS BITRIX24_DOMAIN BITRIX24_TELEGRAM_FIELD_NAME LOG_LANGUAGE FORWARD_TO"
PORT_PATTERN=':([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])'
# The first events of an address, as against a comment's first word.
FILTER_BEGINNING='([*]|O[Nn][A-Z]|on[a-z_]+[*])'

read_settings() { # a flag overrides the environment, and that overrides deploy.env
  local name value line number=0
  for name in $OPTIONS; do
    value=$(recall FLAG "$name")
    if [[ -n $value ]]; then printf -v "$name" %s "$value"; fi
  done
  if [[ ! -f deploy.env ]]; then return; fi
  while IFS= read -r line || [[ -n $line ]]; do
    number=$((number + 1))
    if [[ $number == 1 ]]; then line=${line#$'\xef\xbb\xbf'}; fi # Windows' editors begin a file with it
    line=$(trimmed "$line")
    if [[ -z $line || $line == \#* ]]; then continue; fi
    name=$(trimmed "${line%%=*}")
    if [[ $line != *=* || " $SETTINGS " != *" $name "* ]]; then
      misuse FILE_LINE "$number" "$SETTINGS"
    fi
    value=${line#*=}
    # Read as a comment, the wanted events would be lost, and the address would get all events.
    if [[ $name == FORWARD_TO && ${value#"${value%%[[:space:]]\#*}"} =~ ^[[:space:]]\#$FILTER_BEGINNING ]]; then
      misuse FILTER_APART "$number"
    fi
    value=$(trimmed "${value%%[[:space:]]\#*}") # without a comment behind it
    value=${value#[\"\']}
    if [[ -z ${!name:-} ]]; then printf -v "$name" %s "${value%[\"\']}"; fi
  done <deploy.env
}

expect() { # NAME PATTERN KEY: the setting's value matches, or this is wrong use
  if [[ ! ${!1:-} =~ ^$2$ ]]; then misuse EXPECTED "$1" "$(text "$3")"; fi
}

settle() { # set defaults, check values, and derive names from them
  RUNTIME=${RUNTIME:-python312} MEMORY=${MEMORY:-512Mi} CONCURRENCY=${CONCURRENCY:-80} TIMEOUT=${TIMEOUT:-60}
  MIN_INSTANCES=${MIN_INSTANCES:-0} MAX_INSTANCES=${MAX_INSTANCES:-10} SCHEDULE=${SCHEDULE:-*/30 * * * *}
  PREFIX=${PREFIX:-b24}
  if [[ -n $OFFLINE ]]; then PROJECT=${PROJECT:-my-project} REGION=${REGION:-europe-west1}; fi
  expect PROJECT '[a-z][a-z0-9-]{4,28}[a-z0-9]' EXPECTED_PROJECT
  expect REGION '[a-z]+-[a-z]+[0-9]+' EXPECTED_REGION
  expect PREFIX '[a-z][a-z0-9-]{0,11}' EXPECTED_PREFIX
  expect RUNTIME 'python3[0-9]+' EXPECTED_RUNTIME
  expect MEMORY '[0-9]+[MG]i' EXPECTED_MEMORY
  expect CONCURRENCY '[1-9][0-9]{0,2}' EXPECTED_CONCURRENCY
  expect MIN_INSTANCES '[0-9]{1,3}' EXPECTED_MIN_INSTANCES
  expect MAX_INSTANCES '[1-9][0-9]{0,3}' EXPECTED_MAX_INSTANCES
  expect TIMEOUT '([1-9][0-9]?|[1-5][0-9][0-9])' EXPECTED_TIMEOUT
  expect SCHEDULE '[^|]+' EXPECTED_SCHEDULE
  # What is accepted here, the functions accept too (gateway/setting_values.py, gateway/destinations.py), or they
  # would not start; and they see the same addresses in it.
  local label='([^[:punct:][:space:][:cntrl:]]|[_-])+' domain
  domain="$label(\.$label)+\.?"
  expect BITRIX24_DOMAIN "(((https?://)?$domain|(https://)?$domain$PORT_PATTERN)(/[A-Za-z0-9./-]*)?)?" EXPECTED_DOMAIN
  # Registries allow no name with letters of both alphabets: somebody typed a Cyrillic letter for a Latin one.
  local cyrillic=$'[\xd0\xd1][\x80-\xbf]'
  if (LC_ALL=C && [[ ${BITRIX24_DOMAIN:-} =~ [A-Za-z]${cyrillic}|${cyrillic}[A-Za-z] ]]); then
    misuse EXPECTED BITRIX24_DOMAIN "$(text EXPECTED_DOMAIN)"
  fi
  expect BITRIX24_TELEGRAM_FIELD_NAME '([A-Za-z][A-Za-z0-9_]{0,99})?' EXPECTED_FIELD
  expect LOG_LANGUAGE '(ru|en|)' EXPECTED_LOG_LANGUAGE
  local event='([A-Za-z0-9_]{1,100}[*]?|[*])' host='([^][/@#?:[:space:]|]+|\[[0-9A-Fa-f:.]+\])' destination
  destination="https://$host($PORT_PATTERN)?([/?][^#[:space:][:cntrl:]|]*)?(#($event(,$event)*)?)?"
  FORWARD_TO=${FORWARD_TO:-}
  # It becomes one line of a function's environment; chats and documents paste no-break spaces.
  FORWARD_TO=${FORWARD_TO//[$'\r\n\v\f']/ }
  FORWARD_TO=${FORWARD_TO//$'\xc2\xa0'/ }
  expect FORWARD_TO "[[:space:]]*($destination([[:space:]]+$destination)*)?[[:space:]]*" EXPECTED_FORWARD_TO
  # Taken for one address, two with a comma or a semicolon between them would reach nobody.
  if [[ $FORWARD_TO == *[,\;]http*://* ]]; then misuse EXPECTED FORWARD_TO "$(text EXPECTED_FORWARD_TO)"; fi
  # The tools' own DATABASE_URL names the Firestore database that is made here: nothing to store.
  if [[ ${DATABASE_URL:-} != postgres*://* ]]; then DATABASE_URL=""; fi
  ACK_DEADLINE=$((TIMEOUT < 10 ? 10 : TIMEOUT > 590 ? 600 : TIMEOUT + 10))
  TOPIC=$PREFIX-events DEAD=$PREFIX-dead-letters DATABASE=$PREFIX-links EXCLUSION=$PREFIX-token-in-address
  STORE_CONDITION="expression=resource.name==\"projects/$PROJECT/databases/$DATABASE\",title=$DATABASE"
}
