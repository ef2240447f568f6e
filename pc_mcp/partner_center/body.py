"""Reads the body of an answer.

Recorded answers start with a UTF-8 byte-order mark, so an HTTP library's own `.json()` is no use.
The parser is tolerant: one broken character or number in one device does not cost the page it is on.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CODE = re.compile(r"[0-9]{1,10}")
_SPACE = re.compile(r"[ \t\n\r]*+")
_BRACKET_OR_TEXT = re.compile(r'[\[\]{}"]')
# More of a text than is kept of any field, and than an address takes.
_BEGINNING = re.compile(r'"(?:[^"\\]|\\u[0-9A-Fa-f]{4}|\\[^u]){0,30000}+')
_IN_TEXT = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)

LARGE_BODY_BYTES = 2**18
"""A body from here on is read in a worker thread."""

MOST_VALUE_CHARACTERS = 2**17
"""A value that is longer is not read as a whole: while one is read no other thread runs."""

MOST_ITEMS = 200_000
MOST_MEMBERS = 10_000
_MOST_SKIPPED_PARTS = 100_000
_PIECE_BYTES = 2**16
_TOO_MUCH = "Its body has more in it than is read."

ITEMS = "items"


class NotReadable(ValueError):
    """A body that is not what was asked for; the text says why in a sentence."""


def without_mark(body: bytes) -> bytes:
    """`body` without the byte-order mark that it may begin with."""
    return body.removeprefix(_BYTE_ORDER_MARK)


def parsed(body: bytes, of_item: Callable[[object], object] = lambda item: item) -> object:
    """The JSON value in `body`. Raises `NotReadable` when it is none.

    of_item: what is kept of each of the `items` of a collection, so that a long list is never held as it came;
    of an item that is too long to be read at once only the beginnings of its texts are.
    """
    body = without_mark(body)
    try:
        return _in_steps(body, of_item)
    except NotReadable:
        raise
    except (ValueError, RecursionError):
        raise NotReadable("Its body is no JSON.") from None


def error_code(body: bytes) -> str | None:
    """The `code` of an error body as text; None where the body is empty, HTML or of another shape."""
    try:
        value = parsed(body)
    except NotReadable:
        return None
    code = value.get("code") if isinstance(value, dict) else None
    if isinstance(code, bool) or not isinstance(code, int | str):
        return None
    # The documented codes are numbers; anything else could carry text into an error message.
    return str(code) if _CODE.fullmatch(str(code)) else None


def _bounded_int(digits: str) -> int | float:
    # Reading an integer takes time that grows with the square of its length, and `models.text` takes
    # no number as long as this. It is not None: a continuation token that is none would end a list.
    return int(digits) if len(digits) <= 31 else float(digits)


_DECODER = json.JSONDecoder(parse_int=_bounded_int)


def _in_steps(body: bytes, of_item: Callable[[object], object]) -> object:
    """The value, read in pieces: the decoder keeps other threads from running while it reads one."""
    reader = _Reader(body)
    value = _object(reader, of_item) if reader.next() == "{" else reader.value()
    if reader.next():
        raise ValueError("something follows the value")
    return value


def _object(reader: "_Reader", of_item: Callable[[object], object]) -> dict[str, object]:
    """The outermost object, by its members, and by their items where a member is a list.

    One that says something twice is not readable: the first of two lists would be lost unseen.
    """
    value: dict[str, object] = {}
    reader.take("{")
    while reader.next() != "}":
        if value:
            reader.take(",")
        if len(value) == MOST_MEMBERS:
            raise NotReadable(_TOO_MUCH)
        if (name := reader.name()) in value:
            raise NotReadable("Its body says something twice.")
        if reader.next() == "[":
            value[name] = _items(reader, of_item if name == ITEMS else lambda item: item)
        else:
            value[name] = reader.value()
    reader.take("}")
    return value


def _items(reader: "_Reader", of_item: Callable[[object], object]) -> list[object]:
    """What is kept of the list that comes next."""
    items: list[object] = []
    reader.take("[")
    while reader.next() != "]":
        if items:
            reader.take(",")
        if len(items) == MOST_ITEMS:
            raise NotReadable(_TOO_MUCH)
        items.append(of_item(_item(reader)))
    reader.take("]")
    return items


def _item(reader: "_Reader") -> object:
    """The next value; of a long object the members, long texts cut, and None for what else is long."""
    with suppress(_TooLong):
        return reader.value()
    if reader.next() != "{":
        reader.skip()
        return None
    item: dict[str, object] = {}
    reader.take("{")
    while reader.next() != "}":
        if item:
            reader.take(",")
        if len(item) == MOST_MEMBERS:
            raise NotReadable(_TOO_MUCH)
        name = reader.name()
        try:
            item[name] = reader.value()
        except _TooLong:
            item[name] = reader.beginning()
            reader.skip()
    reader.take("}")
    return item


class _TooLong(NotReadable):
    """A value has more than `MOST_VALUE_CHARACTERS`."""


class _Reader:
    """Reads JSON from the front; only what is being read is held as text. Raises `ValueError`."""

    def __init__(self, body: bytes) -> None:
        self._pieces = _decoded(body)
        self._text = ""
        self._at = 0

    def next(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, expected: str) -> None:
        """Goes behind the next character, which has to be this one."""
        if self.next() != expected:
            raise ValueError(f"{expected} is missing")
        self._at += 1

    def name(self) -> str:
        """The name of a member; its value comes next."""
        name = self.value()
        if not isinstance(name, str):
            raise ValueError("a member's name is no text")  # noqa: TRY004
        self.take(":")
        return name

    def beginning(self) -> object:
        """How a text that comes next begins, if one does; it has not moved."""
        text = _BEGINNING.match(self._text, self._at)
        return _DECODER.decode(text[0] + '"') if text else None

    def value(self) -> object:
        """The next value. Raises `_TooLong`, and then has not moved."""
        self.next()
        whole = False
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except ValueError:
                if whole:
                    raise
            else:
                if whole or end < len(self._text):  # a number may go on where the text ends
                    self._at = end
                    return value
            if len(self._text) - self._at > MOST_VALUE_CHARACTERS:
                raise _TooLong(_TOO_MUCH)
            whole = not self._more()

    def skip(self) -> None:
        """Goes behind the next value without looking at it, which has brackets or is a text."""
        depth = parts = 0
        while parts < _MOST_SKIPPED_PARTS:
            found = _BRACKET_OR_TEXT.search(self._text, self._at)
            if found is None:
                self._at = len(self._text)
                if not self._more():
                    raise ValueError("a value does not end")
                continue
            self._at = found.end()
            parts += 1
            if found[0] == '"':
                self._skip_text()
            else:
                depth += 1 if found[0] in "[{" else -1
            if depth <= 0:
                return
        raise NotReadable(_TOO_MUCH)

    def _skip_text(self) -> None:
        while True:
            text = _IN_TEXT.match(self._text, self._at)
            self._at = text.end() if text else self._at
            if self._text.startswith('"', self._at):
                self._at += 1
                return
            if not self._more():
                raise ValueError("a text does not end")

    def _more(self) -> bool:
        """Takes in another piece, and lets go of what was read."""
        piece = next(self._pieces, "")
        self._text = self._text[self._at :] + piece
        self._at = 0
        return bool(piece)


def _decoded(body: bytes) -> Iterator[str]:
    """The text of a body. Bytes that are no UTF-8 take many times as long as others, so pieces are short."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for start in range(0, len(body), _PIECE_BYTES):
        if text := decoder.decode(body[start : start + _PIECE_BYTES]):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text
