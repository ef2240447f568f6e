"""The key to the token store, which the operating system's keyring keeps.

A keyring may never answer: one that is locked waits for somebody to unlock it. It is asked in a
thread of its own, for some seconds, and while nobody waits for the token store's lock.
"""

import base64
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path

from filelock import Timeout

from pc_mcp.runtime.private_files import alone
from pc_mcp.runtime.waiting import begun

logger = logging.getLogger(__name__)

KEYRING_SECONDS = 5.0
_SERVICE = "pc-mcp"
_KEY_BYTES = 32


class KeyringUnusable(Exception):
    """The keyring cannot be asked, or does not keep what it is given; the text says so, as a clause."""


class KeyringKey:
    """One key in the keyring. place: beside it lies the lock that is held while a key is made, so that processes
    make one and the same; seconds: how long an answer is waited for."""

    def __init__(self, name: str, place: Path, seconds: float = KEYRING_SECONDS) -> None:
        self._name = name
        self._place = place
        self._seconds = seconds
        self._asked: Future[bytes | None] | None = None

    @property
    def came_late(self) -> bool:
        """Whether an answer came that nobody waited for any more."""
        return self._asked is not None and self._asked.done()

    def get(self) -> bytes | None:
        """The key; None where the keyring has none. Raises `KeyringUnusable`."""
        return self._wait(self._kept)

    def made(self) -> bytes:
        """A new key, or the one that another process has made meanwhile. Raises `KeyringUnusable`."""
        key = self._wait(self._make)
        if key is None:
            raise KeyringUnusable("There is no usable keyring: it keeps nothing")
        return key

    def forget(self) -> None:
        """Removes the key, as far as the keyring lets it."""
        with suppress(KeyringUnusable):
            self._wait(self._remove)

    def _wait(self, ask: Callable[[], bytes | None]) -> bytes | None:
        """Waits for `ask`, or for the question before it that is still open."""
        asked = self._asked = self._asked or begun(ask)
        try:
            answer = asked.result(self._seconds)
        except TimeoutError:
            if asked.done():
                self._asked = None
            raise KeyringUnusable(
                f"The keyring did not answer within {self._seconds:g} s; it may be locked, and wait for you"
            ) from None
        except Exception as error:  # backends raise errors of their own, D-Bus ones among them
            self._asked = None
            logger.info("the keyring cannot be used: %s", type(error).__name__)
            raise KeyringUnusable("There is no usable keyring") from None
        self._asked = None
        return answer

    def _kept(self) -> bytes | None:
        import keyring  # noqa: PLC0415 - costs time, and is needed only where a token is

        kept = keyring.get_password(_SERVICE, self._name)
        if kept is None:
            return None
        key = base64.b64decode(kept, validate=True)
        if len(key) != _KEY_BYTES:
            raise ValueError("no key")
        return key

    def _make(self) -> bytes | None:
        import keyring  # noqa: PLC0415

        with suppress(Timeout), alone(self._place, 2 * self._seconds, partial(logger.warning, "%s")):
            if key := self._kept():
                return key
            keyring.set_password(_SERVICE, self._name, base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode())
        return self._kept()

    def _remove(self) -> bytes | None:
        import keyring  # noqa: PLC0415
        import keyring.errors  # noqa: PLC0415

        with suppress(keyring.errors.PasswordDeleteError):
            keyring.delete_password(_SERVICE, self._name)
        return None
