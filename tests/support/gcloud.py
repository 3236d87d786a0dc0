"""The real gcloud against a small fake of Google's APIs on loopback.

The fake is gcloud's HTTP proxy: with endpoint overrides to plain `http://`
every request arrives here whole, its host included (Cloud Run's carry the
region, so overrides alone would not do). It keeps resources as the APIs do:
create, read, list, patch, delete, IAM policies with etags, operations. What it
can't show is what only Google decides: see docs/deploy.md.
"""

import base64
import copy
import fcntl
import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.deploy import gcloud_server

PROJECT = "gateway-test"
NUMBER = "123456789012"
REGION = "europe-west1"
AGENT = f"service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
ROOT = Path(__file__).parents[2]
TOKEN = "k3v9x0a7q2m5t8w1z4c6b0n3j5h7g9d2"
INCOMING = "17/p8s4f6l1r3y5u7e9"
TOLD = {
    "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
    "BITRIX24_WEBHOOK_TOKEN": INCOMING,
    "BITRIX24_DOMAIN": "p.bitrix24.ru",
}
SERVICES = (
    "artifactregistry",
    "cloudbuild",
    "cloudresourcemanager",
    "cloudscheduler",
    "firestore",
    "iam",
    "logging",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
    "servicemanagement",
    "serviceusage",
    "storage",
)
ALWAYS_ON = {"cloudresourcemanager", "serviceusage", "storage"}

Answer = tuple[int, Any]


@dataclass
class Rule:
    """Answer the requests that match `method` and `url` with an error; `times` of them, after `skip` ones.

    Status 0 closes the connection without an answer, as a lost line does.
    """

    method: str
    url: str
    status: int
    message: str = "injected"
    times: int = 1_000_000
    skip: int = 0
    code: str = "PERMISSION_DENIED"


@dataclass
class Call:
    """A request as it came: `body` is its JSON, or None where it was none."""

    method: str
    service: str
    path: str
    query: dict[str, str]
    body: Any

    @property
    def changes(self) -> bool:
        return self.method != "GET" and not re.search(
            r":(getIamPolicy|testIamPermissions|access)$", self.path
        )

    def __str__(self) -> str:
        return f"{self.method} {self.service}{self.path}"


class ApiError(Exception):
    def __init__(self, status: int, code: str, message: str, reason: str = "") -> None:
        super().__init__(message)
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
        self.status = status
        self.body = {"error": {"code": status, "status": code, "message": message, "details": details}}


