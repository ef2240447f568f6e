"""Reads the body of an answer.

Recorded answers start with a UTF-8 byte-order mark, so an HTTP library's own `.json()` is no use.
The parser is tolerant: one broken character or number in one device does not cost the page it is on.
"""

import json
import re
from collections.abc import Callable

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_SPACE = re.compile(r"[ \t\n\r]*")

LARGE_BODY_BYTES = 2**18
"""A body from here on is read step by step, in a worker thread."""


ITEMS = "items"


class NotReadable(ValueError):
    """A body that is not what was asked for; the text says why in a sentence."""


def without_mark(body: bytes) -> bytes:
    """`body` without the byte-order mark that it may begin with."""
    return body.removeprefix(_BYTE_ORDER_MARK)


def parsed(body: bytes, of_item: Callable[[object], object] = lambda item: item) -> object:
    """The JSON value in `body`. Raises `NotReadable` when it is none.

    of_item: what is kept of each of the `items` of a collection, so that a long list is never held as it came.
    """
    text = without_mark(body).decode("utf-8", errors="replace")
    try:
        return _at_once(text, of_item) if len(body) < LARGE_BODY_BYTES else _in_steps(text, of_item)
    except (ValueError, IndexError, RecursionError):
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
    # An honest code is short and plain; anything else could carry text into an error message.
    return str(code) if _CODE.fullmatch(str(code)) else None


def _bounded_int(digits: str) -> int | float:
    # Reading an integer takes time that grows with the square of its length, and `models.text` takes
    # no number as long as this. It is not None: a continuation token that is none would end a list.
    return int(digits) if len(digits) <= 31 else float(digits)


_DECODER = json.JSONDecoder(parse_int=_bounded_int)


def _at_once(text: str, of_item: Callable[[object], object]) -> object:
    value = _DECODER.decode(text)
    if isinstance(value, dict) and isinstance(value.get(ITEMS), list):
        value[ITEMS] = [of_item(item) for item in value[ITEMS]]
    return value


def _in_steps(text: str, of_item: Callable[[object], object]) -> object:
    """The same, read in pieces: the decoder keeps other threads from running while it reads one.

    A piece is a member of the outermost object, or an item where such a member is a list.
    """
    at = _after_space(text, 0)
    if text[at] != "{":
        return _at_once(text, of_item)
    value: dict[str, object] = {}
    at = _after_space(text, at + 1)
    while text[at] != "}":
        if value:
            at = _after(text, at, ",")
        name, at = _DECODER.raw_decode(text, at)
        if not isinstance(name, str):
            raise ValueError("a member's name is no text")  # noqa: TRY004
        at = _after(text, _after_space(text, at), ":")
        if text[at] == "[":
            value[name], at = _items(text, at, of_item if name == ITEMS else lambda item: item)
        else:
            value[name], at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)
    if _after_space(text, at + 1) != len(text):
        raise ValueError("something follows the value")
    return value


def _items(text: str, at: int, of_item: Callable[[object], object]) -> tuple[list[object], int]:
    """What is kept of the list that begins at `at`, and where what follows it begins."""
    items: list[object] = []
    at = _after_space(text, at + 1)
    while text[at] != "]":
        if items:
            at = _after(text, at, ",")
        item, at = _DECODER.raw_decode(text, at)
        items.append(of_item(item))
        at = _after_space(text, at)
    return items, at + 1


def _after(text: str, at: int, expected: str) -> int:
    """Where the next token begins, after the character that has to be at `at`."""
    if text[at] != expected:
        raise ValueError(f"{expected} is missing")
    return _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
