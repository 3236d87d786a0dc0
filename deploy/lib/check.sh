# shellcheck shell=bash
# Looking at a deployment: url, smoke, check.

show_url() {
  read_services
  if [[ -z $(url_of bitrix_webhook) ]]; then
    fail NO_RECEIVER
  fi
  echo "$(url_of bitrix_webhook)/api/bitrix/webhook"
}

smoke() { # send real requests: only they prove whom Google lets in
  local name kind url status
  read_services
  for name in $FUNCTIONS; do
    url=$(url_of "$name")
    kind=$(kind_of "$name")
    if [[ -z $url && ($kind == schedule || $kind == forwarder || $kind == private) ]]; then continue; fi
    if [[ -z $url ]]; then problem NOT_DEPLOYED "$name" && continue; fi
    if [[ $kind == receiver ]]; then url+=/api/bitrix/webhook; fi
    status=$(curl --silent --max-time 30 --output "$SCRATCH/body" --write-out '%{http_code}' --data '' "$url" || true)
    if [[ $kind == receiver && $status == 401 ]] && grep -q TOKEN_NOT_FOUND "$SCRATCH/body"; then
      good SMOKE_RECEIVER "$name"
    elif [[ $kind != receiver && $status == 403 ]]; then
      good SMOKE_CLOSED "$name"
    else
      problem SMOKE_WRONG "$name" "$status"
    fi
  done
  [[ $PROBLEMS == 0 ]]
}

check() { # tick what is there, name what is not; the log-in first, because nothing can be read without it
  local name
  check_login
  look_around
  good PROJECT_READ "$PROJECT"
  read_services
  read_subscriptions
  if [[ $'\n'$SERVICES != *$'\n'"$PREFIX-"* ]]; then NEW_PROJECT=1; fi
  check_apis
  check_resources
  for name in $FUNCTIONS; do check_function "$name"; done
  if [[ -n $NEW_PROJECT ]]; then good NOTHING_DEPLOYED && return; fi
  if [[ $PROBLEMS != 0 ]]; then fail PROBLEMS "$PROBLEMS"; fi
  good ALL_THERE
}

check_login() {
  local account
  good GCLOUD_THERE "$GCLOUD"
  account=$(gcloud auth list --filter=status:ACTIVE --format='value(account)' 2>/dev/null)
  account=${account:-$(gcloud config get-value auth/access_token_file 2>/dev/null)}
  if [[ -z $account ]]; then fail NO_LOGIN; fi
  good LOGGED_IN "$account"
}

check_apis() {
  local api off=0
  for api in $APIS; do
    if ! is_enabled "$api"; then
      off=$((off + 1))
      missing API "$api.googleapis.com"
    fi
  done
  if [[ $off == 0 ]]; then good APIS_ON; fi
}

check_resources() {
  local listed role setting
  for setting in $SECRET_SETTINGS; do
    if has "$SECRETS" "$(secret_of "$setting")"; then
      remember version "$setting" stored
      good SECRET "$setting"
    elif [[ $setting == "$TOKEN" ]]; then
      missing SECRET "$setting"
    fi
  done
  settle_forwarding
  fetch listed iam service-accounts list --format='value(email)'
  for role in $(wanted_roles); do tick "$listed" "$(account_of "$role")" ACCOUNT "$PREFIX-$role"; done
  if on_firestore; then
    fetch listed firestore databases list --format='value(name.basename())'
    tick "$listed" "$DATABASE" STORE "$DATABASE"
  fi
  fetch listed pubsub topics list --format='value(name.basename())'
  tick "$listed" "$TOPIC" TOPIC "$TOPIC"
  tick "$listed" "$DEAD" TOPIC "$DEAD"
  if [[ -n $(subscription "$DEAD") ]]; then good SUBSCRIPTION "$DEAD"; else missing NO_DEAD_LETTERS "$DEAD"; fi
  read_exclusions
  tick "$EXCLUSIONS" "$EXCLUSION|$(exclusion_filter)" LOG_EXCLUSION "$EXCLUSION"
}

tick() { # LINES LINE KEY FACT…
  if has "$1" "$2"; then good "${@:3}"; else missing "${@:3}"; fi
}

missing() { # KEY FACT…: a problem; before the first deployment only a note
  if [[ -n $NEW_PROJECT ]]; then note MISSING "$(text "$@")"; else problem MISSING "$(text "$@")"; fi
}

check_function() { # FUNCTION
  local kind id filter problems_before=$PROBLEMS
  kind=$(kind_of "$1")
  if ! is_wanted "$kind"; then
    note NOT_WANTED "$1" "$(setting_of "$kind")"
    return
  fi
  if [[ -z $(url_of "$1") ]]; then missing FUNCTION "$1" && return; fi
  if ! is_ready "$1"; then problem NOT_READY "$1"; fi
  if [[ $kind == receiver ]]; then
    if ! is_public "$1"; then problem CLOSED "$1"; fi
  elif is_public "$1"; then
    problem OPEN "$1"
  fi
  if [[ $kind == consumer ]]; then
    check_subscription "$1" "$(subscription_of "$1")" "attributes.event = \"$(event_of "$1")\""
  elif [[ $kind == forwarder ]]; then
    while IFS='|' read -r id filter; do
      check_subscription "$1" "$(subscription_of "$1")-$id" "$filter"
    done < <(destinations)
  fi
  if [[ $PROBLEMS == "$problems_before" ]]; then good FUNCTION "$1"; fi
}

check_subscription() { # FUNCTION NAME FILTER
  local line
  line=$(subscription "$2")
  if [[ $line != "$2|$TOPIC|$3|$(url_of "$1")/"*"|$DEAD|"*"|" ]]; then
    problem SUBSCRIPTION_WRONG "$2" "${line:-$(text ABSENT)}"
  fi
}
