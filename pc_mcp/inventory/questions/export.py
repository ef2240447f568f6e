"""A whole list of devices, for people and programs: read to its end, then handed on in pieces."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from pc_mcp.inventory.questions.batches import named_batch
from pc_mcp.inventory.questions.coverage import Coverage, Disagreement, coverage_of, disagreements_of
from pc_mcp.inventory.questions.devices import ListedDevice, listed, walk
from pc_mcp.inventory.questions.paging import START
from pc_mcp.inventory.reading.inventory import Call, Library
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
        rows = self._snapshot.table.rows(self._scope, DeviceFilter(), after=after, limit=DEVICES_A_PIECE)
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
async def whole_list(library: Library, call: Call, customer: Customer, batch: str | None) -> AsyncIterator[WholeList]:
    """Reads what is missing, within the call's time. The list may be used inside the block only."""
    snapshot = await library.snapshot(call, customer)
    with snapshot:
        reading = await named_batch(call, snapshot, batch) if batch else None
        scope = snapshot.scope(reading)
        readings = snapshot.in_scope(scope)
        await walk(library, call, snapshot, readings)
        yield WholeList(
            customer=customer,
            batch=reading.batch if reading else None,
            coverage=coverage_of(snapshot, reading),
            devices=sum(reading.devices for reading in readings),
            disagreements=disagreements_of(readings),
            _snapshot=snapshot,
            _scope=scope,
        )
