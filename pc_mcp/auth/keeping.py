"""Where sign-ins are kept, and why there: decided once, and again when that turns out not to work."""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self

from pc_mcp.auth.keyring_key import KeyringKey, KeyringUnusable
from pc_mcp.auth.token_file import Content, Form, TokenFile

logger = logging.getLogger(__name__)

Place = Literal["auto", "keyring", "file", "memory"]

_NOW_IN_MEMORY = "so the sign-in is kept in memory only and ends with this process."
_KEEP_IN_FILE = (
    "To keep it in a file that only you can read, sign in with: pc-mcp login --keep-in-file (or set "
    'auth.token_store to "file").'
)
_START_ANEW = "To start anew, end pc-mcp, remove what is there, and sign in again."


@dataclass(frozen=True, slots=True)
class Keeping:
    """place: what is really used; path: of the file; notice: what a person should know about it; mended: the part of
    that which stays true; is_kept: whether a sign-in is kept as it was asked to be; key: what encrypts the file;
    key_is_new: it was made just now, so that what is not encrypted yet may be taken over.
    """

    place: Place
    path: Path
    notice: str = ""
    mended: str = ""
    is_kept: bool = True
    key: bytes | None = field(default=None, repr=False)
    key_is_new: bool = False

    def in_memory(self, notice: str) -> Self:
        """It is not kept in the end."""
        logger.warning("%s", notice)
        return replace(self, place="memory", notice=notice, is_kept=False)

    def given_up(self, why: str) -> Self:
        """The file is not used in the end."""
        return self.in_memory(
            f"The token store {self.path} {why}. This session's sign-in is kept in memory only. {_START_ANEW}"
        )

    def remarking(self, words: str) -> Self:
        """Something was mended, and a person should know it all the same."""
        logger.warning("%s", words)
        mended = f"{self.mended} {words}".strip()
        return replace(self, mended=mended, notice=mended)

    def moved_aside(self, name: str) -> Self:
        """What was there was damaged; its new name is `name`."""
        notice = f"The token store was damaged and is moved aside to {name}. Sign in again."
        logger.warning("%s", notice)
        return replace(self, notice=notice)

    def not_written(self, why: str) -> Self:
        """The file could not be written, this time."""
        notice = f"The token store {self.path} cannot be written ({why}), {_NOW_IN_MEMORY}"
        logger.warning("%s", notice)
        return replace(self, is_kept=False, notice=notice)

    def written(self) -> Self:
        """The file could be written."""
        return replace(self, is_kept=True, notice=self.mended)

    def trusts(self, content: Content) -> bool:
        """Whether what was read may be used: nobody puts an unencrypted file in the place of an encrypted one."""
        return not self.key or content.encrypted or not content.holds_secrets or self.key_is_new


def keeping(wanted: Place, file: TokenFile, keyring: KeyringKey, notice: str) -> Keeping:
    """Decides where, without any lock: the keyring may take its time.

    wanted: as `TokenStore` has it; notice: what is to be said in any case.
    """
    now = Keeping(wanted, file.path, notice)
    if wanted not in {"auto", "keyring"}:
        return now
    form = file.form()  # before the keyring is asked: a key is always older than what it encrypts
    try:
        return _encrypted(now, form, keyring)
    except KeyringUnusable as error:
        if wanted == "auto" and form is Form.PLAIN:
            return replace(now, place="file")
        return now.in_memory(f"{error}, {_NOW_IN_MEMORY} {_KEEP_IN_FILE}")


def _encrypted(now: Keeping, form: Form, keyring: KeyringKey) -> Keeping:
    """With a key of the keyring, if that can be. Raises `KeyringUnusable`."""
    key = keyring.get()
    if key is None and form is Form.ENCRYPTED:
        return now.in_memory(
            f"The token store {now.path} is encrypted, and this keyring has no key to it. It is left alone, "
            f"{_NOW_IN_MEMORY} {_START_ANEW}"
        )
    if key is None and form is Form.PLAIN and now.place == "auto":
        return replace(now, place="file")
    return replace(now, place="keyring", key=key or keyring.made(), key_is_new=key is None)
