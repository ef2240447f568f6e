"""Many clients at once over Streamable HTTP, asking a warm server as fast as it answers."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import islice

import anyio
from mcp import Client

from bench.processes import announced, reading
from bench.questions import ask, followups, warm
from bench.results import Row, Section, Sizes
from bench.service import TOKEN, serving
from bench.statistics import median, p99
from bench.world import BenchCustomer


@dataclass
class Load:
    """What came of the calls: milliseconds of those that were answered, and what went wrong."""

    seconds: float = 0
    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds


def measure(sizes: Sizes) -> Section:
    """The smallest tool first, then ours, then both once more, each for its time."""
    customer = BenchCustomer("Many Batches", sizes.one_batch)
    with (
        serving([customer]) as base_url,
        announced("bench.smallest", "http") as smallest,
        announced("bench.serve_ours", env=reading(base_url, TOKEN)) as ours,
    ):
        turns = [(anyio.run(_smallest, smallest, sizes), anyio.run(_ours, ours, customer, sizes)) for _ in range(2)]
    theirs, own = (_together([turn[side] for turn in turns]) for side in (0, 1))
    ratio = median([turn[1].rate / turn[0].rate for turn in turns])
    errors = len(own.errors)
    return Section(
        "Load",
        f"{sizes.clients} clients (`mcp.Client` over Streamable HTTP, all in one process) ask questions about "
        f"{customer.devices:,} devices that are read already, each the next one as soon as it has an answer, for "
        f"{sizes.load_seconds:g} s; against the SDK's smallest tool, served and asked in the same way.",
        [
            Row("calls a second", f"{own.rate:,.0f}", f"{theirs.rate:,.0f}", f"{ratio:.2f}"),
            Row("median", f"{median(own.times):,.0f} ms", f"{median(theirs.times):,.0f} ms", ""),
            Row("99th percentile", f"{p99(own.times):,.0f} ms", f"{p99(theirs.times):,.0f} ms", ""),
            Row("errors", f"{errors}", f"{len(theirs.errors)}", "", "0", met=not errors),
            *(Row(f"error: {text[:120]}", "", "", "") for text in own.errors[:3]),
        ],
    )


def _together(loads: list[Load]) -> Load:
    return Load(
        sum(load.seconds for load in loads),
        [each for load in loads for each in load.times],
        [each for load in loads for each in load.errors],
    )


async def _smallest(url: str, sizes: Sizes) -> Load:
    async def call(client: Client) -> None:
        result = await client.call_tool("hello", {})
        if result.is_error:
            raise RuntimeError("the smallest tool failed")

    return await _under_load(url, sizes, call)


async def _ours(url: str, customer: BenchCustomer, sizes: Sizes) -> Load:
    questions = list(islice(followups(customer), 500))
    asked = iter(range(10**9))

    async def call(client: Client) -> None:
        await ask(client, questions[next(asked) % len(questions)])

    async with Client(url) as client:
        await warm(client, customer)
    return await _under_load(url, sizes, call)


async def _under_load(url: str, sizes: Sizes, call: Callable[[Client], Awaitable[None]]) -> Load:
    load = Load()
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(url)) for _ in range(sizes.clients)]
        started = time.perf_counter()

        async def keep_asking(client: Client) -> None:
            while time.perf_counter() - started < sizes.load_seconds:
                began = time.perf_counter()
                try:
                    await call(client)
                except Exception as error:
                    load.errors.append(f"{type(error).__name__}: {error}")
                else:
                    load.times.append((time.perf_counter() - began) * 1000)

        async with anyio.create_task_group() as tasks:
            for client in clients:
                tasks.start_soon(keep_asking, client)
        load.seconds = time.perf_counter() - started
    return load
