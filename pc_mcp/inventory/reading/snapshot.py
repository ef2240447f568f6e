"""What is known of one customer's devices: the batches, and the devices read so far of each.

A snapshot is filled by the questions that are asked: a question about one batch reads that batch,
one about the customer reads the batches that are still missing. Several questions may read at once:
a batch is read under its lock, so one reads it and the others wait for it, or take over where it
stopped when it is cancelled. Nothing is read twice.
"""

import math
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self, TypeVar, TypeVarTuple

import anyio
import anyio.to_thread
from anyio.lowlevel import checkpoint
from anyio.streams.memory import MemoryObjectReceiveStream

from pc_mcp.auth import AccountChanged
from pc_mcp.inventory.errors import TimeIsUp
from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.store import Scope, Store, TooSlow, new_store, policy_key
from pc_mcp.inventory.store.freed_memory import let_go
from pc_mcp.partner_center import NextToken, Page, PartnerCenter, PartnerCenterError
from pc_mcp.partner_center.errors import (
    BrokenPaging,
    ListTooLong,
    MalformedAnswer,
    NotSignedIn,
    RequestRefused,
    Unreachable,
)
from pc_mcp.partner_center.models import Customer, Device, DeviceBatch
from pc_mcp.partner_center.retries import seconds_left
from pc_mcp.runtime.text import visible_or_none

DEVICES_KEPT_AT_ONCE = 1000
"""More at once would hold up everything else for longer than some milliseconds."""

BYTES_A_DEVICE = 1000
"""What a device takes is less, unless its facts are very long; then it weighs as several."""

TOO_LONG_TO_COUNT = (
    "What was read is kept, but to count it took longer than a call may take. Ask again, about a single batch or with "
    "fewer groups; if that does not help, tell the user to raise the setting answers.time_budget_seconds."
)

