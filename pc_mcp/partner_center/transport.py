"""One HTTP GET to Partner Center: headers, time-outs, retries and errors ("Partner Center REST headers").

Retried are only failures that may pass: no answer, 408, 429, 500, 502, 503 and 504 (see `retries`). 401 is
tried once more with a renewed token.
"""

import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self, TypeVar

import anyio
import anyio.to_thread
import httpx2

from pc_mcp.auth import Refusal, SignInError, TokenProvider
from pc_mcp.partner_center.body import LARGE_BODY_BYTES, NotReadable, error_code
from pc_mcp.partner_center.challenges import claims_asked
from pc_mcp.partner_center.errors import (
    AddressTooLong,
    CertificateNotTrusted,
    MalformedAnswer,
    MfaMissing,
    NoToken,
    NotSignedIn,
    ProxyRefused,
    Throttled,
    Unreachable,
    error_for,
)
from pc_mcp.partner_center.http import APPLICATION, Answer, Host
from pc_mcp.partner_center.pace import Pace
from pc_mcp.partner_center.retries import RETRIED_STATUSES, TryAgain, asked_seconds, backoff, retried, seconds_left
from pc_mcp.runtime.network import BodyRefused, Kind, NetworkRefused, obstacle

logger = logging.getLogger(__name__)

T = TypeVar("T")

SPARE_CONNECTIONS = 4
"""For short questions beside a walk that uses all of its own."""


class Transport:
    """Sends GET requests to one base URL with the tokens of one `TokenProvider`.

    The token goes to that base URL only: paths are joined to it here, redirects are not followed,
    and no link of an answer is. Use as an async context manager, which owns the connections.
    `backoff` is the wait after so many failures where the service does not say how long to wait.
    """

    def __init__(
        self,
        base_url: str,
        tokens: TokenProvider,
        *,
        locale: str = "en-US",
        timeout_seconds: float = 30,
        concurrency: int = 8,
        backoff: Callable[[int], float] = backoff,
    ) -> None:
        self._host = Host(
            f"{base_url}/v1", timeout_seconds=timeout_seconds, connections=concurrency + SPARE_CONNECTIONS
        )
        self._tokens = tokens
        self._headers = {
            "Accept": "application/json",
            "MS-PartnerCenter-Application": APPLICATION,
            "X-Locale": locale,
        }
        self._backoff = backoff
        self._paces: defaultdict[str, Pace] = defaultdict(lambda: Pace(concurrency + SPARE_CONNECTIONS))

    async def account(self) -> str:
        """Whose rights the requests use; see `TokenProvider.account`. Raises `NoToken`."""
        with _signing_in():
            return await self._tokens.account()

    async def __aenter__(self) -> Self:
        await self._host.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._host.__aexit__(*exc_info)

    async def get(
        self, path: str, read: Callable[[bytes], T], *, correlation_id: str, headers: Mapping[str, str] | None = None
    ) -> T:
        """What `read` makes of the body at `path` (percent-encoded, beginning with a slash; may have a query).

        `read` may raise `NotReadable`. Raises a `PartnerCenterError`.
        """
        with _signing_in():
            token = await self._tokens.token()
            pace = self._paces[await self._tokens.account()]
        sent = self._headers | {"MS-CorrelationId": correlation_id} | dict(headers or {})
        try:
            answer = await self._with_retries(path, sent, token, pace)
        except NotSignedIn as refused:
            refusal = Refusal(token, isinstance(refused, MfaMissing), refused.claims)
            with _signing_in():
                renewed = await self._tokens.renewed(refusal)
            if renewed is None:
                raise refused from None
            answer = await self._with_retries(path, sent, renewed, pace)
        try:
            if answer.length < LARGE_BODY_BYTES:
                return read(answer.body())
            # Nobody has to wait for the end of what nobody wants any more.
            return await anyio.to_thread.run_sync(lambda: read(answer.body()), abandon_on_cancel=True)
        except NotReadable as error:
            raise MalformedAnswer(str(error), status=answer.status, correlation_id=correlation_id) from None

    async def _with_retries(self, path: str, headers: dict[str, str], token: str, pace: Pace) -> Answer:
        headers = headers | {"Authorization": f"Bearer {token}", "MS-RequestId": str(uuid.uuid4())}

        return await retried(lambda: self._attempt(path, headers, pace), pace, self._backoff)

    async def _attempt(self, path: str, headers: dict[str, str], pace: Pace) -> Answer:
        """One request. Raises `TryAgain` for what may pass, a `PartnerCenterError` for the rest."""
        correlation_id = headers["MS-CorrelationId"]
        # Time that has run out is no limit of the service: who has none left is cancelled in the request.
        if (wait := pace.wait_seconds) and wait > seconds_left():
            throttled = Throttled(correlation_id=correlation_id)
            throttled.wait_seconds = wait
            raise throttled
        began = anyio.current_time()
        try:
            async with pace.turn():
                began = anyio.current_time()
                answer = await self._host.get(path, headers)
        except BodyRefused as error:
            raise MalformedAnswer(str(error), status=error.status, correlation_id=correlation_id) from None
        except httpx2.InvalidURL:
            raise AddressTooLong(correlation_id=correlation_id) from None
        except NetworkRefused as error:
            raise ProxyRefused.because(error.what, error.advice, correlation_id=correlation_id) from None
        except httpx2.RequestError as error:
            # Without an answer the next attempt keeps MS-RequestId, the service's idempotency key.
            unreachable = _unreachable(error, self._host.base_url, correlation_id)
            if type(unreachable) is not Unreachable:
                raise unreachable from None
            raise TryAgain(unreachable, began) from None
        milliseconds = (anyio.current_time() - began) * 1000
        logger.debug("GET %s: %d in %.0f ms", _kind(path), answer.status, milliseconds)
        if answer.status == httpx2.codes.OK:
            pace.answered()
            return answer
        headers["MS-RequestId"] = str(uuid.uuid4())
        body = answer.body() if answer.length < LARGE_BODY_BYTES else b""
        failure = error_for(answer.status, error_code(body), correlation_id)
        if isinstance(failure, NotSignedIn):
            failure.claims = claims_asked(answer.headers.get_list("WWW-Authenticate"))
        if answer.status not in RETRIED_STATUSES:
            raise failure
        raise TryAgain(failure, began, asked_seconds(answer.headers.get("Retry-After"), body))


def _kind(path: str) -> str:
    """What is asked for, without of whom: `/customers/…/deviceBatches/…/devices`."""
    segments = path.partition("?")[0].split("/")
    return "/".join("…" if number and number % 2 == 0 else name for number, name in enumerate(segments))


def _unreachable(error: httpx2.RequestError, url: str, correlation_id: str) -> Unreachable:
    """Why there was no answer. Of what a certificate or a proxy is the cause is not `Unreachable` itself."""
    found = obstacle(error, url)
    kind = {Kind.CERTIFICATE: CertificateNotTrusted, Kind.PROXY: ProxyRefused}.get(found.kind, Unreachable)
    return kind.because(found.what, found.advice, correlation_id=correlation_id)


@contextmanager
def _signing_in() -> Iterator[None]:
    """What keeps a token from being sent is an error of the call like every other one."""
    try:
        yield
    except SignInError as error:
        raise NoToken(str(error)) from error
