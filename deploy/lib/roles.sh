# shellcheck shell=bash
# Who may do what: service accounts and their role bindings.

create_accounts() { # an account for each role, and its roles in the project
  local accounts role kind
  step STEP_ACCOUNTS
  fetch accounts iam service-accounts list --format='value(email)'
  for role in $(wanted_roles); do
    create "$accounts" "$(account_of "$role")" "iam service-accounts" "$PREFIX-$role" \
      "--display-name=Bitrix24 gateway: $role"
  done
  grant projects "$PROJECT" roles/run.builder "$(account_of build)"
  for kind in $(if on_firestore; then wanted_kinds consumer schedule forwarder private; fi); do
    grant projects "$PROJECT" "$(store_role_of "$kind")" "$(account_of "$(role_of "$kind")")" \
      "--condition=$STORE_CONDITION"
  done
  grant "iam service-accounts" "$(account_of push)" roles/iam.serviceAccountTokenCreator "$AGENT"
}

wanted_roles() { # the accounts that this deployment needs
  echo receiver consumers push build
  if is_wanted schedule; then echo resync scheduler; fi
  if is_wanted forwarder; then echo forward; fi
  if is_wanted private; then echo links; fi
}

store_role_of() { # KIND: find_link only reads
  if [[ $1 == private ]]; then echo roles/datastore.viewer; else echo roles/datastore.user; fi
}

grant() { # GROUP RESOURCE ROLE ACCOUNT [FLAG…]: a binding, unless it is there already
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
    say ACCOUNT_NOT_KNOWN "$pause"
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

revoke() { # GROUP RESOURCE ROLE ACCOUNT [FLAG…]
  policy_of "$1" "$2"
  if ! has "$POLICY" "$3 serviceAccount:$4"; then return; fi
  change "$1" remove-iam-policy-binding "$2" "--role=$3" "--member=serviceAccount:$4" "${@:5}"
}

revoke_roles() { # the bindings that `destroy` leaves behind when it deletes accounts
  local kind setting
  revoke projects "$PROJECT" roles/run.builder "$(account_of build)" --all
  for kind in consumer schedule forwarder private; do
    revoke projects "$PROJECT" "$(store_role_of "$kind")" "$(account_of "$(role_of "$kind")")" --all
  done
  for setting in $SECRET_SETTINGS; do
    if ! has "$SECRETS" "$(secret_of "$setting")"; then continue; fi
    for kind in receiver consumer schedule forwarder private; do
      if needs "$kind" "$setting"; then
        revoke secrets "$(secret_of "$setting")" roles/secretmanager.secretAccessor "$(account_of "$(role_of "$kind")")"
      fi
    done
  done
}
