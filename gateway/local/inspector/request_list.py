"""Requests: what came, newest first, searched and filtered by the address."""

from gateway.journal import Filters
from gateway.local.inspector.frame import Inspector, View


def badge(page: Inspector) -> int:
    return page.journal.count_newer(Filters(kinds=("refused", "not_queued")), 0)


def register(page: Inspector) -> None:
    @page.app.get("/requests", endpoint="requests")
    def requests() -> str:
        return page.render("requests.html", view="requests", found=page.journal.page().requests)


VIEW = View("requests", "r", register, badge)
