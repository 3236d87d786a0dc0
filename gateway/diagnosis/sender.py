"""Guesses which kind of program sent a request, by what the request says of itself."""

import re
from typing import Any

from gateway.ingest.incoming import Incoming

# (kind, name, pattern of the User-Agent); the first match counts, so the more specific come first.
_AGENTS = [
    ("bitrix24", "Bitrix24", "bitrix24"),
    ("webhook", "GitHub", "github-hookshot"),
    ("webhook", "GitLab", "gitlab"),
    ("webhook", "Stripe", "stripe/"),
    ("webhook", "Slack", "slackbot(?!-link)|slack-"),
    ("webhook", "Twilio", "twilio"),
    ("webhook", "Shopify", "shopify"),
    ("webhook", "Meta", "facebookexternalua|facebookplatform"),
    ("webhook", "Atlassian", "atlassian"),
    ("webhook", "amoCRM", "amocrm|kommo"),
    ("webhook", "YooKassa", "yookassa|yoomoney|yandexmoney"),
    ("webhook", "Viber", "viber"),
    ("webhook", "VK", r"\bvk(?:callback|bot)?/"),
    ("webhook", "PayPal", "paypal"),
    ("relay", "Zapier", "zapier"),
    ("relay", "Make", r"integromat|make/|make\.com"),
    ("relay", "n8n", "n8n"),
    ("relay", "Node-RED", "node-red"),
    ("relay", "Albato", "albato"),
    ("relay", "smee", "smee-client"),
    ("google", "Cloud Scheduler", "google-cloud-scheduler"),
    ("google", "Cloud Tasks", "google-cloud-tasks"),
    ("google", "Pub/Sub", "cloudpubsub|apis-google|google-pubsub"),
    ("health", "Google", "googlehc"),
    ("health", "Kubernetes", "kube-probe"),
    ("health", "AWS", "elb-healthchecker|amazon-route53"),
    ("health", "Railway", "railway"),
    ("health", "", "health|consul|envoy|haproxy|traefik"),
    ("monitor", "UptimeRobot", "uptimerobot"),
    ("monitor", "Uptime Kuma", "uptime-kuma"),
    ("monitor", "Pingdom", "pingdom"),
    ("monitor", "StatusCake", "statuscake"),
    ("monitor", "Better Stack", "better ?uptime|better ?stack"),
    ("monitor", "Google Uptime Checks", "stackdriver|uptimechecks"),
    ("monitor", "Zabbix", "zabbix"),
    ("monitor", "Nagios", "nagios|check_http"),
    ("monitor", "Prometheus", "prometheus|blackbox"),
    ("monitor", "", "uptime|monitor|site24x7|datadog|newrelic|updown|hetrix|freshping|checkly|statuspage"),
    (
        "preview",
        "",
        "telegrambot|whatsapp|facebookexternalhit|slackbot-link|discordbot|vkshare|twitterbot|skype",
    ),
    ("scanner", "", "zgrab|masscan|nmap|censys|expanse|nuclei|sqlmap|nikto|shodan|l9explore|internetmeasure"),
    ("crawler", "", "googlebot|yandexbot|bingbot|crawl|spider|bot\\b|ahrefs|semrush"),
    ("test", "curl", "curl/"),
    ("test", "wget", "wget"),
    ("test", "Postman", "postman"),
    ("test", "Insomnia", "insomnia"),
    ("test", "HTTPie", "httpie"),
    ("test", "PowerShell", "powershell"),
    ("test", "Python", "python|aiohttp|httpx"),
    ("test", "Node.js", "axios|node|undici|got \\("),
    ("test", "Go", "go-http-client"),
    ("test", "PHP", "guzzle|php"),
    ("test", "Java", "java|okhttp|apache-httpclient"),
    ("test", "", "bruno|thunder client|rapidapi|restsharp|k6/|jmeter|ruby|libwww|hoppscotch"),
    ("browser", "", "mozilla|opera|safari"),
]
_TABLE = [(kind, name, re.compile(pattern, re.IGNORECASE)) for kind, name, pattern in _AGENTS]
# Paths that internet scanners try.
_SCANNED = re.compile(
    r"wp-|wordpress|xmlrpc|phpmyadmin|\.env|\.git|\.aws|cgi-bin|phpunit|boaform|actuator|hnap1|autodiscover"
    r"|/ecp/|/owa/|solr|shell|setup\.cgi|telescope|_ignition|manager/html|eval-stdin|\.\./|%2e%2e",
    re.IGNORECASE,
)
# What other services' webhooks send: their headers, and the top-level names of their bodies.
_HEADERS = {
    "x-github-event": "GitHub",
    "x-gitlab-event": "GitLab",
    "stripe-signature": "Stripe",
    "x-slack-signature": "Slack",
    "x-telegram-bot-api-secret-token": "Telegram",
    "x-twilio-signature": "Twilio",
    "x-shopify-topic": "Shopify",
    "x-hub-signature-256": "Meta",
    "x-viber-content-signature": "Viber",
    "x-event-key": "Bitbucket",
    "ce-type": "CloudEvents",
}
_KEYS = {
    "update_id": "Telegram",
    "hook_id": "GitHub",
    "object_kind": "GitLab",
    "team_id": "Slack",
    "api_app_id": "Slack",
    "subscription": "Pub/Sub",
    "entry": "Meta",
    "leads": "amoCRM",
}


def sender(incoming: Incoming, fields: Any) -> tuple[str, str]:
    """The kind of sender (`browser`, `monitor`, `test`, …, `unknown`), and its name or ""."""
    for header, name in _HEADERS.items():
        if header in incoming.headers:
            return "webhook", name
    agent = incoming.header("user-agent")[:500]
    kind, name = next(
        ((kind, name) for kind, name, pattern in _TABLE if pattern.search(agent)), ("unknown", "")
    )
    if isinstance(fields, dict) and fields.keys() & {"AUTH_ID", "PLACEMENT", "APP_SID"}:
        return "placement", ""
    if kind in ("unknown", "test", "browser") and isinstance(fields, dict):
        service = next((service for key, service in _KEYS.items() if key in fields), "")
        if service:
            return "webhook", service
    return kind, name


def looks_scanned(path: str) -> bool:
    """Whether `path` is one that internet scanners try."""
    return _SCANNED.search(path[:2000]) is not None
