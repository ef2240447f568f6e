"""Reads a customer once, in a process of its own, and prints what it took as JSON.

`python -m bench.reader plain|ours BASE_URL CUSTOMER_ID [BATCH …]`: `plain` is the shortest loop that
can be written, for several batches eight at a time, `ours` a cold question to pc-mcp's inventory about
one batch, or without BATCH about all. Both read a small customer first, so that neither pays for what
is loaded at first use.
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import quote

import anyio
import httpx2

from bench.service import TOKEN
from bench.world import BenchCustomer
from pc_mcp.auth import ConfiguredAccount
from pc_mcp.inventory import Call, DeviceFilter, Inventory, Progress, find_devices, list_devices
from pc_mcp.partner_center import PartnerCenter, Transport
from pc_mcp.partner_center.models import Customer

WARM_UP = BenchCustomer("Warm Up", 300)
"""What every service of a figure that reads has besides its customer."""

HOUR = 3600.0
ACCOUNT = ConfiguredAccount("bench", TOKEN)
CONCURRENCY = 8
"""Batches read at a time, as by default."""


@dataclass(frozen=True)
class Reading:
    """`walk_seconds` end with the last page, `seconds` with the answer; `busy` is processor time."""

    devices: int
    seconds: float
    walk_seconds: float
    busy_seconds: float


async def read_plainly(client: httpx2.AsyncClient, customer_id: str, batches: Iterable[str]) -> Reading:
    """The shortest loop, for each of the batches: follow the token, parse, count."""
    waiting = iter(batches)
    devices = 0

    async def read_batches() -> None:
        nonlocal devices
        for batch in waiting:
            url = f"/v1/customers/{customer_id}/deviceBatches/{quote(batch, safe='')}/devices"
            headers: dict[str, str] = {}
            while True:
                body = json.loads((await client.get(url, headers=headers)).content)
                devices += len(body["items"])
                token = body.get("continuationToken")
                if not token:
                    break
                headers = {"MS-ContinuationToken": token}

    busy, started = time.process_time(), time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(CONCURRENCY):
            tasks.start_soon(read_batches)
    seconds = time.perf_counter() - started
    return Reading(devices, seconds, seconds, time.process_time() - busy)


async def read(inventory: Inventory, transport: Transport, customer_id: str, batch: str | None = None) -> Reading:
    """A cold question with everything that an answer holds by default."""
    walked = started = time.perf_counter()
    busy = time.process_time()

    async def on_progress(_: Progress) -> None:
        nonlocal walked
        walked = time.perf_counter()

    until = anyio.current_time() + HOUR
    call = Call(inventory, PartnerCenter(transport, ACCOUNT, "bench"), until, until, on_progress)
    answer = await list_devices(call, Customer(customer_id), batch, DeviceFilter(), limit=20)
    if not answer.coverage.complete:
        raise RuntimeError(f"the walk is not complete: {answer.coverage}")
    seconds = time.perf_counter() - started
    return Reading(answer.total, seconds, walked - started, time.process_time() - busy)


async def find(inventory: Inventory, transport: Transport, customer_id: str) -> None:
    """Looks a device up that is not there, for which everything that finds one is made."""

    async def on_progress(_: Progress) -> None:
        pass

    until = anyio.current_time() + HOUR
    call = Call(inventory, PartnerCenter(transport, ACCOUNT, "bench"), until, until, on_progress)
    await find_devices(call, Customer(customer_id), ["no such device"], limit=1)


def inventory_and_transport(base_url: str) -> tuple[Inventory, Transport]:
    """A new inventory, to be closed, and its connection, to be entered."""
    return Inventory(snapshot_seconds=HOUR, concurrency=CONCURRENCY), Transport(base_url)


async def _measure(kind: str, base_url: str, customer_id: str, batches: Sequence[str]) -> Reading:
    if kind == "plain":
        async with httpx2.AsyncClient(base_url=base_url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            await read_plainly(client, WARM_UP.id, [batch.id for batch in WARM_UP.batches])
            return await read_plainly(client, customer_id, batches)
    inventory, transport = inventory_and_transport(base_url)
    async with transport:
        await read(inventory, transport, WARM_UP.id)
        return await read(inventory, transport, customer_id, next(iter(batches), None))


if __name__ == "__main__":
    kind, base_url, customer_id, *batches = sys.argv[1:]
    reading = anyio.run(_measure, kind, base_url, customer_id, batches)
    print(json.dumps(asdict(reading)))
