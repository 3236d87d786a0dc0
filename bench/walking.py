"""Walks a portal's users in a separate process.

    python -m bench.walking ours|bare|batches|fill DATABASE_URL PORT USERS

`fill` writes the links that make the users and the links agree, so that a walk reads
and compares everything and publishes nothing. `bare` is the yardstick: the same pages one
after another, each row looked at once, no store and no check; `batches` the same with
fifty pages a request.
"""

import json
import re
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.far_side import user
from bench.instances import EventLost
from gateway.locations import queue_location, sql_location, store_location

SECRET = "1/benchsecret0000"


def fill(database_url: str, _port: str, users: int) -> None:
    import sqlalchemy as sa

    from gateway.links.sql_engine import open_engine
    from gateway.links.sql_schema import links

    now = datetime.now(UTC)
    empty_facts = json.dumps([None, None, None, None, None, None])
    rows = (row for row in map(user, range(1, users + 1)) if row["UF_USR_TELEGRAM"])
    values = [
        {
            **{"portal": "portal.bench", "bitrix_user_id": int(row["ID"]), "active": True},
            **{"telegram_id": int(row["UF_USR_TELEGRAM"]), "telegram_username": None, "known": empty_facts},
            **{"observed_at": now, "updated_at": now},
        }
        for row in rows
    ]
    with open_engine(sql_location(database_url)).begin() as connection:
        connection.execute(sa.insert(links), values)


def ours(database_url: str, port: str, users: int) -> None:
    from gateway.portal import rate_limit
    from gateway.portal.resync import run
    from gateway.settings import Settings

    # So that nothing waits for the vendor's limits.
    rate_limit.RATE = 1e6
    settings = Settings(
        domain="portal.bench",
        rest_origin=f"http://127.0.0.1:{port}",
        rest_webhook=SECRET,
        queue=queue_location(database_url.replace(".db", "-queue.db")),
        database=store_location(database_url),
    )
    summary = run(settings)
    if (summary.users, summary.published) != (users, 0):
        raise EventLost(f"there are {users} users and no changes, but the walk says {summary}")


def bare(_database_url: str, port: str, users: int) -> None:
    import requests

    session, users_seen, after = requests.Session(), 0, 0
    while True:
        query: dict[str, Any] = {"filter": {">ID": after}, "sort": "ID", "order": "ASC", "start": -1}
        url = f"http://127.0.0.1:{port}/rest/{SECRET}/user.get.json"
        page = session.post(url, json=query, timeout=30).json()["result"]
        users_seen += sum(1 for row in page if row["ACTIVE"] and row["UF_USR_TELEGRAM"] is not None)
        if len(page) < 50:
            break
        after = int(page[-1]["ID"])
    if users_seen != users:
        raise EventLost(f"{users} users: the bare loop saw {users_seen}")


def batches(_database_url: str, port: str, users: int) -> None:
    import requests

    session, users_seen, after, size = requests.Session(), 0, 0, 1
    while True:
        commands = {}
        for index in range(1, size + 1):
            last = after if index == 1 else f"$result[{index - 1}][49][ID]"
            commands[str(index)] = f"user.get?filter[>ID]={last}&order=ASC&sort=ID&start=-1"
        url = f"http://127.0.0.1:{port}/rest/{SECRET}/batch.json"
        answer = session.post(url, json={"halt": 0, "cmd": commands}, timeout=30).json()
        pages: dict[str, list[dict[str, Any]]] = answer["result"]["result"]
        for page in pages.values():
            users_seen += sum(1 for row in page if row["ACTIVE"] and row["UF_USR_TELEGRAM"] is not None)
        if any(len(page) < 50 for page in pages.values()):
            break
        after, size = int(pages[str(size)][-1]["ID"]), min(2 * size, 50)
    if users_seen != users:
        raise EventLost(f"{users} users: the batches held {users_seen}")


def main(implementation: str, database_url: str, port: str, users: int) -> None:
    {"ours": ours, "bare": bare, "batches": batches, "fill": fill}[implementation](database_url, port, users)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "memory": _highest_memory()}))


def _highest_memory() -> float | None:
    """This program's peak in MB; `ru_maxrss` starts from that of the process that started it."""
    status = Path("/proc/self/status")
    match = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE) if status.exists() else None
    return int(match[1]) / 1024 if match else None


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
