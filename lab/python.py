"""Runs a middleman in Python, written as people write it: python python.py NAME PORT TARGET."""

import asyncio
import json
import sys
import urllib.parse
import urllib.request
from typing import Any

NAME, PORT, TARGET = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def flask_app(forward: Any) -> None:
    import flask

    app = flask.Flask("lab")

    @app.post("/hook")
    def hook() -> str:
        forward(flask.request)
        return "ok"

    app.run("127.0.0.1", PORT)


def nested(form: Any) -> dict[str, Any]:
    """Nest the form's fields by their brackets, as decoders written by hand do."""
    result: dict[str, Any] = {}
    for name, value in form.items():
        keys = name.replace("]", "").split("[")
        place = result
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return result


def requests_post(**arguments: Any) -> None:
    import requests

    requests.post(TARGET, timeout=10, **arguments)


def fastapi_app(forward: Any) -> None:
    import fastapi
    import uvicorn

    app = fastapi.FastAPI()

    async def hook(request: fastapi.Request) -> str:
        await forward(request)
        return "ok"

    app.add_api_route("/hook", hook, methods=["POST"], response_model=None)
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error")


async def httpx_post(**arguments: Any) -> None:
    import httpx

    async with httpx.AsyncClient() as client:
        await client.post(TARGET, **arguments)


def aiohttp_app(forward: Any) -> None:
    from aiohttp import ClientSession, web

    async def hook(request: web.Request) -> web.Response:
        async with ClientSession() as session:
            await forward(session, request)
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/hook", hook)
    web.run_app(app, host="127.0.0.1", port=PORT, print=None)


def django_app() -> None:
    import django
    from django.conf import settings
    from django.core.servers.basehttp import run
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="lab", DEBUG=False)
    django.setup()

    def hook(request: HttpRequest) -> HttpResponse:
        requests_post(json=request.POST.dict())
        return HttpResponse("ok")

    globals()["urlpatterns"] = [path("hook", hook)]
    run("127.0.0.1", PORT, get_wsgi_application())


