"""What Firestore's errors mean: the reasons of one status are told apart, and each has its sentence."""

from typing import Any

import google.api_core.exceptions
import google.auth.exceptions
import pytest

from gateway.links.firestore_failures import sentence_key
from gateway.texts import SENTENCES

# Its classes have no types.
api: Any = google.api_core.exceptions
auth: Any = google.auth.exceptions

API_OFF = (
    "Cloud Firestore API has not been used in project p before or it is disabled. Enable it by visiting "
    "https://console.developers.google.com/apis/api/firestore.googleapis.com/overview?project=p then retry."
)
NO_DATABASE = (
    "The database (default) does not exist for project p Please visit "
    "https://console.cloud.google.com/datastore/setup?project=p to add a Cloud Datastore database."
)
MODE = "The Cloud Firestore API is not available for Firestore in Datastore Mode database."

ERRORS: dict[str, list[Exception]] = {
    "FIRESTORE_RIGHTS": [api.PermissionDenied("Missing or insufficient permissions.")],
    "FIRESTORE_API_OFF": [api.PermissionDenied(API_OFF)],
    "FIRESTORE_PROJECT": [
        api.PermissionDenied("Permission denied on resource project nope."),
        api.NotFound("Project nope not found"),
        api.InvalidArgument("Invalid project id: N!"),
    ],
    "FIRESTORE_NO_DATABASE": [api.NotFound(NO_DATABASE)],
    "FIRESTORE_MODE": [api.FailedPrecondition(MODE)],
    "FIRESTORE_LOGIN": [
        api.Unauthenticated("Request had invalid authentication credentials."),
        auth.DefaultCredentialsError("Your default credentials were not found."),
        auth.RefreshError("Reauthentication is needed."),
    ],
    "FIRESTORE_QUOTA": [api.ResourceExhausted("Quota exceeded.")],
    "FIRESTORE_SILENT": [
        api.ServiceUnavailable("failed to connect to all addresses"),
        api.DeadlineExceeded("Deadline Exceeded"),
        api.RetryError("Timeout of 20.0s exceeded", api.ServiceUnavailable("503")),
        api.RetryError("Timeout of 20.0s exceeded", None),
    ],
}


@pytest.mark.parametrize(
    ("key", "error"), [(key, error) for key, errors in ERRORS.items() for error in errors]
)
def test_an_error_is_reported_by_its_meaning(
    key: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    assert sentence_key(error) == key
    assert sentence_key(api.RetryError("Timeout", error)) == key
    assert key in SENTENCES


@pytest.mark.parametrize("error", ERRORS["FIRESTORE_SILENT"])
def test_an_unreachable_emulator_is_named(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:8086")
    assert sentence_key(error) == "FIRESTORE_EMULATOR"
    assert sentence_key(ERRORS["FIRESTORE_RIGHTS"][0]) == "FIRESTORE_RIGHTS"
