"""JSON-RPC on a line: reading a message, refusing what is none, and which requests still wait for an answer."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

MAX_LINE_BYTES = 4 * 2**20
_MARK = b"\xef\xbb\xbf"
_TOO_LONG = b""


async def lines(receive: Callable[[], Awaitable[bytes]]) -> AsyncIterator[bytes]:
    """The lines of what `receive` brings until it brings nothing; one that is too long comes as b"".

    The last one need not end. Blank ones are left out.
    """
    begun = bytearray()
    is_too_long = False
    while chunk := await receive():
        first, *more = chunk.split(b"\n")
        begun += first
        for part in more:
            if is_too_long or begun.strip():
                yield _TOO_LONG if is_too_long else bytes(begun)
            begun, is_too_long = bytearray(part), False
        if len(begun) > MAX_LINE_BYTES:
            begun, is_too_long = bytearray(), True
    if is_too_long or begun.strip():
        yield _TOO_LONG if is_too_long else bytes(begun)


def read(line: bytes) -> tuple[JSONRPCMessage | None, JSONRPCError | None]:
    """A message; or the answer to what is none, which there is not to an answer: two might never end."""
    if line == _TOO_LONG:
        return None, _error(None, PARSE_ERROR, f"The message is longer than {MAX_LINE_BYTES:,} bytes.")
    text = line.removeprefix(_MARK).decode("utf-8", "replace")
    try:
        message = jsonrpc_message_adapter.validate_json(text, by_name=False)
    except (ValidationError, ValueError):
        pass
    else:
        # A request whose id is neither text nor a whole number would be taken for a notification.
        if not isinstance(message, JSONRPCNotification) or not _has_id(text):
            return message, None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None, _error(None, PARSE_ERROR, "This is no JSON: a message is one JSON object on one line.")
    if isinstance(found, dict) and found.keys() & {"result", "error"}:
        return None, None
    what = (
        "This is no JSON-RPC 2.0 request: it needs jsonrpc, method and id, which is text or a whole number; params are "
        "an object."
    )
    return None, _error(_id(found), INVALID_REQUEST, what)


def _has_id(text: str) -> bool:
    """Whether something calls itself the id of what was read as a notification."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return True  # who can read it more strictly than the first reader finds no message at all
    return isinstance(found, dict) and "id" in found


def _id(found: object) -> RequestId | None:
    """The id of what looks like a request, where it can be sent back."""
    given = found.get("id") if isinstance(found, dict) else None
    if isinstance(given, bool) or not isinstance(given, str | int):
        return None
    return given if not isinstance(given, str) or given.isprintable() else None


def _error(request: RequestId | None, code: int, message: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=request, error=ErrorData(code=code, message=message))


class OpenRequests:
    """The client's requests that wait for an answer."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._closed_one = anyio.Event()

    def note(self, message: JSONRPCMessage) -> None:
        """A message of the client's: a request waits for an answer until it is cancelled."""
        if isinstance(message, JSONRPCRequest):
            self._open[str(message.id)] += 1
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self._close((message.params or {}).get("requestId"))

    def close(self, message: JSONRPCMessage) -> None:
        """A message to the client, which may be the answer."""
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            self._close(message.id)

    async def all_answered(self) -> None:
        """Until no request waits for an answer."""
        while self._open:
            self._closed_one = anyio.Event()
            await self._closed_one.wait()

    def _close(self, request: object) -> None:
        key = str(request)
        self._open[key] -= 1
        if self._open[key] <= 0:
            del self._open[key]
        self._closed_one.set()
