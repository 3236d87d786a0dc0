"""A real PgBouncer before a PostgreSQL of our own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.support.postgres import Postgres
from tests.support.processes import free_port

PASSWORD = "swordfish-of-the-pool"


@contextmanager
def running_pgbouncer(postgres: Postgres, database: str, pool_mode: str) -> Iterator[str]:
    """`HOST:PORT` of a pooler with two servers, or a skip that says how to install it."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed here: apt-get install pgbouncer")
    port = free_port()
    users, config = postgres.directory / f"users{port}", postgres.directory / f"pgbouncer{port}.ini"
    users.write_text(f'"{postgres.user}" "{PASSWORD}"\n')
    config.write_text(
        f"""[databases]
{database} = host={postgres.directory} user={postgres.user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = {pool_mode}
default_pool_size = 2
"""
    )
    for path in (users, config):
        path.chmod(0o644)
    user = postgres.user if os.getuid() == 0 else None
    silence = subprocess.DEVNULL
    process = subprocess.Popen([program, str(config)], user=user, stdout=silence, stderr=silence)
    try:
        for _ in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
