# shellcheck shell=bash
# Pub/Sub: the topics, and a push subscription for each consumer and each destination of FORWARD_TO.

create_topics() {
  local topics
  step STEP_PUBSUB
  fetch topics pubsub topics list --format='value(name.basename())'
  read_subscriptions
  create "$topics" "$TOPIC" "pubsub topics" "$TOPIC"
  grant "pubsub topics" "$TOPIC" roles/pubsub.publisher "$(account_of receiver)"
  if is_wanted schedule; then
    grant "pubsub topics" "$TOPIC" roles/pubsub.publisher "$(account_of resync)"
  fi
  create "$topics" "$DEAD" "pubsub topics" "$DEAD"
  grant "pubsub topics" "$DEAD" roles/pubsub.publisher "$AGENT"
  # Without a subscription, whatever reaches the dead-letter topic is lost.
  create "$(cut -d'|' -f1 <<<"$SUBSCRIPTIONS")" "$DEAD" "pubsub subscriptions" "$DEAD" "--topic=$DEAD" \
    --expiration-period=never --message-retention-duration=31d --ack-deadline=60
}

read_subscriptions() { # SUBSCRIPTIONS: a line each, in the form that `subscribe` compares
  local fields="name.basename(),topic.basename(),filter,pushConfig.pushEndpoint"
  fields+=",pushConfig.oidcToken.serviceAccountEmail,pushConfig.oidcToken.audience"
  fields+=",deadLetterPolicy.deadLetterTopic.basename(),deadLetterPolicy.maxDeliveryAttempts"
  fields+=",ackDeadlineSeconds,retryPolicy.minimumBackoff,retryPolicy.maximumBackoff,expirationPolicy.ttl"
  fetch SUBSCRIPTIONS pubsub subscriptions list "--format=value[separator='|']($fields)"
}

subscription() { # NAME: its line
  local line
  while IFS= read -r line; do
    if [[ $line == "$1|"* ]]; then echo "$line"; fi
  done <<<"$SUBSCRIPTIONS"
}

subscribe() { # FUNCTION NAME FILTER ACK-DEADLINE ATTEMPTS
  local name=$2 url filter=$3 current wanted immutable flags
  url=$(url_of "$1")
  url=${url:-https://ADDRESS-OF-$(service_of "$1")}
  flags=("--push-endpoint=$url/projects/$PROJECT/topics/$TOPIC" # the topic becomes the CloudEvent's source
    "--push-auth-service-account=$(account_of push)" "--push-auth-token-audience=$url"
    "--dead-letter-topic=$DEAD" "--max-delivery-attempts=$5" "--ack-deadline=$4"
    --min-retry-delay=10s --max-retry-delay=600s --expiration-period=never)
  wanted="$name|$TOPIC|$filter|$url/projects/$PROJECT/topics/$TOPIC|$(account_of push)|$url|$DEAD|$5"
  wanted+="|$4|10s|600s|"
  immutable="$name|$TOPIC|$filter|"
  current=$(subscription "$name")
  if [[ -z $current ]]; then
    FRESH+=$'\n'"pubsub subscriptions $name"
    change pubsub subscriptions create "$name" "--topic=$TOPIC" ${filter:+"--message-filter=$filter"} "${flags[@]}"
  elif [[ $current != "$immutable"* ]]; then
    fail SUBSCRIPTION_DIFFERS "$name" "$(cut -d'|' -f2-3 <<<"$current")" "$TOPIC|$filter" "$PROJECT"
  elif [[ $current != "$wanted" ]]; then
    warn SUBSCRIPTION_DRIFTED "$name" "$current"
    change pubsub subscriptions update "$name" "${flags[@]}"
  fi
  grant "pubsub subscriptions" "$name" roles/pubsub.subscriber "$AGENT"
}

# Of FORWARD_TO: lines "ID|FILTER"; an empty filter passes all events. An ID ends in the fingerprint of the address,
# by which forward_event knows it (gateway/destinations.py). Before it is the filter's, as a subscription's filter
# can't be changed: another one is a new subscription, which listens before the old one goes.
destinations() {
  local destination id filter
  while IFS= read -r destination; do
    id=$(printf %s "${destination%%#*}" | digest)
    id=${id:0:8}
    filter=""
    if [[ $destination == *"#"* ]]; then filter=$(filter_of "${destination#*#}"); fi
    if [[ -n $filter ]]; then id="$(printf %s "$filter" | digest | cut -c1-4)-$id"; fi
    echo "$id|$filter"
  done < <(merged_destinations)
}

# Of FORWARD_TO: a line for each address, which wants what all of its items name (gateway/destinations.py merges too).
merged_destinations() {
  local list
  read -ra list < <(printf '%s\n' "$FORWARD_TO") # not a here-string: before 5.1 bash writes one to a file
  printf '%s\n' ${list[@]+"${list[@]}"} | awk '
    NF {
      at = index($0, "#")
      url = at ? substr($0, 1, at - 1) : $0
      if (!(url in wants)) { order[++count] = url; wants[url] = "" }
      names = at ? split(toupper(substr($0, at + 1)), name, ",") : 0
      if (!names) all[url] = 1
      for (i = 1; i <= names; i++)
        if (!((url, name[i]) in known)) {
          known[url, name[i]] = 1
          wants[url] = wants[url] (wants[url] == "" ? "" : ",") name[i]
        }
    }
    END { for (i = 1; i <= count; i++) print order[i] (order[i] in all ? "" : "#" wants[order[i]]) }'
}

filter_of() { # PATTERN,…: nothing, so all events pass, if it would be too long; forward_event filters again
  local pattern patterns filter=""
  read -ra patterns < <(tr ',[:lower:]' ' [:upper:]' <<<"$1")
  for pattern in ${patterns[@]+"${patterns[@]}"}; do
    case $pattern in
      "*") return ;;
      *"*") filter+=" OR hasPrefix(attributes.event, \"${pattern%"*"}\")" ;;
      *) filter+=" OR attributes.event = \"$pattern\"" ;;
    esac
  done
  filter=${filter# OR }
  if [[ ${#filter} -le 256 ]]; then echo "$filter"; fi # Pub/Sub's limit
}

remove_stale_destinations() { # FUNCTION: subscriptions of destinations that FORWARD_TO no longer names
  local name wanted
  wanted=$(destinations | cut -d'|' -f1)
  while IFS= read -r name; do
    if [[ $name == "$(subscription_of "$1")-"* ]] && ! has "$wanted" "${name#"$(subscription_of "$1")-"}"; then
      warn DESTINATION_GONE "$name"
      change pubsub subscriptions delete "$name" </dev/null
    fi
  done < <(cut -d'|' -f1 <<<"$SUBSCRIPTIONS")
}

require_listeners() {
  local consumer absent=""
  for consumer in $(functions_of consumer); do
    if [[ " $LISTENING " != *" $consumer "* ]]; then
      if [[ -n $(subscription "$(subscription_of "$consumer")") ]]; then LISTENING+=" $consumer"; else absent+=" $consumer"; fi
    fi
  done
  if [[ -z ${LISTENING// /} ]]; then
    fail NOBODY_LISTENS "$(functions_of consumer | paste -sd' ' -)"
  elif [[ -n $absent ]]; then
    warn SOME_DO_NOT_LISTEN "$absent"
  fi
}
