"""The answer to which customers the partner has."""

from typing import Any

from typing_extensions import TypedDict

from pc_mcp.answers.budget import Room, notes_that_fit, rows_that_fit
from pc_mcp.answers.clean import in_quotes, minute, moment, plural, shown, shown_or_none, value_cell
from pc_mcp.answers.markdown import row, sections, table, table_head
from pc_mcp.answers.parts import (
    MAX_CURSOR,
    Answer,
    CompletenessFields,
    completeness_fields,
    completeness_notes,
    longest_rows_line,
    notes_section,
    problem_note,
    rows_line,
    unreadable,
)
from pc_mcp.inventory import CustomerList
from pc_mcp.inventory.reading.customer_names import listed
from pc_mcp.partner_center.models import Customer

_COLUMNS = ("name", "domain", "id", "relationship")


class FoundCustomer(TypedDict):
    id: str
    name: str | None
    domain: str | None
    relationship: str | None


class CustomerListAnswer(CompletenessFields):
    as_of: str
    customers_total: int
    customers_matched: int
    customers: list[FoundCustomer]
    shown: int
    omitted: int
    next_cursor: str | None
    notes: list[str]


def customer_list_answer(result: CustomerList, query: str | None, max_chars: int) -> Answer:
    """Writes the answer: its fixed parts, then the rows that fit."""
    data: dict[str, Any] = {
        "as_of": moment(result.as_of),
        **completeness_fields(result.next_step),
        "customers_total": result.total,
        "customers_matched": result.matched,
        "customers": [],
        "shown": result.matched,
        "omitted": result.matched,
        "next_cursor": MAX_CURSOR,
        "notes": [],
    }
    first_line = _first_line(result, query)
    fixed = [
        first_line,
        table_head(_COLUMNS),
        longest_rows_line(result.matched, "Customers"),
        "Notes:",
    ]
    room = Room.beside(max_chars, sections(*fixed), data)
    notes = notes_that_fit(_notes(result), room.part(0.3))
    rows = [_fields(customer) for customer in result.customers]
    lines = [row(map(value_cell, (f["name"], f["domain"], f["id"], f["relationship"]))) for f in rows]
    given = rows_that_fit(lines, rows, room)
    data |= {
        "customers": rows[:given],
        "shown": given,
        "omitted": result.matched - given,
        "next_cursor": result.page.cursors[given - 1] if given else None,
        "notes": notes,
    }
    text = sections(
        first_line,
        table(_COLUMNS, lines[:given]),
        rows_line(result.page, given, result.matched, "Customers"),
        notes_section(notes),
    )
    return Answer(text, data)


def _fields(customer: Customer) -> FoundCustomer:
    return {
        "id": shown(customer.id),
        "name": shown_or_none(customer.name),
        "domain": shown_or_none(customer.domain),
        "relationship": shown_or_none(customer.relationship),
    }


def _first_line(result: CustomerList, query: str | None) -> str:
    counted = plural(result.total, "customer")
    if query:
        counted = f"{result.matched:,} of {counted}"
    matching = f" match {in_quotes(query)}" if query else ""
    as_of = minute(result.as_of)
    if result.next_step:
        return f"INCOMPLETE: **{counted} read so far**{matching}; as of {as_of}."
    return f"**{counted}**{matching}; complete as of {as_of}."


def _notes(result: CustomerList) -> list[str]:
    notes = completeness_notes(result.next_step)
    if result.problem:
        notes.append(problem_note(result.problem, "The list of customers"))
    if result.unreadable:
        notes.append(unreadable(result.unreadable, "customer", "customers"))
    if result.nearest:
        notes.append(f"Nearest: {listed(result.nearest)}.")
    elif not result.matched and not result.next_step:
        notes.append("Try a part of the name or of the domain, or leave query out to see every customer.")
    return notes
