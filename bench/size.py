"""How long an answer is, whatever the length of the list."""

import json
import sys
from dataclasses import dataclass

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult

from bench.processes import environment, reading
from bench.questions import Question, ask, text_of
from bench.results import Row, Section, Sizes
from bench.service import TOKEN, serving
from bench.world import BenchCustomer

CHARACTERS_A_TOKEN = 4
BUDGET = 8000


@dataclass(frozen=True)
class Lengths:
    """Characters of both halves of an answer."""

    text: int
    structured: int

    @property
    def shown(self) -> str:
        return " + ".join(_shown(length) for length in (self.text, self.structured))


def measure(sizes: Sizes) -> Section:
    """The default answer of `list_devices` for customers of all sizes."""
    customers = [BenchCustomer(f"Size {devices}", devices) for devices in sizes.answers]
    with serving(customers) as base_url:
        ours, proxied = anyio.run(_lengths, customers, base_url, sizes.proxied)
    rows = []
    for customer in customers:
        raw = sum(len(page.decode()) for batch in customer.batches for page in customer.device_pages(batch))
        both, longest = ours[customer.devices], max(ours[customer.devices].text, ours[customer.devices].structured)
        rows.append(
            Row(
                f"{customer.devices:,} devices",
                both.shown,
                f"{_shown(raw)}; {proxied[customer.devices].shown if customer.devices in proxied else 'not asked'}",
                f"{longest / raw:.4f}" if raw else "",
                f"{BUDGET:,} characters each or less",
                met=longest <= BUDGET,
            )
        )
    return Section(
        "Size",
        "Characters (tokens, as characters / 4) of the text and of the structured content of a default answer of "
        "`list_devices`. Baseline: the pages' raw JSON; then both halves of the answer of a plain proxy tool, made "
        f"with the SDK, that returns all pages (asked up to {sizes.proxied:,} devices: with more it grows alike). "
        "The ratio is our longer half's to the raw JSON.",
        rows,
    )


async def _lengths(
    customers: list[BenchCustomer], base_url: str, most_proxied: int
) -> tuple[dict[int, Lengths], dict[int, Lengths]]:
    ours_parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "pc_mcp", "serve"], env=reading(base_url, TOKEN)
    )
    proxy_parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "bench.proxy", base_url], env=environment()
    )
    ours: dict[int, Lengths] = {}
    proxied: dict[int, Lengths] = {}
    async with Client(ours_parameters) as server, Client(proxy_parameters) as proxy:
        for customer in customers:
            arguments = {"customer": customer.id}
            ours[customer.devices] = _length(await ask(server, Question("size", "list_devices", arguments)))
            if customer.devices <= most_proxied:
                result = await proxy.call_tool("list_devices", arguments)
                if result.is_error:
                    raise RuntimeError(text_of(result)[:500])
                proxied[customer.devices] = _length(result)
    return ours, proxied


def _length(result: CallToolResult) -> Lengths:
    structured = json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"))
    return Lengths(len(text_of(result)), len(structured))


def _shown(characters: int) -> str:
    return f"{characters:,} ({-(-characters // CHARACTERS_A_TOKEN):,})"
