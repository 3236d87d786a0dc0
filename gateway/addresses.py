"""Normalises host names as operators, events and settings write them."""

import re

_PORTAL = re.compile(r"[a-z0-9_.-]{1,253}(?::[0-9]{1,5})?")
# Some events have one of Bitrix24's own servers in `auth.domain` (`oauth.bitrix.info`), which is no portal.
_VENDOR = re.compile(r"oauth\.bitrix(?:24)?\.[a-z]{2,12}")


def portal_name(text: str) -> str | None:
    """A portal's host, lower case, with its port or not: without scheme, path, `:443` and final dot.

    An international name becomes its ASCII form. None if that leaves no host name.
    """
    name = text.strip().lower()
    for scheme in ("https://", "http://"):
        name = name.removeprefix(scheme)
    name = name.partition("/")[0].partition("?")[0].removesuffix(":443").rstrip(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return name if _PORTAL.fullmatch(name) else None


def portal_given(text: str) -> str:
    """The portal that a person names, as events name it; a text that can't be a host finds none."""
    return portal_name(text) or text.strip().lower()


def is_vendor_server(portal: str) -> bool:
    """Whether this is a server of the vendor's own, not a portal."""
    return _VENDOR.fullmatch(portal) is not None
