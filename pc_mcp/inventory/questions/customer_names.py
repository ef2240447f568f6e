"""Which customer a person means: by tenant id, domain or name, or a part of it that only one customer has."""

import re
from collections.abc import Callable, Sequence
from functools import partial

from pc_mcp.inventory.errors import AmbiguousCustomer, UnknownCustomer
from pc_mcp.inventory.nearest import nearest_of
from pc_mcp.inventory.questions.completeness import missing, next_step
from pc_mcp.inventory.questions.names import Named, called, with_part
from pc_mcp.inventory.reading.customer_list import CustomerDirectory, CustomerEntry, CustomersRead, customer_entry
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.text import quoted
from pc_mcp.partner_center.models import Customer
from pc_mcp.runtime.ids import guid_of, guids_in, id_key
from pc_mcp.runtime.text import match_key, visible

NEAREST = 5
LISTED = 10

_HOST = re.compile(r"[^\s@/:?#&=,;<>()'\"|]+\.[^\s@/:?#&=,;<>()'\"|.]{2,}")
_DEFAULT_DOMAIN_ONLY = (
    "Partner Center knows a customer by its default domain only, such as contoso.onmicrosoft.com, and by no other "
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
            return await _listed_customer(call, directory, text)
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


async def _listed_customer(call: Call, directory: CustomerDirectory, text: str) -> Customer:
    """The one customer of the list that `text` names. Raises `AmbiguousCustomer` or `UnknownCustomer`, with the
    customers to choose from."""
    read = directory.now()
    found = await call.off_the_loop(partial(_named, read.entries, text, is_whole=read.complete))
    if len(found) == 1:
        return found[0]
    if found:
        raise AmbiguousCustomer(
            f"{len(found)} customers match {quoted(text)}. Which one is meant? Ask again with its id: {listed(found)}."
        )
    raise UnknownCustomer(await _unknown(call, read, text))


def is_called(customer: Customer, text: str) -> bool:
    """Whether `text` is the id, the domain or the whole name of the customer, and no mere part of it."""
    entry = customer_entry(customer)
    return id_key(text) == entry.id or bool(called(text, [_with_names(entry)]) or addressed(text, [entry]))


def matching(query: str | None, entries: Sequence[CustomerEntry]) -> list[Customer]:
    """Customers whose name or domain contains `query`, or whose id begins with it, by name; all without one."""
    key = match_key(query or "")
    start = guid_of(key) or key
    found = [each for each in entries if each.id.startswith(start) or any(key in name for name in each.names)]
    found.sort(key=lambda entry: (entry.name or "\uffff", entry.id))
    return [entry.customer for entry in found]


def _named(entries: Sequence[CustomerEntry], text: str, *, is_whole: bool) -> list[Customer]:
    """Those whose id, name or domain `text` is, or these in quotation marks or as answers show them; else whose id or
    domain stands in it, as in an address; else, of a whole list, whose name or domain has it at its start, or anywhere.
    """
    if found := [each.customer for each in entries if each.id == match_key(text)]:
        return found
    named = list(map(_with_names, entries))
    found = called(text, named) or addressed(text, entries)
    return found or (with_part(text, named) if is_whole else [])


def _with_names(entry: CustomerEntry) -> Named[Customer]:
    names = tuple(filter(None, (entry.customer.name, entry.customer.domain)))
    return Named(entry.customer, names, tuple(entry.names))


async def _unknown(call: Call, read: CustomersRead, text: str) -> str:
    """That no customer is called so, as far as that is known, and what to do next."""
    words = [f"No customer matches {quoted(text)}."]
    if not read.complete:
        words = [
            f"Not found so far: none of the {len(read.entries):,} customers that were read is called "
            f"{quoted(text)}, and the list of customers could not be read to its end."
        ]
    elif read.unreadable:
        words.append(f"Customers that could not be read, which it may be one of: {read.unreadable:,}.")
    if read.problem:
        step = next_step([missing(read.problem)])
        words += [str(read.problem.raised()), step.reason if step else ""]
    if _HOST.fullmatch(match_key(text)):
        words.append(_DEFAULT_DOMAIN_ONLY)
    near = await call.off_the_loop(partial(nearest_customers, text, read.entries))
    if near:
        words.append(f"Nearest: {listed(near)}.")
    else:
        words.append("Use find_customers to see which there are, or give the customer's tenant id.")
    return " ".join(filter(None, words))


def addressed(text: str, entries: Sequence[CustomerEntry]) -> list[Customer]:
    """The customer whose id or domain stands somewhere in `text`, such as an address."""
    ids = set(guids_in(text))
    hosts = {host.removesuffix(".") for host in _HOST.findall(match_key(text))}
    tests: list[Callable[[CustomerEntry], bool]] = [
        lambda entry: entry.id in ids,
        lambda entry: not hosts.isdisjoint(entry.names),
    ]
    for test in tests:
        if found := [entry.customer for entry in entries if test(entry)]:
            return found
    return []


def nearest_customers(text: str, entries: Sequence[CustomerEntry]) -> list[Customer]:
    """Customers whose names contain `text` or are like it, the most alike first."""
    if containing := matching(text, entries):
        return containing[:NEAREST]
    key = match_key(text)
    host = _HOST.search(key)
    wanted = _label(host[0]) if host else key
    names = [(name, entry) for entry in entries for name in {*entry.names, *map(_label, entry.names)}]
    near = nearest_of(wanted, [name for name, _ in names], 2 * NEAREST)
    return list(dict.fromkeys(names[number][1].customer for number in near))[:NEAREST]


def listed(customers: Sequence[Customer]) -> str:
    """Customers to choose from, in a sentence; the rest is counted."""
    each = []
    for customer in customers[:LISTED]:
        domain = f"domain {quoted(customer.domain)}, " if customer.name and customer.domain else ""
        name = quoted(name) if (name := customer.name or customer.domain) else "without a name"
        each.append(f"{name} ({domain}id {visible(customer.id)[:80]})")
    more = f" and {len(customers) - LISTED} more" if len(customers) > LISTED else ""
    return "; ".join(each) + more


def _label(name: str) -> str:
    """What a domain begins with, but for `www.`; any other name as it is."""
    return name.removeprefix("www.").partition(".")[0] if _HOST.fullmatch(name) else name
