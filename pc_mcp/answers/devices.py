"""The answer to which devices a customer, or one of its batches, has."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NotRequired, cast

from typing_extensions import TypedDict

from pc_mcp.answers.attention import AttentionRow, attention_head, attention_line, attention_rows, lacking
from pc_mcp.answers.budget import Room
from pc_mcp.answers.clean import (
    OTHERS,
    as_given,
    cell,
    cleaned,
    cleaned_or_none,
    counted_value,
    escaped,
    minute,
    plural,
    quoted,
    timestamp,
)
from pc_mcp.answers.lists import ListDraft, PagedRest, Rows, columns, counted_summary
from pc_mcp.answers.markdown import row, table, table_head
from pc_mcp.answers.parts import (
    ONLY_OURS,
    Answer,
    CompletenessFields,
    CustomerFields,
    SummaryFields,
    batches_read,
    completeness_fields,
    coverage_notes,
    customer_fields,
    few,
    in_batches,
    names,
    place,
    short,
)
from pc_mcp.inventory import DeviceFilter, DeviceList, DeviceOrder, Grouping
from pc_mcp.inventory.product_keys import MASK
from pc_mcp.inventory.questions.devices import Group, ListedDevice
from pc_mcp.inventory.text import NONE
from pc_mcp.runtime.text import QUOTES

Field = Literal["id", "serial_number", "manufacturer", "model", "policy", "batch", "uploaded", "product_key"]
DEFAULT_FIELDS: Sequence[Field] = ("serial_number", "manufacturer", "model", "policy", "batch", "uploaded")
WHOLE_LIST = "All devices as a CSV file for people, whatever the filters: {}the resource {}"
WRITTEN = "the tool export_devices writes it; or "

_SHOWN: Mapping[Field, Callable[[ListedDevice], str | None]] = {
    "id": lambda device: cleaned_or_none(device.row.id),
    "serial_number": lambda device: cleaned_or_none(device.row.serial_number),
    "manufacturer": lambda device: cleaned_or_none(device.row.manufacturer),
    "model": lambda device: cleaned_or_none(device.row.model),
    "policy": lambda device: cleaned_or_none(device.row.policy),
    "batch": lambda device: cleaned(device.batch),
    "uploaded": lambda device: timestamp(device.row.uploaded),
    "product_key": lambda device: as_given(device.row.product_key),
}

_ORDERS: Mapping[DeviceOrder, str] = {
    "batch": "by batch and place in it",
    "serial_number": "by serial number",
    "uploaded": "oldest upload first",
    "-uploaded": "newest upload first",
}

_NOTES_SHARE, _OFFER_SHARE, _ATTENTION_SHARE = 0.2, 0.1, 0.2
_GROUPS_SHARE_BESIDE_ROWS = 0.4
MOST_GROUP_VALUES = 1000
"""More than an answer has room for."""


# The chosen fields of a device; null: not known. A docstring would be part of the schema.
class DeviceFields(TypedDict, total=False):
    id: str | None
    serial_number: str | None
    manufacturer: str | None
    model: str | None
    policy: str | None
    batch: str
    uploaded: str | None
    product_key: str | None


# second: of a combination, what devices have of the other fact.
class GroupValue(TypedDict):
    value: str
    second: NotRequired[str]
    devices: int


class GroupFields(TypedDict):
    by: str
    order: str
    values: list[GroupValue]
    other: int
    other_values: int


class DeviceListAnswer(SummaryFields, CompletenessFields):
    customer: CustomerFields
    batch: str | None
    as_of: str
    batches_read: int
    batches_total: int
    devices_expected: int
    devices_unread: int
    devices_total: int
    devices_matched: int
    order_by: str
    groups: list[GroupFields]
    attention: list[AttentionRow]
    devices: list[DeviceFields]
    shown: int
    omitted: int
    next_cursor: str | None
    notes: list[str]


def device_list_answer(
    result: DeviceList,
    where: DeviceFilter,
    fields: Sequence[Field] | None,
    max_chars: int,
    *,
    whole_list: str | None = None,
    exports: bool = False,
) -> Answer:
    """Writes the answer: what is fixed first, then a row, groups, and the rows that still fit.

    whole_list: the resource to name where rows are left out; exports: whether `export_devices` is there.
    """
    chosen = list(dict.fromkeys(fields or _fields_for(where)))
    rows = Rows("devices", columns(*chosen), [device_fields(each, chosen) for each in result.devices])
    rest = PagedRest(result.page, result.matched, "Devices", _ORDERS[result.order])
    heads = [
        f"{table_head(_group_columns(group.by))}\n{_others(group.by, _group(group, result.matched))}"
        for group in result.groups
    ]
    findings, complete = attention_rows(result, where), result.coverage.complete
    groups_head, findings_head = _groups_head(result), attention_head(findings, complete=complete)
    heads += [groups_head, findings_head]
    draft = ListDraft(max_chars, _summary(result, where), _facts(result), rows, rest, reserved=heads)
    draft.take_notes(_notes(result, where) + masked_note(chosen, result.devices), share=_NOTES_SHARE)
    offer = WHOLE_LIST.format(WRITTEN if exports else "", whole_list)
    offered = whole_list is not None and draft.room.part(_OFFER_SHARE).take(f"- {escaped(offer)}", offer)
    attention_room = draft.room.part(_ATTENTION_SHARE)
    attention = [item for item in findings if attention_room.take(attention_line(item), item)]
    if left_out := len(findings) - len(attention):
        draft.notes.append(f"{plural(left_out, 'finding')} left out of attention for length.")
    draft.take_first_row()
    groups = _groups(result, draft.room.part(_GROUPS_SHARE_BESIDE_ROWS) if rows.items else draft.room)
    draft.take_rows()
    if offered and draft.given < result.matched:
        draft.notes.append(offer)
    return draft.answer(
        _groups_head(result, cut=any(group["other"] for group in groups)),
        *[_group_table(group.by, given) for group, given in zip(result.groups, groups, strict=True)],
        "\n".join([findings_head, *map(attention_line, attention)]) if attention else "",
        groups=groups,
        attention=attention,
    )


def _fields_for(where: DeviceFilter) -> Sequence[Field]:
    """What is told of each device unasked: what tells it from the others is among it."""
    return ("id", *DEFAULT_FIELDS) if "without_serial_number" in where.only else DEFAULT_FIELDS


def _facts(result: DeviceList) -> dict[str, Any]:
    """The structured content but for devices and notes, at the longest of its fixed parts."""
    return {
        "customer": customer_fields(result.customer),
        "batch": cleaned(result.batch.id) if result.batch else None,
        "as_of": timestamp(result.coverage.as_of),
        **completeness_fields(result.coverage.next_step),
        "batches_read": result.coverage.batches_read,
        "batches_total": result.coverage.batches_total,
        "devices_expected": result.coverage.devices_expected,
        "devices_unread": result.coverage.devices_unread,
        "devices_total": result.total,
        "devices_matched": result.matched,
        "order_by": result.order,
        "groups": [_group(group, result.matched) for group in result.groups],
        "attention": [],
    }


def device_fields(device: ListedDevice, fields: Sequence[Field]) -> DeviceFields:
    """The chosen fields of a device, as they are shown."""
    return cast("DeviceFields", {field: _SHOWN[field](device) for field in fields})


def masked_note(fields: Sequence[Field], devices: Iterable[ListedDevice]) -> list[str]:
    """The note that product keys are masked, where any is."""
    is_masked = "product_key" in fields and any((each.row.product_key or "").startswith(MASK) for each in devices)
    return ["Product keys: the last five characters only."] if is_masked else []


def _summary(result: DeviceList, where: DeviceFilter) -> str:
    coverage = result.coverage
    where_they_are = place(result.customer, result.batch)
    if result.batch and coverage.complete and not (result.total or result.batch.devices):
        where_they_are += ", which is empty" if where.is_empty else ", which is empty,"
    conditions = "" if where.is_empty else f" match ({describe(where)})"
    counted = plural(result.total, "device")
    if coverage.complete:
        counted = counted if where.is_empty else f"{result.matched:,} of {counted}"
        batches = "" if result.batch else in_batches(coverage)
        return counted_summary(counted, f" of {where_they_are}{batches}{conditions}", coverage.as_of, complete=True)
    counted = f"{counted} read so far" if where.is_empty else f"{result.matched:,} of the {counted} read so far"
    return (
        f"INCOMPLETE: {counted} of {where_they_are}{conditions}. {batches_read(coverage)}; "
        f"as of {minute(coverage.as_of)}."
    )


def describe(where: DeviceFilter) -> str:
    """The conditions of a question in words."""
    texts = {
        "serial number": where.serial_number,
        "manufacturer": where.manufacturer,
        "model": where.model,
        "policy": where.policy,
    }
    parts = []
    for name, text in texts.items():
        if name in where.absent:
            parts.append(f"without a {name}")
        elif text is not None:
            parts.append(f"{name} contains {quoted(text.strip(QUOTES + ' ') or text)}")
    if where.only:
        parts.append(lacking(where.only))
    if where.uploaded_after:
        parts.append(f"uploaded from {minute(where.uploaded_after)}")
    if where.uploaded_before:
        parts.append(f"uploaded before {minute(where.uploaded_before)}")
    return ", ".join(parts)


def _notes(result: DeviceList, where: DeviceFilter) -> list[str]:
    notes = coverage_notes(result.coverage)
    for each in result.nobody_has:
        counted = [f"{short(name)} ({plural(devices, 'device')})" for name, devices in each.nearest]
        near = f" Nearest: {few(counted)}." if counted else ""
        read = "" if result.coverage.complete else " that was read"
        without = f' For devices without one ask {each.by}="{NONE}".' if each.may_mean_none else ""
        notes.append(f"No device{read} has a {each.by} that is called so.{without}{near}")
    if result.empty_batches and where.is_empty and any("batch" in group.by for group in result.groups):
        count = plural(len(result.empty_batches), "batch is", "batches are")
        notes.append(f"{count} empty, and in no group: {names(result.empty_batches)}.")
    if not result.matched and result.coverage.complete:
        notes.append(ONLY_OURS)
    if where.uploaded_after or where.uploaded_before:
        one = result.undated == 1
        lacking = f"without an upload date {'matches' if one else 'match'} no period. "
        if not replace(where, uploaded_after=None, uploaded_before=None).is_empty:
            lacking = (
                f"that {'matches' if one else 'match'} otherwise {'is' if one else 'are'} in no period, for lack of "
            )
            lacking += "an upload date. "
        undated = f"{plural(result.undated, 'device')} {lacking}" if result.undated else ""
        notes.append(f"{undated}Periods are UTC.")
    return notes


def _groups(result: DeviceList, room: Room) -> list[GroupFields]:
    """The most frequent values of each group, of times the latest, one of each in turn, as far as there is room."""
    fields = [_group(group, result.matched) for group in result.groups]
    open_groups = list(zip(fields, map(_values, result.groups), strict=True))
    for rank in range(max((len(values) for _, values in open_groups), default=0)):
        for group, values in open_groups:
            full = len(group["values"]) < rank
            if rank < len(values) and not full and room.take(_group_line(values[rank]), values[rank]):
                group["values"].append(values[rank])
                group["other"] -= values[rank]["devices"]
                group["other_values"] -= 1
    for group, asked in zip(fields, result.groups, strict=True):
        if _is_of_time(asked.by):
            group["values"].reverse()
    return fields


def _group(group: Group, devices: int) -> GroupFields:
    """A group of which no value is given yet."""
    return {
        "by": "+".join(group.by),
        "order": _order(group.by),
        "values": [],
        "other": devices,
        "other_values": len(group.values),
    }


def _values(group: Group) -> list[GroupValue]:
    """The values that come first where there is no room for all."""
    values = group.values[: -MOST_GROUP_VALUES - 1 : -1] if _is_of_time(group.by) else group.values[:MOST_GROUP_VALUES]
    return [_value(labels, devices) for labels, devices in values]


def _value(labels: Sequence[str | None], devices: int) -> GroupValue:
    first, *second = (counted_value(cleaned_or_none(label)) for label in labels)
    return {"value": first, "second": second[0], "devices": devices} if second else {"value": first, "devices": devices}


def _is_of_time(by: Grouping) -> bool:
    return any(fact.startswith("uploaded_") for fact in by)


def _group_line(value: GroupValue) -> str:
    second = [cell(value["second"])] if "second" in value else []
    return row((cell(value["value"]), *second, f"{value['devices']:,}"))


def _group_table(by: Grouping, group: GroupFields) -> str:
    lines = [_group_line(value) for value in group["values"]]
    if group["other"]:
        lines.append(_others(by, group))
    return table(_group_columns(by), lines)


def _others(by: Grouping, group: GroupFields) -> str:
    """What is left out of a group: how many values, and the devices that have them."""
    return row((f"{group['other_values']:,} {OTHERS}", *[""] * (len(by) - 1), f"{group['other']:,}"))


def _group_columns(by: Grouping) -> list[str]:
    return [*(fact.replace("_", " ") for fact in by), "devices"]


def _order(by: Grouping) -> str:
    return "time" if _is_of_time(by) else "-devices"


def _groups_head(result: DeviceList, *, cut: bool = True) -> str:
    """In which order groups are given, and of what they are where not all was read. cut: whether any is left out."""
    orders = {_order(group.by) for group in result.groups if group.values}
    if not orders:
        return ""
    of_what = "" if result.coverage.complete else f" of the {plural(result.total, 'device')} read so far"
    if orders == {"time"}:
        return f"Groups{of_what} in the order of time{'; where not all fit, the latest' if cut else ''}:"
    times = f"; times in their order{', where not all fit the latest' if cut else ''}" if "time" in orders else ""
    return f"Groups{of_what}, most devices first{times}:"
