#!/usr/bin/env bash
# responses 0.26.3 (Python): a test of what is forwarded passes with an emptied field too many, and
# with a department too few.
#
# Expected: `urlencoded_params_matcher` of the stand-in for requests compares the fields that a test
# names with all that were posted: one field more is refused, and so is one less. An empty field is
# not counted, unless `allow_blank=True` is given: `PHONE=` may be there or not, and a test that asks
# for it never matches. Of a repeated name the last value is compared, so "5" matches 1 and 5, and a
# list of both never does. Order is not compared. respx, the stand-in for httpx, sees all of this.
#
# Why it matters here: "the event is passed on as it came" is tested in this way, and the two things
# that such code gets wrong, the empty and the repeated, are the two that the test cannot see.
# What follows: compare `call.request.body`.
#
# Seen with requests 2.34.2, and respx 0.23.1 with httpx 0.28.1, on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check responses==0.26.3 requests==2.34.2 \
  respx==0.23.1 httpx==0.28.1 2>/dev/null

cat >"$work/compare.py" <<'PY'
import httpx
import requests
import responses
import respx
from responses.matchers import urlencoded_params_matcher

ADDRESS = "http://destination.example/"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def with_responses(fields, form, **options):
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(ADDRESS, match=[urlencoded_params_matcher(fields, **options)])
        try:
            requests.post(ADDRESS, data=form, headers=HEADERS)
        except requests.ConnectionError:
            return "differs"
    return "matches"


def with_respx(fields, form):
    with respx.mock(assert_all_called=False, assert_all_mocked=False) as mock:
        route = mock.post(ADDRESS, data=fields)
        httpx.post(ADDRESS, content=form, headers=HEADERS)
        return "matches" if route.called else "differs"


CASES = [
    ({"ID": "7"}, "ID=7"),
    ({"ID": "7"}, "ID=7&NAME=Anna"),
    ({"ID": "7"}, "ID=7&PHONE="),
    ({"ID": "7", "PHONE": ""}, "ID=7&PHONE="),
    ({"ROLE[]": "5"}, "ROLE[]=1&ROLE[]=5"),
    ({"ROLE[]": ["1", "5"]}, "ROLE[]=1&ROLE[]=5"),
]
for fields, form in CASES:
    print(f"{fields} and {form}: responses {with_responses(fields, form)}, "
          f"with allow_blank {with_responses(fields, form, allow_blank=True)}, respx {with_respx(fields, form)}")
PY
seen=$("$work/venv/bin/python" "$work/compare.py")
expected=$(
  cat <<'SEEN'
{'ID': '7'} and ID=7: responses matches, with allow_blank matches, respx matches
{'ID': '7'} and ID=7&NAME=Anna: responses differs, with allow_blank differs, respx differs
{'ID': '7'} and ID=7&PHONE=: responses matches, with allow_blank differs, respx differs
{'ID': '7', 'PHONE': ''} and ID=7&PHONE=: responses differs, with allow_blank matches, respx matches
{'ROLE[]': '5'} and ROLE[]=1&ROLE[]=5: responses matches, with allow_blank matches, respx differs
{'ROLE[]': ['1', '5']} and ROLE[]=1&ROLE[]=5: responses differs, with allow_blank differs, respx matches
SEEN
)
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