def tornado_app() -> None:
    import tornado.httpclient
    import tornado.web

    class Hook(tornado.web.RequestHandler):
        async def post(self) -> None:
            arguments = {name: self.get_body_argument(name) for name in self.request.body_arguments}
            client = tornado.httpclient.AsyncHTTPClient()
            await client.fetch(TARGET, method="POST", body=urllib.parse.urlencode(arguments))
            self.write("ok")

    async def main() -> None:
        tornado.web.Application([("/hook", Hook)]).listen(PORT, "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(main())


async def _aiohttp_form(session: Any, request: Any) -> None:
    await session.post(TARGET, data=await request.post())


async def _aiohttp_json(session: Any, request: Any) -> None:
    await session.post(TARGET, json=dict(await request.post()))


async def _fastapi_form(request: Any) -> None:
    await httpx_post(data=dict(await request.form()))


async def _fastapi_json(request: Any) -> None:
    await httpx_post(json=dict(await request.form()))


async def _fastapi_nested(request: Any) -> None:
    await httpx_post(data=nested(await request.form()))


async def _fastapi_body(request: Any) -> None:
    await httpx_post(content=await request.body(), headers={"Content-Type": request.headers["content-type"]})


def _urllib(request: Any) -> None:
    body = urllib.parse.urlencode(nested(request.form), doseq=True).encode()
    urllib.request.urlopen(TARGET, body, timeout=10).close()


def tornado_lists() -> None:
    import tornado.web

    class Hook(tornado.web.RequestHandler):
        async def post(self) -> None:
            body = urllib.parse.urlencode(self.request.body_arguments).encode()
            await asyncio.to_thread(lambda: urllib.request.urlopen(TARGET, body, timeout=10).close())
            self.write("ok")

    async def main() -> None:
        tornado.web.Application([("/hook", Hook)]).listen(PORT, "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(main())


def sanic_app() -> None:
    from sanic import HTTPResponse, Request, Sanic, text

    app = Sanic("lab")

    @app.post("/hook")
    async def hook(request: Request) -> HTTPResponse:
        await asyncio.to_thread(lambda: requests_post(json=request.form))
        return text("ok")

    app.run("127.0.0.1", PORT, single_process=True, access_log=False)


def bottle_app() -> None:
    import bottle

    @bottle.post("/hook")
    def hook() -> str:
        requests_post(json=dict(bottle.request.forms))
        return "ok"

    bottle.run(host="127.0.0.1", port=PORT, quiet=True)


def falcon_app() -> None:
    from wsgiref.simple_server import make_server

    import falcon

    class Hook:
        def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
            requests_post(json=request.get_media())
            response.text = "ok"

    app = falcon.App()
    app.add_route("/hook", Hook())
    make_server("127.0.0.1", PORT, app).serve_forever()


def litestar_app() -> None:
    import litestar
    import uvicorn

    @litestar.post("/hook")
    async def hook(request: litestar.Request[Any, Any, Any]) -> str:
        form = await request.form()
        await asyncio.to_thread(lambda: requests_post(json=dict(form)))
        return "ok"

    uvicorn.run(litestar.Litestar([hook]), host="127.0.0.1", port=PORT, log_level="error")


def drf_app() -> None:
    import django
    from django.conf import settings
    from django.core.servers.basehttp import run
    from django.core.wsgi import get_wsgi_application
    from django.urls import path

    none = ("DEFAULT_AUTHENTICATION_CLASSES", "DEFAULT_PERMISSION_CLASSES")
    rest = {**dict.fromkeys(none, ()), "UNAUTHENTICATED_USER": None}
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="lab", REST_FRAMEWORK=rest)
    django.setup()
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class Hook(APIView):
        def post(self, request: Any) -> Response:
            body = urllib.parse.urlencode(dict(request.data)).encode()
            urllib.request.urlopen(TARGET, body, timeout=10).close()
            return Response("ok")

    globals()["urlpatterns"] = [path("hook", Hook.as_view())]
    run("127.0.0.1", PORT, get_wsgi_application())


SETUPS: dict[str, Any] = {
    "flask-requests-form": lambda: flask_app(lambda request: requests_post(data=request.form)),
    "flask-requests-json": lambda: flask_app(lambda request: requests_post(json=dict(request.form))),
    "flask-requests-nested": lambda: flask_app(lambda request: requests_post(data=nested(request.form))),
    "flask-requests-nested-json": lambda: flask_app(lambda request: requests_post(json=nested(request.form))),
    "flask-requests-params": lambda: flask_app(lambda request: requests_post(params=request.form)),
    "flask-requests-str": lambda: flask_app(lambda request: requests_post(data=str(nested(request.form)))),
    "flask-requests-bytes": lambda: flask_app(lambda request: requests_post(data=str(request.get_data()))),
    "flask-requests-raw": lambda: flask_app(
        lambda request: requests_post(
            data=request.get_data(), headers={"Content-Type": request.headers["Content-Type"]}
        )
    ),
    "flask-requests-dumps": lambda: flask_app(
        lambda request: requests_post(data=json.dumps(nested(request.form)))
    ),
    "flask-urllib-doseq": lambda: flask_app(_urllib),
    "fastapi-httpx-form": lambda: fastapi_app(_fastapi_form),
    "fastapi-httpx-json": lambda: fastapi_app(_fastapi_json),
    "fastapi-httpx-nested": lambda: fastapi_app(_fastapi_nested),
    "fastapi-httpx-raw": lambda: fastapi_app(_fastapi_body),
    "aiohttp-form": lambda: aiohttp_app(_aiohttp_form),
    "aiohttp-json": lambda: aiohttp_app(_aiohttp_json),
    "django-requests-json": django_app,
    "tornado-urlencode": tornado_app,
    "tornado-urlencode-lists": tornado_lists,
    "drf-urlencode": drf_app,
    "sanic-json": sanic_app,
    "bottle-json": bottle_app,
    "falcon-json": falcon_app,
    "litestar-json": litestar_app,
}

if __name__ == "__main__":
    if NAME not in SETUPS:
        sys.exit(f"no set-up {NAME}; there are: {' '.join(SETUPS)}")
    SETUPS[NAME]()
