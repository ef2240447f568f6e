"""What is known of one customer's devices: the batches, and the devices read so far of each.

A snapshot is filled by the questions that are asked (see `walk`): a question about one batch reads that batch,
one about the customer reads the batches that are still missing.
"""

import math
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

PAGE_BYTES_AT_ONCE = 2**16
"""A longer page would hold up everything else for longer than some milliseconds. A usual one has 45,000 bytes."""

DEVICES_AT_ONCE = 100
"""Of a page that may take longer: between two looks at whether there is time left."""

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
    kept_until: float = -math.inf
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
        let_go(self.readings)
        self.store.close()

    async def query(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Calls `function` of the store in a worker thread, one call at a time."""
        return await anyio.to_thread.run_sync(function, *args, limiter=self._access)

    async def in_time(self, until: float, function: Callable[[], T]) -> T:
        """As `query`, but no longer than until then, on anyio's clock. Raises `TimeIsUp`."""
        with anyio.CancelScope(deadline=until), suppress(TooSlow):
            return await self.query(self.store.in_time, until, function)
        raise TimeIsUp(TOO_LONG_TO_COUNT)

    def add_batch(self, batch: DeviceBatch, first: Page[Device]) -> BatchReading:
        """Adds a batch that the list does not name. The first page of its devices is taken in when it is walked."""
        reading = BatchReading(batch, number=len(self.readings))
        reading.set_out()
        reading.hold(first)
        self.readings.append(reading)
        return reading

    async def keep(self, reading: BatchReading, page: Page[Device]) -> None:
        """Keeps the next page of a batch, whose `lock` is held. When it is cancelled the reading holds what is left."""
        async with self._access:
            in_steps = page.size > PAGE_BYTES_AT_ONCE or self.store.adds_slowly
            # A page of the usual 100 devices takes less time than the way to a thread and back.
            if not (in_steps or reading.is_replaced or reading.held_kept):
                self._add(reading, page, reading.new_of(page))
                reading.took(page)
            else:
                await self._keep_in_steps(reading, page)
        self.touched = anyio.current_time()

    async def keep_held(self, reading: BatchReading) -> None:
        """Keeps what is left of a page that came when there was no time for it."""
        if reading.held and not reading.is_replaced:
            await self.keep(reading, reading.held)

    async def _keep_in_steps(self, reading: BatchReading, page: Page[Device]) -> None:
        devices = await anyio.to_thread.run_sync(self._prepared, reading, page)
        # Each step begins with a look at whether it is still wanted, and ends whatever happens.
        for start in range(reading.held_kept, len(devices), DEVICES_AT_ONCE):
            some = devices[start : start + DEVICES_AT_ONCE]
            await anyio.to_thread.run_sync(self._add, reading, page, some)
        reading.took(page)
        await anyio.to_thread.run_sync(let_go, page.items)

    def _prepared(self, reading: BatchReading, page: Page[Device]) -> Sequence[Device]:
        """Which devices of the next page there are to keep."""
        if reading.is_replaced:
            self.store.remove(reading.number)
            reading.forget()
        reading.hold(page)
        return reading.new_of(page)

    def _add(self, reading: BatchReading, page: Page[Device], devices: Sequence[Device]) -> None:
        """Adds some devices of a page and notes how far the batch is read, in one step that nothing interrupts."""
        self.store.add(reading.number, reading.devices, devices)
        reading.hold(page, len(devices))
