"""What has been read and is kept for follow-up questions, for each account apart."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import anyio

from pc_mcp.inventory.errors import TimeIsUp, UnknownCustomer
from pc_mcp.inventory.questions.cursors import CursorMint
from pc_mcp.inventory.reading import snapshot as snapshots
from pc_mcp.inventory.reading.customer_list import CustomerDirectory
from pc_mcp.inventory.reading.customer_names import customer_named
from pc_mcp.inventory.reading.shelf import Shelf
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.partner_center import PartnerCenter
from pc_mcp.partner_center.models import Customer
from pc_mcp.runtime.ids import guid_of, guids_in

MAX_DEVICES_KEPT = 2_000_000
MAX_CUSTOMERS_KEPT = 200_000
MAX_CUSTOMER_BYTES = 2 * 2**30
NO_ANSWER_IN_TIME = (
    "Partner Center did not answer within the time that a call may take. What was read is kept: ask the same again "
    "to go on."
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a walk is. `devices_expected` is what the batches' `devicesCount` adds up to."""

    devices_read: int
    devices_expected: int
    batches_read: int
    batches_total: int


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call: who asks, until when (on anyio's clock), and where its progress is told.

    grace_seconds: how much longer than reading counting may take.
    """

    partner_center: PartnerCenter
    deadline: float
    on_progress: Callable[[Progress], Awaitable[None]]
    grace_seconds: float = 10.0

    @property
    def answer_by(self) -> float:
        """Until when an answer may be made of what was read until the deadline."""
        return self.deadline + self.grace_seconds

    def in_time(self, too_late: str = NO_ANSWER_IN_TIME) -> AbstractContextManager[None]:
        """Ends what runs in it at the call's deadline. Raises `TimeIsUp`, whose words are `too_late`."""
        return in_time(self.deadline, too_late)


@contextmanager
def in_time(deadline: float, too_late: str = NO_ANSWER_IN_TIME) -> Iterator[None]:
    """See `Call.in_time`."""
    with anyio.CancelScope(deadline=deadline) as scope:
        yield
    if scope.cancelled_caught:
        raise TimeIsUp(too_late)


class Library:
    """Keeps snapshots and customer directories and hands them out.

    snapshot_seconds: how long what was read is used; concurrency: batches read at a time, over all
    calls of an account; max_devices_kept bounds the memory: the least recently used snapshots go first;
    max_customer_bytes bounds that of one customer: what goes beyond it is read no further, and not kept.
    """

    def __init__(
        self,
        *,
        snapshot_seconds: float,
        concurrency: int,
        reveal_product_keys: bool = False,
        max_devices_kept: int = MAX_DEVICES_KEPT,
        max_customer_bytes: int = MAX_CUSTOMER_BYTES,
    ) -> None:
        self.cursors = CursorMint()
        self._limiters: defaultdict[str, anyio.CapacityLimiter] = defaultdict(
            lambda: anyio.CapacityLimiter(concurrency)
        )
        self.reveal_product_keys = reveal_product_keys
        self._max_customer_bytes = max_customer_bytes
        self._snapshots: Shelf[tuple[str, str], Snapshot] = Shelf(snapshot_seconds, max_devices_kept)
        self._directories: Shelf[str, CustomerDirectory] = Shelf(snapshot_seconds, MAX_CUSTOMERS_KEPT)
        self._taking: defaultdict[tuple[str, str], anyio.Lock] = defaultdict(anyio.Lock)

    def close(self) -> None:
        """Frees the memory of everything that was read."""
        self._snapshots.clear()
        self._directories.clear()

    def limiter(self, call: Call) -> anyio.CapacityLimiter:
        """How many batches of an account are read at a time."""
        return self._limiters[call.partner_center.account.id]

    async def directory(self, call: Call) -> CustomerDirectory:
        """The partner's customers, read to the end or as far as that is possible."""
        account = call.partner_center.account.id
        directory = self._directories.get(account)
        if directory is None:
            directory = CustomerDirectory()
            self._directories.put(account, directory)
        with call.in_time():
            await directory.read(call.partner_center)
        self._directories.trim()
        return directory

    async def customer(self, call: Call, text: str) -> Customer:
        """The customer that `text` names: a tenant id, a domain, a name or a part of one.

        Raises a `QuestionError` that lists the customers to choose from. A tenant id is asked for
        directly, so it works for a customer that was added a moment ago, too.
        """
        tenant_id = guid_of(text)
        if tenant_id is None:
            directory = await self.directory(call)
            try:
                return await customer_named(directory, text)
            except UnknownCustomer:
                ids = guids_in(text)
                if len(ids) != 1:
                    raise
                tenant_id = ids[0]
        account = call.partner_center.account.id
        if snapshot := self._snapshots.get((account, tenant_id)):
            return snapshot.customer
        kept = self._directories.get(account)
        if kept and (customer := kept.with_id(tenant_id)):
            return customer
        with call.in_time():
            return await call.partner_center.customer(tenant_id)

    async def kept_snapshot(self, call: Call, customer: Customer) -> Snapshot | None:
        """The customer's snapshot, if there is one that still lives."""
        return self._snapshots.get((call.partner_center.account.id, customer.id.casefold()))

    async def snapshot(
        self, call: Call, customer: Customer, *, anew: Callable[[Snapshot], bool] = lambda _: False
    ) -> Snapshot:
        """The customer's snapshot; a new one where there is none, or where `anew` asks for it."""
        key = (call.partner_center.account.id, customer.id.casefold())
        before = self._snapshots.get(key)
        if before and not anew(before):
            return before
        with call.in_time():
            async with self._taking[key]:
                now = self._snapshots.get(key)
                if now and now is not before:  # another call has just taken one
                    return now
                taken = await snapshots.take(
                    customer,
                    call.partner_center,
                    reveal_product_keys=self.reveal_product_keys,
                    max_bytes=self._max_customer_bytes,
                )
        self._snapshots.put(key, taken)
        return taken

    def trim(self) -> None:
        """Lets go of the least recently used snapshots where there are too many devices."""
        self._snapshots.trim()
