#!/usr/bin/env bash
# fasteners 0.20 (Python): two threads hold one InterProcessLock, and the first to leave opens it for
# other processes too.
#
# Expected: a lock on a file that keeps processes apart keeps threads apart as well, if each has a
# lock object of its own, as with filelock, portalocker and zc.lockfile. fasteners uses POSIX record
# locks, which belong to the process: the second object gets the lock at once. When it is released,
# the kernel drops all locks of the process on this file, so another process gets in while the first
# thread is still at work and believes that it is alone. To read the lock file has the same effect.
# Nothing is raised, and `acquired` is True throughout.
#
# Why it matters here: "one worker at a time for person 7" holds between two containers on one
# volume, and not between two threads of one gunicorn worker. Tests start processes, and pass.
# What follows: a lock that uses flock, or a threading.Lock around this one; never open the file.
#
# Seen with filelock 4.2.11, portalocker 4.4.2 and zc.lockfile 4.0 on Python 3.11, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  fasteners==0.20 filelock==4.2.11 portalocker==4.4.2 zc.lockfile==4.0 2>/dev/null

cd "$work"
cat >locks.py <<'PY'
import fasteners
import filelock
import portalocker
import zc.lockfile


def take_fasteners(path):
    lock = fasteners.InterProcessLock(path)
    return lock.release if lock.acquire(blocking=False) else None


def take_filelock(path):
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return None
    return lock.release


def take_portalocker(path):
    lock = portalocker.Lock(path, timeout=0, fail_when_locked=True)
    try:
        lock.acquire()
    except portalocker.exceptions.LockException:
        return None
    return lock.release


def take_zc(path):
    try:
        lock = zc.lockfile.LockFile(path)
    except zc.lockfile.LockError:
        return None
    return lock.close


ways = {
    "fasteners": take_fasteners,
    "filelock": take_filelock,
    "portalocker": take_portalocker,
    "zc.lockfile": take_zc,
}
PY
cat >try.py <<'PY'
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from locks import ways


def another_process(name):
    code = f"from locks import ways; print('let in' if ways['{name}']('{name}.lock') else 'kept out')"
    return subprocess.check_output([sys.executable, "-c", code], text=True).strip()


for name, take in ways.items():
    seen = []
    with ThreadPoolExecutor(1) as second_thread:
        release = take(f"{name}.lock")
        seen.append(f"a process {another_process(name)}")
        release_second = second_thread.submit(take, f"{name}.lock").result()
        seen.append(f"a second thread {'let in' if release_second else 'kept out'}")
        if release_second:
            second_thread.submit(release_second).result()
            seen.append(f"a process after the second thread has left {another_process(name)}")
        release()
        release = take(f"{name}.lock")
        with open(f"{name}.lock", "rb") as file:
            file.read()
        seen.append(f"after the file was read, a process {another_process(name)}")
        release()
    print(f"{name}: {'; '.join(seen)}")
PY
seen=$(venv/bin/python try.py 2>&1)
expected='fasteners: a process kept out; a second thread let in; a process after the second thread has left let in; after the file was read, a process let in
filelock: a process kept out; a second thread kept out; after the file was read, a process kept out
portalocker: a process kept out; a second thread kept out; after the file was read, a process kept out
zc.lockfile: a process kept out; a second thread kept out; after the file was read, a process kept out'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
