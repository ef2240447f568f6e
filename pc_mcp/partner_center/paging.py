"""Walks a paged collection. Nothing else in this program knows what a continuation token is.

Devices give the token in the body ("Get a list of devices": `continuationToken`), other collections
in the headers of their `next` link; both want it back as the header MS-ContinuationToken, and some
collections only with `seekOperation=Next` in the query. How long a token lives is not documented.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from pc_mcp.auth import Account
from pc_mcp.partner_center.collections import Collection
from pc_mcp.partner_center.errors import BrokenPaging, ListTooLong
from pc_mcp.partner_center.models import text
from pc_mcp.partner_center.shapes import TOKEN_HEADER
from pc_mcp.partner_center.transport import Transport

MAX_EMPTY_PAGES = 5
MOST_ITEMS = 100_000
MOST_BYTES = 256 * 2**20
MAX_TOKEN_CHARACTERS = 32_768

T = TypeVar("T")


class Trail:
    """Which pages and tokens a walk has met, and at which page, so that none is taken twice.

    A page that is read again because what came after it was not kept is no repetition.
    """

    def __init__(self) -> None:
        self._met: dict[object, int] = {}

    def repeats(self, met: object, position: int) -> bool:
        """Whether `met` came before page `position` (from 0); it is remembered if not."""
        # A token may be long, and there may be many.
        return self._met.setdefault(hash(met), position) < position


@dataclass(frozen=True, slots=True)
class NextToken:
    """What the next page is asked for with. Opaque to everyone else.

    seek: whether it needs `seekOperation=Next`; position: the number of that page, from 0; items, size: how
    many there are on the pages before it, and in how many bytes; nowhere: why there is another page and no
    way to it, in a sentence.
    """

    value: str
    seek: bool
    position: int
    items: int
    size: int
    trail: Trail = field(compare=False, repr=False)
    nowhere: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The items of one page that could be read, and how many could not; in how many bytes they came. `next_token`
    is None on the last page."""

    items: list[T]
    unreadable: int
    next_token: NextToken | None
    size: int


Pages: TypeAlias = AsyncGenerator[Page[T], None]


@dataclass(frozen=True, slots=True)
class PagedRequest(Generic[T]):
    """A collection to walk, and what reads its pages. `always_seek` adds `seekOperation=Next` from
    the second page on; most_items, most_bytes: how long it may be, for a list may never end."""

    path: str
    read: Callable[[bytes], Collection[T]]
    always_seek: bool = False
    most_items: int = MOST_ITEMS
    most_bytes: int = MOST_BYTES


async def pages(
    transport: Transport,
    request: PagedRequest[T],
    *,
    account: Account,
    correlation_id: str,
    token: NextToken | None = None,
) -> Pages[T]:
    """Every page from the one that `token` asks for (None: the first), in order, all in the name of `account`.

    Raises a `PartnerCenterError`; `BrokenPaging` when a page or a token comes twice, a token cannot be sent,
    pages stay empty, or the last page says that there is more; `ListTooLong` when there are more items or
    bytes than there may be: the walk always ends, and never early without saying so.
    """
    trail, position = (token.trail, token.position) if token else (Trail(), 0)
    items, size = (token.items, token.size) if token else (0, 0)
    seek = request.always_seek or (token is not None and token.seek)
    empty = 0
    while True:
        page, page_size = await _page(transport, request, account, correlation_id, token, seek=seek)
        is_empty = not page.items and not page.unreadable
        if not is_empty and trail.repeats(page.fingerprint, position):
            if not seek:
                # Some collections move on only when told to; the documents do not say which.
                seek = True
                continue
            raise BrokenPaging("A page came twice.", correlation_id=correlation_id)
        empty = empty + 1 if is_empty else 0
        position += 1
        items += len(page.items) + page.unreadable
        size += page_size
        value, nowhere = _way_on(page, items)
        token = NextToken(value, seek, position, items, size, trail, nowhere) if value or nowhere else None
        yield Page(page.items, page.unreadable, token, page_size)
        if token is None:
            return
        if value and trail.repeats(token.value, position):
            raise BrokenPaging("A continuation token came twice.", correlation_id=correlation_id)
        if empty == MAX_EMPTY_PAGES:
            raise BrokenPaging(f"{empty} pages in a row are empty.", correlation_id=correlation_id)
        if items >= request.most_items or size >= request.most_bytes:
            raise ListTooLong(f"It had {items:,} items and went on.", correlation_id=correlation_id)


async def _page(
    transport: Transport,
    request: PagedRequest[T],
    account: Account,
    correlation_id: str,
    token: NextToken | None,
    *,
    seek: bool,
) -> tuple[Collection[T], int]:
    """A page, and how many bytes it had."""
    path, headers = request.path, dict[str, str]()
    if token:
        if token.nowhere:
            raise BrokenPaging(token.nowhere, correlation_id=correlation_id)
        headers[TOKEN_HEADER] = token.value
        if seek:
            path += ("&" if "?" in path else "?") + "seekOperation=Next"

    def read(body: bytes) -> tuple[Collection[T], int]:
        return request.read(body), len(body)

    return await transport.get(path, read, account=account, correlation_id=correlation_id, headers=headers)


def _way_on(page: Collection[T], items: int) -> tuple[str, str]:
    """The token of the next page, or why there is none although the list goes on; neither on the last page.

    items: how many there are up to here.
    A list that has more must not pass for a complete one.
    """
    for token in (text(given, None) for given in page.tokens):
        # A header carries visible ASCII.
        if token and len(token) <= MAX_TOKEN_CHARACTERS and token.isascii() and token.isprintable():
            return token, ""
    if page.tokens:
        return "", "A continuation token cannot be sent back."
    if page.goes_on:
        return "", "A page says that another one follows, and not how to ask for it."
    if page.total and not items:
        # Beside items, totals are known to be wrong; that of a list without any is all there is to go by.
        return "", f"The list is said to have {page.total:,} items, and none came."
    return "", ""
