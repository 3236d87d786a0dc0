"""Gets Google access tokens, in the one way that fits the place where the process runs.

1. On Google Cloud (`K_SERVICE`, or `GCE_METADATA_HOST` for tests): the metadata server is asked
   directly, as `google.auth.default()` would after 200 ms of imports, paid at each cold start.
2. Anywhere else (an operator's machine, Railway): `google.auth.default()`, imported late; it
   knows key files, gcloud's login, and a VM's metadata server.

https://cloud.google.com/compute/docs/access/authenticate-workloads#applications
"""

import json
import os
import time
from datetime import UTC

from gateway.errors import GatewayError
from gateway.queues.deadline_http import Origin, Shared, WireError

# This is metadata.google.internal, without asking the DNS.
METADATA_HOST = "169.254.169.254"
METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
# On a thread of its own; those who wait for it have their own deadlines.
FETCH_SECONDS = 10.0
# Before expiry, as google-auth does: the server itself renews about 4 minutes ahead.
RENEW_SECONDS = 225.0
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class CredentialsError(GatewayError):
    """No access token could be obtained; says why."""


def access_token(deadline: float) -> str:
    """A valid access token by `deadline` (of `time.monotonic()`), cached until shortly before it expires.

    Raises `CredentialsError`.
    """
    try:
        return _token.get(deadline)
    except WireError as error:
        raise CredentialsError("TOKEN_SERVER_SILENT", problem=error) from None


def forget_access_token() -> None:
    """Drop the token, which Google refused: the next call gets another."""
    _token.forget()


def _fetch() -> tuple[str, float, float]:
    on_google_cloud = "K_SERVICE" in os.environ or "GCE_METADATA_HOST" in os.environ
    token, seconds = _from_metadata() if on_google_cloud else _from_library()
    return token, max(seconds - RENEW_SECONDS, seconds / 2), seconds - 10.0


def _from_metadata() -> tuple[str, float]:
    host, _, port = os.environ.get("GCE_METADATA_HOST", METADATA_HOST).partition(":")
    origin = Origin(host, int(port or 80), tls=False)
    try:
        status, answer = origin.call(
            "GET", METADATA_PATH, b"", {"Metadata-Flavor": "Google"}, time.monotonic() + FETCH_SECONDS
        )
    finally:
        origin.close()
    if status != 200:
        raise CredentialsError("TOKEN_SERVER_STATUS", status=status)
    try:
        fields = json.loads(answer)
        return str(fields["access_token"]), float(fields["expires_in"])
    except (ValueError, KeyError, TypeError):
        raise CredentialsError("TOKEN_SERVER_UNREADABLE") from None


def _from_library() -> tuple[str, float]:
    import google.auth  # optional
    import google.auth.exceptions
    import google.auth.transport.requests

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        credentials.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]
    except google.auth.exceptions.GoogleAuthError as error:
        raise CredentialsError("TOKEN_NO_LOGIN", kind=type(error).__name__) from None
    expiry = credentials.expiry  # naive, in UTC
    seconds = 3600.0 if expiry is None else expiry.replace(tzinfo=UTC).timestamp() - time.time()
    return str(credentials.token), seconds


_token: Shared[str] = Shared(_fetch)
