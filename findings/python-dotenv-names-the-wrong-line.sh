#!/usr/bin/env bash
# python-dotenv 1.2.4: the warning about a line that it cannot read names another line, and a line
# without "=" has no warning at all.
#
# Expected: "could not parse statement starting at line N" names the line that is wrong, and a
# file whose loading prints no warning was read as it was written.
# - N is the first of the blank lines in front of the wrong line: the statement begins, for the
#   parser, where the white space before it does.
# - A line without "=" is no error: the name is returned with None, and `load_dotenv` skips it.
# - A quote that is opened and not closed is one warning, for its own line. If any later line holds
#   a quote, the lines up to there are gone with it, and nothing names them.
#
# Why it matters here: one gateway has a token for each portal in such a file, with blank lines
# between them. A token that is not loaded refuses that portal's events, which Bitrix24 does not
# send again, and the warning sends the reader to a portal that is right.
# What follows: refuse to start when a setting is missing, and name the setting, not the line.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check python-dotenv==1.2.4 2>/dev/null

cd "$work"
cat >read.py <<'PY'
import logging
import sys
from io import StringIO

from dotenv import dotenv_values

logging.basicConfig(stream=sys.stdout, format="  %(message)s")
files = {
    "line 5 is wrong, 2 to 4 are blank": "FIRST=a\n\n\n\nSECOND b\nTHIRD=c\n",
    "line 2 has no equals sign": "FIRST=a\nSECOND\nTHIRD=c\n",
    "line 2 opens a quote": "FIRST=a\nSECOND='b\nTHIRD=c\n",
    "line 2 opens a quote, line 4 has two": "FIRST=a\nSECOND='b\nTHIRD=c\nFOURTH='d'\nFIFTH=e\n",
}
for name, text in files.items():
    print(f"{name}:")
    values = dotenv_values(stream=StringIO(text))
    print("  read:", dict(values))
PY
seen=$(venv/bin/python read.py)
expected=$(cat <<'TEXT'
line 5 is wrong, 2 to 4 are blank:
  python-dotenv could not parse statement starting at line 2
  read: {'FIRST': 'a', 'THIRD': 'c'}
line 2 has no equals sign:
  read: {'FIRST': 'a', 'SECOND': None, 'THIRD': 'c'}
line 2 opens a quote:
  python-dotenv could not parse statement starting at line 2
  read: {'FIRST': 'a', 'THIRD': 'c'}
line 2 opens a quote, line 4 has two:
  python-dotenv could not parse statement starting at line 2
  read: {'FIRST': 'a', 'FIFTH': 'e'}
TEXT
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
