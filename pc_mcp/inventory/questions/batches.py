"""The question which batches a customer has, and which batch a person means."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from pc_mcp.inventory.errors import AmbiguousBatch, UnknownBatch, asking_for
from pc_mcp.inventory.nearest import nearest
from pc_mcp.inventory.questions.completeness import Missing, NextStep, missing, next_step
from pc_mcp.inventory.questions.paging import Page, begin, gone, page
from pc_mcp.inventory.reading.inventory import Call, Library
from pc_mcp.inventory.reading.snapshot import BatchReading, Snapshot
from pc_mcp.inventory.store.product_keys import MASK, without_keys
from pc_mcp.inventory.text import quoted
from pc_mcp.partner_center.models import Customer, DeviceBatch
from pc_mcp.runtime.text import match_key, visible, visible_or_none

NEAREST = 5
SHORTEST_PART = 3
"""A part of a name that is shorter says nothing, but in scripts where a character is a word."""
CUT = "…"


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """Conditions that a batch must all meet; None: no condition.

    `created_after` includes its moment, `created_before` does not.
    """

    name_contains: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    def matches_name(self, batch: DeviceBatch) -> bool:
        """Whether the batch's name is so, whenever it was created."""
        return self.name_contains is None or match_key(self.name_contains) in match_key(batch.id)

    def matches(self, batch: DeviceBatch) -> bool:
        if not self.matches_name(batch):
            return False
        if self.created_after is None and self.created_before is None:
            return True
        return (
            batch.created is not None
            and (self.created_after is None or batch.created >= self.created_after)
            and (self.created_before is None or batch.created < self.created_before)
        )


@dataclass(frozen=True, slots=True)
class BatchList:
    """`*_total` counts the customer's batches, `*_matched` those that match.

    Devices are sums of `devicesCount`; without_count: how many batches that match lack it.
    """

    customer: Customer
    as_of: datetime
    next_step: NextStep | None
    problem: Missing | None
    unreadable: int
    batches_total: int
    batches_matched: int
    devices_total: int
    devices_matched: int
    without_count: int
    by_status: Sequence[tuple[str | None, int]]
    batches: Sequence[DeviceBatch]
    nearest: Sequence[str]
    page: Page


async def list_batches(
    library: Library,
    call: Call,
    customer: Customer,
    where: BatchFilter,
    *,
    limit: int,
    cursor: str | None = None,
    refresh: bool = False,
) -> BatchList:
    """The customer's batches, in the order of the service. Devices are not read for it."""
    question = ("batches", customer.id, astuple(where))
    snapshot = await library.kept_snapshot(call, customer) if cursor else None
    if cursor:
        library.cursors.read(cursor, question)
        if snapshot is None:
            raise gone()
    else:
        snapshot = await library.snapshot(call, customer, anew=lambda _: refresh)
    begun = begin(library.cursors, cursor, question, snapshot.id)
    listed = [reading.batch for reading in snapshot.readings[: snapshot.listed]]
    matched = [(number, batch) for number, batch in enumerate(listed) if where.matches(batch)]
    given = [pair for pair in matched if pair[0] > begun.after][:limit]
    statuses = Counter(visible_or_none(batch.status) for _, batch in matched)
    named = [batch.id for batch in listed if where.matches_name(batch)]
    ids = [batch.id for batch in listed]
    near = await _nearest_batches(ids, where.name_contains) if where.name_contains and not named else []
    problem = missing(snapshot.list_problem, on_refresh=True) if snapshot.list_problem else None
    return BatchList(
        customer=customer,
        as_of=snapshot.read_at,
        next_step=next_step([problem] if problem else [], unreadable=snapshot.unreadable_batches),
        problem=problem,
        unreadable=snapshot.unreadable_batches,
        batches_total=len(listed),
        batches_matched=len(matched),
        devices_total=sum(batch.devices or 0 for batch in listed),
        devices_matched=sum(batch.devices or 0 for _, batch in matched),
        without_count=sum(batch.devices is None for _, batch in matched),
        by_status=sorted(statuses.items(), key=lambda item: (-item[1], item[0] is None, item[0])),
        batches=[batch for _, batch in given],
        nearest=near,
        page=page(library.cursors, begun, question, [number for number, _ in given], len(matched)),
    )


async def named_batch(call: Call, snapshot: Snapshot, text: str) -> BatchReading:
    """The batch that `text` names, or the only one whose name begins so or has it as a part.

    A batch that the list lacks is asked for before a part counts: the list may lag. Raises
    `UnknownBatch` with the nearest names, or `AmbiguousBatch`.
    """
    if known := known_batch(snapshot, text):
        return known
    hint = await _hint(snapshot, text)
    pages = call.partner_center.devices(snapshot.customer.id, text)
    try:
        with asking_for(UnknownBatch, f"batch {quoted(text)}", lambda: hint), call.in_time():
            first = await anext(pages)
    except UnknownBatch:
        if meant := batch_by_part(snapshot, text):
            return meant
        raise
    finally:
        await pages.aclose()
    return known_batch(snapshot, text) or await snapshot.add_batch(DeviceBatch(id=text), first)


def known_batch(snapshot: Snapshot, text: str) -> BatchReading | None:
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
    return _only(found, text, "are called")


def batch_by_part(snapshot: Snapshot, text: str) -> BatchReading | None:
    """The only batch whose name begins so, or has it as a part; of a whole list, since there might be others."""
    if snapshot.list_problem or snapshot.unreadable_batches:
        return None
    key = match_key(text)
    keyed = _keyed(snapshot)
    found = [reading for known, reading in keyed if known.startswith(key)]
    if not found and (len(key) >= SHORTEST_PART or not key.isascii()):
        found = [reading for known, reading in keyed if key in known]
    return _only(found, text, "have a name with")


def _only(found: Sequence[BatchReading], text: str, verb: str) -> BatchReading | None:
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
    if near := await _nearest_batches(ids, text):
        return f"Nearest: {', '.join(map(quoted, near))}."
    if ids or snapshot.list_problem or snapshot.unreadable_batches:
        return "Use list_device_batches to see the customer's batches."
    return "The customer has no batches."


async def _nearest_batches(ids: Sequence[str], text: str) -> list[str]:
    near = await nearest(match_key(text), [match_key(each) for each in ids], NEAREST)
    return list(dict.fromkeys(ids[number] for number in near))
