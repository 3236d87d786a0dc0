"""`./b24 field create`: creates the portal's user field that holds the Telegram account."""

import re

import click

from gateway.errors import PortalError, SettingError
from gateway.portal.client import Portal
from gateway.settings import Settings, load
from gateway.texts import say
from gateway.tools.printing import printable

# The portal puts this before the name of every field that it creates for users.
# https://apidocs.bitrix24.com/api-reference/user/userfields/user-userfield-add.html
_PREFIX = "UF_USR_"
_NAME = re.compile(r"UF_USR_[A-Z0-9_]{1,43}")
_PATIENCE = 30.0


@click.group(
    "field",
    help="The field of user profiles that holds the Telegram account.",
    epilog="Example: ./b24 field create",
)
def command() -> None:
    """A group, so that the command reads as what it does."""


@command.command(
    "create",
    help="Create the field in the portal (BITRIX24_TELEGRAM_FIELD_NAME, or UF_USR_TELEGRAM) through the "
    "incoming webhook. The webhook's owner must be an administrator, and its scopes must include "
    "user.userfield. A field that already exists is left as it is. Exit code 0: the field is there, 1: the "
    "portal refused, or has another field that looks like it, 2: the portal could not be asked.",
    short_help="Create the field in the portal.",
    epilog="Example: ./b24 field create",
)
@click.option("--anyway", is_flag=True, help="Create it even if a similar field exists.")
def create(anyway: bool) -> int:
    """Create the field in the portal, unless it or a similar one exists."""
    settings = load()
    name = settings.telegram_field.upper()
    portal = Portal(settings)
    existing = portal.fields(_PATIENCE)
    if name in existing:
        return _report("FIELD_EXISTS", settings, name)
    if not _NAME.fullmatch(name):
        raise SettingError("BITRIX24_TELEGRAM_FIELD_NAME", "FIELD_NAME_EXPECTED")
    similar = sorted(field for field in existing if "TELEGRAM" in field)
    if similar and not anyway:
        names = printable(", ".join(similar))
        click.echo(say("FIELD_ALIKE", settings.language, names=names, first=printable(similar[0])), err=True)
        return 1
    try:
        portal.create_field(name.removeprefix(_PREFIX), "Telegram", _PATIENCE)
    except PortalError:
        # The answer to an earlier try may have been lost: then the field is there, and the portal says so.
        if name not in portal.fields(_PATIENCE):
            raise
    return _report("FIELD_CREATED", settings, name)


def _report(key: str, settings: Settings, name: str) -> int:
    click.echo(say(key, settings.language, field=name, portal=settings.domain))
    return 0
