"""The question which devices a customer, or one of its batches, has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial

from pc_mcp.inventory.nearest import nearest_of
from pc_mcp.inventory.questions.batch_names import NEAREST
from pc_mcp.inventory.questions.coverage import Coverage, Disagreement, coverage_of, disagreements_of
from pc_mcp.inventory.questions.cursors import Cursor
from pc_mcp.inventory.questions.identifiers import SAID_OF_THE_ABSENT, forms_of
from pc_mcp.inventory.questions.opened import devices_read
from pc_mcp.inventory.questions.paging import Continuation, Paging
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.reading.part import Part
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.store import (
    OF_KINDS,
    DeviceFilter,
    DeviceOrder,
    DeviceRow,
    Finding,
    Grouping,
    Label,
    Scope,
    Store,
    Tally,
)
from pc_mcp.partner_center.models import Customer, DeviceBatch
from pc_mcp.runtime.text import match_key

GROUPS_OF_A_BATCH: Sequence[Grouping] = (("model",), ("policy",))
GROUPS_OF_A_CUSTOMER: Sequence[Grouping] = (*GROUPS_OF_A_BATCH, ("batch",))


@dataclass(frozen=True, slots=True)
class Group:
    """How many devices have each value, or each combination of two; None: they have none. In the order of time where
    one is a time, and the most frequent first."""

    by: Grouping
    values: Sequence[tuple[tuple[str | None, ...], int]]


@dataclass(frozen=True, slots=True)
class Irregularities:
    """What an agent would want to be told of the devices that match: how many have each finding, where any has, and
    some of the serial numbers that occur more than once in the batch or the customer that is asked about."""

    devices: Mapping[Finding, int]
    duplicate_serial_numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NobodyHas:
    """A condition whose name no device has, and the nearest names, or some of those there are, each with how many of
    the devices that are asked about have it.

    may_mean_none: people and programs say so of what is absent.
    """

    by: str
    nearest: Sequence[tuple[str, int]]
    may_mean_none: bool


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device and the id of its batch."""

    row: DeviceRow
    batch: str


@dataclass(frozen=True, slots=True)
class DeviceList:
    """`total` and `matched` count devices that were read; `coverage` says whether that is all. where: what was asked,
    the serial number as it was meant; undated: devices that would match in any period, if their dates were known;
    empty_batches: those that were read to their end and hold nothing. On the pages after the first one nothing is said
    of irregularities and disagreements."""

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
    page: Continuation
    where: DeviceFilter
    order: DeviceOrder
    undated: int
    empty_batches: tuple[str, ...]


async def list_devices(
    call: Call,
    customer: Customer,
    batch: str | None,
    where: DeviceFilter,
    *,
    group_by: Sequence[Grouping] | None = None,
    order: DeviceOrder | None = None,
    limit: int,
    cursor: str | None = None,
    refresh: bool = False,
) -> DeviceList:
    """Reads what is missing, within the call's time, and answers from what was read.

    `group_by` None: what a first look at several devices wants, and nothing on the pages after the first. `order`
    None: by batch, or twins side by side where only they are asked for. A cursor pages what has been read and reads
    nothing.
    """
    asked_order = order
    order = order or ("serial_number" if where.only == ("duplicate_serial_number",) else "batch")
    paging = Paging(call, ("devices", customer.id, batch, astuple(where), order), cursor)
    async with devices_read(call, customer, batch, paging, refresh=refresh) as part:
        snapshot = part.snapshot
        if is_first_look := group_by is None:
            group_by = () if paging.goes_on else _first_look(where, asked_order, in_batch=part.batch is not None)
        if where.serial_number and len(forms_of(where.serial_number)) > 1:
            where = await snapshot.in_time(call.answer_by, partial(_as_pasted, snapshot.store, part.scope, where))
        rows_of = partial(_rows, snapshot.store, part.scope, where, order, limit)
        visit = partial(_visit, part, paging, where, group_by or (), rows_of)
        # What is said of it below is of the same moment: nothing is waited for any more.
        now = await snapshot.in_time(call.answer_by, visit)
        return DeviceList(
            customer=customer,
            batch=part.batch,
            coverage=coverage_of(part, by_policy_name=where.has_policy_name),
            total=part.devices,
            matched=now.matched,
            groups=() if is_first_look and now.matched <= 1 else now.groups,
            irregularities=now.irregularities,
            disagreements=() if paging.goes_on else disagreements_of(part.readings),
            devices=[listed(snapshot, row) for row in now.rows],
            nobody_has=now.nobody_has,
            page=paging.page(now.begun, [row.key for row in now.rows], now.matched),
            where=where,
            order=order,
            undated=now.undated,
            empty_batches=tuple(each.batch.id for each in part.readings if each.is_empty),
        )


