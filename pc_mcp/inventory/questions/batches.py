"""The question which batches a customer has."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime

from pc_mcp.inventory.questions.batch_names import nearest_batches
from pc_mcp.inventory.questions.completeness import Missing, NextStep, keep_until_asked_again, missing, next_step
from pc_mcp.inventory.questions.identifiers import forms_of
from pc_mcp.inventory.questions.opened import opened
from pc_mcp.inventory.questions.paging import AnswerPage, Paging
from pc_mcp.inventory.reading.batch_reading import BatchReading
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.partner_center.models import Customer, DeviceBatch
from pc_mcp.runtime.text import match_key, visible_or_none


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """Conditions that a batch must all meet; None: no condition.

    `created_after` includes its moment, `created_before` does not.
    """

    name_contains: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    _key: str | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        key = None if self.name_contains is None else match_key(self.name_contains)
        object.__setattr__(self, "_key", key)

    def matches_name(self, key: str) -> bool:
        """Whether a batch of this key has such a name, whenever it was created."""
        return self._key is None or self._key in key

    def matches(self, reading: BatchReading) -> bool:
        batch = reading.batch
        if not self.matches_name(reading.key):
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
    page: AnswerPage
    where: BatchFilter


async def list_batches(
    call: Call,
    customer: Customer,
    where: BatchFilter,
    *,
    limit: int,
    cursor: str | None = None,
    refresh: bool = False,
) -> BatchList:
    """The customer's batches, in the order of the service. Devices are not read for it."""
    paging = Paging(call, ("batches", customer.id, astuple(where)), cursor)
    async with opened(call, customer, paging, renew=lambda _: refresh) as snapshot:
        begun = paging.begin(snapshot.list_generation)
        readings = snapshot.readings[: snapshot.listed]
        listed = [reading.batch for reading in readings]
        found = await call.off_the_loop(lambda: _matching(readings, where))
        matched, name = found.batches, found.where.name_contains
        given = [pair for pair in matched if pair[0] > begun.after][:limit]
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
            devices_total=sum(batch.devices or 0 for batch in listed),
            devices_matched=sum(batch.devices or 0 for _, batch in matched),
            without_count=sum(batch.devices is None for _, batch in matched),
            by_status=found.by_status,
            batches=[batch for _, batch in given],
            nearest=near,
            page=paging.page(begun, [number for number, _ in given], len(matched)),
            where=found.where,
        )


@dataclass(frozen=True, slots=True)
class _Matching:
    """The batches that match `where`, each with its number; named: whether any batch has such a name."""

    where: BatchFilter
    batches: Sequence[tuple[int, DeviceBatch]]
    named: bool
    by_status: Sequence[tuple[str | None, int]]


def _matching(readings: Sequence[BatchReading], asked: BatchFilter) -> _Matching:
    where = _as_pasted(readings, asked)
    batches = [(number, reading.batch) for number, reading in enumerate(readings) if where.matches(reading)]
    named = bool(batches) or any(where.matches_name(reading.key) for reading in readings)
    statuses = Counter(visible_or_none(batch.status) for _, batch in batches)
    by_status = sorted(statuses.items(), key=lambda item: (-item[1], item[0] is None, item[0]))
    return _Matching(where, batches, named, by_status)


def _as_pasted(readings: Sequence[BatchReading], where: BatchFilter) -> BatchFilter:
    """The conditions with the first form of the name that any batch has, or as they are."""
    for form in forms_of(where.name_contains or ""):
        meant = replace(where, name_contains=form)
        if any(meant.matches_name(reading.key) for reading in readings):
            return meant
    return where
