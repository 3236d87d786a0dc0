"""`deploy.sh` driven by the real gcloud: what it asks of Google, in which order, and what it leaves alone."""

import base64
import json
import re
import shlex
from typing import Any

import pytest

from tests.support.fake_google import FakeGoogle, Rule
from tests.support.gcloud import INCOMING, SETTINGS, TOKEN, Cloud, Deployed
from tests.support.google_resources import AGENT, NUMBER, PROJECT, REGION, Call

ACCOUNTS = {
    role: f"b24-{role}@{PROJECT}.iam.gserviceaccount.com"
    for role in ("receiver", "consumers", "resync", "push", "scheduler", "build")
}
TOKEN_SECRET = "b24-bitrix24-outgoing-webhook-token"
INCOMING_SECRET = "b24-bitrix24-webhook-token"
STORE = f"firestore://{PROJECT}/b24-links"
QUEUE = f"pubsub://{PROJECT}/b24-events"
CHANGING = ("add", "create", "deploy", "enable", "update", "add-iam-policy-binding")


def url(service: str) -> str:
    return f"https://{service}-x7k2-ew.a.run.app"


def resource_of(google: FakeGoogle, name: str) -> dict[str, Any]:
    resource: dict[str, Any] = google.resources[name]
    return resource


def service(google: FakeGoogle, name: str) -> dict[str, Any]:
    return resource_of(google, f"run/projects/{PROJECT}/services/{name}")


def environment(google: FakeGoogle, name: str) -> dict[str, str]:
    """The variables of a service; a secret's as `secret:version`."""
    [container] = service(google, name)["spec"]["template"]["spec"]["containers"]
    values = {}
    for variable in container["env"]:
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        values[variable["name"]] = (
            f"{reference['name']}:{reference['key']}" if reference else variable["value"]
        )
    return values


def subscription(google: FakeGoogle, name: str) -> dict[str, Any]:
    return resource_of(google, f"pubsub/projects/{PROJECT}/subscriptions/{name}")


# A plan


def test_a_plan_on_a_new_project_changes_nothing(deployed: Deployed) -> None:
    assert deployed.plan.returncode == 0, deployed.plan.stderr
    assert deployed.planned == []
    assert TOKEN not in deployed.plan.stdout + deployed.plan.stderr
    assert INCOMING not in deployed.plan.stdout + deployed.plan.stderr


def test_the_plan_holds_every_changing_command_word_for_word(deployed: Deployed) -> None:
    planned = [known_later(shlex.split(line)) for line in deployed.plan.stdout.splitlines()]
    assert planned == [known_later(words) for words in changing(deployed.argv)]


def changing(calls: list[list[str]]) -> list[list[str]]:
    return [["gcloud", *argv] for argv in calls if any(word in CHANGING for word in argv[:5])]


def known_later(words: list[str]) -> list[str]:
    """Without what only a deployment finds out: addresses and the versions of secrets."""
    text = "\n".join(words)
    text = re.sub(
        r"https://(ADDRESS-OF-)?([a-z0-9-]+?)(-x7k2-ew\.a\.run\.app)?(?=[/\n]|$)", r"https://\2", text
    )
    return re.sub(r"(-token|-secret):(VERSION|1)", r"\1", text).split("\n")


