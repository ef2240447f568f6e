"""The answer to which devices have the given identifiers."""

from typing import Any

from typing_extensions import TypedDict

from pc_mcp.answers.budget import Room, notes_that_fit, rows_that_fit
from pc_mcp.answers.clean import ABSENT, cell, minute, moment, plural, shown
from pc_mcp.answers.devices import DeviceFields, Field, device_fields
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
    notes_section,
)
from pc_mcp.inventory import Findings
from pc_mcp.inventory.find import Finding

FIELDS: tuple[Field, ...] = (
    "serial_number",
    "batch",
    "policy",
    "manufacturer",
    "model",
    "uploaded",
    "product_key",
    "id",
)


class FoundFields(TypedDict):
    identifier: str
    device: DeviceFields


class FindingsAnswer(CompletenessFields):
    customer: CustomerFields
    as_of: str
    devices_total: int
    identifiers_found: int
    identifiers_not_found: int
    found: list[FoundFields]
    not_found: list[str]
    shown: int
    omitted: int
    next_cursor: str | None
    notes: list[str]


def findings_answer(result: Findings, max_chars: int) -> Answer:
    """Writes the answer. A page holds identifiers in the order given, found or not; `shown` and
    `omitted` count the devices."""
    first_line = _first_line(result)
    data: dict[str, Any] = {
        "customer": customer_fields(result.customer),
        "as_of": moment(result.coverage.as_of),
        **completeness_fields(result.coverage.next_step),
        "devices_total": result.coverage.devices_read,
        "identifiers_found": result.found,
        "identifiers_not_found": result.not_found,
        "found": [],
        "not_found": [],
        "shown": result.matched,
        "omitted": result.matched,
        "next_cursor": MAX_CURSOR,
        "notes": [],
    }
    absent = "Not found" if result.coverage.complete else "Not found so far"
    columns = ("identifier", *FIELDS)
    rows_are = longest_rows_line(result.matched, "Devices")
    fixed = sections(first_line, table_head(columns), f"{absent}: .", rows_are, "Notes:")
    room = Room.beside(max_chars, fixed, data)
    notes = notes_that_fit(_notes(result), room.part(0.25))
    rows = [_item(finding) for finding in result.findings]
    lines = [_line(finding) for finding in result.findings]
    given = rows_that_fit(lines, rows, room)
    found = [item for item in rows[:given] if not isinstance(item, str)]
    not_found = [item for item in rows[:given] if isinstance(item, str)]
    cursor = result.page.cursors[given - 1] if given else None
    data |= {
        "found": found,
        "not_found": not_found,
        "shown": len(found),
        "omitted": result.matched - len(found),
        "next_cursor": cursor,
        "notes": notes,
    }
    table_lines = [line for line, item in zip(lines[:given], rows, strict=False) if not isinstance(item, str)]
    text = sections(
        first_line,
        table(columns, table_lines),
        f"{absent}: {', '.join(map(cell, not_found))}." if not_found else "",
        _rows_line(result, len(found), cursor),
        notes_section(notes),
    )
    return Answer(text, data)


def _item(finding: Finding) -> FoundFields | str:
    """A row of `found`, or an entry of `not_found`."""
    identifier = shown(finding.identifier)
    if finding.device is None:
        return identifier
    return {"identifier": identifier, "device": device_fields(finding.device, FIELDS)}


def _line(finding: Finding) -> str:
    if finding.device is None:
        return f"{cell(finding.identifier)}, "
    fields = device_fields(finding.device, FIELDS)
    cells = (ABSENT if value is None else cell(str(value)) for value in fields.values())
    return row((cell(finding.identifier), *cells))


def _rows_line(result: Findings, given: int, cursor: str | None) -> str:
    before = result.matched_before
    devices = f"Devices {before + 1:,} to {before + given:,} of {result.matched:,}." if given else ""
    more = f"For the next ones pass cursor: {cursor}" if cursor else ""
    return " ".join(part for part in (devices, more) if part)


def _first_line(result: Findings) -> str:
    asked = result.found + result.not_found
    coverage = result.coverage
    place = f"the {plural(coverage.devices_read, 'device')} of {called(result.customer)}"
    devices = f" ({plural(result.matched, 'device')})" if result.matched != result.found else ""
    if coverage.complete:
        return (
            f"**{result.found:,} of {plural(asked, 'identifier')} found**{devices} in {place}; "
            f"complete as of {minute(coverage.as_of)}."
        )
    batches = plural(coverage.batches_total, "batch", "batches")
    return (
        f"INCOMPLETE: **{result.found:,} of {plural(asked, 'identifier')} found so far**{devices} in {place} "
        f"that were read; {coverage.batches_read:,} of {batches} read to the end; "
        f"as of {minute(coverage.as_of)}."
    )


def _notes(result: Findings) -> list[str]:
    notes = coverage_notes(result.coverage)
    if result.not_found and not result.coverage.complete:
        notes.insert(0, "The list is not complete: what is in not_found is not found so far, and may exist.")
    elif result.not_found:
        notes.append(ONLY_OURS)
    if result.matched > result.found:
        notes.append("An identifier that fits several devices has a row for each.")
    if result.repeated:
        notes.append(f"{plural(result.repeated, 'identifier')} given more than once; each is answered once.")
    return notes
