# shellcheck shell=bash
# Looking at a deployment: url, smoke, check.

show_url() {
  read_services
  if [[ -z $(url_of bitrix_webhook) ]]; then
    fail NO_RECEIVER
  fi
  echo "$(url_of bitrix_webhook)/api/bitrix/webhook"
}

smoke() { # real requests: the only proof that Google's side lets in whom it should
  local name url status
  read_services
  for name in $FUNCTIONS; do
    url=$(url_of "$name")
    if [[ -z $url && $name == resync_users ]]; then continue; fi
    if [[ -z $url ]]; then problem NOT_DEPLOYED "$name" && continue; fi
    if [[ $name == bitrix_webhook ]]; then url+=/api/bitrix/webhook; fi
    status=$(curl --silent --max-time 30 --output "$SCRATCH/body" --write-out '%{http_code}' --data '' "$url" || true)
    if [[ $name == bitrix_webhook && $status == 401 ]] && grep -q TOKEN_NOT_FOUND "$SCRATCH/body"; then
      good SMOKE_RECEIVER "$name"
    elif [[ $name != bitrix_webhook && $status == 403 ]]; then
      good SMOKE_CLOSED "$name"
    else
      problem SMOKE_WRONG "$name" "$status"
    fi
  done
  [[ $PROBLEMS == 0 ]]
}

check() { # ticks what is there, names what is not; the log-in first, as without one nothing can be read
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
  local listed role roles="receiver consumers push build"
  tick "$SECRETS" "$(secret_of $TOKEN)" SECRET "$TOKEN"
  if has "$SECRETS" "$(secret_of $INCOMING)"; then
    good SECRET "$INCOMING"
    roles+=" resync scheduler"
  fi
  fetch listed iam service-accounts list --format='value(email)'
  for role in $roles; do tick "$listed" "$(account_of "$role")" ACCOUNT "$PREFIX-$role"; done
  fetch listed firestore databases list --format='value(name.basename())'
  tick "$listed" "$DATABASE" STORE "$DATABASE"
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

missing() { # KEY FACT…: a fault of what was deployed, or what a first deployment will make
  if [[ -n $NEW_PROJECT ]]; then note MISSING "$(text "$@")"; else problem MISSING "$(text "$@")"; fi
}

check_function() { # FUNCTION
  local line service problems_before=$PROBLEMS
  service=$(service_of "$1")
  if [[ -z $(url_of "$1") ]]; then
    if [[ $1 == resync_users ]] && ! has "$SECRETS" "$(secret_of $INCOMING)"; then
      note NO_RESYNC "$INCOMING"
    else
      missing FUNCTION "$1"
    fi
    return
  fi
  if ! is_ready "$1"; then problem NOT_READY "$1"; fi
  if [[ $1 == bitrix_webhook ]]; then
    if ! is_public "$1"; then problem CLOSED "$1"; fi
  elif is_public "$1"; then
    problem OPEN "$1"
  fi
  if [[ $1 == on_* ]]; then
    line=$(subscription "$service")
    if [[ $line != "$service|$TOPIC|attributes.event = \"$(event_of "$1")\"|$(url_of "$1")/"*"|$DEAD|"*"|" ]]; then
      problem SUBSCRIPTION_WRONG "$service" "${line:-$(text ABSENT)}"
    fi
  fi
  if [[ $PROBLEMS == "$problems_before" ]]; then good FUNCTION "$1"; fi
}
