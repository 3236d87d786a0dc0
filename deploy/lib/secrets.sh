# shellcheck shell=bash
# Secret Manager. A secret goes from the environment or a hidden prompt to gcloud's standard input, and
# nowhere else.

trimmed() { # TEXT
  local text="${1#"${1%%[![:space:]]*}"}"
  printf %s "${text%"${text##*[![:space:]]}"}"
}

remember() { printf -v "$1_$2" %s "$3"; } # what is known of a setting: remember version SETTING 3; recall version SETTING
recall() { local name="$1_$2" && printf %s "${!name:-}"; }
read_secrets() { fetch SECRETS secrets list --format='value(name.basename())'; }

read_versions() { # SETTING: remember `versions`, the enabled ones, newest first, and `version`, the newest
  local listed="" enabled
  if has "$SECRETS" "$(secret_of "$1")"; then
    fetch listed secrets versions list "$(secret_of "$1")" \
      --format='value[separator=" "](name.basename(),state)'
  fi
  enabled=$(awk 'tolower($2) == "enabled" {print $1}' <<<"$listed" | sort -rn)
  remember versions "$1" "$enabled"
  remember version "$1" "${enabled%%$'\n'*}"
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

decide_secrets() { # FUNCTION…: before anything is changed
  decide_secret "$TOKEN" required
  decide_secret "$INCOMING" "$(need_of_secret schedule "$@")"
  decide_secret FORWARD_SECRET optional
  decide_secret DATABASE_URL optional
  decide_secret LINKS_API_TOKEN "$(need_of_secret private "$@")"
  if ! is_given "$INCOMING"; then warn NO_INCOMING "$INCOMING"; fi
}

need_of_secret() { # KIND FUNCTION…: required if a function of this kind is named
  local kind=$1 name
  shift
  for name in "$@"; do
    if [[ $(kind_of "$name") == "$kind" ]]; then echo required && return; fi
  done
  echo optional
}

is_given() { [[ -n $(recall version "$1")$(recall value "$1") ]]; } # SETTING: stored, or about to be

decide_secret() { # SETTING required|optional: use what is stored, or remember a value to store
  local stored=""
  read_versions "$1"
  if [[ -n $(recall version "$1") ]]; then
    GIVEN=$(trimmed "${!1:-}")
    if [[ -z $GIVEN ]]; then return; fi
    read_value stored "$1" "$(recall version "$1")"
    if [[ $(trimmed "$stored") != "$GIVEN" ]]; then
      warn SECRET_DIFFERS "$1"
    fi
    return
  fi
  if [[ $2 == optional ]]; then GIVEN=$(trimmed "${!1:-}"); elif ! planning; then ask_for "$1"; fi
  warn_of_shape "$1"
  if [[ $2 == required && -z $GIVEN ]]; then
    if ! planning; then misuse SECRET_MISSING "$1"; fi
    GIVEN="given later" # a plan is made without it
  fi
  remember value "$1" "$GIVEN"
}

warn_of_shape() { # SETTING: no function starts with a wrong value, and Google's message does not say why
  case $1 in
    "$INCOMING") warn_unless "((https?://)?[^/[:space:]]+/rest/)?[0-9]+/[^/[:space:]'\"]+(/[^[:space:]]*)?" \
      "$1" "$(text EXPECTED_INCOMING)" ;;
    FORWARD_SECRET) warn_unless 'whsec_[A-Za-z0-9+/=_-]{22,}' "$1" "$(text EXPECTED_FORWARD_SECRET)" ;;
    LINKS_API_TOKEN) warn_unless '[^[:space:]]{16,}' "$1" "$(text EXPECTED_LINKS_API_TOKEN)" ;;
  esac
}

warn_unless() { # PATTERN SETTING EXPECTED
  if [[ -n $GIVEN && ! $GIVEN =~ ^$1$ ]]; then warn SECRET_SHAPE "$2" "$3"; fi
}

create_secrets() {
  local setting kind accounts
  step STEP_SECRETS
  for setting in $SECRET_SETTINGS; do
    accounts=()
    for kind in $(wanted_kinds receiver consumer schedule forwarder private); do
      if needs "$kind" "$setting"; then accounts+=("$(account_of "$(role_of "$kind")")"); fi
    done
    if is_given "$setting" && [[ ${#accounts[@]} -gt 0 ]]; then store_secret "$setting" "${accounts[@]}"; fi
  done
}

store_secret() { # SETTING ACCOUNT…: the secret, its first version, and who may read it
  local name account
  name=$(secret_of "$1")
  create "$SECRETS" "$name" secrets "$name" --replication-policy=automatic
  if [[ -z $(recall version "$1") ]]; then add_version "$1" "$(recall value "$1")"; fi
  for account in "${@:2}"; do
    grant secrets "$name" roles/secretmanager.secretAccessor "$account"
  done
}

add_version() { # SETTING VALUE
  change secrets versions add "$(secret_of "$1")" --data-file=- < <(printf %s "$2")
  if planning; then remember version "$1" VERSION && return; fi
  SECRETS+=$'\n'$(secret_of "$1")
  read_versions "$1"
}
