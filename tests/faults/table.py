"""The table of faults: what happens, how the sandbox does it, and what has to be said of it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum
from typing import Any

from pc_mcp.sandbox import Fault, ScriptedResponse

UPSTREAM = "words of the service"
"""In every body that the sandbox is made to send; no answer may repeat it."""

HTML = f"<html><body>{UPSTREAM}</body></html>".encode()


class Kind(Enum):
    """What the client does about a fault, and so what it says when the fault stays."""

    RETRIED = "it is tried again; where that is in vain the reason is said"
    SAID = "it will not pass by asking at once: the reason is said"
    SIGN_IN = "nothing else will be answered either: how to sign in is said"
    WAITED = "it is waited for until the call's time is up"


class Form(Enum):
    """Where a fault happens, and how often; each to another customer of the same service."""

    ONE_OF_MANY = "for ever, on every page of one batch of many"
    FIRST_PAGE = "for ever, on the first page of the only batch"
    LATER_PAGE = "for ever, on the second page of the only batch that is asked about"
    ONCE = "once, on one batch of many"


PLACES = {
    Form.ONE_OF_MANY: ("Fourth Coffee", "PO 4549717 Osaka"),
    Form.FIRST_PAGE: ("Trey Research", "New starters June 2024"),
    Form.LATER_PAGE: ("Margie's Travel", "PO 4586213 Malmö"),
    Form.ONCE: ("Coho Winery", "Spares? ask Ewa"),
}
"""The customer and the batch to which it happens."""


@dataclass(frozen=True)
class Row:
    """One fault. `words`: what an answer says of it; `then`: what it says to do."""

    name: str
    kind: Kind
    words: str
    then: str
    answer: Mapping[str, Any]
    timeout_seconds: float = 30

    def script(self, form: Form) -> ScriptedResponse:
        """What the sandbox answers where it happens."""
        match = f"/deviceBatches/{PLACES[form][1]}/devices"
        if form is Form.LATER_PAGE:
            match += " MS-ContinuationToken"
        return ScriptedResponse(match, times=1 if form is Form.ONCE else None, **self.answer)

    @property
    def is_told_at_once(self) -> bool:
        """Whether nothing of it is waited for."""
        return self.kind in (Kind.SAID, Kind.SIGN_IN) or "Retry-After" in self.answer.get("headers", {})

    @property
    def forms(self) -> tuple[Form, ...]:
        """The forms in which it happens."""
        match self.kind:
            case Kind.RETRIED:
                return tuple(Form)
            case Kind.SIGN_IN:
                # Which of the other batches are answered first is not decided.
                return Form.FIRST_PAGE, Form.LATER_PAGE
            case _:
                return Form.ONE_OF_MANY, Form.FIRST_PAGE, Form.LATER_PAGE


def _status(status: int, code: int | None = None, **headers: str) -> dict[str, Any]:
    body = HTML if code is None else json.dumps({"code": code, "description": UPSTREAM}).encode()
    return {"status": status, "body": body, "headers": {name.replace("_", "-"): text for name, text in headers.items()}}


def _body(body: bytes, **headers: str) -> dict[str, Any]:
    return {"body": body, "headers": {name.replace("_", "-"): text for name, text in headers.items()}}


def _own(fault: Fault, **details: Any) -> dict[str, Any]:
    """The service's own answer, on whose way something goes wrong."""
    return {"body": None, "fault": fault, **details}


def _retried(name: str, words: str, answer: Mapping[str, Any], then: str, **details: Any) -> Row:
    return Row(name, Kind.RETRIED, words, then, answer, **details)


FAILED, LATER = "failed to answer", "Ask again in a minute"
SILENT, CHECK = "cannot be reached", "Check the network"
ODD = "sent an answer that cannot be read"
LIMITED = "limits how fast it may be asked"
TIME, ASK_AGAIN = "Time ran out", "Ask the same again"

ROWS = [
    _retried("408", FAILED, _status(408, Retry_After="0"), LATER),
    _retried("429, with seconds", LIMITED, _status(429, Retry_After="0"), LATER),
    _retried("429, with a date", LIMITED, _status(429, Retry_After=formatdate(time.time(), usegmt=True)), LATER),
    _retried("429, no more", LIMITED, _status(429), LATER),
    _retried("500", FAILED, _status(500, 500, Retry_After="0"), LATER),
    _retried("502", FAILED, _status(502, Retry_After="0"), LATER),
    _retried("503 with HTML", FAILED, _status(503, Retry_After="0", Content_Type="text/html"), LATER),
    _retried("503 with HTML, no more", FAILED, _status(503, Content_Type="text/html"), LATER),
    _retried("504", FAILED, _status(504, Retry_After="0"), LATER),
    _retried("reset before the answer", SILENT, {"fault": Fault.RESET}, CHECK),
    _retried("reset in the body", SILENT, _own(Fault.RESET_IN_BODY), CHECK),
    _retried("body cut short", SILENT, _own(Fault.CUT_SHORT), CHECK),
    _retried("no last chunk", SILENT, _own(Fault.NO_LAST_CHUNK), CHECK),
    _retried("length too long", SILENT, _own(Fault.LENGTH_TOO_LONG), CHECK, timeout_seconds=0.5),
    _retried("no answer in time", SILENT, {"hang": True}, CHECK, timeout_seconds=0.5),
    _retried("no body in time", SILENT, _own(Fault.HANG_AFTER_HEADERS), CHECK, timeout_seconds=0.5),
    Row("length too short", Kind.SAID, ODD, LATER, _own(Fault.LENGTH_TOO_SHORT)),
    Row("gzip that does not unpack", Kind.SAID, ODD, LATER, _body(b"\x1f\x8b" + HTML, Content_Encoding="gzip")),
    Row("HTML", Kind.SAID, ODD, LATER, _body(HTML, Content_Type="text/html")),
    Row("empty body", Kind.SAID, ODD, LATER, _body(b"")),
    Row("JSON that breaks off", Kind.SAID, ODD, LATER, _body(b'{"items": [{"id": "')),
    Row("a list", Kind.SAID, ODD, LATER, _body(b"[]")),
    Row("items that are no list", Kind.SAID, ODD, LATER, _body(b'{"items": {"0": {"id": "x"}}}')),
    Row("an object without items", Kind.SAID, ODD, LATER, _body(b'{"error": {"code": "TooManyRequests"}}')),
    Row("an error called a success", Kind.SAID, ODD, LATER, _status(200, 500)),
    Row("redirect to another host", Kind.SAID, "redirect", "base_url", _status(302, Location="https://h.invalid/v1")),
    Row("400", Kind.SAID, "refused the request", "Check the customer", _status(400)),
    Row("403", Kind.SAID, "role", "Admin agent", _status(403, 1002)),
    Row("403 for no reason", Kind.SAID, "does not permit", "administrator", _status(403)),
    Row("a batch that vanished", Kind.SAID, "did not find", "ask with refresh", _status(404, 1000)),
    Row("401 for ever", Kind.SIGN_IN, "refused the access token", "Sign in again", _status(401, 800001)),
    Row("401 for want of MFA", Kind.SIGN_IN, "multi-factor", "with MFA", _status(401, 900421)),
    Row("no answer at all", Kind.WAITED, TIME, ASK_AGAIN, {"hang": True}),
    Row("no body at all", Kind.WAITED, TIME, ASK_AGAIN, _own(Fault.HANG_AFTER_HEADERS)),
    Row("a byte at a time", Kind.WAITED, TIME, ASK_AGAIN, _own(Fault.DRIP, drip_seconds=0.02)),
]
STORIES = [(row, form) for row in ROWS for form in row.forms]
