# shellcheck shell=bash
# The functions on Cloud Run.

read_services() { # SERVICES: a line "NAME|URL|CONDITIONS|PUBLIC|…" for each variable of each service
  local env='spec.template.spec.containers[0].env' fields
  fields="metadata.name,status.url,status.conditions.status.list()"
  fields+=",metadata.annotations.'run.googleapis.com/invoker-iam-disabled',metadata.labels.deployed"
  fields+=",spec.template.spec.serviceAccountName,spec.template.spec.timeoutSeconds"
  fields+=",spec.template.spec.containerConcurrency"
  fields+=",$env.name,$env.value,$env.valueFrom.secretKeyRef.name,$env.valueFrom.secretKeyRef.key"
  fetch SERVICES run services list "--region=$REGION" "--flatten=${env}[]" "--format=value[separator='|']($fields)"
}

# Each of these is asked a dozen times, so no program is started for it.
live() { # FUNCTION: its lines in SERVICES
  local line service=$PREFIX-${1//_/-}
  while IFS= read -r line; do
    if [[ $line == "$service|"* ]]; then echo "$line"; fi
  done <<<"$SERVICES"
}

fact_of() { # FUNCTION COLUMN: of the service itself
  local facts
  IFS='|' read -ra facts <<<"$(live "$1")"
  echo "${facts[$2 - 1]:-}"
}

variable_of() { # FUNCTION SETTING COLUMN
  local facts
  while IFS='|' read -ra facts; do
    if [[ ${facts[8]:-} == "$2" ]]; then echo "${facts[$3 - 1]:-}"; fi
  done <<<"$(live "$1")"
}

url_of() { fact_of "$1" 2; } # FUNCTION
is_ready() { [[ -n $(live "$1") && ! $(fact_of "$1" 3) =~ False|Unknown ]]; }
is_public() { [[ $(fact_of "$1" 4) == [Tt]rue ]]; }
pinned() { variable_of "$1" "$2" 12; }  # FUNCTION SETTING: a version
running() { variable_of "$1" "$2" 10; } # FUNCTION SETTING: a value

environment_of() { # FUNCTION: lines "NAME|VALUE|SECRET|VERSION", sorted
  local kind name value
  kind=$(kind_of "$1")
  {
    echo "THREADS|$CONCURRENCY||" # one for each concurrent request, or a stalled queue makes requests wait for each other
    if needs "$kind" queue; then echo "QUEUE_URL|pubsub://$PROJECT/$TOPIC||"; fi
    if needs "$kind" DATABASE_URL && on_firestore; then echo "DATABASE_URL|firestore://$PROJECT/$DATABASE||"; fi
    for name in BITRIX24_DOMAIN BITRIX24_TELEGRAM_FIELD_NAME LOG_LANGUAGE; do
      value=${!name:-$(running "$1" "$name")} # what is not given stays as deployed
      if [[ -n $value ]]; then echo "$name|$value||"; fi
    done
    if needs "$kind" FORWARD_TO; then echo "FORWARD_TO|$FORWARD_TO||"; fi
    for name in $SECRET_SETTINGS; do
      if needs "$kind" "$name" && is_given "$name"; then
        echo "$name||$(secret_of "$name")|$(recall version "$name")"
      fi
    done
  } | LC_ALL=C sort
}

deploy_function() { # FUNCTION TIMEOUT MAX-INSTANCES ACCESS-FLAG…: unless it already runs as wanted
  local service account env variables="" secrets="" label delimiter=, name value secret version
  service=$(service_of "$1")
  account=$(account_of "$(role_of "$(kind_of "$1")")")
  env=$(environment_of "$1")
  if [[ $env == *,* ]]; then delimiter="|"; fi # no value holds one: see settings.sh
  while IFS='|' read -r name value secret version; do
    if [[ -z $secret ]]; then variables+=$delimiter$name=$value; else secrets+=,$name=$secret:$version; fi
  done <<<"$env"
  variables=${variables#"$delimiter"}
  if [[ $delimiter != , ]]; then variables="^$delimiter^$variables"; fi # gcloud topic escaping
  if [[ -n $secrets ]]; then secrets=--set-secrets=${secrets#,}; else secrets=--clear-secrets; fi
  local build=(--source=. "--function=$1" "--base-image=$RUNTIME" "--memory=$MEMORY"
    "--min-instances=$((10#$MIN_INSTANCES < $3 ? 10#$MIN_INSTANCES : $3))" "--max-instances=$3"
    "--build-service-account=projects/$PROJECT/serviceAccounts/$(account_of build)")
  if [[ -z $SOURCE ]]; then SOURCE=$(source_digest) || exit 1; fi
  label=$(digest <<<"$SOURCE ${build[*]}") # a digest of what `read_services` does not show
  if runs_as_wanted "$1" "$label|$account|$2|$CONCURRENCY" "$env" "${@:4}"; then return; fi
  if [[ -z $(url_of "$1") ]]; then FRESH+=$'\n'"run services $service"; fi
  change run deploy "$service" "${build[@]}" "--region=$REGION" "--service-account=$account" "--timeout=$2" \
    "--concurrency=$CONCURRENCY" "--set-env-vars=$variables" "$secrets" "${@:4}" "--labels=deployed=$label"
  if ! planning; then read_services; fi
}

runs_as_wanted() { # FUNCTION "LABEL|ACCOUNT|TIMEOUT|CONCURRENCY" ENVIRONMENT ACCESS-FLAG…
  local line=$'\n' wanted
  wanted="$2|${3//$line/$line$2|}"
  if [[ $4 == --no-invoker-iam-check ]]; then is_public "$1" || return 1; else ! is_public "$1" || return 1; fi
  is_ready "$1" && [[ $(live "$1" | cut -d'|' -f5- | LC_ALL=C sort) == "$wanted" ]]
}

source_digest() { # of all that would be uploaded
  local listed file files=()
  if [[ -n $OFFLINE ]]; then echo DIGEST && return; fi
  listed=$(gcloud meta list-files-for-upload . | LC_ALL=C sort)
  [[ -n $listed ]] || fail NO_FILES # without a file, `sums` would have nothing to read, or standard input
  while IFS= read -r file; do files+=("$file"); done <<<"$listed"
  sums "${files[@]}" | digest
}
