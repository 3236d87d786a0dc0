# shellcheck shell=bash
# The steps of a deployment, and what each kind of function needs around it.

deploy_all() { # [FUNCTION…]: all of them if none is named
  local name
  step STEP_LOOK
  look_around
  if is_enabled run; then read_services; fi
  settle_forwarding
  decide_secrets "$@"
  for name in "$@"; do require_settings "$name"; done
  enable_apis
  create_accounts
  create_store
  create_secrets
  create_topics
  for name in $FUNCTIONS; do
    if [[ $# == 0 || " $* " == *" $name "* ]]; then deploy_one "$name"; fi
  done
  if ! planning; then farewell; fi
}

settle_forwarding() { FORWARD_TO=${FORWARD_TO:-$(running "$(functions_of forwarder)" FORWARD_TO)}; } # as given, else as deployed

require_settings() { # FUNCTION, named on the command line
  if ! is_wanted "$(kind_of "$1")"; then misuse FUNCTION_NEEDS "$1" "$(setting_of "$(kind_of "$1")")"; fi
}

deploy_one() { # FUNCTION, unless a setting that it needs is missing
  if ! is_wanted "$(kind_of "$1")"; then return; fi
  step STEP_FUNCTION "$1"
  "deploy_$(kind_of "$1")" "$1"
}

deploy_consumer() { # FUNCTION
  deploy_function "$1" "$TIMEOUT" "$MAX_INSTANCES" --invoker-iam-check --no-allow-unauthenticated
  grant "run services" "$(service_of "$1")" roles/run.invoker "$(account_of push)"
  subscribe "$1" "$(subscription_of "$1")" "attributes.event = \"$(event_of "$1")\"" "$ACK_DEADLINE" 10
  LISTENING+=" $1"
}

# FUNCTION. One instance, so that no destination gets more than four deliveries at once. The time limit is far above
# what waiting and a delivery take (handlers/forward.py): a delivery that is cut off may be made twice.
deploy_forwarder() {
  local id filter
  deploy_function "$1" 300 1 --invoker-iam-check --no-allow-unauthenticated
  grant "run services" "$(service_of "$1")" roles/run.invoker "$(account_of push)"
  while IFS='|' read -r id filter; do
    subscribe "$1" "$(subscription_of "$1")-$id" "$filter" 310 100 </dev/null
  done < <(destinations)
  remove_stale_destinations "$1"
}

deploy_private() { # FUNCTION: callers are granted roles/run.invoker by hand, see docs/deploy.md
  deploy_function "$1" 30 "$MAX_INSTANCES" --invoker-iam-check --no-allow-unauthenticated
}

deploy_schedule() { # FUNCTION. One instance, so that no two rounds run at once.
  # The whole address of the incoming webhook names the portal too.
  if [[ -z ${BITRIX24_DOMAIN:-$(running "$1" BITRIX24_DOMAIN)} && ${!INCOMING:-} != */rest/* ]]; then
    warn NO_DOMAIN
  fi
  deploy_function "$1" 1800 1 --invoker-iam-check --no-allow-unauthenticated
  grant "run services" "$(service_of "$1")" roles/run.invoker "$(account_of scheduler)"
  schedule "$1"
}

schedule() { # FUNCTION
  local job url jobs current wanted flags verb=update
  job=$(service_of "$1")
  url=$(url_of "$1")
  url=${url:-https://ADDRESS-OF-$job}
  fetch jobs scheduler jobs list "--location=$REGION" \
    --format="value[separator='|'](name.basename(),schedule,httpTarget.uri,httpTarget.oidcToken.serviceAccountEmail,httpTarget.oidcToken.audience,attemptDeadline)"
  current=$(awk -F'|' -v name="$job" '$1 == name' <<<"$jobs")
  wanted="$job|$SCHEDULE|$url/|$(account_of scheduler)|$url|1800s"
  if [[ $current == "$wanted" ]]; then return; fi
  if [[ -z $current ]]; then verb=create; fi
  flags=("--schedule=$SCHEDULE" "--uri=$url/" --http-method=POST "--attempt-deadline=1800s"
    "--oidc-service-account-email=$(account_of scheduler)" "--oidc-token-audience=$url")
  change scheduler jobs "$verb" http "$job" "--location=$REGION" "${flags[@]}"
}

deploy_receiver() { # FUNCTION; deployed last: nothing may be published before a consumer listens
  require_listeners
  exclude_tokens_from_logs
  deploy_function "$1" 10 "$MAX_INSTANCES" --no-invoker-iam-check
  if ! planning && ! is_public "$1"; then fail NOT_PUBLIC; fi
}

farewell() {
  if [[ -z $(url_of bitrix_webhook) ]]; then return; fi
  good DONE
  echo "$(url_of bitrix_webhook)/api/bitrix/webhook"
  say DONE_SMOKE
}
