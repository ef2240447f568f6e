"""The secret that callers over HTTP send: whoever can read this user's files may ask, and nobody else.

It is made once and lies in a file that only its owner can read, beside the token store. A server
reads the file for each request, so that a new secret holds at once, everywhere.
"""

import logging
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path

from filelock import FileLock, Timeout
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.places import Places, private_folder
from pc_mcp.runtime.waiting import in_daemon_thread
from pc_mcp.settings import ConfigurationError, HttpSettings, is_secret

logger = logging.getLogger(__name__)

_LOCK_SECONDS = 10
_MOST_BYTES = 1024
_OTHERS = 0o077
# RFC 6750: one white space or more, and a scheme in any case.
_BEARER = re.compile(rb"(?i:bearer) +([^ ]+)")
WITHOUT = (
    'pc-mcp answers callers who send its secret in the header "Authorization: Bearer SECRET". It lies in the file that '
    "the server names when it starts. This command writes it into a client's configuration: pc-mcp install CLIENT "
    "--http URL\n"
)


class SecretRefused(Failure):
    """The secret cannot be read or kept; the text says why, and what to do."""


class SecretFile:
    """The file that holds the secret. Every method raises `SecretRefused`."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or Places().data("http-secret")

    def read(self) -> str:
        """The secret. What is no file of this user alone is neither followed nor waited for."""
        try:
            return self._read()
        except FileNotFoundError:
            raise self._refused("it is not there") from None

    def kept(self) -> str:
        """The secret, which is made where there is none yet; several processes make one."""
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
        # Windows has none of the flags.
        flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"))
        try:
            descriptor = os.open(self.path, flags)
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError from None
        except OSError as error:
            raise self._refused(
                "it is a link" if self.path.is_symlink() else error.strerror or type(error).__name__
            ) from None
        try:
            if fault := _fault(os.fstat(descriptor)):
                raise self._refused(fault)
            raw = os.read(descriptor, _MOST_BYTES)
        except OSError as error:
            raise self._refused(error.strerror or type(error).__name__) from None
        finally:
            os.close(descriptor)
        secret = raw.decode("ascii", "replace").strip()
        if not is_secret(secret):
            raise self._refused("it holds no secret")
        return secret

    def _write(self) -> str:
        secret = secrets.token_urlsafe(32)
        name: str | None = None
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f"{self.path.name}.")  # 0600
            with os.fdopen(handle, "wb") as new:
                new.write(f"{secret}\n".encode())
                new.flush()
                os.fsync(new.fileno())
            os.replace(name, self.path)
            name = None
        except OSError as error:
            raise self._not_kept(error.strerror or type(error).__name__) from None
        finally:
            if name:
                with suppress(OSError):
                    os.unlink(name)
        return secret

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS, mode=0o600)
        try:
            if private_folder(self.path.parent):
                logger.warning("others could write into the folder %s; now they cannot", self.path.parent)
            lock.acquire()
        except Timeout:
            raise self._not_kept("another pc-mcp process holds it, and does not let go") from None
        except OSError as error:
            raise self._not_kept(error.strerror or type(error).__name__) from None
        try:
            yield
        finally:
            lock.release()

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


def _fault(found: os.stat_result) -> str:
    """Why a file is not one of this user alone; nothing where it is."""
    if not stat.S_ISREG(found.st_mode):
        return "it is no file"
    if os.name == "posix" and found.st_uid != os.geteuid():
        return "it belongs to another account"
    if os.name == "posix" and found.st_mode & _OTHERS:
        return "other accounts can read or change it"
    return ""


@dataclass(frozen=True, slots=True)
class Secret:
    """What callers must send. give: gives it, and raises `SecretRefused`; where: what a person is told of its place."""

    give: Callable[[], str]
    where: str


def secret_of(settings: HttpSettings, *, new: bool = False) -> Secret:
    """The setting's secret, or the kept one, which is made where there is none. new: another one.

    Raises `SecretRefused`, and `ConfigurationError` for a new one where the setting has it.
    """
    file = SecretFile()
    if settings.secret is None:
        file.renew() if new else file.kept()
        return Secret(file.read, str(file.path))
    if new:
        raise ConfigurationError(
            "The secret for callers over HTTP is the setting http.secret, or PC_MCP_HTTP__SECRET: change it there."
        )
    return Secret(settings.secret.get_secret_value, "the setting http.secret")


def kept_secret(settings: HttpSettings, *, make: bool) -> Secret:
    """The secret for a client. make: whether one is made where there is none; else it is empty then.

    Raises `SecretRefused`.
    """
    file = SecretFile()
    if make or settings.secret is not None or os.path.lexists(file.path):
        return secret_of(settings)
    return Secret(str, str(file.path))


class OnlyWithSecret:
    """Hands on the requests of callers who send the secret, and tells the others how to.

    secret: gives it, in a worker thread, for each request. Raises `SecretRefused` where there is none any more.
    """

    def __init__(self, app: ASGIApp, secret: Callable[[], str]) -> None:
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
        try:
            secret = await in_daemon_thread(self._secret)
        except SecretRefused as error:
            if str(error) != self._fault:
                logger.log(logging.ERROR, "nobody is answered: %s", error)
            self._fault = str(error)
            return False
        self._fault = ""
        return compare_digest(found[1], secret.encode())
