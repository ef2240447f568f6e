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
from pc_mcp.auth.keeping import Keeping, Kind, keeping
from pc_mcp.auth.keyring_key import KEYRING_SECONDS, KeyringKey
from pc_mcp.auth.token_file import Content, Damaged, Form, FoundKey, TokenFile
from pc_mcp.runtime.private_files import Identity, alone, why

T = TypeVar("T")

LOCK_SECONDS = 20


class TokenStore:
    """The accounts and tokens of one client id in one cloud.

    kind: `keyring` encrypts the file (AES-GCM) with a key that the operating system's keyring
    keeps; `file` does not encrypt it; `memory` writes nothing; `auto` is `keyring` where there is
    a usable keyring and else `memory`, but `file` where sign-ins are kept unencrypted already.
    replace: whether an encrypted file gives way to an unencrypted one; left: older files of this
    store at other places, which hold sign-ins too.
    `kind` and `path` say what is really used, `notice` what a person should know about it.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        kind: Kind,
        *,
        replace: bool = False,
        left: Callable[[], Sequence[Path]] = list,
        lock_seconds: float = LOCK_SECONDS,
        keyring_seconds: float = KEYRING_SECONDS,
    ) -> None:
        path = folder / file_name(name)
        self._wanted = kind
        self._replace = replace
        self._left = left
        self._lock_seconds = lock_seconds
        self._file = TokenFile(path)
        self._keyring = KeyringKey(f"token-store-{_digest(name)}", path.with_suffix(".key"), keyring_seconds)
        self._thread_lock = threading.Lock()
        self._read: Identity | None = None
        self._opened = False
        self._keeping = Keeping(kind, path)
        self.cache = AccountCache()

    @property
    def kind(self) -> Kind:
        """What is really used, once `with_cache` was called."""
        return self._keeping.kind

    @property
    def notice(self) -> str:
        """What a person should know about that."""
        return self._keeping.notice

    @property
    def is_kept(self) -> bool:
        """Whether a sign-in is kept as it was asked to be."""
        return self._keeping.is_kept

    @property
    def path(self) -> Path | None:
        """The file, or None where nothing is written. Known once `with_cache` was called."""
        return None if self.kind == "memory" else self._file.path

    @property
    def left_alone(self) -> Path | None:
        """The file that is there and could not be used."""
        unused = self.kind == "memory" and self._wanted != "memory"
        return self._file.path if unused and self._file.form() is not Form.MISSING else None

    @property
    def changed(self) -> bool:
        """Whether another process has written the file since it was last read."""
        if self.kind == "memory":
            return False
        try:
            return self._file.identity() != self._read
        except OSError:
            return True

    def with_cache(self, work: Callable[[], T]) -> T:
        """Calls `work`, which may use `cache`, alone among all threads and processes.

        Raises `SignInUnavailable` when another one does not give the lock back.
        """
        if not self._thread_lock.acquire(timeout=self._lock_seconds):
            raise _held("Another sign-in of this process")
        try:
            if not self._opened or (self._keyring.came_late and not self.cache.accounts()):
                self._opened = True
                self._keeping = keeping(self._wanted, self._file, self._keyring, self._of_older_files())
                self._replace = self._replace and self._file.form() is Form.ENCRYPTED
            gives_way = self._replace
            try:
                return work() if self.kind == "memory" else self._locked(work)
            finally:
                if gives_way and not self._replace:
                    self._keyring.forget()
        finally:
            self._thread_lock.release()

    def try_out(self) -> None:
        """Finds out whether a sign-in would be kept, which `is_kept` says then. Call it within `with_cache`."""
        if self.kind == "memory":
            return
        try:
            self._file.try_out()
        except OSError as error:
            self._keeping = self._keeping.not_written(why(error))
        else:
            if not self.is_kept:
                self._keeping = self._keeping.written()

    def forget(self) -> None:
        """Signs everybody out of this store. Call it within `with_cache`."""
        self.cache.clear()
        said = self._of_older_files()
        for path in self._left():
            with suppress(OSError):
                path.unlink()
        if said and self.notice == said:
            self._keeping = replace(self._keeping, notice=self._of_older_files())

    def _of_older_files(self) -> str:
        places = ", ".join(map(str, self._left()))
        return f"An older sign-in is still at {places}; pc-mcp logout removes it." if places else ""

    def _locked(self, work: Callable[[], T]) -> T:
        try:
            lock = alone(self._file.path, self._lock_seconds, self._remark)
        except Timeout:
            raise _held("Another pc-mcp process") from None
        except OSError as error:
            self._keeping = self._keeping.given_up(f"cannot be used ({why(error)})")
            return work()
        with lock:
            self._load()
            try:
                return work()
            finally:
                if self.cache.has_state_changed and self.kind != "memory":
                    self._save()

    def _load(self) -> None:
        """Reads the file if it is another than the one last read or written."""
        try:
            identity = self._file.identity()
            if identity == self._read:
                return
            if self._replace:  # what is there is not read, and gives way to the next sign-in
                return
            content, identity = self._file.read(self._keeping.key)
        except FileNotFoundError:
            self.cache.take(None, {})  # another process signed everybody out
            self._read = None
        except FoundKey:
            self._keeping = self._keeping.given_up("was encrypted with another key; it is left alone")
        except OSError as error:
            self._keeping = self._keeping.given_up(f"cannot be read ({why(error)})")
        except Damaged:
            self._move_aside()
        else:
            self._take(content, identity)

    def _take(self, content: Content, identity: Identity) -> None:
        """What was read counts from now on, unless it is not to be trusted."""
        if not self._keeping.trusts(content):
            self._keeping = self._keeping.given_up(
                "is not encrypted although the keyring has a key to it; it is left alone"
            )
            return
        self.cache.take(content.cache, content.extra)
        self._read = identity
        if content.is_open:
            self._close_to_others()
        if self._keeping.key and not content.encrypted:
            self.cache.has_state_changed = True
            self._remark("The token store was not encrypted; it is now.")

    def _close_to_others(self) -> None:
        now = "now they cannot" if self._file.close_to_others() else "and its file system does not let that be changed"
        self._remark(f"Other accounts of this computer could read the token store {self._file.path}; {now}.")
        self._read = self._file.identity()

    def _move_aside(self) -> None:
        try:
            aside = self._file.move_aside()
        except OSError as error:
            self._keeping = self._keeping.given_up(f"is damaged and cannot be moved aside ({why(error)})")
            return
        self._keeping = self._keeping.moved_aside(aside.name)
        self._read = None

    def _remark(self, words: str) -> None:
        self._keeping = self._keeping.remarking(words)

    def _save(self) -> None:
        try:
            self._read = self._file.write(self.cache.sections(), self.cache.extra, self._keeping.key)
        except OSError as error:
            self.cache.has_state_changed = True  # the next call tries again
            self._keeping = self._keeping.not_written(why(error))
            return
        self._replace = False
        self._keeping = replace(self._keeping.written(), key_is_new=False)


def file_name(name: str) -> str:
    """The name of the file of the store that is called `name`."""
    return f"tokens-{_digest(name)}.bin"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _held(by: str) -> SignInUnavailable:
    return SignInUnavailable(f"{by} holds the token store and does not let go of it. End it and ask again.")
