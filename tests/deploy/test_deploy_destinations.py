"""`deploy.sh` with FORWARD_TO and LINKS_API_TOKEN: functions, subscriptions, and who may do what."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from subprocess import CompletedProcess

import pytest

from gateway.destinations import read_destinations
from tests.deploy.test_deploy import (
    ACCOUNTS,
    INCOMING_SECRET,
    QUEUE,
    STORE,
    TOKEN_SECRET,
    changing,
    environment,
    known_later,
    service,
    subscription,
    url,
)
from tests.deploy.test_deploy_commands import states
from tests.support.gcloud import ROOT, SETTINGS, Cloud, Deployed
from tests.support.google_resources import AGENT, PROJECT, REGION

GUIDE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
BOT, N8N = "https://bot.example.com/bitrix", "https://n8n.example.com/webhook/1c"
FORWARD_TO = f"{BOT}#ONTASK*,OnCrmDealAdd {N8N}"
SECRETS = {"FORWARD_SECRET": "whsec_bmV2ZXIgc2hvdyBtZQ==", "LINKS_API_TOKEN": "never-show-me-either"}
MORE = SETTINGS | SECRETS | {"FORWARD_TO": FORWARD_TO}


@dataclass
class Grown:
    cloud: Cloud
    before: set[tuple[str, str, str]]
    plan: CompletedProcess[str]
    planned: list[str]
    run: CompletedProcess[str]
    argv: list[list[str]]
    changes: list[str]


@pytest.fixture(scope="module")
def extended(cloud_of_all: Cloud, deployed: Deployed) -> Iterator[Grown]:
    """A finished deployment, deployed again with destinations and the bot's questions."""
    with cloud_of_all.state(deployed.google) as google:
        before = google.bindings()
        plan = cloud_of_all.run("plan", **MORE)
        planned = cloud_of_all.changes()
        run = cloud_of_all.run("deploy", **MORE)
        yield Grown(cloud_of_all, before, plan, planned, run, cloud_of_all.argv(), cloud_of_all.changes())


@pytest.fixture
def extended_cloud(extended: Grown) -> Iterator[Cloud]:
    with extended.cloud.state(extended.cloud.google):
        yield extended.cloud


def test_the_plan_shows_what_is_added_and_no_secret(extended: Grown) -> None:
    assert (extended.plan.returncode, extended.planned) == (0, []), extended.plan.stderr
    assert extended.run.returncode == 0, extended.run.stderr
    planned = [known_later(shlex.split(line)) for line in extended.plan.stdout.splitlines()]
    assert planned == [known_later(words) for words in changing(extended.argv)]
    printed = (
        extended.plan.stdout
        + extended.plan.stderr
        + extended.run.stdout
        + extended.run.stderr
        + str(extended.argv)
    )
    assert not [secret for secret in SECRETS.values() if secret in printed]


def test_a_destination_has_a_subscription_of_its_own(extended: Grown) -> None:
    google = extended.cloud.google
    names = [name for name in google.names("pubsub/subscriptions") if "forward" in name]
    filters = {subscription(google, name).get("filter", "") for name in names}
    destinations = read_destinations(FORWARD_TO)
    assert sorted(name[-8:] for name in names) == sorted(destination.id for destination in destinations)
    assert filters == {
        'hasPrefix(attributes.event, "ONTASK") OR attributes.event = "ONCRMDEALADD"',
        "",  # all events
    }
    for name in names:
        details = subscription(google, name)
        assert details["topic"] == f"projects/{PROJECT}/topics/b24-events"
        assert details["pushConfig"]["oidcToken"]["audience"] == url("b24-forward-event")
        assert details["retryPolicy"] == {"minimumBackoff": "10s", "maximumBackoff": "600s"}
        assert details["deadLetterPolicy"]["maxDeliveryAttempts"] == 100
        assert details["deadLetterPolicy"]["deadLetterTopic"].endswith("/b24-dead-letters")
        assert details["expirationPolicy"] == {}
        assert details["ackDeadlineSeconds"] == 310


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("ONTASKADD", 'attributes.event = "ONTASKADD"'),
        ("ontask*,ONCRM*", 'hasPrefix(attributes.event, "ONTASK") OR hasPrefix(attributes.event, "ONCRM")'),
        ("*", ""),
        ("", ""),
        ("*,ONTASK*", ""),
        (",".join(f"ONEVENT{number}*" for number in range(9)), ""),  # over 256 bytes
    ],
)
def test_the_filter_lets_through_what_is_wanted_or_everything(events: str, expected: str) -> None:
    command = ["bash", "-euo", "pipefail", "-c", 'source deploy/lib/queue.sh; filter_of "$1"', "bash", events]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == expected


