"""The answer to which customers the partner has."""

from typing_extensions import TypedDict

from pc_mcp.answers.clean import cleaned, cleaned_or_none, plural, quoted, timestamp
from pc_mcp.answers.lists import PagedRest, Rows, columns, counted_summary, list_answer
from pc_mcp.answers.parts import (
    Answer,
    CompletenessFields,
    SummaryFields,
    completeness_fields,
    completeness_notes,
    problem_note,
    unreadable,
)
from pc_mcp.answers.sign_in import SIMULATED
from pc_mcp.inventory import CustomerList
from pc_mcp.inventory.questions.customer_names import listed
from pc_mcp.partner_center.models import Customer

_COLUMNS = columns("name", "domain", "id", "relationship")


class FoundCustomer(TypedDict):
    id: str
    name: str | None
    domain: str | None
    relationship: str | None


class CustomerListAnswer(SummaryFields, CompletenessFields):
    as_of: str
    customers_total: int
    customers_matched: int
    customers: list[FoundCustomer]
    shown: int
    omitted: int
    next_cursor: str | None
    notes: list[str]


def customer_list_answer(result: CustomerList, query: str | None, max_chars: int, *, simulated: bool = False) -> Answer:
    """Writes the answer: its fixed parts, then the rows that fit. simulated: whether the customers are."""
    facts = {
        "as_of": timestamp(result.as_of),
        **completeness_fields(result.next_step),
        "customers_total": result.total,
        "customers_matched": result.matched,
    }
    rows = Rows("customers", _COLUMNS, list(map(_fields, result.customers)))
    rest = PagedRest(result.page, result.matched, "Customers", "by name")
    notes = _notes(result) + ([SIMULATED] if simulated and not result.matched else [])
    return list_answer(max_chars, _summary(result, query), facts, rows, rest, notes)


def _fields(customer: Customer) -> FoundCustomer:
    return {
        "id": cleaned(customer.id),
        "name": cleaned_or_none(customer.name),
        "domain": cleaned_or_none(customer.domain),
        "relationship": cleaned_or_none(customer.relationship),
    }


def _summary(result: CustomerList, query: str | None) -> str:
    counted = plural(result.total, "customer")
    if query:
        counted = f"{result.matched:,} of {counted}"
    matching = f" match {quoted(query)}" if query else ""
    return counted_summary(counted, matching, result.as_of, complete=result.next_step is None)


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
