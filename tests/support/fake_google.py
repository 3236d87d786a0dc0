"""A small fake of Google's APIs on loopback, for the real gcloud.

The fake is gcloud's HTTP proxy: with endpoint overrides to plain `http://`
every request arrives here whole, its host included (Cloud Run's carry the
region, so overrides alone would not do). What it can't show is what only
Google decides: see docs/deploy.md.
"""

import base64
import copy
import hashlib
import json
import re
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.google_resources import AGENT, NUMBER, PROJECT, REGION, ApiError, Call, Resources, etag

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
class FakeGoogle(Resources):
    """The APIs in front of a project: which are on, what they refuse, and what was asked of them."""

    enabled: set[str] = field(default_factory=lambda: set(ALWAYS_ON))
    agents: set[str] = field(default_factory=set)
    unpropagated: dict[str, int] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    built: str = "SUCCESS"
    after_change: Callable[["FakeGoogle", Call], None] | None = None

    def snapshot(self) -> "FakeGoogle":
        """A separate copy of the state, without rules and without the calls that led to it."""
        twin = copy.deepcopy(self)
        twin.after_change = None
        twin.calls.clear()
        twin.rules.clear()
        return twin

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

    def _verb(self, call: Call, key: str, verb: str) -> Any:
        if verb == "getIamPolicy":
            return self._policy(key)
        if verb == "setIamPolicy":
            return self._set_policy(key, call.body["policy"])
        if verb == "testIamPermissions":
            return {"permissions": call.body["permissions"]}
        # This enables one API; several are a batch.
        if verb == "enable" and call.service == "serviceusage":
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
            key, {"version": 1, "etag": etag(0), "bindings": []}
        )
        return policy

    def _set_policy(self, key: str, policy: dict[str, Any]) -> Any:
        if policy.get("etag", self._policy(key)["etag"]) != self._policy(key)["etag"]:
            raise ApiError(409, "ABORTED", "There were concurrent policy changes.")
        for binding in policy.get("bindings", []):
            for member in binding["members"]:
                self._must_exist(member.removeprefix("serviceAccount:"))
        self.policies[key] = policy | {"etag": etag(self._next())}
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
        self.resources[name] = {"name": name.partition("/")[2], "state": "ENABLED", "etag": etag(number)}
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
        finished = operation | {"response": {"@type": f"{kind}Build"} | build}
        if self.built != "SUCCESS":
            finished = operation | {"error": {"code": 9, "message": "build step 2 exited with status 51"}}
        path = f"cloudbuild/projects/{PROJECT}/locations/{REGION}/operations/{number}"
        self.resources[path] = finished
        return {"buildOperation": operation, "baseImageUri": body["buildpackBuild"]["baseImage"]}

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


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def _serve(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            data = zlib.decompress(data, 31)
        with self.server.lock:
            reply = self.server.google.answer(self.command, self.path, self.headers, data)
        if reply is None:
            self.close_connection = True
            return
        status, body = reply
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.google = FakeGoogle()
        self.lock = threading.Lock()
