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

live() { # FUNCTION: its lines in SERVICES
  awk -F'|' -v service="$(service_of "$1")" '$1 == service' <<<"$SERVICES"
}

url_of() { live "$1" | awk -F'|' 'NR == 1 {print $2}'; } # FUNCTION
is_ready() { live "$1" | awk -F'|' 'END {exit !(NR && $3 !~ /False|Unknown/)}'; }
is_public() { live "$1" | awk -F'|' 'END {exit !(tolower($4) == "true")}'; }
pinned() { live "$1" | awk -F'|' -v name="$2" '$9 == name {print $12}'; }  # FUNCTION SETTING: a version
running() { live "$1" | awk -F'|' -v name="$2" '$9 == name {print $10}'; } # FUNCTION SETTING: a value

environment_of() { # FUNCTION: lines "NAME|VALUE|SECRET|VERSION", sorted
  local kind name value
  kind=$(kind_of "$1")
  {
    echo "THREADS|$CONCURRENCY||" # as many as requests at once, or a stalled queue lines them up
    if needs "$kind" queue; then echo "QUEUE_URL|pubsub://$PROJECT/$TOPIC||"; fi
    if needs "$kind" DATABASE_URL && on_firestore; then echo "DATABASE_URL|firestore://$PROJECT/$DATABASE||"; fi
    for name in BITRIX24_DOMAIN BITRIX24_TELEGRAM_FIELD_NAME LOG_LANGUAGE; do
      value=${!name:-$(running "$1" "$name")} # what is not given stays as it runs
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

deploy_function() { # FUNCTION TIMEOUT MAX-INSTANCES ACCESS-FLAG…: unless what runs is what is wanted
  local service account env variables secrets label delimiter=,
  service=$(service_of "$1")
  account=$(account_of "$(role_of "$(kind_of "$1")")")
  env=$(environment_of "$1")
  if [[ $env == *,* ]]; then delimiter="|"; fi # no value holds one: see settings.sh
  variables=$(awk -F'|' '$3 == "" {print $1 "=" $2}' <<<"$env" | paste -sd"$delimiter" -)
  if [[ $delimiter != , ]]; then variables="^$delimiter^$variables"; fi # gcloud topic escaping
  secrets=$(awk -F'|' '$3 != "" {print $1 "=" $3 ":" $4}' <<<"$env" | paste -sd, -)
  if [[ -n $secrets ]]; then secrets=--set-secrets=$secrets; else secrets=--clear-secrets; fi
  local build=(--source=. "--function=$1" "--base-image=$RUNTIME" "--memory=$MEMORY"
    "--min-instances=$((10#$MIN_INSTANCES < $3 ? 10#$MIN_INSTANCES : $3))" "--max-instances=$3"
    "--build-service-account=projects/$PROJECT/serviceAccounts/$(account_of build)")
  if [[ -z $SOURCE ]]; then SOURCE=$(source_digest); fi
  label=$(digest <<<"$SOURCE ${build[*]}") # of what `read_services` does not show
  if runs_as_wanted "$1" "$label|$account|$2|$CONCURRENCY" "$env" "${@:4}"; then return; fi
  if [[ -z $(url_of "$1") ]]; then FRESH+=$'\n'"run services $service"; fi
  change run deploy "$service" "${build[@]}" "--region=$REGION" "--service-account=$account" "--timeout=$2" \
    "--concurrency=$CONCURRENCY" "--set-env-vars=$variables" "$secrets" "${@:4}" "--labels=deployed=$label"
  if ! planning; then read_services; fi
}

runs_as_wanted() { # FUNCTION "LABEL|ACCOUNT|TIMEOUT|CONCURRENCY" ENVIRONMENT ACCESS-FLAG…
  local wanted
  wanted=$(awk -v facts="$2" '{print facts "|" $0}' <<<"$3")
  if [[ $4 == --no-invoker-iam-check ]]; then is_public "$1" || return 1; else ! is_public "$1" || return 1; fi
  is_ready "$1" && [[ $(live "$1" | cut -d'|' -f5- | LC_ALL=C sort) == "$wanted" ]]
}

source_digest() { # of all that would be uploaded
  local files file
  if [[ -n $OFFLINE ]]; then echo DIGEST && return; fi
  files=$(gcloud meta list-files-for-upload . | LC_ALL=C sort)
  while IFS= read -r file; do echo "$file" && cat "$file"; done <<<"$files" | digest
}
