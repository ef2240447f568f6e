"""Reads the body of one page of a collection.

Devices come by the hundred thousand, so a strict parser reads their pages first, and of each device
only what is kept; it is several times as fast as reading everything (`bench/RESULTS.md` has the
figures). A page with a fact of another type than documented is left to the tolerant parser, which
reads every other collection as well.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from pc_mcp.partner_center import models
from pc_mcp.partner_center.body import ITEMS, LARGE_BODY_BYTES, NotReadable, parsed, without_mark
from pc_mcp.partner_center.models import Device

TOKEN_HEADER = "MS-ContinuationToken"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Collection(Generic[T]):
    """A page as it was sent. `unreadable` counts items that are left out; `tokens` holds whatever
    stands where a continuation token may be, the preferred place first. Pages with the same
    `fingerprint` bring the same."""

    items: list[T]
    unreadable: int
    tokens: tuple[object, ...]
    fingerprint: int


class _DevicePage(msgspec.Struct):
    items: list[Device]
    continuation_token: object = msgspec.field(default=None, name="continuationToken")
    links: object = None


_DEVICE_PAGE = msgspec.json.Decoder(_DevicePage)


def devices(body: bytes) -> Collection[Device]:
    """A page of devices. Raises `NotReadable`."""
    # The strict parser keeps other threads from running while it reads.
    if len(body) < LARGE_BODY_BYTES and not _has_spaced_names(body):
        try:
            page = _DEVICE_PAGE.decode(without_mark(body))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
        else:
            tokens = (page.continuation_token, *_link_tokens(page.links))
            return Collection(page.items, 0, tokens, _fingerprint(page.items))
    return collection(body, models.device)


def _has_spaced_names(body: bytes) -> bool:
    """Whether names may have white space around them: the strict parser takes them for other names.

    A published sample has " attributes", which is not kept anyway.
    """
    return b' ":' in body or (b'" ' in body and body.count(b'" ') != body.count(b'" attributes":'))


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """An item that could not be read. Nothing is known of it but how it was written."""

    written: int


def collection(body: bytes, read: Callable[[object], T | None]) -> Collection[T]:
    """A page of whatever `read` makes of an item. Raises `NotReadable`."""

    def of_item(item: object) -> T | _Unreadable:
        made = read(item)
        return _Unreadable(hash(json.dumps(item))) if made is None else made

    value = parsed(body, of_item)
    items = value.get(ITEMS) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not (isinstance(items, list) or (items is None and _says_it_is_empty(value))):
        raise NotReadable("It is no collection.")
    readable = [item for item in items or [] if not isinstance(item, _Unreadable)]
    tokens = (value.get("continuationToken"), *_link_tokens(value.get("links")))
    unreadable = len(items or []) - len(readable)
    return Collection(readable, unreadable, tokens, _fingerprint(readable or items or []))


def _says_it_is_empty(value: dict[str, object]) -> bool:
    """Whether an object without items is a collection: an error that comes with 200 must not end a list early."""
    attributes = value.get("attributes")
    object_type = attributes.get("objectType") if isinstance(attributes, dict) else None
    return ("totalCount" in value or object_type == "Collection") and not {"code", "statusCode"} & value.keys()


def _fingerprint(items: Sequence[object]) -> int:
    # The hash of a tuple of very many items would keep other threads from running.
    return hash(tuple(hash(item) for item in items))


def _link_tokens(links: object) -> Iterator[object]:
    following = links.get("next") if isinstance(links, dict) else None
    headers = following.get("headers") if isinstance(following, dict) else None
    for header in headers if isinstance(headers, list) else []:
        key = header.get("key") if isinstance(header, dict) else None
        if isinstance(key, str) and key.casefold() == TOKEN_HEADER.casefold():
            yield header.get("value")
