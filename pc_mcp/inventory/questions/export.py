"""A whole list of devices, for people and programs: read to its end, then handed on in pieces."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from pc_mcp.inventory.questions.coverage import Coverage, Disagreement, coverage_of, disagreements_of
from pc_mcp.inventory.questions.devices import ListedDevice, listed
from pc_mcp.inventory.questions.opened import devices_read
from pc_mcp.inventory.questions.paging import START
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.store import DeviceFilter, Scope
from pc_mcp.partner_center.models import Customer, DeviceBatch

T = TypeVar("T")

DEVICES_A_PIECE = 5000


@dataclass(frozen=True, slots=True)
class WholeList:
    """Every device of a customer, or of one batch; `coverage` says whether that is all.

    devices: how many were read; they stay in the snapshot until `pieces` is asked for them.
    """

    customer: Customer
    batch: DeviceBatch | None
    coverage: Coverage
    devices: int
    disagreements: Sequence[Disagreement]
    _snapshot: Snapshot
    _scope: Scope

    async def pieces(self, use: Callable[[Sequence[ListedDevice]], T]) -> AsyncIterator[T]:
        """What `use`, called in a worker thread, makes of the next devices, until there are no more."""
        after = START
        while piece := await self._snapshot.query(self._piece, use, after):
            made, after = piece
            yield made

    def _piece(self, use: Callable[[Sequence[ListedDevice]], T], after: int) -> tuple[T, int] | None:
        """What `use` makes of the devices behind the key `after`, and the last one's key."""
        rows = self._snapshot.store.rows(self._scope, DeviceFilter(), after=after, limit=DEVICES_A_PIECE)
        return (use([listed(self._snapshot, row) for row in rows]), rows[-1].key) if rows else None

    def handed_on_in_time(self, call: Call) -> AbstractContextManager[None]:
        """Ends the writing of the list at the call's deadline. Raises `TimeIsUp`."""
        by_batch = "" if self.batch else " or ask for one batch at a time,"
        return call.in_time(
            f"All {self.devices:,} devices were read, but writing them took longer than a call may take, so there is "
            "no file. Ask the same again: they need not be read again. If the time is too short once more,"
            f"{by_batch} tell the user to raise the setting answers.time_budget_seconds."
        )


@asynccontextmanager
async def whole_list(call: Call, customer: Customer, batch: str | None) -> AsyncIterator[WholeList]:
    """Reads what is missing, within the call's time. The list may be used inside the block only."""
    async with devices_read(call, customer, batch) as part:
        yield WholeList(
            customer=customer,
            batch=part.batch,
            coverage=coverage_of(part),
            devices=part.devices,
            disagreements=disagreements_of(part.readings),
            _snapshot=part.snapshot,
            _scope=part.scope,
        )
