"""The answer to which devices have the given identifiers."""

from collections.abc import Iterator
from typing import Any, cast

from typing_extensions import TypedDict

from pc_mcp.answers.budget import Room, notes_that_fit, rows_that_fit
from pc_mcp.answers.clean import as_given, escaped, minute, moment, plural, value_cell
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
    names,
    notes_section,
    rows_line,
)
from pc_mcp.inventory import Findings
from pc_mcp.inventory.questions.find import Finding, Possible

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


NEAR_FIELDS: tuple[Field, ...] = ("serial_number", "batch", "manufacturer", "model", "id")
_COLUMNS = ("identifier", *FIELDS)
_NEAR_COLUMNS = ("possible for", *NEAR_FIELDS, "why")

_NOTES_SHARE, _NEAR_SHARE = 0.25, 0.4
_MISSING_LEFT_OUT = "{} of the identifiers that were not found are left out for length: ask for fewer at once."
_NEAR_LEFT_OUT = "{} more possible devices left out: list_devices finds by a part of a serial number."


class FoundFields(TypedDict):
    identifier: str
    device: DeviceFields


class PossibleFields(TypedDict):
    identifier: str
    device: DeviceFields
    why: str


class FindingsAnswer(CompletenessFields):
    customer: CustomerFields
    as_of: str
    devices_total: int
    identifiers_found: int
    identifiers_not_found: int
    not_found: list[str]
    possible: list[PossibleFields]
    found: list[FoundFields]
    shown: int
    omitted: int
    next_cursor: str | None
    notes: list[str]


def findings_answer(result: Findings, max_chars: int) -> Answer:
    """Writes the answer. What was not found stands on the first page, before what was found and is paged;
    `shown` and `omitted` count the devices found."""
    is_first = result.page.before == 0
    first_line = _first_line(result)
    data = _frame(result)
    absent = "Not found" if result.coverage.complete else "Not found so far"
    rows_are = longest_rows_line(result.matched, "Devices")
    heads = [f"{absent}: .", table_head(_NEAR_COLUMNS), table_head(_COLUMNS)]
    room = Room.beside(max_chars, sections(first_line, *heads, rows_are, "Notes:"), data)
    for note in (_MISSING_LEFT_OUT.format(result.not_found), _NEAR_LEFT_OUT.format(f"{result.possible_omitted:,}")):
        room.take(f"- {escaped(note)}", note)
    notes = notes_that_fit(_notes(result, is_first=is_first), room.part(_NOTES_SHARE))

    found: list[FoundFields] = [_found(finding) for finding in result.findings]
    found_lines = [row((value_cell(item["identifier"]), *_cells(item["device"]))) for item in found]
    given = rows_that_fit(found_lines[:1], found[:1], room)  # without one there would be no way on
    missing = [as_given(identifier) for identifier in result.missing] if is_first else []
    missing_given = rows_that_fit([f"{_in_quotes(text)}, " for text in missing], missing, room)
    if missing_given < len(missing):
        notes.append(_MISSING_LEFT_OUT.format(len(missing) - missing_given))
    near: list[PossibleFields] = [_near(possible) for possible in result.possible]
    near_lines = [row((value_cell(item["identifier"]), *_cells(item["device"]), item["why"])) for item in near]
    near_given = rows_that_fit(near_lines, near, room.part(_NEAR_SHARE) if found[1:] else room)
    if near_left_out := result.possible_omitted + len(near) - near_given:
        notes.append(_NEAR_LEFT_OUT.format(f"{near_left_out:,}"))
    given += rows_that_fit(found_lines[1:], found[1:], room) if given else 0

    data |= {
        "not_found": missing[:missing_given],
        "possible": near[:near_given],
        "found": found[:given],
        "shown": given,
        "omitted": result.matched - given,
        "next_cursor": result.page.cursors[given - 1] if given else None,
        "notes": notes,
    }
    text = sections(
        first_line,
        f"{absent}: {', '.join(map(_in_quotes, missing[:missing_given]))}." if missing_given else "",
        table(_NEAR_COLUMNS, near_lines[:near_given]),
        table(_COLUMNS, found_lines[:given]),
        rows_line(result.page, given, result.matched, "Devices"),
        notes_section(notes),
    )
    return Answer(text, data)


def _frame(result: Findings) -> dict[str, Any]:
    """The structured content without what the budget decides, at the longest of its fixed parts."""
    return {
        "customer": customer_fields(result.customer),
        "as_of": moment(result.coverage.as_of),
        **completeness_fields(result.coverage.next_step),
        "devices_total": result.coverage.devices_read,
        "identifiers_found": result.found,
        "identifiers_not_found": result.not_found,
        "not_found": [],
        "possible": [],
        "found": [],
        "shown": result.matched,
        "omitted": result.matched,
        "next_cursor": MAX_CURSOR,
        "notes": [],
    }


def _found(finding: Finding) -> FoundFields:
    return {"identifier": as_given(finding.identifier), "device": device_fields(finding.device, FIELDS)}


def _near(possible: Possible) -> PossibleFields:
    device = device_fields(possible.device, NEAR_FIELDS)
    return {"identifier": as_given(possible.identifier), "device": device, "why": possible.why}


def _cells(fields: DeviceFields) -> Iterator[str]:
    return (value_cell(cast("str | None", value)) for value in fields.values())


def _in_quotes(text: str) -> str:
    """An identifier as it was given, which no quotation mark of its own ends."""
    return '"' + escaped(text).replace('"', "'") + '"'


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


def _notes(result: Findings, *, is_first: bool) -> list[str]:
    notes = coverage_notes(result.coverage)
    if result.not_found and not result.coverage.complete:
        notes.insert(0, "The list is not complete: what is in not_found is not found so far, and may exist.")
    elif result.not_found:
        notes.append(ONLY_OURS)
    if result.not_found and not is_first:
        notes.append(
            f"{plural(result.not_found, 'identifier')} not found: the page before the first cursor names them."
        )
    if result.shortened:
        notes.append(
            f"Excel has shortened {names(tuple(result.shortened))}: the digits are lost. Ask the user for the original."
        )
    if result.possible:
        notes.append(
            "What is in possible is near an identifier, and not counted as found: ask the user whether it is meant."
        )
    if result.not_found and not result.all_compared:
        notes.append("There was no time to look through all devices for possible ones.")
    if result.matched > result.found:
        notes.append("An identifier that fits several devices has a row for each.")
    if result.repeated:
        notes.append(f"{plural(result.repeated, 'identifier')} given more than once; each is answered once.")
    if result.empty:
        notes.append(f"{plural(result.empty, 'empty cell')} left out.")
    return notes
