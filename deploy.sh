#!/usr/bin/env bash
# Deploys the gateway on Google Cloud: ./deploy.sh --help; the guide is docs/deploy.md.
#
# Options and dispatch are here, each subject is a file of deploy/lib. Start with functions.sh, the steps of a
# deployment.
if [ -z "${BASH_VERSION:-}" ]; then exec bash "$0" "$@"; fi # called as `sh deploy.sh`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

source deploy/lib/texts.sh
source deploy/lib/names.sh
source deploy/lib/settings.sh
source deploy/lib/gcloud.sh
source deploy/lib/roles.sh
source deploy/lib/secrets.sh
source deploy/lib/store.sh
source deploy/lib/queue.sh
source deploy/lib/run.sh
source deploy/lib/logs.sh
source deploy/lib/functions.sh
source deploy/lib/check.sh
source deploy/lib/rotate.sh
source deploy/lib/alerts.sh
source deploy/lib/destroy.sh

# This script asks its own questions, and switches APIs on in one place.
export CLOUDSDK_CORE_DISABLE_PROMPTS=1
export CLOUDSDK_CORE_SHOULD_PROMPT_TO_ENABLE_API=0
# gcloud's own log would keep what it prints, secrets included.
export CLOUDSDK_CORE_DISABLE_FILE_LOGGING=1
# Nothing that is started here inherits a secret.
export -n BITRIX24_OUTGOING_WEBHOOK_TOKEN BITRIX24_WEBHOOK_TOKEN FORWARD_SECRET LINKS_API_TOKEN DATABASE_URL

read_command_line() { # WORD…: set COMMAND and WORDS, the switches, and the options as FLAG_NAME
  local word flag name
  while [[ $# -gt 0 ]]; do
    word=$1
    shift
    case $word in
      -h | --help) if english; then usage_en; else usage_ru; fi && exit 0 ;;
      --yes) YES=1 ;;
      --dry-run) DRY_RUN=1 ;;
      --finish) FINISH=1 ;;
      --offline) OFFLINE=1 ;;
      -*)
        flag=${word%%=*}
        name=$(tr '[:lower:]-' '[:upper:]_' <<<"${flag#--}")
        if [[ " $OPTIONS " != *" $name "* ]]; then misuse UNKNOWN_FLAG "$flag"; fi
        if [[ $word != *=* ]]; then
          if [[ $# == 0 ]]; then misuse FLAG_WITHOUT_VALUE "$flag"; fi
          word=$flag=$1
          shift
        fi
        remember FLAG "$name" "${word#*=}"
        ;;
      *) if [[ -z $COMMAND ]]; then COMMAND=$word; else WORDS+=("$word"); fi ;;
    esac
  done
  if [[ $COMMAND == plan || (-z $COMMAND && -n $DRY_RUN) ]]; then COMMAND=deploy DRY_RUN=1; fi
}

check_words() { # check the words after the command
  local word
  case $COMMAND in
    deploy)
      for word in ${WORDS[@]+"${WORDS[@]}"}; do
        if [[ " $FUNCTIONS " != *" $word "* ]]; then
          misuse NO_FUNCTION "$word" "$FUNCTIONS"
        fi
      done ;;
    rotate)
      if [[ ${#WORDS[@]} != 1 || " $SECRET_SETTINGS " != *" ${WORDS[0]} "* ]]; then
        misuse ROTATE_TAKES "$SECRET_SETTINGS"
      fi ;;
    check | smoke | url | alerts | destroy)
      if [[ ${#WORDS[@]} != 0 ]]; then misuse TOO_MUCH "${WORDS[*]}"; fi ;;
    *) misuse NO_COMMAND "$COMMAND" ;;
  esac
  if [[ -n $FINISH && $COMMAND != rotate ]]; then misuse FINISH_ROTATE; fi
  if [[ -n $OFFLINE && ($COMMAND != deploy || -z $DRY_RUN) ]]; then misuse OFFLINE_PLAN; fi
}

main() { # WORD…
  COMMAND="" WORDS=() YES="" DRY_RUN="" FINISH="" OFFLINE="" READ_ONLY="" NEW_PROJECT="" PROBLEMS=0
  ENABLED="" JUST_ENABLED="" SECRETS="" FRESH="" AGENT_CREATED="" LISTENING="" SOURCE="" POLICY="" POLICY_OF="" GIVEN="" EXCLUSIONS="" SERVICES=""
  read_command_line "$@"
  read_settings
  check_words
  settle
  SCRATCH=$(mktemp -d)
  trap 'rm -rf "$SCRATCH"' EXIT
  if [[ -z $OFFLINE ]]; then require_gcloud; else say PLAN_OFFLINE "$PROJECT" "$REGION"; fi
  if [[ $COMMAND == check || ($COMMAND == deploy && -n $DRY_RUN) ]]; then READ_ONLY=1; fi
  case $COMMAND in
    deploy) deploy_all ${WORDS[@]+"${WORDS[@]}"} ;;
    rotate) rotate "${WORDS[0]}" ;;
    url) show_url ;;
    *) "$COMMAND" ;;
  esac
}

main "$@"
