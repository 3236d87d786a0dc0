#!/usr/bin/env bash
# querystring-parser 1.2.4 (Python) turns a value into a number only where it stands under `[]`.
#
# Expected: a parser of PHP's bracket names returns texts everywhere, or numbers everywhere. This
# one returns an int where, and only where, digits stand under `[]`: the telephone number
# "0079001234567" loses its leading zeros under `PHONE[]`, and keeps them under `PHONE[0]` or
# `PHONE`. One value under `[]` is an int behind an empty key, two are a list there. With
# `normalized=True`, the option that makes real lists, any `[]` raises TypeError on Python 3.
#
# Why it matters here: ids and telephone numbers come in lists, as `[0]` from PHP and as `[]` from
# jQuery, needle and HTML forms; a consumer that compares them with texts works for one of the two.
# What follows: decode bracket names with something that is tested against PHP.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check querystring-parser==1.2.4 2>/dev/null

seen=$("$work/venv/bin/python" - <<'PY'
from querystring_parser import parser

for form in (
    "PHONE=0079001234567",
    "PHONE[0]=0079001234567",
    "PHONE[]=0079001234567",
    "PHONE[]=0079001234567&PHONE[]=8",
):
    print(f"{form}: {parser.parse(form)}")
for form in ("PHONE[0]=1&PHONE[1]=2", "PHONE[]=1&PHONE[]=2"):
    try:
        print(f"{form}, normalized: {parser.parse(form, normalized=True)}")
    except TypeError as error:
        print(f"{form}, normalized: TypeError, {error}")
PY
)
expected="PHONE=0079001234567: {'PHONE': '0079001234567'}
PHONE[0]=0079001234567: {'PHONE': {0: '0079001234567'}}
PHONE[]=0079001234567: {'PHONE': {'': 79001234567}}
PHONE[]=0079001234567&PHONE[]=8: {'PHONE': {'': [79001234567, 8]}}
PHONE[0]=1&PHONE[1]=2, normalized: {'PHONE': ['1', '2']}
PHONE[]=1&PHONE[]=2, normalized: TypeError, 'dict_values' object is not subscriptable"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
