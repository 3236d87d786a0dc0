# shellcheck shell=bash
# The functions, and what things are called: every name follows from the prefix, the project and the function.

TOKEN=BITRIX24_OUTGOING_WEBHOOK_TOKEN
INCOMING=BITRIX24_WEBHOOK_TOKEN
SECRET_SETTINGS="$TOKEN $INCOMING FORWARD_SECRET LINKS_API_TOKEN DATABASE_URL"
ROLES="receiver consumers resync push scheduler build forward links" # a service account each

# The table beside main.py, a line for each function: NAME KIND EVENT SUBSCRIPTION, in the order of deployment. What
# follows from a kind is in `needs_of`, `role_of`, `setting_of` and functions.sh.
# A deployment asks the table some hundred times, so it is read here and no program is started for a row.
FUNCTION_TABLE=$(awk '!/^#/ && NF {print $1, $2, $3, $4}' functions)
FUNCTIONS=$(awk '{print $1}' <<<"$FUNCTION_TABLE" | paste -sd' ' -)

functions_of() { # KIND…: their names, in the order of the kinds
  local wanted name kind rest
  for wanted in "$@"; do
    while read -r name kind rest; do
      if [[ $kind == "$wanted" ]]; then echo "$name"; fi
    done <<<"$FUNCTION_TABLE"
  done
}

listed() { functions_of "$@" | paste -sd, - | sed 's/,/, /g'; } # KIND…: their names, for people

column_of() { # FUNCTION COLUMN
  local row
  while read -ra row; do
    if [[ ${row[0]} == "$1" ]]; then echo "${row[$2 - 1]}"; fi
  done <<<"$FUNCTION_TABLE"
}
kind_of() { column_of "$1" 2; }
event_of() { column_of "$1" 3; }
subscription_of() { echo "$PREFIX-$(column_of "$1" 4)"; } # of a consumer; a forwarder's add "-" and a destination's ID

needs_of() { # KIND: the queue, and the settings that this kind gets
  case $1 in
    receiver) echo "queue $TOKEN" ;;
    consumer) echo "DATABASE_URL $INCOMING" ;;
    schedule) echo "queue DATABASE_URL $INCOMING" ;;
    forwarder) echo "DATABASE_URL FORWARD_TO $TOKEN FORWARD_SECRET" ;;
    private) echo "DATABASE_URL LINKS_API_TOKEN" ;;
  esac
}

role_of() { # KIND: the role under whose account it runs
  case $1 in
    receiver) echo receiver ;; consumer) echo consumers ;; schedule) echo resync ;;
    forwarder) echo forward ;; private) echo links ;;
  esac
}

needs() { [[ " $(needs_of "$1") " == *" $2 "* ]]; } # KIND NEED

setting_of() { # KIND: the setting without which it is left out
  case $1 in schedule) echo "$INCOMING" ;; forwarder) echo FORWARD_TO ;; private) echo LINKS_API_TOKEN ;; esac
}

is_wanted() { # KIND: there are functions of it, and their setting is given
  if [[ -z $(functions_of "$1") ]]; then return 1; fi
  case $1 in
    schedule | private) is_given "$(setting_of "$1")" ;;
    forwarder) [[ -n $FORWARD_TO ]] ;;
  esac
}

wanted_kinds() { # of the KINDs given, those that are deployed
  local kind
  for kind in "$@"; do if is_wanted "$kind"; then echo "$kind"; fi; done
}

service_of() { echo "$PREFIX-${1//_/-}"; }                           # of a function
account_of() { echo "$PREFIX-$1@$PROJECT.iam.gserviceaccount.com"; } # of a role
secret_of() { echo "$PREFIX-$(tr '[:upper:]_' '[:lower:]-' <<<"$1")"; }
