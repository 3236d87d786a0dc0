"""`./b24 serve`: runs everything on this machine, in the foreground."""

import click

from gateway import startup
from gateway.errors import GatewayError
from gateway.settings import load


@click.command(
    "serve",
    help="Run everything on this machine: webhook, queue, worker, polling, inspector page. "
    "Ends on Ctrl-C or SIGTERM.",
    epilog="Example: PORT=9000 ./b24 serve",
)
def command() -> None:
    from gateway.local.serve import listen, serve  # cold start

    # A port in use ends the start before anything else is printed.
    listener = listen(load())
    settings = startup.settings()
    try:
        serve(settings, listener)
    except RuntimeError as error:
        if "new thread" not in str(error):
            raise
        raise GatewayError("NO_THREADS") from None
