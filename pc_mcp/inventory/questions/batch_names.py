"""Which batch a person means: by its id, or a part of it that only one batch has."""

from collections.abc import Sequence

from pc_mcp.inventory.errors import AmbiguousBatch, UnknownBatch, asking_for
from pc_mcp.inventory.nearest import nearest
from pc_mcp.inventory.reading.batch_reading import BatchReading
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.store.product_keys import MASK, without_keys
from pc_mcp.inventory.text import quoted
from pc_mcp.partner_center.models import DeviceBatch
from pc_mcp.runtime.text import match_key, visible

NEAREST = 5
SHORTEST_PART = 3
"""A part of a name that is shorter says nothing, but in scripts where a character is a word."""
CUT = "…"


async def named_batch(call: Call, snapshot: Snapshot, text: str) -> BatchReading:
    """The batch that `text` names, or the only one whose name begins so or has it as a part.

    A batch that the list lacks is asked for before a part counts: the list may lag. Raises
    `UnknownBatch` with the nearest names, or `AmbiguousBatch`.
    """
    if known := _by_name(snapshot, text):
        return known
    hint = await _hint(snapshot, text)
    pages = call.partner_center.devices(snapshot.customer.id, text)
    try:
        with asking_for(UnknownBatch, f"batch {quoted(text)}", lambda: hint), call.in_time():
            first = await anext(pages)
    except UnknownBatch:
        if meant := _by_part(snapshot, text):
            return meant
        raise
    finally:
        await pages.aclose()
    return _by_name(snapshot, text) or await snapshot.add_batch(DeviceBatch(id=text), first)


def known_batch(snapshot: Snapshot, text: str) -> BatchReading | None:
    """The batch that `named_batch` gives as long as nothing is asked for. Raises `AmbiguousBatch`."""
    return _by_name(snapshot, text) or _by_part(snapshot, text)


def _by_name(snapshot: Snapshot, text: str) -> BatchReading | None:
    """The batch that the snapshot knows by this id, or by what an answer shows of the id."""
    for reading in snapshot.readings:
        if reading.batch.id == text:
            return reading
    key = match_key(text)
    keyed = _keyed(snapshot)
    found = [reading for known, reading in keyed if known == key]
    if not found:
        bare = key.strip("' ")
        found = [reading for known, reading in keyed if known == bare]
    if not found and (text.endswith(CUT) or MASK in text):
        start = match_key(text.removesuffix(CUT))
        shown = [(match_key(without_keys(visible(reading.batch.id))), reading) for reading in snapshot.readings]
        found = [r for name, r in shown if (name.startswith(start) if text.endswith(CUT) else name == start)]
    return _one(found, text, "are called")


def _by_part(snapshot: Snapshot, text: str) -> BatchReading | None:
    """The only batch whose name begins so, or has it as a part; of a whole list, since there might be others."""
    if snapshot.list_problem or snapshot.unreadable_batches:
        return None
    key = match_key(text)
    keyed = _keyed(snapshot)
    found = [reading for known, reading in keyed if known.startswith(key)]
    if not found and (len(key) >= SHORTEST_PART or not key.isascii()):
        found = [reading for known, reading in keyed if key in known]
    return _one(found, text, "have a name with")


def _one(found: Sequence[BatchReading], text: str, verb: str) -> BatchReading | None:
    if len(found) > 1:
        names = ", ".join(quoted(reading.batch.id) for reading in found[:NEAREST])
        more = f" and {len(found) - NEAREST:,} more" if len(found) > NEAREST else ""
        raise AmbiguousBatch(f"{len(found)} batches {verb} {quoted(text)}: {names}{more}. Which one is meant?")
    return found[0] if found else None


def _keyed(snapshot: Snapshot) -> list[tuple[str, BatchReading]]:
    return [(match_key(reading.batch.id), reading) for reading in snapshot.readings]


async def _hint(snapshot: Snapshot, text: str) -> str:
    """Which batches were meant instead, as far as the list is known."""
    ids = [reading.batch.id for reading in snapshot.readings]
    if near := await nearest_batches(ids, text):
        return f"Nearest: {', '.join(map(quoted, near))}."
    if ids or snapshot.list_problem or snapshot.unreadable_batches:
        return "Use list_device_batches to see the customer's batches."
    return "The customer has no batches."


async def nearest_batches(ids: Sequence[str], text: str) -> list[str]:
    near = await nearest(match_key(text), [match_key(each) for each in ids], NEAREST)
    return list(dict.fromkeys(ids[number] for number in near))