POLICIES_SECONDS = 10.0
"""Longest that the names of policies may take of a call's time, and half of what is left of it at most."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(eq=False)
class BatchReading:
    """How far one batch has been read. `devices` were kept, `unreadable` could not be.

    wanted: a question set out to read it, though its time may have ended before the first page;
    begins_again: its next page is the first one, which takes the place of all that was read.
    """

    batch: DeviceBatch
    number: int
    wanted: bool = False
    complete: bool = False
    next_token: NextToken | None = None
    pages: int = 0
    devices: int = 0
    unreadable: int = 0
    begun: datetime | None = None
    begins_again: bool = False
    restarted: bool = False
    problem: Problem | None = None
    lock: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def under_way(self) -> bool:
        """A question set out to read it, and it is neither at its end nor stopped by a problem."""
        return self.lock.locked() or (self.wanted and not self.complete and self.problem is None)


@dataclass(eq=False)
class Snapshot:
    """One customer's batches and devices, in `max_bytes` at most. `list_problem` says why the list of batches
    has an end missing, `policy_problem` why the names of policies are not known.

    `listed` batches come first in `readings`; a batch that the list does not name but the service
    knows follows them.
    """

    customer: Customer
    table: Store
    readings: list[BatchReading]
    listed: int
    unreadable_batches: int
    list_problem: Problem | None
    policy_problem: Problem | None
    read_at: datetime
    max_bytes: int
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    touched: float = field(default_factory=anyio.current_time)
    _users: int = 0
    _dropped: bool = False
    _access: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    @property
    def weight(self) -> int:
        """How much memory it takes, in devices."""
        return max(sum(reading.devices for reading in self.readings), self.table.bytes // BYTES_A_DEVICE)

    @property
    def is_full(self) -> bool:
        """Whether no more can be held; such a list is let go of as soon as it was answered from."""
        return self.table.bytes >= self.max_bytes

    @property
    def revision(self) -> str:
        """Changes when devices are added, so that a cursor never pages over a list that grew."""
        return f"{self.id}.{sum(reading.pages for reading in self.readings)}"

    def __enter__(self) -> Self:
        """A question uses the snapshot until it leaves, so `drop` waits for it."""
        self._users += 1
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._users -= 1
        if self.is_full and not self._users:
            self.touched = -math.inf
            self._dropped = True
        self._close_if_done()

    @property
    def busy(self) -> bool:
        """Whether a question uses it now."""
        return self._users > 0

    def drop(self) -> None:
        """Frees the memory as soon as no question uses it any more."""
        self._dropped = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._dropped and not self._users:
            self.table.close()

    def scope(self, batch: BatchReading | None) -> Scope:
        """The devices of one batch, or of every batch that the customer's list names."""
        return Scope(0, self.listed) if batch is None else Scope(batch.number, batch.number + 1)

    def in_scope(self, scope: Scope) -> Sequence[BatchReading]:
        return self.readings[scope.first : scope.end]

    async def query(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Calls `function` of the table in a worker thread, one call at a time."""
        return await anyio.to_thread.run_sync(function, *args, limiter=self._access)

    async def answer(self, until: float, function: Callable[[], T]) -> T:
        """As `query`, but no longer than until then, on anyio's clock. Raises `TimeIsUp`."""
        with anyio.CancelScope(deadline=until), suppress(TooSlow):
            return await self.query(self.table.in_time, until, function)
        raise TimeIsUp(TOO_LONG_TO_COUNT)

    async def add_batch(self, batch: DeviceBatch, first: Page[Device]) -> BatchReading:
        """Adds a batch that the list does not name, and the first page of its devices."""
        reading = BatchReading(batch, number=len(self.readings), wanted=True)
        self.readings.append(reading)
        async with reading.lock:
            await self.query(self._add, reading, first)
        return reading

    async def read(
        self, readings: Iterable[BatchReading], partner_center: PartnerCenter, limiter: anyio.CapacityLimiter
    ) -> None:
        """Reads what is missing of `readings` side by side, as many at a time as `limiter` permits.

        Never raises for what goes wrong with a batch: its `problem` says it. Where the sign-in is
        refused the others are not tried. Raises `AccountChanged`.
        """
        missing = [reading for reading in readings if not reading.complete]
        # The longest chain of pages first, so that it does not end alone.
        missing.sort(
            key=lambda reading: math.inf if reading.batch.devices is None else reading.batch.devices, reverse=True
        )
        for reading in missing:
            reading.wanted = True
        ended: list[Problem | AccountChanged] = []
        untried = iter(missing)
        async with anyio.create_task_group() as tasks:

            async def read_one_after_the_other() -> None:
                for reading in untried:
                    # Whoever waits for a batch that another question reads keeps nobody else from reading.
                    async with reading.lock:
                        if not reading.complete:
                            async with limiter:
                                ended.extend(await self._ended_by(reading, partner_center))
                    if ended:
                        tasks.cancel_scope.cancel()

            for _ in range(min(len(missing), int(limiter.total_tokens))):
                tasks.start_soon(read_one_after_the_other)
        for why in ended:
            if isinstance(why, AccountChanged):
                raise why
            _mark_untried(missing, why)

    async def _ended_by(
        self, reading: BatchReading, partner_center: PartnerCenter
    ) -> Sequence[Problem | AccountChanged]:
        """Reads a batch; what keeps every other one from being read too, if anything does."""
        try:
            await self._read_batch(reading, partner_center)
        except AccountChanged as changed:
            return [changed]
        problem = reading.problem
        return [problem] if problem and problem.is_a(NotSignedIn) else []

    async def _read_batch(self, reading: BatchReading, partner_center: PartnerCenter) -> None:
        # The token that came twice would give a page that is kept already.
        reading.begins_again = reading.problem is not None and reading.problem.is_a(BrokenPaging)
        reading.problem = None
        resumes, pages = reading.next_token is not None and not reading.begins_again, reading.pages
        problem = await self._read_pages(reading, partner_center)
        token_refused = problem and problem.is_a(RequestRefused) and reading.pages == pages
        if resumes and problem and (token_refused or problem.is_a(BrokenPaging)):
            # How long a continuation token lives is not documented: begin again without it.
            reading.begins_again = True
            problem = await self._read_pages(reading, partner_center)
        reading.problem = problem

    async def _read_pages(self, reading: BatchReading, partner_center: PartnerCenter) -> Problem | None:
        """Reads on from where `reading` stopped; pages are digested while the next ones are fetched."""
        token = None if reading.begins_again else reading.next_token
        arrived, waiting = anyio.create_memory_object_stream[Page[Device]]()
        problem: Problem | AccountChanged | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._digest, reading, waiting)
            async with arrived:
                try:
                    self._check_room(partner_center)
                    async for page in partner_center.devices(self.customer.id, reading.batch.id, token):
                        await arrived.send(page)
                        if page.next_token is not None:
                            self._check_room(partner_center)
                except PartnerCenterError as error:
                    problem = Problem.of(error)
                except AccountChanged as changed:
                    problem = changed
        if isinstance(problem, AccountChanged):
            raise problem
        return problem

    def _check_room(self, partner_center: PartnerCenter) -> None:
        """Raises `ListTooLong` where there is none. Pages that are on their way still find some."""
        if self.is_full:
            raise ListTooLong(correlation_id=partner_center.correlation_id)

    async def _digest(self, reading: BatchReading, waiting: MemoryObjectReceiveStream[Page[Device]]) -> None:
        async with waiting:
            async for page in waiting:
                await checkpoint()  # the next page is asked for first
                await self._keep(reading, page)
                self.touched = anyio.current_time()

    async def _keep(self, reading: BatchReading, page: Page[Device]) -> None:
        """A page of the usual 100 devices takes less time than the way to a thread and back."""
        async with self._access:
            if len(page.items) > DEVICES_KEPT_AT_ONCE or self.table.adds_slowly or reading.begins_again:
                await anyio.to_thread.run_sync(self._add, reading, page)
            else:
                self._add(reading, page)

    def _add(self, reading: BatchReading, page: Page[Device]) -> None:
        """Adds a page and notes how far the batch is read, in one step that nothing interrupts."""
        if reading.begins_again:  # until now, what was read before is better than nothing
            self._forget(reading)
        self.table.add(reading.number, reading.devices, page.items)
        reading.begun = reading.begun or datetime.now(UTC)
        reading.pages += 1
        reading.devices += len(page.items)
        let_go(page.items)
        reading.unreadable += page.unreadable
        reading.next_token = page.next_token
        reading.complete = page.next_token is None

    def _forget(self, reading: BatchReading) -> None:
        self.table.remove(reading.number)
        reading.pages = reading.devices = reading.unreadable = 0
        reading.next_token = reading.begun = None
        reading.begins_again, reading.restarted = False, True