def test_receiver_and_forwarder_get_their_settings(extended: Grown) -> None:
    google = extended.cloud.google
    common = {
        "BITRIX24_DOMAIN": "p.bitrix24.ru",
        "LOG_LANGUAGE": "en",
        "THREADS": "80",
        "DATABASE_URL": STORE,
    }
    assert environment(google, "b24-forward-event") == common | {
        "FORWARD_TO": FORWARD_TO,
        "FORWARD_SECRET": "b24-forward-secret:1",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN": f"{TOKEN_SECRET}:1",
    }
    assert environment(google, "b24-find-link") == common | {"LINKS_API_TOKEN": "b24-links-api-token:1"}
    assert QUEUE not in str(service(google, "b24-find-link"))
    for name in ("b24-forward-event", "b24-find-link"):
        assert (
            service(google, name)["metadata"]["annotations"]["run.googleapis.com/invoker-iam-disabled"]
            == "False"
        )
    template = service(google, "b24-forward-event")["spec"]["template"]
    assert template["metadata"]["annotations"]["autoscaling.knative.dev/maxScale"] == "1"
    assert google.secret("b24-links-api-token", "1") == SECRETS["LINKS_API_TOKEN"]


def test_nobody_gets_more_rights_than_needed(extended: Grown) -> None:
    account = {
        role: f"serviceAccount:b24-{role}@{PROJECT}.iam.gserviceaccount.com" for role in ("forward", "links")
    }
    google = extended.cloud.google
    project, reads = f"cloudresourcemanager/{PROJECT}", "roles/secretmanager.secretAccessor"
    subscriptions = [name for name in google.names("pubsub/subscriptions") if "forward" in name]
    assert len(subscriptions) == 2
    assert google.bindings() - extended.before == {
        (project, "roles/datastore.user", account["forward"]),
        (project, "roles/datastore.viewer", account["links"]),
        (f"secretmanager/{TOKEN_SECRET}", reads, account["forward"]),
        ("secretmanager/b24-forward-secret", reads, account["forward"]),
        ("secretmanager/b24-links-api-token", reads, account["links"]),
        ("run/b24-forward-event", "roles/run.invoker", f"serviceAccount:{ACCOUNTS['push']}"),
        *((f"pubsub/{name}", "roles/pubsub.subscriber", f"serviceAccount:{AGENT}") for name in subscriptions),
    }
    policy = google.policies[f"cloudresourcemanager/projects/{PROJECT}"]
    for binding in policy["bindings"]:
        if binding["role"].startswith("roles/datastore."):
            assert binding["condition"]["expression"].endswith('/databases/b24-links"')


def test_forwarder_and_rounds_stay_one_instance_however_many_are_kept_warm(cloud: Cloud) -> None:
    plan = cloud.run("plan", "--offline", MIN_INSTANCES="12", MAX_INSTANCES="100", **MORE)
    [forwarder] = [line for line in plan.stdout.splitlines() if "run deploy b24-forward-event" in line]
    assert "--min-instances=1 --max-instances=1 " in forwarder
    [rounds] = [line for line in plan.stdout.splitlines() if "run deploy b24-resync-users" in line]
    assert "--min-instances=1 --max-instances=1 " in rounds
    [receiver] = [line for line in plan.stdout.splitlines() if "run deploy b24-bitrix-webhook" in line]
    assert "--min-instances=12 --max-instances=100 " in receiver


