"""Cursors: handles that this server mints and a model passes back to page on.

A cursor is opaque and sealed with a key of this process, names the state of the list it pages and the question
it belongs to, and is worth nothing once that list is gone or has changed. It holds no text of the service.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

from pc_mcp.inventory.errors import CursorRefused

_SEAL_BYTES = 12


@dataclass(frozen=True, slots=True)
class Cursor:
    """`generation` is the list's, `after` the last item shown, `shown` how many before."""

    generation: int
    after: int
    shown: int


class CursorMint:
    """Makes and checks cursors with a key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def mint(self, cursor: Cursor, question: object) -> str:
        """The cursor as text (about 40 characters), bound to `question`: texts, numbers, moments, None, and tuples
        of them. Two questions that differ in as much as a type are two questions."""
        body = json.dumps([cursor.generation, cursor.after, cursor.shown], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._seal(body, question) + body).decode().rstrip("=")

    def read(self, text: str, question: object) -> Cursor:
        """The cursor in `text`. Raises `CursorRefused` when it is not one, or not of `question`."""
        try:
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError, ValueError):
            raw = b""
        seal, body = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(body, question)):
            raise CursorRefused(
                "This cursor does not belong to this question. Pass the next_cursor of the answer before "
                "unchanged, with the same arguments otherwise; or leave cursor out to start again."
            )
        return Cursor(*json.loads(body))

    def _seal(self, body: bytes, question: object) -> bytes:
        asked = json.dumps(question, sort_keys=True, default=_typed).encode()
        # Two digests in a row, so that no text of one part can pass for text of the other.
        asked_digest = hashlib.sha256(asked).digest()
        return hmac.digest(self._key, asked_digest + body, "sha256")[:_SEAL_BYTES]


def _typed(value: object) -> dict[str, str]:
    """A value that JSON does not know, which text of a question cannot pass for."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    raise TypeError(f"a question cannot hold a {type(value).__name__}")
