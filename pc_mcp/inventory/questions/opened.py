"""What every question about a customer begins with: its list is found or taken, used, and read as far as need be."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from pc_mcp.inventory.errors import AmbiguousBatch
from pc_mcp.inventory.questions.batch_names import known_batch, named_batch
from pc_mcp.inventory.questions.completeness import keep_until_asked_again
from pc_mcp.inventory.questions.coverage import coverage_of, failure_of
from pc_mcp.inventory.questions.paging import Paging, kept
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.reading.part import Part
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.reading.walk import walk
from pc_mcp.partner_center.models import Customer


@asynccontextmanager
async def opened(
    call: Call, customer: Customer, paging: Paging | None, *, renew: Callable[[Snapshot], bool]
) -> AsyncIterator[Snapshot]:
    """The customer's snapshot, for use inside the block: what a cursor goes on with, else what there is, or a new
    one where `renew` asks for it."""
    if paging and paging.goes_on:
        snapshot = kept(call.inventory.kept_snapshot(call, customer.id))
    else:
        snapshot = await call.inventory.snapshot(call, customer, renew=renew)
    try:
        with snapshot.in_use():
            yield snapshot
    finally:
        await call.inventory.tidy()


@asynccontextmanager
async def devices_read(
    call: Call, customer: Customer, batch: str | None, paging: Paging | None = None, *, refresh: bool = False
) -> AsyncIterator[Part]:
    """The devices of a customer, or of the batch that is named, for use inside the block; unless a cursor goes on
    with them, what is missing of them is read first, within the call's time.

    Raises the error that kept every batch from being read at all.
    """

    def renew(before: Snapshot) -> bool:
        """A walk that is under way is gone on with: asking again with refresh must come to an end."""
        if not refresh:
            return False
        try:
            reading = known_batch(before, batch) if batch else None
        except AmbiguousBatch:
            return True
        if batch and reading is None:  # it may be a new one
            return True
        return not any(each.under_way for each in Part(before, reading).readings)

    async with opened(call, customer, paging, renew=renew) as snapshot:
        if paging and paging.goes_on:
            find = partial(known_batch, snapshot, batch or "")
            yield Part(snapshot, kept(await call.off_the_loop(find)) if batch else None)
            return
        part = Part(snapshot, await named_batch(call, snapshot, batch) if batch else None)
        await walk(call, snapshot, part.readings)
        keep_until_asked_again(snapshot, coverage_of(part).next_step)
        if failure := failure_of(part):
            raise failure.raised()
        yield part
