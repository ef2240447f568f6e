"""The answer to which configuration policies a customer has."""

from typing import Any, Final

from typing_extensions import TypedDict

from pc_mcp.answers.budget import Room, notes_that_fit, rows_that_fit
from pc_mcp.answers.clean import minute, moment, plural, shown, shown_or_none, value_cell
from pc_mcp.answers.markdown import row, sections, table, table_head
from pc_mcp.answers.parts import (
    Answer,
    CompletenessFields,
    CustomerFields,
    called,
    completeness_fields,
    completeness_notes,
    customer_fields,
    notes_section,
    problem_note,
    unreadable,
)
from pc_mcp.inventory import PolicyList
from pc_mcp.partner_center.models import ConfigurationPolicy

_COLUMNS = ("policy", "devices assigned", "settings", "description", "category", "created", "modified", "id")
_FIELDS: Final = (*("name", "devices_assigned", "settings", "description", "category", "created", "modified", "id"),)
_SETTINGS = 6


class PolicyFields(TypedDict):
    id: str | None
    name: str | None
    category: str | None
    description: str | None
    devices_assigned: int | None
    settings: list[str]
    created: str | None
    modified: str | None


class PolicyListAnswer(CompletenessFields):
    customer: CustomerFields
    as_of: str
    policies_total: int
    policies: list[PolicyFields]
    shown: int
    omitted: int
    notes: list[str]


def policy_list_answer(result: PolicyList, max_chars: int) -> Answer:
    """Writes the answer: its fixed parts, then the rows that fit."""
    total = len(result.policies)
    data: dict[str, Any] = {
        "customer": customer_fields(result.customer),
        "as_of": moment(result.as_of),
        **completeness_fields(result.next_step),
        "policies_total": total,
        "policies": [],
        "shown": total,
        "omitted": total,
        "notes": [],
    }
    first_line = _first_line(result)
    omitted_line = f"{total:,} more policies are left out for length."
    room = Room.beside(max_chars, sections(first_line, table_head(_COLUMNS), omitted_line, "Notes:"), data)
    notes = notes_that_fit(_notes(result), room.part(0.3))
    rows = [_fields(policy) for policy in result.policies]
    lines = [_line(fields) for fields in rows]
    given = rows_that_fit(lines, rows, room)
    left_out = total - given
    data |= {"policies": rows[:given], "shown": given, "omitted": left_out, "notes": notes}
    text = sections(
        first_line,
        table(_COLUMNS, lines[:given]),
        f"{plural(left_out, 'more policy', 'more policies')} left out for length." if left_out else "",
        notes_section(notes),
    )
    return Answer(text, data)


def _fields(policy: ConfigurationPolicy) -> PolicyFields:
    return {
        "id": shown_or_none(policy.id),
        "name": shown_or_none(policy.name),
        "category": shown_or_none(policy.category),
        "description": shown_or_none(policy.description),
        "devices_assigned": policy.devices_assigned,
        "settings": [text for text in map(shown, policy.settings[:_SETTINGS]) if text],
        "created": moment(policy.created),
        "modified": moment(policy.modified),
    }


def _line(fields: PolicyFields) -> str:
    return row(value_cell(fields[name]) for name in _FIELDS)


def _first_line(result: PolicyList) -> str:
    counted = plural(len(result.policies), "configuration policy", "configuration policies")
    place, as_of = called(result.customer), minute(result.as_of)
    if result.next_step:
        return f"INCOMPLETE: **{counted} read so far** of {place}; as of {as_of}."
    return f"**{counted}** of {place}; complete as of {as_of}."


def _notes(result: PolicyList) -> list[str]:
    notes = completeness_notes(result.next_step)
    if result.problem:
        notes.append(problem_note(result.problem, "The list of policies"))
    if result.unreadable:
        notes.append(unreadable(result.unreadable, "policy", "policies"))
    if any(policy.devices_assigned is not None for policy in result.policies):
        notes.append(
            "devices_assigned is the service's own count; list_devices with group_by policy counts the "
            "devices themselves."
        )
    return notes
