"""How pydantic validates a message: the schema of `gateway.events.Message`, written out.

Pydantic's validator is `pydantic_core`. The rest of pydantic makes such schemas of annotations, which
takes 25 ms of each cold start; a test compares what it makes of `Message` with this one.
https://docs.pydantic.dev/latest/internals/architecture/
"""

import re
from typing import Any

from pydantic_core import core_schema

_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,13}\s*")
_TS_LIMIT = 10**12


def message_schema(message: type, portal: type) -> core_schema.CoreSchema:
    """The schema of `gateway.events.Message`, and of the `Portal` in it."""
    text = core_schema.str_schema
    number = core_schema.nullable_schema(core_schema.int_schema())
    return _schema(
        message,
        schema=core_schema.literal_schema([1]),
        event_id=text(min_length=1, max_length=128),
        event=text(min_length=1, max_length=100),
        event_handler_id=_or_null(text()),
        ts=_or_null(core_schema.no_info_before_validator_function(read_ts, number)),
        received_at=core_schema.datetime_schema(tz_constraint="aware"),
        source=core_schema.literal_schema(["webhook", "resync"]),
        portal=_schema(portal, domain=text(max_length=260), member_id=_or_null(text())),
        data=core_schema.with_default_schema(core_schema.any_schema(), default=None),
    )


def _schema(cls: type, **fields: core_schema.CoreSchema) -> core_schema.CoreSchema:
    """A dataclass as pydantic validates it; unknown fields, which later editions may add, are ignored."""
    arguments = [core_schema.dataclass_field(name, schema, kw_only=True) for name, schema in fields.items()]
    return core_schema.dataclass_schema(
        cls, core_schema.dataclass_args_schema(cls.__name__, arguments), list(fields)
    )


def _or_null(schema: core_schema.CoreSchema) -> core_schema.CoreSchema:
    return core_schema.with_default_schema(core_schema.nullable_schema(schema), default=None)


def read_ts(value: Any) -> int | None:
    """An event's time; None if it is not a number, and then the time of arrival counts."""
    if isinstance(value, str):
        value = int(value) if _WHOLE.fullmatch(value) else None
    return value if type(value) is int and -_TS_LIMIT <= value <= _TS_LIMIT else None
