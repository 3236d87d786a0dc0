# shellcheck shell=bash
# Removing a deployment.

destroy() {
  local role name forwarder listed
  confirm_destruction
  read_secrets
  read_services
  read_subscriptions
  for name in $(functions_of receiver schedule consumer forwarder private); do # publishers before consumers
    if [[ -n $(url_of "$name") ]]; then change run services delete "$(service_of "$name")" "--region=$REGION"; fi
  done
  fetch listed scheduler jobs list "--location=$REGION" --format='value(name.basename())'
  for name in $(functions_of schedule); do
    remove "$listed" "$(service_of "$name")" scheduler jobs delete "--location=$REGION"
  done
  listed=$(cut -d'|' -f1 <<<"$SUBSCRIPTIONS")
  for name in $(functions_of consumer); do remove "$listed" "$(subscription_of "$name")" pubsub subscriptions delete; done
  for forwarder in $(functions_of forwarder); do
    for name in $(grep "^$(subscription_of "$forwarder")-" <<<"$listed" || true); do
      remove "$listed" "$name" pubsub subscriptions delete
    done
  done
  remove "$listed" "$DEAD" pubsub subscriptions delete
  fetch listed pubsub topics list --format='value(name.basename())'
  for name in "$TOPIC" "$DEAD"; do remove "$listed" "$name" pubsub topics delete; done
  revoke_roles
  fetch listed iam service-accounts list --format='value(email)'
  for role in $ROLES; do remove "$listed" "$(account_of "$role")" iam service-accounts delete; done
  fetch listed logging sinks describe _Default --flatten='exclusions[]' --format='value(exclusions.name)'
  if has "$listed" "$EXCLUSION"; then change logging sinks update _Default "--remove-exclusions=$EXCLUSION"; fi
  remove_alerts
  if planning; then return; fi
  good DESTROYED "$DATABASE"
}

confirm_destruction() {
  local answer
  if [[ -n $YES ]] || planning; then return; fi
  if [[ ! -t 0 ]]; then
    misuse DESTROY_ASKS
  fi
  say DESTROY_SURE "$PREFIX" "$PROJECT" "$REGION"
  read -r answer
  if [[ $answer != "$PROJECT" ]]; then fail DESTROY_NOT; fi
}
