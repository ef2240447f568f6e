"""The REST API over HTTP: who may ask, what answers, and the log of what was asked."""

from __future__ import annotations

import base64
import gzip
import hmac
import os
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from pc_mcp.sandbox import errors
from pc_mcp.sandbox.errors import ServiceError, error_body, throttled_body
from pc_mcp.sandbox.pages import TOKEN_HEADER
from pc_mcp.sandbox.resources import Resources
from pc_mcp.sandbox.switches import Fault
from pc_mcp.sandbox.throttle import Bucket
from pc_mcp.sandbox.wire import client_left, send_faulty

if TYPE_CHECKING:
    from collections.abc import Callable, MutableSequence

    from starlette.types import Receive, Scope, Send

    from pc_mcp.sandbox.switches import Switches
    from pc_mcp.sandbox.world import World

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSON = "application/json; charset=utf-8"
_RANDOM_FAILURES = (500, 502, 503, 504, None)
"""Statuses of random failures; None: no answer."""


@dataclass
class RecordedRequest:
    """A request as it came: `path` percent-encoded with its query, `headers` by lower-case name.

    `answer_bytes` is the length of the answer's body, once there is one; `came` and `answered` are
    moments of `time.monotonic`, the latter 0 until the answer is sent.
    """

    method: str
    path: str
    headers: dict[str, str]
    answer_bytes: int = 0
    came: float = field(default_factory=time.monotonic)
    answered: float = 0.0


def _refuse(token: str) -> None:
    raise ServiceError(errors.TOKEN_REFUSED)


def build_app(
    world: World,
    switches: Switches,
    token: str,
    log: MutableSequence[RecordedRequest],
    admit: Callable[[str], None] = _refuse,
) -> Starlette:
    """The API under `/v1` as an ASGI application that appends every request to `log`.

    Only GET is allowed; every request needs `Authorization: Bearer` with `token`, or with a token
    for which `admit` raises no `ServiceError`.
    """
    app = Starlette()
    # Routes match the decoded path, in which a slash of a batch id is lost.
    app.router.default = _Api(world, switches, token, log, admit)
    return app


class _Api:
    def __init__(
        self,
        world: World,
        switches: Switches,
        token: str,
        log: MutableSequence[RecordedRequest],
        admit: Callable[[str], None],
    ) -> None:
        self._resources = Resources(world, switches)
        self._switches = switches
        self._token = token.encode()
        self._log = log
        self._admit_other = admit
        self._count = 0
        self._random = Random(f"failures {world.seed}")
        self._bucket = Bucket()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        path = scope["raw_path"].decode("ascii")
        query = scope["query_string"].decode("ascii")
        target = f"{path}?{query}" if query else path
        recorded = RecordedRequest(request.method, target, dict(request.headers))
        self._log.append(recorded)
        self._count += 1
        number = self._count

        page_token = request.headers.get(TOKEN_HEADER)
        matched = unquote(target) + (f" {TOKEN_HEADER}: {page_token}" if page_token else "")
        scripted = self._switches.scripted_for(matched)
        wait = None if scripted and scripted.hang else self._switches.latency_seconds
        if wait != 0 and await client_left(receive, wait):
            return
        fault = scripted.fault if scripted else None
        if scripted and scripted.body is not None:
            answer = Response(scripted.body, scripted.status, scripted.headers)
        else:
            status = self._failing(number)
            fault = fault or (Fault.RESET if status is None else None)
            answer = self._failure(status) if status else self._packed(self._answer(request, path), request)
        _add_headers(answer, request)
        recorded.answer_bytes = len(answer.body)
        if fault:
            await send_faulty(answer, fault, scripted.drip_seconds if scripted else 0, scope, receive, send)
        else:
            await answer(scope, receive, send)
        recorded.answered = time.monotonic()

    def _failing(self, number: int) -> int | None:
        """The status that the switches give that request: 0 is the service's own, None a reset."""
        switches = self._switches
        if switches.throttle_every and number % switches.throttle_every == 0:
            return 429
        if switches.throttle_per_second and not self._bucket.take(switches.throttle_per_second):
            return 429
        if switches.fail_every and number % switches.fail_every == 0:
            return switches.fail_status
        if switches.fail_randomly and self._random.random() < switches.fail_randomly:
            return self._random.choice(_RANDOM_FAILURES)
        return 0

    def _failure(self, status: int) -> Response:
        if status == 429:
            seconds = self._switches.retry_after_seconds
            return self._json(throttled_body(seconds), 429, self._retry_after(seconds))
        if status == 500:
            return self._json(error_body(500, "An unexpected error occurred."), 500)
        return Response(errors.UNAVAILABLE_PAGE, status, media_type="text/html")

    def _retry_after(self, seconds: int | None) -> dict[str, str]:
        if seconds is None:
            return {}
        # A date has whole seconds, and the one that has begun is not over.
        value = formatdate(time.time() + seconds + 1, usegmt=True) if self._switches.retry_after_date else str(seconds)
        return {"Retry-After": value}

    def _packed(self, answer: Response, request: Request) -> Response:
        if not self._switches.gzip or "gzip" not in request.headers.get("Accept-Encoding", ""):
            return answer
        answer.body = gzip.compress(answer.body)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(answer.body))
        return answer

    def _answer(self, request: Request, path: str) -> Response:
        try:
            self._admit(request)
            return self._json(self._resources.get(path, request.query_params, request.headers))
        except ServiceError as error:
            return self._json(error_body(error.code, error.description), error.status, error.headers)

    def _admit(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ServiceError(errors.NO_TOKEN)
        if not hmac.compare_digest(token.encode(), self._token):
            self._admit_other(token)
        if request.method != "GET":
            raise ServiceError(errors.NOT_ALLOWED, {"Allow": "GET"})

    def _json(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        if self._switches.byte_order_mark:
            body = _BYTE_ORDER_MARK + body
        return Response(body, status, {"Content-Type": _JSON, **(headers or {})})


def _add_headers(answer: Response, request: Request) -> None:
    """The headers of "Partner Center REST headers", but for those that a script has set."""
    headers = {
        "MS-RequestId": request.headers.get("MS-RequestId") or str(uuid4()),
        "MS-CorrelationId": request.headers.get("MS-CorrelationId") or str(uuid4()),
        "MS-CV": f"{base64.b64encode(os.urandom(12)).decode()}.0",
        "MS-ServerId": "030020344",
        "Date": formatdate(usegmt=True),
    }
    if request.headers.get("ValidateMfa", "").lower() == "true":
        headers["isMfaCompliant"] = "true"
    for name, value in headers.items():
        answer.headers.setdefault(name, value)
