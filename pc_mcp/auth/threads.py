"""How MSAL is let work: in threads, since it blocks, and with an HTTP client that has time-outs."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import httpx2

from pc_mcp.auth.errors import SignInUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

HTTP_SECONDS = 20

# At DEBUG, MSAL logs authorization codes.
logging.getLogger("msal").setLevel(logging.WARNING)


class Http(httpx2.Client):
    """The HTTP client that MSAL is given: without one it would use `requests`, without any time-out.

    Certificates are checked against the system's store, or the file that SSL_CERT_FILE names.
    """

    def __init__(self) -> None:
        super().__init__(timeout=HTTP_SECONDS, follow_redirects=False)

    def post(self, url: httpx2.URL | str, *, data: Any = None, **options: Any) -> httpx2.Response:
        """MSAL sends a client assertion as bytes, which httpx2 would write as `b'…'` into a form."""
        text = {name: v.decode() if isinstance(v, bytes) else v for name, v in (data or {}).items()}
        return super().post(url, data=text, **options)


async def in_thread(work: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
    """Runs `work` of MSAL in a thread. Raises `SignInUnavailable` where the service cannot be reached."""
    try:
        return await anyio.to_thread.run_sync(work, limiter=limiter, abandon_on_cancel=True)
    except Exception as error:
        # MSAL raises ValueError when it cannot read what an authority says of itself, and an error of its own
        # when the authority fails; to name that one here would import MSAL before it is needed.
        if not isinstance(error, httpx2.HTTPError | ValueError) and not type(error).__module__.startswith("msal."):
            raise
        logger.info("the sign-in service cannot be used: %s", type(error).__name__)
        raise SignInUnavailable(
            "The sign-in service cannot be reached or gave an answer that cannot be read. Check the network, the "
            "proxy, auth.authority and auth.tenant_id, and ask again in a minute."
        ) from None
