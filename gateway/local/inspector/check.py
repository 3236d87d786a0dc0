"""Check: shows the doctor's checks as they are made, and a test event with what came of it."""

import threading
from dataclasses import dataclass, field

import flask

from gateway.destinations import PROBE_EVENT
from gateway.errors import GatewayError
from gateway.journal import Request
from gateway.local.inspector.frame import Inspector, View
from gateway.local.inspector.probe import send_test_event
from gateway.settings import Settings
from gateway.texts import SENTENCES, text_of
from gateway.tools.doctor import Check, examine
from gateway.tools.outcomes import in_a_line, tag_in_words

# Events that a person may send to see them arrive; none of them changes a link.
TEST_EVENTS = (PROBE_EVENT, "ONTASKUPDATE", "ONTASKCOMMENTADD", "ONCRMDEALUPDATE")
MAX_CHECKS = 60  # that are shown


@dataclass
class Examination:
    """One run of the doctor, started on the page."""

    settings: Settings
    checks: list[Check] = field(default_factory=list)
    problem: str = ""
    ended: bool = False

    def run(self) -> None:
        """Run the doctor; its checks are added as they are made."""
        try:
            for check in examine(self.settings):
                self.checks.append(check)
                if len(self.checks) == MAX_CHECKS:
                    break
        except GatewayError as error:
            self.problem = text_of(error, self.settings.language)
        finally:
            self.ended = True

    @property
    def failed(self) -> int:
        """How many checks have failed so far."""
        return sum(check.result == "failed" for check in self.checks)


def register(page: Inspector) -> None:
    """Add the view's routes to the page."""

    starting = threading.Lock()
    # One at most: the last one.
    examinations: list[Examination] = []

    @page.app.get("/check", endpoint="check")
    def check() -> str:
        return page.render(
            "check.html", view="check", examination=examinations[0] if examinations else None,
            events=TEST_EVENTS, can_test=page.parts.webhook is not None and bool(page.settings.tokens),
            label=label, **_test_event_values(page),
        )  # fmt: skip

    @page.app.get("/check/live", endpoint="check_live")
    def live() -> str:
        examination = examinations[0] if examinations else None
        return page.render(
            "check_live.html", examination=examination, label=label, **_test_event_values(page)
        )

    @page.app.post("/check/run", endpoint="examine")
    def run() -> flask.typing.ResponseReturnValue:
        new = Examination(page.settings_here)
        with starting:
            if not examinations or examinations[0].ended:
                examinations[:] = [new]
                threading.Thread(target=new.run, name="doctor", daemon=True).start()
        return flask.redirect(flask.url_for("check"), 303)

    @page.app.post("/check/test", endpoint="check_test")
    def test() -> flask.typing.ResponseReturnValue:
        event = flask.request.form.get("event", "")
        if page.parts.webhook is None or event not in TEST_EVENTS:
            flask.abort(404)
        answer, _ = send_test_event(page, event)
        return flask.redirect(flask.url_for("check", sent=str(answer.get("request_id", ""))), 303)

    def label(check: Check) -> str:
        key = f"DOCTOR_LABEL_{check.check}"
        return page.words(key) if key in SENTENCES else check.check


def _test_event_values(page: Inspector) -> dict[str, object]:
    """The test event that was sent last, and what came of it so far."""
    name = flask.request.args.get("sent", "")[:64]
    request: Request | None = page.journal.request(name) if name else None
    if request is None:
        return {"sent": name, "request_sent": None, "tag": "", "outcome_lines": []}
    outcomes = page.journal.outcomes([request.event_id]).get(request.event_id, []) if request.event_id else []
    outcome_lines = [in_a_line(outcome, page.language) for outcome in outcomes]
    if request.event == PROBE_EVENT and request.status == 200:
        # No subscription wants a probe, by design.
        outcome_lines = [page.words("PROBE_PASSED")]
    return {
        "sent": name,
        "request_sent": request,
        "tag": tag_in_words(request, page.language),
        "outcome_lines": outcome_lines,
    }


VIEW = View("check", "c", register)
