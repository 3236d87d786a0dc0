#!/usr/bin/env bash
# justonce 0.2.0 (Python): a call whose first run failed returns None the second time, as if it had been done.
#
# Expected: with `retry_on_failure=False`, for effects that must not be tried twice, the key of a failed call is
# burnt: "no retry". The second call is a repetition of a failure, so it raises, or says so. The decorator
# returns None, which is also what a function without a result returns after success, and `run` returns
# a Result with `executed=False`, as for a repetition of a success. The state is in `result.record.state`.
#
# Why it matters here: the first delivery fails and is answered 500. The second is answered 200, since nothing
# raised, and the queue forgets the event. What failed once has succeeded as far as anybody can see.
# What follows: `return_result=True`, and an error of your own if `record.state` is `State.FAILED`.
#
# Seen on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check justonce==0.2.0 2>/dev/null

cat >"$work/deliver.py" <<'PY'
import sys

import justonce
from justonce.stores import SqliteStore

justonce.configure(SqliteStore(sys.argv[1]))


def outcome(call):
    try:
        return f"returned {call()}"
    except Exception as error:
        return f"raised {type(error).__name__}"


@justonce.idempotent(key=lambda event: f"failing-{event}", retry_on_failure=False)
def failing(event):
    raise ConnectionError("the portal is down")


@justonce.idempotent(key=lambda event: f"working-{event}", retry_on_failure=False)
def working(event):
    pass


@justonce.idempotent(key=lambda event: f"state-{event}", retry_on_failure=False, return_result=True)
def with_result(event):
    raise ConnectionError("the portal is down")


for function in (failing, working):
    for delivery in (1, 2):
        print(f"{function.__name__}, delivery {delivery}: {outcome(lambda: function(7))}")
print(f"with a result, delivery 1: {outcome(lambda: with_result(7))}")
result = with_result(7)
print(f"with a result, delivery 2: executed {result.executed}, state {result.record.state.name}")
PY
seen=$("$work/venv/bin/python" "$work/deliver.py" "$work/keys.db")
printf '%s\n' "$seen"
expected='failing, delivery 1: raised ConnectionError
failing, delivery 2: returned None
working, delivery 1: returned None
working, delivery 2: returned None
with a result, delivery 1: raised ConnectionError
with a result, delivery 2: executed False, state FAILED'
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
