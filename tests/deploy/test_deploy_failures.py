"""Whatever Google refuses or the line drops: `deploy.sh` says so and stops; the next run goes on."""

import os
import subprocess

import pytest

from tests.support.fake_google import Rule
from tests.support.gcloud import SETTINGS, Cloud
from tests.support.google_resources import PROJECT
from tests.support.pages import ROOT

SERVICES = f"run/projects/{PROJECT}/services"
PUSH = f"iam/projects/{PROJECT}/serviceAccounts/b24-push@{PROJECT}.iam.gserviceaccount.com"
TOKEN_CREATOR = "--role=roles/iam.serviceAccountTokenCreator"
SUBSCRIBER = "--role=roles/pubsub.subscriber"
SUBSCRIPTION = f"pubsub/projects/{PROJECT}/subscriptions/b24-on-user-add"


@pytest.mark.parametrize(
    ("command", "url"),
    [
        ("deploy", r"secretmanager/.*/secrets$"),
        ("plan", r"iam/.*/serviceAccounts$"),
        ("check", r"subscriptions$"),
    ],
)
def test_a_failed_read_is_not_taken_for_absence(finished: Cloud, command: str, url: str) -> None:
    finished.google.rules.append(Rule("GET", url, 403, "Permission denied on resource"))
    run = finished.run(command, **SETTINGS)
    assert run.returncode == 1
    assert "Permission denied on resource" in run.stderr
    assert "That does not mean that nothing is there" in run.stderr
    assert finished.changes() == []


@pytest.mark.parametrize("gcloud", ["true", "false"], ids=["nothing", "an error"])
def test_without_a_file_to_upload_nothing_is_hashed(gcloud: str) -> None:
    script = (
        "for name in texts gcloud run; do source deploy/lib/$name.sh; done; OFFLINE=; "
        f"gcloud() {{ {gcloud}; }}; SOURCE=$(source_digest) || exit 1; echo went on"
    )
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LOG_LANGUAGE": "en"},
        input="not a file",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert "there is nothing to upload" in run.stderr
    assert "sha256sum" not in run.stderr


def test_a_failed_build_stops_before_anything_that_follows(finished: Cloud) -> None:
    finished.google.built = "FAILURE"
    run = finished.run("deploy", "on_user_update", "bitrix_webhook", "--memory", "1Gi", **SETTINGS)
    assert run.returncode == 1
    assert "If the build failed, its log is linked above" in run.stderr
    assert not [call for call in finished.changes() if call.startswith("PUT run")]
    assert sum("builds:submit" in call for call in finished.changes()) == 1


def test_refused_public_access_is_an_error(finished: Cloud) -> None:
    del finished.google.resources[f"{SERVICES}/b24-bitrix-webhook"]
    refusal = "violates the organization policy constraints/run.managed.requireInvokerIam"
    finished.google.rules.append(Rule("POST", "run/.*/services$", 400, refusal, code="FAILED_PRECONDITION"))
    run = finished.run("deploy", "bitrix_webhook", **SETTINGS)
    assert run.returncode == 1
    assert run.stdout == ""
    assert "run.managed.requireInvokerIam forbids it: ask for an exception" in run.stderr


def test_the_receiver_does_not_go_out_before_somebody_listens(cloud: Cloud) -> None:
    run = cloud.run("plan", "bitrix_webhook", **SETTINGS)
    assert run.returncode == 1
    assert "./deploy.sh deploy on_user_update on_user_add" in run.stderr
    assert "run deploy" not in run.stdout


def test_an_agent_that_never_appears_is_waited_for_and_named(finished: Cloud) -> None:
    del finished.google.policies[PUSH]
    unknown = "Service account service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com does not exist."
    finished.google.rules.append(
        Rule("POST", "serviceAccounts/.*:setIamPolicy", 400, unknown, code="INVALID")
    )
    run = finished.run("deploy", **SETTINGS)
    assert run.returncode == 1
    assert "Pub/Sub's service agent has not appeared" in run.stderr
    assert sum(call.endswith(":setIamPolicy") for call in finished.changes()) == 6


def test_a_lost_connection_half_way_and_what_is_left_to_do(finished: Cloud) -> None:
    """The line breaks where an account is created; the next run wants what is missing, and only that."""
    google = finished.google
    del google.resources[PUSH], google.policies[PUSH], google.resources[SUBSCRIPTION]
    google.policies.pop(SUBSCRIPTION)
    google.rules.append(Rule("POST", "serviceAccounts$", 0))
    run = finished.run("deploy", **SETTINGS)
    assert run.returncode == 1
    assert "Failed: gcloud iam service-accounts create" in run.stderr
    assert "finished steps are not repeated" in run.stderr
    google.rules.clear()
    run = finished.run("plan", "on_user_add", **SETTINGS)
    assert run.returncode == 0, run.stderr
    assert [line.split()[1:6] for line in run.stdout.splitlines()] == [
        ["iam", "service-accounts", "create", "b24-push", "'--display-name=Bitrix24"],
        ["beta", "services", "identity", "create", "--service=pubsub.googleapis.com"],
        ["iam", "service-accounts", "add-iam-policy-binding", PUSH.rpartition("/")[2], TOKEN_CREATOR],
        ["pubsub", "subscriptions", "create", "b24-on-user-add", "--topic=b24-events"],
        ["pubsub", "subscriptions", "add-iam-policy-binding", "b24-on-user-add", SUBSCRIBER],
    ]