def test_existing_functions_are_left_alone(extended: Grown) -> None:
    """Only the new functions are built; the receiver and the consumers keep running."""
    assert sum("builds:submit" in change for change in extended.changes) == 2


def test_the_bot_is_let_in_by_the_command_that_the_guide_prints(extended_cloud: Cloud) -> None:
    """Only the first of the two: the other asks a live deployment."""
    blocks = re.findall(r"^```sh\n(gcloud run services add-iam-policy-binding .*?)\n```$", GUIDE, re.M | re.S)
    [command] = [block.partition("\ncurl ")[0] for block in blocks]
    for placeholder, value in (("BOT", "the-bot"), ("PROJECT", PROJECT), ("REGION", REGION)):
        command = re.sub(rf"\b{placeholder}\b", value, command)
    bot = f"the-bot@{PROJECT}.iam.gserviceaccount.com"
    extended_cloud.google.resources[f"iam/projects/{PROJECT}/serviceAccounts/{bot}"] = {"email": bot}
    subprocess.run(["bash", "-euc", command], env=extended_cloud.environ(), capture_output=True, check=True)
    assert (
        "run/b24-find-link",
        "roles/run.invoker",
        f"serviceAccount:{bot}",
    ) in extended_cloud.google.bindings()


def test_a_second_run_changes_nothing_and_check_ticks_all(extended_cloud: Cloud) -> None:
    """Not even where a secret's value differs (`rotate` is for that), or less is given than before."""
    policies = json.dumps(extended_cloud.google.policies)
    given = {"LOG_LANGUAGE": "", "BITRIX24_OUTGOING_WEBHOOK_TOKEN": "another-token"}
    run = extended_cloud.run("deploy", **given)
    assert (run.returncode, extended_cloud.changes()) == (0, []), run.stderr
    assert json.dumps(extended_cloud.google.policies) == policies
    assert "./deploy.sh rotate BITRIX24_OUTGOING_WEBHOOK_TOKEN" in run.stderr
    assert "another-token" not in run.stderr
    check = extended_cloud.run("check")
    assert check.returncode == 0, check.stderr
    assert [line for line in check.stderr.splitlines() if not line.startswith("✔ ")] == []
    assert "✔ function forward_event" in check.stderr


def test_a_removed_destination_loses_its_subscription_with_a_warning(extended_cloud: Cloud) -> None:
    run = extended_cloud.run("deploy", "forward_event", FORWARD_TO=N8N)
    assert run.returncode == 0, run.stderr
    [remaining_name] = [
        name for name in extended_cloud.google.names("pubsub/subscriptions") if "forward" in name
    ]
    assert "filter" not in subscription(extended_cloud.google, remaining_name)
    assert "FORWARD_TO no longer names" in run.stderr
    check = extended_cloud.run("check", FORWARD_TO=FORWARD_TO)
    assert check.returncode == 1
    assert "Subscription b24-forward-event-" in check.stderr


