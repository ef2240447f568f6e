"""The answer to what became of an upload."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import TypedDict

from pc_mcp.answers.budget import rows_that_fit
from pc_mcp.answers.clean import (
    as_given,
    cell,
    cleaned,
    cleaned_or_none,
    counted_value,
    in_sentence,
    minute,
    plural,
    quoted,
    timestamp,
    value_cell,
)
from pc_mcp.answers.lists import LeftOut, ListDraft, Rows
from pc_mcp.answers.markdown import row, table, table_head
from pc_mcp.answers.parts import (
    Answer,
    CompletenessFields,
    CustomerFields,
    SummaryFields,
    called,
    completeness_fields,
    completeness_notes,
    customer_fields,
    unreadable,
)
from pc_mcp.inventory import Upload
from pc_mcp.inventory.questions.uploads import ROW_ERRORS, State, error_of, state_of
from pc_mcp.partner_center.models import DeviceUploadDetails

_COLUMNS = {
    "serial number": "serial_number",
    "product key": "product_key",
    "status": "status",
    "error": "error_code",
    "meaning": "meaning",
    "device id": "device_id",
}
_ERROR_COLUMNS = ("error", "meaning", "devices")
_NOTES_SHARE, _COUNTS_SHARE = 0.2, 0.3
_FINISHED_ROWS = 20
_FAILED_FIRST = "Devices that failed come first:"
_NONE_SO_FAR = ", none failed so far"
_ORDER: Final[Sequence[State]] = ("failed", "not known", "running", "finished")
"""What a person looks for first comes first."""


class UploadedFields(TypedDict):
    device_id: str | None
    serial_number: str | None
    product_key: str | None
    status: str | None
    error_code: str | None
    meaning: str | None


class CountFields(TypedDict):
    value: str
    devices: int


class ErrorFields(TypedDict):
    code: str
    meaning: str | None
    devices: int


# Without a docstring, which would be part of the schema: devices_total and the counts of it are of the rows
# that could be read, and null where there is none.
class UploadAnswer(SummaryFields, CompletenessFields):
    customer: CustomerFields
    batch_tracking_id: str
    as_of: str
    status: str | None
    started: str | None
    completed: str | None
    devices_total: int | None
    devices_finished: int | None
    devices_failed: int | None
    devices_not_ended: int | None
    devices_not_known: int | None
    by_status: list[CountFields]
    by_error: list[ErrorFields]
    devices: list[UploadedFields]
    shown: int
    omitted: int
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _Others(LeftOut):
    """unfinished: how many devices come before those that finished."""

    unfinished: int

    def line(self, given: int) -> str:
        line = LeftOut.line(self, given)
        return line.removesuffix(".") + ", all of which finished." if line and given >= self.unfinished else line


def upload_answer(result: Upload, max_chars: int) -> Answer:
    """Writes the answer: counts, then the devices, those that failed first, as far as they fit."""
    details = result.details
    devices = sorted(details.devices, key=lambda device: _ORDER.index(state_of(device)))
    of_state = {state: result.states.get(state, 0) if devices else None for state in _ORDER}
    facts: dict[str, Any] = {
        "customer": customer_fields(result.customer),
        "batch_tracking_id": cleaned(result.batch_tracking_id),
        "as_of": timestamp(result.as_of),
        **completeness_fields(result.next_step),
        "status": cleaned_or_none(details.status),
        "started": timestamp(details.started),
        "completed": timestamp(details.completed),
        "devices_total": len(devices) or None,
        "devices_finished": of_state["finished"],
        "devices_failed": of_state["failed"],
        "devices_not_ended": of_state["running"],
        "devices_not_known": of_state["not known"],
        "by_status": [],
        "by_error": [],
    }
    unfinished = sum(state_of(device) != "finished" for device in devices)
    rows = Rows("devices", _COLUMNS, list(map(_fields, devices[: max(unfinished, _FINISHED_ROWS)])))
    rest = _Others(len(devices), "device", "devices", "", unfinished)
    heads = ("By status: .", table_head(_ERROR_COLUMNS), _FAILED_FIRST)
    is_mixed = 0 < result.states.get("failed", 0) < len(devices)
    draft = ListDraft(max_chars, _summary(result), facts, rows, rest, head=[_times(result)], reserved=heads)
    draft.take_notes(_notes(result), share=_NOTES_SHARE)
    draft.take_first_row()
    by_error, counts = _by_error(devices), Counter(cleaned_or_none(device.status) for device in devices).most_common()
    by_status: list[CountFields] = [{"value": counted_value(status), "devices": number} for status, number in counts]
    status_parts = [f"{in_sentence(status)} {number:,}" for status, number in counts]
    error_lines = list(map(_error_line, by_error))
    errors = rows_that_fit(error_lines, by_error, draft.room.part(_COUNTS_SHARE))
    statuses = rows_that_fit([f"{part}," for part in status_parts], by_status, draft.room.part(_COUNTS_SHARE))
    draft.take_rows()
    if rarer := len(by_error) - errors + len(by_status) - statuses:
        draft.notes.append(f"{plural(rarer, 'rarer error code or status', 'rarer error codes and statuses')} left out.")
    return draft.answer(
        f"By status: {', '.join(status_parts[:statuses])}." if statuses else "",
        table(_ERROR_COLUMNS, error_lines[:errors]),
        _FAILED_FIRST if is_mixed and draft.given else "",
        by_status=by_status[:statuses],
        by_error=by_error[:errors],
    )


def _fields(device: DeviceUploadDetails) -> UploadedFields:
    return {
        "device_id": cleaned_or_none(device.device_id),
        "serial_number": cleaned_or_none(device.serial_number),
        "product_key": as_given(device.product_key),
        "status": cleaned_or_none(device.status),
        "error_code": cleaned_or_none(device.error_code),
        "meaning": _meaning(device.error_code, device.error_description),
    }


def _meaning(code: str | None, description: str | None = None) -> str | None:
    """What the documents say of the code; for a code they do not know, the service's own word."""
    return ROW_ERRORS.get(code or "") or cleaned_or_none(description)


