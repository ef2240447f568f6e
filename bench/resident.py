"""How much memory a walk takes, in a process of its own: `python -m bench.resident BASE_URL CUSTOMER_ID`.

Prints bytes as JSON: `before` a cold question about the customer (after a small one), at the `peak` of that
and of looking a device up, with the snapshot `kept`, and after it was `dropped`.
"""

import gc
import json
import sys
from pathlib import Path

import anyio

from bench.reader import WARM_UP, find, inventory_and_transport, read


def resident() -> int:
    """The process's memory now."""
    return _status("VmRSS")


def peak() -> int:
    """The most memory that the process has had since `forget_peak`."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Begins `peak` anew (Linux: "5" written to clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


async def _measure(base_url: str, customer_id: str) -> dict[str, int]:
    inventory, transport = inventory_and_transport(base_url)
    async with transport:
        await read(inventory, transport, WARM_UP.id)
        gc.collect()
        forget_peak()
        found = {"before": resident()}
        found["devices"] = (await read(inventory, transport, customer_id)).devices
        await find(inventory, transport, customer_id)
        found |= {"peak": peak(), "kept": resident()}
        inventory.close()
        gc.collect()
    return found | {"dropped": resident()}


if __name__ == "__main__":
    base_url, customer_id = sys.argv[1:]
    print(json.dumps(anyio.run(_measure, base_url, customer_id)))
