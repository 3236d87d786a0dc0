"""The first edition's deployment (kept in `first_edition.json`), and `deploy.sh` of today run on it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.test_deploy import environment, subscription
from tests.support.fake_google import FakeGoogle
from tests.support.gcloud import SETTINGS, Cloud
from tests.support.google_resources import PROJECT, Call

SUBSCRIPTIONS = {"b24-on-user-update": "ONUSERUPDATE", "b24-on-user-add": "ONUSERADD"}


def first_edition() -> FakeGoogle:
    state = json.loads((Path(__file__).parents[1] / "support" / "first_edition.json").read_text())
    return FakeGoogle(
        resources=state["resources"],
        policies=state["policies"],
        objects={name: value.encode() for name, value in state["secrets"].items()},
        enabled=set(state["enabled"]),
        agents=set(state["agents"]),
        counter=10_000,
    )


def lost_events(google: FakeGoogle) -> list[str]:
    """Whose event, published at this moment, would reach no consumer or be refused by the receiver."""
    events = []
    for name, event in SUBSCRIPTIONS.items():
        listening = google.resources.get(f"pubsub/projects/{PROJECT}/subscriptions/{name}", {})
        service = google.resources.get(f"run/projects/{PROJECT}/services/{name}", {})
        push = listening.get("pushConfig", {})
        address = service.get("status", {}).get("url", "no address")
        invokers = google.policies.get(f"run/projects/{PROJECT}/services/{name}", {}).get("bindings", [])
        if (
            listening.get("filter") != f'attributes.event = "{event}"'
            or not listening["topic"].endswith("/b24-events")
            or not push.get("pushEndpoint", "").startswith(address)
            or not any(
                push["oidcToken"]["serviceAccountEmail"] in str(invoker["members"]) for invoker in invokers
            )
        ):
            events.append(event)
    receiver = google.resources.get(f"run/projects/{PROJECT}/services/b24-bitrix-webhook", {})
    if (
        receiver.get("metadata", {}).get("annotations", {}).get("run.googleapis.com/invoker-iam-disabled")
        != "True"
    ):
        events.append("every event")
    return events


@pytest.fixture
def upgraded(cloud_of_all: Cloud) -> Iterator[Cloud]:
    with cloud_of_all.state(first_edition()):
        yield cloud_of_all


def test_no_event_is_lost_at_any_moment_of_an_upgrade_and_its_settings_stay(upgraded: Cloud) -> None:
    """Settings and secrets need not be given again, only new ones; the receiver is the last to change."""
    google = upgraded.google
    before = {name: dict(subscription(google, name)) for name in SUBSCRIPTIONS}
    services = (*SUBSCRIPTIONS, "b24-bitrix-webhook", "b24-resync-users")
    values = {name: environment(google, name) for name in services}
    moments: list[tuple[str, list[str]]] = [("at first", lost_events(google))]
    google.after_change = lambda state, call: moments.append((str(call), lost_events(state)))
    more = {"FORWARD_TO": "https://bot.example.com/#ONTASK*", "LINKS_API_TOKEN": "a-token-for-the-bot"}
    run = upgraded.run("deploy", LOG_LANGUAGE="", **more)
    assert run.returncode == 0, run.stderr
    assert len(moments) > 20
    assert [moment for moment in moments if moment[1]] == []
    assert {name: subscription(google, name) for name in SUBSCRIPTIONS} == before
    assert {name: environment(google, name) for name in services} == values
    assert not [call for call in google.calls if call.method == "DELETE"]
    rolled = [call.path.rpartition("/")[2] for call in google.calls if _rolls(call)]
    assert rolled[-1] == "b24-bitrix-webhook"
    # The two that were there, and the new one.
    assert google.names("secretmanager/versions") == ["1", "1", "1"]
    assert upgraded.run("check", **(SETTINGS | more)).returncode == 0


def test_a_plan_names_what_an_upgrade_changes(upgraded: Cloud) -> None:
    plan = upgraded.run("plan", **SETTINGS)
    assert plan.returncode == 0, plan.stderr
    commands = [" ".join(line.split()[1:4]) for line in plan.stdout.splitlines()]
    assert commands == [
        "run deploy b24-on-user-update",
        "run deploy b24-on-user-add",
        "run deploy b24-resync-users",
        "logging sinks update",
        "run deploy b24-bitrix-webhook",
    ]


def _rolls(call: Call) -> bool:
    return call.service == "run" and call.method == "PUT"
