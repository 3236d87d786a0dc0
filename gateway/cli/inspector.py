"""`./b24 inspector`: the inspector's page over Cloud Logging, on one's own machine."""

import click

from gateway.cli.since import parse_since
from gateway.locations import PubSubTopic
from gateway.settings import load
from gateway.texts import say


@click.command(
    "inspector",
    help="The inspector's page over a project's Cloud Logging, on this machine and with your own login: what "
    "the functions refused, what came of each event, links, dead letters. `serve` has its page without this.",
    epilog="Example: ./b24 inspector --project PROJECT",
)
@click.option("--project", metavar="PROJECT", help="The Google Cloud project; default: QUEUE_URL's.")
@click.option(
    "--since",
    metavar="TIME",
    default="24h",
    show_default=True,
    help="From when on: RFC 3339, or 30m, 2h, 7d ago.",
)
def command(project: str | None, since: str) -> None:
    from gateway.local.cloud_inspector import of_project, serve_page
    from gateway.local.serve import listen

    settings = load()
    begin = parse_since(since) if since else None
    if project is None and isinstance(settings.queue, PubSubTopic):
        project = settings.queue.project
    if project is None or begin is None:
        raise click.UsageError(say("INSPECTOR_WHICH_PROJECT", settings.language))
    serve_page(of_project(settings, project), listen(settings), project, begin)