def test_an_offline_plan_is_the_plan_of_a_new_project(cloud: Cloud, deployed: Deployed) -> None:
    """No project, no log-in, no gcloud: numbers and digests that only these know are placeholders.

    The first line enables all APIs: which of them a project has from its beginning is not known either.
    """
    alone = {"PROJECT": "", "REGION": "", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": ""}
    plan = cloud.run("plan", "--offline", **SETTINGS, **alone)
    assert plan.returncode == 0, plan.stderr
    assert cloud.argv() == []
    expected = deployed.plan.stdout.replace(PROJECT, "my-project").replace(NUMBER, "PROJECT_NUMBER")
    known_later = r"--labels=deployed=\w+|^gcloud services enable .*"
    assert re.sub(known_later, "", plan.stdout) == re.sub(known_later, "", expected)


# A deployment


def test_a_deployment_prints_the_address_alone(deployed: Deployed) -> None:
    assert deployed.run.returncode == 0, deployed.run.stderr
    assert deployed.run.stdout == f"{url('b24-bitrix-webhook')}/api/bitrix/webhook\n"
    assert "Outbound webhook" in deployed.run.stderr


def test_each_account_has_exactly_these_roles(deployed: Deployed) -> None:
    def may(resource: str, role: str, account: str) -> tuple[str, str, str]:
        return resource, f"roles/{role}", f"serviceAccount:{ACCOUNTS.get(account, account)}"

    assert deployed.google.bindings() == {
        may(f"cloudresourcemanager/{PROJECT}", "run.builder", "build"),
        may(f"cloudresourcemanager/{PROJECT}", "datastore.user", "consumers"),
        may(f"cloudresourcemanager/{PROJECT}", "datastore.user", "resync"),
        may(f"iam/{ACCOUNTS['push']}", "iam.serviceAccountTokenCreator", AGENT),
        may(f"secretmanager/{TOKEN_SECRET}", "secretmanager.secretAccessor", "receiver"),
        may(f"secretmanager/{INCOMING_SECRET}", "secretmanager.secretAccessor", "consumers"),
        may(f"secretmanager/{INCOMING_SECRET}", "secretmanager.secretAccessor", "resync"),
        may("pubsub/b24-events", "pubsub.publisher", "receiver"),
        may("pubsub/b24-events", "pubsub.publisher", "resync"),
        may("pubsub/b24-dead-letters", "pubsub.publisher", AGENT),
        may("pubsub/b24-on-user-update", "pubsub.subscriber", AGENT),
        may("pubsub/b24-on-user-add", "pubsub.subscriber", AGENT),
        may("run/b24-on-user-update", "run.invoker", "push"),
        may("run/b24-on-user-add", "run.invoker", "push"),
        may("run/b24-resync-users", "run.invoker", "scheduler"),
    }


def test_the_store_role_reaches_one_database(deployed: Deployed) -> None:
    policy = deployed.google.policies[f"cloudresourcemanager/projects/{PROJECT}"]
    conditions = {b["role"]: b.get("condition", {}).get("expression") for b in policy["bindings"]}
    assert conditions == {
        "roles/run.builder": None,
        "roles/datastore.user": f'resource.name=="projects/{PROJECT}/databases/b24-links"',
    }


def test_accounts_topics_and_secrets(deployed: Deployed) -> None:
    google = deployed.google
    assert set(google.names("iam/serviceAccounts")) == set(ACCOUNTS.values())
    assert google.names("pubsub/topics") == ["b24-dead-letters", "b24-events"]
    assert google.names("secretmanager/secrets") == [TOKEN_SECRET, INCOMING_SECRET]
    assert google.secret(TOKEN_SECRET, "1") == TOKEN
    assert google.secret(INCOMING_SECRET, "1") == INCOMING
    assert google.names("run/services") == [
        "b24-bitrix-webhook",
        "b24-on-user-add",
        "b24-on-user-update",
        "b24-resync-users",
    ]


def test_the_receiver_is_public_fast_and_knows_one_secret(deployed: Deployed) -> None:
    receiver = service(deployed.google, "b24-bitrix-webhook")
    spec = receiver["spec"]["template"]["spec"]
    assert receiver["metadata"]["annotations"]["run.googleapis.com/invoker-iam-disabled"] == "True"
    assert spec["timeoutSeconds"] == 10
    assert spec["serviceAccountName"] == ACCOUNTS["receiver"]
    assert environment(deployed.google, "b24-bitrix-webhook") == {
        "BITRIX24_DOMAIN": "p.bitrix24.ru",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN": f"{TOKEN_SECRET}:1",
        "LOG_LANGUAGE": "en",
        "QUEUE_URL": QUEUE,
        "THREADS": str(spec["containerConcurrency"]),
    }


@pytest.mark.parametrize(
    ("name", "event"), [("b24-on-user-update", "ONUSERUPDATE"), ("b24-on-user-add", "ONUSERADD")]
)
def test_a_consumer_listens_to_its_event(deployed: Deployed, name: str, event: str) -> None:
    google = deployed.google
    spec = service(google, name)["spec"]["template"]["spec"]
    listening = subscription(google, name)
    assert spec["serviceAccountName"] == ACCOUNTS["consumers"]
    assert spec["timeoutSeconds"] <= listening["ackDeadlineSeconds"]
    assert environment(google, name) == {
        "BITRIX24_DOMAIN": "p.bitrix24.ru",
        "BITRIX24_WEBHOOK_TOKEN": f"{INCOMING_SECRET}:1",
        "DATABASE_URL": STORE,
        "LOG_LANGUAGE": "en",
        "THREADS": str(spec["containerConcurrency"]),
    }
    assert listening["filter"] == f'attributes.event = "{event}"'
    assert listening["topic"] == f"projects/{PROJECT}/topics/b24-events"
    assert listening["pushConfig"] == {
        "pushEndpoint": f"{url(name)}/projects/{PROJECT}/topics/b24-events",
        "oidcToken": {"serviceAccountEmail": ACCOUNTS["push"], "audience": url(name)},
    }
    assert listening["deadLetterPolicy"] == {
        "deadLetterTopic": f"projects/{PROJECT}/topics/b24-dead-letters",
        "maxDeliveryAttempts": 10,
    }
    assert listening["retryPolicy"] == {"minimumBackoff": "10s", "maximumBackoff": "600s"}


def test_dead_letters_have_a_subscription_and_none_expires(deployed: Deployed) -> None:
    google = deployed.google
    assert google.names("pubsub/subscriptions") == [
        "b24-dead-letters",
        "b24-on-user-add",
        "b24-on-user-update",
    ]
    assert subscription(google, "b24-dead-letters")["topic"].endswith("/b24-dead-letters")
    assert "pushConfig" not in subscription(google, "b24-dead-letters")
    for name in google.names("pubsub/subscriptions"):
        assert subscription(google, name)["expirationPolicy"] == {}


def test_resync_is_called_by_the_scheduler_alone(deployed: Deployed) -> None:
    google = deployed.google
    job = resource_of(google, f"cloudscheduler/projects/{PROJECT}/locations/{REGION}/jobs/b24-resync-users")
    assert job["schedule"] == "*/30 * * * *"
    assert job["attemptDeadline"] == "1800s"
    target = job["httpTarget"]
    assert (target["uri"], target["httpMethod"]) == (f"{url('b24-resync-users')}/", "POST")
    assert target["oidcToken"] == {
        "serviceAccountEmail": ACCOUNTS["scheduler"],
        "audience": url("b24-resync-users"),
    }
    values = environment(google, "b24-resync-users")
    assert (values["QUEUE_URL"], values["DATABASE_URL"]) == (QUEUE, STORE)
    for name in ("b24-resync-users", "b24-on-user-update", "b24-on-user-add"):
        annotations = service(google, name)["metadata"]["annotations"]
        assert annotations["run.googleapis.com/invoker-iam-disabled"] == "False"


def test_processed_events_go_after_their_time(deployed: Deployed) -> None:
    database = f"firestore/projects/{PROJECT}/databases/b24-links"
    assert resource_of(deployed.google, database)["locationId"] == REGION
    field = resource_of(deployed.google, f"{database}/collectionGroups/processed_events/fields/expires_at")
    assert field["ttlConfig"]["state"] == "ACTIVE"


def test_a_token_in_an_address_is_not_kept_in_the_logs(deployed: Deployed) -> None:
    [exclusion] = resource_of(deployed.google, f"logging/projects/{PROJECT}/sinks/_Default")["exclusions"]
    assert exclusion["name"] == "b24-token-in-address"
    assert 'resource.labels.service_name="b24-bitrix-webhook"' in exclusion["filter"]
    any_query, ours = re.findall(r'requestUrl=~"([^"]*)"', exclusion["filter"])
    assert ("(httpRequest" in exclusion["filter"], "token=" in any_query) == (True, True)

    def is_kept(path: str) -> bool:
        address = f"https://b24-bitrix-webhook-x7k2-ew.a.run.app{path}"
        return not re.search(any_query, address) and re.search(ours, address) is not None

    logged_paths = ("/", "/api/bitrix/webhook", "/api/bitrix/webhook/", "/health")
    assert all(is_kept(path) for path in logged_paths)
    hidden = (
        f"?token={TOKEN}",
        f"?secret={TOKEN}",
        f"?x=1&auth%5Bapplication_token%5D={TOKEN}",
        f"?auth[application_token]={TOKEN}",
        f"?{TOKEN}",
        "?key=123456",
        f"/{TOKEN}",
    )
    assert not [path + end for path in logged_paths for end in hidden if is_kept(path + end)]


def test_nothing_can_be_published_before_a_consumer_listens(deployed: Deployed) -> None:
    steps = [
        "serviceusage/v1/projects/gateway-test/services:batchEnable",
        "serviceAccounts",
        "cloudresourcemanager/v1/projects/gateway-test:setIamPolicy",
        "databases",
        "secrets",
        "topics/b24-events",
        "services",  # the first function
        "subscriptions/b24-on-user-add",
        "jobs",
        "_Default",
    ]
    order = [next(i for i, call in enumerate(deployed.changes) if str(call).endswith(step)) for step in steps]
    assert order == sorted(order)
    created = [call.body["metadata"]["name"] for call in deployed.changes if _creates_service(call)]
    assert created == ["b24-on-user-update", "b24-on-user-add", "b24-resync-users", "b24-bitrix-webhook"]


def _creates_service(call: Call) -> bool:
    return call.service == "run" and call.method == "POST" and call.path.endswith("/services")


def test_builds_use_their_own_account_and_base_image(deployed: Deployed) -> None:
    builds = [call.body for call in deployed.changes if call.path.endswith("builds:submit")]
    targets = [build["buildpackBuild"]["functionTarget"] for build in builds]
    assert targets == ["on_user_update", "on_user_add", "resync_users", "bitrix_webhook"]
    for build in builds:
        assert build["serviceAccount"] == f"projects/{PROJECT}/serviceAccounts/{ACCOUNTS['build']}"
        assert build["buildpackBuild"]["baseImage"] == "python312"


def test_no_secret_is_in_an_argument_a_log_or_the_output(deployed: Deployed) -> None:
    printed = json.dumps(deployed.argv) + deployed.run.stdout + deployed.run.stderr
    assert any(name.startswith("gcloud/") for name in deployed.files)
    for secret in (TOKEN, INCOMING, INCOMING.partition("/")[2]):
        assert secret not in printed
        encoded = base64.b64encode(secret.encode())
        assert not [name for name, data in deployed.files.items() if secret.encode() in data]
        assert not [name for name, data in deployed.files.items() if encoded in data]
    assert not [name for name in deployed.files if name.startswith("tmp/")]


# A finished deployment


def test_check_ticks_what_is_there(finished: Cloud) -> None:
    check = finished.run("check")
    assert (check.returncode, check.stdout) == (0, ""), check.stderr
    assert finished.changes() == []
    lines = check.stderr.splitlines()
    assert [line for line in lines if not line.startswith("✔ ")] == [
        "· function forward_event is left out: it needs FORWARD_TO",
        "· function find_link is left out: it needs LINKS_API_TOKEN",
    ]
    assert lines[0].startswith("✔ gcloud 5")
    assert lines[1].startswith("✔ logged in: ")
    assert lines[2] == f"✔ project {PROJECT}"
    for name in ("service account b24-push", "Firestore database b24-links", "function on_user_add"):
        assert f"✔ {name}" in lines
    assert finished.run("url").stdout == f"{url('b24-bitrix-webhook')}/api/bitrix/webhook\n"


def test_check_on_a_new_project_says_that_nothing_is_there(cloud: Cloud) -> None:
    check = cloud.run("check")
    assert check.returncode == 0
    assert "· missing: API run.googleapis.com" in check.stderr
    assert "· missing: function bitrix_webhook" in check.stderr
    assert "✖" not in check.stderr
    assert "Nothing is deployed yet" in check.stderr
    assert cloud.changes() == []


def test_check_looks_for_the_log_in_first(finished: Cloud) -> None:
    check = finished.run("check", CLOUDSDK_AUTH_ACCESS_TOKEN_FILE="")
    assert check.returncode == 1
    assert check.stderr.splitlines()[-1].endswith("Log in: gcloud auth login")
    assert finished.google.calls == []


def test_check_names_what_is_wrong(finished: Cloud) -> None:
    service(finished.google, "b24-on-user-add")["status"]["conditions"][0]["status"] = "False"
    service(finished.google, "b24-bitrix-webhook")["metadata"]["annotations"].pop(
        "run.googleapis.com/invoker-iam-disabled"
    )
    del finished.google.resources[f"pubsub/projects/{PROJECT}/subscriptions/b24-dead-letters"]
    check = finished.run("check")
    assert check.returncode == 1
    assert "on_user_add is not ready" in check.stderr
    assert "bitrix_webhook is closed to Bitrix24" in check.stderr
    assert "missing: subscription b24-dead-letters" in check.stderr
    assert "✔ function on_user_update" in check.stderr


def test_only_what_differs_is_changed(finished: Cloud) -> None:
    """A function's variable and a subscription's audience, changed by hand; a role taken away."""
    google = finished.google
    [container] = service(google, "b24-on-user-add")["spec"]["template"]["spec"]["containers"]
    container["env"] = [
        variable for variable in container["env"] if variable["name"] != "BITRIX24_WEBHOOK_TOKEN"
    ]
    subscription(google, "b24-on-user-add")["pushConfig"]["oidcToken"]["audience"] = "https://elsewhere"
    del google.policies[f"pubsub/projects/{PROJECT}/topics/b24-events"]
    google.unpropagated["b24-receiver"] = 1
    google.enabled.remove("monitoring")
    google.rules.append(Rule("GET", "serviceAccounts$", 403, "Identity API has not been used in it", times=1))
    run = finished.run("deploy", "on_user_add", **SETTINGS)
    assert run.returncode == 0, run.stderr
    assert "subscription b24-on-user-add have changed" in run.stderr
    assert "The new account is not known everywhere yet" in run.stderr
    assert "The API has just been switched on and does not answer yet" in run.stderr
    topic = "POST pubsub/v1/projects/gateway-test/topics/b24-events:setIamPolicy"
    assert [call for call in finished.changes() if "storage" not in call and "builds:submit" not in call] == [
        "POST serviceusage/v1/projects/gateway-test/services/monitoring.googleapis.com:enable",
        # The account is new.
        topic,
        topic,
        topic,
        "PUT run/apis/serving.knative.dev/v1/namespaces/gateway-test/services/b24-on-user-add",
        "POST run/v1/projects/gateway-test/locations/europe-west1/services/b24-on-user-add:setIamPolicy",
        "PATCH pubsub/v1/projects/gateway-test/subscriptions/b24-on-user-add",
    ]


def test_a_changed_filter_is_reported(finished: Cloud) -> None:
    subscription(finished.google, "b24-on-user-update")["filter"] = 'attributes.event = "ONUSERADD"'
    run = finished.run("deploy", "on_user_update", **SETTINGS)
    assert run.returncode == 1
    assert 'attributes.event = "ONUSERADD"' in run.stderr
    assert "gcloud pubsub subscriptions delete b24-on-user-update" in run.stderr
    assert finished.changes() == []


# Without the incoming webhook


def test_without_the_incoming_webhook_resync_is_left_out_with_a_warning(cloud: Cloud) -> None:
    plan = cloud.run("--dry-run", BITRIX24_OUTGOING_WEBHOOK_TOKEN=TOKEN)
    assert plan.returncode == 0
    assert "resync" not in plan.stdout
    assert "scheduler jobs" not in plan.stdout
    assert INCOMING_SECRET not in plan.stdout
    assert "BITRIX24_WEBHOOK_TOKEN is not set" in plan.stderr


def test_the_address_of_postgresql_is_a_secret_of_the_functions_that_need_it(cloud: Cloud) -> None:
    database = "postgresql://gateway:never-show-me@pooler.example.com/links?sslmode=require"
    plan = cloud.run("plan", **SETTINGS, DATABASE_URL=database)
    assert plan.returncode == 0, plan.stderr
    assert "never-show-me" not in plan.stdout + plan.stderr + str(cloud.argv())
    assert "firestore" not in plan.stdout.replace("firestore.googleapis.com", "")
    assert "roles/datastore" not in plan.stdout
    readers = re.findall(r"secrets add-iam-policy-binding b24-database-url .*?:b24-(\w+)@", plan.stdout)
    assert readers == ["consumers", "resync"]
    values = re.findall(r"run deploy b24-(\S+) .*DATABASE_URL=b24-database-url:VERSION", plan.stdout)
    assert values == ["on-user-update", "on-user-add", "resync-users"]


def test_the_tools_database_url_of_firestore_is_not_stored_as_a_secret(cloud: Cloud) -> None:
    plan = cloud.run("plan", **SETTINGS, DATABASE_URL=STORE)
    assert "b24-database-url" not in plan.stdout
    assert f"DATABASE_URL={STORE}" in plan.stdout


def test_a_line_of_the_table_deploys_a_function(cloud: Cloud, deployed: Deployed) -> None:
    """With its subscription and the roles around it; the rest of the plan stays word for word."""
    before = deployed.plan.stdout.splitlines()
    table = cloud.source / "functions"
    lines = table.read_text()
    try:
        table.write_text(f"on_deal_add consumer ONCRMDEALADD on-deal-add\n{lines}")
        after = cloud.run("plan", **SETTINGS).stdout.splitlines()
    finally:
        table.write_text(lines)
    assert [line for line in after if line not in before] == [
        line.replace("on-user-add", "on-deal-add")
        .replace("on_user_add", "on_deal_add")
        .replace("ONUSERADD", "ONCRMDEALADD")
        .replace(_label(before, "on-user-add"), _label(after, "on-deal-add"))
        for line in before
        if "on-user-add" in line
    ]


def _label(plan: list[str], service: str) -> str:
    [label] = re.findall(rf"run deploy b24-{service} .*--labels=deployed=(\w+)", "\n".join(plan))
    return str(label)
