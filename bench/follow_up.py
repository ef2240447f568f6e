"""Questions about a customer that is read already, through a real client over stdio."""

import sys
import time
from collections import defaultdict
from itertools import islice

import anyio
from mcp import Client, StdioServerParameters

from bench.processes import environment, reading
from bench.questions import KINDS, ask, followups, warm
from bench.results import Row, Section, Sizes
from bench.service import TOKEN, serving
from bench.statistics import median, p99
from bench.world import BenchCustomer

Times = dict[str, list[tuple[float, float]]]
"""By kind of question: milliseconds of the smallest tool and of the answer after it."""


def measure(sizes: Sizes) -> Section:
    """On two customers, each against the same smallest server, call by call in turn."""
    rows = [
        *_rows(BenchCustomer("Many Batches", sizes.one_batch), sizes.questions, most_ms=50),
        *_rows(BenchCustomer("Million", sizes.million), sizes.slow_questions, most_ms=500),
    ]
    return Section(
        "A follow-up",
        "Milliseconds of a call of a warm server, median (99th percentile), through `mcp.Client` over stdio, against "
        "a call of the SDK's smallest tool right before it. The questions differ in what they filter by, and have "
        f"three groupings and 20 rows; {sizes.questions} calls of each kind on {sizes.one_batch:,} devices, "
        f"{sizes.slow_questions} on {sizes.million:,}. In the place of a ratio stands the median of the differences.",
        rows,
    )


def _rows(customer: BenchCustomer, questions: int, *, most_ms: float) -> list[Row]:
    with serving([customer]) as base_url:
        times = anyio.run(_times, customer, base_url, questions)
    rows = []
    for kind in KINDS:
        theirs, ours = ([pair[side] for pair in times[kind]] for side in (0, 1))
        more = median([pair[1] - pair[0] for pair in times[kind]])
        rows.append(
            Row(
                f"{customer.devices:,} devices, {kind}",
                f"{median(ours):.1f} ({p99(ours):.1f}) ms",
                f"{median(theirs):.1f} ({p99(theirs):.1f}) ms",
                f"{more:+.1f} ms",
                f"+{most_ms:g} ms or less",
                met=more <= most_ms,
            )
        )
    return rows


async def _times(customer: BenchCustomer, base_url: str, questions: int) -> Times:
    ours_parameters = StdioServerParameters(
        command=sys.executable, args=["-P", "-m", "pc_mcp", "serve"], env=reading(base_url, TOKEN)
    )
    smallest = StdioServerParameters(command=sys.executable, args=["-m", "bench.smallest"], env=environment())
    times: Times = defaultdict(list)
    async with Client(smallest) as theirs, Client(ours_parameters) as ours:
        await warm(ours, customer)
        # What is made at the first question of a kind only is part of no median.
        for question in islice(followups(customer), questions * len(KINDS)):
            started = time.perf_counter()
            await theirs.call_tool("hello", {})
            between = time.perf_counter()
            await ask(ours, question)
            ended = time.perf_counter()
            times[question.kind].append(((between - started) * 1000, (ended - between) * 1000))
    return times
