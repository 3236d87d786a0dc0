"""Bots' handlers of Bitrix24's webhook in Python, as people write them.

    python python.py NAME PORT TOKEN FILE

Each compares the token where such handlers look for it, takes the event's name and the object's id,
and writes them to FILE, a JSON line an event.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

NAME, PORT, TOKEN, FILE = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]


def handle(headers: Mapping[str, str], form: Mapping[str, str]) -> int:
    """The HTTP status to answer."""
    received = headers.get("X-Bitrix-Token")
    if received is None or received != TOKEN or form.get("auth[application_token]") != TOKEN:
        print(f"⚠️ Неверный токен исходящего вебхука. Получен: {received}", file=sys.stderr)
        return 401
    object_id = form.get("data[FIELDS_AFTER][ID]") or form.get("data[ID]")
    with open(FILE, "a", encoding="utf-8") as file:
        file.write(json.dumps({"event": form["event"], "id": object_id, "form": dict(form)}) + "\n")
    return 200


def aiohttp_bot() -> None:
    from aiohttp import web

    async def hook(request: web.Request) -> web.Response:
        form = await request.post()
        return web.Response(status=handle(request.headers, {name: str(form[name]) for name in form}))

    app = web.Application()
    app.router.add_post("/bitrix", hook)
    web.run_app(app, host="127.0.0.1", port=PORT, print=None)


def flask_bot() -> None:
    import flask

    app = flask.Flask("bot")

    @app.post("/bitrix")
    def hook() -> tuple[str, int]:
        return "", handle(dict(flask.request.headers), flask.request.form)

    app.run("127.0.0.1", PORT)


def fastapi_bot() -> None:
    import fastapi
    import uvicorn

    app = fastapi.FastAPI()

    async def hook(request: fastapi.Request) -> fastapi.Response:
        form = await request.form()
        return fastapi.Response(status_code=handle(request.headers, {name: str(form[name]) for name in form}))

    app.add_api_route("/bitrix", hook, methods=["POST"], response_model=None)
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error")


BOTS: dict[str, Any] = {"aiohttp": aiohttp_bot, "flask": flask_bot, "fastapi": fastapi_bot}
BOTS[NAME]()
