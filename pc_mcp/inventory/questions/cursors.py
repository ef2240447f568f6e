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
    """`generation` is the list's, `after` the last item given, `before` how many with it."""

    generation: int
    after: int
    before: int


class CursorMint:
    """Makes and checks the cursors of one question with a key.

    `question` is of texts, numbers, moments, None, and tuples of them. Two questions that differ in as much as a type
    are two questions.
    """

    def __init__(self, key: bytes, question: object) -> None:
        self._key = key
        asked = json.dumps(question, sort_keys=True, default=_typed).encode()
        # A digest of its own, so that no text of a question can pass for text of a cursor.
        self._question_digest = hashlib.sha256(asked).digest()

    def mint(self, cursor: Cursor) -> str:
        """The cursor as text (about 40 characters), bound to the question."""
        body = json.dumps([cursor.generation, cursor.after, cursor.before], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._seal(body) + body).decode().rstrip("=")

    def read(self, text: str) -> Cursor:
        """The cursor in `text`. Raises `CursorRefused` when it is not one, or not of the question."""
        try:
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError, ValueError):
            raw = b""
        seal, body = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(body)):
            raise CursorRefused(
                "This cursor does not belong to this question. Pass the next_cursor of the answer before "
                "unchanged, with the same arguments otherwise; or leave cursor out to start again."
            )
        return Cursor(*json.loads(body))

    def _seal(self, body: bytes) -> bytes:
        return hmac.digest(self._key, self._question_digest + body, "sha256")[:_SEAL_BYTES]


def _typed(value: object) -> dict[str, str]:
    """A value that JSON does not know, which text of a question cannot pass for."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    raise TypeError(f"a question cannot hold a {type(value).__name__}")
