"""Keeps the signed-in accounts and their refresh tokens on disk, shared by every server process.

One file for each client id and cloud, in the folder that `pc_mcp.runtime.places` names, readable by its
owner only. MSAL's cache is used by its public calls: under a kernel lock, which a killed process
cannot leave behind, the file is read if it changed, MSAL does its work, and what changed is written
to a new file that replaces the old one in one step. A rotated refresh token thus reaches the disk
before the lock is given back, and no process ever sees half a file. The keyring, which may never
answer, is asked before the lock is taken.

Nothing here is asynchronous: it is called in worker threads.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from filelock import Timeout

from pc_mcp.auth.account_cache import AccountCache
from pc_mcp.auth.errors import SignInUnavailable
from pc_mcp.auth.keeping import Keeping, Place, keeping
from pc_mcp.auth.kept_cache import KeptCache
from pc_mcp.auth.keyring_key import KEYRING_SECONDS, KeyringKey
from pc_mcp.auth.token_file import Form, TokenFile
from pc_mcp.runtime.private_files import alone, why

T = TypeVar("T")

LOCK_SECONDS = 20


class TokenStore:
    """The accounts and tokens of one client id in one cloud.

    place: `keyring` encrypts the file (AES-GCM) with a key that the operating system's keyring
    keeps; `file` does not encrypt it; `memory` writes nothing; `auto` is `keyring` where there is
    a usable keyring and else `memory`, but `file` where sign-ins are kept unencrypted already.
    replace: whether an encrypted file gives way to an unencrypted one; left: older files of this
    store at other places, which hold sign-ins too.
    `place` and `path` say what is really used, `notice` what a person should know about it.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        place: Place,
        *,
        replace: bool = False,
        left: Callable[[], Sequence[Path]] = list,
        lock_seconds: float = LOCK_SECONDS,
        keyring_seconds: float = KEYRING_SECONDS,
    ) -> None:
        path = folder / file_name(name)
        self._wanted = place
        self._left = left
        self._lock_seconds = lock_seconds
        self._keyring = KeyringKey(f"token-store-{_digest(name)}", path.with_suffix(".key"), keyring_seconds)
        self._thread_lock = threading.Lock()
        self._opened = False
        self._kept = KeptCache(TokenFile(path), Keeping(place, path), gives_way=replace)

    @property
    def cache(self) -> AccountCache:
        """MSAL's cache. Use it within `with_cache`."""
        return self._kept.cache

    @property
    def place(self) -> Place:
        """What is really used, once `with_cache` was called."""
        return self._kept.keeping.place

    @property
    def notice(self) -> str:
        """What a person should know about that."""
        return self._kept.keeping.notice

    @property
    def is_kept(self) -> bool:
        """Whether a sign-in is kept as it was asked to be."""
        return self._kept.keeping.is_kept

    @property
    def path(self) -> Path | None:
        """The file, or None where nothing is written. Known once `with_cache` was called."""
        return None if self.place == "memory" else self._kept.file.path

    @property
    def left_alone(self) -> Path | None:
        """The file that is there and could not be used."""
        unused = self.place == "memory" and self._wanted != "memory"
        return self._kept.file.path if unused and self._kept.file.form() is not Form.MISSING else None

    def with_cache(self, work: Callable[[], T]) -> T:
        """Calls `work`, which may use `cache`, alone among all threads and processes.

        Raises `SignInUnavailable` when another one does not give the lock back.
        """
        if not self._thread_lock.acquire(timeout=self._lock_seconds):
            raise _held("Another sign-in of this process")
        kept = self._kept
        try:
            if not self._opened or (self._keyring.came_late and not self.cache.accounts()):
                self._opened = True
                kept.keeping = keeping(self._wanted, kept.file, self._keyring, self._of_older_files())
                kept.gives_way = kept.gives_way and kept.file.form() is Form.ENCRYPTED
            gave_way = not kept.gives_way
            try:
                return work() if self.place == "memory" else self._locked(work)
            finally:
                if not (gave_way or kept.gives_way):
                    self._keyring.forget()
        finally:
            self._thread_lock.release()

    @property
    def changed(self) -> bool:
        """Whether another process has written the file since it was last read."""
        return self._kept.changed

    def try_out(self) -> None:
        """Finds out whether a sign-in would be kept, which `is_kept` says then. Call it within `with_cache`."""
        self._kept.try_out()

    def forget(self) -> None:
        """Signs everybody out of this store. Call it within `with_cache`."""
        self.cache.clear()
        said = self._of_older_files()
        for path in self._left():
            with suppress(OSError):
                path.unlink()
        if said and self.notice == said:
            self._kept.keeping = replace(self._kept.keeping, notice=self._of_older_files())

    def _of_older_files(self) -> str:
        places = ", ".join(map(str, self._left()))
        return f"An older sign-in is still at {places}; pc-mcp logout removes it." if places else ""

    def _locked(self, work: Callable[[], T]) -> T:
        try:
            lock = alone(self._kept.file.path, self._lock_seconds, self._kept.remark)
        except Timeout:
            raise _held("Another pc-mcp process") from None
        except OSError as error:
            self._kept.keeping = self._kept.keeping.given_up(f"cannot be used ({why(error)})")
            return work()
        with lock:
            self._kept.load()
            try:
                return work()
            finally:
                if self.cache.has_state_changed and self.place != "memory":
                    self._kept.save()


def file_name(name: str) -> str:
    """The name of the file of the store that is called `name`."""
    return f"tokens-{_digest(name)}.bin"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _held(by: str) -> SignInUnavailable:
    return SignInUnavailable(f"{by} holds the token store and does not let go of it. End it and ask again.")
