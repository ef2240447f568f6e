"""What has been read and is kept for follow-up questions, for each account apart: the lists that are handed out."""

import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread

from pc_mcp.auth import Account
from pc_mcp.inventory.errors import TimeIsUp
from pc_mcp.inventory.reading.customer_list import CustomerDirectory
from pc_mcp.inventory.reading.shelf import Shelf
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.reading.take import take
from pc_mcp.partner_center import PartnerCenter
from pc_mcp.partner_center.models import Customer
from pc_mcp.runtime.ids import id_key

MAX_DEVICES_KEPT = 2_000_000
MAX_CUSTOMERS_KEPT = 200_000
MAX_CUSTOMER_BYTES = 2 * 2**30
NO_ANSWER_IN_TIME = (
    "Partner Center did not answer within the time that a call may take. What was read is kept: ask the same again "
    "to go on."
)

TOO_LONG_TO_GO_THROUGH = (
    "There is more than can be gone through in the time that a call may take. Ask for less, or tell the user to raise "
    "the setting answers.time_budget_seconds."
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a walk is. `devices_expected` is what the batches' `devicesCount` adds up to."""

    devices_read: int
    devices_expected: int
    batches_read: int
    batches_total: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what was read before, who asks, until when (on anyio's clock), and where its progress is told.

    answer_by: until when an answer may be made of what was read until the deadline.
    """

    inventory: "Inventory"
    partner_center: PartnerCenter
    deadline: float
    answer_by: float
    on_progress: Callable[[Progress], Awaitable[None]]

    @property
    def account(self) -> Account:
        """Who asks; what was read is kept for each account apart."""
        return self.partner_center.account

    def in_time(self, too_late: str = NO_ANSWER_IN_TIME) -> AbstractContextManager[None]:
        """Ends what runs in it at the call's deadline. Raises `TimeIsUp`, whose words are `too_late`."""
        return in_time(self.deadline, too_late)

    async def off_the_loop(self, function: Callable[[], T]) -> T:
        """What `function` gives, in a worker thread: there may be so much to go through that nothing else would run.

        It may take as long as an answer may. Raises `TimeIsUp`.
        """
        with in_time(self.answer_by, TOO_LONG_TO_GO_THROUGH):
            return await anyio.to_thread.run_sync(function, abandon_on_cancel=True)


@contextmanager
def in_time(deadline: float, too_late: str = NO_ANSWER_IN_TIME) -> Iterator[None]:
    """See `Call.in_time`."""
    with anyio.CancelScope(deadline=deadline) as scope:
        yield
    if scope.cancelled_caught:
        raise TimeIsUp(too_late)


class Inventory:
    """Keeps the lists that were read, and hands them out: the partner's customers, and the devices of each.

    snapshot_seconds: how long what was read is used; concurrency: batches that a call reads at a
    time; max_devices_kept bounds the memory: the least recently used snapshots go first;
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
        self.key = secrets.token_bytes(32)
        """What seals cursors: they hold as long as the lists that they page."""
        self.reveal_product_keys = reveal_product_keys
        self.concurrency = concurrency
        self._max_customer_bytes = max_customer_bytes
        self._snapshots: Shelf[tuple[str, str], Snapshot] = Shelf(snapshot_seconds, max_devices_kept)
        self._directories: Shelf[str, CustomerDirectory] = Shelf(snapshot_seconds, MAX_CUSTOMERS_KEPT)
        self._taking: WeakValueDictionary[tuple[str, str], anyio.Lock] = WeakValueDictionary()

    def close(self) -> None:
        """Frees the memory of everything that was read, but for what a question still uses."""
        for shelf in (self._snapshots, self._directories):
            shelf.clear()
            for kept in shelf.to_close():
                kept.close()

    async def tidy(self) -> None:
        """Lets go of what has lived its time, and of the least recently used where there is too much."""
        for shelf in (self._snapshots, self._directories):
            shelf.trim()
            for kept in shelf.to_close():
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(kept.close)

    def kept_directory(self, call: Call) -> CustomerDirectory | None:
        """The partner's customers as far as they have been read, if they have and it still lives."""
        return self._directories.get(call.account.id)

    async def directory(self, call: Call, *, renew: bool = False) -> CustomerDirectory:
        """The partner's customers, read to the end or as far as that is possible. renew: from the begin, unless the
        end has not been reached yet: asking again must come to one."""
        directory = self.kept_directory(call)
        if directory is None or (renew and directory.complete):
            directory = CustomerDirectory()
            self._directories.put(call.account.id, directory)
        with call.in_time():
            await directory.read(call.partner_center)
        await self.tidy()
        return directory

    def kept_snapshot(self, call: Call, customer_id: str) -> Snapshot | None:
        """The customer's snapshot, if there is one that still lives."""
        return self._snapshots.get((call.account.id, id_key(customer_id)))

    async def snapshot(
        self, call: Call, customer: Customer, *, renew: Callable[[Snapshot], bool] = lambda _: False
    ) -> Snapshot:
        """The customer's snapshot; a new one where there is none, or where `renew` asks for it."""
        key = (call.account.id, id_key(customer.id))
        before = self._snapshots.get(key)
        if before and not renew(before):
            return before
        with call.in_time():
            async with self._taking.setdefault(key, anyio.Lock()):
                now = self._snapshots.get(key)
                if now and now is not before:  # another call has just taken one
                    return now
                taken = await take(
                    customer,
                    call.partner_center,
                    reveal_product_keys=self.reveal_product_keys,
                    max_bytes=self._max_customer_bytes,
                )
        self._snapshots.put(key, taken)
        return taken
