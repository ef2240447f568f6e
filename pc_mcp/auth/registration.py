"""As which application people sign in, and where."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pc_mcp.auth.errors import SignInRefused

# Where the authorities of Microsoft's clouds send what belongs to them.
_MICROSOFT = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoft.com",
        "login.windows.net",
        "login.microsoftonline.us",
        "login.chinacloudapi.cn",
        "login.partner.microsoftonline.cn",
    }
)


@dataclass(frozen=True, slots=True)
class Registration:
    """An application registered in Entra.

    authority: the root of the sign-in service, such as https://login.microsoftonline.com; tenant: a
    GUID or domain, or None until the first sign-in; scope: of Partner Center; known: whether the
    authority is one of Microsoft's, which describe each other.
    """

    client_id: str
    authority: str
    tenant: str | None
    scope: str
    known: bool = True

    def check(self, endpoints: Iterable[str | None]) -> None:
        """Refuses a place that the authority names for sign-ins and secrets, where that is not its own.

        Raises `SignInRefused`.
        """
        own = urlsplit(self.authority).netloc
        for endpoint in endpoints:
            if endpoint is None:  # of what the authority does not offer
                continue
            found = urlsplit(endpoint)
            if found.scheme != "https" or not (found.netloc == own or (self.known and found.netloc in _MICROSOFT)):
                raise SignInRefused(
                    f"The sign-in service at {own} sends what belongs to it to another place, or without encryption. "
                    "Nothing was sent there. Correct auth.authority, or ask who runs that service."
                )
