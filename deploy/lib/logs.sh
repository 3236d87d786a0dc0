# shellcheck shell=bash
# What Cloud Logging must not keep. Cloud Run writes the address of every request into its log, and a robot's only
# place for its token is the address's query, under whatever name; old senders put one into the path. So no
# request is logged there whose address is more than one of ours. A question of the bot names a person in its
# address. What the functions log themselves is masked.

exclusion_filter() {
  local filter='resource.type="cloud_run_revision" AND (' name
  for name in $(functions_of receiver private); do
    filter+="resource.labels.service_name=\"$(service_of "$name")\" OR "
  done
  filter="${filter% OR })"
  filter+=' AND (httpRequest.requestUrl=~"[?](token=|.)"'
  filter+=' OR NOT httpRequest.requestUrl=~"^https?://[^/]+/?(health|api/bitrix/webhook)?/?[?]?$")'
  echo "$filter"
}

read_exclusions() { # EXCLUSIONS: lines "NAME|FILTER"
  fetch EXCLUSIONS logging sinks describe _Default --flatten='exclusions[]' \
    --format="value[separator='|'](exclusions.name,exclusions.filter)"
}

exclude_tokens_from_logs() {
  local filter verb=add
  filter=$(exclusion_filter)
  read_exclusions
  if has "$EXCLUSIONS" "$EXCLUSION|$filter"; then return; fi
  if [[ $'\n'$EXCLUSIONS == *$'\n'"$EXCLUSION|"* ]]; then verb=update; fi
  change logging sinks update _Default "--$verb-exclusion=name=$EXCLUSION,filter=$filter"
}
