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
import json
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import msal
from filelock import Timeout

from pc_mcp.auth.errors import SignInUnavailable
from pc_mcp.auth.keyring_key import KEYRING_SECONDS, KeyringKey, KeyringUnusable
from pc_mcp.auth.token_file import Content, Damaged, Form, FoundKey, TokenFile
from pc_mcp.runtime.ids import GUID
from pc_mcp.runtime.private_files import Identity, alone, why

logger = logging.getLogger(__name__)

T = TypeVar("T")
Kind = Literal["auto", "keyring", "file", "memory"]

LOCK_SECONDS = 20
_NOW_IN_MEMORY = "so the sign-in is kept in memory only and ends with this process."
_KEEP_IN_FILE = (
    "To keep it in a file that only you can read, sign in with: pc-mcp login --keep-in-file (or set "
    'auth.token_store to "file").'
)
_START_ANEW = "To start anew, end pc-mcp, remove what is there, and sign in again."


@dataclass(frozen=True, slots=True)
class KeptAccount:
    """An account that is signed in. `expires_at` is its access token's, in seconds since 1970, if one is kept."""

    home_account_id: str
    username: str
    tenant: str
    expires_at: float | None


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
        self._key: bytes | None = None
        self._encrypts_at_once = False
        self._read: Identity | None = None
        self._opened = False
        self._extra: dict[str, Any] = {}
        self.kind: Kind = kind
        self.notice = self._mended = ""
        self.is_kept = True
        self.cache = msal.SerializableTokenCache()

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
            if not self._opened or (self._keyring.came_late and not self.accounts()):
                self._open()
            gives_way = self._replace
            try:
                return work() if self.kind == "memory" else self._locked(work)
            finally:
                if gives_way and not self._replace:
                    self._keyring.forget()
        finally:
            self._thread_lock.release()

    @property
    def pinned_tenant(self) -> str | None:
        """The tenant of the first sign-in, which later ones must be in. Read it within `with_cache`."""
        tenant = self._extra.get("tenant")
        return tenant if isinstance(tenant, str) and GUID.fullmatch(tenant) else None  # it becomes part of an address

    def try_out(self) -> None:
        """Finds out whether a sign-in would be kept, which `is_kept` says then. Call it within `with_cache`."""
        if self.kind == "memory":
            return
        try:
            self._file.try_out()
        except OSError as error:
            self._cannot_write(error)
        else:
            if not self.is_kept:
                self._can_write()

    def keep(self, signed_in: str, tenant: str) -> None:
        """Adds what a sign-in brought, another cache serialized. Call it within `with_cache`."""
        kept = self._sections()
        for section, entries in json.loads(signed_in).items():
            kept.setdefault(section, {}).update(entries)
        self._extra["tenant"] = tenant
        self._put(kept)

    def accounts(self) -> list[KeptAccount]:
        """Who is signed in, by what is kept alone: whoever has a refresh token. Call it within `with_cache`."""
        kept = self._sections()
        renewable = {entry.get("home_account_id") for entry in kept.get("RefreshToken", {}).values()}
        ends: dict[str, float] = {}
        for entry in kept.get("AccessToken", {}).values():
            holder = str(entry.get("home_account_id", ""))
            ends[holder] = max(ends.get(holder, 0.0), float(entry.get("expires_on", 0)))
        return [
            KeptAccount(holder, str(entry.get("username", "")), str(entry.get("realm", "")), ends.get(holder))
            for entry in kept.get("Account", {}).values()
            if (holder := str(entry.get("home_account_id", ""))) in renewable
        ]

    def drop(self, home_account_id: str) -> None:
        """Signs one account out of this store. Call it within `with_cache`."""
        self._put(
            {
                section: {k: entry for k, entry in entries.items() if entry.get("home_account_id") != home_account_id}
                for section, entries in self._sections().items()
            }
        )

    def forget(self) -> None:
        """Signs everybody out of this store. Call it within `with_cache`."""
        self._extra.clear()
        self._put({})
        said = self._of_older_files()
        for path in self._left():
            with suppress(OSError):
                path.unlink()
        if said and self.notice == said:
            self.notice = self._of_older_files()

    def _of_older_files(self) -> str:
        places = ", ".join(map(str, self._left()))
        return f"An older sign-in is still at {places}; pc-mcp logout removes it." if places else ""

    def _sections(self) -> dict[str, dict[str, dict[str, Any]]]:
        sections: dict[str, dict[str, dict[str, Any]]] = json.loads(self.cache.serialize())
        return sections

    def _put(self, sections: dict[str, dict[str, dict[str, Any]]]) -> None:
        self.cache.deserialize(json.dumps(sections))
        self.cache.has_state_changed = True

    def _open(self) -> None:
        """Decides where tokens are kept, without the lock: the keyring may take its time."""
        self._opened = True
        self.kind, self.notice = self._wanted, self._of_older_files()
        if self._wanted in {"auto", "keyring"}:
            form = self._file.form()  # before the keyring is asked: a key is always older than what it encrypts
            try:
                self._open_with_key(form)
            except KeyringUnusable as error:
                if self._wanted == "auto" and form is Form.PLAIN:
                    self.kind = "file"
                else:
                    self._stay_in_memory(f"{error}, {_NOW_IN_MEMORY} {_KEEP_IN_FILE}")
        self._replace = self._replace and self._file.form() is Form.ENCRYPTED

    def _open_with_key(self, form: Form) -> None:
        """Raises `KeyringUnusable`."""
        self._key = self._keyring.get()
        if self._key is None and form is Form.ENCRYPTED:
            self._stay_in_memory(
                f"The token store {self._file.path} is encrypted, and this keyring has no key to it. It is left alone, "
                f"{_NOW_IN_MEMORY} {_START_ANEW}"
            )
            return
        if self._key is None and form is Form.PLAIN and self._wanted == "auto":
            self.kind = "file"
            return
        self._encrypts_at_once = self._key is None
        self._key = self._key or self._keyring.made()
        self.kind = "keyring"

    def _locked(self, work: Callable[[], T]) -> T:
        try:
            lock = alone(self._file.path, self._lock_seconds, self._remark)
        except Timeout:
            raise _held("Another pc-mcp process") from None
        except OSError as error:
            self._give_up(f"cannot be used ({why(error)})")
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
            content, identity = self._file.read(self._key)
        except FileNotFoundError:
            self.cache.deserialize(None)  # another process signed everybody out
            self._extra = {}
            self._read = None
        except FoundKey:
            self._give_up("was encrypted with another key; it is left alone")
        except OSError as error:
            self._give_up(f"cannot be read ({why(error)})")
        except Damaged:
            self._move_aside()
        else:
            self._take(content, identity)

    def _take(self, content: Content, identity: Identity) -> None:
        """What was read counts from now on, unless it is not to be trusted."""
        if self._key and not content.encrypted and content.holds_secrets and not self._encrypts_at_once:
            self._give_up("is not encrypted although the keyring has a key to it; it is left alone")
            return
        self.cache.deserialize(json.dumps(content.cache))
        self._extra = content.extra
        self._read = identity
        if content.is_open:
            self._close_to_others()
        if self._key and not content.encrypted:
            self.cache.has_state_changed = True
            self._remark("The token store was not encrypted; it is now.")

    def _close_to_others(self) -> None:
        now = "now they cannot" if self._file.close_to_others() else "and its file system does not let that be changed"
        self._remark(f"Other accounts of this computer could read the token store {self._file.path}; {now}.")
        self._read = self._file.identity()

    def _remark(self, words: str) -> None:
        """Something that was mended, and that a person should know all the same."""
        self._mended = self.notice = f"{self._mended} {words}".strip()
        logger.warning("%s", words)

    def _move_aside(self) -> None:
        try:
            aside = self._file.move_aside()
        except OSError as error:
            self._give_up(f"is damaged and cannot be moved aside ({why(error)})")
            return
        self.notice = f"The token store was damaged and is moved aside to {aside.name}. Sign in again."
        logger.warning("%s", self.notice)
        self._read = None

    def _give_up(self, why: str) -> None:
        self._stay_in_memory(
            f"The token store {self._file.path} {why}. This session's sign-in is kept in memory only. {_START_ANEW}"
        )

    def _stay_in_memory(self, notice: str) -> None:
        self.kind, self.notice, self.is_kept = "memory", notice, False
        logger.warning("%s", notice)

    def _save(self) -> None:
        try:
            self._read = self._file.write(self._sections(), self._extra, self._key)
        except OSError as error:
            self.cache.has_state_changed = True  # the next call tries again
            self._cannot_write(error)
            return
        self._encrypts_at_once = self._replace = False
        self._can_write()

    def _cannot_write(self, error: OSError) -> None:
        self.is_kept = False
        self.notice = f"The token store {self._file.path} cannot be written ({why(error)}), {_NOW_IN_MEMORY}"
        logger.warning("%s", self.notice)

    def _can_write(self) -> None:
        self.is_kept = True
        self.notice = self._mended


def file_name(name: str) -> str:
    """The name of the file of the store that is called `name`."""
    return f"tokens-{_digest(name)}.bin"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _held(by: str) -> SignInUnavailable:
    return SignInUnavailable(f"{by} holds the token store and does not let go of it. End it and ask again.")
