"""The question which devices a customer, or one of its batches, has."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial

import anyio

from pc_mcp.auth import AccountChanged
from pc_mcp.inventory.nearest import nearest_of
from pc_mcp.inventory.questions.batches import NEAREST, batch_by_part, known_batch, named_batch
from pc_mcp.inventory.questions.coverage import (
    Coverage,
    Disagreement,
    coverage_of,
    disagreements_of,
    failure_of,
    progress_of,
)
from pc_mcp.inventory.questions.paging import Page, begin, gone, page
from pc_mcp.inventory.reading.inventory import Call, Library
from pc_mcp.inventory.reading.snapshot import BatchReading, Snapshot
from pc_mcp.inventory.store import DeviceFilter, DeviceRow, GroupBy, Scope, Store
from pc_mcp.partner_center.models import Customer, DeviceBatch
from pc_mcp.runtime.text import match_key

PROGRESS_SECONDS = 0.5
GROUPS_OF_A_BATCH: Sequence[GroupBy] = ("model", "policy")
GROUPS_OF_A_CUSTOMER: Sequence[GroupBy] = (*GROUPS_OF_A_BATCH, "batch")


@dataclass(frozen=True, slots=True)
class Group:
    """(value, devices) pairs, the most frequent first; None: devices without a value."""

    by: GroupBy
    values: Sequence[tuple[str | None, int]]


@dataclass(frozen=True, slots=True)
class Irregularities:
    """What an agent would want to be told of the devices that match."""

    duplicates: int
    duplicate_serial_numbers: tuple[str, ...]
    without_policy: int
    without_serial_number: int


@dataclass(frozen=True, slots=True)
class NobodyHas:
    """A condition whose name no device has, and the nearest names, or some of those there are."""

    by: str
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device and the id of its batch."""

    row: DeviceRow
    batch: str


@dataclass(frozen=True, slots=True)
class DeviceList:
    """`total` and `matched` count devices that were read; `coverage` says whether that is all."""

    customer: Customer
    batch: DeviceBatch | None
    coverage: Coverage
    total: int
    matched: int
    groups: Sequence[Group]
    irregularities: Irregularities
    disagreements: Sequence[Disagreement]
    devices: Sequence[ListedDevice]
    nobody_has: Sequence[NobodyHas]
    page: Page


async def list_devices(
    library: Library,
    call: Call,
    customer: Customer,
    batch: str | None,
    where: DeviceFilter,
    *,
    group_by: Sequence[GroupBy] | None = None,
    limit: int,
    cursor: str | None = None,
    refresh: bool = False,
) -> DeviceList:
    """Reads what is missing, within the call's time, and answers from what was read.

    `group_by` None: what a first look wants, and nothing on the pages after the first. A cursor
    pages what has been read and reads nothing.
    """
    question = ("devices", customer.id, batch, astuple(where))
    if cursor:
        library.cursors.read(cursor, question)
        snapshot = await _kept(library, call, customer)
    else:
        snapshot = await _taken(library, call, customer, batch, refresh=refresh)
    with snapshot:
        reading = await _read(library, call, snapshot, batch) if cursor is None else _again(snapshot, batch)
        if group_by is None:
            group_by = () if cursor else GROUPS_OF_A_BATCH if reading else GROUPS_OF_A_CUSTOMER
        scope = snapshot.scope(reading)
        begun = begin(library.cursors, cursor, question, snapshot.revision)
        matched, groups, odd, rows, nobody_has = await snapshot.answer(
            call.answer_by, partial(_answer, snapshot, scope, where, group_by=group_by, after=begun.after, limit=limit)
        )
        return DeviceList(
            customer=customer,
            batch=reading.batch if reading else None,
            coverage=coverage_of(snapshot, reading, by_policy_name=where.has_policy_name),
            total=sum(r.devices for r in snapshot.in_scope(scope)),
            matched=matched,
            groups=groups,
            irregularities=odd,
            disagreements=disagreements_of(snapshot.in_scope(scope)),
            devices=[listed(snapshot, row) for row in rows],
            nobody_has=nobody_has,
            page=page(library.cursors, begun, question, [row.key for row in rows], matched),
        )


def listed(snapshot: Snapshot, row: DeviceRow) -> ListedDevice:
    """A device with its batch."""
    return ListedDevice(row, snapshot.readings[row.batch_number].batch.id)


