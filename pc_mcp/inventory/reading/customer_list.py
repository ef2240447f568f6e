"""The partner's customers, as far as they have been read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio

from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.reading.batch_reading import is_token_refused
from pc_mcp.inventory.reading.generations import new_generation
from pc_mcp.partner_center import NextToken, PartnerCenter, PartnerCenterError
from pc_mcp.partner_center.models import Customer
from pc_mcp.runtime.ids import guid_of, id_key
from pc_mcp.runtime.text import match_key
from pc_mcp.runtime.threads import in_steps


@dataclass(frozen=True, slots=True)
class Entry:
    """A customer and the keys by which it is found: of its id, and of its name and domain, as far as it has them."""

    customer: Customer
    id: str
    names: tuple[str, ...]


@dataclass(eq=False)
class CustomerDirectory:
    """The partner's customers as far as they have been read, in the order of the service, each once.

    generation: changes with them.
    """

    unreadable: int = 0
    complete: bool = False
    problem: Problem | None = None
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    generation: int = field(default_factory=new_generation)
    touched: float = field(default_factory=anyio.current_time)
    _entries: dict[str, Entry] = field(default_factory=dict)
    _next_token: NextToken | None = None
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def entries(self) -> Sequence[Entry]:
        return list(self._entries.values())

    @property
    def customers(self) -> Sequence[Customer]:
        return [entry.customer for entry in self._entries.values()]

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
                self._entries.clear()
                self.unreadable, self._next_token, self.generation = 0, None, new_generation()
                self.problem = await self._read_pages(partner_center)
            if self.problem and not self._entries:
                raise self.problem.raised()
            self.complete = self.problem is None

    async def _read_pages(self, partner_center: PartnerCenter) -> Problem | None:
        try:
            async for page in partner_center.customers(self._next_token):
                for entry in await in_steps(_entry, page.items):
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

    def matching(self, query: str | None) -> list[Customer]:
        """Customers whose name or domain contains `query`, or whose id begins with it, by name."""
        key = match_key(query or "")
        start = guid_of(key) or key
        found = [
            entry
            for entry in self._entries.values()
            if entry.id.startswith(start) or any(key in name for name in entry.names)
        ]
        found.sort(key=lambda entry: (entry.names[0] if entry.customer.name else "\uffff", entry.id))
        return [entry.customer for entry in found]


def _entry(customer: Customer) -> Entry:
    names = tuple(match_key(name) for name in (customer.name, customer.domain) if name)
    return Entry(customer, id_key(customer.id), names)
