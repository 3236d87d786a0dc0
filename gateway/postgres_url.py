"""`postgresql://…` as libpq reads it, in pure Python: settings are read without its library."""

import re
from urllib.parse import parse_qsl, unquote

# libpq's own, https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
PARAMETERS = frozenset(
    (
        *("application_name", "channel_binding", "client_encoding", "connect_timeout", "dbname"),
        *("fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "host", "hostaddr"),
        *("keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname"),
        *("load_balance_hosts", "options", "passfile", "password", "port", "require_auth"),
        *("requirepeer", "service", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert"),
        *("sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkey", "sslmode"),
        *("sslnegotiation", "sslpassword", "sslrootcert", "sslsni", "target_session_attrs"),
        *("tcp_user_timeout", "user"),
    )
)
_URL = re.compile(
    r"postgresql://(?:(?P<user>[^:/@?]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<hosts>[^/?@]*)/(?P<dbname>[^/?]+)(?:\?(?P<query>[^#]*))?"
)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")


def connection_arguments(url: str) -> dict[str, str]:
    """libpq's parameters, several hosts separated by commas.

    Raises `ValueError` for what is no such address. Where only a parameter is unknown, the
    error's argument is its name; a value is never part of it.
    """
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError
    hosts = [_HOST.fullmatch(one) for one in parts["hosts"].split(",")]
    found = {name: unquote(parts[name] or "") for name in ("user", "password", "dbname")}
    found["host"] = ",".join(unquote(one["host"]).strip("[]") for one in hosts if one)
    ports = [one["port"] or "" for one in hosts if one]
    if len(ports) != len(hosts) or any(port and not 0 < int(port) < 65536 for port in ports):
        raise ValueError
    found["port"] = ",".join(ports) if any(ports) else ""
    for name, value in parse_qsl(parts["query"] or "", keep_blank_values=True):
        if name not in PARAMETERS:
            raise ValueError(name)
        found[name] = value
    return {name: value for name, value in found.items() if value}


def passwords(url: str) -> tuple[str, ...]:
    """The secrets in an address, each as it is written and as it is meant."""
    parts = _URL.fullmatch(url)
    if parts is None:
        return ()
    query = dict(parse_qsl(parts["query"] or ""))
    written = (parts["password"] or "", query.get("password", ""), query.get("sslpassword", ""))
    return tuple(dict.fromkeys(secret for one in written for secret in (one, unquote(one)) if secret))
