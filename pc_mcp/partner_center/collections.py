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

_NO_PAGE = ("status", "title", "description", "source", "detail", "details")
"""What errors have, and no page."""


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


def _said_once(members: list[tuple[str, object]]) -> dict[str, object]:
    if len(value := dict(members)) < len(members):
        raise ValueError("something is said twice")
    return value


_DEVICES = msgspec.json.Decoder(list[Device])
_AROUND = json.JSONDecoder(object_pairs_hook=_said_once)


def devices(body: bytes) -> Collection[Device]:
    """A page of devices. Raises `NotReadable`."""
    # The strict parser keeps other threads from running while it reads.
    if len(body) < LARGE_BODY_BYTES and not _has_spaced_names(body) and (page := _strictly(without_mark(body))):
        return page
    return collection(body, models.device)


def _strictly(body: bytes) -> Collection[Device] | None:
    """A page of devices as documented; None where anything in it is otherwise. Raises `NotReadable`.

    The strict parser reads the items alone: around them it would not see that something is said twice.
    """
    begin = body.find(b"[", body.find(b'"items"'))
    end = _last_end_of_objects(body)
    around = body[:begin] + b"[]" + body[end:]
    # What stands around may be parsed as JSON only if that is a list that begins and ends there.
    if not 0 <= begin < end or around.count(b'"items"') != 1 or b"\\" in around:
        return None
    try:
        said = _AROUND.decode(around.decode())
        if not isinstance(said, dict) or said.get(ITEMS) != []:
            return None
        found = _DEVICES.decode(memoryview(body)[begin:end])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return _collection(said, found, found) if all(map(_says_something, found)) else None


def _last_end_of_objects(body: bytes) -> int:
    """Where the last list of objects ends, which is that of the devices unless another follows it; 0 if not near."""
    at = len(body)
    for _ in range(5):
        at = body.rfind(b"]", 0, at)
        if body[max(at - 20, 0) : max(at, 0)].rstrip().endswith(b"}"):
            return at + 1
    return 0


def _says_something(device: Device) -> bool:
    """Whether there is a fact that only devices have: what has none may be something else."""
    return bool(device.uploaded or device.serial_number or device.product_key or device.model or device.manufacturer)


def _has_spaced_names(body: bytes) -> bool:
    """Whether names may have white space around them: the strict parser takes them for other names.

    A published sample has " attributes", which is not kept anyway.
    """
    # From behind, since bytes are searched twice as fast that way.
    if body.rfind(b' ":') >= 0:
        return True
    return body.rfind(b'" ') >= 0 and body.count(b'" ') != body.count(b'" attributes":')


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
    sent = value.get(ITEMS) if isinstance(value, dict) else None
    items = sent if isinstance(sent, list) else []
    return _collection(value, [item for item in items if not isinstance(item, _Unreadable)], sent)


def _collection(value: object, items: list[T], sent: object) -> Collection[T]:
    """value: the whole page; items: those of it that could be read; sent: all that stand for its items."""
    if not isinstance(value, dict) or shapes.says_error(value, *_NO_PAGE):
        raise NotReadable("It is no collection.")
    if len(lists := [given for given in shapes.members(value, ITEMS) if given is not None]) > 1:
        raise NotReadable("It is no collection.")
    if not isinstance(sent, list) and (lists or not shapes.says_empty(value)):
        raise NotReadable("It is no collection.")
    all_items = sent if isinstance(sent, list) else []
    said = {name: member for name, member in value.items() if name != ITEMS}
    tokens, goes_on = tuple(shapes.tokens(said)), shapes.goes_on(said)
    if not all_items and not tokens and not goes_on and not shapes.is_bare(said):
        raise NotReadable("It is no collection.")
    return Collection(
        items,
        len(all_items) - len(items),
        tokens=tokens,
        goes_on=goes_on,
        total=shapes.total(said),
        fingerprint=_fingerprint(items or all_items),
    )


def _fingerprint(items: Sequence[object]) -> int:
    # The hash of a tuple of very many items would keep other threads from running.
    return hash(tuple(hash(item) for item in items))
