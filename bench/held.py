"""How long a walk holds the event loop: `python -m bench.held BASE_URL CUSTOMER_ID` prints it as JSON.

`longest` is by how many milliseconds at most a timer of the same event loop came too late, while a cold
question about the customer was answered (after a small one).
"""

import json
import sys
import time

import anyio

from bench.reader import WARM_UP, inventory_and_transport, read

TICK_SECONDS = 0.001


async def _measure(base_url: str, customer_id: str) -> dict[str, float]:
    inventory, transport = inventory_and_transport(base_url)
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            due = time.perf_counter() + TICK_SECONDS
            await anyio.sleep(TICK_SECONDS)
            longest = max(longest, time.perf_counter() - due)

    async with transport, anyio.create_task_group() as tasks:
        await read(inventory, transport, WARM_UP.id)
        tasks.start_soon(tick)
        reading = await read(inventory, transport, customer_id)
        tasks.cancel_scope.cancel()
    return {"longest": 1000 * longest, "devices": reading.devices}


if __name__ == "__main__":
    base_url, customer_id = sys.argv[1:]
    print(json.dumps(anyio.run(_measure, base_url, customer_id)))