def _first_look(where: DeviceFilter, order: DeviceOrder | None, *, in_batch: bool) -> Sequence[Grouping]:
    """What is counted unasked: nothing that the conditions have settled already, or for who wants certain devices."""
    if order or where.serial_number:
        return ()
    lacked = where.absent | ({where.only[0].removeprefix("without_")} if len(where.only) == 1 else frozenset())
    groups = GROUPS_OF_A_BATCH if in_batch else GROUPS_OF_A_CUSTOMER
    return [group for group in groups if lacked.isdisjoint(group)]


def _as_pasted(store: Store, scope: Scope, where: DeviceFilter) -> DeviceFilter:
    """The conditions with the first form of the serial number that any device has, or as they are."""
    for form in forms_of(where.serial_number or ""):
        if store.tally(scope, DeviceFilter(serial_number=form)).matched:
            return replace(where, serial_number=form)
    return where


def listed(snapshot: Snapshot, row: DeviceRow) -> ListedDevice:
    """A device with its batch."""
    return ListedDevice(row, snapshot.readings[row.batch_number].batch.id)


@dataclass(frozen=True, slots=True)
class _Visit:
    """What a store says of a question at one moment."""

    begun: Cursor
    matched: int
    groups: Sequence[Group]
    irregularities: Irregularities
    undated: int
    rows: Sequence[DeviceRow]
    nobody_has: Sequence[NobodyHas]


def _visit(
    part: Part,
    paging: Paging,
    where: DeviceFilter,
    group_by: Sequence[Grouping],
    rows_of: Callable[[Cursor], list[DeviceRow]],
) -> _Visit:
    """In the snapshot's thread, so that nothing changes meanwhile. Raises `CursorRefused` where something has."""
    begun = paging.begin(part.generation)
    snapshot, store, scope = part.snapshot, part.snapshot.store, part.scope
    tally = store.tally(scope, where, group_by)
    groups = [Group(by, _labelled(snapshot, tally.groups(by))) for by in dict.fromkeys(group_by)]
    undated = 0
    if where.uploaded_after or where.uploaded_before:
        undated = store.undated(scope, replace(where, uploaded_after=None, uploaded_before=None))
    return _Visit(
        begun=begun,
        matched=tally.matched,
        groups=groups,
        irregularities=Irregularities({}, ()) if paging.goes_on else _irregularities(store, scope, where, tally),
        undated=undated,
        rows=rows_of(begun),
        nobody_has=[] if tally.matched else _nobody_has(store, scope, where),
    )


def _rows(
    store: Store, scope: Scope, where: DeviceFilter, order: DeviceOrder, limit: int, begun: Cursor
) -> list[DeviceRow]:
    if order == "batch":
        return store.rows(scope, where, after=begun.after, limit=limit)
    return store.ordered_rows(scope, where, order, skip=begun.before, limit=limit)


def _irregularities(store: Store, scope: Scope, where: DeviceFilter, tally: Tally) -> Irregularities:
    duplicates = store.duplicates(scope, where)
    devices: dict[Finding, int] = {"duplicate_serial_number": duplicates.devices}
    devices |= {finding: tally.found(finding) for finding in (*OF_KINDS, "without_upload_date")}
    return Irregularities({finding: found for finding, found in devices.items() if found}, duplicates.serial_numbers)


def _nobody_has(store: Store, scope: Scope, where: DeviceFilter) -> list[NobodyHas]:
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
        devices = dict(store.tally(scope, DeviceFilter(), [(by,)]).groups((by,)))
        nearest = [(names[number], devices.get((names[number],), 0)) for number in near[:NEAREST]]
        found.append(NobodyHas(by, nearest, may_mean_none=wanted in SAID_OF_THE_ABSENT))
    return found


def _labelled(
    snapshot: Snapshot, values: Sequence[tuple[tuple[Label, ...], int]]
) -> list[tuple[tuple[str | None, ...], int]]:
    """The values with the ids of batches in the place of their numbers."""

    def text(label: Label) -> str | None:
        return snapshot.readings[label].batch.id if isinstance(label, int) else label

    return [(tuple(map(text, labels)), devices) for labels, devices in values]
