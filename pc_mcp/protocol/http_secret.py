"""The secret that callers over HTTP send: whoever can read this user's files may ask, and nobody else.

It is made once and lies in a file that only its owner can read, beside the token store. A server
looks for each request whether the file has changed, so that a new secret holds at once, everywhere.
"""

import logging
import os
import re
import secrets
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from hmac import compare_digest
from pathlib import Path
from typing import Protocol

from filelock import Timeout
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pc_mcp.runtime import private_files
from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.places import Places
from pc_mcp.runtime.private_files import Identity, why
from pc_mcp.runtime.waiting import in_daemon_thread
from pc_mcp.settings import ConfigurationError, HttpSettings, is_secret

logger = logging.getLogger(__name__)

_LOCK_SECONDS = 10
_MOST_BYTES = 1024
# RFC 6750: one white space or more, and a scheme in any case.
_BEARER = re.compile(rb"(?i:bearer) +([^ ]+)")
WITHOUT = (
    'pc-mcp answers callers who send its secret in the header "Authorization: Bearer SECRET". It lies in the file that '
    "the server names when it starts. This command writes it into a client's configuration: pc-mcp install CLIENT "
    "--http URL\n"
)


class SecretRefused(Failure):
    """The secret cannot be read or kept; the text says why, and what to do."""


class Secret(Protocol):
    """Where the secret comes from, which `where` says to a person. Every method raises `SecretRefused`."""

    @property
    def where(self) -> str: ...

    def is_there(self) -> bool:
        """Whether there is one already."""
        ...

    def remembered(self) -> str | None:
        """What was read last, while that is certain to be the secret; None: it has to be read. Takes no time."""
        ...

    def read(self) -> str:
        """The secret."""
        ...

    def kept(self) -> str:
        """The secret, which is made where there is none yet."""
        ...

    def renew(self) -> str:
        """Another secret. Raises `ConfigurationError` where that is the user's to change."""
        ...


@dataclass(frozen=True, slots=True)
class SettingSecret:
    """The secret that the setting gives."""

    value: str
    where: str = "the setting http.secret"

    def is_there(self) -> bool:
        return True

    def remembered(self) -> str:
        return self.value

    def read(self) -> str:
        return self.value

    def kept(self) -> str:
        return self.value

    def renew(self) -> str:
        raise ConfigurationError(
            "The secret for callers over HTTP is the setting http.secret, or PC_MCP_HTTP__SECRET: change it there."
        )


class SecretFile:
    """The file that holds the secret. Several processes make one and the same."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or Places().data("http-secret")
        self._last: tuple[Identity, str] | None = None

    @property
    def where(self) -> str:
        return str(self.path)

    def is_there(self) -> bool:
        return os.path.lexists(self.path)

    def remembered(self) -> str | None:
        return self._last[1] if self._last and self._last[0] == private_files.identity(self.path) else None

    def read(self) -> str:
        """The secret. What is no file of this user alone is neither followed nor waited for."""
        try:
            return self._read()
        except FileNotFoundError:
            raise self._refused("it is not there") from None

    def kept(self) -> str:
        with suppress(FileNotFoundError):
            return self._read()
        with self._alone():
            try:
                return self._read()
            except FileNotFoundError:
                return self._write()

    def renew(self) -> str:
        """Another secret, in the place of whatever is there."""
        with self._alone():
            return self._write()

    def _read(self) -> str:
        """Raises `FileNotFoundError` besides."""
        try:
            found = private_files.read(self.path, _MOST_BYTES)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._refused(why(error)) from None
        if found.is_open:
            raise self._refused("other accounts can read or change it")
        secret = found.raw.decode("ascii", "replace").strip()
        if not is_secret(secret):
            raise self._refused("it holds no secret")
        self._last = found.identity, secret
        return secret

    def _write(self) -> str:
        secret = secrets.token_urlsafe(32)
        try:
            private_files.replace(self.path, f"{secret}\n".encode())
        except OSError as error:
            raise self._not_kept(why(error)) from None
        return secret

    def _alone(self) -> AbstractContextManager[object]:
        try:
            return private_files.alone(self.path, _LOCK_SECONDS, partial(logger.warning, "%s"))
        except Timeout:
            raise self._not_kept("another pc-mcp process holds it, and does not let go") from None
        except OSError as error:
            raise self._not_kept(why(error)) from None

    def _refused(self, fault: str) -> SecretRefused:
        return SecretRefused(
            f"The secret that callers over HTTP send cannot be taken from {self.path}: {fault}. Make another one with: "
            "pc-mcp serve --new-secret (and connect the clients again)"
        )

    def _not_kept(self, fault: str) -> SecretRefused:
        return SecretRefused(
            f"The secret that callers over HTTP send cannot be kept in {self.path}: {fault}. Correct that, or give one "
            "in the environment variable PC_MCP_HTTP__SECRET."
        )


def secret_of(settings: HttpSettings) -> Secret:
    """The setting's secret, or the one that is kept; nothing is read or made yet."""
    return SecretFile() if settings.secret is None else SettingSecret(settings.secret.get_secret_value())


class OnlyWithSecret:
    """Hands on the requests of callers who send the secret, and tells the others how to.

    A new secret holds at once, and so does a fault of the file, which is logged once.
    """

    def __init__(self, app: ASGIApp, secret: Secret) -> None:
        self._app = app
        self._secret = secret
        self._fault = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if await self._is_right(given):
            await self._app(scope, receive, send)
            return
        challenge = 'Bearer error="invalid_token"' if given else "Bearer"
        refusal = PlainTextResponse(WITHOUT, 401, {"WWW-Authenticate": challenge})
        await refusal(scope, receive, send)

    async def _is_right(self, given: list[bytes]) -> bool:
        found = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
        if found is None:
            return False
        secret = self._secret.remembered() or await in_daemon_thread(self._read)
        return secret is not None and compare_digest(found[1], secret.encode())

    def _read(self) -> str | None:
        """The secret; None where it cannot be read."""
        fault = ""
        try:
            return self._secret.read()
        except SecretRefused as error:
            fault = str(error)
            return None
        finally:
            if fault and fault != self._fault:
                logger.error("nobody is answered: %s", fault)
            self._fault = fault
