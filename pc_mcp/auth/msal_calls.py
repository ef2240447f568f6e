"""How MSAL is let work: in daemon threads, since it blocks, with an HTTP client that has limits, for a registration."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import httpx2

from pc_mcp.auth.errors import SignInUnavailable
from pc_mcp.auth.registration import Registration
from pc_mcp.runtime.network import BodyRefused, BoundedClient, Cause, NetworkRefused, obstacle
from pc_mcp.runtime.waiting import in_daemon_thread

logger = logging.getLogger(__name__)

T = TypeVar("T")

HTTP_SECONDS = 20
MOST_BYTES = 2**20
ANSWER_SECONDS = 30.0
"""How long MSAL may take in all, with the keyring and the lock of the token store."""
_SPARE_SECONDS = 2.0
NO_ANSWER = (
    "The sign-in service does not answer. Check the network, the proxy and auth.authority, and ask again in a minute; "
    "pc-mcp doctor says more."
)
_OF_MSAL = (httpx2.HTTPError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)

# At DEBUG, MSAL logs authorization codes.
logging.getLogger("msal").setLevel(logging.WARNING)


class MsalHttp(BoundedClient):
    """The HTTP client that MSAL is given: without one it would use `requests`, without any time-out."""

    def __init__(self) -> None:
        super().__init__(seconds=HTTP_SECONDS, most_bytes=MOST_BYTES)

    def post(self, url: httpx2.URL | str, *, data: Any = None, **options: Any) -> httpx2.Response:
        """MSAL sends a client assertion as bytes, which httpx2 would write as `b'…'` into a form."""
        text = {name: v.decode() if isinstance(v, bytes) else v for name, v in (data or {}).items()}
        return super().post(url, data=text, **options)


def application_options(registration: Registration, tenant: str, http: MsalHttp) -> dict[str, Any]:
    """What every application of MSAL is made with, of people and of the application itself."""
    return {
        "client_id": registration.client_id,
        "authority": f"{registration.authority}/{tenant}",
        "instance_discovery": None if registration.known else False,
        "client_capabilities": ["CP1"],  # it answers claims challenges
        "http_client": http,
    }


def answer_seconds() -> float:
    """How long the sign-in service may take, so that its silence can still be told within the time of the call."""
    left = anyio.current_effective_deadline() - anyio.current_time()
    return min(ANSWER_SECONDS, max(left - _SPARE_SECONDS, left / 2))


async def in_thread(work: Callable[[], T]) -> T:
    """Runs `work` of MSAL in a thread. Raises `SignInUnavailable` where the service does not answer in time.

    That is said before the time of the call ends, so that nothing else is blamed.
    """
    try:
        with anyio.fail_after(answer_seconds()):
            return await in_daemon_thread(work)
    except TimeoutError:
        logger.info("the sign-in service does not answer")
        raise SignInUnavailable(NO_ANSWER) from None
    except Exception as error:
        if words := _known(error):
            raise SignInUnavailable(words) from None
        # MSAL raises ValueError when it cannot read what an authority says of itself, an error of its own when the
        # authority fails (to name that one here would import MSAL before it is needed), and whatever Python raises
        # for a field of another type than it takes for granted.
        if not isinstance(error, _OF_MSAL) and not type(error).__module__.startswith("msal."):
            raise
        logger.info("the sign-in service cannot be used: %s", _reason(error))
        logger.debug("how that came about", exc_info=error)
        raise SignInUnavailable(
            "The sign-in service cannot be reached or gave an answer that cannot be read. Check the network, the "
            "proxy, auth.authority and auth.tenant_id, and ask again in a minute; pc-mcp doctor says more."
        ) from None


def _reason(error: Exception) -> str:
    """Why, in a few words without what others wrote."""
    if isinstance(error, httpx2.RequestError) and not isinstance(error, BodyRefused):
        return obstacle(error, str(error.request.url)).what
    return type(error).__name__


def _known(error: Exception) -> str | None:
    """What is known of why the sign-in service did not answer, with what to do; None: not more than usual."""
    if isinstance(error, NetworkRefused):
        return f"The sign-in service cannot be reached: {error}"
    if not isinstance(error, httpx2.RequestError) or isinstance(error, BodyRefused):
        return None
    found = obstacle(error, str(error.request.url))
    return None if found.cause is Cause.OTHER else found.words("The sign-in service")
