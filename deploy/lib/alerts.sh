# shellcheck shell=bash
# The alerts: log-based metrics and alert policies from the files of deploy/alerts.

alerts() { # create or update what the files describe; metrics first, because the policies refer to them
  local file text metrics policies current
  fetch metrics logging metrics list --format="value[separator='|'](name,description)"
  fetch policies alpha monitoring policies list \
    --format="value[separator='|'](displayName,name,userLabels.content)"
  for file in deploy/alerts/metrics/*.yaml; do
    text=$(rendered "$file")
    current=$(awk -F'|' -v name="$(alert_name "$file")" '$1 == name' <<<"$metrics")
    if [[ -z $current ]]; then
      change logging metrics create "$(alert_name "$file")" --config-from-file=- <<<"$text"
    elif [[ $current != *"$(content_of "$text")"* ]]; then
      change logging metrics update "$(alert_name "$file")" --config-from-file=- <<<"$text"
    fi
  done
  for file in deploy/alerts/policies/*.yaml; do
    text=$(rendered "$file")
    current=$(awk -F'|' -v name="$(alert_name "$file")" '$1 == name' <<<"$policies")
    if [[ -z $current ]]; then
      change alpha monitoring policies create --policy-from-file=- <<<"$text"
    elif [[ $current != *"|$(content_of "$text")" ]]; then
      change alpha monitoring policies update "$(cut -d'|' -f2 <<<"$current")" --policy-from-file=- <<<"$text"
    fi
  done
  if planning; then return; fi
  good ALERTS_THERE "${ALERT_CHANNELS:-$(text NO_CHANNELS)}"
}

alert_name() { echo "$PREFIX-$(basename "$1" .yaml)"; } # FILE
content_of() { sed -n 's/.*\(content-[0-9a-f]*\).*/\1/p' <<<"$1" | head -1; } # RENDERED

rendered() { # FILE: with this deployment's names, and a digest of the text by which a later run sees a change
  local text
  text=$(sed -e "s|@PREFIX@|$PREFIX|g; s|@METRIC@|${PREFIX//-/_}|g; s|@CHANNELS@|[${ALERT_CHANNELS:-}]|g" "$1")
  echo "${text//@CONTENT@/content-$(digest <<<"$text")}"
}

remove_alerts() {
  local listed name gateway
  fetch listed alpha monitoring policies list --format="value[separator='|'](name,userLabels.gateway)"
  while IFS='|' read -r name gateway; do
    if [[ $gateway == "$PREFIX" ]]; then change alpha monitoring policies delete "$name" </dev/null; fi
  done <<<"$listed"
  fetch listed logging metrics list --format='value(name)'
  for name in deploy/alerts/metrics/*.yaml; do
    remove "$listed" "$(alert_name "$name")" logging metrics delete
  done
}
