"""One HTTP GET to Partner Center: headers, time-outs, retries and errors ("Partner Center REST headers").

Retried are only failures that may pass: no answer, 408, 429, 500, 502, 503 and 504, with growing,
jittered waits, or as long as `Retry-After` says. 401 is tried once more with a renewed token.
"""

import email.utils
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import anyio
import httpx2
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from pc_mcp.auth import Refusal, SignInError, TokenProvider
from pc_mcp.partner_center.body import error_code, parsed
from pc_mcp.partner_center.challenges import claims_asked
from pc_mcp.partner_center.errors import (
    MalformedAnswer,
    MfaMissing,
    NoToken,
    NotSignedIn,
    PartnerCenterError,
    Unreachable,
    error_for,
)

logger = logging.getLogger(__name__)

APPLICATION = "pc-mcp"
ATTEMPTS = 5
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
MAX_BODY_BYTES = 64 * 2**20
MAX_RETRY_AFTER_SECONDS = 300.0

BACKOFF = wait_random_exponential(multiplier=0.5, max=8)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: httpx2.Headers
    body: bytes


class _TryAgain(Exception):
    """An attempt that may be repeated: `error` is what to raise when it is not."""

    def __init__(self, error: PartnerCenterError, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after


class Transport:
    """Sends GET requests to one base URL with the tokens of one `TokenProvider`.

    The token goes to that base URL only: paths are joined to it here, redirects are not followed,
    and no link of an answer is. Use as an async context manager, which owns the connections.
    `backoff` is the wait before another attempt where the service does not say how long to wait.
    """

    def __init__(
        self,
        base_url: str,
        tokens: TokenProvider,
        *,
        locale: str = "en-US",
        timeout_seconds: float = 30,
        concurrency: int = 8,
        backoff: Callable[[RetryCallState], float] = BACKOFF,
    ) -> None:
        self._base_url = f"{base_url}/v1"
        self._tokens = tokens
        self._headers = {
            "Accept": "application/json",
            "MS-PartnerCenter-Application": APPLICATION,
            "X-Locale": locale,
        }
        self._http = httpx2.AsyncClient(
            follow_redirects=False,
            timeout=httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, 10)),
            limits=httpx2.Limits(max_connections=concurrency + 4),
            # Plain HTTP is for loopback only, so no proxy of the environment may see its token.
            mounts={"http://": None},
        )
        self._backoff = backoff
        self._resume_at = 0.0

    async def account(self) -> str:
        """Whose rights the requests use; see `TokenProvider.account`. Raises `NoToken`."""
        with _signing_in():
            return await self._tokens.account()

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.aclose()

    async def get(self, path: str, *, correlation_id: str, headers: Mapping[str, str] | None = None) -> object:
        """The JSON value at `path` (percent-encoded, beginning with a slash; may have a query).

        Raises a `PartnerCenterError`.
        """
        with _signing_in():
            token = await self._tokens.token()
        sent = self._headers | {"MS-CorrelationId": correlation_id} | dict(headers or {})
        try:
            answer = await self._with_retries(path, sent, token)
        except NotSignedIn as refused:
            refusal = Refusal(token, isinstance(refused, MfaMissing), refused.claims)
            with _signing_in():
                renewed = await self._tokens.renewed(refusal)
            if renewed is None:
                raise refused from None
            answer = await self._with_retries(path, sent, renewed)
        try:
            return parsed(answer.body)
        except ValueError:
            raise MalformedAnswer("Its body is no JSON.", status=answer.status, correlation_id=correlation_id) from None

    async def _with_retries(self, path: str, headers: dict[str, str], token: str) -> _Answer:
        headers = headers | {"Authorization": f"Bearer {token}", "MS-RequestId": str(uuid.uuid4())}
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, _TryAgain)),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait,
            sleep=anyio.sleep,
            before_sleep=_log_retry,
            reraise=True,
        )
        try:
            return await retrying(self._attempt, path, headers)
        except _TryAgain as failed:
            raise failed.error from None

    async def _attempt(self, path: str, headers: dict[str, str]) -> _Answer:
        """One request. Raises `_TryAgain` for what may pass, a `PartnerCenterError` for the rest."""
        await self._wait_for_throttling()
        correlation_id = headers["MS-CorrelationId"]
        try:
            answer = await self._send(path, headers)
        except httpx2.DecodingError:
            raise MalformedAnswer("Its body cannot be unpacked.", correlation_id=correlation_id) from None
        except httpx2.RequestError as error:
            # Without an answer the next attempt keeps MS-RequestId, the service's idempotency key.
            raise _TryAgain(Unreachable(f"({type(error).__name__})", correlation_id=correlation_id)) from None
        headers["MS-RequestId"] = str(uuid.uuid4())
        if answer.status == httpx2.codes.OK:
            return answer
        failure = error_for(answer.status, error_code(answer.body), correlation_id)
        if isinstance(failure, NotSignedIn):
            failure.claims = claims_asked(answer.headers.get_list("WWW-Authenticate"))
        if answer.status not in RETRIED_STATUSES:
            raise failure
        retry_after = _retry_after(answer.headers.get("Retry-After"))
        if answer.status == httpx2.codes.TOO_MANY_REQUESTS and retry_after:
            self._resume_at = max(self._resume_at, anyio.current_time() + retry_after)
        raise _TryAgain(failure, retry_after)

    async def _send(self, path: str, headers: Mapping[str, str]) -> _Answer:
        started = anyio.current_time()
        body = bytearray()
        async with self._http.stream("GET", self._base_url + path, headers=headers) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise MalformedAnswer(
                        f"It is longer than {MAX_BODY_BYTES // 2**20} MiB.",
                        status=response.status_code,
                        correlation_id=headers["MS-CorrelationId"],
                    )
        milliseconds = (anyio.current_time() - started) * 1000
        logger.debug("GET %s: %d in %.0f ms", _kind(path), response.status_code, milliseconds)
        return _Answer(response.status_code, response.headers, bytes(body))

    async def _wait_for_throttling(self) -> None:
        """Waits while an earlier 429 asks this account to: one such answer slows every request."""
        # Another 429 may move the moment on meanwhile.
        while anyio.current_time() < self._resume_at:  # noqa: ASYNC110
            await anyio.sleep_until(self._resume_at)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        retry_after = error.retry_after if isinstance(error, _TryAgain) else None
        return self._backoff(state) if retry_after is None else retry_after


def _kind(path: str) -> str:
    """What is asked for, without of whom: `/customers/…/deviceBatches/…/devices`."""
    segments = path.partition("?")[0].split("/")
    return "/".join("…" if number and number % 2 == 0 else name for number, name in enumerate(segments))


@contextmanager
def _signing_in() -> Iterator[None]:
    """What keeps a token from being sent is an error of the call like every other one."""
    try:
        yield
    except SignInError as error:
        raise NoToken(str(error)) from error


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    logger.info("attempt %d failed, trying again: %s", state.attempt_number, error)


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from seconds or an HTTP date; None where the header is missing or odd."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        seconds = float(value)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