@dataclass
class FakeGoogle:
    """Google's side of a project: resources and policies by `service/path`, objects by name."""

    resources: dict[str, Any] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    enabled: set[str] = field(default_factory=lambda: set(ALWAYS_ON))
    agents: set[str] = field(default_factory=set)
    unpropagated: dict[str, int] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    built: str = "SUCCESS"
    service_url: str = "https://{name}-x7k2-ew.a.run.app"
    counter: int = 0
    after_change: Callable[["FakeGoogle", Call], None] | None = None

    def __post_init__(self) -> None:
        self.resources[f"cloudresourcemanager/projects/{PROJECT}"] = {
            "projectId": PROJECT,
            "projectNumber": NUMBER,
            "lifecycleState": "ACTIVE",
        }
        self.resources[f"logging/projects/{PROJECT}/sinks/_Default"] = {
            "name": "_Default",
            "destination": f"logging.googleapis.com/projects/{PROJECT}/locations/global/buckets/_Default",
        }

    def snapshot(self) -> "FakeGoogle":
        """The same state, apart; without the calls that led to it and without rules."""
        twin = copy.deepcopy(self)
        twin.after_change = None
        twin.calls.clear()
        twin.rules.clear()
        return twin

    def names(self, collection: str) -> list[str]:
        """The last parts of the names of all resources of `service/…/collection/`."""
        service, _, kind = collection.partition("/")
        found = (key for key in self.resources if key.startswith(f"{service}/"))
        return sorted(key.rpartition("/")[2] for key in found if key.split("/")[-2] == kind)

    def bindings(self) -> set[tuple[str, str, str]]:
        """(resource, role, member) of every policy; a resource by its service and last name."""
        return {
            (f"{key.partition('/')[0]}/{key.rpartition('/')[2]}", binding["role"], member)
            for key, policy in self.policies.items()
            for binding in policy.get("bindings", [])
            for member in binding["members"]
        }

    def answer(self, method: str, url: str, headers: Message, data: bytes) -> Answer | None:
        """What Google would answer; None is a lost connection."""
        parts = urlsplit(url)
        service = (parts.hostname or "").removesuffix(".googleapis.com").rpartition("-")[2]
        query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        call = Call(method, service, unquote(parts.path), query, _json(data))
        self.calls.append(call)
        for rule in self.rules:
            if re.fullmatch(rule.method, method) and re.search(rule.url, f"{service}{call.path}"):
                if rule.skip:
                    rule.skip -= 1
                elif rule.times:
                    rule.times -= 1
                    if rule.status == 0:
                        return None
                    return rule.status, ApiError(rule.status, rule.code, rule.message).body
        try:
            self._must_be_enabled(service)
            answer = self._storage(call, headers, data) if service == "storage" else self._api(call)
            if call.changes and self.after_change:
                self.after_change(self, call)
            return answer
        except ApiError as error:
            return error.status, error.body

    def _must_be_enabled(self, service: str) -> None:
        if service not in self.enabled:
            message = (
                f"{service}.googleapis.com has not been used in project {NUMBER} before or it is disabled."
            )
            raise ApiError(403, "PERMISSION_DENIED", message, "SERVICE_DISABLED")

    def _api(self, call: Call) -> Answer:
        path = re.sub(r"^/(v\d\w*|apis/serving.knative.dev/v1)/", "", call.path)
        path = path.replace("namespaces/", "projects/").replace("projects/-/", f"projects/{PROJECT}/")
        key, _, verb = f"{call.service}/{path}".partition(":")
        if call.service == "iam" and ":" in key.rpartition("/")[2]:
            key, _, verb = f"{call.service}/{path}".rpartition(":")
        if call.service == "run":
            key = key.replace(f"/locations/{REGION}", "")
        if verb:
            return 200, self._verb(call, key, verb)
        if key.rpartition("/")[0].endswith("/operations"):
            return 200, self._operation(key)
        if call.service == "serviceusage":
            return 200, self._services(key)
        if key.endswith("/defaultServiceAccount"):  # of Cloud Build
            name = f"projects/{PROJECT}/serviceAccounts/{NUMBER}-compute@developer.gserviceaccount.com"
            return 200, {"name": key.partition("/")[2], "serviceAccountEmail": name}
        method = {"GET": self._get, "POST": self._post, "PUT": self._put}
        method |= {"PATCH": self._patch, "DELETE": self._delete}
        return 200, method[call.method](call, key)

    # Plain resources

    def _existing(self, key: str) -> dict[str, Any]:
        if key not in self.resources:
            raise ApiError(404, "NOT_FOUND", f"Resource {key} was not found.")
        found: dict[str, Any] = self.resources[key]
        return found

    def _get(self, call: Call, key: str) -> Any:
        if key in self.resources:
            return self.resources[key]
        kind = key.rpartition("/")[2]
        if kind not in COLLECTIONS:
            return self._existing(key)
        listed = [
            value
            for name, value in self.resources.items()
            if name.startswith(f"{key}/") and "/" not in name.removeprefix(f"{key}/")
        ]
        if call.service == "run":
            return {"kind": "ServiceList", "apiVersion": "serving.knative.dev/v1", "items": listed}
        return {COLLECTIONS[kind]: listed}

    def _post(self, call: Call, key: str) -> Any:
        body = call.body or {}
        make: dict[str, Callable[[], str]] = {
            "serviceAccounts": lambda: f"{body['accountId']}@{PROJECT}.iam.gserviceaccount.com",
            "secrets": lambda: call.query["secretId"],
            "databases": lambda: call.query["databaseId"],
            "repositories": lambda: call.query["repositoryId"],
            "alertPolicies": lambda: str(self._next()),
            "services": lambda: body["metadata"]["name"],
        }
        kind = key.rpartition("/")[2]
        name = make[kind]() if kind in make else body["name"].rpartition("/")[2]
        if f"{key}/{name}" in self.resources:
            raise ApiError(409, "ALREADY_EXISTS", f"{name} already exists")
        if kind == "services":
            return self._store_service(f"{key}/{name}", body)
        resource = dict(body.get("serviceAccount", body)) | {"name": f"{key}/{name}".partition("/")[2]}
        if kind == "serviceAccounts":
            resource |= {"email": name, "uniqueId": str(self._next()), "projectId": PROJECT}
        elif kind == "metrics":
            resource["name"] = name
        elif kind == "alertPolicies":
            for number, condition in enumerate(resource.get("conditions", [])):
                condition["name"] = f"{resource['name']}/conditions/{number}"
        self.resources[f"{key}/{name}"] = resource
        if kind in ("databases", "repositories"):
            parent = f"{key}/{name}" if kind == "databases" else key.rpartition("/")[0]
            return self._operation(f"{parent}/operations/{self._next()}", resource)
        return resource

    def _put(self, call: Call, key: str) -> Any:
        if call.service == "run":
            self._existing(key)
            return self._store_service(key, call.body)
        if call.service == "pubsub" and key in self.resources:
            raise ApiError(409, "ALREADY_EXISTS", "Resource already exists in the project.")
        name = key.rpartition("/")[2] if call.service == "logging" else key.partition("/")[2]
        self.resources[key] = (call.body or {}) | {"name": name}
        return self.resources[key]

    def _patch(self, call: Call, key: str) -> Any:
        body = call.body or {}
        if call.service == "firestore":  # a field's TTL policy comes about by a patch
            self.resources[key] = body | {"name": key.partition("/")[2]}
            self.resources[key].setdefault("ttlConfig", {})["state"] = "ACTIVE"
            return self._operation(f"{key.partition('/collectionGroups')[0]}/operations/{self._next()}", body)
        body = body.get(key.split("/")[-2].removesuffix("s"), body)  # Pub/Sub wraps what it patches
        mask = call.query.get("updateMask") or (call.body or {}).get("updateMask") or ",".join(body)
        existing = self._existing(key)
        for name in filter(None, mask.split(",")):
            if name.partition(".")[0] == "filter":
                raise ApiError(400, "INVALID_ARGUMENT", "The filter of a subscription can't be changed.")
            top = re.sub(r"_(\w)", lambda match: match[1].upper(), name.partition(".")[0])
            if top in body:
                existing[top] = body[top]
            else:
                existing.pop(top, None)
        return existing

    def _delete(self, call: Call, key: str) -> Any:
        self._existing(key)
        del self.resources[key]
        self.policies.pop(key, None)
        return {"status": "Success"} if call.service == "run" else {}

    # What has verbs

    def _verb(self, call: Call, key: str, verb: str) -> Any:
        if verb == "getIamPolicy":
            return self._policy(key)
        if verb == "setIamPolicy":
            return self._set_policy(key, call.body["policy"])
        if verb == "testIamPermissions":
            return {"permissions": call.body["permissions"]}
        if verb == "enable" and call.service == "serviceusage":  # one API; several are a batch
            self.enabled.add(key.rpartition("/")[2].removesuffix(".googleapis.com"))
            return self._operation("serviceusage/operations/enabled", {})
        if verb == "batchEnable":
            self.enabled |= {name.removesuffix(".googleapis.com") for name in call.body["serviceIds"]}
            return self._operation("serviceusage/operations/enabled", {})
        if verb == "generateServiceIdentity":
            self.agents.add(AGENT)
            return self._operation("serviceusage/operations/identity", {"email": AGENT, "uniqueId": "1"})
        if verb == "addVersion":
            return self._add_version(key, call.body["payload"])
        if verb == "access":
            return {"name": key.partition("/")[2], "payload": self._payload(key)}
        if verb in ("disable", "enable"):
            self._existing(key)["state"] = f"{verb.upper()}D"
            return self._existing(key)
        if verb == "submit":
            return self._submit_build(call.body)
        raise ApiError(501, "UNIMPLEMENTED", f"{call} is not in the fake")

    def _policy(self, key: str) -> dict[str, Any]:
        self._existing(key)
        policy: dict[str, Any] = self.policies.setdefault(
            key, {"version": 1, "etag": _etag(0), "bindings": []}
        )
        return policy

    def _set_policy(self, key: str, policy: dict[str, Any]) -> Any:
        if policy.get("etag", self._policy(key)["etag"]) != self._policy(key)["etag"]:
            raise ApiError(409, "ABORTED", "There were concurrent policy changes.")
        for binding in policy.get("bindings", []):
            for member in binding["members"]:
                self._must_exist(member.removeprefix("serviceAccount:"))
        self.policies[key] = policy | {"etag": _etag(self._next())}
        return self.policies[key]

    def _must_exist(self, account: str) -> None:
        unknown = f"Service account {account} does not exist."
        if account.endswith(f"@{PROJECT}.iam.gserviceaccount.com"):
            if f"iam/projects/{PROJECT}/serviceAccounts/{account}" not in self.resources:
                raise ApiError(400, "INVALID_ARGUMENT", unknown)
            if self.unpropagated.get(account.partition("@")[0], 0):
                self.unpropagated[account.partition("@")[0]] -= 1
                raise ApiError(400, "INVALID_ARGUMENT", unknown)
        elif "@gcp-sa-" in account and account not in self.agents:
            raise ApiError(400, "INVALID_ARGUMENT", unknown)

    def _services(self, key: str) -> Any:
        def described(name: str) -> dict[str, Any]:
            state = "ENABLED" if name in self.enabled else "DISABLED"
            config = {"name": f"{name}.googleapis.com"}
            return {"name": f"projects/{NUMBER}/services/{config['name']}", "config": config, "state": state}

        if key.endswith("/services"):
            return {"services": [described(name) for name in sorted(self.enabled)]}
        return described(key.rpartition("/")[2].removesuffix(".googleapis.com"))

    def _add_version(self, key: str, payload: dict[str, Any]) -> Any:
        self._existing(key)
        number = 1 + sum(name.startswith(f"{key}/versions/") for name in self.resources)
        name = f"{key}/versions/{number}"
        self.resources[name] = {"name": name.partition("/")[2], "state": "ENABLED", "etag": _etag(number)}
        self.objects[name] = base64.b64decode(payload["data"])
        return self.resources[name] | {"clientSpecifiedPayloadChecksum": "dataCrc32c" in payload}

    def _payload(self, key: str) -> Any:
        if key.endswith("/latest"):
            parent = key.removesuffix("latest")
            key = parent + str(
                max(int(n.removeprefix(parent)) for n in self.resources if n.startswith(parent))
            )
        if self._existing(key)["state"] != "ENABLED":
            raise ApiError(400, "FAILED_PRECONDITION", f"{key} is not in ENABLED state.")
        return {"data": base64.b64encode(self.objects[key]).decode()}

    def secret(self, name: str, version: str) -> str:
        return self.objects[f"secretmanager/projects/{PROJECT}/secrets/{name}/versions/{version}"].decode()

    # Operations, builds, services

    def _operation(self, key: str, response: Any = None) -> Any:
        kind = key.partition("/")[0]
        known = self.resources.get(key)
        if known is None:
            known = {"name": key.partition("/")[2], "done": True, "response": response}
            if kind in ("firestore", "artifactregistry") and response is not None:
                known["response"] = {"@type": "type.googleapis.com/google.protobuf.Struct"} | response
            self.resources[key] = known
        return known

    def _submit_build(self, body: dict[str, Any]) -> Any:
        number = str(self._next())
        name = f"projects/{PROJECT}/locations/{REGION}/builds/{number}"
        digest = "sha256:" + number.rjust(64, "0")
        build = {
            "id": number,
            "projectId": PROJECT,
            "name": name,
            "logUrl": f"https://console.cloud.google.com/cloud-build/builds/{number}",
            "status": self.built,
            "results": {"images": [{"name": body["imageUri"], "digest": digest}]},
        }
        kind = "type.googleapis.com/google.devtools.cloudbuild.v1."
        operation = {"name": name, "done": True, "metadata": {"@type": f"{kind}BuildOperationMetadata"}}
        operation["metadata"] |= {"build": build}  # type: ignore[operator]
        done = operation | {"response": {"@type": f"{kind}Build"} | build}
        if self.built != "SUCCESS":
            done = operation | {"error": {"code": 9, "message": "build step 2 exited with status 51"}}
        path = f"cloudbuild/projects/{PROJECT}/locations/{REGION}/operations/{number}"
        self.resources[path] = done
        return {"buildOperation": operation, "baseImageUri": body["buildpackBuild"]["baseImage"]}

    def _store_service(self, key: str, body: dict[str, Any]) -> Any:
        name = key.rpartition("/")[2]
        before = self.resources.get(key)
        generation = before["metadata"]["generation"] + 1 if before else 1
        body["metadata"] |= {"generation": generation, "resourceVersion": _etag(generation), "uid": name}
        url = self.service_url.format(name=name)
        ready = {"type": "Ready", "status": "True"}
        body["status"] = {
            "observedGeneration": generation,
            "conditions": [ready, ready | {"type": "ConfigurationsReady"}, ready | {"type": "RoutesReady"}],
            "latestReadyRevisionName": f"{name}-{generation:05d}",
            "latestCreatedRevisionName": f"{name}-{generation:05d}",
            "url": url,
            "address": {"url": url},
            "traffic": [{"revisionName": f"{name}-{generation:05d}", "percent": 100, "latestRevision": True}],
        }
        self.resources[key] = body
        return body

    # Storage

    def _storage(self, call: Call, headers: Message, data: bytes) -> Answer:
        path = re.sub(r"^(/resumable|/upload)?/storage/v1/|^(/upload)?/b/", "b/", call.path).replace(
            "b/b", "b"
        )
        bucket = path.split("/")[1] if path.count("/") else ""
        if "/upload/" in call.path:
            return 200, self._upload(bucket, call.query, headers, data)
        if call.method == "POST":
            name = call.body["name"]
            self.resources[f"storage/b/{name}"] = call.body | {"projectNumber": NUMBER, "id": name}
            return 200, self.resources[f"storage/b/{name}"]
        if bucket and "/o" not in path:
            return 200, self._existing(f"storage/b/{bucket}")
        listed = [value for key, value in self.resources.items() if key.startswith("storage/b/")]
        return 200, {"kind": "storage#buckets", "items": listed}

    def _upload(self, bucket: str, query: dict[str, str], headers: Message, data: bytes) -> Any:
        name, content = query.get("name", ""), data
        boundary = re.search(r"boundary=['\"]?([^'\";]+)", headers.get("Content-Type", ""))
        if boundary:
            _, meta, media, *_ = data.split(b"--" + boundary[1].encode())
            name = json.loads(meta.partition(b"\n\n")[2] or meta.partition(b"\r\n\r\n")[2]).get("name", name)
            content = re.split(rb"\r?\n\r?\n", media, maxsplit=1)[1].removesuffix(b"\n").removesuffix(b"\r")
        self.objects[f"{bucket}/{name}"] = content
        md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        return {"bucket": bucket, "name": name, "generation": "1", "size": str(len(content)), "md5Hash": md5}

    def _next(self) -> int:
        self.counter += 1
        return self.counter