def _by_error(devices: Sequence[DeviceUploadDetails]) -> list[ErrorFields]:
    counts = Counter(counted_value(cleaned_or_none(code)) for device in devices if (code := error_of(device)))
    return [{"code": code, "meaning": _meaning(code), "devices": number} for code, number in counts.most_common()]


def _error_line(error: ErrorFields) -> str:
    return row(map(value_cell, (error["code"], error["meaning"], error["devices"])))


def _times(result: Upload) -> str:
    begun, ended = cell(timestamp(result.details.started)), cell(timestamp(result.details.completed))
    return f"Tracking id: {cell(result.batch_tracking_id)}. Started: {begun}. Completed: {ended}."


def _summary(result: Upload) -> str:
    details, of = result.details, result.states
    known = cleaned_or_none(details.status)
    status = f"the upload is {quoted(known)}" if known else "the upload has no status"
    if result.is_stuck and details.started:
        status = f"the upload is stuck, {quoted(known or '')} since {minute(details.started)}"
    place = f"in this upload for {called(result.customer)}; {status}, as of {minute(result.as_of)}."
    if not details.devices:
        return f"INCOMPLETE: what became of the devices is not known {place}"
    total = plural(len(details.devices), "device")
    counted = f"{of.get('failed', 0):,} of {total} failed"
    under_way = f", {of['running']:,} not ended" if of.get("running") else ""
    if of.get("failed"):
        counted += under_way
    else:
        counted = f"{of.get('finished', 0):,} of {total} finished{under_way}"
        if not of.get("not known"):
            counted += _none_failed(result)
    if unknown := of.get("not known"):
        counted += f", {unknown:,} not known"
    if result.next_step:
        return f"INCOMPLETE: {counted}, as far as could be read {place}"
    return f"{counted} {place}"


def _none_failed(result: Upload) -> str:
    """That no row has failed, as far as the rows that there are can show that."""
    if result.next_step is None:
        return ", none failed" if result.states.get("finished") == len(result.details.devices) else _NONE_SO_FAR
    rows_are_missing = result.details.unreadable or result.details.goes_on
    return _NONE_SO_FAR if result.state not in {"finished", "failed"} and not rows_are_missing else ""


def _notes(result: Upload) -> list[str]:
    notes = completeness_notes(result.next_step)
    notes += [problem.reason for problem in result.problems]
    if result.details.unreadable:
        notes.append(unreadable(result.details.unreadable, "device", "devices"))
    if result.states.get("failed") and result.state == "finished":
        notes.append('"finished" says that the upload ran to its end, not that every device was uploaded.')
    if result.states.get("not known"):
        notes.append("Devices of which it is not said clearly that they finished or failed are not known.")
    if result.is_stuck and result.details.started and result.next_step is None:
        notes.append("It has been running for more than a day: it is called stuck, and may not end by itself.")
    elif result.state not in {"finished", "failed"} and result.next_step is None:
        notes.append("The upload may still be running: ask again in a few minutes.")
    return notes
