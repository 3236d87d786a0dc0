# shellcheck shell=bash
# Pub/Sub: the topics, and a push subscription for each consumer.

create_topics() {
  local topics
  step STEP_PUBSUB
  fetch topics pubsub topics list --format='value(name.basename())'
  read_subscriptions
  create "$topics" "$TOPIC" "pubsub topics" "$TOPIC"
  grant "pubsub topics" "$TOPIC" roles/pubsub.publisher "$(account_of receiver)"
  if [[ -n $WITH_INCOMING ]]; then
    grant "pubsub topics" "$TOPIC" roles/pubsub.publisher "$(account_of resync)"
  fi
  create "$topics" "$DEAD" "pubsub topics" "$DEAD"
  grant "pubsub topics" "$DEAD" roles/pubsub.publisher "$AGENT"
  # Without a subscription of its own, what reaches the dead-letter topic vanishes.
  create "$(cut -d'|' -f1 <<<"$SUBSCRIPTIONS")" "$DEAD" "pubsub subscriptions" "$DEAD" "--topic=$DEAD" \
    --expiration-period=never --message-retention-duration=31d --ack-deadline=60
}

read_subscriptions() { # SUBSCRIPTIONS: a line each, as `subscribe` wants it
  local fields="name.basename(),topic.basename(),filter,pushConfig.pushEndpoint"
  fields+=",pushConfig.oidcToken.serviceAccountEmail,pushConfig.oidcToken.audience"
  fields+=",deadLetterPolicy.deadLetterTopic.basename(),deadLetterPolicy.maxDeliveryAttempts"
  fields+=",ackDeadlineSeconds,retryPolicy.minimumBackoff,retryPolicy.maximumBackoff,expirationPolicy.ttl"
  fetch SUBSCRIPTIONS pubsub subscriptions list "--format=value[separator='|']($fields)"
}

subscription() { awk -F'|' -v name="$1" '$1 == name' <<<"$SUBSCRIPTIONS"; } # NAME: its line

subscribe() { # CONSUMER
  local name url filter found wanted immutable flags
  name=$(service_of "$1")
  url=$(url_of "$1")
  url=${url:-https://ADDRESS-OF-$name}
  filter="attributes.event = \"$(event_of "$1")\""
  flags=("--push-endpoint=$url/projects/$PROJECT/topics/$TOPIC" # the topic becomes the CloudEvent's source
    "--push-auth-service-account=$(account_of push)" "--push-auth-token-audience=$url"
    "--dead-letter-topic=$DEAD" --max-delivery-attempts=10 "--ack-deadline=$ACK_DEADLINE"
    --min-retry-delay=10s --max-retry-delay=600s --expiration-period=never)
  wanted="$name|$TOPIC|$filter|$url/projects/$PROJECT/topics/$TOPIC|$(account_of push)|$url|$DEAD|10"
  wanted+="|$ACK_DEADLINE|10s|600s|"
  immutable="$name|$TOPIC|$filter|"
  found=$(subscription "$name")
  if [[ -z $found ]]; then
    FRESH+=$'\n'"pubsub subscriptions $name"
    change pubsub subscriptions create "$name" "--topic=$TOPIC" "--message-filter=$filter" "${flags[@]}"
  elif [[ $found != "$immutable"* ]]; then
    fail SUBSCRIPTION_DIFFERS "$name" "$(cut -d'|' -f2-3 <<<"$found")" "$TOPIC|$filter" "$PROJECT"
  elif [[ $found != "$wanted" ]]; then
    warn SUBSCRIPTION_DRIFTED "$name" "$found"
    change pubsub subscriptions update "$name" "${flags[@]}"
  fi
  LISTENING+=" $1"
}

require_listeners() {
  local consumer absent=""
  for consumer in on_user_update on_user_add; do
    if [[ " $LISTENING " != *" $consumer "* ]]; then
      if [[ -n $(subscription "$(service_of $consumer)") ]]; then LISTENING+=" $consumer"; else absent+=" $consumer"; fi
    fi
  done
  if [[ -z ${LISTENING// /} ]]; then
    fail NOBODY_LISTENS
  elif [[ -n $absent ]]; then
    warn SOME_DO_NOT_LISTEN "$absent"
  fi
}