COLLECTIONS = {
    "alertPolicies": "alertPolicies",
    "databases": "databases",
    "fields": "fields",
    "jobs": "jobs",
    "metrics": "metrics",
    "secrets": "secrets",
    "serviceAccounts": "accounts",
    "services": "items",
    "sinks": "sinks",
    "subscriptions": "subscriptions",
    "topics": "topics",
    "versions": "versions",
}


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _etag(number: int) -> str:
    return base64.b64encode(f"etag{number:06d}".encode()).decode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def _serve(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            data = zlib.decompress(data, 31)
        with self.server.lock:
            answered = self.server.google.answer(self.command, self.path, self.headers, data)
        if answered is None:
            self.close_connection = True
            return
        status, body = answered
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.google = FakeGoogle()
        self.lock = threading.Lock()


@dataclass
class Cloud:
    """`deploy.sh` with the real gcloud, and the fake Google behind it.

    `source` is a copy of the project with all that a working copy collects.
    """

    server: _Server
    home: Path
    source: Path

    @property
    def google(self) -> FakeGoogle:
        return self.server.google

    def environ(self, **extra: str) -> dict[str, str]:
        """What gcloud needs to know of the fake, and nothing of the machine's own gcloud."""
        keep = {name: os.environ[name] for name in ("LANG", "JAVA_HOME") if name in os.environ}
        overrides = {
            f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name.upper()}": f"http://{name}.googleapis.com/"
            for name in SERVICES
        }
        settings = {
            "PATH": f"{self.home}/bin:{os.environ['PATH']}",
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "CLOUDSDK_CONFIG": str(self.home / "gcloud"),
            "CLOUDSDK_PROXY_TYPE": "http",
            "CLOUDSDK_PROXY_ADDRESS": "127.0.0.1",
            "CLOUDSDK_PROXY_PORT": str(self.server.server_port),
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(self.home / "access-token"),
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
            "CLOUDSDK_SURVEY_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
            "GCLOUD_ARGV": str(self.home / "argv"),
            "LOG_LANGUAGE": "en",
        }
        return keep | overrides | settings | extra

    def run(self, *args: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """`deploy.sh ARGS` for this project and region; `extra` goes into its environment."""
        (self.home / "argv").write_text("")
        self.google.calls.clear()
        return subprocess.run(
            ["bash", str(self.source / "deploy.sh"), *args],
            env=self.environ(**({"PROJECT": PROJECT, "REGION": REGION} | extra)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def argv(self) -> list[list[str]]:
        """The arguments of each gcloud that the last run started."""
        return [line.split("\x1f")[:-1] for line in (self.home / "argv").read_text().splitlines()]

    def changes(self) -> list[str]:
        """The changing requests of the last run."""
        return [str(call) for call in self.google.calls if call.changes]

    @contextmanager
    def state(self, google: FakeGoogle) -> Iterator[FakeGoogle]:
        """Another state of the project, for a while."""
        before, self.server.google = self.server.google, google.snapshot()
        try:
            yield self.server.google
        finally:
            self.server.google = before


LEFT_AT_HOME = {
    ".env": "BITRIX24_OUTGOING_WEBHOOK_TOKEN=never-upload-me",
    ".venv/lib/module.py": "",
    ".git/config": "",
    "deploy.env": "# MEMORY=512Mi\n",
    "var/links.db": "",
    "var/queue.db-wal": "",
    "links.db": "",
    "railway.json": "{}",
    "bench/results.txt": "",
    "docs/guide.md": "",
    "tests/test_it.py": "",
    "gateway/__pycache__/errors.cpython-311.pyc": "",
    "prod.env": "BITRIX24_OUTGOING_WEBHOOK_TOKEN=never-upload-me",
    "key.pem": "never-upload-me",
    "service-account.json": '{"private_key": "never-upload-me"}',
    "letter.json": "never-upload-me",
    "capture.har": "never-upload-me",
    "links.db.bak": "",
    "main.py.orig": "",
    "backup-2026-11-01/main.py": "",
    "gateway/letter.json": "never-upload-me",
    "gateway/queues/capture.har": "never-upload-me",
    "handlers/key.pem": "never-upload-me",
    "handlers/.env": "never-upload-me",
}


def _copy_of_the_project(target: Path) -> Path:
    """The project as a working copy is: with an `.env`, a virtual environment and databases in it."""
    skipped = shutil.ignore_patterns(
        ".*", "__pycache__", "tests", "docs", "bench", "var", "deploy.env", "mutants"
    )
    shutil.copytree(ROOT, target, ignore=skipped)
    shutil.copy(ROOT / ".gcloudignore", target)
    _complete_table(target / "functions")
    for name, text in LEFT_AT_HOME.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text)
    return target


def _complete_table(table: Path) -> None:
    """With a function of each kind, whether main.py has one yet or not."""
    lines = table.read_text().splitlines()
    kinds = {line.split()[1] for line in lines if line and not line.startswith("#")}
    for kind, line in (
        ("forwarder", "forward_event forwarder - forward-event"),
        ("private", "find_link private - -"),
    ):
        if kind not in kinds:
            receiver = next(index for index, text in enumerate(lines) if text.startswith("bitrix_webhook"))
            lines.insert(receiver, line)
    table.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def cloud_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    if shutil.which("gcloud") is None:
        pytest.skip("gcloud is not installed: install the Google Cloud SDK to run the deployment's tests")
    home = tmp_path_factory.mktemp("cloud")
    (home / "access-token").write_text("made-up-access-token")
    (home / "tmp").mkdir()
    (home / "bin").mkdir()
    address = str(home / "gcloud.socket")
    shims = {
        "gcloud": gcloud_server.CLIENT.format(python=sys.executable, address=address),
        "sleep": "#!/bin/sh\n",  # no test has the time to wait
    }
    for name, text in shims.items():
        (home / "bin" / name).write_text(text)
        (home / "bin" / name).chmod(0o755)
    server = _Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cloud = Cloud(server, home, _copy_of_the_project(home / "project"))
    with _gcloud_server(address, cloud.environ()):
        yield cloud
    server.shutdown()
    server.server_close()


@contextmanager
def _gcloud_server(address: str, environ: dict[str, str]) -> Iterator[None]:
    """The process that answers all calls of gcloud; gcloud itself says where its parts are."""
    facts = "value[separator='|'](installation.sdk_root,basic.python_location)"
    info = subprocess.run(["gcloud", "info", f"--format={facts}"], capture_output=True, text=True, check=True)
    root, python = info.stdout.strip().split("|")
    command = [python, "-S", gcloud_server.__file__, f"{root}/lib", address]
    with subprocess.Popen(
        command,
        env=environ | {"CLOUDSDK_ROOT_DIR": root},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            while not Path(address).exists():
                assert process.poll() is None, "gcloud's server ended before it listened"
                time.sleep(0.02)
            yield
        finally:
            process.terminate()


@pytest.fixture
def cloud(cloud_of_all: Cloud) -> Iterator[Cloud]:
    """A new, empty project: no API enabled but what Google always has on."""
    with cloud_of_all.state(FakeGoogle()):
        yield cloud_of_all


@dataclass
class Deployed:
    """A finished deployment: the project's state after it, what it printed, did and left on the disk."""

    google: FakeGoogle
    plan: subprocess.CompletedProcess[str]
    planned: list[str]
    run: subprocess.CompletedProcess[str]
    argv: list[list[str]]
    changes: list[Call]
    files: dict[str, bytes]


@pytest.fixture(scope="session")
def deployed(cloud_of_all: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Planned on a new project, then deployed; once for all tests in all of xdist's workers."""
    directory = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent
    made = directory / "deployed.pickle"
    with (directory / "deployed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_bytes(pickle.dumps(_deploy(cloud_of_all)))
    deployed: Deployed = pickle.loads(made.read_bytes())  # noqa: S301 — written above
    return deployed


def _deploy(cloud: Cloud) -> Deployed:
    with cloud.state(FakeGoogle()) as google:
        plan = cloud.run("plan", **TOLD)
        planned = cloud.changes()
        run = cloud.run("deploy", **TOLD)
        changes = [call for call in google.calls if call.changes]
        files = {
            str(path.relative_to(cloud.home)): path.read_bytes()
            for path in cloud.home.rglob("*")
            if path.is_file() and not path.is_relative_to(cloud.source)
        }
        return Deployed(google.snapshot(), plan, planned, run, cloud.argv(), changes, files)


@pytest.fixture
def finished(cloud_of_all: Cloud, deployed: Deployed) -> Iterator[Cloud]:
    """The project after that deployment, to change as a test likes."""
    with cloud_of_all.state(deployed.google):
        yield cloud_of_all
