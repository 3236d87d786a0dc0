"""The yardstick: the smallest function there is, under the same host."""

import flask
import functions_framework


@functions_framework.http
def hello(_request: flask.Request) -> str:
    return "ok"
