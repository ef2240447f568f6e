"""Reads the body of one page of a collection.

Devices come by the hundred thousand, so a strict parser reads their pages first, and of each device
only what is kept; it is several times as fast as reading everything (`bench/RESULTS.md` has the
figures). A page with a fact of another type than documented is left to the tolerant parser, which
reads every other collection as well.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from pc_mcp.partner_center import models, shapes
from pc_mcp.partner_center.body import ITEMS, LARGE_BODY_BYTES, NotReadable, parsed, without_mark
from pc_mcp.partner_center.models import Device

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Collection(Generic[T]):
    """A page as it was sent. `unreadable` counts items that are left out; `tokens` holds whatever
    stands where a continuation token may be, the preferred place first; goes_on: it says in another
    way that a page follows; total: how many items it says there are, on this page or on all of them, or 0.
    Pages with the same `fingerprint` bring the same."""

    items: list[T]
    unreadable: int
    tokens: tuple[object, ...]
    goes_on: bool
    total: int
    fingerprint: int


class _DevicePage(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A page that holds what is documented and nothing else, which might say that it is no page."""

    items: list[Device]
    total_count: object = None
    continuation_token: object = None
    links: object = None
    attributes: object = None


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
            said = {
                "totalCount": page.total_count,
                "continuationToken": page.continuation_token,
                "links": page.links,
            }
            return _collection(said, page.items, 0)
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
    if not isinstance(value, dict) or shapes.says_error(value, "status", "title"):
        raise NotReadable("It is no collection.")
    items = value.get(ITEMS)
    if len(lists := [given for given in shapes.members(value, ITEMS) if given is not None]) > 1:
        raise NotReadable("It is no collection.")
    if not isinstance(items, list) and (lists or not shapes.says_empty(value)):
        raise NotReadable("It is no collection.")
    readable = [item for item in items or [] if not isinstance(item, _Unreadable)]
    return _collection(value, readable, len(items or []) - len(readable), items)


def _collection(
    said: dict[str, object], items: list[T], unreadable: int, sent: Sequence[object] | None = None
) -> Collection[T]:
    """said: the page without its items; sent: the items with those that are unreadable."""
    return Collection(
        items,
        unreadable,
        tokens=tuple(shapes.tokens(said)),
        goes_on=shapes.goes_on(said),
        total=shapes.total(said),
        fingerprint=_fingerprint(items or sent or []),
    )


def _fingerprint(items: Sequence[object]) -> int:
    # The hash of a tuple of very many items would keep other threads from running.
    return hash(tuple(hash(item) for item in items))
