"""Walks a paged collection. Nothing else in this program knows what a continuation token is.

Devices give the token in the body ("Get a list of devices": `continuationToken`), other collections
in the headers of their `next` link; both want it back as the header MS-ContinuationToken, and some
collections only with `seekOperation=Next` in the query. How long a token lives is not documented.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from pc_mcp.partner_center.collections import TOKEN_HEADER, Collection
from pc_mcp.partner_center.errors import BrokenPaging
from pc_mcp.partner_center.models import text
from pc_mcp.partner_center.transport import Transport

MAX_EMPTY_PAGES = 5

T = TypeVar("T")


class Trail:
    """Which pages and tokens a walk has met, and at which page, so that none is taken twice.

    A page that is read again because what came after it was not kept is no repetition.
    """

    def __init__(self) -> None:
        self._met: dict[object, int] = {}

    def repeats(self, met: object, position: int) -> bool:
        """Whether `met` came before page `position` (from 0); it is remembered if not."""
        return self._met.setdefault(met, position) < position


@dataclass(frozen=True, slots=True)
class NextToken:
    """What the next page is asked for with. Opaque to everyone else.

    value: None for a token that cannot be sent back; seek: whether it needs `seekOperation=Next`;
    position: the number of that page, from 0.
    """

    value: str | None
    seek: bool
    position: int
    trail: Trail = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The items of one page that could be read, and how many could not. `next_token` is None on the last page."""

    items: list[T]
    unreadable: int
    next_token: NextToken | None


Pages: TypeAlias = AsyncGenerator[Page[T], None]


@dataclass(frozen=True, slots=True)
class PagedRequest(Generic[T]):
    """A collection to walk, and what reads its pages. `always_seek` adds `seekOperation=Next` from
    the second page on."""

    path: str
    read: Callable[[bytes], Collection[T]]
    always_seek: bool = False


async def pages(
    transport: Transport, request: PagedRequest[T], *, correlation_id: str, token: NextToken | None = None
) -> Pages[T]:
    """Every page from the one that `token` asks for (None: the first), in order.

    Raises a `PartnerCenterError`; `BrokenPaging` when a page or a token comes twice or a token cannot
    be sent, or pages stay empty: the walk always ends, and never early without saying so.
    """
    trail, position = (token.trail, token.position) if token else (Trail(), 0)
    seek = request.always_seek or (token is not None and token.seek)
    empty = 0
    while True:
        page = await _page(transport, request, correlation_id, token, seek=seek)
        is_empty = not page.items and not page.unreadable
        if not is_empty and trail.repeats(page.fingerprint, position):
            if not seek:
                # Some collections move on only when told to; the documents do not say which.
                seek = True
                continue
            raise BrokenPaging("A page came twice.", correlation_id=correlation_id)
        empty = empty + 1 if is_empty else 0
        position += 1
        value = _token_of(page)
        token = None if value is None else NextToken(value or None, seek, position, trail)
        yield Page(page.items, page.unreadable, token)
        if token is None:
            return
        if trail.repeats(token.value, position):
            raise BrokenPaging("A continuation token came twice.", correlation_id=correlation_id)
        if empty == MAX_EMPTY_PAGES:
            raise BrokenPaging(f"{empty} pages in a row are empty.", correlation_id=correlation_id)


async def _page(
    transport: Transport, request: PagedRequest[T], correlation_id: str, token: NextToken | None, *, seek: bool
) -> Collection[T]:
    path, headers = request.path, dict[str, str]()
    if token:
        if token.value is None:
            raise BrokenPaging("A continuation token cannot be sent back.", correlation_id=correlation_id)
        headers[TOKEN_HEADER] = token.value
        if seek:
            path += ("&" if "?" in path else "?") + "seekOperation=Next"
    return await transport.get(path, request.read, correlation_id=correlation_id, headers=headers)


def _token_of(page: Collection[T]) -> str | None:
    """The token of the next page; None on the last page, and an empty one for a token that cannot be sent.

    A header carries visible ASCII. A list that has more pages must not pass for a complete one.
    """
    given = [token for token in page.tokens if token not in (None, "")]
    texts = (text(token) for token in given)
    sendable = (token for token in texts if token and token.isascii() and token.isprintable())
    return next(sendable, "") if given else None
