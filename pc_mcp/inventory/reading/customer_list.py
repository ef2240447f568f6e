"""The partner's customers, as far as they have been read."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio

from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.reading.batch_reading import is_token_refused
from pc_mcp.inventory.reading.generations import new_generation
from pc_mcp.partner_center import NextToken, PartnerCenter, PartnerCenterError
from pc_mcp.partner_center.models import Customer
from pc_mcp.runtime.ids import id_key
from pc_mcp.runtime.text import match_key
from pc_mcp.runtime.threads import in_steps


@dataclass(frozen=True, slots=True)
class CustomerEntry:
    """A customer and the keys by which it is found: of its id, and of its name and domain, as far as it has them."""

    customer: Customer
    id: str
    name: str | None
    domain: str | None

    @property
    def names(self) -> Iterator[str]:
        return (key for key in (self.name, self.domain) if key)


@dataclass(frozen=True, slots=True)
class CustomersRead:
    """The customers that had been read at one moment, and whether these are all. While they are gone through more may
    be read."""

    entries: Sequence[CustomerEntry]
    complete: bool
    problem: Problem | None
    unreadable: int
    generation: int
    read_at: datetime


@dataclass(eq=False)
class CustomerDirectory:
    """The partner's customers as far as they have been read, in the order of the service, each once.

    generation: changes with them; restarts: its next page takes the place of all that was read.
    """

    unreadable: int = 0
    complete: bool = False
    problem: Problem | None = None
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    generation: int = field(default_factory=new_generation)
    touched: float = field(default_factory=anyio.current_time)
    kept_until: float = -math.inf
    restarts: bool = False
    _entries: dict[str, CustomerEntry] = field(default_factory=dict)
    _next_token: NextToken | None = None
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    def now(self) -> CustomersRead:
        """What is known of them now."""
        entries = list(self._entries.values())
        return CustomersRead(entries, self.complete, self.problem, self.unreadable, self.generation, self.read_at)

    @property
    def weight(self) -> int:
        return len(self._entries)

    @property
    def busy(self) -> bool:
        return self._lock.locked()

    @property
    def is_full(self) -> bool:
        """It is read no further than a list of customers may be long."""
        return False

    def close(self) -> None:
        """Nothing but memory, which goes with the last question that uses it."""

    async def read(self, partner_center: PartnerCenter) -> None:
        """Reads on to the end. Raises a `PartnerCenterError` when not even one page could be read."""
        async with self._lock:
            if self.complete:
                return
            resumed, known = self._next_token is not None, len(self._entries)
            self.problem = await self._read_pages(partner_center)
            at_once = len(self._entries) == known
            if resumed and self.problem and is_token_refused(self.problem, at_once=at_once):
                self._next_token, self.restarts = None, True
                self.problem = await self._read_pages(partner_center)
            if self.problem and not self._entries:
                raise self.problem.raised()
            self.complete = self.problem is None

    async def _read_pages(self, partner_center: PartnerCenter) -> Problem | None:
        try:
            async for page in partner_center.customers(self._next_token):
                entries = await in_steps(customer_entry, page.items)
                if self.restarts:
                    self._entries.clear()
                    self.unreadable, self.restarts = 0, False
                for entry in entries:
                    self._entries.setdefault(entry.id, entry)
                self.unreadable += page.unreadable
                self._next_token = page.next_token
                self.generation = new_generation()
                self.touched = anyio.current_time()
        except PartnerCenterError as error:
            return Problem.of(error)
        return None

    def with_id(self, customer_id: str) -> Customer | None:
        """The customer whose id that is, however it is written."""
        entry = self._entries.get(id_key(customer_id))
        return entry.customer if entry else None


def customer_entry(customer: Customer) -> CustomerEntry:
    """A customer with its keys."""
    name, domain = (match_key(text) if text else None for text in (customer.name, customer.domain))
    return CustomerEntry(customer, id_key(customer.id), name, domain)
