"""Where an access token comes from."""

import hashlib
import re
from typing import Protocol

from pydantic import SecretStr

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # the characters of RFC 6750, section 2.1


class NotConfigured(Exception):
    """There is no token to send; the text says how to configure one."""


class TokenProvider(Protocol):
    """Gives access tokens for Partner Center."""

    @property
    def account(self) -> str:
        """An opaque name of who the tokens speak for. Device lists are kept for each account apart."""
        ...

    async def token(self) -> str:
        """The access token to send. Raises `NotConfigured` when there is none."""
        ...

    async def renewed(self, refused: str) -> str | None:
        """A token to try once after Partner Center answered 401 to `refused`; None: there is none."""
        ...


class StaticToken:
    """`auth.mode = "token"`: sends the configured token as it is, for scripts and token brokers."""

    def __init__(self, token: SecretStr | None) -> None:
        self._token = token.get_secret_value().strip() if token else ""

    @property
    def account(self) -> str:
        """A digest of the token, which names its holder without telling it."""
        return hashlib.sha256(self._token.encode(errors="replace")).hexdigest()

    async def token(self) -> str:
        """The configured token."""
        if not self._token:
            raise NotConfigured(
                "There is no access token for Partner Center. Set the environment variable "
                "PC_MCP_AUTH__ACCESS_TOKEN (or auth.access_token in the configuration file) to an "
                "App+User access token and restart the server, or try: pc-mcp serve --sandbox"
            )
        if not _TOKEN.fullmatch(self._token):
            raise NotConfigured(
                "The access token for Partner Center has characters that no access token has. Set "
                "PC_MCP_AUTH__ACCESS_TOKEN (or auth.access_token in the configuration file) to the token "
                'alone, without quotation marks, spaces or "Bearer", and restart the server.'
            )
        return self._token

    async def renewed(self, refused: str) -> str | None:  # noqa: ARG002
        """A static token cannot be renewed."""
        return None
