"""Reads a project's Cloud Logging for all tools, with one query and one way of failing."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gateway.errors import PassingFailure
from gateway.events import rfc3339

# Fields that only the receiver's record of a refusal has.
REFUSALS = 'severity="WARNING" AND jsonPayload.places:* AND jsonPayload.request_id:*'
_PAGE = 1000


class ProjectLog:
    """The log of a Google Cloud project, read over HTTP by a client that is opened once."""

    def __init__(self, project: str, client: Any = None) -> None:
        self._project, self._client = project, client

    def entries(self, condition: str, since: datetime) -> Iterator[Any]:
        """The entries that meet a filter's condition, oldest first.

        Raises `PassingFailure` where the log cannot be read.
        """
        import google.api_core.exceptions  # optional
        import google.auth.exceptions
        import requests
        from google.cloud import logging

        filter_ = f'({condition}) AND timestamp>="{rfc3339(since)}"'
        try:
            if self._client is None:
                self._client = logging.Client(project=self._project, _use_grpc=False)  # type: ignore[no-untyped-call]
            yield from self._client.list_entries(filter_=filter_, order_by=logging.ASCENDING, page_size=_PAGE)
        except (
            google.api_core.exceptions.GoogleAPIError,
            google.auth.exceptions.GoogleAuthError,
            requests.RequestException,
        ) as error:
            problem = type(error).__name__
            raise PassingFailure("LOG_UNREADABLE", project=self._project, problem=problem) from None
