"""Where an access token comes from: the seam between the REST client and a way of signing in."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Protocol, Self

from pydantic import SecretStr

from pc_mcp.auth.errors import NotConfigured, SignInNeeded

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # the characters of RFC 6750, section 2.1


@dataclass(frozen=True, slots=True)
class Refusal:
    """A token that Partner Center answered with 401, and what it said.

    mfa_missing: code 900421; claims: the JSON of a claims challenge in `WWW-Authenticate`.
    """

    token: str
    mfa_missing: bool = False
    claims: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Who the tokens speak for. `expires_at` (seconds since 1970) is the access token's, if known;
    `store` and `path` say where the sign-in is kept: `keyring` (the file is encrypted), `file` or
    `memory`; `note` says what else a person should know; is_kept: whether it is kept as it was asked to be;
    left_alone: a file with sign-ins that could not be used."""

    signed_in: bool
    mode: str
    username: str | None = None
    tenant: str | None = None
    expires_at: float | None = None
    store: str | None = None
    path: str | None = None
    note: str | None = None
    is_kept: bool = True
    left_alone: str | None = None

    @property
    def kept(self) -> str | None:
        """Where the sign-in is kept, in words."""
        if self.path is None:
            return self.store
        return f"{self.path} ({'encrypted' if self.store == 'keyring' else 'not encrypted'})"


class Account(Protocol):
    """One account, as one call uses it: every request of the call is made in its name.

    Both methods raise a `SignInError` where they cannot do their work: `AccountChanged` when the account was
    signed out, or another one signed in, since the call began.
    """

    @property
    def id(self) -> str:
        """An opaque name; what was read is kept for each apart."""
        ...

    async def token(self) -> str:
        """The access token to send."""
        ...

    async def renewed(self, refusal: Refusal) -> str | None:
        """A token to try once after a refusal, which `token` gives from then on; None: there is none that could do
        better."""
        ...


class TokenProvider(Protocol):
    """Knows who is signed in. Use as an async context manager.

    Every method raises a `SignInError` where it cannot do its work.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    async def account(self) -> Account:
        """Who asks, found once when a call begins; signs in if need be."""
        ...

    def waiting(self) -> SignInNeeded | None:
        """The sign-in that waits for a person now, if one does."""
        ...

    def call_off(self) -> None:
        """Ends a sign-in that waits for a person, who does not want to."""
        ...

    async def sign_in(self) -> Status:
        """Signs in if need be. Raises `SignInNeeded` while a person has to act."""
        ...

    async def sign_out(self) -> Status:
        """Forgets the sign-in, as far as this program keeps one."""
        ...

    async def status(self) -> Status:
        """Who is signed in, without asking anybody to."""
        ...


class Unconfigured:
    """There is no way to sign in yet; `message` says what to configure."""

    def __init__(self, message: str) -> None:
        self._message = message

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Nothing to close."""

    async def account(self) -> Account:
        raise NotConfigured(self._message)

    def waiting(self) -> SignInNeeded | None:
        """Nobody is asked to sign in."""
        return None

    def call_off(self) -> None:
        """Nobody is asked to sign in."""

    async def sign_in(self) -> Status:
        raise NotConfigured(self._message)

    async def sign_out(self) -> Status:
        return await self.status()

    async def status(self) -> Status:
        return Status(signed_in=False, mode="delegated", note=self._message)


_NO_TOKEN = (
    "There is no access token for Partner Center. Set the environment variable PC_MCP_AUTH__ACCESS_TOKEN (or "
    "auth.access_token in the configuration file) to an App+User access token and restart the server, or try: "
    "pc-mcp demo"
)


@dataclass(frozen=True, slots=True)
class ConfiguredAccount:
    """Whoever a configured token is for."""

    id: str
    access_token: str = field(repr=False)

    async def token(self) -> str:
        return self.access_token

    async def renewed(self, refusal: Refusal) -> str | None:  # noqa: ARG002
        """Only whoever configured the token can bring another one."""
        return None


class StaticToken:
    """`auth.mode = "token"`: sends the configured token as it is, for scripts and token brokers."""

    _NOTE = "The token comes from the configuration (auth.access_token); there is nothing to sign in or out."

    def __init__(self, token: SecretStr | None) -> None:
        self._token = token.get_secret_value().strip() if token else ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Nothing to close."""

    async def account(self) -> Account:
        """Named by a digest of the token, which tells nothing of it."""
        token = self._checked()
        return ConfiguredAccount(hashlib.sha256(token.encode()).hexdigest(), token)

    def _checked(self) -> str:
        if not self._token:
            raise NotConfigured(_NO_TOKEN)
        if not _TOKEN.fullmatch(self._token):
            raise NotConfigured(
                "The access token for Partner Center has characters that no access token has. Set "
                "PC_MCP_AUTH__ACCESS_TOKEN (or auth.access_token in the configuration file) to the token "
                'alone, without quotation marks, spaces or "Bearer", and restart the server.'
            )
        return self._token

    def waiting(self) -> SignInNeeded | None:
        """Nobody is asked to sign in."""
        return None

    def call_off(self) -> None:
        """Nobody is asked to sign in."""

    async def sign_in(self) -> Status:
        self._checked()
        return await self.status()

    async def sign_out(self) -> Status:
        return await self.status()

    async def status(self) -> Status:
        return Status(signed_in=bool(self._token), mode="token", note=self._NOTE if self._token else _NO_TOKEN)
