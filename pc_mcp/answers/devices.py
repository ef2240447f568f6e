"""The answer to which devices a customer, or one of its batches, has."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from typing_extensions import TypedDict

from pc_mcp.answers.attention import AttentionRow, attention_rows
from pc_mcp.answers.budget import Room, notes_that_fit, rows_that_fit
from pc_mcp.answers.clean import (
    OTHERS,
    as_given,
    cell,
    counted_value,
    escaped,
    in_quotes,
    minute,
    moment,
    plural,
    shown,
    shown_or_none,
    value_cell,
)
from pc_mcp.answers.markdown import row, sections, table, table_head
from pc_mcp.answers.parts import (
    MAX_CURSOR,
    ONLY_OURS,
    Answer,
    CompletenessFields,
    CustomerFields,
    called,
    completeness_fields,
    coverage_notes,
    customer_fields,
    longest_rows_line,
    names,
    notes_section,
    rows_line,
)
from pc_mcp.inventory import DeviceFilter, DeviceList
from pc_mcp.inventory.questions.devices import Group, ListedDevice

Field = Literal["id", "serial_number", "manufacturer", "model", "policy", "batch", "uploaded", "product_key"]
DEFAULT_FIELDS: Sequence[Field] = ("serial_number", "manufacturer", "model", "policy", "batch", "uploaded")
WHOLE_LIST = "All devices as a CSV file for people, whatever the filters: the resource {}"

_NOTES_SHARE, _OFFER_SHARE, _ATTENTION_SHARE = 0.2, 0.1, 0.2
_GROUPS_SHARE_BESIDE_ROWS = 0.4


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


class GroupValue(TypedDict):
    value: str
    devices: int


class GroupFields(TypedDict):
    by: str
    values: list[GroupValue]
    other: int


class DeviceListAnswer(CompletenessFields):
    customer: CustomerFields
    batch: str | None
    as_of: str
    batches_read: int
    batches_total: int
    devices_total: int
    devices_matched: int
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
) -> Answer:
    """Writes the answer: what is fixed first, then a row, groups, and the rows that still fit.

    whole_list: the resource to name where rows are left out.
    """
    chosen = list(dict.fromkeys(fields or DEFAULT_FIELDS))
    first_line = _first_line(result, where)
    data = _frame(result)
    heads = [_group_head(group.by) + f"\n| others | {result.matched:,} |" for group in result.groups]
    rows_are = longest_rows_line(result.matched, "Devices")
    fixed = sections(first_line, *heads, "**Attention**", table_head(chosen), rows_are, "Notes:")
    room = Room.beside(max_chars, fixed + "\n\n", data)

    notes = notes_that_fit(_notes(result, where), room.part(_NOTES_SHARE))
    offer = WHOLE_LIST.format(whole_list)
    offered = whole_list is not None and room.part(_OFFER_SHARE).take(f"- {escaped(offer)}", offer)
    attention_room = room.part(_ATTENTION_SHARE)
    findings = attention_rows(result)
    attention = [item for item in findings if attention_room.take(_attention_line(item), item)]
    if left_out := len(findings) - len(attention):
        notes.append(f"{plural(left_out, 'finding')} left out of attention for length.")
    rows = [device_fields(device, chosen) for device in result.devices]
    lines = [row(_cells(fields)) for fields in rows]
    given = rows_that_fit(lines[:1], rows[:1], room)
    groups = _groups(result, room.part(_GROUPS_SHARE_BESIDE_ROWS) if rows else room)
    given += rows_that_fit(lines[1:], rows[1:], room) if given else 0
    if offered and given < result.matched:
        notes.append(offer)

    data |= {
        "groups": groups,
        "attention": attention,
        "devices": rows[:given],
        "shown": given,
        "omitted": result.matched - given,
        "next_cursor": result.page.cursors[given - 1] if given else None,
        "notes": notes,
    }
    text = sections(
        first_line,
        *map(_group_table, groups),
        "**Attention**\n" + "\n".join(map(_attention_line, attention)) if attention else "",
        table(chosen, lines[:given]),
        rows_line(result.page, given, result.matched, "Devices"),
        notes_section(notes),
    )
    return Answer(text, data)


def _frame(result: DeviceList) -> dict[str, Any]:
    """The structured content without what the budget decides, at the longest of its fixed parts."""
    return {
        "customer": customer_fields(result.customer),
        "batch": shown(result.batch.id) if result.batch else None,
        "as_of": moment(result.coverage.as_of),
        **completeness_fields(result.coverage.next_step),
        "batches_read": result.coverage.batches_read,
        "batches_total": result.coverage.batches_total,
        "devices_total": result.total,
        "devices_matched": result.matched,
        "groups": [{"by": group.by, "values": [], "other": result.matched} for group in result.groups],
        "attention": [],
        "devices": [],
        "shown": result.matched,
        "omitted": result.matched,
        "next_cursor": MAX_CURSOR,
        "notes": [],
    }


def device_fields(device: ListedDevice, fields: Sequence[Field]) -> DeviceFields:
    """The chosen fields of a device, as they are shown."""
    known: Mapping[Field, str | None] = {
        "id": shown_or_none(device.row.id),
        "serial_number": shown_or_none(device.row.serial_number),
        "manufacturer": shown_or_none(device.row.manufacturer),
        "model": shown_or_none(device.row.model),
        "policy": shown_or_none(device.row.policy),
        "batch": shown(device.batch),
        "uploaded": moment(device.row.uploaded),
        "product_key": as_given(device.row.product_key),
    }
    return cast("DeviceFields", {field: known[field] for field in fields})


def _cells(fields: DeviceFields) -> list[str]:
    return [value_cell(cast("str | None", value)) for value in fields.values()]


def _first_line(result: DeviceList, where: DeviceFilter) -> str:
    coverage = result.coverage
    place = called(result.customer)
    if result.batch:
        place = f"batch {in_quotes(result.batch.id)} of {place}"
    conditions = "" if where.is_empty else f" match ({describe(where)})"
    batches = "" if result.batch else f" in {plural(coverage.batches_total, 'batch', 'batches')}"
    as_of = minute(coverage.as_of)
    if coverage.complete:
        if where.is_empty:
            return f"**{plural(result.total, 'device')}** of {place}{batches}; complete as of {as_of}."
        return (
            f"**{result.matched:,} of {plural(result.total, 'device')}** of {place}{batches}{conditions}; "
            f"complete as of {as_of}."
        )
    counted = f"{plural(result.total, 'device')} read so far"
    if not where.is_empty:
        counted = f"{result.matched:,} of the {counted}"
    return (
        f"INCOMPLETE: **{counted}** of {place}{conditions}. {coverage.batches_read:,} of "
        f"{plural(coverage.batches_total, 'batch', 'batches')} read to the end; as of {as_of}."
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
            parts.append(f"{name} contains {in_quotes(text)}")
    if where.uploaded_after:
        parts.append(f"uploaded from {minute(where.uploaded_after)}")
    if where.uploaded_before:
        parts.append(f"uploaded before {minute(where.uploaded_before)}")
    return ", ".join(parts)


def _notes(result: DeviceList, where: DeviceFilter) -> list[str]:
    notes = coverage_notes(result.coverage)
    for each in result.nobody_has:
        near = f" Nearest: {names(each.nearest)}." if each.nearest else ""
        read = "" if result.coverage.complete else " that was read"
        notes.append(f"No device{read} has a {each.by} that is called so.{near}")
    if not result.matched and result.coverage.complete:
        notes.append(ONLY_OURS)
    if where.uploaded_after or where.uploaded_before:
        notes.append("Devices without an upload date match no period. Periods are UTC.")
    return notes


def _groups(result: DeviceList, room: Room) -> list[GroupFields]:
    """The most frequent values of each group, one of each in turn, as far as there is room."""
    fields: list[GroupFields] = [{"by": group.by, "values": [], "other": result.matched} for group in result.groups]
    open_groups = list(zip(fields, map(_values, result.groups), strict=True))
    for rank in range(max((len(values) for _, values in open_groups), default=0)):
        for group, values in open_groups:
            full = len(group["values"]) < rank
            if rank < len(values) and not full and room.take(_group_line(values[rank]), values[rank]):
                group["values"].append(values[rank])
                group["other"] -= values[rank]["devices"]
    return fields


def _values(group: Group) -> list[GroupValue]:
    return [{"value": counted_value(shown_or_none(value)), "devices": devices} for value, devices in group.values]


def _group_line(value: GroupValue) -> str:
    return row((cell(value["value"]), f"{value['devices']:,}"))


def _group_table(group: GroupFields) -> str:
    lines = [_group_line(value) for value in group["values"]]
    if group["other"]:
        lines.append(row((OTHERS, f"{group['other']:,}")))
    return table((_titled(group["by"]), "devices"), lines)


def _group_head(by: str) -> str:
    return table_head((_titled(by), "devices"))


def _titled(by: str) -> str:
    return by.replace("_", " ")


def _attention_line(item: AttentionRow) -> str:
    return f"- {escaped(item['note'])}"
