"""The question which batches a customer has."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import Literal

from pc_mcp.inventory.questions.batch_names import nearest_batches
from pc_mcp.inventory.questions.completeness import Missing, NextStep, keep_until_asked_again, missing, next_step
from pc_mcp.inventory.questions.identifiers import forms_of
from pc_mcp.inventory.questions.opened import opened
from pc_mcp.inventory.questions.paging import Continuation, Paging
from pc_mcp.inventory.reading.batch_reading import BatchReading
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.store.filters import said_of_name
from pc_mcp.partner_center.models import Customer, DeviceBatch
from pc_mcp.runtime.text import match_key, visible_or_none

BatchOrder = Literal["-created", "created", "id", "devices", "-devices"]
"""By what batches are ordered; - before it: descending. A batch of which that is not known is last either way."""


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """Conditions that a batch must all meet; None: no condition.

    `created_after` includes its moment, `created_before` does not. `status` is a whole one; `none`, and what answers
    show for an absent one: the batch has none. In quotation marks it is one like any other.
    """

    name_contains: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    status: str | None = None
    _key: str | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        key = None if self.name_contains is None else match_key(self.name_contains)
        object.__setattr__(self, "_key", key)

    def matches_name(self, key: str) -> bool:
        """Whether a batch of this key has such a name, whenever it was created."""
        return self._key is None or self._key in key

    def matches_status(self, status: str | None) -> bool:
        """Whether a batch of this status, as the service has it, is meant."""
        if self.status is None:
            return True
        shown = visible_or_none(status)
        return said_of_name(self.status) == (match_key(shown) if shown else None)

    def matches(self, reading: BatchReading) -> bool:
        batch = reading.batch
        if not (self.matches_name(reading.key) and self.matches_status(batch.status)):
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

    Devices are sums of `devicesCount`; without_count: how many batches that match lack it; undated: those that match,
    but for the period, whose creation date is not known. statuses: those that batches have, the most frequent first,
    where none has the one that was asked for.
    """

    customer: Customer
    as_of: datetime
    next_step: NextStep | None
    problem: Missing | None
    unreadable: int
    batches_total: int
    batches_matched: int
    devices_expected: int
    devices_expected_matched: int
    without_count: int
    undated: Sequence[DeviceBatch]
    by_status: Sequence[tuple[str | None, int]]
    statuses: Sequence[str]
    order_by: BatchOrder
    batches: Sequence[DeviceBatch]
    nearest: Sequence[str]
    page: Continuation
    where: BatchFilter


async def list_batches(
    call: Call,
    customer: Customer,
    where: BatchFilter,
    *,
    order_by: BatchOrder = "-created",
    limit: int,
    cursor: str | None = None,
    refresh: bool = False,
) -> BatchList:
    """The customer's batches; of those that are equal by `order_by`, in the order of the service. Devices are not
    read for it."""
    paging = Paging(call, ("batches", customer.id, astuple(where), order_by), cursor)
    async with opened(call, customer, paging, renew=lambda _: refresh) as snapshot:
        begun = paging.begin(snapshot.list_generation)
        readings = snapshot.readings[: snapshot.listed]
        listed = [reading.batch for reading in readings]
        found = await call.off_the_loop(lambda: _matching(readings, where, order_by))
        matched, name = found.batches, found.where.name_contains
        given = range(len(matched))[begun.before :][:limit]
        near = await nearest_batches(readings, name) if name and not found.named else []
        problem = missing(snapshot.list_problem, on_refresh=True) if snapshot.list_problem else None
        step = next_step([problem] if problem else [], unreadable=snapshot.unreadable_batches)
        keep_until_asked_again(snapshot, step)
        return BatchList(
            customer=customer,
            as_of=snapshot.read_at,
            next_step=step,
            problem=problem,
            unreadable=snapshot.unreadable_batches,
            batches_total=len(listed),
            batches_matched=len(matched),
            devices_expected=sum(batch.devices or 0 for batch in listed),
            devices_expected_matched=sum(batch.devices or 0 for batch in matched),
            without_count=sum(batch.devices is None for batch in matched),
            undated=found.undated,
            by_status=found.by_status,
            statuses=found.statuses,
            order_by=order_by,
            batches=[matched[number] for number in given],
            nearest=near,
            page=paging.page(begun, given, len(matched)),
            where=found.where,
        )


@dataclass(frozen=True, slots=True)
class _Matching:
    """The batches that match `where`, in order; named: whether any batch has such a name; statuses: those that there
    are, where none is the one that was asked for."""

    where: BatchFilter
    batches: Sequence[DeviceBatch]
    undated: Sequence[DeviceBatch]
    named: bool
    by_status: Sequence[tuple[str | None, int]]
    statuses: Sequence[str]


def _matching(readings: Sequence[BatchReading], asked: BatchFilter, order_by: BatchOrder) -> _Matching:
    where = _as_pasted(readings, asked)
    matching = _ordered([reading for reading in readings if where.matches(reading)], order_by)
    batches = [reading.batch for reading in matching]
    whenever = replace(where, created_after=None, created_before=None)
    undated = [each.batch for each in readings if each.batch.created is None and whenever.matches(each)]
    named = bool(batches) or any(where.matches_name(reading.key) for reading in readings)
    all_batches = [reading.batch for reading in readings]
    has_status = any(where.matches_status(batch.status) for batch in all_batches)
    statuses = [] if has_status else [status for status, _ in _by_status(all_batches) if status]
    return _Matching(where, batches, undated, named, _by_status(batches), statuses)


def _by_status(batches: Sequence[DeviceBatch]) -> list[tuple[str | None, int]]:
    """How many batches have each status, the most frequent first."""
    statuses = Counter(visible_or_none(batch.status) for batch in batches)
    return sorted(statuses.items(), key=lambda item: (-item[1], item[0] is None, item[0]))


def _ordered(readings: Sequence[BatchReading], order_by: BatchOrder) -> Sequence[BatchReading]:
    if order_by == "id":
        return sorted(readings, key=lambda reading: reading.key)
    fact = attrgetter(order_by.removeprefix("-"))
    known = [reading for reading in readings if fact(reading.batch) is not None]
    not_known = [reading for reading in readings if fact(reading.batch) is None]
    # Reversed or not, equal ones stay in the order of the service.
    return sorted(known, key=lambda reading: fact(reading.batch), reverse=order_by[0] == "-") + not_known


def _as_pasted(readings: Sequence[BatchReading], where: BatchFilter) -> BatchFilter:
    """The conditions with the first form of the name that any batch has, or as they are."""
    for form in forms_of(where.name_contains or ""):
        meant = replace(where, name_contains=form)
        if any(meant.matches_name(reading.key) for reading in readings):
            return meant
    return where