async def walk(library: Library, call: Call, snapshot: Snapshot, readings: Sequence[BatchReading]) -> None:
    """Reads what is missing of the batches until the call's time is up, and tells the progress.

    Raises the error that kept every one of them from being read at all.
    """
    if all(reading.complete for reading in readings):
        return

    # A question about one batch does not wait for its turn behind a walk of them all.
    limiter = anyio.CapacityLimiter(1) if len(readings) == 1 else library.limiter(call)

    async def tell_progress() -> None:
        while True:
            await call.on_progress(progress_of(readings))
            await anyio.sleep(PROGRESS_SECONDS)

    changed: AccountChanged | None = None
    with anyio.CancelScope(deadline=call.deadline):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tell_progress)
            try:
                await snapshot.read(readings, call.partner_center, limiter)
            except AccountChanged as error:
                changed = error
            tasks.cancel_scope.cancel()
    if changed:
        raise changed
    await call.on_progress(progress_of(readings))
    library.trim()
    if failure := failure_of(snapshot, readings):
        raise failure.raised()


async def _kept(library: Library, call: Call, customer: Customer) -> Snapshot:
    snapshot = await library.kept_snapshot(call, customer)
    if snapshot is None:
        raise gone()
    return snapshot


def _again(snapshot: Snapshot, batch: str | None) -> BatchReading | None:
    """The batch that a question before this one has read."""
    reading = (known_batch(snapshot, batch) or batch_by_part(snapshot, batch)) if batch else None
    if batch and reading is None:
        raise gone()
    return reading


async def _taken(library: Library, call: Call, customer: Customer, batch: str | None, *, refresh: bool) -> Snapshot:
    def anew(kept: Snapshot) -> bool:
        """A walk that is under way is gone on with: asking again with refresh must come to an end."""
        known = (known_batch(kept, batch) or batch_by_part(kept, batch)) if batch else None
        readings = [known] if known else kept.in_scope(kept.scope(None))
        return refresh and not any(reading.under_way for reading in readings)

    return await library.snapshot(call, customer, anew=anew)


async def _read(library: Library, call: Call, snapshot: Snapshot, batch: str | None) -> BatchReading | None:
    """Reads what is missing of the batch, or of all of them, within the call's time."""
    reading = await named_batch(call, snapshot, batch) if batch else None
    await walk(library, call, snapshot, snapshot.in_scope(snapshot.scope(reading)))
    return reading


def _answer(
    snapshot: Snapshot,
    scope: Scope,
    where: DeviceFilter,
    *,
    group_by: Sequence[GroupBy],
    after: int,
    limit: int,
) -> tuple[int, list[Group], Irregularities, list[DeviceRow], list[NobodyHas]]:
    """What the store knows, in one visit to the snapshot's thread."""
    table = snapshot.table
    tally = table.tally(scope, where, group_by)
    groups = [Group(by, _labelled(snapshot, by, tally.groups(by))) for by in dict.fromkeys(group_by)]
    duplicates = table.duplicates(scope, where)
    odd = Irregularities(
        duplicates.devices, duplicates.serial_numbers, tally.without_policy, tally.without_serial_number
    )
    nobody_has = [] if tally.matched else _nobody_has(table, where)
    return tally.matched, groups, odd, table.rows(scope, where, after=after, limit=limit), nobody_has


def _nobody_has(store: Store, where: DeviceFilter) -> list[NobodyHas]:
    """Which of the conditions name what no device of the customer has."""
    found = []
    for by, wanted in where.names.items():
        held = store.names(by)
        if any(wanted in match_key(name) for name in held):
            continue
        names = list(dict.fromkeys([*held, *(store.policy_names() if by == "policy" else ())]))
        keys = [match_key(name) for name in names]
        containing = [number for number, key in enumerate(keys) if wanted in key]
        near = containing or nearest_of(wanted, keys, NEAREST) or range(len(names))
        found.append(NobodyHas(by, tuple(names[number] for number in near[:NEAREST])))
    return found


def _labelled(
    snapshot: Snapshot, by: GroupBy, values: list[tuple[str | int | None, int]]
) -> list[tuple[str | None, int]]:
    if by != "batch":
        return [(value if isinstance(value, str) else None, devices) for value, devices in values]
    return [(snapshot.readings[int(number or 0)].batch.id, devices) for number, devices in values]
