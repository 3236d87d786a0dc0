# shellcheck shell=bash
# Reading and changing through gcloud. Two rules:
#   - `fetch` reads and `change` changes. A plan is a deployment whose `change` only prints.
#   - A failed read stops the script: what could not be read may exist.

APIS="run cloudbuild artifactregistry pubsub firestore secretmanager cloudscheduler iam iamcredentials \
cloudresourcemanager logging monitoring storage"
OLDEST_GCLOUD=511 # the first version whose `run deploy` has every flag used here

require_gcloud() {
  if ! command -v gcloud >/dev/null; then
    fail NO_GCLOUD "$OLDEST_GCLOUD"
  fi
  GCLOUD=$(gcloud version --format='value("Google Cloud SDK")')
  if [[ ! $GCLOUD =~ ^[0-9]+ || ${GCLOUD%%.*} -lt $OLDEST_GCLOUD ]]; then
    fail OLD_GCLOUD "${GCLOUD:-?}" "$OLDEST_GCLOUD"
  fi
  if [[ -e Dockerfile ]]; then
    fail DOCKERFILE
  fi
}

planning() { [[ -n $DRY_RUN ]]; }

fetch() { # VARIABLE COMMAND…: store what the reading command prints
  local variable=$1 answer pause
  shift
  if [[ -n $OFFLINE ]] || { [[ -n $READ_ONLY ]] && ! is_enabled "$(api_of "$1")"; }; then # nothing is there yet
    printf -v "$variable" "" && return
  fi
  for pause in 5 10 20 40 0; do
    if answer=$(gcloud "$@" "--project=$PROJECT" 2>"$SCRATCH/error"); then
      printf -v "$variable" %s "$answer" && return
    fi
    if [[ -z $JUST_ENABLED || $pause == 0 ]] || ! grep -q 'has not been used' "$SCRATCH/error"; then break; fi
    say API_NOT_ANSWERING "$pause"
    sleep "$pause"
  done
  cat "$SCRATCH/error" >&2
  fail NOT_READ "$1" "$2"
}

api_of() { # the API behind a gcloud command group
  case $1 in
    projects) echo cloudresourcemanager ;; secrets) echo secretmanager ;; scheduler) echo cloudscheduler ;;
    alpha) echo monitoring ;; *) echo "$1" ;;
  esac
}

is_enabled() { [[ " $ENABLED " == *" $1 "* || $1 == services ]]; }

change() { # COMMAND…: runs it with our standard input, or prints it in a plan
  if planning; then
    quoted gcloud "$@" "--project=$PROJECT"
  else
    quoted + gcloud "$@" >&2
    attempt "$@" || failed "$@"
  fi
}

attempt() { gcloud "$@" "--project=$PROJECT" 2>&1 >/dev/null | tee "$SCRATCH/error" >&2; }

failed() { # COMMAND…
  local hints=""
  case "$*" in "run deploy"*) hints+=" $(text HINT_BUILD)" ;; *@gcp-sa-pubsub*) hints+=" $(text HINT_AGENT)" ;; esac
  case "$*" in *--no-invoker-iam-check*) hints+=" $(text HINT_PUBLIC)" ;; esac
  fail FAILED "$1" "$2" "$3" "$hints"
}

create() { # EXISTING NAME GROUP ID FLAG…: `gcloud GROUP create ID FLAG…`, unless NAME is among the existing
  local existing=$1 name=$2 group
  read -ra group <<<"$3"
  if has "$existing" "$name"; then return; fi
  FRESH+=$'\n'"$3 $name" # its policy is known to be empty
  change "${group[@]}" create "${@:4}"
}

remove() { # EXISTING NAME COMMAND… [FLAG…]: NAME follows the command's words
  local words=() flags=() word
  if ! has "$1" "$2"; then return; fi
  for word in "${@:3}"; do
    if [[ $word == --* ]]; then flags+=("$word"); else words+=("$word"); fi
  done
  change "${words[@]}" "$2" ${flags[@]+"${flags[@]}"}
}

quoted() { # WORD…: as one line of shell
  local word line=""
  for word in "$@"; do
    if [[ -z $word || $word == *[!a-zA-Z0-9_./:=@,+-]* ]]; then word="'${word//\'/\'\\\'\'}'"; fi
    line+=" $word"
  done
  echo "${line# }"
}

has() { [[ $'\n'$1$'\n' == *$'\n'"$2"$'\n'* ]]; } # LINES LINE
sums() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; } # FILE…, or standard input
digest() { sums | cut -c1-16; }

look_around() { # read which APIs are on, which account is Pub/Sub's agent, and which secrets are stored
  local listed number
  fetch listed services list --enabled --format='value(config.name,name.basename())'
  ENABLED=$(tr '\n\t' '  ' <<<"${listed//.googleapis.com/}")
  if [[ -z $OFFLINE && -n $READ_ONLY ]] && ! is_enabled cloudresourcemanager; then
    number=$(gcloud projects describe "$PROJECT" --format='value(projectNumber)' 2>/dev/null) || number=""
  else
    fetch number projects describe "$PROJECT" --format='value(projectNumber)'
  fi
  AGENT="service-${number:-PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
  if is_enabled secretmanager; then read_secrets; fi
}

enable_apis() {
  local api missing=()
  step STEP_APIS
  for api in $APIS; do
    if ! is_enabled "$api"; then missing+=("$api.googleapis.com"); fi
  done
  if [[ ${#missing[@]} -gt 0 ]]; then
    change services enable "${missing[@]}"
    if ! planning; then JUST_ENABLED=1 && look_around; fi
  fi
}
