"""`./b24 inspector`: serves the inspector's page over Cloud Logging, on this machine."""

import os

import click

from gateway.cli.since import of_the_last_day, parse_since
from gateway.settings import load
from gateway.texts import say


@click.command(
    "inspector",
    help="Open the inspector on this machine, with data from a project's Cloud Logging, read with your own "
    "login: what the functions rejected, what came of each event, links, dead letters. `serve` has this page "
    "already.",
    epilog="Example: ./b24 inspector --project PROJECT",
)
@click.option(
    "--project",
    metavar="PROJECT",
    help="The Google Cloud project; default: from QUEUE_URL, else from deploy.env.",
)
@click.option(
    "--prefix",
    metavar="NAME",
    help="The --prefix given to deploy.sh; default: from QUEUE_URL or deploy.env, else b24.",
)
@of_the_last_day
def command(project: str | None, prefix: str | None, since: str) -> None:
    from gateway.local.cloud_inspector import serve_page  # cold start
    from gateway.local.serve import listen
    from gateway.tools.deployment import find_deployment

    settings = load()
    begin = parse_since(since) if since else None
    deployed = find_deployment(settings, project, prefix, os.environ)
    if deployed is None or begin is None:
        raise click.UsageError(say("INSPECTOR_WHICH_PROJECT", settings.language))
    serve_page(settings, listen(settings), deployed, begin)
