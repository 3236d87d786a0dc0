# shellcheck shell=bash
# The functions, and what things are called: every name follows from the prefix, the project and the function.

TOKEN=BITRIX24_OUTGOING_WEBHOOK_TOKEN
INCOMING=BITRIX24_WEBHOOK_TOKEN
SECRET_SETTINGS="$TOKEN $INCOMING FORWARD_SECRET LINKS_API_TOKEN"
ROLES="receiver consumers resync push scheduler build forward links" # a service account each

# A line a function: name, kind, event. What follows from a kind is in `needs_of`, `role_of` and functions.sh.
FUNCTION_TABLE="\
bitrix_webhook receiver
on_user_update consumer ONUSERUPDATE
on_user_add    consumer ONUSERADD
forward_event  forwarder
resync_users   scheduled
find_link      private"

functions_of() { # KIND…: their names, in the order of the kinds
  local kind
  for kind in "$@"; do awk -v kind="$kind" '$2 == kind {print $1}' <<<"$FUNCTION_TABLE"; done
}

# In the order of deployment: who publishes goes last, when everybody listens.
FUNCTIONS=$(functions_of consumer forwarder private scheduled receiver | paste -sd' ' -)

kind_of() { awk -v name="$1" '$1 == name {print $2}' <<<"$FUNCTION_TABLE"; }  # FUNCTION
event_of() { awk -v name="$1" '$1 == name {print $3}' <<<"$FUNCTION_TABLE"; } # FUNCTION

needs_of() { # KIND: the queue, the store, and the settings that only this kind gets
  case $1 in
    receiver) echo "queue $TOKEN" ;;
    consumer) echo "store $INCOMING" ;;
    scheduled) echo "queue store $INCOMING" ;;
    forwarder) echo "store FORWARD_TO $TOKEN FORWARD_SECRET" ;;
    private) echo "store LINKS_API_TOKEN" ;;
  esac
}

role_of() { # KIND: whose account it runs under
  case $1 in
    receiver) echo receiver ;; consumer) echo consumers ;; scheduled) echo resync ;;
    forwarder) echo forward ;; private) echo links ;;
  esac
}

needs() { [[ " $(needs_of "$1") " == *" $2 "* ]]; } # KIND NEED

setting_of() { # KIND: the setting without which it is left out
  case $1 in scheduled) echo "$INCOMING" ;; forwarder) echo FORWARD_TO ;; private) echo LINKS_API_TOKEN ;; esac
}

is_wanted() { # KIND
  case $1 in
    scheduled | private) is_given "$(setting_of "$1")" ;;
    forwarder) [[ -n $FORWARD_TO ]] ;;
  esac
}

wanted_kinds() { # of the KINDs given, those that are deployed
  local kind
  for kind in "$@"; do if is_wanted "$kind"; then echo "$kind"; fi; done
}

service_of() { echo "$PREFIX-${1//_/-}"; }                           # of a function; its subscription too
account_of() { echo "$PREFIX-$1@$PROJECT.iam.gserviceaccount.com"; } # of a role
secret_of() { echo "$PREFIX-$(tr '[:upper:]_' '[:lower:]-' <<<"$1")"; }
