# shellcheck shell=bash
# Where the links are: a Firestore database made here, or the PostgreSQL that the secret DATABASE_URL names.

EXPIRY_FIELD=expires_at # of the collection group processed_events; gateway/links/firestore_store.py writes it

on_firestore() { ! is_given DATABASE_URL; }

create_store() {
  local databases fields=""
  if ! on_firestore; then return; fi
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
