"""The state of the fake Google APIs: resources and policies, which behave as Google's do."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PROJECT = "gateway-test"
NUMBER = "123456789012"
REGION = "europe-west1"
AGENT = f"service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"


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
class Resources:
    """Google's side of a project: resources and policies by `service/path`, objects by name."""

    resources: dict[str, Any] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    service_url: str = "https://{name}-x7k2-ew.a.run.app"
    counter: int = 0

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

    def names(self, collection: str) -> list[str]:
        """The last parts of the names of all resources of `service/…/collection/`."""
        service, _, kind = collection.partition("/")
        keys = (key for key in self.resources if key.startswith(f"{service}/"))
        return sorted(key.rpartition("/")[2] for key in keys if key.split("/")[-2] == kind)

    def bindings(self) -> set[tuple[str, str, str]]:
        """(resource, role, member) of every policy; a resource by its service and last name."""
        return {
            (f"{key.partition('/')[0]}/{key.rpartition('/')[2]}", binding["role"], member)
            for key, policy in self.policies.items()
            for binding in policy.get("bindings", [])
            for member in binding["members"]
        }

    def secret(self, name: str, version: str) -> str:
        return self.objects[f"secretmanager/projects/{PROJECT}/secrets/{name}/versions/{version}"].decode()

    def _existing(self, key: str) -> dict[str, Any]:
        if key not in self.resources:
            raise ApiError(404, "NOT_FOUND", f"Resource {key} was not found.")
        resource: dict[str, Any] = self.resources[key]
        return resource

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
        # A field's TTL policy comes about by a patch.
        if call.service == "firestore":
            self.resources[key] = body | {"name": key.partition("/")[2]}
            self.resources[key].setdefault("ttlConfig", {})["state"] = "ACTIVE"
            return self._operation(f"{key.partition('/collectionGroups')[0]}/operations/{self._next()}", body)
        # Pub/Sub wraps what it patches.
        body = body.get(key.split("/")[-2].removesuffix("s"), body)
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

    def _operation(self, key: str, response: Any = None) -> Any:
        kind = key.partition("/")[0]
        operation = self.resources.get(key)
        if operation is None:
            operation = {"name": key.partition("/")[2], "done": True, "response": response}
            if kind in ("firestore", "artifactregistry") and response is not None:
                operation["response"] = {"@type": "type.googleapis.com/google.protobuf.Struct"} | response
            self.resources[key] = operation
        return operation

    def _store_service(self, key: str, body: dict[str, Any]) -> Any:
        name = key.rpartition("/")[2]
        before = self.resources.get(key)
        generation = before["metadata"]["generation"] + 1 if before else 1
        body["metadata"] |= {"generation": generation, "resourceVersion": etag(generation), "uid": name}
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


def etag(number: int) -> str:
    return base64.b64encode(f"etag{number:06d}".encode()).decode()
