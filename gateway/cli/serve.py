"""`python -m gateway serve`: everything on this machine, in the foreground."""

import click

from gateway import host


@click.command(
    "serve",
    help="Run everything on this machine: webhook, queue, worker, polling. Ends on Ctrl-C or SIGTERM.",
    epilog="Example: PORT=9000 python -m gateway serve",
)
def command() -> None:
    settings = host.settings()
    from gateway.local.server import serve

    serve(settings)
