"""Keeps the signed-in accounts and their refresh tokens on disk, shared by every server process.

One file for each client id and cloud, in the platform's user data folder, readable by its owner
only. MSAL's cache is used by its public calls: under a kernel lock, which a killed process cannot
leave behind, the file is read if it changed, MSAL does its work, and what changed is written to a
new file that replaces the old one in one step. A rotated refresh token thus reaches the disk
before the lock is given back, and no process ever sees half a file.

Nothing here is asynchronous: it is called in worker threads.
"""

import base64
import hashlib
import json
import logging
import os
import secrets
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

import msal
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from filelock import FileLock, Timeout

from pc_mcp.auth.errors import SignInUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")
Kind = Literal["auto", "keyring", "file", "memory"]

LOCK_SECONDS = 30
_MAGIC = b"pc-mcp 1\n"
_NONCE_BYTES = 12
_SERVICE = "pc-mcp"


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
    a usable keyring and else `memory`. `kind` and `path` say what is really used, `notice` what a
    person should know about it.
    """

    def __init__(self, folder: Path, name: str, kind: Kind, lock_seconds: float = LOCK_SECONDS) -> None:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        self._wanted = kind
        self._lock_seconds = lock_seconds
        self._file = folder / f"tokens-{digest}.bin"
        self._key_name = f"token-store-{digest}"
        self._thread_lock = threading.Lock()
        self._key: bytes | None = None
        self._read: tuple[int, int, int] | None = None
        self._opened = False
        self._extra: dict[str, Any] = {}
        self.kind: Kind = kind
        self.notice = ""
        self.cache = msal.SerializableTokenCache()

    @property
    def path(self) -> Path | None:
        """The file, or None where nothing is written. Known once `with_cache` was called."""
        return None if self.kind == "memory" else self._file

    def with_cache(self, work: Callable[[], T]) -> T:
        """Calls `work`, which may use `cache`, alone among all threads and processes.

        Raises `SignInUnavailable` when another process does not give the lock back.
        """
        with self._thread_lock:
            if self.kind == "memory":
                return work()
            lock = FileLock(f"{self._file}.lock", timeout=self._lock_seconds, mode=0o600)
            try:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock.acquire()
            except Timeout:
                raise SignInUnavailable(
                    "Another pc-mcp process holds the token store and does not let go of it. End it and ask again."
                ) from None
            except OSError as error:
                self._stay_in_memory(f"cannot be used ({error.strerror})")
                return work()
            try:
                self._open()
                self._load()
                try:
                    return work()
                finally:
                    if self.cache.has_state_changed:
                        self._save()
            finally:
                lock.release()

    @property
    def pinned_tenant(self) -> str | None:
        """The tenant of the first sign-in, which later ones must be in. Read it within `with_cache`."""
        tenant = self._extra.get("tenant")
        return tenant if isinstance(tenant, str) else None

    def keep(self, signed_in: str, tenant: str) -> None:
        """Adds what a sign-in brought, another cache serialized. Call it within `with_cache`."""
        kept: dict[str, dict[str, Any]] = json.loads(self.cache.serialize())
        for section, entries in json.loads(signed_in).items():
            kept.setdefault(section, {}).update(entries)
        self.cache.deserialize(json.dumps(kept))
        self._extra["tenant"] = tenant
        self.cache.has_state_changed = True

    def accounts(self) -> list[KeptAccount]:
        """Who is signed in, by what is kept alone: whoever has a refresh token. Call it within `with_cache`."""
        kept: dict[str, dict[str, Any]] = json.loads(self.cache.serialize())
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
        kept: dict[str, dict[str, Any]] = json.loads(self.cache.serialize())
        left = {
            section: {key: entry for key, entry in entries.items() if entry.get("home_account_id") != home_account_id}
            for section, entries in kept.items()
        }
        self.cache.deserialize(json.dumps(left))
        self.cache.has_state_changed = True

    def forget(self) -> None:
        """Signs everybody out of this store. Call it within `with_cache`."""
        self.cache.deserialize(None)
        self._extra.clear()
        self.cache.has_state_changed = True

    def _open(self) -> None:
        """Decides once where tokens are kept; under the lock, so that processes share one key."""
        if self._opened:
            return
        if self._wanted in {"auto", "keyring"}:
            self._key = self._keyring_key()
            self.kind = "keyring" if self._key else "memory"
            if self._key is None:
                self.notice = (
                    "There is no usable keyring, so the sign-in is kept in memory only and ends with this process. "
                    'Set auth.token_store to "file" to keep it in a file that only you can read.'
                )
        self._opened = True
        if self.notice:
            logger.warning("%s", self.notice)

    def _keyring_key(self) -> bytes | None:
        """The key from the keyring, made on the first use; None where there is no usable keyring."""
        import keyring  # noqa: PLC0415 - costs time, and is needed only where a token is
        import keyring.errors  # noqa: PLC0415

        try:
            kept = keyring.get_password(_SERVICE, self._key_name)
            if kept is None:
                made = base64.b64encode(secrets.token_bytes(32)).decode()
                keyring.set_password(_SERVICE, self._key_name, made)
                kept = keyring.get_password(_SERVICE, self._key_name)
            key = base64.b64decode(kept or "", validate=True)
        except Exception as error:  # backends raise errors of their own, D-Bus ones among them
            logger.info("the keyring cannot be used: %s", type(error).__name__)
            return None
        return key if len(key) == 32 else None

    def _load(self) -> None:
        """Reads the file if it is another than the one last read or written."""
        if self.kind == "memory":
            return
        try:
            with self._file.open("rb") as file:
                identity = _identity(file)
                if identity == self._read:
                    return
                raw = file.read()
            content = self._decoded(raw)
        except FileNotFoundError:
            if self._read is not None:  # another process signed everybody out
                self.cache.deserialize(None)
                self._extra = {}
                self._read = None
        except InvalidTag:
            self._stay_in_memory("was encrypted with another key; it is left alone")
        except OSError as error:
            self._stay_in_memory(f"cannot be read ({error.strerror})")
        except (ValueError, RecursionError):
            self._move_aside()
        else:
            self.cache.deserialize(json.dumps(content["cache"]))
            self._extra = content.get("extra", {})
            self._read = identity

    def _move_aside(self) -> None:
        aside = self._file.with_suffix(".damaged")
        try:
            os.replace(self._file, aside)
        except OSError as error:
            self._stay_in_memory(f"is damaged and cannot be moved aside ({error.strerror})")
            return
        self.notice = f"The token store was damaged and is moved aside to {aside.name}. Sign in again."
        logger.warning("%s", self.notice)
        self._read = None

    def _stay_in_memory(self, why: str) -> None:
        self.kind = "memory"
        self.notice = (
            f"The token store {self._file} {why}. This session's sign-in is kept in memory only. "
            "To start anew, end pc-mcp, remove what is there, and sign in again."
        )
        logger.warning("%s", self.notice)

    def _save(self) -> None:
        if self.kind == "memory":
            return
        content = {"cache": json.loads(self.cache.serialize()), "extra": self._extra}
        encoded = self._encoded(json.dumps(content).encode())
        name: str | None = None
        try:
            handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=f"{self._file.name}.")  # 0600
            with os.fdopen(handle, "wb") as new:
                new.write(encoded)
                new.flush()
                os.fsync(new.fileno())
                written = _identity(new)
            os.replace(name, self._file)
        except OSError as error:
            if name:
                with suppress(OSError):
                    os.unlink(name)
            self.cache.has_state_changed = True  # the next call tries again
            self.notice = (
                f"The token store {self._file} cannot be written ({error.strerror}), so the sign-in is in memory only."
            )
            logger.warning("%s", self.notice)
            return
        self.notice = ""
        self._read = written

    def _encoded(self, plain: bytes) -> bytes:
        if self._key is None:
            return plain
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _MAGIC + nonce + AESGCM(self._key).encrypt(nonce, plain, _MAGIC)

    def _decoded(self, raw: bytes) -> dict[str, Any]:
        """Raises InvalidTag for another key, ValueError for a damaged file."""
        encrypted = raw.startswith(_MAGIC)
        if encrypted:
            if self._key is None:
                raise InvalidTag
            body = raw.removeprefix(_MAGIC)
            raw = AESGCM(self._key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], _MAGIC)
        content = json.loads(raw)
        if not (isinstance(content, dict) and _is_cache(content.get("cache")) and _is_object(content.get("extra", {}))):
            raise ValueError("not what was written")
        return content


def _identity(file: BinaryIO) -> tuple[int, int, int]:
    """What tells an open file from another one in its place."""
    found = os.fstat(file.fileno())
    return found.st_mtime_ns, found.st_size, found.st_ino


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_cache(value: object) -> bool:
    """Whether MSAL can read it: sections of entries, each an object."""
    return isinstance(value, dict) and all(
        isinstance(entries, dict) and all(map(_is_object, entries.values())) for entries in value.values()
    )
