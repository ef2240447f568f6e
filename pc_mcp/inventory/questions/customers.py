"""The question which customers the partner has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pc_mcp.inventory.questions.completeness import Missing, NextStep, keep_until_asked_again, missing, next_step
from pc_mcp.inventory.questions.customer_names import addressed, matching, nearest_customers
from pc_mcp.inventory.questions.identifiers import forms_of
from pc_mcp.inventory.questions.paging import Continuation, Paging, kept
from pc_mcp.inventory.reading.customer_list import CustomerEntry
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.partner_center.models import Customer


@dataclass(frozen=True, slots=True)
class CustomerList:
    """`customers` is a page of those that match, by name; `nearest` are others, where none does."""

    as_of: datetime
    next_step: NextStep | None
    problem: Missing | None
    unreadable: int
    total: int
    matched: int
    customers: Sequence[Customer]
    nearest: Sequence[Customer]
    page: Continuation


async def list_customers(
    call: Call, query: str | None, *, limit: int, cursor: str | None = None, refresh: bool = False
) -> CustomerList:
    """Customers whose name or domain contains `query`, or whose id begins with it; all without one. A cursor pages
    what has been read and reads nothing."""
    paging = Paging(call, ("customers", query), cursor)
    inventory = call.inventory
    if paging.goes_on:
        directory = kept(inventory.kept_directory(call))
    else:
        directory = await inventory.directory(call, renew=refresh)
    read = directory.now()
    begun, entries = paging.begin(read.generation), read.entries
    matched = await call.off_the_loop(partial(_matching, query, entries))
    given = range(len(matched))[begun.after + 1 :][:limit]
    nearest: list[Customer] = []
    if query and not matched:
        nearest = await call.off_the_loop(partial(nearest_customers, query, entries))
    problem = missing(read.problem) if read.problem else None
    out_of_time = not (read.complete or problem)
    step = next_step([problem] if problem else [], unreadable=read.unreadable, out_of_time=out_of_time)
    keep_until_asked_again(directory, step)
    return CustomerList(
        as_of=read.read_at,
        next_step=step,
        problem=problem,
        unreadable=read.unreadable,
        total=len(entries),
        matched=len(matched),
        customers=[matched[place] for place in given],
        nearest=nearest,
        page=paging.page(begun, given, len(matched)),
    )


def _matching(query: str | None, entries: Sequence[CustomerEntry]) -> list[Customer]:
    """The customers that match what was pasted: as it stands, without its wrapping, or as an address that names one."""
    if query is None:
        return matching(None, entries)
    for form in forms_of(query) or [query]:
        if found := matching(form, entries):
            return found
    return addressed(query, entries)
