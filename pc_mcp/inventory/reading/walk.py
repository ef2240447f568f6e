"""The walk: what is missing of a customer's batches is read side by side, in the call's time.

Several questions may walk at once: a batch is read under its lock, so one reads it and the others wait for it, or
take over where it stopped when it is cancelled. Nothing is read twice.
"""

import math
from collections.abc import Iterable, Sequence

import anyio
from anyio.lowlevel import checkpoint
from anyio.streams.memory import MemoryObjectReceiveStream

from pc_mcp.auth import AccountChanged
from pc_mcp.inventory.problems import Problem
from pc_mcp.inventory.reading.batch_reading import BatchReading, is_token_refused
from pc_mcp.inventory.reading.inventory import Call, Progress
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.partner_center import NextToken, Page, PartnerCenter, PartnerCenterError
from pc_mcp.partner_center.errors import ListTooLong, NotSignedIn
from pc_mcp.partner_center.models import Device
from pc_mcp.runtime.tasks import tasks_ended_by

PROGRESS_SECONDS = 0.5


async def walk(call: Call, snapshot: Snapshot, readings: Sequence[BatchReading]) -> None:
    """Reads what is missing of the batches until the call's time is up, and tells the progress.

    Never raises for what goes wrong with a batch: its `problem` says it. Raises `AccountChanged`.
    """
    if all(reading.complete for reading in readings):
        return

    async def tell_progress() -> None:
        while True:
            await call.on_progress(progress_of(readings))
            await anyio.sleep(PROGRESS_SECONDS)

    with anyio.CancelScope(deadline=call.deadline):
        async with tasks_ended_by(AccountChanged) as tasks:
            tasks.start_soon(tell_progress)
            await read(snapshot, readings, call.partner_center, at_a_time=call.inventory.concurrency)
            tasks.cancel_scope.cancel()
    await call.on_progress(progress_of(readings))


def progress_of(readings: Sequence[BatchReading]) -> Progress:
    """How far these batches are read."""
    return Progress(
        devices_read=sum(reading.devices for reading in readings),
        devices_expected=sum(reading.batch.devices or 0 for reading in readings),
        batches_read=sum(reading.complete for reading in readings),
        batches_total=len(readings),
    )


async def read(
    snapshot: Snapshot, readings: Iterable[BatchReading], partner_center: PartnerCenter, *, at_a_time: int
) -> None:
    """Reads what is missing of `readings` side by side; the walks of several calls take turns (see `Pace`).

    Where the sign-in is refused the others are not tried. Raises `AccountChanged`.
    """
    missing = [reading for reading in readings if not reading.complete]
    # The longest chain of pages first, so that it does not end alone.
    missing.sort(key=lambda each: math.inf if each.batch.devices is None else each.batch.devices, reverse=True)
    for reading in missing:
        reading.set_out()
    untried = iter(missing)
    async with tasks_ended_by(AccountChanged) as tasks:

        async def read_one_after_the_other() -> None:
            for reading in untried:
                async with reading.lock:
                    if not reading.complete:
                        await _read_batch(snapshot, reading, partner_center)
                if _keeps_others_from_being_read(reading.problem):
                    tasks.cancel_scope.cancel()

        for _ in range(min(len(missing), at_a_time)):
            tasks.start_soon(read_one_after_the_other)
    for reading in missing:
        if reading.problem and _keeps_others_from_being_read(reading.problem):
            _stop_untried(missing, reading.problem)


def _keeps_others_from_being_read(problem: Problem | None) -> bool:
    return problem is not None and problem.is_a(NotSignedIn)


def _stop_untried(readings: Iterable[BatchReading], why: Problem) -> None:
    for reading in readings:
        if not reading.complete and not reading.problem and not reading.lock.locked():
            reading.stop(why)


async def _read_batch(snapshot: Snapshot, reading: BatchReading, partner_center: PartnerCenter) -> None:
    reading.begin()
    await snapshot.keep_held(reading)
    if reading.complete:
        return
    pages, token = reading.pages, reading.begin()
    problem = await _read_pages(snapshot, reading, partner_center, token)
    if token and problem and is_token_refused(problem, at_once=reading.pages == pages):
        reading.begin_again()
        problem = await _read_pages(snapshot, reading, partner_center, None)
    if problem:
        reading.stop(problem)


async def _read_pages(
    snapshot: Snapshot, reading: BatchReading, partner_center: PartnerCenter, token: NextToken | None
) -> Problem | None:
    """Reads on from the page that `token` asks for; pages are digested while the next ones are fetched."""
    arrived, waiting = anyio.create_memory_object_stream[Page[Device]]()
    problem: Problem | None = None
    async with tasks_ended_by(AccountChanged) as tasks:
        tasks.start_soon(_digest, snapshot, reading, waiting)
        async with arrived:
            try:
                _check_room(snapshot, partner_center)
                async for page in partner_center.devices(snapshot.customer.id, reading.batch.id, token):
                    await arrived.send(page)
                    if page.next_token is not None:
                        _check_room(snapshot, partner_center)
            except PartnerCenterError as error:
                problem = Problem.of(error)
    return problem


def _check_room(snapshot: Snapshot, partner_center: PartnerCenter) -> None:
    """Raises `ListTooLong` where there is none. Pages that are on their way still find some."""
    if snapshot.is_full:
        raise ListTooLong(correlation_id=partner_center.correlation_id)


async def _digest(snapshot: Snapshot, reading: BatchReading, waiting: MemoryObjectReceiveStream[Page[Device]]) -> None:
    async with waiting:
        async for page in waiting:
            await checkpoint()  # the next page is asked for first
            await snapshot.keep(reading, page)
