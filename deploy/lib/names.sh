# shellcheck shell=bash
# What things are called: every name follows from the prefix, the project and the function.

TOKEN=BITRIX24_OUTGOING_WEBHOOK_TOKEN # the receiver's secret
INCOMING=BITRIX24_WEBHOOK_TOKEN       # the consumers' and resync's; without it there is no resync
FUNCTIONS="on_user_update on_user_add resync_users bitrix_webhook" # in the order of deployment
ROLES="receiver consumers resync push scheduler build" # a service account each

service_of() { echo "$PREFIX-${1//_/-}"; }                           # of a function; its subscription too
account_of() { echo "$PREFIX-$1@$PROJECT.iam.gserviceaccount.com"; } # of a role
secret_of() { echo "$PREFIX-$(tr '[:upper:]_' '[:lower:]-' <<<"$1")"; }
event_of() { tr -d _ <<<"$1" | tr '[:lower:]' '[:upper:]'; } # of a consumer: on_user_add → ONUSERADD

role_of() {
  case $1 in bitrix_webhook) echo receiver ;; resync_users) echo resync ;; *) echo consumers ;; esac
}
