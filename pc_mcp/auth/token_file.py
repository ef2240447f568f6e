"""The file in which sign-ins are kept: encrypted or not, whole or not at all."""

import json
import os
import re
import secrets
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MAGIC = b"pc-mcp 1\n"
_NONCE_BYTES = 12
_MAX_BYTES = 16_000_000
_SECONDS = re.compile(r"\d{1,11}")  # since 1970; the longest are of the year 5138

Identity = tuple[int, int, int]


class FoundKey(Exception):
    """The file was encrypted with another key than the one that is there, or there is none."""


class Damaged(Exception):
    """The file is not what this program writes."""


class Form(Enum):
    """What is at a file's place. PLAIN: sign-ins that are not encrypted; OTHER: none that could be read."""

    MISSING = auto()
    ENCRYPTED = auto()
    PLAIN = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Content:
    """What is kept. cache: MSAL's, by section; extra: what this program notes besides."""

    cache: dict[str, dict[str, dict[str, Any]]]
    extra: dict[str, Any]
    encrypted: bool

    @property
    def holds_secrets(self) -> bool:
        return any(entries for section, entries in self.cache.items() if section != "AppMetadata")


class TokenFile:
    """A file that is replaced in one step. Every method raises `OSError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def identity(self) -> Identity | None:
        """What tells the file from another one in its place; None where there is none."""
        try:
            return _identity(os.stat(self.path))
        except FileNotFoundError:
            return None

    def form(self) -> Form:
        """What is there, without a key."""
        try:
            return Form.PLAIN if self.read(None)[0].holds_secrets else Form.OTHER
        except FileNotFoundError:
            return Form.MISSING
        except FoundKey:
            return Form.ENCRYPTED
        except (Damaged, OSError):
            return Form.OTHER

    def read(self, key: bytes | None) -> tuple[Content, Identity]:
        """Raises `FoundKey` and `Damaged`. What is no file, such as a pipe, is not waited for."""
        # Windows has neither of the flags, and needs the last one.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(self.path, flags), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise OSError(0, "it is no file")
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise Damaged
        return _decoded(raw, key), _identity(found)

    def write(self, cache: dict[str, Any], extra: dict[str, Any], key: bytes | None) -> Identity:
        """Puts a new file, readable by its owner only, in the place of the old one."""
        encoded = json.dumps({"cache": cache, "extra": extra}).encode()
        if key is not None:
            nonce = secrets.token_bytes(_NONCE_BYTES)
            encoded = _MAGIC + nonce + AESGCM(key).encrypt(nonce, encoded, _MAGIC)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f"{self.path.name}.")  # 0600
        try:
            with os.fdopen(handle, "wb") as new:
                new.write(encoded)
                new.flush()
                os.fsync(new.fileno())
                written = _identity(os.fstat(new.fileno()))
            os.replace(name, self.path)
        except OSError:
            with suppress(OSError):
                os.unlink(name)
            raise
        return written

    def move_aside(self) -> Path:
        """Where it went."""
        aside = self.path.with_suffix(".damaged")
        os.replace(self.path, aside)
        return aside


def _identity(found: os.stat_result) -> Identity:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _decoded(raw: bytes, key: bytes | None) -> Content:
    encrypted = raw.startswith(_MAGIC)
    if encrypted:
        body = raw.removeprefix(_MAGIC)
        if key is None:
            raise FoundKey
        try:
            raw = AESGCM(key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], _MAGIC)
        except InvalidTag:
            raise FoundKey from None
        except ValueError:  # not even a nonce
            raise Damaged from None
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        raise Damaged from None
    if not (isinstance(content, dict) and _is_cache(content.get("cache"))):
        raise Damaged
    extra = content.get("extra", {})
    if not isinstance(extra, dict):
        raise Damaged
    return Content(content["cache"], extra, encrypted)


def _is_cache(value: object) -> bool:
    """Whether MSAL can read it: sections of entries, each with the fields that MSAL writes."""
    return isinstance(value, dict) and all(
        isinstance(entries, dict) and all(_is_entry(section, entry) for entry in entries.values())
        for section, entries in value.items()
    )


def _is_entry(section: str, entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    texts = {"home_account_id", "environment"} if section != "AppMetadata" else set()
    texts |= {"secret"} if section in {"AccessToken", "RefreshToken", "IdToken"} else set()
    texts |= {"target", "username"} & entry.keys()
    times = {"expires_on", "cached_at"} if section == "AccessToken" else set()
    times |= {"extended_expires_on", "refresh_on", "last_modification_time"} & entry.keys()
    return (
        all(isinstance(entry.get(name), str) for name in texts)
        and all(_SECONDS.fullmatch(str(entry.get(name))) for name in times)
        and all(value is None or isinstance(value, str | int) for value in entry.values())
    )
