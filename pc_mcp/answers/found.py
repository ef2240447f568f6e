"""The answer to which devices have the given identifiers."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from typing_extensions import TypedDict

from pc_mcp.answers.budget import rows_that_fit
from pc_mcp.answers.clean import as_given, cleaned_or_none, escaped, minute, plural, timestamp
from pc_mcp.answers.devices import DeviceFields, Field, device_fields, masked_note
from pc_mcp.answers.lists import ListDraft, PagedRest, Rows, columns
from pc_mcp.answers.markdown import table_head
from pc_mcp.answers.parts import (
    ONLY_OURS,
    Answer,
    CompletenessFields,
    CustomerFields,
    SummaryFields,
    batches_read,
    called,
    completeness_fields,
    coverage_notes,
    customer_fields,
    names,
)
from pc_mcp.inventory import IdentifierMatches
from pc_mcp.inventory.questions.find import IdentifierMatch, Possible
from pc_mcp.inventory.text import in_quotes

FIELDS: tuple[Field, ...] = ("batch", "policy", "uploaded")
NEAR_FIELDS: tuple[Field, ...] = ("serial_number", "batch", "manufacturer", "model", "id")
_NEAR_COLUMNS = columns("possible for", *NEAR_FIELDS, "why")

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


class FindAnswer(SummaryFields, CompletenessFields):
    customer: CustomerFields
    as_of: str
    devices_expected: int
    devices_unread: int
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


def find_answer(result: IdentifierMatches, fields: Sequence[Field] | None, max_chars: int) -> Answer:
    """Writes the answer. What was not found stands on the first page, before what was found and is paged;
    `shown` and `omitted` count the devices found.

    fields: of a device, beside the identifier that it answers; None: `FIELDS`, and serial numbers where that is none.
    """
    chosen = list(dict.fromkeys(fields or _fields(result.matches)))
    is_first = result.page.before == 0
    absent = "Not found" if result.coverage.complete else "Not found so far"
    found = [_found(each, chosen) for each in result.matches]
    rows = Rows("found", columns("identifier", *chosen), found, _found_cells)
    near = Rows("possible", _NEAR_COLUMNS, list(map(_near, result.possible)), _near_cells)
    rest = PagedRest(result.page, result.matched, "Devices", "in the order asked for")
    heads = [f"{absent}: .", *([table_head(list(near.columns))] if near.items else [])]
    draft = ListDraft(max_chars, _summary(result), _facts(result), rows, rest, reserved=heads)
    near_note = [_NEAR_LEFT_OUT.format(f"{result.possible_omitted + len(near.items):,}")] if near.items else []
    for note in (_MISSING_LEFT_OUT.format(result.not_found), *near_note):
        draft.room.take(f"- {escaped(note)}", note)
    notes = _notes(result, is_first=is_first) + masked_note(chosen, (each.device for each in result.matches))
    draft.take_notes(notes, share=_NOTES_SHARE)

    draft.take_first_row()
    missing = [as_given(identifier) for identifier in result.missing] if is_first else []
    missing_given = rows_that_fit([f"{_quoted(text)}, " for text in missing], missing, draft.room)
    if missing_given < len(missing):
        draft.notes.append(_MISSING_LEFT_OUT.format(len(missing) - missing_given))
    near_room = draft.room.part(_NEAR_SHARE) if rows.items[1:] else draft.room
    near_given = rows_that_fit(near.lines, near.items, near_room)
    if near_left_out := result.possible_omitted + len(near.items) - near_given:
        draft.notes.append(_NEAR_LEFT_OUT.format(f"{near_left_out:,}"))
    draft.take_rows()
    return draft.answer(
        f"{absent}: {', '.join(map(_quoted, missing[:missing_given]))}." if missing_given else "",
        near.table(near_given),
        not_found=missing[:missing_given],
        possible=near.items[:near_given],
    )


def _facts(result: IdentifierMatches) -> dict[str, Any]:
    """The structured content but for what was found and the notes."""
    return {
        "customer": customer_fields(result.customer),
        "as_of": timestamp(result.coverage.as_of),
        **completeness_fields(result.coverage.next_step),
        "devices_expected": result.coverage.devices_expected,
        "devices_unread": result.coverage.devices_unread,
        "devices_total": result.coverage.devices_read,
        "identifiers_found": result.found,
        "identifiers_not_found": result.not_found,
        "not_found": [],
        "possible": [],
    }


def _fields(matches: Sequence[IdentifierMatch]) -> Sequence[Field]:
    """What is told of devices where nothing certain is asked for. No row says twice what it was asked for."""
    told = all(as_given(each.identifier) == cleaned_or_none(each.device.row.serial_number) for each in matches)
    return FIELDS if told else ("serial_number", *FIELDS)


def _found(match: IdentifierMatch, fields: Sequence[Field]) -> FoundFields:
    return {"identifier": as_given(match.identifier), "device": device_fields(match.device, fields)}


def _near(possible: Possible) -> PossibleFields:
    device = device_fields(possible.device, NEAR_FIELDS)
    return {"identifier": as_given(possible.identifier), "device": device, "why": possible.why}


def _found_cells(item: FoundFields) -> Iterator[object]:
    return chain([item["identifier"]], item["device"].values())


def _near_cells(item: PossibleFields) -> Iterator[object]:
    return chain([item["identifier"]], item["device"].values(), [item["why"]])


def _quoted(identifier: str) -> str:
    """An identifier as it was given."""
    return in_quotes(escaped(identifier))


def _summary(result: IdentifierMatches) -> str:
    asked = result.found + result.not_found
    coverage = result.coverage
    place = f"the {plural(coverage.devices_read, 'device')} of {called(result.customer)}"
    devices = f" ({plural(result.matched, 'device')})" if result.matched != result.found else ""
    if coverage.complete:
        return (
            f"{result.found:,} of {plural(asked, 'identifier')} found{devices} in {place}; "
            f"complete as of {minute(coverage.as_of)}."
        )
    return (
        f"INCOMPLETE: {result.found:,} of {plural(asked, 'identifier')} found so far{devices} in {place} "
        f"that were read; {batches_read(coverage)}; as of {minute(coverage.as_of)}."
    )


def _notes(result: IdentifierMatches, *, is_first: bool) -> list[str]:
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
        notes.append("Possible ones were not looked for everywhere: list_devices finds by a part of a serial number.")
    if result.matched > result.found:
        notes.append("An identifier that fits several devices has a row for each.")
    if result.repeated:
        notes.append(f"{plural(result.repeated, 'identifier')} given more than once; each is answered once.")
    if result.empty:
        notes.append(f"{plural(result.empty, 'empty cell')} left out.")
    return notes
