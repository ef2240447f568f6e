"""The partner's customers, and which of them a person means."""

import difflib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio

from pc_mcp.inventory.errors import AmbiguousCustomer, UnknownCustomer
from pc_mcp.inventory.text import match_key, quoted, visible
from pc_mcp.partner_center import NextToken, PartnerCenter, PartnerCenterError
from pc_mcp.partner_center.errors import BrokenPaging, RequestRefused
from pc_mcp.partner_center.models import Customer

GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
NEAREST = 5
LISTED = 10


@dataclass(eq=False)
class CustomerDirectory:
    """The partner's customers as far as they have been read, in the order of the service."""

    customers: list[Customer] = field(default_factory=list)
    unreadable: int = 0
    complete: bool = False
    problem: PartnerCenterError | None = None
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    touched: float = field(default_factory=anyio.current_time)
    _next_token: NextToken | None = None
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def weight(self) -> int:
        return len(self.customers)

    @property
    def busy(self) -> bool:
        return self._lock.locked()

    @property
    def revision(self) -> str:
        """Changes when customers are added."""
        return f"{self.id}.{len(self.customers)}"

    def drop(self) -> None:
        """Nothing but memory to let go of."""

    async def read(self, partner_center: PartnerCenter) -> None:
        """Reads on to the end. Raises a `PartnerCenterError` when not even one page could be read."""
        async with self._lock:
            if self.complete:
                return
            resumed = self._next_token is not None
            self.problem = await self._read_pages(partner_center)
            if resumed and isinstance(self.problem, RequestRefused | BrokenPaging):
                # How long a continuation token lives is not documented: begin again without it.
                self.customers.clear()
                self.unreadable, self._next_token = 0, None
                self.problem = await self._read_pages(partner_center)
            if self.problem and not self.customers:
                raise self.problem
            self.complete = self.problem is None

    async def _read_pages(self, partner_center: PartnerCenter) -> PartnerCenterError | None:
        try:
            async for page in partner_center.customers(self._next_token):
                self.customers += page.items
                self.unreadable += page.unreadable
                self._next_token = page.next_token
                self.touched = anyio.current_time()
        except PartnerCenterError as problem:
            return problem
        return None

    def matching(self, query: str | None) -> list[Customer]:
        """Customers whose name or domain contains `query`, or whose id begins with it, by name."""
        key = match_key(query or "")
        found = [
            customer
            for customer in self.customers
            if any(key in match_key(text) for text in _names(customer)) or customer.id.lower().startswith(key)
        ]
        return sorted(found, key=lambda customer: (match_key(customer.name or "\uffff"), customer.id))

    def named(self, text: str) -> Customer:
        """The one customer whose id, domain or name is `text`, or the one whose name begins with it.

        Raises `AmbiguousCustomer` or `UnknownCustomer`, with the customers to choose from.
        """
        key = match_key(text)
        exact = [c for c in self.customers if key in {c.id.lower(), *map(match_key, _names(c))}]
        found = exact or [c for c in self.customers if any(match_key(name).startswith(key) for name in _names(c))]
        if len(found) == 1:
            return found[0]
        shown = quoted(text)
        if found:
            more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
            raise AmbiguousCustomer(
                f"{len(found)} customers match {shown}. Which one is meant? Ask again with its id: "
                f"{_listed(found[:LISTED])}{more}."
            )
        unread = "" if self.complete else " The list of customers could not be read to its end."
        raise UnknownCustomer(f"No customer matches {shown}.{unread} {self._hint(key)}")

    def _hint(self, key: str) -> str:
        near = self.matching(key)[:NEAREST]
        if not near:
            by_name = {match_key(name): c for c in self.customers for name in _names(c)}
            near = [by_name[name] for name in difflib.get_close_matches(key, by_name, NEAREST, cutoff=0.6)]
        if near:
            return f"Nearest: {_listed(list(dict.fromkeys(near)))}."
        return "Use find_customers to see which there are, or give the customer's tenant id."


def _names(customer: Customer) -> Sequence[str]:
    return [name for name in (customer.name, customer.domain) if name]


def _listed(customers: Sequence[Customer]) -> str:
    return "; ".join(f"{quoted(c.name or c.domain or 'unnamed')} (id {visible(c.id)[:80]})" for c in customers)
