"""Finds the sentence for a database's error. Pure.

An error of a statement carries its SQLSTATE. One of connecting carries a text only,
which the server may write in Russian; what neither names is `STORE_SILENT`.
"""

import re

# By SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES = {
    "28P01": "STORE_PASSWORD",
    "28000": "STORE_PASSWORD",
    "3D000": "STORE_NO_DATABASE",
    "42501": "STORE_RIGHTS",
    "25006": "STORE_READ_ONLY",
    "53300": "STORE_SLOTS",
    "53100": "STORE_FULL",
}
# In this order, because the reason why SSL failed may be quoted after what failed without it.
_TEXTS = tuple(
    (re.compile(pattern, re.IGNORECASE), key)
    for pattern, key in (
        ("statement pooling", "STORE_STATEMENT_POOLING"),
        ("password authentication failed|no password supplied|проверку подлинности", "STORE_PASSWORD"),
        ("does not support SSL|SSL error|certificate|no encryption|без шифрования", "STORE_SSL"),
        (
            "no pg_hba.conf entry|role .{0,200} does not exist"
            "|нет записи для компьютера|роль .{0,200} не существует",
            "STORE_PASSWORD",
        ),
        (
            "database .{0,200} does not exist|no such database|база данных .{0,200} не существует",
            "STORE_NO_DATABASE",
        ),
        (
            "too many clients|connection slots|too many connections|no more connections|слишком много",
            "STORE_SLOTS",
        ),
        ("resolve host|translate host name|name or service not known", "STORE_NAME"),
        ("connection refused|no such file or directory", "STORE_REFUSED"),
        ("permission denied|нет доступа", "STORE_RIGHTS"),
        ("readonly database|read-only", "STORE_READ_ONLY"),
        ("disk is full|no space left", "STORE_FULL"),
        ("malformed|not a database", "STORE_CORRUPT"),
        ("unable to open database file", "STORE_CLOSED"),
    )
)


def sentence_key(error: BaseException) -> str:
    """The key of the sentence that says what to do."""
    state = getattr(error, "sqlstate", None)
    if state in _STATES:
        return _STATES[state]
    text = str(error)[:4000]
    return next((key for pattern, key in _TEXTS if pattern.search(text)), "STORE_SILENT")
