#!/usr/bin/env bash
# nested-multipart-parser 1.6.0 (Python): a list whose names end in `[]` is read as an empty list.
#
# Expected: a reader of bracketed names, made for Django's forms, reads `ROLE[]=1&ROLE[]=5` as two
# values, or refuses it. It says that the form is valid and returns no values at all, in each of
# its three spellings of nested names. `ROLE[0]=1&ROLE[1]=5` is read right. A list that has lost a
# row on its way, `ROLE[0]=1&ROLE[2]=5`, which PHP's array_filter leaves and PHP writes so, makes
# the whole form invalid (the README asks for indices without gaps; of `[]` it says nothing).
#
# Why it matters here: jQuery, HTML forms and needle write `[]`. An empty list is a valid value:
# "this person belongs to no department any more".
# What follows: decode bracket names with something that is tested against PHP.
#
# Seen with Django 5.2.19's QueryDict on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  nested-multipart-parser==1.6.0 django==5.2.19 2>/dev/null

cd "$work"
cat >read.py <<'PY'
import json

from django.conf import settings
from django.http import QueryDict
from nested_multipart_parser import NestedParser

settings.configure()
for form in ("ROLE[0]=1&ROLE[1]=5", "ROLE[]=1&ROLE[]=5", "ROLE[]=1", "ROLE[0]=1&ROLE[2]=5"):
    for separator in ("bracket", "mixed", "mixed-dot"):
        parser = NestedParser(QueryDict(form), {"separator": separator})
        answer = parser.validate_data if parser.is_valid() else str(parser.errors)
        print(f"{form}, {separator}: {json.dumps(answer)}")
PY
seen=$(venv/bin/python read.py)
expected='ROLE[0]=1&ROLE[1]=5, bracket: {"ROLE": ["1", "5"]}
ROLE[0]=1&ROLE[1]=5, mixed: {"ROLE": ["1", "5"]}
ROLE[0]=1&ROLE[1]=5, mixed-dot: {"ROLE": ["1", "5"]}
ROLE[]=1&ROLE[]=5, bracket: {"ROLE": []}
ROLE[]=1&ROLE[]=5, mixed: {"ROLE": []}
ROLE[]=1&ROLE[]=5, mixed-dot: {"ROLE": []}
ROLE[]=1, bracket: {"ROLE": []}
ROLE[]=1, mixed: {"ROLE": []}
ROLE[]=1, mixed-dot: {"ROLE": []}
ROLE[0]=1&ROLE[2]=5, bracket: "invalid format list keys"
ROLE[0]=1&ROLE[2]=5, mixed: "invalid format list keys"
ROLE[0]=1&ROLE[2]=5, mixed-dot: "invalid format list keys"'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
