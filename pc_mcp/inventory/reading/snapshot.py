"""What is known of one customer's devices: the batches, and the devices read so far of each.

A snapshot is filled by the questions that are asked (see `walk`): a question about one batch reads that batch,
one about the customer reads the batches that are still missing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, TypeVarTuple

import anyio
import anyio.to_thread

from pc_mcp.inventory.errors import TimeIsUp
from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.reading.batch_reading import BatchReading
from pc_mcp.inventory.reading.generations import new_generation
from pc_mcp.inventory.store import Store, TooSlow, let_go
from pc_mcp.partner_center import Page
from pc_mcp.partner_center.models import Customer, Device, DeviceBatch

CHARACTERS_KEPT_AT_ONCE = 100_000
"""More at once would hold up everything else for longer than some milliseconds. Those of a page of 100 are 15,000."""

OF_ASCII_AT_ONCE = 5
"""As many characters cost as one where there are others than ASCII, each of which may stand for several."""

BYTES_A_DEVICE = 1000
"""What a device takes is less, unless its facts are very long; then it weighs as several."""

TOO_LONG_TO_COUNT = (
    "What was read is kept, but to count it took longer than a call may take. Ask again, about a single batch or with "
    "fewer groups; if that does not help, tell the user to raise the setting answers.time_budget_seconds."
)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(eq=False)
class Snapshot:
    """One customer's batches and devices, in `max_bytes` at most. `list_problem` says why the list of batches
    has an end missing, `policy_problem` why the names of policies are not known.

    `listed` batches come first in `readings`; a batch that the list does not name but the service
    knows follows them. list_generation: of the list of batches, which stays as it was taken.
    """

    customer: Customer
    store: Store
    readings: list[BatchReading]
    listed: int
    unreadable_batches: int
    list_problem: Problem | None
    policy_problem: Problem | None
    read_at: datetime
    max_bytes: int
    list_generation: int = field(default_factory=new_generation)
    touched: float = field(default_factory=anyio.current_time)
    _users: int = 0
    _access: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    @property
    def weight(self) -> int:
        """How much memory it takes, in devices."""
        return max(sum(reading.devices for reading in self.readings), self.store.bytes // BYTES_A_DEVICE)

    @property
    def is_full(self) -> bool:
        """Whether no more can be held; such a list is let go of as soon as it was answered from."""
        return self.store.bytes >= self.max_bytes

    @property
    def busy(self) -> bool:
        """Whether a question uses it now."""
        return self._users > 0

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """A question uses it: it is not closed meanwhile."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1

    def close(self) -> None:
        """Frees the memory; may take a while."""
        self.store.close()

    async def query(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Calls `function` of the store in a worker thread, one call at a time."""
        return await anyio.to_thread.run_sync(function, *args, limiter=self._access)

    async def answer(self, until: float, function: Callable[[], T]) -> T:
        """As `query`, but no longer than until then, on anyio's clock. Raises `TimeIsUp`."""
        with anyio.CancelScope(deadline=until), suppress(TooSlow):
            return await self.query(self.store.in_time, until, function)
        raise TimeIsUp(TOO_LONG_TO_COUNT)

    async def add_batch(self, batch: DeviceBatch, first: Page[Device]) -> BatchReading:
        """Adds a batch that the list does not name, and the first page of its devices."""
        reading = BatchReading(batch, number=len(self.readings))
        reading.set_out()
        self.readings.append(reading)
        async with reading.lock:
            reading.begin()
            await self.query(self._add, reading, first)
        return reading

    async def keep(self, reading: BatchReading, page: Page[Device]) -> None:
        """Keeps the next page of a batch, whose `lock` is held."""
        async with self._access:
            # A page of the usual 100 devices takes less time than the way to a thread and back.
            if self.store.adds_slowly or reading.is_replaced or not _is_short(page.items):
                await anyio.to_thread.run_sync(self._add, reading, page)
            else:
                self._add(reading, page)
        self.touched = anyio.current_time()

    def _add(self, reading: BatchReading, page: Page[Device]) -> None:
        """Adds a page and notes how far the batch is read, in one step that nothing interrupts."""
        if reading.is_replaced:
            self.store.remove(reading.number)
            reading.forget()
        devices = reading.new_of(page)
        self.store.add(reading.number, reading.devices, devices)
        reading.took(page, len(devices))
        let_go(page.items)


def _is_short(devices: Sequence[Device]) -> bool:
    facts = [
        fact
        for device in devices
        for fact in (device.id, device.serial_number, device.product_key, device.manufacturer, device.model)
        if fact
    ]
    facts += [policy.value for device in devices for policy in device.policies or () if policy.value]
    text = "".join(facts)
    return len(text) * (1 if text.isascii() else OF_ASCII_AT_ONCE) <= CHARACTERS_KEPT_AT_ONCE
