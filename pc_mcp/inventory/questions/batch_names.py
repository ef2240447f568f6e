"""Which batch a person means: by its id, or a part of it that only one batch has."""

from collections.abc import Sequence

import anyio.to_thread

from pc_mcp.inventory.errors import AmbiguousBatch, UnknownBatch, asking_for
from pc_mcp.inventory.nearest import nearest
from pc_mcp.inventory.questions.names import Named, called, numbered, with_part
from pc_mcp.inventory.reading.batch_reading import BatchReading
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.text import quoted
from pc_mcp.partner_center.models import DeviceBatch
from pc_mcp.runtime.text import match_key

NEAREST = 5


async def named_batch(call: Call, snapshot: Snapshot, text: str) -> BatchReading:
    """The batch that `text` names, or the only one whose name begins so or has it as a part.

    A batch that the list lacks is asked for before a part counts: the list may lag. Raises
    `UnknownBatch` with the nearest names, or `AmbiguousBatch`.
    """
    if known := await anyio.to_thread.run_sync(_by_name, snapshot, text):
        return known
    hint = await _hint(snapshot, text)
    pages = call.partner_center.devices(snapshot.customer.id, text)
    try:
        with asking_for(UnknownBatch, f"batch {quoted(text)}", lambda: hint), call.in_time():
            first = await anext(pages)
    except UnknownBatch:
        if meant := await anyio.to_thread.run_sync(_by_part, snapshot, text):
            return meant
        raise
    finally:
        await pages.aclose()
    return _by_name(snapshot, text) or snapshot.add_batch(DeviceBatch(id=text), first)


def known_batch(snapshot: Snapshot, text: str) -> BatchReading | None:
    """The batch that `named_batch` gives as long as nothing is asked for. Raises `AmbiguousBatch`."""
    return _by_name(snapshot, text) or _by_part(snapshot, text)


def is_called(batch: DeviceBatch, text: str) -> bool:
    """Whether `text` is the id of the batch, and no mere part of it."""
    return bool(called(text, [Named(batch, (batch.id,), (match_key(batch.id),))]))


def _by_name(snapshot: Snapshot, text: str) -> BatchReading | None:
    """The batch that the snapshot knows by this id, or by what an answer shows of the id."""
    found = called(text, _named(snapshot))
    if len(found) < 2:
        return found[0] if found else None
    shown = [quoted(reading.batch.id) for reading in found]
    if len(set(shown)) < len(shown):
        shown = [f"{numbered(shown[at], at + 1)} ({_facts(each.batch)})" for at, each in enumerate(found)]
    raise AmbiguousBatch(f"{len(found)} batches are called {quoted(text)}: {_several(shown)}. Which one is meant?")


def _by_part(snapshot: Snapshot, text: str) -> BatchReading | None:
    """The only batch whose name begins so, or has it as a part; of a whole list, since there might be others."""
    if snapshot.list_problem or snapshot.unreadable_batches:
        return None
    found = with_part(text, _named(snapshot))
    if len(found) > 1:
        names = _several([quoted(reading.batch.id) for reading in found])
        raise AmbiguousBatch(f"{len(found)} batches have a name with {quoted(text)}: {names}. Which one is meant?")
    return found[0] if found else None


def _named(snapshot: Snapshot) -> list[Named[BatchReading]]:
    return [Named(reading, (reading.batch.id,), (reading.key,)) for reading in snapshot.readings]


def _several(names: Sequence[str]) -> str:
    """Names to choose from; the rest is counted."""
    more = f" and {len(names) - NEAREST:,} more" if len(names) > NEAREST else ""
    return ", ".join(names[:NEAREST]) + more


def _facts(batch: DeviceBatch) -> str:
    """What tells batches apart whose names look the same."""
    created = f"created {batch.created:%Y-%m-%d %H:%M} UTC" if batch.created else "created at a time that is not known"
    devices = "" if batch.devices is None else f", devicesCount {batch.devices:,}"
    return created + devices


async def _hint(snapshot: Snapshot, text: str) -> str:
    """Which batches were meant instead, as far as the list is known."""
    words = []
    if snapshot.list_problem:
        words.append("Not all of its batches could be read, so a part of a name is not looked up: give the whole id.")
    elif snapshot.unreadable_batches:
        count = snapshot.unreadable_batches
        noun = "batch of it" if count == 1 else "batches of it"
        words.append(f"{count:,} {noun} could not be read, so a part of a name is not looked up: give the whole id.")
    if near := await nearest_batches(snapshot.readings, text):
        words.append(f"Nearest: {', '.join(map(quoted, near))}.")
    elif words or snapshot.readings:
        words.append("Use list_device_batches to see the customer's batches.")
    else:
        words.append("The customer has no batches.")
    return " ".join(words)


async def nearest_batches(readings: Sequence[BatchReading], text: str) -> list[str]:
    near = await nearest(match_key(text), [reading.key for reading in readings], NEAREST)
    return list(dict.fromkeys(readings[number].batch.id for number in near))
