"""The file in which sign-ins are kept: encrypted or not, whole or not at all."""

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pc_mcp.runtime import private_files
from pc_mcp.runtime.private_files import Identity

_MAGIC = b"pc-mcp 1\n"
_NONCE_BYTES = 12
_MAX_BYTES = 16_000_000
_USUAL_BYTES = 65_536  # as much as some accounts with their tokens take
_SECONDS = re.compile(r"[0-9]{1,11}")  # since 1970; the longest are of the year 5138

_SECRET = re.compile(r"[\x21-\x7e]+")
"""What can be sent: a header of HTTP takes no other characters, and those of a token are among them (RFC 6749, A)."""
_WITH_SECRETS = {"AccessToken", "RefreshToken", "IdToken"}
_TEXTS = {
    "AppMetadata": set[str](),
    **{section: {"home_account_id", "environment", "realm"} for section in ("AccessToken", "IdToken", "Account")},
}
"""The fields that must be texts, where it is not the usual two; and those that must be where they are there."""
_IF_THERE = {"target", "username", "client_id"}


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
    """What is kept. cache: MSAL's, by section; extra: what this program notes besides; is_open: whether other
    accounts of the computer could read or change it."""

    cache: dict[str, dict[str, dict[str, Any]]]
    extra: dict[str, Any]
    encrypted: bool
    is_open: bool

    @property
    def holds_secrets(self) -> bool:
        return any(entries for section, entries in self.cache.items() if section != "AppMetadata")


class TokenFile:
    """A file that is replaced in one step. Every method raises `OSError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def identity(self) -> Identity | None:
        """What tells the file from another one in its place; None where there is none."""
        return private_files.identity(self.path)

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
        """Raises `FoundKey` and `Damaged`."""
        found = private_files.read(self.path, _MAX_BYTES)
        if len(found.raw) > _MAX_BYTES:
            raise Damaged
        return _decoded(found.raw, key, is_open=found.is_open), found.identity

    def write(self, cache: dict[str, Any], extra: dict[str, Any], key: bytes | None) -> Identity:
        """Puts a new file, readable by its owner only, in the place of the old one."""
        encoded = json.dumps({"cache": cache, "extra": extra}).encode()
        if key is not None:
            nonce = secrets.token_bytes(_NONCE_BYTES)
            encoded = _MAGIC + nonce + AESGCM(key).encrypt(nonce, encoded, _MAGIC)
        return private_files.replace(self.path, encoded)

    def try_out(self) -> None:
        """Finds out whether a sign-in could be written."""
        private_files.try_out(self.path, _USUAL_BYTES)

    def close_to_others(self) -> bool:
        """Whether nobody else can read it from now on."""
        return private_files.close_to_others(self.path)

    def move_aside(self) -> Path:
        """Where it went."""
        aside = self.path.with_suffix(".damaged")
        private_files.close_to_others(self.path)  # some of it may be a token all the same
        os.replace(self.path, aside)
        return aside


def _decoded(raw: bytes, key: bytes | None, *, is_open: bool) -> Content:
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
    return Content(content["cache"], extra, encrypted, is_open)


def _is_cache(value: object) -> bool:
    """Whether MSAL can read it: sections of entries, each with the fields that MSAL writes."""
    return isinstance(value, dict) and all(
        isinstance(entries, dict) and all(_is_entry(section, key, entry) for key, entry in entries.items())
        for section, entries in value.items()
    )


def _is_entry(section: str, key: str, entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    secrets = {"secret"} if section in _WITH_SECRETS else set()
    texts = _TEXTS.get(section, {"home_account_id", "environment"}) | (_IF_THERE & entry.keys())
    times = {"expires_on", "cached_at"} if section == "AccessToken" else set()
    times |= {"extended_expires_on", "refresh_on", "last_modification_time"} & entry.keys()
    return (
        all(isinstance(entry.get(name), str) for name in texts)
        and all(isinstance(text := entry.get(name), str) and _SECRET.fullmatch(text) for name in secrets)
        and all(_SECONDS.fullmatch(str(entry.get(name))) for name in times)
        and all(value is None or isinstance(value, int) or _is_plain(value) for value in _but_name(entry))
        and all(map(_is_plain, (section, key, *entry)))
    )


def _but_name(entry: Mapping[str, object]) -> list[object]:
    """The values without a person's name, which may be any text that can be written: it is cleaned when shown."""
    name = entry.get("username")
    is_text = isinstance(name, str) and not any("\ud800" <= char <= "\udfff" for char in name)
    return [value for key, value in entry.items() if not (is_text and key == "username")]


def _is_plain(value: object) -> bool:
    """Whether it is text that can be written, sent and shown: no control characters, no halves of characters."""
    return isinstance(value, str) and value.isprintable()
