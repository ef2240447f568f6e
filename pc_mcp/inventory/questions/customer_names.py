"""Which customer a person means: by tenant id, domain or name, or a part of it that only one customer has."""

import re
from collections.abc import Callable, Sequence

from pc_mcp.inventory.errors import AmbiguousCustomer, UnknownCustomer
from pc_mcp.inventory.nearest import nearest
from pc_mcp.inventory.reading.customer_list import CustomerDirectory, Entry
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.text import quoted
from pc_mcp.partner_center.models import Customer
from pc_mcp.runtime.ids import guid_of, guids_in
from pc_mcp.runtime.text import match_key, visible

NEAREST = 5
LISTED = 10
CUT = "…"
SHORTEST_PART = 3
"""A part of a name that is shorter says nothing, but in scripts where a character is a word."""

_HOST = re.compile(r"[^\s@/:?#&=,;<>()'\"|]+\.[^\s@/:?#&=,;<>()'\"|.]{2,}")
_DEFAULT_DOMAIN_ONLY = (
    " Partner Center knows a customer by its default domain only, such as contoso.onmicrosoft.com, and by no other "
    "domain that it has."
)


async def named_customer(call: Call, text: str) -> Customer:
    """The customer that `text` names: a tenant id, a domain, a name or a part of one.

    Raises a `QuestionError` that lists the customers to choose from. A tenant id is asked for
    directly, so it works for a customer that was added a moment ago, too.
    """
    tenant_id = guid_of(text)
    if tenant_id is None:
        directory = await call.inventory.directory(call)
        try:
            return await customer_named(directory, text)
        except UnknownCustomer:
            ids = guids_in(text)
            if len(ids) != 1:
                raise
            tenant_id = ids[0]
    if snapshot := call.inventory.kept_snapshot(call, tenant_id):
        return snapshot.customer
    known = call.inventory.kept_directory(call)
    if known and (customer := known.with_id(tenant_id)):
        return customer
    with call.in_time():
        return await call.partner_center.customer(tenant_id)


async def customer_named(directory: CustomerDirectory, text: str) -> Customer:
    """The one customer that `text` names; see `_readings` for how it may.

    Raises `AmbiguousCustomer` or `UnknownCustomer`, with the customers to choose from.
    """
    entries = directory.entries
    for is_meant, needs_whole_list in _readings(text):
        found = [entry.customer for entry in entries if is_meant(entry)]
        if found and needs_whole_list and not directory.complete:
            break
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousCustomer(
                f"{len(found)} customers match {quoted(text)}. Which one is meant? Ask again with its id: "
                f"{listed(found)}."
            )
    unread = ""
    if not directory.complete:
        unread = " The list of customers could not be read to its end."
    elif directory.unreadable:
        unread = f" Customers that could not be read, which it may be one of: {directory.unreadable:,}."
    domain = _DEFAULT_DOMAIN_ONLY if _HOST.fullmatch(match_key(text)) else ""
    near = await nearest_customers(directory, text)
    hint = "Use find_customers to see which there are, or give the customer's tenant id."
    if near:
        hint = f"Nearest: {listed(near)}."
    raise UnknownCustomer(f"No customer matches {quoted(text)}.{unread}{domain} {hint}")


async def nearest_customers(directory: CustomerDirectory, text: str) -> list[Customer]:
    """Customers whose names contain `text` or are like it, the most alike first."""
    if containing := directory.matching(text):
        return containing[:NEAREST]
    key = match_key(text)
    host = _HOST.search(key)
    wanted = _label(host[0]) if host else key
    entries = directory.entries
    names = [(name, entry) for entry in entries for name in {*entry.names, *map(_label, entry.names)}]
    near = await nearest(wanted, [name for name, _ in names], 2 * NEAREST)
    return list(dict.fromkeys(names[number][1].customer for number in near))[:NEAREST]


def listed(customers: Sequence[Customer]) -> str:
    """Customers to choose from, in a sentence; the rest is counted."""
    each = []
    for customer in customers[:LISTED]:
        domain = f"domain {quoted(customer.domain)}, " if customer.name and customer.domain else ""
        name = quoted(customer.name or customer.domain or "unnamed")
        each.append(f"{name} ({domain}id {visible(customer.id)[:80]})")
    more = f" and {len(customers) - LISTED} more" if len(customers) > LISTED else ""
    return "; ".join(each) + more


def _readings(text: str) -> list[tuple[Callable[[Entry], bool], bool]]:
    """What `text` may say of a customer, the first one that anything fits counts: its id, name or domain; these in
    quotation marks; an address that holds its id or domain; the start of its name or domain; any part of them.

    True: whether only one customer is so can be told from the whole list only.
    """
    key = match_key(text)
    bare = key.strip("' ") or key
    ids = set(guids_in(text))
    hosts = {host.removesuffix(".") for host in _HOST.findall(key)} if "@" in key or "/" in key else set()
    start = match_key(text.removesuffix(CUT))
    readings: list[tuple[Callable[[Entry], bool], bool]] = [
        (lambda entry: key == entry.id or key in entry.names, False),
        (lambda entry: bare in entry.names, False),
        (lambda entry: entry.id in ids, False),
        (lambda entry: not hosts.isdisjoint(entry.names), False),
        (lambda entry: any(name.startswith(start) for name in entry.names), True),
    ]
    if len(key) >= SHORTEST_PART or not key.isascii():
        readings.append((lambda entry: any(key in name for name in entry.names), True))
    return readings


def _label(name: str) -> str:
    """What a domain begins with, but for `www.`; any other name as it is."""
    return name.removeprefix("www.").partition(".")[0] if _HOST.fullmatch(name) else name
