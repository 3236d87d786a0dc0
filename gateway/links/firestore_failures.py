"""Finds the sentence for an error of Firestore. Pure.

Google's client gives the status of the answer as a class, and says in its text which of the
several reasons for one status it was.
https://cloud.google.com/firestore/docs/understand-error-codes
"""

import os
import re

from google.api_core.exceptions import (
    BadRequest,
    FailedPrecondition,
    Forbidden,
    GatewayTimeout,
    NotFound,
    RetryError,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
)
from google.auth.exceptions import GoogleAuthError

# The first line whose class and text fit counts.
_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((Forbidden,), r"has not been used in project|is disabled|SERVICE_DISABLED", "FIRESTORE_API_OFF"),
    ((Forbidden,), r"on resource project|CONSUMER_INVALID|project .{0,99} not found", "FIRESTORE_PROJECT"),
    ((Forbidden,), "", "FIRESTORE_RIGHTS"),
    ((NotFound,), r"project .{0,99}(?:not found|does not exist)(?! for)", "FIRESTORE_PROJECT"),
    ((NotFound,), r"database", "FIRESTORE_NO_DATABASE"),
    ((FailedPrecondition, BadRequest), r"Datastore Mode", "FIRESTORE_MODE"),
    ((BadRequest,), r"project|database", "FIRESTORE_PROJECT"),
    ((Unauthorized, GoogleAuthError), "", "FIRESTORE_LOGIN"),
    ((TooManyRequests,), "", "FIRESTORE_QUOTA"),
)
_PATTERNS = tuple((kinds, re.compile(pattern, re.IGNORECASE), key) for kinds, pattern, key in _MEANINGS)


def sentence_key(error: BaseException) -> str:
    """The key of the sentence that says what to do."""
    if isinstance(error, RetryError) and error.cause is not None:
        error = error.cause
    text = str(error)[:4000]
    for kinds, pattern, key in _PATTERNS:
        if isinstance(error, kinds) and pattern.search(text):
            return key
    is_silent = isinstance(error, ServiceUnavailable | GatewayTimeout | RetryError)
    return (
        "FIRESTORE_EMULATOR"
        if is_silent and os.environ.get("FIRESTORE_EMULATOR_HOST")
        else "FIRESTORE_SILENT"
    )
