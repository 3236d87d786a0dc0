# shellcheck shell=bash
# The steps of a deployment, and what each kind of function needs around it.

deploy_all() { # FUNCTION…, none of them named: all
  local name
  step STEP_LOOK
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

deploy_consumers() { # FUNCTION
  local service
  service=$(service_of "$1")
  step STEP_FUNCTION "$1"
  deploy_function "$1" "$TIMEOUT" --invoker-iam-check --no-allow-unauthenticated
  grant "run services" "$service" roles/run.invoker "$(account_of push)"
  subscribe "$1"
  grant "pubsub subscriptions" "$service" roles/pubsub.subscriber "$AGENT"
}

deploy_resync() {
  if [[ -z $WITH_INCOMING ]]; then return; fi
  step STEP_FUNCTION resync_users
  if [[ -z ${BITRIX24_DOMAIN:-$(running resync_users BITRIX24_DOMAIN)} ]]; then
    warn NO_DOMAIN
  fi
  deploy_function resync_users 1800 --invoker-iam-check --no-allow-unauthenticated
  grant "run services" "$(service_of resync_users)" roles/run.invoker "$(account_of scheduler)"
  schedule_resync
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

deploy_receiver() { # last: nothing may be published before somebody listens
  step STEP_FUNCTION bitrix_webhook
  require_listeners
  exclude_tokens_from_logs
  deploy_function bitrix_webhook 10 --no-invoker-iam-check
  if ! planning && ! is_public bitrix_webhook; then
    fail NOT_PUBLIC
  fi
}

farewell() {
  if [[ -z $(url_of bitrix_webhook) ]]; then return; fi
  good DONE
  echo "$(url_of bitrix_webhook)/api/bitrix/webhook"
  say DONE_SMOKE
}
