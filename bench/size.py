"""How long an answer is, whatever the length of the list."""

import sys
from collections.abc import Mapping, Sequence

import anyio
from mcp import Client, StdioServerParameters

from bench.lengths import lengths_of
from bench.processes import computed, reading
from bench.questions import Question, ask
from bench.results import Row, Section, Sizes
from bench.service import TOKEN, serving
from bench.world import BenchCustomer

CHARACTERS_A_TOKEN = 4
BUDGET = 8000


def measure(sizes: Sizes) -> Section:
    """The default answer of `list_devices` for customers of all sizes."""
    customers = [BenchCustomer(f"Size {devices}", devices) for devices in sizes.answers]
    rows = []
    with serving(customers) as base_url:
        answers = anyio.run(_ours, customers, base_url)
        for customer, ours in zip(customers, answers, strict=True):
            raw = sum(len(page.decode()) for batch in customer.batches for page in customer.device_pages(batch))
            proxied = computed("bench.proxy", base_url, customer.id)
            longest = max(ours.values())
            rows.append(
                Row(
                    f"{customer.devices:,} devices",
                    _shown(ours),
                    f"{_characters(raw)}; {_shown(proxied)}",
                    f"{longest / raw:.4f}" if raw else "",
                    f"{BUDGET:,} characters each or less",
                    met=longest <= BUDGET,
                )
            )
    return Section(
        "Size",
        "Characters (tokens, as characters / 4) of the text and of the structured content of a default answer of "
        "`list_devices`. Baseline: the pages' raw JSON; then both halves of the answer of a plain proxy tool, made "
        "with the SDK, that returns all pages. The ratio is our longer half's to the raw JSON.",
        rows,
    )


async def _ours(customers: Sequence[BenchCustomer], base_url: str) -> list[dict[str, int]]:
    parameters = StdioServerParameters(
        command=sys.executable, args=["-P", "-m", "pc_mcp", "serve"], env=reading(base_url, TOKEN)
    )
    async with Client(parameters) as client:
        questions = [Question("size", "list_devices", {"customer": customer.id}) for customer in customers]
        return [lengths_of(await ask(client, question)) for question in questions]


def _shown(lengths: Mapping[str, int]) -> str:
    return " + ".join(_characters(lengths[half]) for half in ("text", "structured"))


def _characters(number: int) -> str:
    return f"{number:,} ({-(-number // CHARACTERS_A_TOKEN):,})"
