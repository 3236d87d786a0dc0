"""Reads `postgresql://…` as libpq does, in pure Python, so that settings need no database library."""

import re
from urllib.parse import parse_qsl, unquote

# libpq's own, https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
PARAMETERS = frozenset(
    (
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "gsslib",
        "host",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "options",
        "passfile",
        "password",
        "port",
        "require_auth",
        "requirepeer",
        "service",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcert",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslmode",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
        "sslsni",
        "target_session_attrs",
        "tcp_user_timeout",
        "user",
    )
)
_URL = re.compile(
    r"postgresql://(?:(?P<user>[^:/@?]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<hosts>[^/?@]*)/(?P<dbname>[^/?]+)(?:\?(?P<query>[^#]*))?"
)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")


def connection_arguments(url: str) -> dict[str, str]:
    """The parameters of an address for libpq, with several hosts separated by commas.

    Raises `ValueError` for anything else. If only a parameter is unknown, the error's argument is
    its name; a value is never part of the error.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError
    hosts = [_HOST.fullmatch(host) for host in match["hosts"].split(",")]
    arguments = {name: unquote(match[name] or "") for name in ("user", "password", "dbname")}
    arguments["host"] = ",".join(unquote(host["host"]).strip("[]") for host in hosts if host)
    ports = [host["port"] or "" for host in hosts if host]
    if len(ports) != len(hosts) or any(port and not 0 < int(port) < 65536 for port in ports):
        raise ValueError
    arguments["port"] = ",".join(ports) if any(ports) else ""
    for name, value in parse_qsl(match["query"] or "", keep_blank_values=True):
        if name not in PARAMETERS:
            raise ValueError(name)
        arguments[name] = value
    return {name: value for name, value in arguments.items() if value}


def passwords(url: str) -> tuple[str, ...]:
    """The secrets in an address, each as written and percent-decoded."""
    match = _URL.fullmatch(url)
    if match is None:
        return ()
    query = dict(parse_qsl(match["query"] or ""))
    secrets = (match["password"] or "", query.get("password", ""), query.get("sslpassword", ""))
    return tuple(dict.fromkeys(secret for text in secrets for secret in (text, unquote(text)) if secret))
