# shellcheck shell=bash
# What Cloud Logging must not keep. Cloud Run logs the address of every request. A robot can put its token only into
# the address's query, under whatever name, and old senders put one into the path. A bot's request names a person in
# its address. So a request is not logged there if its address is anything but one of ours. What the functions log
# themselves is masked.

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
