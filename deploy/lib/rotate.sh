# shellcheck shell=bash
# Changing a secret without refusing an event: first both values are accepted, then only the new one.

rotate() { # SETTING
  read_secrets
  read_versions "$1"
  if [[ -z $(recall version "$1") ]]; then
    fail NOT_STORED "$1"
  fi
  read_services
  if [[ -n $FINISH ]]; then finish_rotation "$1"; else start_rotation "$1"; fi
}

start_rotation() { # SETTING
  local stored new portal
  ask_for "$1"
  if [[ -z $GIVEN ]]; then
    misuse NEW_VALUE_MISSING "$1"
  fi
  warn_of_shape "$1"
  read_value stored "$1" "$(recall version "$1")"
  new=$GIVEN
  if [[ $1 == "$TOKEN" ]]; then
    portal=$(portal_without_token "$stored" "$GIVEN")
    if [[ -n $portal ]]; then misuse TOKEN_UNBOUND "$portal"; fi
    new=$(accept_both "$stored" "$GIVEN")
  fi
  if [[ $new != "$stored" ]]; then add_version "$1" "$new"; fi
  roll "$1"
  if [[ $1 == "$TOKEN" ]]; then
    good ROTATED_TOKEN "$1"
  elif [[ $1 == "$INCOMING" ]]; then
    good ROTATED_INCOMING "$1"
  else
    good ROTATED_OTHER "$1"
  fi
}

# The tokens of a list with commas, a line each. Not by a here-string: bash before 5.1 makes a file of it.
split_list() { printf '%s,' "$1" | tr , '\n'; }

portal_of() { # ITEM: of PORTAL=TOKEN, a host with a dot or a port before the first "="; of a bare token nothing
  local portal
  if [[ ! $1 =~ ^([^=/]*[.][^=/]*|[^=/]+:[0-9]+)= ]]; then return; fi
  portal=${BASH_REMATCH[1]}
  # The functions bind nothing to a portal with an impossible port.
  if [[ $portal =~ :0*([0-9]+)[[:space:]]*$ && ! :${BASH_REMATCH[1]} =~ ^$PORT_PATTERN$ ]]; then return; fi
  echo "$portal"
}

# STORED NEW: a portal whose bound token a bare one is to replace. The bare one would not speak for that portal
# while the old item names it, so its events would be refused until --finish.
portal_without_token() {
  local item portal="" bare="" stored=",${1// /}," new=",${2// /},"
  while IFS= read -r item; do
    if [[ -n $item && $new != *",$item,"* && -n $(portal_of "$item") ]]; then portal=$(portal_of "$item"); fi
  done < <(split_list "$stored")
  while IFS= read -r item; do
    if [[ -n $item && $stored != *",$item,"* && -z $(portal_of "$item") ]]; then bare=1; fi
  done < <(split_list "$new")
  if [[ -n $bare ]]; then echo "$portal"; fi
}

accept_both() { # STORED NEW, lists with commas: the kept tokens, the new ones, then those that --finish drops
  local token kept="" added="" dropped="" stored=",${1// /}," new=",${2// /},"
  while IFS= read -r token; do
    if [[ -z $token ]]; then continue; fi
    if [[ $stored != *",$token,"* ]]; then added+=",$token"; else kept+=",$token"; fi
  done < <(split_list "$new")
  if [[ -z $added ]]; then printf %s "$1" && return; fi # accepted already: a repeated call goes on from here
  while IFS= read -r token; do
    if [[ -n $token && $new != *",$token,"* ]]; then dropped+=",$token"; fi
  done < <(split_list "$stored")
  token="$kept$added$dropped"
  printf %s "${token#,}"
}

finish_rotation() { # SETTING: newest version without the old tokens; older versions disabled
  local versions previous newest before keep version
  versions=$(recall versions "$1")
  previous=$(sed -n 2p <<<"$versions")
  if [[ -z $previous ]]; then
    good NOTHING_TO_FINISH "$1"
    return
  fi
  if [[ $1 == "$TOKEN" ]]; then
    read_value newest "$1" "$(recall version "$1")"
    read_value before "$1" "$previous"
    keep=$(drop_old "$newest" "$before")
    if [[ $keep != "$newest" ]]; then add_version "$1" "$keep"; fi
  fi
  roll "$1"
  for version in $versions; do
    if [[ $version != "$(recall version "$1")" ]]; then
      change secrets versions disable "$version" "--secret=$(secret_of "$1")"
    fi
  done
  good ROTATION_FINISHED "$1"
}

drop_old() { # NEWEST BEFORE: what `accept_both` put last, after the last token that was not there before
  local token keep="" pending=""
  while IFS= read -r token; do
    pending+=",$token"
    if [[ ",$2," != *",$token,"* ]]; then keep+=$pending pending=""; fi
  done < <(split_list "$1")
  keep=${keep#,}
  printf %s "${keep:-$1}"
}

roll() { # SETTING: its newest version into every function that holds it
  local name secret version
  secret=$(secret_of "$1")
  version=$(recall version "$1")
  for name in $FUNCTIONS; do
    if [[ -n $(pinned "$name" "$1") && $(pinned "$name" "$1") != "$version" ]]; then
      change run services update "$(service_of "$name")" "--region=$REGION" "--update-secrets=$1=$secret:$version"
    fi
  done
}
