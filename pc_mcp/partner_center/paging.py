"""Walks a paged collection. Nothing else in this program knows what a continuation token is.

Devices give the token in the body ("Get a list of devices": `continuationToken`), other collections
in the headers of their `next` link; both want it back as the header MS-ContinuationToken, and some
collections only with `seekOperation=Next` in the query. How long a token lives is not documented.
"""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from pc_mcp.partner_center.errors import BrokenPaging, MalformedAnswer
from pc_mcp.partner_center.models import text
from pc_mcp.partner_center.transport import Transport

TOKEN_HEADER = "MS-ContinuationToken"
MAX_EMPTY_PAGES = 5


@dataclass(frozen=True, slots=True)
class NextToken:
    """What the next page is asked for with. Opaque to everyone else.

    value: None for a token that cannot be sent back; seek: whether it needs `seekOperation=Next`.
    """

    value: str | None
    seek: bool


@dataclass(frozen=True, slots=True)
class Page:
    """The items of one page as `json` gives them. `next_token` is None on the last page."""

    items: list[object]
    next_token: NextToken | None


Pages = AsyncGenerator[Page, None]


@dataclass(frozen=True, slots=True)
class PagedRequest:
    """A collection to walk. `always_seek` adds `seekOperation=Next` from the second page on."""

    path: str
    always_seek: bool = False


async def pages(
    transport: Transport, request: PagedRequest, *, correlation_id: str, token: NextToken | None = None
) -> Pages:
    """Every page from the one that `token` asks for (None: the first), in order.

    Raises a `PartnerCenterError`; `BrokenPaging` when a token repeats or cannot be sent, or pages
    stay empty: the walk always ends, and never early without saying so.
    """
    seen = {token.value} if token else set()
    empty = 0
    before: list[object] | None = None
    seek = request.always_seek or (token is not None and token.seek)
    while True:
        page = await _page(transport, request.path, correlation_id, token, seek=seek)
        if page.items and page.items == before:
            if seek:
                raise BrokenPaging("A page came twice.", correlation_id=correlation_id)
            # Some collections move on only when told to; the documents do not say which.
            seek = True
            page = await _page(transport, request.path, correlation_id, token, seek=seek)
            if page.items == before:
                raise BrokenPaging("A page came twice.", correlation_id=correlation_id)
        empty = 0 if page.items else empty + 1
        yield page
        if page.next_token is None:
            return
        if page.next_token.value in seen:
            raise BrokenPaging("A continuation token came twice.", correlation_id=correlation_id)
        if empty == MAX_EMPTY_PAGES:
            raise BrokenPaging(f"{empty} pages in a row are empty.", correlation_id=correlation_id)
        seen.add(page.next_token.value)
        before, token = page.items, page.next_token


async def _page(transport: Transport, path: str, correlation_id: str, token: NextToken | None, *, seek: bool) -> Page:
    headers: dict[str, str] = {}
    if token:
        if token.value is None:
            raise BrokenPaging("A continuation token cannot be sent back.", correlation_id=correlation_id)
        headers[TOKEN_HEADER] = token.value
        if seek:
            path += ("&" if "?" in path else "?") + "seekOperation=Next"
    body = await transport.get(path, correlation_id=correlation_id, headers=headers)
    items = body.get("items") if isinstance(body, dict) else None
    # A list may be null or missing, but an error that comes with 200 is no empty list.
    is_error = isinstance(body, dict) and items is None and ("code" in body or "statusCode" in body)
    if not isinstance(body, dict) or is_error or not (items is None or isinstance(items, list)):
        raise MalformedAnswer("It is no collection.", status=200, correlation_id=correlation_id)
    return Page(items or [], _next_token(body, seek=seek))


def _next_token(body: dict[str, object], *, seek: bool) -> NextToken | None:
    """The body's token, else the one in the headers of `links.next`; None where neither gives one."""
    given = [token for token in (body.get("continuationToken"), *_link_tokens(body)) if token not in (None, "")]
    # A header carries visible ASCII. A token of another kind is kept, as one that cannot be sent:
    # a list that has more pages must not pass for a complete one.
    texts = (text(token) for token in given)
    value = next((token for token in texts if token and token.isascii() and token.isprintable()), None)
    return NextToken(value, seek) if given else None


def _link_tokens(body: dict[str, object]) -> Iterator[object]:
    links = body.get("links")
    following = links.get("next") if isinstance(links, dict) else None
    headers = following.get("headers") if isinstance(following, dict) else None
    for header in headers if isinstance(headers, list) else []:
        key = header.get("key") if isinstance(header, dict) else None
        if isinstance(key, str) and key.casefold() == TOKEN_HEADER.casefold():
            yield header.get("value")
