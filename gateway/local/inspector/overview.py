"""The overview: does it work at all, and what is wrong now."""

from gateway.local.inspector.frame import Inspector, View


def register(page: Inspector) -> None:
    @page.app.get("/", endpoint="overview")
    def overview() -> str:
        return page.render("overview.html", view="overview")


VIEW = View("overview", "o", register)
