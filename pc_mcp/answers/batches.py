"""The answer to which batches a customer has."""

from collections.abc import Mapping, Sequence

from typing_extensions import TypedDict

from pc_mcp.answers.clean import (
    cleaned,
    cleaned_or_none,
    counted_value,
    in_sentence,
    minute,
    plural,
    quoted,
    timestamp,
)
from pc_mcp.answers.lists import PagedRest, Rows, counted_summary, list_answer
from pc_mcp.answers.parts import (
    Answer,
    CompletenessFields,
    CustomerFields,
    SummaryFields,
    called,
    completeness_fields,
    completeness_notes,
    customer_fields,
    names,
    problem_note,
    unreadable,
)
from pc_mcp.inventory import BatchFilter, BatchList, BatchOrder
from pc_mcp.inventory.store.filters import said_of_name
from pc_mcp.partner_center.models import DeviceBatch

_COLUMNS = {
    "batch": "id",
    "devices": "devices",
    "created": "created",
    "status": "status",
    "created by": "created_by",
}
_STATUSES = 8
_ORDERS: Mapping[BatchOrder, str] = {
    "-created": "newest first",
    "created": "oldest first",
    "id": "by id",
    "devices": "smallest first",
    "-devices": "largest first",
}


class BatchFields(TypedDict):
    id: str
    devices: int | None
    created: str | None
    status: str | None
    created_by: str | None


class StatusFields(TypedDict):
    value: str
    batches: int


class BatchListAnswer(SummaryFields, CompletenessFields):
    customer: CustomerFields
    as_of: str
    batches_total: int
    batches_matched: int
    devices_expected: int
    devices_expected_matched: int
    order_by: str
    by_status: list[StatusFields]
    batches: list[BatchFields]
    shown: int
    omitted: int
    next_cursor: str | None
    notes: list[str]


def batch_list_answer(result: BatchList, where: BatchFilter, max_chars: int) -> Answer:
    """Writes the answer: its fixed parts, then the rows that fit."""
    by_status = [(cleaned_or_none(status), batches) for status, batches in result.by_status[:_STATUSES]]
    facts = {
        "customer": customer_fields(result.customer),
        "as_of": timestamp(result.as_of),
        **completeness_fields(result.next_step),
        "batches_total": result.batches_total,
        "batches_matched": result.batches_matched,
        "devices_expected": result.devices_expected,
        "devices_expected_matched": result.devices_expected_matched,
        "order_by": result.order_by,
        "by_status": [{"value": counted_value(status), "batches": batches} for status, batches in by_status],
    }
    head = []
    if by_status:
        counts = ", ".join(f"{in_sentence(status)} {batches:,}" for status, batches in by_status)
        head.append(f"By status: {counts}.")
    rows = Rows("batches", _COLUMNS, list(map(_fields, result.batches)))
    rest = PagedRest(result.page, result.batches_matched, "Batches", _ORDERS[result.order_by])
    return list_answer(max_chars, _summary(result, where), facts, rows, rest, _notes(result, where), head=head)


def _fields(batch: DeviceBatch) -> BatchFields:
    return {
        "id": cleaned(batch.id),
        "devices": batch.devices,
        "created": timestamp(batch.created),
        "status": cleaned_or_none(batch.status),
        "created_by": cleaned_or_none(batch.created_by),
    }


def _summary(result: BatchList, where: BatchFilter) -> str:
    counted = plural(result.batches_total, "batch", "batches")
    held = f"{plural(result.devices_expected, 'device')} by devicesCount"
    matching = ""
    if where != BatchFilter():
        counted = f"{result.batches_matched:,} of {counted}"
        held = f"{plural(result.devices_expected_matched, 'device')} of {result.devices_expected:,} by devicesCount"
        matching = f" match ({_describe(where)})"
    of_what = f" of {called(result.customer)}{matching}, {held}"
    return counted_summary(counted, of_what, result.as_of, complete=result.next_step is None)


def _describe(where: BatchFilter) -> str:
    parts = [f"name contains {quoted(where.name_contains)}"] if where.name_contains else []
    parts += [f"created from {minute(where.created_after)}"] if where.created_after else []
    parts += [f"created before {minute(where.created_before)}"] if where.created_before else []
    if where.status:
        status = said_of_name(where.status)
        parts.append(f"status {quoted(where.status)}" if status else "without a status")
    return ", ".join(parts)


def _undated_note(undated: Sequence[DeviceBatch]) -> str:
    ids = names(tuple(batch.id for batch in undated))
    if len(undated) == 1:
        return f"1 batch without a creation date comes last, and may be older or newer than the others: {ids}."
    count = f"{len(undated):,} batches"
    return f"{count} without a creation date come last, and may be older or newer than the others: {ids}."


def _period_note(undated: Sequence[DeviceBatch]) -> str:
    if not undated:
        return "Periods are UTC."
    matches = f"{plural(len(undated), 'batch', 'batches')} without a creation date match{'es' * (len(undated) == 1)}"
    return f"{matches} no period: {names(tuple(batch.id for batch in undated))}. Periods are UTC."


def _notes(result: BatchList, where: BatchFilter) -> list[str]:
    notes = completeness_notes(result.next_step)
    read = " that was read" if result.next_step else ""
    if result.nearest:
        notes.append(f"No batch{read} has such a name. Nearest: {names(tuple(result.nearest))}.")
    if result.statuses:
        notes.append(f"No batch{read} has such a status. There are: {names(tuple(result.statuses))}.")
    is_of_period = bool(where.created_after or where.created_before)
    if result.undated and result.order_by.endswith("created") and not is_of_period:
        notes.append(_undated_note(result.undated))
    if result.problem:
        notes.append(problem_note(result.problem, "The list of batches"))
    if result.unreadable:
        notes.append(unreadable(result.unreadable, "batch", "batches"))
    if result.without_count:
        notes.append(f"{plural(result.without_count, 'batch', 'batches')} without a devicesCount count as 0 devices.")
    if is_of_period:
        notes.append(_period_note(result.undated))
    if len(result.by_status) > _STATUSES:
        notes.append(f"{len(result.by_status) - _STATUSES:,} rarer statuses are left out of by_status.")
    if not result.batches_total and not result.next_step:
        notes.append("This partner has uploaded no device batch for the customer.")
    return notes
