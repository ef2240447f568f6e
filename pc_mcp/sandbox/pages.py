"""Collections and their continuation tokens, the only place that knows how a token is made."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from pc_mcp.sandbox import errors
from pc_mcp.sandbox.errors import ServiceError

if TYPE_CHECKING:
    from pc_mcp.sandbox.seeded import JsonObject

TOKEN_HEADER = "MS-ContinuationToken"
CUSTOMERS_PAGE_SIZE = 500
"""Default and largest `size` of a page of customers."""


def page_token(seed: int, collection: str, page: int) -> str:
    """The opaque token of a page (from 1), good for that collection only."""
    text = f"{collection}\n{page}".encode()
    proof = hmac.digest(str(seed).encode(), text, hashlib.sha256)[:15]
    return base64.urlsafe_b64encode(proof + str(page).encode()).decode()


def page_of_token(seed: int, collection: str, token: str) -> int:
    """The page that a token stands for; `ServiceError` 400 when it is not of this collection."""
    try:
        page = int(base64.urlsafe_b64decode(token)[15:])
    except ValueError:
        raise ServiceError(errors.UNKNOWN_TOKEN) from None
    if not hmac.compare_digest(page_token(seed, collection, page), token):
        raise ServiceError(errors.UNKNOWN_TOKEN)
    return page


def collection(items: list[Any], total: int | str | None = None) -> JsonObject:
    """A collection of one page; `totalCount` is its number of items unless `total` is given."""
    return {
        "totalCount": len(items) if total is None else total,
        "items": items,
        "attributes": {"objectType": "Collection"},
    }


def device_total(items: list[Any], page: int) -> int | str:
    """`totalCount` of a page of devices: now and then wrong or a string, as recorded."""
    if page % 20 == 7:
        return f"{len(items):02d}"
    return len(items) + 1 if page % 20 == 13 else len(items)


def next_link(uri: str, token: str) -> JsonObject:
    """`links.next`, which carries the token as a header to send."""
    return {
        "uri": uri,
        "method": "GET",
        "headers": [{"key": TOKEN_HEADER, "value": token}],
    }


def filtered(customers: list[JsonObject], text: str | None) -> list[JsonObject]:
    """The customers that fit the filter of "Get a list of customers filtered by a search field".

    `text` is JSON with `Field` (`CompanyName` or `Domain`), `Value` and `Operator`
    (`starts_with`); `ServiceError` 400 when it is anything else.
    """
    if not text:
        return customers
    try:
        wanted = json.loads(text)
        key = {"companyname": "companyName", "domain": "domain"}[wanted["Field"].lower()]
        start = wanted["Value"].casefold()
        known = wanted["Operator"].lower() == "starts_with"
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ServiceError(errors.BAD_FILTER) from None
    if not known:
        raise ServiceError(errors.BAD_FILTER)
    return [c for c in customers if c["companyProfile"][key].casefold().startswith(start)]


def size_of(text: str | None) -> int:
    """Customers in a page; nothing and zero mean the default."""
    if text is not None and not (text.isascii() and text.isdigit()):
        raise ServiceError(errors.BAD_SIZE)
    return min(int(text or 0) or CUSTOMERS_PAGE_SIZE, CUSTOMERS_PAGE_SIZE)
