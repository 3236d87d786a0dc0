# shellcheck shell=bash
# The links' Firestore database.

EXPIRY_FIELD=expires_at # of the collection group processed_events; gateway/links/firestore_store.py writes it

create_store() {
  local databases fields=""
  step STEP_STORE
  fetch databases firestore databases list --format='value(name.basename())'
  if has "$databases" "$DATABASE"; then
    fetch fields firestore fields ttls list "--database=$DATABASE" --collection-group=processed_events \
      --format='value(name.basename())'
  else
    change firestore databases create "--database=$DATABASE" "--location=$REGION" --type=firestore-native \
      --delete-protection
  fi
  if ! has "$fields" "$EXPIRY_FIELD"; then
    change firestore fields ttls update "$EXPIRY_FIELD" --collection-group=processed_events \
      "--database=$DATABASE" --enable-ttl --async
  fi
}