def test_other_events_for_a_destination_are_listened_to_before_the_old_ones_are_let_go(
    extended_cloud: Cloud,
) -> None:
    """And an address with two lists of events gets one subscription, which a second run finds as it is."""
    forward_to = f"{BOT}#ONTASKADD {N8N} {BOT}#OnTaskUpdate {N8N}"
    run = extended_cloud.run("deploy", "forward_event", FORWARD_TO=forward_to)
    assert run.returncode == 0, run.stderr
    changes = [change for change in extended_cloud.changes() if "/subscriptions/b24-forward-event-" in change]
    created, granted, deleted = [change.split()[0] for change in changes]
    assert (created, granted, deleted) == ("PUT", "POST", "DELETE")
    assert "names other events" in run.stderr
    names = [name for name in extended_cloud.google.names("pubsub/subscriptions") if "forward" in name]
    assert sorted(subscription(extended_cloud.google, name).get("filter", "") for name in names) == [
        "",
        'attributes.event = "ONTASKADD" OR attributes.event = "ONTASKUPDATE"',
    ]
    run = extended_cloud.run("deploy", "forward_event", FORWARD_TO=forward_to)
    assert (run.returncode, run.stderr.count("✖")) == (0, 0), run.stderr


def test_a_token_rolls_into_the_forwarder_too(extended_cloud: Cloud) -> None:
    run = extended_cloud.run(
        "rotate", "BITRIX24_OUTGOING_WEBHOOK_TOKEN", BITRIX24_OUTGOING_WEBHOOK_TOKEN="the-new-token"
    )
    assert run.returncode == 0, run.stderr
    for name in ("b24-bitrix-webhook", "b24-forward-event"):
        assert (
            environment(extended_cloud.google, name)["BITRIX24_OUTGOING_WEBHOOK_TOKEN"] == f"{TOKEN_SECRET}:2"
        )
    run = extended_cloud.run("rotate", "LINKS_API_TOKEN", LINKS_API_TOKEN="another-one")
    assert run.returncode == 0, run.stderr
    assert environment(extended_cloud.google, "b24-find-link")["LINKS_API_TOKEN"] == "b24-links-api-token:2"


def test_alerts_are_installed_once_and_destroy_keeps_firestore_and_secrets(extended_cloud: Cloud) -> None:
    google = extended_cloud.google
    channel = f"projects/{PROJECT}/notificationChannels/7"
    run = extended_cloud.run("alerts", ALERT_CHANNELS=channel)
    assert run.returncode == 0, run.stderr
    policies = [p for name, p in google.resources.items() if "/alertPolicies/" in name]
    assert {policy["displayName"] for policy in policies} == {
        "b24-refusals",
        "b24-not-queued",
        "b24-dead-letters",
        "b24-oldest-message",
        "b24-silence",
    }
    assert all(p["notificationChannels"] == [channel] for p in policies)
    used = set(re.findall(r"user_b24_(\w+)\{", str(policies)))
    assert {f"b24-{name.replace('_', '-')}" for name in used} == set(google.names("logging/metrics"))
    second_run = extended_cloud.run("alerts", ALERT_CHANNELS=channel)
    assert (second_run.returncode, extended_cloud.changes()) == (0, [])

    run = extended_cloud.run("destroy", "--yes")
    assert run.returncode == 0, run.stderr
    assert google.bindings() == set()
    assert google.resources[f"logging/projects/{PROJECT}/sinks/_Default"].get("exclusions", []) == []
    removed_kinds = "run/services cloudscheduler/jobs pubsub/subscriptions pubsub/topics iam/serviceAccounts"
    for kind in [*removed_kinds.split(), "monitoring/alertPolicies", "logging/metrics"]:
        assert google.names(kind) == [], kind
    assert google.names("firestore/databases") == ["b24-links"]
    secrets = {TOKEN_SECRET, INCOMING_SECRET, "b24-forward-secret", "b24-links-api-token"}
    assert set(google.names("secretmanager/secrets")) == secrets
    assert states(google, TOKEN_SECRET) == ["ENABLED"]


@pytest.mark.parametrize(
    ("function", "setting"), [("forward_event", "FORWARD_TO"), ("find_link", "LINKS_API_TOKEN")]
)
def test_the_forwarder_named_without_its_setting_is_wrong_use(
    finished: Cloud, function: str, setting: str
) -> None:
    run = finished.run("deploy", function)
    assert run.returncode == 2
    assert setting in run.stderr
    assert finished.changes() == []