def _mark_untried(readings: Iterable[BatchReading], why: Problem) -> None:
    for reading in readings:
        if not reading.complete and not reading.problem and not reading.lock.locked():
            reading.problem = why


async def take(
    customer: Customer, partner_center: PartnerCenter, *, reveal_product_keys: bool, max_bytes: int
) -> Snapshot:
    """A new snapshot: the list of batches and the names of policies are read, no device yet.

    Raises a `PartnerCenterError` when the list cannot be read at all.
    """
    policies = _Policies()
    batches: list[DeviceBatch] = []
    unreadable = 0
    problem: Problem | None = None
    changed: AccountChanged | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(policies.read, customer, partner_center)
        try:
            async for page in partner_center.device_batches(customer.id):
                batches += page.items
                unreadable += page.unreadable
        except PartnerCenterError as error:
            problem = Problem.of(error)
            if not batches:
                tasks.cancel_scope.cancel()
        except AccountChanged as error:
            changed = error
            tasks.cancel_scope.cancel()
    if changed := changed or policies.changed:
        raise changed
    if problem and not batches:
        raise problem.raised()
    unique = _first_of_each(batches)
    return Snapshot(
        customer=customer,
        table=new_store(policies.names, reveal_product_keys=reveal_product_keys),
        readings=[BatchReading(batch, number) for number, batch in enumerate(unique)],
        listed=len(unique),
        unreadable_batches=unreadable,
        list_problem=problem,
        policy_problem=policies.problem,
        read_at=datetime.now(UTC),
        max_bytes=max_bytes,
    )


def _first_of_each(batches: Iterable[DeviceBatch]) -> list[DeviceBatch]:
    """The batches without those whose id came before."""
    by_id: dict[str, DeviceBatch] = {}
    for batch in batches:
        by_id.setdefault(batch.id, batch)
    return list(by_id.values())


@dataclass
class _Policies:
    """The names of a customer's policies by `policy_key`, and why some may be missing.

    A device may name its policy by id or by name.
    """

    names: dict[str, str] = field(default_factory=dict)
    problem: Problem | None = None
    changed: AccountChanged | None = None

    async def read(self, customer: Customer, partner_center: PartnerCenter) -> None:
        """Reads them all. A failure here fails no question that has nothing to do with policies."""
        try:
            with anyio.fail_after(min(POLICIES_SECONDS, seconds_left() / 2)):
                async for page in partner_center.configuration_policies(customer.id):
                    if page.unreadable:
                        self.problem = Problem.of(MalformedAnswer("Some of the policies are unreadable."))
                    for policy in page.items:
                        name = visible_or_none(policy.name)
                        if policy.id and name:
                            self.names[policy_key(policy.id)] = name
        except PartnerCenterError as error:
            self.problem = Problem.of(error)
        except AccountChanged as error:
            self.changed = error
        except TimeoutError:
            self.problem = Problem.of(Unreachable("It did not answer in time."))
