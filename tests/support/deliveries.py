"""Requests as Bitrix24 sends them, built from the vendor's facts; each negative test changes one thing."""

from typing import Any

from gateway.ingest.php_form import build_query

# A webhook's usual shape: 32 of [a-z0-9].
TOKEN = "w1e2b3h4o5o6k7t8o9k0e1n2a3b4c5d6"
OTHER_TOKEN = "z9y8x7w6v5u4t3s2r1q0p9o8n7m6l5k4"
PORTAL = "portal.bitrix24.ru"
AGENT = "Bitrix24 Webhook Engine"
FORM = "application/x-www-form-urlencoded"


def delivery(
    event: str = "ONUSERUPDATE",
    data: Any = None,
    token: str | None = TOKEN,
    ts: int | None = 1_750_000_000,
    **auth: Any,
) -> dict[str, Any]:
    """A webhook's delivery as nested values, keys in the vendor's order."""
    fields: dict[str, Any] = {"event": event, "event_handler_id": "41"}
    fields["data"] = {"ID": "12", "UF_USR_TELEGRAM": "@ivan_petrov"} if data is None else data
    fields["ts"] = None if ts is None else str(ts)
    fields["auth"] = {
        "domain": PORTAL,
        "client_endpoint": f"https://{PORTAL}/rest/",
        "server_endpoint": "https://oauth.bitrix.info/rest/",
        "member_id": "a223c6b3710f85df22e9377d6c4f7553",
        "application_token": token,
        **auth,
    }
    return fields


def form(event: str = "ONUSERUPDATE", data: Any = None, token: str | None = TOKEN, **more: Any) -> bytes:
    """The delivery's body as the portal writes it."""
    return build_query(delivery(event, data, token, **more))
