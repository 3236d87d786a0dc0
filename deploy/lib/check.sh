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

check() {
  local api name
  look_around
  good PROJECT_READ "$GCLOUD" "$PROJECT"
  read_services
  read_subscriptions
  if [[ -z $SERVICES || $'\n'$SERVICES != *$'\n'"$PREFIX-"* ]]; then
    good NOTHING_DEPLOYED
    return
  fi
  for api in $APIS; do
    if ! is_enabled "$api"; then problem API_OFF "$api"; fi
  done
  for name in $FUNCTIONS; do check_function "$name"; done
  if [[ -z $(subscription "$DEAD") ]]; then
    problem NO_DEAD_LETTERS "$DEAD"
  fi
  if [[ $PROBLEMS != 0 ]]; then
    fail PROBLEMS "$PROBLEMS"
  fi
}

check_function() { # FUNCTION
  local line service
  service=$(service_of "$1")
  if [[ -z $(url_of "$1") ]]; then
    if [[ $1 == resync_users ]]; then
      note NO_RESYNC "$INCOMING"
    else
      problem NOT_DEPLOYED "$1"
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
  if [[ $PROBLEMS == 0 ]]; then good FUNCTION_RIGHT "$1"; fi
}
