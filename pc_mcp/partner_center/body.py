"""Reads the body of an answer.

Recorded answers start with a UTF-8 byte-order mark, so an HTTP library's own `.json()` is no use.
A strict, fast parser takes what it can; a tolerant one takes the rest, so that one broken character
or number in one device does not cost the page it is on.
"""

import json
import re

from pydantic_core import from_json

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,32}")


def parsed(body: bytes) -> object:
    """The JSON value in `body`. Raises ValueError when it is none."""
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        value: object = from_json(body, allow_inf_nan=False)
    except ValueError:
        try:
            value = json.loads(body.decode("utf-8", errors="replace"), parse_int=_bounded_int)
        except RecursionError:
            raise ValueError("nested too deeply") from None
    return value


def error_code(body: bytes) -> str | None:
    """The `code` of an error body as text; None where the body is empty, HTML or of another shape."""
    try:
        value = parsed(body)
    except ValueError:
        return None
    code = value.get("code") if isinstance(value, dict) else None
    if isinstance(code, bool) or not isinstance(code, int | str):
        return None
    # An honest code is short and plain; anything else could carry text into an error message.
    return str(code) if _CODE.fullmatch(str(code)) else None


def _bounded_int(digits: str) -> int | None:
    return int(digits) if len(digits) < 30 else None
