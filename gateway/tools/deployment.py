"""Names what `deploy.sh` deployed: every name follows from the project and the prefix."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gateway import dotenv_file
from gateway.errors import SettingError
from gateway.functions import functions
from gateway.locations import FirestoreDatabase, PubSubTopic
from gateway.settings import Settings

PREFIX = re.compile(r"[a-z][a-z0-9-]{0,11}")
DEFAULT_PREFIX = "b24"
# How the topic's name ends.
_EVENTS = "-events"


@dataclass(frozen=True)
class Deployment:
    """A project, and the beginning of all names in it."""

    project: str
    prefix: str

    @property
    def services(self) -> tuple[str, ...]:
        """The Cloud Run services of the functions."""
        return tuple(f"{self.prefix}-{function.name.replace('_', '-')}" for function in functions())

    def settings(self, local: Settings) -> Settings:
        """The settings of this machine, with the deployment's queue and links instead of its own."""
        topic = PubSubTopic(self.project, f"{self.prefix}{_EVENTS}")
        database = FirestoreDatabase(self.project, f"{self.prefix}-links")
        # Settings that name this queue also name the store of the deployment.
        if local.queue == topic:
            return local
        return replace(local, queue=topic, database=database)


def find_deployment(
    settings: Settings,
    project: str | None,
    prefix: str | None,
    environ: Mapping[str, str],
    file: str | Path = "deploy.env",
) -> Deployment | None:
    """The flags above `QUEUE_URL`, above the environment, above `deploy.env`; None without a project.

    Raises `SettingError` for a prefix that `deploy.sh` would not accept.
    """
    topic = settings.queue if isinstance(settings.queue, PubSubTopic) else None
    if topic is not None and project in (None, topic.project):
        project = topic.project
        if topic.name.endswith(_EVENTS):
            prefix = prefix or topic.name.removesuffix(_EVENTS)
    in_file = dotenv_file.read(file).values
    project = project or environ.get("PROJECT") or in_file.get("PROJECT")
    prefix = prefix or environ.get("PREFIX") or in_file.get("PREFIX") or DEFAULT_PREFIX
    if not PREFIX.fullmatch(prefix):
        raise SettingError("PREFIX", "EXPECTED_FORM", form=PREFIX.pattern)
    return Deployment(project, prefix) if project else None
